"""Making a backup: the files that never change first, while runs may work; then, alone in the data folder, the rest and
the audit's tables; the manifest last; and a rename that makes it one."""

import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from orchestration import clock, runs
from orchestration import project as projects
from orchestration.backup import contents, tables
from orchestration.backup.manifest import DATA, NAME, TABLES, Entry, Manifest, SavedTable, to_text
from orchestration.backup.reading import PARTIAL, hashed, is_packed, manifest_of
from orchestration.backup.refusals import told
from orchestration.code_version import code_version
from orchestration.data_dir import DataDir
from orchestration.environment import Place, check_target
from orchestration.errors import BusyError, UsageError
from orchestration.landing.crash_points import crash_point
from orchestration.progress import Progress, Silent
from orchestration.runs import State


@dataclass(frozen=True)
class Made:
    """A backup that was made: where, what it says, how many of its files it shares with the one before, and which old
    ones were removed for it."""

    path: Path
    manifest: Manifest
    shared: int
    removed: tuple[str, ...]


def create(
    data_dir: Path,
    target: str,
    to: Path,
    *,
    without: Collection[str] = (),
    keep: int | None = None,
    wait: timedelta = timedelta(0),
    progress: Progress | None = None,
) -> Made:
    """Back a data folder up, with the audit of one engine.

    Args:
        to: a folder of backups, in which a new one appears, or a file `*.tar`, `*.tar.gz` that is not there yet.
        without: rooms to leave out, of `contents.OPTIONAL`.
        keep: how many backups of the engine the folder may hold, this one included; None for all.
        wait: how long to wait for a run at work.

    Raises:
        UsageError: it cannot be done as asked; BusyError: a run is at work, or another backup.
        BackupError: it cannot be written, and what was there before is as it was; or it is made, and an old one cannot
            be removed.
    """
    check_target(target)
    to, data = to.expanduser().absolute(), _data(data_dir)
    if to.resolve().is_relative_to(data.root):
        raise UsageError(f"--to {to} lies in the data folder {data.root}: what destroys the one destroys the other.")
    place = Place(data, target, replay=False)
    work = _Work(place, tuple(sorted(without)), wait, progress or Silent())
    with told(f"The backup cannot be written to {to}", "Nothing of it counts; the data folder is as it was."):
        return _packed(work, to) if is_packed(to) else _folder(work, to, keep)


def _data(data_dir: Path) -> DataDir:
    root = data_dir.expanduser()
    if not (root / "landing").is_dir() and not (root / "runs").is_dir():
        raise UsageError(f"--data-dir {data_dir} holds nothing to back up: nothing has landed and no run has been.")
    return DataDir.at(root)


@dataclass(frozen=True)
class _Work:
    """What every part of making a backup needs."""

    place: Place
    without: tuple[str, ...]
    wait: timedelta
    progress: Progress

    @property
    def data(self) -> DataDir:
        return self.place.data

    def alone(self) -> AbstractContextManager[None]:
        """Hold the data folder, after waiting for it."""
        return self.data.lock("tieout backup", self.wait.total_seconds(), self.progress.note)

    def manifest(self, backup_id: str, entries: list[Entry], saved: list[SavedTable]) -> Manifest:
        closed = (one for one in runs.all_of(self.data, self.place.target) if one.state == State.CLOSED)
        latest = max((one for one in closed if not one.replay), key=lambda one: one.run_id, default=None)
        said: dict[str, Any] = {}
        if latest is not None and latest.summary is not None:
            streams = latest.summary.get("streams", {})
            said = {
                "run_id": latest.run_id,
                "as_of": latest.as_of,
                "results_hashes": {name: figures.get("results_hash") for name, figures in streams.items()},
            }
        return Manifest(
            backup_id=backup_id,
            created_at=clock.to_text(clock.now()),
            target=self.place.target,
            version=importlib.metadata.version("tieout"),
            code_version=code_version(projects.project_dir()),
            left_out=self.without,
            latest=said,
            tables=tuple(saved),
            files=tuple(sorted(entries, key=lambda entry: entry.path)),
        )


def _new_id(target: str) -> str:
    return f"tieout-{target}-{clock.now():%Y%m%dT%H%M%SZ}"


# --- a folder ------------------------------------------------------------------------------------------------------


def _folder(work: _Work, to: Path, keep: int | None) -> Made:
    to.mkdir(parents=True, exist_ok=True)
    with _one_backup_at_a_time(to):
        for left in to.glob(f"{PARTIAL}*"):
            # What cannot be cleared away keeps no backup from being made.
            shutil.rmtree(left, ignore_errors=True)
        before = _newest(to, work.place.target)
        backup_id = _free_id(to, _new_id(work.place.target))
        partial = to / f"{PARTIAL}{backup_id}"
        partial.mkdir(mode=0o700)
        try:
            manifest, shared = _fill(work, partial, backup_id, before)
            final = to / backup_id
            partial.rename(final)
            _sync(to)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return Made(final, manifest, shared, _forget(to, work.place.target, keep, final))


