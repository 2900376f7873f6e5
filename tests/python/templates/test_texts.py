"""A template's texts under a clone's names: what is a name is changed, what is a word is not, and what YAML says stays
the same."""

from pathlib import Path

import pytest
import yaml

from orchestration.templates import registry
from orchestration.templates.names import Names, length_faults, names_of_clone
from orchestration.templates.renaming import in_markdown, in_sql, in_yaml
from tests.python.declarations.project import ROOT

BODY = {"ladders": {"bookings": {}, "pays": {}}, "marts": ["pay_day"], "findings": ["bookings_consistency"]}
NAMES = names_of_clone("bookings", BODY, ["bookings__by_id", "pays__unmatched", "bookings_consistency"], "stays")


def test_names() -> None:
    assert NAMES.new == {
        "bookings": "stays",
        "pays": "stays_pays",
        "pay_day": "stays_pay_day",
        "bookings_consistency": "stays_consistency",
    }
    assert [NAMES.of(name) for name in ("bookings__by_id", "pays__unmatched", "pay_day", "policies")] == [
        "stays__by_id",
        "stays_pays__unmatched",
        "stays_pay_day",
        "policies",
    ]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("{{ unmatched(ladder='bookings') }}", "{{ unmatched(ladder='stays') }}"),
        ("from {{ ref('bookings__by_id') }}", "from {{ ref('stays__by_id') }}"),
        ("ref('pays__' ~ step)", "ref('stays_pays__' ~ step)"),
        ("select * from pay_day", "select * from stays_pay_day"),
        ("pay_days, xpay_day, bookings_of_today", "pay_days, xpay_day, bookings_of_today"),
        ("-- all bookings that pays for", "-- all bookings that pays for"),
    ],
)
def test_sql(text: str, becomes: str) -> None:
    assert in_sql(text, NAMES) == becomes


def test_yaml_keeps_prose_and_what_it_says() -> None:
    text = """models:
  - name: bookings__by_id
    description: >-
      One of the bookings; `bookings` is the stream. {0}
    config:
      group: bookings
  - name: pay_day
    description: "Pay day {0} `pay_day`"
    rows: |
      a,{1},pay_day
""".format("word " * 26, "b" * 160)
    new = in_yaml(text, NAMES)
    said = yaml.safe_load(new)["models"]
    assert said[0]["name"] == "stays__by_id"
    assert said[0]["description"].startswith("One of the bookings; `stays` is the stream.")
    assert said[0]["config"]["group"] == "stays"
    assert said[1]["name"] == "stays_pay_day"
    assert said[1]["rows"].endswith(",stays_pay_day\n")


def test_a_line_that_becomes_too_wide_is_broken() -> None:
    names = Names("pay_day", "x", {"pay_day": "a_much_longer_name_than_before"})
    for line in ("      {} `pay_day`\n", "    description: {} `pay_day` again\n", "  # {} pay_day\n"):
        text = "key: >-\n" + line if line.startswith("      ") else "key:\n" + line
        text = text.format("word " * 27 + "end")
        new = in_yaml(text, names)
        assert yaml.safe_load(new) == yaml.safe_load(text.replace("pay_day", "a_much_longer_name_than_before"))
        assert max(map(len, new.splitlines())) <= 160


def test_markdown_keeps_links_and_prose() -> None:
    text = "The bookings of `bookings` ([pay_day](marts.md#pay_day)).\n\n```csv\nbookings,1\n```\n"
    new = "The bookings of `stays` ([stays_pay_day](marts.md#pay_day)).\n\n```csv\nstays,1\n```\n"
    assert in_markdown(text, NAMES) == new


def test_an_anchor_stays_with_the_template() -> None:
    text = """vars:
  streams:
    # Ours.
    bookings:
      defaults: &terms {grace_minutes: 5}   # minutes
      ladders:
        bookings: {source: a/b, carries: &kept [order_ref]}
        pays:
          carries: *kept

  # Behind the streams.
  others: *terms
"""
    new = registry.with_clone(text, NAMES, ["acme"], {"price_abs_minor": 0, "grace_minutes": 60})
    streams = yaml.safe_load(new)["vars"]["streams"]
    assert streams["stays"] == {
        "orgs": ["acme"],
        "defaults": {"price_abs_minor": 0, "grace_minutes": 5},
        "ladders": {"stays": {"source": "a/b", "carries": ["order_ref"]}, "stays_pays": {"carries": ["order_ref"]}},
    }
    assert new.startswith(text[: text.index("\n  # Behind")])
    assert new.endswith("\n  # Behind the streams.\n  others: *terms\n")


def test_how_long_a_name_may_be() -> None:
    settings = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    for template, body in settings["vars"]["streams"].items():
        folder = Path(ROOT / "models" / "reconciliations" / template)
        models = [*(file.stem for file in folder.glob("*.sql")), *(body.get("marts") or [])]
        fits = [
            length
            for length in range(2, 42)
            if not length_faults(names_of_clone(template, body, models, "x" * length), models)
        ]
        # Every length up to the longest one, and enough for an org and a word.
        assert fits == list(range(2, len(fits) + 2))
        assert fits[-1] >= 20
