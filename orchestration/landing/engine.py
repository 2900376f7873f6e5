"""The DuckDB connections that landing works with, and the quoting of their SQL."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

MEMORY_LIMIT = "2GB"  # whatever the size of the file; DuckDB spills to the work folder beyond it
THREADS = 2


def connect(work_dir: Path, database: str = ":memory:") -> duckdb.DuckDBPyConnection:
    """A connection with bounded memory that spills to `work_dir`, in UTC, keeping the order of what it reads."""
    connection = duckdb.connect(database, config={"threads": THREADS, "memory_limit": MEMORY_LIMIT})
    connection.execute(f"set temp_directory = {literal(str(work_dir / 'spill'))}")
    connection.execute("set preserve_insertion_order = true")
    connection.execute("set enable_progress_bar = false")
    return connection


class _Kept(threading.local):
    """The engine that a thread's files share, and the folder of the landing that it belongs to."""

    folder: Path | None = None
    engine: duckdb.DuckDBPyConnection | None = None


_kept = _Kept()


@contextmanager
def shared(work_dir: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """As `connect`, for what makes nothing but temporary tables: a session of an engine that this thread keeps for the
    other files of the landing, as to start one takes longer than to read a small file. It spills beside `work_dir`."""
    folder = work_dir.parent
    if _kept.engine is None or _kept.folder != folder:
        _let_go()
        _kept.folder, _kept.engine = folder, connect(folder / f"engine-{threading.get_ident()}")
    try:
        with _kept.engine.cursor() as session:
            yield session
    except duckdb.Error:
        # After some errors an engine refuses all further work; the next file must not pay for this one.
        _let_go()
        raise


def _let_go() -> None:
    """Close the engine that this thread keeps, if any."""
    engine, _kept.engine, _kept.folder = _kept.engine, None, None
    if engine is not None:
        with suppress(duckdb.Error):
            engine.close()


def literal(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
