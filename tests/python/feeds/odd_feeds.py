"""A project of nothing but feeds that need every way of reading texts, and what becomes of each text."""

import shutil
from pathlib import Path

import yaml

from tests.python.declarations.project import ROOT

FEEDS = """
version: 2
sources:
  - name: odd
    schema: "{{ env_var('TIEOUT_SCHEMA_PREFIX', '') }}landing"
    tables:
      - name: amounts
        identifier: odd__amounts
        config:
          meta:
            feed:
              grouping_mark: ","
              delimiters: [";"]
              amount_marks: [symbol, parentheses, trailing_minus, unicode_minus, dash_zero]
              id_column: id
              overrides: [{org_id: german, decimal_mark: ",", grouping_mark: "."}]
        columns:
          - {name: id, config: {meta: {type: id, required: true}}}
          - {name: ccy, config: {meta: {type: currency, required: true}}}
          - {name: value, config: {meta: {type: amount, currency: ccy}}}
      - name: digits
        identifier: odd__digits
        config:
          meta:
            feed:
              id_column: id
              amount_marks: [trailing_minus]
              overrides: [{org_id: other, defaults: {note: it's nothing, ccy: JPY}}]
        columns:
          - {name: id, config: {meta: {type: id, required: true}}}
          - {name: ccy, config: {meta: {type: currency, required: true}}}
          - {name: value, config: {meta: {type: amount, currency: ccy, implied_decimals: 2}}}
          - {name: note, config: {meta: {type: text, default: none given}}}
      - name: times
        identifier: odd__times
        config: {meta: {feed: {id_column: id, time_zone: Europe/Berlin, event_column: happened_at}}}
        columns:
          - {name: id, config: {meta: {type: id, required: true}}}
          - {name: american, config: {meta: {type: time, formats: [MM/DD/YYYY, DD.MM.YYYY, YYYY/MM/DD]}}}
          - {name: booked_on, config: {meta: {type: date, formats: [DD/MM/YYYY, YYYY-MM-DD]}}}
          - {name: universal, config: {meta: {type: time, time_zone: UTC}}}
          - {name: tokyo, config: {meta: {type: time, time_zone: Asia/Tokyo}}}
          - {name: day, config: {meta: {type: text}}}
          - {name: clock, config: {meta: {type: text}}}
          - {name: zone, config: {meta: {type: text}}}
          - name: happened_at
            config: {meta: {type: time, parts: [day, clock, zone], formats: [MM/DD/YYYY]}}
          - {name: local_at, config: {meta: {type: time, parts: [day, clock], formats: [MM/DD/YYYY], required: true}}}
      - name: lines
        identifier: odd__lines
        config:
          meta:
            feed:
              id_column: line
              kind_columns: [kind_of, part, remark]
              fill_down: {by: number, columns: [ccy, sold_at, total]}
        columns:
          - {name: line, config: {meta: {type: id, required: true}}}
          - {name: number, config: {meta: {type: id, required: true}}}
          - {name: ccy, config: {meta: {type: currency, required: true}}}
          - {name: total, config: {meta: {type: amount, currency: ccy, required: true}}}
          - {name: sold_at, config: {meta: {type: time, required: true, formats: [YYYY-MM-DD]}}}
          - {name: kind_of, config: {meta: {type: text}}}
          - {name: part, config: {meta: {type: text}}}
          - {name: remark, config: {meta: {type: text}}}
      - name: wholes
        identifier: odd__wholes
        config: {meta: {feed: {id_column: whole, delimiters: [";"]}}}
        columns:
          - {name: whole, config: {meta: {type: id, required: true, parts: [store, till, number]}}}
          - {name: store, config: {meta: {type: id}}}
          - {name: till, config: {meta: {type: text}}}
          - {name: number, config: {meta: {type: id}}}
"""

