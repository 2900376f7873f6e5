"""The manifest that Dagster's definitions are made of is that of the project as it stands."""

import os
import shutil
from pathlib import Path

import pytest

from orchestration import manifests, parsed
from orchestration.errors import UsageError
from orchestration.project import load_streams
from tests.python.pipeline.conftest import MINI


@pytest.fixture
def project(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mini project, and a data folder for its manifest."""
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data_dir))
    return Path(shutil.copytree(MINI, tmp_path / "project", ignore=shutil.ignore_patterns("target")))


def test_it_is_made_once_for_each_state_of_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def parse(project: Path, place: object, target: Path) -> None:
        made.append("parsed")
        (target / parsed.MANIFEST).write_text(f"{len(made)}")

    def said() -> str:
        return manifests.manifest_path(project).read_text()

    monkeypatch.setattr(manifests, "_parse", parse)
    assert [said(), said()] == ["1", "1"]
    (project / "models/marts/exceptions.sql").unlink()
    assert [said(), said()] == ["2", "2"], "a file that is gone has no time of change"
    # As a new image brings it, whose files are older than what the one before made.
    (project / "macros/mini.sql").write_text((project / "macros/mini.sql").read_text() + "\n")
    os.utime(project / "macros/mini.sql", (0, 0))
    assert [said(), said()] == ["3", "3"]
    monkeypatch.setenv("TIEOUT_TARGET", "duckdb")
    assert said() == "3"
    monkeypatch.setenv("TIEOUT_SCHEMA_PREFIX", "other_")
    assert said() == "4"


def test_one_that_was_not_made_to_its_end_is_made_anew(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(project: Path, place: object, target: Path) -> None:
        (target / parsed.MANIFEST).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(manifests, "_parse", parse)
    with pytest.raises(OSError, match="No space"):
        manifests.manifest_path(project)
    monkeypatch.setattr(manifests, "_parse", lambda _, __, target: (target / parsed.MANIFEST).write_text("whole"))
    assert manifests.manifest_path(project).read_text() == "whole"


@pytest.mark.parametrize("written", [b"name: [", b"- name", b"name: caf\xe9", b"vars: 3"])
def test_settings_that_nobody_can_read_are_told_with_their_file(project: Path, written: bytes) -> None:
    (project / "dbt_project.yml").write_bytes(written)
    for ask in (manifests.manifest_path, load_streams):
        with pytest.raises(UsageError, match=r"dbt_project\.yml|does not parse"):
            ask(project)
