"""A wrong declaration of how texts are read: every fault is told at once, with what is allowed and what was given."""

from pathlib import Path

import pytest

from orchestration.landing import FeedDeclarationError, load_feeds

FAULTY = """
sources:
  - name: shop
    tables:
      - name: sales
        identifier: shop__sales
        config:
          meta:
            feed:
              decimal_mark: ","
              kind_columns: [kind, total, nowhere]
              amount_marks: [symbol, stars]
              fill_down: {by: number, columns: [number, nothing]}
              overrides: [{org_id: acme, defaults: {nowhere: x}}, {org_id: acme, defaults: [x]}]
        columns:
          - {name: number, config: {meta: {type: id}}}
          - {name: kind, config: {meta: {type: text}}}
          - {name: ccy, config: {meta: {type: currency}}}
          - {name: total, config: {meta: {type: amount, currency: ccy, implied_decimals: 2}}}
          - {name: note, config: {meta: {type: text, implied_decimals: -1, formats: [DD.MM.YYYY]}}}
          - {name: day, config: {meta: {type: date, formats: [MM/DD/YYYY, DD/MM/YYYY, DDMMYYYY], parts: [kind, note]}}}
          - {name: at, config: {meta: {type: time, parts: [kind, total], aliases: [When]}}}
          - {name: until, config: {meta: {type: time, parts: [kind], formats: DD.MM.YYYY, default: x, time_zone: Mars}}}
      - name: lines
        identifier: shop__lines
        config: {meta: {feed: {kind_columns: [a, a], amount_marks: symbol, fill_down: [a]}}}
        columns:
          - {name: a, config: {meta: {type: text}}}
      - name: rests
        identifier: shop__rests
        config: {meta: {feed: {fill_down: {by: a, columns: [b]}}}}
        columns:
          - {name: a, config: {meta: {type: text}}}
          - {name: b, config: {meta: {type: text}}}
          - {name: is_continuation, config: {meta: {type: text}}}
"""

TOLD = (
    "feed.kind_columns: allowed is a declared column of type text or id (kind, note, number), given 'total'",
    "feed.kind_columns: allowed is a declared column of type text or id (kind, note, number), given 'nowhere'",
    "feed.kind_columns: allowed is no declared column named kind beside it (staging adds one), given 'kind'",
    "shop/sales: feed.amount_marks: allowed is one of symbol, parentheses, trailing_minus, unicode_minus, dash_zero",
    "shop/sales: feed.fill_down.columns: allowed is a declared column of the file",
    "shop/sales: feed.fill_down.columns: allowed is other columns than the one in `by`, given 'number'",
    'shop/sales: columns.total.implied_decimals: allowed is only in a feed with decimal_mark "."',
    'shop/sales: columns.note.implied_decimals: allowed is only in a feed with decimal_mark "."',
    "shop/sales: columns.note.implied_decimals: allowed is a whole number from 0 to 9, given -1",
    "shop/sales: columns.note.implied_decimals: allowed is only on a column of type amount, given -1",
    "shop/sales: columns.note.formats: allowed is only on a column of type time or date",
    "shop/sales: columns.day.formats: allowed is one of YYYY-MM-DD, DD.MM.YYYY, MM/DD/YYYY, DD/MM/YYYY, YYYY/MM/DD",
    "shop/sales: columns.day.formats: allowed is only one of MM/DD/YYYY and DD/MM/YYYY",
    "shop/sales: columns.day.parts: allowed is only on a column of type time or id",
    "shop/sales: columns.at.parts: allowed is a declared column of type text or id (kind, note, number), given 'total'",
    "shop/sales: columns.at.parts: allowed is no aliases beside it",
    "shop/sales: columns.until.parts: allowed is [<date column>, <time column>]",
    "shop/sales: columns.until.formats: allowed is a list of YYYY-MM-DD",
    "shop/sales: columns.until.default: allowed is no default of a column that is put together from parts, given 'x'",
    "shop/sales: columns.until.time_zone: allowed is only on a column of type time without parts, given 'Mars'",
    "shop/sales: columns.until.time_zone: allowed is a time zone of the IANA list",
    "shop/sales: feed.overrides[0].defaults: allowed is a declared column",
    "shop/sales: feed.overrides[1].defaults: allowed is a mapping",
    "shop/lines: feed.kind_columns: allowed is a list of one to three declared columns",
    "shop/lines: feed.amount_marks: allowed is a list of symbol",
    "shop/lines: feed.fill_down: allowed is {by: <column>, columns: [<column>, ...]}, given ['a']",
    "shop/rests: feed.fill_down: allowed is no declared column named is_continuation beside it",
)


def test_all_faults_at_once(tmp_path: Path) -> None:
    path = tmp_path / "models/staging/shop/_shop__sources.yml"
    path.parent.mkdir(parents=True)
    path.write_text(FAULTY, encoding="utf-8")
    with pytest.raises(FeedDeclarationError) as caught:
        load_feeds(tmp_path)
    text = str(caught.value)
    assert not [told for told in TOLD if told not in text], text
    assert len(caught.value.faults) == len(TOLD), text


def test_what_is_made_is_required_of_the_record_and_not_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "models/staging/shop/_shop__sources.yml"
    path.parent.mkdir(parents=True)
    path.write_text(
        """
sources:
  - name: shop
    tables:
      - name: sales
        identifier: shop__sales
        config: {meta: {feed: {kind: records}}}
        columns:
          - {name: day, config: {meta: {type: text, required: true}}}
          - {name: clock, config: {meta: {type: text, required: true}}}
          - {name: sold_at, config: {meta: {type: time, parts: [day, clock], required: true}}}
          - {name: ccy, config: {meta: {type: currency, default: USD, required: true}}}
""",
        encoding="utf-8",
    )
    columns = load_feeds(tmp_path)["shop/sales"].columns
    assert [column.name for column in columns if column.required] == ["day", "clock"]
