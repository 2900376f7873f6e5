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

# Beside the manifest: the key of what it was made of (see parsed.parse_key).
MADE_OF = "made-of"


def default_data_dir() -> str:
    """`TIEOUT_DATA_DIR`, else `data` where Dagster was started."""
    return os.environ.get("TIEOUT_DATA_DIR") or "data"


def default_target() -> str:
    """`TIEOUT_TARGET`, else DuckDB."""
    return os.environ.get("TIEOUT_TARGET") or "duckdb"


def manifest_path(project: Path) -> Path:
    """dbt's manifest of the project as it stands, parsed anew when it was made of another state of it.

    Raises:
        UsageError: the project does not parse; the message is dbt's.
    """
    place = Place(DataDir.at(default_data_dir()), default_target(), replay=False)
    target = place.data.dbt / "dagster"
    manifest, made_of = target / parsed.MANIFEST, target / MADE_OF
    target.mkdir(parents=True, exist_ok=True)
    # No time of a file tells it: one that was removed has none, and those of an image are as old as the image.
    key = parsed.parse_key(project, place)
    # Dagster loads definitions in several processes at once: one parses, the others wait.
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not manifest.is_file() or not made_of.is_file() or made_of.read_text(encoding="utf-8") != key:
            made_of.unlink(missing_ok=True)
            _make_manifest(project, place, target, key)
            made_of.write_text(key, encoding="utf-8")
    return manifest


def _make_manifest(project: Path, place: Place, target: Path, key: str) -> None:
    """The manifest that a run has kept of this very project, else a new one."""
    kept = project / parsed.FOLDER / key / parsed.MANIFEST
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
