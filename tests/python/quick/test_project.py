"""The project that is made for two files: the shared core and nothing of anybody's streams."""

from pathlib import Path

import yaml

from orchestration.excerpt import shared_core
from orchestration.landing import load_feeds
from orchestration.publish import MARTS
from orchestration.quick.generate import key_of, policies, project_files
from orchestration.quick.plan import Plan
from tests.python.declarations.project import ROOT
from tests.python.quick.looks import left, plan, right

KEYWORDS = frozenset({"order", "group", "select"})


def made(one: Plan) -> dict[str, bytes]:
    return project_files(ROOT, one, KEYWORDS)


def test_the_core_has_the_marts_and_no_stream() -> None:
    files, settings = shared_core(ROOT)
    models = {Path(path).stem: path for path in files if path.endswith(".sql") and path.startswith("models/")}
    assert set(MARTS) <= set(models)
    assert {path for path in files if path.startswith("tests/laws/")} == {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "laws").iterdir()
    }
    for name in (
        "payout_tie_out",
        "pos_orders",
        "stg_pos__orders",
        "legs_to_payouts__by_payout",
        "bookings_consistency",
    ):
        assert name not in models
    assert settings["vars"]["streams"] == {}
    assert {feed.split("/")[0] for feed in settings["vars"]["feeds"]} == {"tieout"}
    # What is described is there.
    for path, text in files.items():
        if path.startswith("models/") and path.endswith(".yml"):
            assert {model["name"] for model in yaml.safe_load(text).get("models", [])} <= set(models)


def test_feeds_are_declared_as_a_person_would(tmp_path: Path) -> None:
    one = plan(
        left("Order", "Group", "Total (gross)", "batch_id", "Status"),
        right("order", "group", "total", "at", "status"),
        on="order,group",
        amount="Total (gross)=total",
        time="batch_id=at",
        currency="EUR",
        left_name="Web-Shop",
    )
    files = made(one)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text)
    feed = load_feeds(tmp_path)["web_shop/records"]
    # Words of SQL and of staging are no names for columns; all others are the header's own.
    assert feed.column_names == (
        *("key_column", "key_column_2", "whole_key", "status", "the_currency", "total_gross", "time_column"),
    )
    assert feed.columns[0].aliases == ("Order",)
    assert (feed.id_column, feed.event_column) == ("whole_key", "time_column")
    settings = yaml.safe_load(files["dbt_project.yml"])
    ladder = settings["vars"]["streams"]["quick"]["ladders"]["quick"]
    assert (ladder["source"], ladder["target"]) == ("web_shop/records", "right/records")


def test_the_key_is_that_of_what_is_declared() -> None:
    headers = ("id", "total")
    one = plan(left(*headers), right(*headers), currency="EUR")
    # Thresholds are data: other ones need no other project.
    assert key_of(made(one)) == key_of(
        made(plan(left(*headers), right(*headers), currency="EUR", price_abs="3", skew=1))
    )
    assert key_of(made(one)) != key_of(made(plan(left(*headers), right("id", "amount"), currency="EUR")))
    assert policies(plan(left(*headers), right(*headers), currency="EUR", price_abs="0.50", price_pct="0.01")) == (
        "stream,price_abs_minor,price_pct,skew_seconds,grace_minutes,price_basis\nquick,50,0.01,900,0,RECORD\n"
    )


def test_texts_of_anomalies_are_those_of_any_system() -> None:
    headers = ("id", "total")
    files = made(plan(left(*headers), right(*headers)))
    prefixes = [line.split(",")[0] for line in files["seeds/anomalies.csv"].decode().splitlines()]
    assert "MISSING_" in prefixes
    assert "MISSING_PAYMENT" not in prefixes
    assert "XXX,2,No currency involved" in files["seeds/currencies.csv"].decode()