# Three columns -> the id that they are together; none where one is blank. No two ids are the same text.
WHOLES: dict[tuple[str, str, str], str | None] = {
    ("S1", "2", "3"): "S1 | 2 | 3",
    (" S1 ", "02", "3"): "S1 | 02 | 3",
    ("a | b", "c", "d"): "a || b | c | d",
    ("a", "b | c", "d"): "a | b || c | d",
    ("a", "b", "c | d"): "a | b | c || d",
    ("a|", "b", "c"): "a|| | b | c",
    ("a", "|b", "c"): "a | ||b | c",
    ("a", "", "c"): None,
    ("a", "b", " "): None,
}

KINDS = """system,feed,code_1,code_2,code_3,kind
odd,lines,Order,,,CHARGE
odd,lines,order,fee,,FEE
odd,lines,order,,gift,IGNORED
odd,lines,,tax,,FEE_TAX
odd,lines,,tax,big,ADJUSTMENT
odd,lines,order,tax,big,REFUND
odd,others,nothing,,,PAYOUT
other,lines,nothing,,,PAYOUT
"""

# (currency, text) -> minor units; None: nothing; a text: the reason of the reject.
AMOUNTS: dict[tuple[str, str], int | str | None] = {
    ("USD", "12.30"): 1230,
    ("USD", "$12.30"): 1230,
    ("USD", "-$0.93"): -93,
    ("USD", "$-0.93"): -93,
    ("GBP", "+£1"): 100,
    ("gbp", "-£1.5"): -150,
    ("EUR", "€1,234.50"): 123450,
    ("CNY", "¥5"): 500,
    ("CAD", "$5"): 500,
    ("USD", "£5"): "unreadable_amount",
    ("EUR", "$5"): "unreadable_amount",
    ("USD", "(€5)"): "unreadable_amount",
    ("USD", "$$5"): "unreadable_amount",
    ("USD", "5$"): "unreadable_amount",
    ("USD", "$"): "unreadable_amount",
    ("USD", "$ 5"): "unreadable_amount",
    ("USD", "(1.00)"): -100,
    ("USD", "($1,000.00)"): -100000,
    ("USD", "$(1.00)"): "unreadable_amount",
    ("USD", "(-1.00)"): "unreadable_amount",
    ("USD", "((1.00))"): "unreadable_amount",
    ("USD", "(1.00"): "unreadable_amount",
    ("USD", "()"): "unreadable_amount",
    ("USD", "1.00-"): -100,
    ("USD", "$1.00-"): -100,
    ("USD", "-1.00-"): "unreadable_amount",
    ("USD", "1.00--"): "unreadable_amount",
    ("USD", "\u22125.00"): -500,
    ("USD", "5.00\u2212"): -500,
    ("USD", "-"): None,
    ("USD", "\u2212"): None,
    ("USD", "--"): "unreadable_amount",
    ("USD", ""): None,
    ("USD", "1,00"): "unreadable_amount",
    ("USD", "1.005"): "too_many_decimals",
    ("USD", "$1.500"): 150,
    ("JPY", "¥1,200"): 1200,
    ("JPY", "(1200)"): -1200,
    ("JPY", "¥1.5"): "too_many_decimals",
    ("KWD", "-1.234"): -1234,
    ("KWD", "(0.001)"): -1,
    ("XXY", "$1"): "unknown_currency",
}
GERMAN: dict[tuple[str, str], int | str | None] = {
    ("EUR", "€1.234,50"): 123450,
    ("EUR", "(1,00)"): -100,
    ("EUR", "1,00-"): -100,
    ("EUR", "-"): None,
    ("EUR", "1.00"): "unreadable_amount",
}
DIGITS: dict[tuple[str, str], int | str | None] = {
    ("USD", "1234"): 1234,
    ("USD", "0"): 0,
    ("USD", "5"): 5,
    ("USD", "-5"): -5,
    ("USD", "+12"): 12,
    ("USD", "12-"): -12,
    ("USD", "0001234"): 1234,
    ("USD", "12.34"): "unreadable_amount",
    ("USD", "1e2"): "unreadable_amount",
    ("USD", ""): None,
    ("JPY", "120000"): 1200,
    ("JPY", "120050"): "too_many_decimals",
    ("JPY", "0"): 0,
    ("KWD", "1234"): 12340,
    ("KWD", "-1"): -10,
    ("USD", "999999999999999999"): 999999999999999999,
    ("USD", "1000000000000000000"): "amount_out_of_range",
}

