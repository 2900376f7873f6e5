"""Declarations: what the project declares reads well, and every fault is told at once."""

from pathlib import Path

import pytest

from orchestration.landing import FeedDeclarationError, load_feeds

from .conftest import PROJECT


def test_the_projects_feeds():
    feeds = load_feeds(PROJECT)
    assert {"pos/orders", "oms/orders", "tieout/policies"} <= set(feeds)
    pos = feeds["pos/orders"]
    assert (pos.relation, pos.kind, pos.id_column, pos.version_column) == (
        "pos__orders",
        "records",
        "order_id",
        "updated_at",
    )
    assert (pos.counterparty_column, pos.event_column) == ("store_id", "created_at")
    assert pos.delimiters == (",", ";", "\t", "|")
    assert [c.name for c in pos.columns if not c.required] == ["description"]
    assert feeds["oms/orders"].version_column == "revision"
    assert feeds["tieout/policies"].kind == "state"
    limits = {c.name: (c.minimum, c.maximum) for c in feeds["tieout/policies"].columns if c.minimum is not None}
    assert limits == {
        "price_abs_minor": (0, 10**15),
        "price_pct": (0, 1000),
        "skew_seconds": (0, 3650 * 86400),
        "grace_minutes": (0, 3650 * 1440),
        "fx_max_age_days": (0, 3650),
        **{f"{name}_from_minor": (0, 10**15) for name in ("medium", "high", "critical", "approval")},
    }


FAULTY = """
sources:
  - name: shop
    tables:
      - name: sales
        identifier: sales
        config:
          meta:
            feed:
              kind: records!
              time_zone: Europe/Atlantis
              decimal_mark: ".."
              delimiters: ["::"]
              encodings: [klingon]
              id_column: nr
              colour: red
              overrides:
                - {org_id: acme, counterparty_id: S1, aliases: {id: [x]}}
                - {time_zone: UTC, aliases: {nope: [x]}}
        columns:
          - name: id
            config: {meta: {type: identifier, required: maybe, minimum: true}}
          - name: total
            config: {meta: {type: amount, currency: curency, aliases: [Sum]}}
          - name: net
            config: {meta: {type: decimal, aliases: [sum], minimum: 0.5, maximum: 0}}
          - name: note
            config: {meta: {type: text, minimum: 0, maximum: lots}}
"""


def test_all_faults_at_once(tmp_path: Path):
    path = tmp_path / "models/staging/shop/_shop__sources.yml"
    path.parent.mkdir(parents=True)
    path.write_text(FAULTY)
    broken = tmp_path / "models/staging/other/_other__sources.yml"
    broken.parent.mkdir(parents=True)
    broken.write_text("sources: [")
    with pytest.raises(FeedDeclarationError) as caught:
        load_feeds(tmp_path)
    text = str(caught.value)
    for told in (
        "_other__sources.yml: not readable as YAML",
        "shop/sales: identifier: allowed is shop__sales, given 'sales'",
        "feed.kind: allowed is one of records, state, given 'records!'",
        "feed.time_zone", "feed.decimal_mark", "feed.delimiters", "feed.encodings", "feed.id_column", "'colour'",
        "feed.overrides[0].aliases: allowed is no counterparty_id",
        "feed.overrides[1].org_id", "feed.overrides[1].aliases",
        "columns.id.type", "columns.id.required: allowed is true or false, given 'maybe'",
        "columns.total.currency", "columns.net.aliases",
        "columns.id.minimum: allowed is a number, given True",
        "columns.note.minimum: allowed is only on a column of type integer, decimal, amount, given 0",
        "columns.net.maximum: allowed is no less than the minimum of 0.5, given 0",
        "columns.note.maximum: allowed is a number, given 'lots'",
    ):  # fmt: skip
        assert told in text
    assert len(caught.value.faults) == 20