@contextmanager
def _one_backup_at_a_time(to: Path) -> Iterator[None]:
    with (to / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"Another backup is being written to {to}. Wait until it has ended.") from error
        yield


def _of_target(to: Path, target: str) -> list[Path]:
    """The backups of an engine in a folder that were finished, oldest first."""
    return sorted(file.parent for file in to.glob(f"tieout-{target}-*/{NAME}"))


def _newest(to: Path, target: str) -> tuple[Path, Manifest] | None:
    for folder in reversed(_of_target(to, target)):
        manifest = manifest_of(folder)
        if manifest is not None:
            return folder, manifest
    return None


def _free_id(to: Path, wanted: str) -> str:
    """An id that no backup has, nor what is left of one; two of one second are told apart by a number that sorts."""
    number, found = 1, wanted
    while (to / found).exists() or (to / f"{PARTIAL}{found}").exists():
        number += 1
        found = f"{wanted}-{number}"
    return found


def _fill(work: _Work, partial: Path, backup_id: str, before: tuple[Path, Manifest] | None) -> tuple[Manifest, int]:
    """Write all of a backup into a folder."""
    copied = _Copies(work, partial, before)
    work.progress.phase("Copying")
    for path in contents.files_of(work.data.root, work.without, contents.IMMUTABLE):
        copied.take(path)
    crash_point("backup-mid-copy")
    with work.alone():
        work.progress.phase("Settling")
        copied.keep(set(contents.files_of(work.data.root, work.without)))
        (partial / TABLES).mkdir()
        with tempfile.TemporaryDirectory(dir=partial) as temporary:
            saved = [*_save_tables(work.place, partial / TABLES, Path(temporary))]
        entries = [
            *copied.entries.values(),
            *(_entry(partial / TABLES / one.file, f"{TABLES}/{one.file}") for one in saved),
        ]
        manifest = work.manifest(backup_id, entries, saved)
    crash_point("backup-before-manifest")
    with (partial / NAME).open("w", encoding="utf-8") as sink:
        sink.write(to_text(manifest))
        _flush(sink)
    _sync(partial)
    crash_point("backup-before-rename")
    return manifest, copied.shared


class _Copies:
    """The files of the data folder in a backup that is being written."""

    def __init__(self, work: _Work, partial: Path, before: tuple[Path, Manifest] | None) -> None:
        self.work, self.partial = work, partial
        self.before, self.known = (before[0], before[1].by_path()) if before else (None, {})
        self.entries: dict[str, Entry] = {}
        self.shared = 0
        self._made: set[Path] = set()

    def take(self, path: str) -> None:
        """Have a file, as it is now. One that went away meanwhile is none of the backup's."""
        source, inside = self.work.data.root / path, f"{DATA}/{path}"
        if contents.is_database(path):
            self._take_database(source, inside, path)
            return
        try:
            with source.open("rb") as content:
                state = os.fstat(content.fileno())
                had = self.entries.get(path)
                if had is not None and (had.bytes, had.mtime_ns) == (state.st_size, state.st_mtime_ns):
                    return
                self._write(content, inside, path, state)
        except FileNotFoundError:
            if not source.exists():
                return
            raise
        self.work.progress.step(len(self.entries), 0, path)

    def _take_database(self, source: Path, inside: str, path: str) -> None:
        target = self.partial / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        contents.snapshot(source, target)
        self.entries[path] = _entry(target, inside)

    def _write(self, content: IO[bytes], inside: str, path: str, state: os.stat_result) -> None:
        target = self.partial / inside
        if target.parent not in self._made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(target.parent)
        target.unlink(missing_ok=True)
        known = self.known.get(inside)
        if (
            self.before is not None
            and known is not None
            and (known.bytes, known.mtime_ns) == (state.st_size, state.st_mtime_ns)
            and _linked(self.before / inside, target, known)
        ):
            self.entries[path] = known
            self.shared += 1
            return
        with target.open("wb") as sink:
            size, sha256 = hashed(content, sink)
            _flush(sink)
        os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))
        self.entries[path] = Entry(inside, size, sha256, state.st_mtime_ns)

    def keep(self, paths: set[str]) -> None:
        """Have exactly these files: what changed or is new is copied, what is gone goes."""
        for path in self.entries.keys() - paths:
            (self.partial / DATA / path).unlink()
            del self.entries[path]
        for path in sorted(paths):
            self.take(path)


