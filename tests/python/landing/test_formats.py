"""JSON Lines and Parquet: values as delivered, numbers to the last digit."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .conftest import Inbox

Land = Callable[..., Inbox]
REST = '"store_id":"S","status":"p","currency":"EUR","created_at":"c","updated_at":"u"'


def test_json_numbers_keep_their_text(one: Land):
    totals = ["12.10", "1e5", "-0.0", "1E+2", "123456789012345678901234567890.10", "0"]
    inbox = one("\n".join(f'{{"order_id": "{i}", "total": {t}, {REST}}}' for i, t in enumerate(totals)), "o.jsonl")
    assert [row["total"] for row in inbox.records()] == totals
    assert inbox.manifest()["format"] == "jsonl"


def test_json_values_of_every_kind(one: Land):
    nest = '{"a":[1.10,"7: 8"],"b":{}}'
    text = r'"a\n\"1.10\" \u00e9"'
    inbox = one(f'{{"Order ID":1,"total":null,{REST},"flag":true,"nest":{nest},"text":{text},"/~.*":1.0}}', "o.jsonl")
    row = inbox.records()[0]
    assert (row["order_id"], row["total"], row["flag"], row["/~.*"]) == ("1", None, "true", "1.0")
    assert row["nest"] == nest
    assert row["text"] == 'a\n"1.10" é'


def test_json_bad_lines(one: Land):
    bad = [
        "not json",
        "[1]",
        "7",
        '{"a":1,}',
        '{"a":NaN}',
        '{"order_id":1,"order_id":2}',
        '{"order_id":"a\\u0000"}',
        '{"a":"x',
        "\0{}",
    ]
    good = [f'{{"order_id":{i},"total":1,{REST}}}' for i in (1, 2)]
    inbox = one("\r\n".join([good[0], "", *bad, " ", good[1]]) + "\r\n", "o.jsonl")
    assert [(row["order_id"], row["_row_number"]) for row in inbox.records()] == [("1", 1), ("2", 11)]
    assert [(reject[0], reject[1], reject[4]) for reject in inbox.rejects()] == [
        (i + 2, i + 3, raw) for i, raw in enumerate(bad)
    ]
    assert inbox.manifest()["blank_lines"] == 2
    assert inbox.manifest()["physical_lines"] == 13


def test_a_backslash_before_u0000_is_no_nul(one: Land):
    inbox = one(f'{{"order_id":"a\\\\u0000","total":1,{REST}}}', "o.jsonl")
    assert inbox.records()[0]["order_id"] == "a\\u0000"


def test_json_gzip_utf16_and_missing_key(one: Land, inbox: Inbox):
    one(gzip.compress(f'{{"order_id":"é","total":1.0,{REST}}}\n'.encode("utf-16")), "o.jsonl.gz")
    assert inbox.records()[0]["order_id"] == "é"
    inbox.put('{"order_id":1}', "p.jsonl")
    inbox.land()
    assert "no column for store_id" in inbox.reason()


def test_json_array_is_refused(one: Land):
    assert "jq" in one('[{"order_id": 1},\n{"order_id": 2}]', "o.jsonl").reason()


def parquet(inbox: Inbox, **columns: pa.Array) -> None:
    count = len(next(iter(columns.values())))
    table = {
        name: pa.array(["x"] * count)
        for name in ("order_id", "store_id", "status", "currency", "total", "created_at", "updated_at")
        if name not in columns
    }
    path = inbox.put(b"", "o.parquet")
    pq.write_table(pa.table({**table, **columns}), path)


def test_parquet_types_become_text_without_loss(inbox: Inbox):
    when = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
    parquet(
        inbox,
        order_id=pa.array([12345678901234]),
        total=pa.array([Decimal("12.10")], pa.decimal128(18, 2)),
        created_at=pa.array([when], pa.timestamp("us", "Europe/Berlin")),
        updated_at=pa.array([when.replace(tzinfo=None)], pa.timestamp("ns")),
        float_=pa.array([0.1]),
        float32=pa.array([0.1], pa.float32()),
        whole=pa.array([3.0]),
        day=pa.array([date(2026, 1, 2)]),
        yes=pa.array([True]),
        blob=pa.array([b"raw"], pa.binary()),
        parts=pa.array([[1, None]]),
        kind=pa.array(["k"]).dictionary_encode(),
        none=pa.nulls(1),
    )
    inbox.land()
    row = inbox.records()[0]
    assert (row["order_id"], row["total"]) == ("12345678901234", "12.10")
    assert row["created_at"] == "2026-01-02T03:04:05.6789Z"
    assert row["updated_at"] == "2026-01-02T03:04:05.6789"
    assert (row["float_"], row["float32"], row["whole"]) == ("0.1", "0.1", "3.0")
    assert (row["day"], row["yes"], row["blob"], row["kind"], row["none"]) == ("2026-01-02", "true", "raw", "k", None)
    assert row["parts"] == "[1,null]"
    assert inbox.manifest()["physical_lines"] is None


def test_parquet_nul_is_a_reject(inbox: Inbox):
    parquet(inbox, order_id=pa.array(["a", "b\0", "c"]))
    inbox.land()
    assert [(row["order_id"], row["_row_number"]) for row in inbox.records()] == [("a", 1), ("c", 3)]
    assert [reject[:4] for reject in inbox.rejects()] == [(2, None, None, "NUL character")]


NESTED = pa.array([{"total": "9.00", "deep": [{"total": "8.00"}]}])


@pytest.mark.parametrize("second", ["total", "Total", " total "])
def test_parquet_with_two_columns_for_one_is_refused(inbox: Inbox, second: str):
    path = inbox.put(b"", "o.parquet")
    names = ["order_id", "store_id", "status", "currency", "nested", second, "created_at", "updated_at", "total"]
    pq.write_table(pa.table([NESTED if name == "nested" else pa.array(["x"]) for name in names], names=names), path)
    inbox.land()
    assert "two headers for one column" in inbox.reason()
    assert f'"{second}" and "total" both claim total' in inbox.reason()


def test_parquet_may_have_a_declared_name_inside_another_column(inbox: Inbox):
    parquet(inbox, nested=NESTED, total=pa.array(["1.50"]))
    inbox.land()
    (row,) = inbox.records()
    assert (row["total"], row["nested"]) == ("1.50", '{"total":"9.00","deep":[{"total":"8.00"}]}')


def test_parquet_with_a_column_of_the_readers_own_name_is_told(inbox: Inbox):
    parquet(inbox, File_row_number=pa.array([1]))
    inbox.land()
    assert "a column file_row_number, a name that the reader needs for itself" in inbox.reason()
