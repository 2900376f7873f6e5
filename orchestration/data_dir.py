"""The data folder: where everything of a run lies (docs/architecture.md), and the lock that lets one run work at a
time."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import BusyError, UsageError
from orchestration.waiting import Patience, nobody

# Where a restore lies until it is whole; what it leaves when it is killed.
RESTORING = ".restoring"

# Who holds the data folder for a moment only, every minute: others wait so many seconds for them, asked to or not.
ALERTS, SETTLING = "tieout alerts", "settling the audit"
SHORT_HOLDERS = (ALERTS, SETTLING)
SHORT_WAIT = 10.0


@dataclass(frozen=True)
class DataDir:
    """The paths inside one data folder. `root` is absolute and free of links."""

    root: Path

    @classmethod
    def at(cls, path: Path | str) -> "DataDir":
        """The data folder at a path, made when it is not there.

        Raises:
            UsageError: the path is a file, or the folder cannot be made.
        """
        root = Path(path).expanduser().resolve()
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--data-dir {path}: cannot make this folder ({error.strerror}).") from error
        return cls(root)

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """A link to the version that readers see."""
        return self.root / "published"

    @property
    def versions(self) -> Path:
        return self.root / ".versions"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def replay_warehouse(self) -> Path:
        """Named like the real one, so that dbt compiles the same catalog name into a replay."""
        return self.root / "replays" / "warehouse.duckdb"

    @property
    def dbt(self) -> Path:
        return self.root / ".dbt"

    @contextmanager
    def lock(
        self,
        what: str,
        wait: float | Patience = 0.0,
        tell: Callable[[str], None] | None = None,
        *,
        restoring: bool = False,
    ) -> Iterator[None]:
        """Hold the data folder alone until the block ends; the system frees the lock of a process that dies. Who only
        tells alerts or settles the audit is waited for whatever `wait` says; neither waits for the other.

        Args:
            what: what this process is, for those who find the folder in use.
            wait: seconds to wait while another holds it, or a patience that other waits share; 0: not at all.
            tell: hears who holds it.
            restoring: this process restores a backup into the folder; nobody else works in half of one.

        Raises:
            BusyError: another process holds it; the message says which.
            UsageError: the folder is a restore that was cut off.
        """
        patience = wait if isinstance(wait, Patience) else Patience(wait, tell or nobody)
        handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if what not in SHORT_HOLDERS:
                Patience(SHORT_WAIT).until(lambda: self._pass_short(handle))
            patience.until(lambda: self._take(handle))
            if not restoring:
                self.check_whole()
            _note(handle, f"process {os.getpid()}, {what}")
            try:
                yield
            finally:
                _note(handle, "")
        finally:
            os.close(handle)

    def _pass_short(self, handle: int) -> None:
        """Take the lock, or leave it where somebody holds it who will not let go of it in a moment."""
        try:
            self._take(handle)
        except BusyError:
            # Without a name somebody has only just taken it, or looks whether it is held.
            if (said := _noted(handle)) and not said.endswith(tuple(f", {name}" for name in SHORT_HOLDERS)):
                return
            raise

    def check_whole(self) -> None:
        """Refuse a folder that is a restore that was cut off.

        Raises:
            UsageError: it is; the message says what to do.
        """
        if (self.root / RESTORING).exists():
            raise UsageError(
                f"{self.root} holds a restore that was cut off: a part of what it had is not there. Remove that folder"
                " (on Postgres the database too) and restore again."
            )

    def _take(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _noted(handle) or "unknown"
            raise BusyError(
                f"{self.root} is in use by another run ({holder}). Wait until it has ended (`--wait 10m` does), or"
                " stop it, and try again.",
                f"another run ({holder})",
            ) from error


def _noted(handle: int) -> str:
    """Who the lock's file says holds it."""
    return os.pread(handle, 4096, 0).decode("utf-8", "replace").strip()


def _note(handle: int, holder: str) -> None:
    """Say in the lock's file who holds it. A full disk does not keep anybody from holding it."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, holder.encode("utf-8"), 0)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all, a power cut right afterwards included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as sink:
            sink.write(json.dumps(content, indent=2) + "\n")
            sink.flush()
            # Else the name may be on disk before the bytes are.
            os.fsync(sink.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
