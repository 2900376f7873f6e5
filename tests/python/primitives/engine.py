"""A small dbt project that holds every primitive against a table of inputs, run once an engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.python import small_project
from tests.python.laws.harness import on_postgres

SCHEMA = "primitives"

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """Inputs, the expressions that a primitive makes of them, and what they must come to, input by input."""

    name: str
    columns: dict[str, str]
    expressions: Sequence[str]
    cases: Sequence[tuple[Row, Row]]

    def model(self) -> str:
        """The dbt model of the table. An input's position is its id; an expression may give no or several rows."""
        typed = [f"cast({column} as {kind}) as {column}" for column, kind in self.columns.items()]
        values = ",\n".join(
            f"({number}, {', '.join(literal(value) for value in given)})"
            for number, (given, _) in enumerate(self.cases)
        )
        made = [f"{expression} as made_{number}" for number, expression in enumerate(self.expressions)]
        return (
            f"with delivered (id, {', '.join(self.columns)}) as (values\n{values}\n),\n"
            f"inputs as (select id, {', '.join(typed)} from delivered)\n"
            f"select id, {', '.join(made)} from inputs"
        )

    def faults(self, rows: Sequence[Row]) -> list[str]:
        """Where what an engine made is not what it must be, in words."""
        found: dict[int, list[Row]] = {}
        for number, *made in rows:
            found.setdefault(number, []).append(tuple(made))
        lines = []
        for number, (given, wanted) in enumerate(self.cases):
            # A list stands for the rows that a set-returning expression gives.
            due = wanted if isinstance(wanted, list) else [wanted]
            if sorted(found.get(number, []), key=repr) != sorted(due, key=repr):
                lines.append(f"{self.name}{given!r} gives {found.get(number, [])!r}, must be {due!r}")
        return lines


def literal(value: object) -> str:
    """A value as an SQL constant that both engines read."""
    if value is None:
        return "null"
    if isinstance(value, datetime | date):
        return f"'{value.isoformat()}'"
    if isinstance(value, int):
        return str(value)
    # Jinja reads the model first: it must not take a text for its own, and it would turn a carriage return into a
    # line feed.
    quoted = str(value).replace("'", "''").replace("\r", "' || chr(13) || '")
    return "({% raw %}'" + quoted + "'{% endraw %})"


def run(project: Path, tables: Sequence[Table], target: str, settings: dict[str, str]) -> dict[str, list[Row]]:
    """What an engine makes of the tables, by name: one run of dbt with our macros and a model a table."""
    small_project.lay_out(project, SCHEMA)
    for table in tables:
        # Written as it is: line ends are among the texts.
        (project / "models" / f"{table.name}.sql").write_bytes(table.model().encode("utf-8"))
    small_project.build(project, target, {"TIEOUT_DATA_DIR": str(project), **settings})
    queries = {table.name: f"select * from {SCHEMA}.{table.name}" for table in tables}
    if target == "duckdb":
        return _from_duckdb(project, queries)
    return dict(zip(queries, on_postgres(settings, *queries.values()), strict=True))


def _from_duckdb(project: Path, queries: dict[str, str]) -> dict[str, list[Row]]:
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as warehouse:
        return {name: warehouse.execute(query).fetchall() for name, query in queries.items()}
