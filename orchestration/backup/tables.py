"""The audit's tables in a backup: taken out of the warehouse and put into an empty one, types and bytes exact.

All tables of the schema `audit` but those that say what a warehouse has worked off: after a restore it has worked off
nothing. DuckDB's tables are Parquet files, those of Postgres CSV as COPY writes it, in which every value is quoted and
only a null is not.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from orchestration.audit import tables as audit
from orchestration.backup.manifest import BackupError, SavedTable
from orchestration.environment import Place
from orchestration.errors import UsageError
from orchestration.warehouse import connect_postgres, literal, quoted, scratch_connection

# What a warehouse that was built anew says by itself.
OF_THE_WAREHOUSE = ("processed_batches", "builds")
SCHEMAS = ("landing", "reference", "staging", "canonical", "reconciliation", "marts", "audit")


class Tables(ABC):
    """The audit's tables of one warehouse, open."""

    suffix: str

    @abstractmethod
    def names(self) -> list[str]:
        """The tables that there are, sorted."""

    @abstractmethod
    def save(self, name: str, file: Path) -> SavedTable:
        """Write a table into a file."""

    @abstractmethod
    def put(self, table: SavedTable, file: Path) -> int:
        """Fill a table from a file, made before where it is not there; returns its rows."""

    @abstractmethod
    def execute(self, statement: str) -> None:
        """Send a statement."""

    @abstractmethod
    def relation(self, name: str) -> str:
        """A table's name as it stands in a statement."""

    @property
    @abstractmethod
    def schema(self) -> str:
        """The schema's name as it stands in a statement."""

    def make(self, tables: tuple[SavedTable, ...]) -> None:
        """Make the tables, empty, with the columns that they had: the audit's own as this version declares them, with
        their views, and what an earlier version did not have stays null."""
        for statement in audit.statements(self.schema, {}):
            self.execute(statement)
        declared = {table.name: set(table.names) for table in audit.TABLES}
        for table in tables:
            if table.name not in declared:
                listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in table.columns)
                self.execute(f"create table {self.relation(table.name)} ({listed})")
                continue
            for name, kind in table.columns:
                if name not in declared[table.name]:
                    self.execute(f"alter table {self.relation(table.name)} add column {quoted(name)} {kind}")


class DuckDbTables(Tables):
    """Those of a DuckDB file."""

    suffix = ".parquet"

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
        self._connection, self._catalog = connection, catalog

    def names(self) -> list[str]:
        found = self._connection.execute(
            "select table_name from duckdb_tables() where database_name = ? and schema_name = ? order by 1",
            [self._catalog, audit.SCHEMA],
        ).fetchall()
        return [name for (name,) in found if name not in OF_THE_WAREHOUSE]

    def save(self, name: str, file: Path) -> SavedTable:
        columns = self._connection.execute(
            "select column_name, data_type from duckdb_columns()"
            " where database_name = ? and schema_name = ? and table_name = ? order by column_index",
            [self._catalog, audit.SCHEMA, name],
        ).fetchall()
        self._connection.execute(
            f"copy (select * from {self.relation(name)}) to {literal(str(file))} (format parquet, compression zstd)"
        )
        (rows,) = self._connection.execute(f"select count(*) from {self.relation(name)}").fetchone() or (0,)
        return SavedTable(name, file.name, rows, tuple(columns))

    def put(self, table: SavedTable, file: Path) -> int:
        names = ", ".join(quoted(name) for name, _ in table.columns)
        self._connection.execute(
            f"insert into {self.relation(table.name)} ({names}) select {names} from read_parquet({literal(str(file))})"
        )
        (rows,) = self._connection.execute(f"select count(*) from {self.relation(table.name)}").fetchone() or (0,)
        return rows

    def execute(self, statement: str) -> None:
        self._connection.execute(statement)

    @property
    def schema(self) -> str:
        return quoted(audit.SCHEMA)

    def relation(self, name: str) -> str:
        return f"{quoted(self._catalog)}.{quoted(audit.SCHEMA)}.{quoted(name)}"


