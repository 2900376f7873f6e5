"""The data folder: where everything of a run lies (docs/architecture.md), and the lock that lets one run work at a
time."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import BusyError, UsageError

# Where a restore lies until it is whole; what it leaves when it is killed.
RESTORING = ".restoring"


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
    def lock(self, what: str) -> Iterator[None]:
        """Hold the data folder alone until the block ends; the system frees the lock of a process that dies.

        Raises:
            BusyError: another process holds it; the message says which.
        """
        file = self.root / ".lock"
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o644), "r+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = handle.read().strip() or "unknown"
                raise BusyError(
                    f"{self.root} is in use by another run ({holder}). Wait until it has ended, or stop it,"
                    " and try again."
                ) from error
            handle.seek(0)
            handle.truncate()
            handle.write(f"process {os.getpid()}, {what}")
            handle.flush()
            try:
                yield
            finally:
                handle.seek(0)
                handle.truncate()
                handle.flush()


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
