"""Reading a warehouse after a build, the same way on every engine.

Publishing and the summary read through DuckDB or psycopg2 directly, not through dbt: they need cursors that stream.
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from orchestration.environment import Place
from orchestration.errors import BusyError, TieoutError, UsageError
from orchestration.waiting import Patience

# Memory of the DuckDB that reads and publishes; it spills beyond.
MEMORY_VARIABLE = "TIEOUT_DUCKDB_MEMORY"


@dataclass(frozen=True)
class Column:
    """A column and its DuckDB type."""

    name: str
    type: str


class Warehouse(ABC):
    """A built warehouse, open for reading. `connection` is a DuckDB to write copies with."""

    connection: duckdb.DuckDBPyConnection

    @abstractmethod
    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query in the plain SQL that both engines share; `{schema}` in a name: see `relation`."""

    @abstractmethod
    def relation(self, schema: str, name: str) -> str:
        """A relation's name as it stands in a query."""

    @abstractmethod
    def columns(self, schema: str, name: str) -> list[Column]:
        """A relation's columns in order, with the DuckDB types that a copy keeps; none when it does not exist."""

    @abstractmethod
    def names(self, schema: str, name: str) -> list[str]:
        """The names of a relation's columns in order; none when it does not exist."""

    @abstractmethod
    def content_hash(self, columns: list[str]) -> str:
        """An expression over one row: an integer that changes when any of these columns does."""

    @abstractmethod
    @contextmanager
    def readable(self, schema: str, name: str, where: str, chosen: Collection[str] = ()) -> Iterator[str]:
        """The rows of a relation that meet a condition, as something that `connection` can select from: all columns, or
        those `chosen`."""


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def scratch_connection(temporary: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that spills into a folder and keeps no order, so that its memory stays bounded.

    Raises:
        UsageError: the environment says no size of memory.
    """
    memory = os.environ.get(MEMORY_VARIABLE, "4GB")
    try:
        connection = duckdb.connect(
            config={"memory_limit": memory, "temp_directory": str(temporary), "preserve_insertion_order": False}
        )
    except duckdb.ParserException as error:
        raise UsageError(f"{MEMORY_VARIABLE}: {memory!r} is no size of memory, such as 4GB or 500MB.") from error
    # Not a start-up setting: it belongs to an extension that is loaded later.
    connection.execute("set TimeZone = 'UTC'")
    return connection


def not_opened(path: Path, error: duckdb.Error) -> TieoutError:
    """What keeps a DuckDB file from being opened: another process that has it open, or something worse."""
    text = str(error)
    if "set lock on file" not in text:
        return TieoutError(f"The warehouse {path} cannot be opened: {text}")
    found = re.search(r"lock is held in (.+? \(PID \d+\))", text)
    holder = found.group(1) if found else "an unknown process"
    return BusyError(
        f"The warehouse {path} is open in another program, {holder}. DuckDB lets nobody write while anybody else has"
        " the file open, and nobody read while somebody writes. Close it there, or wait for it (`--wait 10m` does),"
        f" and try again. Who only reads should open the published copy: {path.parent}/published/tieout.duckdb.",
        f"the warehouse {path.name}, open in {holder}",
    )


class DuckDbWarehouse(Warehouse):
    """The DuckDB file, attached read-only under its own name, because dbt writes that name into its views."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        try:
            connection.execute(f"attach {literal(str(path))} as {quoted(path.stem)} (read_only)")
        except duckdb.IOException as error:
            raise not_opened(path, error) from error
        connection.execute(f"use {quoted(path.stem)}")
        self._catalog = path.stem

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def relation(self, schema: str, name: str) -> str:
        return f"{quoted(self._catalog)}.{quoted(schema)}.{quoted(name)}"

    @cached_property
    def _described(self) -> dict[tuple[str, str], list[Column]]:
        """The columns of every relation. DuckDB goes through its whole catalog for one as well, and while the file is
        open to be read nobody changes it."""
        found: dict[tuple[str, str], list[Column]] = {}
        for schema, name, *column in self.connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns()"
            " where database_name = ? order by table_oid, column_index",
            [self._catalog],
        ).fetchall():
            found.setdefault((schema, name), []).append(Column(*column))
        return found

    def columns(self, schema: str, name: str) -> list[Column]:
        return self._described.get((schema, name), [])

    def names(self, schema: str, name: str) -> list[str]:
        return [column.name for column in self.columns(schema, name)]

    def content_hash(self, columns: list[str]) -> str:
        return f"hash({', '.join(map(quoted, columns))})"

    @contextmanager
    def readable(self, schema: str, name: str, where: str, chosen: Collection[str] = ()) -> Iterator[str]:
        yield f"(select * from {self.relation(schema, name)} where {where})"


