"""The committed extracts: what `expected.json` says of them, worked out by hand, is what the oracle answers.

The bookings are run by the command itself, at the examples' clock and with the files that come an hour later.
"""

import csv
import gzip
import io
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.python.examples.reconciled import EXTRACTS, Reconciled, of_the_examples, run
from tests.python.oracle import Delivery, answer

EXAMPLES = EXTRACTS.parent
EXPECTED: dict[str, Any] = json.loads((EXAMPLES / "expected.json").read_text(encoding="utf-8"))
AS_OF = datetime.fromisoformat(EXPECTED["as_of"])
FEEDS = (("pos", "orders"), ("oms", "orders"), ("tieout", "policies"))
ALIASES = {
    "order_no": "order_id",
    "store_no": "store_id",
    "order_status": "status",
    "currency_code": "currency",
    "created": "created_at",
    "updated": "updated_at",
}


def content(file: Path) -> bytes:
    """The decompressed bytes: what makes two files the same delivery."""
    return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()


def read(file: Path) -> tuple[Delivery, int]:
    """A file as the oracle takes it, and how many of its records could not be read."""
    feed = "/".join(file.parts[-3:-1])
    text = content(file).decode("utf-8-sig")
    if file.suffix == ".jsonl":
        # numbers keep their text
        rows = tuple(json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines())
        header = tuple(sorted({name for row in rows for name in row}))
        return Delivery(feed, AS_OF, rows, header, file.name), 0
    first = text.splitlines()[0]
    delimiter = next(mark for mark in (";", "|", ",") if mark in first)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    names = [name.strip().lower().replace(" ", "_") for name in lines[0]]
    header = tuple(ALIASES.get(name, name) for name in names)
    if feed == "pos/orders":
        header = tuple("total" if name == "order_total" else name for name in header)
    whole = [line for line in lines[1:] if len(line) == len(header)]
    rows = tuple(dict(zip(header, line, strict=True)) for line in whole)
    return Delivery(feed, AS_OF, rows, header, file.name), len(lines) - 1 - len(whole)


@pytest.mark.parametrize("org", sorted(EXPECTED["orgs"]))
def test_the_expected_counts_are_the_oracles(org: str) -> None:
    expected = EXPECTED["orgs"][org]
    # the feeds of payouts have a key of their own (examples/payouts)
    files = sorted(file for file in (EXTRACTS / org).glob("*/*/*") if file.parts[-3:-1] in FEEDS)
    files = [file for file in files if file.name != "policies_payouts.csv"]
    distinct = {content(file): file for file in reversed(files)}
    assert len(distinct) == expected["batches"]
    assert len(files) - len(distinct) == expected["redelivered_files"]

    read_files = [read(file) for file in distinct.values()]
    answered = answer(org, [delivery for delivery, _ in read_files], AS_OF)
    results = Counter(row.result for row in answered.rows)
    assert {name: count for name, count in expected["results"].items() if count} == results
    anomalies = Counter(anomaly for row in answered.rows for anomaly in row.anomalies.split(",") if anomaly)
    assert expected["anomalies"] == anomalies
    assert expected["pending_reasons"] == Counter(row.reason for row in answered.rows if row.reason)

    unreadable = Counter[str]()
    for delivery, count in read_files:
        unreadable[delivery.feed] += count
    assert expected["unreadable_lines"] == unreadable
    typed = Counter(reject.feed for reject in answered.rejects)
    assert expected["rejected_records"] == {feed: typed[feed] + unreadable[feed] for feed in unreadable}
    for feed, counts in expected["records"].items():
        totals = answered.totals[feed]
        assert counts == {name: getattr(totals, name) for name in counts}
        assert totals.staged == sum(counts.values())


def test_every_kind_of_result_and_anomaly_is_shown() -> None:
    shown = EXPECTED["orgs"]["harbour_pine"]
    assert all(count for result, count in shown["results"].items() if result != "EXCLUDED")
    assert {"FEED_LATE"} == set(EXPECTED["orgs"]["cedar_books"]["pending_reasons"])