# The feed's zone is Berlin: an hour before UTC's clock in winter, two in summer.
AMERICAN: dict[str, str | None] = {
    "2026-03-02T12:00:00Z": "2026-03-02 12:00:00",
    "2026-03-02 12:00": "2026-03-02 11:00:00",
    "2026-03-02 18:22:40 -0500": "2026-03-02 23:22:40",
    "2026-03-02 18:22:40 +05:30": "2026-03-02 12:52:40",
    "2026-03-02 18:22:40 UTC": "2026-03-02 18:22:40",
    "03/02/2026 12:00": "2026-03-02 11:00:00",
    "3/2/2026 9:05": "2026-03-02 08:05:00",
    "10/05/2026 2:30:00 PM": "2026-10-05 12:30:00",
    "10/05/2026 12:00 AM": "2026-10-04 22:00:00",
    "10/05/2026 12:00 pm": "2026-10-05 10:00:00",
    "10/05/2026 11:59:59PM": "2026-10-05 21:59:59",
    "02.03.2026 08:00:00 UTC": "2026-03-02 08:00:00",
    "2.3.2026 08:00:00": "2026-03-02 07:00:00",
    "2026/6/12 10:00:00 -0400": "2026-06-12 14:00:00",
    "13/02/2026 12:00": None,
    "02/30/2026 12:00": None,
    "0/1/2026 12:00": None,
    "003/02/2026 12:00": None,
    "03/02/26 12:00": None,
    "03/02/2026": None,
    "2026-03-02 13:00 PM": None,
    "2026-03-02 0:30 AM": None,
    "2026-03-02 12:00 EST": None,
    "2026-03-02 12:00  +0100": None,
    "03/29/2026 02:30": None,
    "2026-003-02 12:00": None,
    "2026-03-02 18:22:40 .5000": None,
    "2026-03-02 18:22:40 -05:0": None,
    "12:00": None,
}
DAYS: dict[str, str | None] = {
    "2026-03-02": "2026-03-02",
    "02/03/2026": "2026-03-02",
    "2/3/2026": "2026-03-02",
    "31/12/2026": "2026-12-31",
    "2026-03-02 00:00:00": "2026-03-02",
    "2026-03-02T00:00:00Z": "2026-03-02",
    "02/03/2026 00:00": "2026-03-02",
    "2026-03-02 00:00:00 UTC": "2026-03-02",
    "2026-03-02 08:00:00": None,
    "12/31/2026": None,
    "02.03.2026": None,
    "2026/03/02": None,
    "2026-003-02": None,
    "2026-03-2": None,
}
# day, clock, zone -> instant, business date, instant without the zone column; or the reason.
PARTS: dict[tuple[str, str, str], tuple[str, str, str] | str] = {
    ("2026-03-04", "10:02:11", "Eastern Time (US & Canada)"): (
        "2026-03-04 15:02:11",
        "2026-03-04",
        "2026-03-04 09:02:11",
    ),
    ("07/04/2026", "11:30:00 PM", "EASTERN time (us & canada)"): (
        "2026-07-05 03:30:00",
        "2026-07-04",
        "2026-07-04 21:30:00",
    ),
    ("2026-03-04", "23:30", "PST"): ("2026-03-05 07:30:00", "2026-03-04", "2026-03-04 22:30:00"),
    ("2026-03-04", "0:30", "CET"): ("2026-03-03 23:30:00", "2026-03-04", "2026-03-03 23:30:00"),
    ("2026-03-04", "12:00:00.5", "UTC"): ("2026-03-04 12:00:00.5", "2026-03-04", "2026-03-04 11:00:00.5"),
    ("2026-03-04", "12:00", ""): ("2026-03-04 11:00:00", "2026-03-04", "2026-03-04 11:00:00"),
    ("2026-03-04", "12:00", "America/New_York"): ("2026-03-04 17:00:00", "2026-03-04", "2026-03-04 11:00:00"),
    ("2026-03-04", "12:00", "IST"): "happened_at: unknown_time_zone",
    ("2026-03-04", "12:00", "Mars/Olympus"): "happened_at: unknown_time_zone",
    ("2026-03-08", "02:30", "Pacific Time (US & Canada)"): "happened_at: nonexistent_local_time",
    ("2026-03-04", "", "PST"): "happened_at: unreadable_time; local_at: unreadable_time",
    ("", "12:00", "PST"): "local_at: missing_value",
    ("30/04/2026", "12:00", "PST"): "happened_at: unreadable_time; local_at: unreadable_time",
}