class PostgresWarehouse(Warehouse):
    """A Postgres database. Rows leave it by COPY into a file that DuckDB reads, so that nothing passes through
    Python objects."""

    # DuckDB's names of the types that the marts have; a decimal keeps its precision and scale.
    _TYPES = {  # noqa: RUF012 - a constant of the class
        "bigint": "BIGINT",
        "integer": "INTEGER",
        "smallint": "SMALLINT",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp without time zone": "TIMESTAMP",
        "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
        "text": "VARCHAR",
        "character varying": "VARCHAR",
        "double precision": "DOUBLE",
    }

    def __init__(self, place: Place, connection: duckdb.DuckDBPyConnection, temporary: Path) -> None:
        self.connection = connection
        self._prefix = place.schema_prefix
        self._temporary = temporary
        self.postgres = connect_postgres()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.postgres.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def relation(self, schema: str, name: str) -> str:
        return f"{quoted(self._prefix + schema)}.{quoted(name)}"

    def columns(self, schema: str, name: str) -> list[Column]:
        return [Column(column, self._duckdb_type(*kind)) for column, *kind in self._described(schema, name)]

    def names(self, schema: str, name: str) -> list[str]:
        return [column for column, *_ in self._described(schema, name)]

    def _described(self, schema: str, name: str) -> list[tuple[Any, ...]]:
        with self.postgres.cursor() as cursor:
            cursor.execute(
                "select column_name, data_type, numeric_precision, numeric_scale from information_schema.columns"
                " where table_schema = %s and table_name = %s order by ordinal_position",
                (self._prefix + schema, name),
            )
            return cursor.fetchall()

    def _duckdb_type(self, kind: str, precision: int | None, scale: int | None) -> str:
        if kind == "numeric":
            if precision is None:
                # It has no exact twin: any precision chosen here could round somebody's money.
                raise TieoutError(
                    "A mart has a numeric column without a precision: its contract must say numeric(p, s)."
                )
            return f"DECIMAL({precision},{scale or 0})"
        if kind not in self._TYPES:
            raise TieoutError(f"A mart has a column of the Postgres type {kind}, which publishing does not know.")
        return self._TYPES[kind]

    def content_hash(self, columns: list[str]) -> str:
        return f"hashtextextended(row({', '.join(map(quoted, columns))})::text, 0)::numeric"

    @contextmanager
    def readable(self, schema: str, name: str, where: str, chosen: Collection[str] = ()) -> Iterator[str]:
        columns = [
            Column(column, self._duckdb_type(*kind))
            for column, *kind in self._described(schema, name)
            if not chosen or column in chosen
        ]
        listed = ", ".join(quoted(column.name) for column in columns)
        file = self._temporary / f"{name}.csv"
        with self.postgres.cursor() as cursor, file.open("wb") as sink:
            # Quoting everything is what tells an empty text from a null.
            cursor.copy_expert(
                f"copy (select {listed} from {self.relation(schema, name)} where {where})"
                " to stdout (format csv, force_quote *)",
                sink,
            )
        types = ", ".join(f"{literal(c.name)}: {literal(c.type)}" for c in columns)
        try:
            yield (
                f"read_csv({literal(str(file))}, header = false, auto_detect = false, delim = ',',"
                f" quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false,"
                f" max_line_size = 16777216, columns = {{{types}}})"
            )
        finally:
            file.unlink(missing_ok=True)


def postgres_kwargs() -> dict[str, Any]:
    """How to reach Postgres, from the variables that `profiles.yml` reads too, with the same defaults."""
    port = os.environ.get("TIEOUT_PG_PORT", "5432")
    if not port.isdigit():
        raise UsageError(f"TIEOUT_PG_PORT must be a number, not {port!r}.")
    return {
        "host": os.environ.get("TIEOUT_PG_HOST", "127.0.0.1"),
        "port": int(port),
        "user": os.environ.get("TIEOUT_PG_USER", "postgres"),
        "password": os.environ.get("TIEOUT_PG_PASSWORD", ""),
        "dbname": os.environ.get("TIEOUT_PG_DATABASE", "tieout"),
    }


def connect_postgres() -> Any:
    """A connection that reads one state of the database.

    Raises:
        UsageError: no connection; the message says which variables lead there.
    """
    import psycopg2

    wanted = postgres_kwargs()
    try:
        connection = psycopg2.connect(**wanted)
    except psycopg2.OperationalError as error:
        raise UsageError(
            f"Postgres at {wanted['host']}:{wanted['port']}, database {wanted['dbname']}, user {wanted['user']}"
            f" cannot be reached: {' '.join(str(error).split())}. Set TIEOUT_PG_HOST, _PORT, _USER, _PASSWORD"
            " and _DATABASE."
        ) from error
    connection.set_session(isolation_level="REPEATABLE READ")
    # Times leave the server as UTC, whatever its own zone is.
    with connection.cursor() as cursor:
        cursor.execute("set time zone 'UTC'; set datestyle to 'ISO, YMD'")
    connection.commit()
    return connection


@contextmanager
def open_warehouse(place: Place, temporary: Path, patience: Patience | None = None) -> Iterator[Warehouse]:
    """Open the warehouse of a place for reading; `temporary` holds spilled data and transfer files.

    Raises:
        BusyError: another process has it open, and still has when the patience is at its end; none: no waiting.
        TieoutError: it cannot be opened.
    """
    temporary.mkdir(parents=True, exist_ok=True)
    connection = scratch_connection(temporary)
    warehouse: Warehouse | None = None
    try:
        if place.target == "postgres":
            warehouse = PostgresWarehouse(place, connection, temporary)
        else:
            warehouse = (patience or Patience()).until(lambda: DuckDbWarehouse(place.duckdb_path, connection))
        yield warehouse
    finally:
        connection.close()
        if isinstance(warehouse, PostgresWarehouse):
            warehouse.postgres.close()
