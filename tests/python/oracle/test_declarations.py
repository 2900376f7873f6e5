"""What the oracle takes for granted is what the project declares as data."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.python.oracle.answer import FEW_CURRENCIES, currencies
from tests.python.oracle.deliveries import POLICIES
from tests.python.oracle.make import HEADERS
from tests.python.oracle.policies import DEFAULT, FIELDS, MAXIMA
from tests.python.oracle.records import FEEDS, STATUSES

ROOT = Path(__file__).resolve().parents[3]


def declared(feed: str) -> dict[str, Any]:
    """A feed's declaration: its conventions, and its columns by name."""
    system, name = feed.split("/")
    content = yaml.safe_load((ROOT / "models" / "staging" / system / f"_{system}__sources.yml").read_text("utf-8"))
    (source,) = [s for s in content["sources"] if s["name"] == system]
    (table,) = [t for t in source["tables"] if t["name"] == name]
    return {**table["config"]["meta"]["feed"], "columns": {c["name"]: c["config"]["meta"] for c in table["columns"]}}


def seed(name: str) -> list[dict[str, str]]:
    """The rows of a seed."""
    with (ROOT / "seeds" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", FEEDS)
def test_feeds(name: str) -> None:
    feed, given = FEEDS[name], declared(name)
    assert (given["kind"], given["time_zone"], given["decimal_mark"], given["grouping_mark"]) == (
        "records",
        feed.time_zone,
        feed.decimal_mark,
        feed.grouping_mark,
    )
    assert (given["id_column"], given["version_column"], given["counterparty_column"]) == (
        "order_id",
        feed.version,
        feed.counterparty,
    )
    assert not given.get("overrides")
    columns = given["columns"]
    assert {column for column, meta in columns.items() if meta["required"]} == set(feed.header)
    assert set(columns) == set(HEADERS[name])
    types = {
        "order_id": "id",
        feed.counterparty: "id",
        feed.status: "text",
        "currency": "currency",
        feed.amount: "amount",
        feed.event: "time",
        **dict.fromkeys(feed.other_times, "time"),
        feed.version: "time" if feed.version_is_time else "integer",
        "description": "text",
    }
    assert {column: meta["type"] for column, meta in columns.items()} == types


def test_policies() -> None:
    given = declared(POLICIES)
    assert given["kind"] == "state"
    # What the first stream's verdicts do not depend on unless an org asks for it, the oracle does not know.
    known = {name: meta for name, meta in given["columns"].items() if name in HEADERS[POLICIES]}
    assert set(known) == set(HEADERS[POLICIES])
    assert not any(meta["required"] for meta in given["columns"].values())
    limits = {name: (meta.get("minimum"), meta.get("maximum")) for name, meta in known.items()}
    assert limits == {name: (0, MAXIMA[name]) if name in MAXIMA else (None, None) for name in HEADERS[POLICIES]}
    (row,) = seed("policy_defaults")
    assert {name: float(row[name]) for name in FIELDS} == {name: float(getattr(DEFAULT, name)) for name in FIELDS}


def test_statuses() -> None:
    given: dict[str, dict[str, str]] = {}
    for row in seed("status_map"):
        if not row.get("org_id") and not row.get("counterparty_id"):
            given.setdefault(row["system"], {})[row["source_status"].lower()] = row["status"]
    assert {system: given[system] for system in STATUSES} == STATUSES


def test_no_two_statuses_align_but_equal_ones() -> None:
    rows = [row for row in seed("status_pairs") if row.get("stream") in (None, "", "pos_oms_orders")]
    assert [row for row in rows if row["source_status"] != row["target_status"]] == []


def test_currencies() -> None:
    exponents = currencies()
    assert exponents.items() >= FEW_CURRENCIES.items()
    assert len(exponents) > 150