LINES = """line,number,ccy,total,sold_at,kind_of,part,remark
1,A,USD,10.00,2026-03-02 10:00:00 +0000,Order,item,
2,A,,,,ORDER,Fee,
3,B,EUR,7.00,2026-03-02 11:00:00 +0000,order,item,Gift
4,A,,,,other,TAX,small
5,B,,,,order,tax,BIG
6,B,,,,other,tax,big
7,C,,,,order,item,
8,A,USD,11.00,2026-03-03 10:00:00 +0000,order,tax,small
9,A,,,,nothing,item,
10,A,,,,,,
11,A,USD,12.0x,2026-03-03 10:00:00 +0000,order,,
12,A,,,,order,,
"""
# line -> currency, total, sold at, continuation, kind; or the reasons of the reject.
LINES_READ: dict[str, tuple[str, int, str, bool, str] | str] = {
    "1": ("USD", 1000, "2026-03-02 10:00:00", False, "CHARGE"),
    "2": ("USD", 1000, "2026-03-02 10:00:00", True, "FEE"),
    "3": ("EUR", 700, "2026-03-02 11:00:00", False, "IGNORED"),
    "4": ("USD", 1000, "2026-03-02 10:00:00", True, "FEE_TAX"),
    "5": ("EUR", 700, "2026-03-02 11:00:00", True, "REFUND"),
    "6": ("EUR", 700, "2026-03-02 11:00:00", True, "ADJUSTMENT"),
    "7": "ccy: missing_value; total: missing_value; sold_at: missing_value",
    # Two lines of the seed say one code each: the earlier code counts.
    "8": ("USD", 1100, "2026-03-03 10:00:00", False, "CHARGE"),
    "9": "kind_of, part, remark: unmapped_kind",
    "10": "kind_of, part, remark: unmapped_kind",
    "11": "total: unreadable_amount",
    "12": "total: unreadable_amount",
}


def odd_project(folder: Path) -> Path:
    """A project with the macros and seeds of the real one, the odd feeds, and no other model."""
    for part in ("macros", "seeds", "tests/generic"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copyfile(ROOT / "profiles.yml", folder / "profiles.yml")
    settings = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    names = ["amounts", "digits", "times", "lines", "wholes"]
    settings["vars"] = {"feeds": [f"odd/{name}" for name in names], "streams": {}}
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    (folder / "seeds" / "leg_kinds.csv").write_text(KINDS, encoding="utf-8")
    staging = folder / "models" / "staging" / "odd"
    staging.mkdir(parents=True)
    (staging / "_odd__sources.yml").write_text(FEEDS, encoding="utf-8")
    for name in names:
        (staging / f"stg_odd__{name}.sql").write_text(f"{{{{ stage(feed='odd/{name}') }}}}\n", encoding="utf-8")
        (staging / f"rejected_odd__{name}.sql").write_text(f"{{{{ rejected(feed='odd/{name}') }}}}\n", encoding="utf-8")
    # Landing's own tables stand among the sources of the real project.
    landing = yaml.safe_load((ROOT / "models/staging/tieout/_tieout__sources.yml").read_text(encoding="utf-8"))
    landing["sources"] = [source for source in landing["sources"] if source["name"] == "landing"]
    (staging / "_landing.yml").write_text(yaml.safe_dump(landing), encoding="utf-8")
    return folder
