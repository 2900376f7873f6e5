"""The DuckDB connections that landing works with, and the quoting of their SQL."""

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


def literal(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
