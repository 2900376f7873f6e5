"""What backup, restore and purge share: holding the data folder for what a timer starts, and telling of what a disk or
an engine refused."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import duckdb

from orchestration.backup.manifest import BackupError
from orchestration.data_dir import DataDir
from orchestration.errors import BusyError
from orchestration.progress import Progress

# Seconds between two tries.
PAUSE = 0.5


@contextmanager
def held(data: DataDir, what: str, wait: timedelta, progress: Progress) -> Iterator[None]:
    """Hold the data folder alone until the block ends.

    Raises:
        BusyError: somebody else holds it still when the wait is over; the message says who.
    """
    deadline, told = time.monotonic() + wait.total_seconds(), False
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(data.lock(what))
                break
            except BusyError as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
                if not told:
                    progress.note(f"{error} Waiting for it.")
                    told = True
                time.sleep(min(PAUSE, left))
        yield


@contextmanager
def told(what: str, then: str) -> Iterator[None]:
    """Tell of what a disk or an engine refused in one message: what could not be done, why, and how things stand
    `then`."""
    import psycopg2

    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise BackupError(f"{what}: {error.strerror or error}{where}. {then}") from error
    except (duckdb.Error, psycopg2.Error) as error:
        raise BackupError(f"{what}: {' '.join(str(error).split())}. {then}") from error
