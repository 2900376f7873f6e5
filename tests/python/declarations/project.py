"""Copies of the dbt project, to be broken or extended."""

import shutil
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
PARTS = ("macros", "models", "seeds", "snapshots", "tests/generic", "tests/laws")
FILES = ("dbt_project.yml", "profiles.yml")


def copy(folder: Path, *, parts: tuple[str, ...] = PARTS) -> Path:
    """A copy of the project's dbt parts; returns its folder."""
    for part in parts:
        shutil.copytree(ROOT / part, folder / part)
    for file in FILES:
        shutil.copyfile(ROOT / file, folder / file)
    return folder


def registry(project: Path) -> dict[str, Any]:
    """The settings of a copy, whose `vars` hold the registry."""
    settings: dict[str, Any] = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    return settings


def write_registry(project: Path, settings: dict[str, Any]) -> None:
    """Put changed settings back into a copy."""
    (project / "dbt_project.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def write(project: Path, path: str, text: str) -> None:
    """Write one file of a copy."""
    file = project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
