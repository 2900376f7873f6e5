"""Which files of a data folder a backup holds: all of them but what the next run makes again. So whatever a later
version keeps there is in the backup without anybody thinking of it."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

# Made again by the next run, or of no meaning elsewhere. Hidden files and folders (scratch, locks, dbt's and Dagster's
# folders, old published versions) are left out as well.
REBUILT = ("warehouse.duckdb", "warehouse.duckdb.wal", "published", "replays", "logs", "health")
# Never changed once they are there: they may be copied while a run is at work.
IMMUTABLE = ("landing", "artifacts", "archive")
# What a backup may leave out: originals whose content stands in landing, files that could not be read, what waits, and
# the results of quick reconciliations.
OPTIONAL = ("archive", "failed", "inbox", "quick")
# Of a quick reconciliation, while it works.
_SCRATCH_OF_QUICK = ("data", "look")


def files_of(root: Path, without: Collection[str] = (), only: Collection[str] | None = None) -> Iterator[str]:
    """The paths of files to back up, relative to the data folder, sorted. `only`: the rooms to look at. A room may be a
    link to another disk; other links are not followed."""
    for name in sorted(room.name for room in root.iterdir()):
        if name.startswith(".") or name in REBUILT or name in without or (only is not None and name not in only):
            continue
        room = root / name
        if room.is_dir():
            yield from _walk(room, name)
        elif room.is_file():
            yield name


def _walk(folder: Path, shown: str) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = f"{shown}/{entry.name}"
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_file():
            yield path
        elif entry.is_dir() and not _is_scratch(path):
            yield from _walk(Path(entry.path), path)


def _is_scratch(path: str) -> bool:
    parts = path.split("/")
    return parts[0] == "quick" and len(parts) == 3 and parts[2] in _SCRATCH_OF_QUICK
