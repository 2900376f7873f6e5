"""Which files of a data folder a backup holds: all of them but what the next run makes again. So whatever a later
version keeps there is in the backup without anybody thinking of it."""

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

# Made again by the next run, or of no meaning elsewhere. Hidden files and folders (scratch, locks, dbt's and Dagster's
# folders, old published versions) are left out as well.
REBUILT = ("warehouse.duckdb", "warehouse.duckdb.wal", "published", "replays", "logs", "health")
# Never changed once they are there: they may be copied while a run is at work.
IMMUTABLE = ("landing", "artifacts", "archive")
# What a backup may leave out: originals whose content stands in landing, files that could not be read, what waits, and
# the results of quick reconciliations.
OPTIONAL = ("archive", "failed", "inbox", "quick")
# What people and connectors deliver: whatever it is called, it is kept byte by byte.
_AS_IT_IS = (*IMMUTABLE, "inbox", "failed")
# Databases of our own (what connectors have taken), and what SQLite keeps beside one while it is written to.
DATABASE = ".sqlite"
_BESIDE_A_DATABASE = tuple(f"{DATABASE}-{part}" for part in ("wal", "shm", "journal"))
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
        if entry.name.startswith(".") or entry.is_symlink() or _is_beside_a_database(path):
            continue
        if entry.is_file():
            yield path
        elif entry.is_dir() and not _is_scratch(path):
            yield from _walk(Path(entry.path), path)


def _is_scratch(path: str) -> bool:
    parts = path.split("/")
    return parts[0] == "quick" and len(parts) == 3 and parts[2] in _SCRATCH_OF_QUICK


def is_database(path: str) -> bool:
    """Whether a file of the data folder is a database that another process may write to just now."""
    return path.endswith(DATABASE) and path.split("/")[0] not in _AS_IT_IS


def _is_beside_a_database(path: str) -> bool:
    return path.endswith(_BESIDE_A_DATABASE) and path.split("/")[0] not in _AS_IT_IS


def snapshot(database: Path, copy: Path) -> None:
    """Copy one state of an SQLite database, whoever writes to it meanwhile.

    Raises:
        OSError: it cannot be read, or the copy not be written.
    """
    copy.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(database, timeout=60)) as source, closing(sqlite3.connect(copy)) as sink:
            source.backup(sink)
            sink.execute("pragma journal_mode = delete")
    except sqlite3.Error as error:
        raise OSError(None, f"{error}", str(database)) from error
