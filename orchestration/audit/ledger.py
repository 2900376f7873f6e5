"""Writing and reading the audit's tables in a warehouse, and the notes of where each table ends.

The notes (`audit/anchors-<target>.jsonl` in the data folder, one line an append, never changed) lie outside the
warehouse: a row that somebody takes from the end of a table, or adds there, is told by them alone. A line says
`pending` before rows are committed and `written` after, so that a crash in between is no false alarm.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration import clock
from orchestration.audit import tables
from orchestration.audit.chain import START, Link, linked
from orchestration.audit.tables import Table
from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.errors import TieoutError
from orchestration.landing.crash_points import crash_point
from orchestration.waiting import Patience
from orchestration.warehouse import connect_postgres, not_opened, quoted

PENDING, WRITTEN = "pending", "written"
AT_ONCE = 1_000


class Ledger:
    """The audit's tables of one warehouse. Rows go in by `append` and nothing else ever changes them."""

    def __init__(self, place: Place, connection: Any) -> None:
        self._connection = connection
        self._postgres = place.target == "postgres"
        self._anchors = anchors_file(place.data, place.target)
        prefix = place.schema_prefix if self._postgres else ""
        self.schema = quoted(prefix + tables.SCHEMA)

    def rows(self, query: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query; `?` stands for a value, and `{schema}` for the schema."""
        return self.execute(query, values).fetchall()

    def execute(self, query: str, values: Iterable[Any] = ()) -> Any:
        """Send a statement, written like a query of `rows`."""
        statement = query.replace("{schema}", self.schema)
        if not self._postgres:
            return self._connection.execute(statement, list(values))
        cursor = self._connection.cursor()
        cursor.execute(statement.replace("%", "%%").replace("?", "%s"), list(values))
        return cursor

    def exists(self) -> bool:
        """Whether the tables are there."""
        return tables.RUNS.name in self.columns()

    def columns(self) -> dict[str, set[str]]:
        """The columns of every table that is there, by its name."""
        found: dict[str, set[str]] = defaultdict(set)
        for table, column in self.rows(
            "select table_name, column_name from information_schema.columns where table_schema = ?",
            [self.schema.strip('"')],
        ):
            found[table].add(column)
        return found

    def lacks(self) -> set[str]:
        """The tables that are not there: all of them before the first run, and after it those of a later version that
        has written nothing yet."""
        return {table.name for table in tables.TABLES} - self.columns().keys()

    def scan(self, table: Table) -> Iterator[dict[str, Any]]:
        """All rows of a table by their numbers, a few at a time."""
        columns = ", ".join(table.names)
        query = f"select {columns} from {self.schema}.{table.name} order by sequence_number"
        if self._postgres:
            cursor = self._connection.cursor(name=f"scan_{table.name}")
            cursor.execute(query)
        else:
            cursor = self._connection.cursor().execute(query)
        while rows := cursor.fetchmany(AT_ONCE):
            for row in rows:
                yield dict(zip(table.names, row, strict=True))

    def end_of(self, table: Table) -> Link:
        """Where a table ends."""
        found = self.rows(
            f"select sequence_number, row_hash from {{schema}}.{table.name} order by sequence_number desc limit 1"
        )
        return Link(*found[0]) if found else Link(0, START)

    def append(self, rows: Mapping[Table, list[dict[str, Any]]]) -> None:
        """Add rows to tables, all or none."""
        wanted = {table: list(given) for table, given in rows.items() if given}
        if not wanted:
            return
        recorded_at = clock.now().replace(tzinfo=None)
        if not self._postgres:
            self.execute("begin")
        try:
            ends = {}
            for table, given in wanted.items():
                if self._postgres:
                    # Two data folders may share a server: one adds to a table at a time.
                    self.execute(f"lock table {{schema}}.{table.name} in exclusive mode")
                stamped = ({**_storable(row), "recorded_at": recorded_at} for row in given)
                whole = list(linked(table.name, stamped, self.end_of(table)))
                self._insert(table, whole)
                ends[table.name] = [whole[-1]["sequence_number"], whole[-1]["row_hash"]]
            self._note(PENDING, ends)
            crash_point("audit-noted")
        except BaseException:
            # What broke in is what is to be told, not that there was nothing to take back any more.
            with suppress(Exception):
                self.execute("rollback")
            raise
        self.execute("commit")
        crash_point("audit-committed")
        self._note(WRITTEN, ends)

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        unknown = {name for row in rows for name in row} - set(table.names)
        if unknown:
            raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}")
        one = f"({', '.join('?' * len(table.names))})"
        for first in range(0, len(rows), AT_ONCE // 10):
            part = rows[first : first + AT_ONCE // 10]
            self.execute(
                f"insert into {{schema}}.{table.name} ({', '.join(table.names)}) values {', '.join([one] * len(part))}",
                [row.get(name) for row in part for name in table.names],
            )

    def _note(self, state: str, ends: Mapping[str, list[Any]]) -> None:
        """Add a line to the notes, on the disk before this returns."""
        self._anchors.parent.mkdir(parents=True, exist_ok=True)
        _drop_unfinished_line(self._anchors)
        with self._anchors.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"state": state, "at": clock.to_text(clock.now()), "ends": ends}) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _storable(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with what no engine holds in a text spelt out: bytes that are no characters, as a file's name or the words
    of a command may have them, and NUL."""
    return {
        name: value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
        if isinstance(value, str)
        else value
        for name, value in row.items()
    }


def anchors_file(data: DataDir, target: str) -> Path:
    """Where the notes of a target's tables lie."""
    return data.root / "audit" / f"anchors-{target}.jsonl"


def _drop_unfinished_line(file: Path) -> None:
    """Cut off a last line that a full disk or a power cut left without its end. The notes of years are not read for
    it."""
    if not file.is_file() or not file.stat().st_size:
        return
    with file.open("r+b") as notes:
        notes.seek(-1, os.SEEK_END)
        if notes.read(1) != b"\n":
            notes.truncate(file.read_bytes().rfind(b"\n") + 1)


@dataclass(frozen=True)
class Notes:
    """What was noted of where tables ended: by table every end that was written, oldest first, and how many rows there
    may be by what was about to be written."""

    written: dict[str, list[Link]]
    pending: dict[str, int]

    def most_rows(self, table: str) -> int:
        """How many rows a table may have by them."""
        return max([self.pending.get(table, 0), *(end.rows for end in self.written.get(table, []))])


def read_anchors(data: DataDir, target: str) -> Notes:
    """The notes of a target; none where nothing was ever written.

    Raises:
        TieoutError: a line of the notes cannot be read.
    """
    file = anchors_file(data, target)
    notes = Notes({}, {})
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    # A line without an end was being written when the machine stopped: nothing was noted by it.
    for number, line in enumerate(text[: text.rfind("\n") + 1].splitlines(), 1):
        try:
            said = json.loads(line)
            ends = {table: Link(int(end[0]), str(end[1])) for table, end in said["ends"].items()}
            state = said["state"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise TieoutError(
                f"{file}, line {number}: this note of where the audit ended cannot be read: it has been changed. Put"
                " the file back from a backup."
            ) from error
        for table, end in ends.items():
            if state == WRITTEN:
                notes.written.setdefault(table, []).append(end)
            else:
                notes.pending[table] = max(end.rows, notes.pending.get(table, 0))
    return notes


@contextmanager
def open_ledger(place: Place, *, write: bool = False, patience: Patience | None = None) -> Iterator[Ledger]:
    """Open the audit of a place's warehouse; `write` makes its tables where they are not there yet.

    Raises:
        BusyError: another process has the warehouse open, and still has when the patience is at its end; none: no
            waiting.
        TieoutError: the warehouse cannot be opened.
    """
    if place.target == "postgres":
        connection = connect_postgres()
        if write:
            connection.set_session(isolation_level="READ COMMITTED")
    else:
        connection = (patience or Patience()).until(lambda: _open_duckdb(place.duckdb_path, write))
        connection.execute("set TimeZone = 'UTC'")
    try:
        ledger = Ledger(place, connection)
        if write:
            # A warehouse of an earlier version gets what has come since; old rows keep their hashes (chain.row_hash).
            wanting = tables.statements(ledger.schema, ledger.columns())
            for statement in wanting:
                ledger.execute(statement)
            if wanting:
                connection.commit()
        yield ledger
    finally:
        connection.close()


def _open_duckdb(path: Path, write: bool) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=not write)
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        raise not_opened(path, error) from error