def test_the_dialects_survived_the_checkout() -> None:
    """An editor or a git setting that repairs line ends would take away what the files are there to show."""
    pos = EXTRACTS / "harbour_pine" / "pos" / "orders" / "pos_2026-03-02.csv"
    assert pos.read_bytes().startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in pos.read_bytes()
    assert pos.read_bytes().count(b"\n") == pos.read_bytes().count(b"\r\n")
    oms = EXTRACTS / "harbour_pine" / "oms" / "orders"
    assert (
        gzip.decompress((oms / "oms_2026-03-01_resend.csv.gz").read_bytes())
        == (oms / "oms_2026-03-01.csv").read_bytes()
    )


BOOKINGS: dict[str, Any] = EXPECTED["bookings"]


@dataclass(frozen=True)
class Answer:
    """What a run published of the bookings."""

    results: list[dict[str, Any]]
    exceptions: list[dict[str, Any]]
    rejected: list[dict[str, Any]]

    def counts(self) -> Counter[str]:
        """Results by their code."""
        return Counter(row["result"] for row in self.results)


def published(data: Path) -> Answer:
    """Read what is published of the org of bookings."""
    org = BOOKINGS["org"]
    told = []
    with duckdb.connect(str(data / "published" / "tieout.duckdb"), read_only=True) as con:
        for mart in ("reconciliation_results", "exceptions", "rejected_records"):
            rows = con.sql(f"from marts.{mart} where org_id = '{org}'")
            told.append([dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()])
    return Answer(*told)


@pytest.fixture(scope="module")
def booked(examples: Reconciled, tmp_path_factory: pytest.TempPathFactory) -> tuple[Answer, Answer]:
    """The bookings at the examples' clock, and an hour later with what has come since."""
    later, org = examples.copy(tmp_path_factory.mktemp("bookings") / "data"), BOOKINGS["org"]
    shutil.copytree(EXAMPLES / "later" / org, later / "inbox" / org, dirs_exist_ok=True)
    run(later, BOOKINGS["later"]["as_of"])
    return published(examples.data), published(later)


def activity(row: dict[str, Any]) -> str:
    """The activity that a result or an exception is about."""
    return row["source_activity_id"] or row["target_activity_id"]


@of_the_examples
def test_the_bookings_are_counted_as_by_hand(booked: tuple[Answer, Answer]) -> None:
    now, _ = booked
    assert now.counts() == BOOKINGS["results"]
    assert Counter(row["reason"] for row in now.results if row["reason"]) == BOOKINGS["pending_reasons"]
    assert {activity(row): row["anomaly"] for row in now.exceptions} == BOOKINGS["activities"]
    assert {row["record_id"]: row["reasons"] for row in now.rejected} == BOOKINGS["rejected_records"]
    org = EXTRACTS / BOOKINGS["org"]
    assert len([file for file in org.rglob("*") if file.is_file()]) == BOOKINGS["batches"]


@of_the_examples
def test_the_bookings_amounts_in_base_currency_are_those_worked_out_by_hand(booked: tuple[Answer, Answer]) -> None:
    now, _ = booked
    told = {activity(row): [row["source_base_minor"], row["target_base_minor"]] for row in now.results}
    expected = BOOKINGS["in_base_currency"]
    assert {name: told[name] for name in expected} == expected
    severities = {activity(row): row["severity"] for row in now.exceptions}
    assert {name: severities[name] for name in BOOKINGS["severities"]} == BOOKINGS["severities"]


@of_the_examples
def test_a_late_booking_is_matched_and_its_exception_closes(booked: tuple[Answer, Answer]) -> None:
    _, later = booked
    expected = BOOKINGS["later"]
    assert later.counts() == expected["results"]
    late = {activity(row): row["late_by_seconds"] for row in later.results if row["is_late"]}
    assert late == expected["late_by_seconds"]
    resolved = [activity(row) for row in later.exceptions if row["state"] == "RESOLVED"]
    assert resolved == expected["resolved"]


def test_every_anomaly_of_bookings_is_shown() -> None:
    """All that the stream can say, but for what the aggregator's side says alike."""
    shown = set(BOOKINGS["activities"].values())
    checks = {"PRICE_MISMATCH", "STATUS_MISMATCH", "TIMESTAMP_SKEW", "ATTRIBUTE_MISMATCH", "FX_RATE_MISSING"}
    sides = {"MISSING_SUPPLIER", "MISSING_AGGREGATOR", "DUPLICATE_SUPPLIER", "CONFLICT_SUPPLIER", "REJECTED_SUPPLIER"}
    assert shown == checks | sides | {"REFUND_WITHOUT_SALE", "VERSION_WENT_BACK"}
