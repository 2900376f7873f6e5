"""Removing what runs leave behind and nobody needs any more: dbt's folders, published versions that no link leads to,
rotated logs, outputs of Dagster's old runs. Landing, the audit, artifacts, run records, archive, failed files and
backups are never touched, nor anything that this module does not know."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration import parsed
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError
from orchestration.progress import Progress, Silent
from orchestration.publish import versions

# dbt's folder of Dagster's definitions: read as long as Dagster runs, written only when the project changes.
_OF_DEFINITIONS = "dagster"
# A folder that dagster-dbt makes for one call of dbt: <op>-<7 of the run's id>-<7 of another>.
_CALL = re.compile(r".+-[0-9a-f-]{7}-[0-9a-f-]{7}|[0-9a-f-]{7}")
_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A log that is not written to any more: tieout.jsonl.1, dbt.log.2026-11-01.gz, and the like.
_ROTATED = re.compile(r".+\.(log|jsonl|json|txt)([.-].+)|.+\.gz")


@dataclass(frozen=True)
class Leftover:
    """A file or folder that may go: its kind, when something in it last changed, and its bytes."""

    path: Path
    kind: str
    changed_at: datetime
    bytes: int

    def to_json(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "kind": self.kind,
            "changed_at": self.changed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "bytes": self.bytes,
        }


def purge(
    data: DataDir,
    project: Path,
    dagster_home: Path | None,
    now: datetime,
    age: timedelta,
    *,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
    progress: Progress | None = None,
) -> list[Leftover]:
    """Remove leftovers in which nothing has changed for `age`, and return them, oldest first. `dry_run` removes none.
    `wait`: how long to wait for a run at work.

    Raises:
        BusyError: a run is at work still.
        TieoutError: something could not be removed; all else was.
    """
    left = []
    with data.lock("tieout purge", wait.total_seconds(), (progress or Silent()).note):
        found = sorted(_old(data, project, dagster_home, now - age), key=lambda one: (one.changed_at, one.path))
        if not dry_run:
            for one in found:
                try:
                    _remove(one.path)
                except OSError as error:
                    left.append(f"{error.filename or one.path}: {error.strerror or error}")
    if left:
        raise TieoutError(
            f"{len(left)} of {len(found)} leftovers could not be removed, the others were: {'; '.join(left[:5])}"
            f"{'; ...' if len(left) > 5 else ''}. Remove them by hand, or let this user do so."
        )
    return found


def _old(data: DataDir, project: Path, dagster_home: Path | None, before: datetime) -> Iterator[Leftover]:
    for path, kind in _candidates(data, project, dagster_home):
        try:
            changed_at, size = _measured(path, before)
        except FileNotFoundError:
            continue  # whoever writes there has just turned it over, or removed it: it is in use
        if changed_at < before:
            yield Leftover(path, kind, changed_at, size)


def _candidates(data: DataDir, project: Path, dagster_home: Path | None) -> Iterator[tuple[Path, str]]:
    """All that may ever go, with what it is."""
    for path in _inside(data.dbt):
        if path.is_dir() and path.name not in (_OF_DEFINITIONS, "logs"):
            yield path, "dbt target folder"
    for path in (*_inside(data.dbt / "logs"), *_inside(data.root / "logs"), *_inside(project / "logs")):
        if path.is_file() and _ROTATED.fullmatch(path.name):
            yield path, "rotated log"
    now = versions.current(data)
    for path in _inside(data.versions):
        # Without a link nobody knows which one readers saw last: all stay.
        if now is not None and path.resolve() != now:
            yield path, "published version"
    for path in (data.replay_warehouse.parent, data.root / ".tmp"):
        if path.is_dir():
            yield path, "scratch"
    target = project / parsed.FOLDER.parent
    for path in _inside(project / parsed.FOLDER):
        yield path, "parsed project"
    for path in _inside(target):
        if path.is_dir() and _CALL.fullmatch(path.name):
            yield path, "dbt target folder"
    for home in dict.fromkeys(home for home in (data.root / ".dagster", dagster_home) if home is not None):
        for path in _inside(home / "storage"):
            # What a run printed; that it was, and how it went, Dagster's own storage keeps.
            if path.is_dir() and _RUN_ID.fullmatch(path.name):
                yield path, "output of a Dagster run"


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _measured(path: Path, enough: datetime) -> tuple[datetime, int]:
    """When something in a file or folder last changed, and its bytes; what changed after `enough` is not looked at
    further."""
    newest, size = _changed_at(path), 0
    if not path.is_dir() or path.is_symlink():
        return newest, path.lstat().st_size
    for folder, _, files in os.walk(path):
        for name in files:
            file = Path(folder) / name
            newest, size = max(newest, _changed_at(file)), size + file.lstat().st_size
        if newest >= enough:
            break
    return newest, size


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.lstat().st_mtime, UTC)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
