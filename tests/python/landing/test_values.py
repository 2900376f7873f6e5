"""The figures that prove a reading of CSV are those that plain Python counts, whatever stands in the values."""

import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from orchestration.landing.header import HeaderMap
from orchestration.landing.reading import Target
from orchestration.landing.values import Found, look_at_values, may_swallow

NAMES = ["a", 'b "quoted"', "c"]
HEADER = HeaderMap(sources=(("a", 0), ("absent", None), ('b "quoted"', 1)), extras=((2, "c"),), missing=(), doubtful=())
# What could run together with what stands beside it, or be taken for what stands between.
TEXTS = some.none() | some.text(alphabet='\r\n,;"\x1e\x1f x\u00e9', max_size=8)
ROWS = some.lists(some.tuples(TEXTS, TEXTS, TEXTS), max_size=6)


def counted(rows: list[tuple[str | None, ...]], delimiter: str) -> Found:
    """Value by value, in Python."""
    texts = [[value or "" for value in row] for row in rows]
    values = [value for row in texts for value in row]
    marks = [sum(value.count(delimiter) for value in row) for row in texts]
    return Found(
        breaks=sum(value.replace("\r\n", "\n").replace("\r", "\n").count("\n") for value in values),
        delimiters=sum(marks),
        most_delimiters=max(marks, default=0),
        quotes=any('"' in value for value in values),
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\x1f", "\x1e"])
@given(rows=ROWS)
@example(rows=[("x\r", "\nx", None), (",", "", ","), ("\r\n\r", "\n\n", "\r")])
def test_every_figure_is_pythons(delimiter: str, rows: list[tuple[str | None, ...]]):
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        target = Target(Path(folder), "acme", "pos/orders", "b", "f.csv", "2026-03-02T06:00:00")
        columns = [pa.array([row[n] for row in rows], pa.string()) for n in range(3)]
        pq.write_table(pa.table(dict(zip(NAMES, columns, strict=True))), target.records)
        found = look_at_values(connection, target, HEADER, delimiter)
        assert found == counted(rows, delimiter)
        for fields in (2, 3, 5):
            swallows = any(
                value is not None and ("\n" in value or "\r" in value) and value.count(delimiter) >= fields - 1
                for row in rows
                for value in row
            )
            assert may_swallow(connection, target, HEADER, delimiter, fields) == swallows
            # What makes the dear question unnecessary never hides a value that swallows.
            assert not swallows or (found.breaks and found.most_delimiters >= fields - 1)
