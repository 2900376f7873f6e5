"""The committed extracts: what `expected.json` says of them, worked out by hand, is what the oracle answers."""

import csv
import gzip
import io
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.python.oracle import Delivery, answer

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
EXTRACTS = EXAMPLES / "extracts"
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
