"""dbt's manifest of the project, for Dagster: there before anything is run, and as new as the project. Without Dagster
itself, which takes seconds to import."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from orchestration import parsed
from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.errors import UsageError


def default_data_dir() -> str:
    """`TIEOUT_DATA_DIR`, else `data` where Dagster was started."""
    return os.environ.get("TIEOUT_DATA_DIR") or "data"


def default_target() -> str:
    """`TIEOUT_TARGET`, else DuckDB."""
    return os.environ.get("TIEOUT_TARGET") or "duckdb"


def manifest_path(project: Path) -> Path:
    """dbt's manifest of the project as it stands, parsed when a file of it is newer.

    Raises:
        UsageError: the project does not parse; the message is dbt's.
    """
    place = Place(DataDir.at(default_data_dir()), default_target(), replay=False)
    target = place.data.dbt / "dagster"
    manifest = target / "manifest.json"
    target.mkdir(parents=True, exist_ok=True)
    # Dagster loads definitions in several processes at once: one parses, the others wait.
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not manifest.is_file() or manifest.stat().st_mtime < _newest(project):
            _make_manifest(project, place, target)
    return manifest


def _newest(project: Path) -> float:
    """When a file that dbt parses last changed."""
    folders = ("models", "macros", "seeds", "snapshots", "tests/laws", "tests/generic")
    files = [file for folder in folders for file in (project / folder).rglob("*") if file.is_file()]
    return max(file.stat().st_mtime for file in [project / "dbt_project.yml", project / "profiles.yml", *files])


def _make_manifest(project: Path, place: Place, target: Path) -> None:
    """The manifest that a run has kept of this very project, else a new one."""
    kept = project / parsed.FOLDER / parsed.parse_key(project, place) / parsed.MANIFEST
    if kept.is_file():
        fresh = target / f".{parsed.MANIFEST}.{os.getpid()}"
        shutil.copyfile(kept, fresh)
        fresh.replace(target / parsed.MANIFEST)
        return
    _parse(project, place, target)


def _parse(project: Path, place: Place, target: Path) -> None:
    """Run `dbt parse` in a process of its own: dbt in this one would leave its state behind."""
    arguments = ["--project-dir", project, "--profiles-dir", project, "--target", place.target, "--target-path", target]
    done = subprocess.run(
        [Path(sys.executable).parent / "dbt", "--no-use-colors", "--quiet", "parse", *arguments],
        env={
            **os.environ,
            "TIEOUT_DATA_DIR": str(place.data.root),
            "TIEOUT_DUCKDB_PATH": str(place.duckdb_path),
            "DBT_LOG_PATH": str(place.data.dbt / "logs"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UsageError(f"The dbt project does not parse:\n{done.stdout}{done.stderr}")
