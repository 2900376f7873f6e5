"""What backup, restore and purge share: telling of what a disk or an engine refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.backup.manifest import BackupError


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