def _linked(old: Path, new: Path, known: Entry) -> bool:
    """Share a file with the backup before, where that still has it as it was written (size and time; `verify` looks at
    the content)."""
    try:
        state = old.lstat()
        if (state.st_size, state.st_mtime_ns) != (known.bytes, known.mtime_ns):
            return False
        os.link(old, new)
    except OSError:
        # Not there, or a disk that knows no links: it is copied.
        return False
    return True


def _forget(to: Path, target: str, keep: int | None, made: Path) -> tuple[str, ...]:
    """Remove the oldest backups of an engine beyond `keep`, never the one just made: by a clock that was put back its
    name may sort as the oldest. Each first loses its name, so that half a backup is none.

    Raises:
        BackupError: one cannot be removed. The one just made counts all the same.
    """
    if keep is None:
        return ()
    others = [folder for folder in _of_target(to, target) if folder != made]
    old = others[: max(len(others) - (keep - 1), 0)]
    for folder in old:
        with told(
            f"The backup {made} is made, and the old one {folder.name} could not be removed", "Remove it by hand."
        ):
            folder.rename(gone := to / f"{PARTIAL}{folder.name}")
            shutil.rmtree(gone)
    return tuple(folder.name for folder in old)


# --- one file ------------------------------------------------------------------------------------------------------


def _packed(work: _Work, to: Path) -> Made:
    if to.exists():
        raise UsageError(f"--to {to} is there already: a backup overwrites nothing.")
    to.parent.mkdir(parents=True, exist_ok=True)
    partial, scratch = to.with_name(f"{to.name}.partial"), to.with_name(f".{to.name}.partial")
    with work.alone():
        # What one that was killed has left.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        try:
            mode = "w|" if to.name.endswith(".tar") else "w|gz"
            with os.fdopen(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as sink:
                with tarfile.open(fileobj=sink, mode=mode, format=tarfile.PAX_FORMAT) as packed:
                    manifest = _pack(work, packed, _new_id(work.place.target), scratch)
                _flush(sink)
            crash_point("backup-before-rename")
            partial.rename(to)
            _sync(to.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return Made(to, manifest, 0, ())


def _pack(work: _Work, packed: tarfile.TarFile, backup_id: str, temporary: Path) -> Manifest:
    work.progress.phase("Copying")
    entries = []
    paths = list(contents.files_of(work.data.root, work.without))
    for number, path in enumerate(paths):
        work.progress.step(number, len(paths), path)
        file = work.data.root / path
        if contents.is_database(path):
            copy = temporary / "snapshot.sqlite"
            contents.snapshot(file, copy)
            file = copy
        try:
            entries.append(_add(packed, file, f"{DATA}/{path}"))
        except FileNotFoundError:
            # Somebody took it from the inbox meanwhile.
            continue
        crash_point("backup-mid-copy")
    (temporary / TABLES).mkdir()
    saved = [*_save_tables(work.place, temporary / TABLES, temporary)]
    entries += [_add(packed, temporary / TABLES / one.file, f"{TABLES}/{one.file}") for one in saved]
    manifest = work.manifest(backup_id, entries, saved)
    crash_point("backup-before-manifest")
    file = temporary / NAME
    file.write_text(to_text(manifest), encoding="utf-8")
    _add(packed, file, NAME)
    return manifest


class _Tee:
    """A file that is read with its SHA-256 worked out."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content, self.digest = content, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._content.read(size)
        self.digest.update(chunk)
        return chunk


def _add(packed: tarfile.TarFile, file: Path, name: str) -> Entry:
    """Put a file into a packed backup. It has the bytes that it had when it was opened: what is written to a file of
    the inbox meanwhile is none of it."""
    with file.open("rb") as content:
        state = os.fstat(content.fileno())
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = state.st_size, int(state.st_mtime), 0o600
        tee = _Tee(content)
        packed.addfile(info, tee)  # type: ignore[arg-type]
    return Entry(name, state.st_size, tee.digest.hexdigest(), state.st_mtime_ns)


# --- both ----------------------------------------------------------------------------------------------------------


def _save_tables(place: Place, folder: Path, temporary: Path) -> Iterator[SavedTable]:
    with tables.opened(place, temporary) as audit:
        for name in audit.names() if audit else ():
            yield audit.save(name, folder / f"{name}{audit.suffix}")


def _entry(file: Path, inside: str) -> Entry:
    with file.open("r+b") as content:
        size, sha256 = hashed(content)
        _flush(content)
    return Entry(inside, size, sha256, file.stat().st_mtime_ns)


def _flush(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
