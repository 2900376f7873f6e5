"""The versions of the published copy, and the swap from one to the next.

`published` is a link to `.versions/<n>`. A version is written in its own folder, which nothing points to, and becomes
visible by one rename of the link: a crash leaves the old version or the new one, never a mixture. A reader that has
opened the old one keeps it; the last `KEPT` versions stay on disk for those that look files up again.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from orchestration.data_dir import DataDir

KEPT = 3
MANIFEST = "manifest.json"


def current(data: DataDir) -> Path | None:
    """The folder of the version that readers see."""
    if not data.published.is_symlink():
        return None
    target = data.published.resolve()
    return target if (target / MANIFEST).is_file() else None


def manifest(version: Path | None) -> dict[str, Any]:
    """What a version holds; empty when there is none."""
    return json.loads((version / MANIFEST).read_text(encoding="utf-8")) if version else {}


def begin(data: DataDir) -> Path:
    """An empty folder for the next version. Folders that a crash left unfinished go; those above the current one
    were never seen."""
    now = current(data)
    number = int(now.name) if now else 0
    data.versions.mkdir(exist_ok=True)
    for folder in data.versions.iterdir():
        if not folder.name.isdigit() or int(folder.name) > number:
            shutil.rmtree(folder, ignore_errors=True)
    version = data.versions / str(number + 1)
    (version / "marts").mkdir(parents=True)
    return version


def swap(data: DataDir, version: Path) -> None:
    """Make a version the one that readers see, by one rename, and drop those that are too old."""
    link = data.root / ".published.new"
    link.unlink(missing_ok=True)
    # Relative, so that the data folder may be moved as a whole.
    link.symlink_to(Path(data.versions.name) / version.name)
    link.replace(data.published)
    for folder in data.versions.iterdir():
        if folder.name.isdigit() and int(folder.name) <= int(version.name) - KEPT:
            shutil.rmtree(folder, ignore_errors=True)
