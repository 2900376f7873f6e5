"""Batches in a real Postgres: the same values, once, whatever happens in between."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg2
import pytest

from orchestration.landing import Column, Feed, load_postgres

from .conftest import AS_OF, HEADER, PROJECT, Inbox, order

pytestmark = pytest.mark.postgres


@pytest.fixture
def schema(postgres: dict[str, str], request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"Landing {abs(hash(request.node.name)) % 10**9}"
    yield name
    query(postgres, f'drop schema if exists "{name}" cascade')


def query(postgres: dict[str, str], statement: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(**postgres)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_nothing_landed_makes_empty_tables(inbox: Inbox, feeds: dict[str, Feed], postgres: dict[str, str], schema: str):
    assert load_postgres(inbox.data, feeds, postgres, schema).batches == 0
    for table in ("batches", "rejects", "pos__orders", "oms__orders", "tieout__policies"):
        assert query(postgres, f'select count(*) from "{schema}".{table}') == [(0,)]


def test_values_arrive_as_they_are(inbox: Inbox, feeds: dict[str, Feed], postgres: dict[str, str], schema: str):
    odd = 'a, ""b""\n\\N \\ é\t€'
    inbox.put(f"{HEADER},extra\n{order(1, status=chr(34) + odd + chr(34))},x\nbro\0ken\n{order(3, status='')},\n")
    rest = '"store_id":"S","total":1,"currency":"EUR","created_at":"c","updated_at":"u"'
    inbox.put(f'{{"order_id":"","status":null,{rest}}}', "o.jsonl", org="beta")
    inbox.land()
    report = load_postgres(inbox.data, feeds, postgres, schema)
    assert (report.batches, report.rows, report.present) == (2, 3, 0)
    rows = query(
        postgres,
        f'select _org_id, order_id, status, _row_number, _received_at from "{schema}".pos__orders order by 1, 4',
    )
    when = AS_OF.replace(tzinfo=None)
    assert rows == [
        ("acme", "O1", odd.replace('""', '"'), 1, when),
        ("acme", "O3", None, 3, when),
        ("beta", "", None, 1, when),
    ]
    rejects = query(
        postgres, f'select system, feed, row_number, line_number, line_span, reason, raw from "{schema}".rejects'
    )
    assert rejects == [("pos", "orders", 2, 4, 1, "NUL character", "bro\u2400ken")]
    batches = query(
        postgres, f'select org_id, record_count, physical_lines, columns[8] from "{schema}".batches order by 1'
    )
    assert batches == [("acme", 2, 5, "extra"), ("beta", 1, 1, None)]


def test_again_is_nothing_and_later_is_not_seen(
    inbox: Inbox, feeds: dict[str, Feed], postgres: dict[str, str], schema: str
):
    inbox.put(f"{HEADER}\n{order(1)}\n")
    inbox.land()
    inbox.put(f"{HEADER}\n{order(2)}\n")
    inbox.land(AS_OF + timedelta(hours=1))
    assert load_postgres(inbox.data, feeds, postgres, schema, as_of=AS_OF).batches == 1
    assert load_postgres(inbox.data, feeds, postgres, schema, as_of=AS_OF).batches == 0
    report = load_postgres(inbox.data, feeds, postgres, schema)
    assert (report.batches, report.present) == (1, 1)
    assert query(postgres, f'select count(*) from "{schema}".pos__orders') == [(2,)]


def test_a_declaration_that_grew(inbox: Inbox, feeds: dict[str, Feed], postgres: dict[str, str], schema: str):
    inbox.put(f"{HEADER}\n{order(1)}\n")
    inbox.land()
    load_postgres(inbox.data, feeds, postgres, schema)
    feed = feeds["pos/orders"]
    grown = dict(feeds) | {feed.key: dataclasses.replace(feed, columns=(*feed.columns, Column("till")))}
    inbox.put(f"{HEADER},till\n{order(2)},T1\n")
    inbox.land(feeds=grown)
    load_postgres(inbox.data, grown, postgres, schema)
    assert query(postgres, f'select order_id, till from "{schema}".pos__orders order by 1') == [
        ("O1", None),
        ("O2", "T1"),
    ]
    assert load_postgres(inbox.data, grown, postgres, f"{schema} 2").rows == 2
    query(postgres, f'drop schema "{schema} 2" cascade')


LOAD = """
import sys
from orchestration.landing import load_feeds, load_postgres
load_postgres(sys.argv[1], load_feeds(sys.argv[2]), {"dsn": sys.argv[3]}, sys.argv[4])
"""


@pytest.mark.parametrize(("point", "there"), [("before-commit", 0), ("after-commit", 1), ("before-commit:2", 1)])
def test_kill_9_leaves_whole_batches(
    inbox: Inbox, feeds: dict[str, Feed], postgres: dict[str, str], schema: str, point: str, there: int
):
    for number in (1, 2, 3):
        inbox.put(f"{HEADER}\n{order(number)}\nbroken\n", f"{number}.csv")
    inbox.land()
    command = [sys.executable, "-c", LOAD, str(inbox.data), str(PROJECT), postgres["dsn"], schema]
    killed = subprocess.run(command, cwd=PROJECT, env=os.environ | {"TIEOUT_CRASH_AT": point}, check=False)
    assert killed.returncode == -signal.SIGKILL
    for table in ("batches", "rejects", "pos__orders"):
        assert query(postgres, f'select count(*) from "{schema}".{table}') == [(there,)]
    assert load_postgres(inbox.data, feeds, postgres, schema).batches == 3 - there
    assert query(postgres, f'select count(*), count(distinct order_id) from "{schema}".pos__orders') == [(3, 3)]