class PostgresTables(Tables):
    """Those of a Postgres database, in the transaction of one connection."""

    suffix = ".csv"

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection, self._schema = connection, schema

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def names(self) -> list[str]:
        found = self._rows(
            "select table_name from information_schema.tables where table_schema = %s and table_type = 'BASE TABLE'"
            ' order by table_name collate "C"',
            self._schema,
        )
        return [name for (name,) in found if name not in OF_THE_WAREHOUSE]

    def save(self, name: str, file: Path) -> SavedTable:
        columns = self._rows(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute where attrelid = %s::regclass"
            " and attnum > 0 and not attisdropped order by attnum",
            self.relation(name),
        )
        indexes = self._rows(
            "select indexname::text, indexdef from pg_indexes where schemaname = %s and tablename = %s order by 1",
            self._schema,
            name,
        )
        listed = ", ".join(quoted(column) for column, _ in columns)
        with self._connection.cursor() as cursor, file.open("wb") as sink:
            cursor.copy_expert(
                f"copy (select {listed} from {self.relation(name)}) to stdout (format csv, force_quote *)", sink
            )
            rows = cursor.rowcount
        # An index is told by what follows its table's name, which may be another one where it is restored.
        plain = [(index, text.partition(" USING ")[2]) for index, text in indexes if text.startswith("CREATE INDEX")]
        return SavedTable(name, file.name, rows, tuple(columns), tuple(plain))

    def put(self, table: SavedTable, file: Path) -> int:
        names = ", ".join(quoted(name) for name, _ in table.columns)
        with self._connection.cursor() as cursor, file.open("rb") as source:
            cursor.copy_expert(f"copy {self.relation(table.name)} ({names}) from stdin (format csv)", source)
            rows = cursor.rowcount
            for index, text in table.indexes:
                cursor.execute(f"create index {quoted(index)} on {self.relation(table.name)} using {text}")
        return rows

    def execute(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    @property
    def schema(self) -> str:
        return quoted(self._schema)

    def relation(self, name: str) -> str:
        return f"{quoted(self._schema)}.{quoted(name)}"


@contextmanager
def opened(place: Place, temporary: Path) -> Iterator[Tables | None]:
    """The audit's tables of a place's warehouse, for reading, as they are at one moment; None where there is no
    warehouse yet.

    Raises:
        TieoutError: the warehouse cannot be opened.
    """
    if place.target == "postgres":
        connection = connect_postgres()
        connection.set_client_encoding("UTF8")
        try:
            yield PostgresTables(connection, place.schema_prefix + audit.SCHEMA)
        finally:
            connection.close()
        return
    if not place.duckdb_path.is_file():
        yield None
        return
    connection = scratch_connection(temporary)
    try:
        try:
            connection.execute(f"attach {literal(str(place.duckdb_path))} as saved (read_only)")
        except duckdb.IOException as error:
            raise BackupError(f"The warehouse {place.duckdb_path} cannot be opened: {error}") from error
        # The order that rows have is the order in which they come back.
        connection.execute("set preserve_insertion_order = true")
        yield DuckDbTables(connection, "saved")
    finally:
        connection.close()


def check_empty(place: Place) -> None:
    """Refuse to restore into a database that Tieout has been at work in.

    Raises:
        UsageError: there are tables in one of Tieout's schemas, or the database cannot be reached.
    """
    if place.target != "postgres":
        return
    connection = connect_postgres()
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "select table_schema, count(*) from information_schema.tables where table_schema = any(%s)"
                " group by 1 order by 1",
                ([place.schema_prefix + schema for schema in SCHEMAS],),
            )
            found = cursor.fetchall()
    finally:
        connection.close()
    if found:
        rooms = ", ".join(f"{schema} ({count} tables)" for schema, count in found)
        raise UsageError(
            f"The Postgres database is not empty: {rooms}. A restore overwrites nothing: make a new database and name"
            " it in TIEOUT_PG_DATABASE."
        )


def put_all(place: Place, tables: tuple[SavedTable, ...], folder: Path, warehouse: Path) -> None:
    """Make all tables in an empty warehouse, or none: for DuckDB the file `warehouse`, for Postgres the place's
    database.

    Raises:
        BackupError: a table has not the rows that the backup says.
    """
    if not tables:
        return
    if place.target == "postgres":
        connection = connect_postgres()
        connection.set_client_encoding("UTF8")
        try:
            schema = place.schema_prefix + audit.SCHEMA
            _put(PostgresTables(connection, schema), tables, folder)
            connection.commit()
        finally:
            connection.close()
        return
    # Opened under the name that every run gives it: DuckDB writes that into views.
    connection = duckdb.connect(str(warehouse))
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("begin")
        _put(DuckDbTables(connection, warehouse.stem), tables, folder)
        connection.execute("commit")
        with suppress(duckdb.Error):
            connection.execute("checkpoint")
    finally:
        connection.close()


def _put(into: Tables, tables: tuple[SavedTable, ...], folder: Path) -> None:
    into.make(tables)
    for table in tables:
        rows = into.put(table, folder / table.file)
        if rows != table.rows:
            raise BackupError(
                f"The table {table.name} of the backup has {rows} rows; it says that it has {table.rows}."
            )
