"""Schemas of one's own on a shared Postgres: a slot that one quick reconciliation holds at a time, and that is empty
before and after."""

from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.errors import BusyError
from orchestration.running import SCHEMAS
from orchestration.warehouse import connect_postgres, quoted

SLOTS = 16
# Half of an advisory lock's key; the other half is the slot.
LOCK_CLASS = 1_953_064_293


@contextmanager
def own_schemas(prefix: str) -> Iterator[str]:
    """A prefix of schemas that nobody else uses while the block lasts. The server frees the slot of a process that
    dies; who takes it next removes what lies there. Slots, not names without end: dbt's parse depends on the name.

    Raises:
        BusyError: every slot is taken.
    """
    connection = connect_postgres()
    connection.rollback()
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for slot in range(1, SLOTS + 1):
                cursor.execute("select pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, slot))
                if cursor.fetchone()[0]:
                    break
            else:
                raise BusyError(
                    f"{SLOTS} quick reconciliations are at work in this database. Try again when one has ended."
                )
            own = f"{prefix}tieout_quick_{slot}_"
            _drop(cursor, own)
            try:
                yield own
            finally:
                _drop(cursor, own)
    finally:
        connection.close()


def _drop(cursor: object, prefix: str) -> None:
    for schema in SCHEMAS:
        cursor.execute(f"drop schema if exists {quoted(prefix + schema)} cascade")  # type: ignore[attr-defined]
