"""A system and a stream that the project has never heard of: nothing but their own folders and entries in the registry.

The till writes German: local time of Berlin, decimal comma, semicolons. The ledger writes local time of New York.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.python.core_project import core_project
from tests.python.declarations.project import registry, write, write_registry

STREAM = "till_to_ledger"

TILL = """
version: 2
sources:
  - name: till
    schema: "{{ env_var('TIEOUT_SCHEMA_PREFIX', '') }}landing"
    tables:
      - name: sales
        identifier: till__sales
        config:
          meta:
            feed:
              kind: records
              time_zone: Europe/Berlin
              decimal_mark: ","
              grouping_mark: "."
              delimiters: [";"]
              encodings: [utf-8]
              id_column: beleg
              version_column: fassung
              counterparty_column: kasse
              event_column: zeit
        columns:
          - {name: beleg, config: {meta: {type: id, required: true, aliases: [Belegnummer]}}}
          - {name: fassung, config: {meta: {type: integer, required: true}}}
          - {name: kasse, config: {meta: {type: id, required: true}}}
          - {name: bon, config: {meta: {type: text}}}
          - {name: stand, config: {meta: {type: text, required: true}}}
          - {name: waehrung, config: {meta: {type: currency, required: true}}}
          - {name: betrag, config: {meta: {type: amount, currency: waehrung, required: true}}}
          - {name: zeit, config: {meta: {type: time, required: true}}}
"""

LEDGER = """
version: 2
sources:
  - name: ledger
    schema: "{{ env_var('TIEOUT_SCHEMA_PREFIX', '') }}landing"
    tables:
      - name: entries
        identifier: ledger__entries
        config:
          meta:
            feed:
              kind: records
              time_zone: America/New_York
              decimal_mark: "."
              grouping_mark: ""
              delimiters: [","]
              encodings: [utf-8]
              id_column: entry_no
              version_column: changed_at
              counterparty_column: till_no
              event_column: booked_at
        columns:
          - {name: entry_no, config: {meta: {type: id, required: true}}}
          - {name: till_no, config: {meta: {type: id, required: true}}}
          - {name: slip, config: {meta: {type: text}}}
          - {name: state, config: {meta: {type: text, required: true}}}
          - {name: ccy, config: {meta: {type: currency, required: true}}}
          - {name: value, config: {meta: {type: amount, currency: ccy, required: true}}}
          - {name: booked_at, config: {meta: {type: time, required: true}}}
          - {name: changed_at, config: {meta: {type: time, required: true}}}
"""

MODELS = {
    "staging/till/stg_till__sales.sql": "{{ stage(feed='till/sales') }}",
    "staging/till/rejected_till__sales.sql": "{{ rejected(feed='till/sales') }}",
    "staging/ledger/stg_ledger__entries.sql": "{{ stage(feed='ledger/entries') }}",
    "staging/ledger/rejected_ledger__entries.sql": "{{ rejected(feed='ledger/entries') }}",
    "canonical/till_sales.sql": "{{ canonical(feed='till/sales', entity='sales', activity_type='SALE', columns={"
    "'activity_id': 'beleg', 'counterparty_id': 'kasse', 'order_ref': 'bon', 'status': 'stand', 'currency': 'waehrung',"
    " 'amount': 'betrag', 'event_at': 'zeit'}) }}",
    "canonical/ledger_entries.sql": "{{ canonical(feed='ledger/entries', entity='entries', activity_type='ENTRY',"
    " columns={'activity_id': 'entry_no', 'counterparty_id': 'till_no', 'order_ref': 'slip', 'status': 'state',"
    " 'currency': 'ccy', 'amount': 'value', 'event_at': 'booked_at'}) }}",
    "canonical/till_sales__dispositions.sql": "{{ dispositions(records='till_sales', feed='till/sales') }}",
    "canonical/ledger_entries__dispositions.sql": "{{ dispositions(records='ledger_entries', feed='ledger/entries') }}",
    f"reconciliations/{STREAM}/receipts__by_slip_and_time.sql": "{{ reconcile(ladder='receipts',"
    " match=one_to_one(on=['order_ref', 'counterparty_id'], within={'event_at': '10 minutes'}, max_pairs=3)) }}",
    f"reconciliations/{STREAM}/receipts__by_id.sql": "{{ reconcile(ladder='receipts',"
    " match=one_to_one(on=['activity_id'])) }}",
    f"reconciliations/{STREAM}/receipts__by_amount.sql": "{{ reconcile(ladder='receipts',"
    " match=one_to_one(on=['counterparty_id', 'currency', 'amount_minor']), on_match='ID_MISMATCH') }}",
    f"reconciliations/{STREAM}/receipts__unmatched.sql": "{{ unmatched(ladder='receipts') }}",
}


def extend(folder: Path) -> Path:
    """A copy of the project that knows the till and the ledger; nothing that was there is changed but the registry."""
    project = core_project(folder)
    write(project, "models/staging/till/_till__sources.yml", TILL)
    write(project, "models/staging/ledger/_ledger__sources.yml", LEDGER)
    for path, sql in MODELS.items():
        write(project, f"models/{path}", sql + "\n")
    settings = registry(project)
    settings["vars"]["feeds"] += ["till/sales", "ledger/entries"]
    settings["vars"]["streams"][STREAM] = {
        "ladders": {
            "receipts": {
                "source": "till/sales",
                "target": "ledger/entries",
                "checks": ["price_tolerance", "timestamp_skew", "currency_equality"],
                "steps": ["by_slip_and_time", "by_id", "by_amount"],
                "carries": ["order_ref"],
            }
        }
    }
    write_registry(project, settings)
    return project


NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def sale(
    number: str, slip: str = "", cents: int = 1000, minutes: float = 0, *, till: str = "K1", version: int = 1
) -> str:
    """A line of the till; `minutes` after noon UTC."""
    local = (NOON + timedelta(minutes=minutes)).astimezone(ZoneInfo("Europe/Berlin"))
    amount = f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02}"
    return f"{number};{version};{till};{slip};bezahlt;EUR;{amount};{local:%Y-%m-%d %H:%M:%S}"


def entry(
    number: str, slip: str = "", cents: int = 1000, minutes: float = 0, *, till: str = "K1", currency: str = "EUR"
) -> str:
    """A line of the ledger; `minutes` after noon UTC."""
    local = (NOON + timedelta(minutes=minutes)).astimezone(ZoneInfo("America/New_York"))
    booked = f"{local:%Y-%m-%dT%H:%M:%S}"
    return f"{number},{till},{slip},posted,{currency},{cents // 100}.{cents % 100:02},{booked},{booked}"


SALES_HEADER = "Belegnummer;fassung;kasse;bon;stand;waehrung;betrag;zeit"
ENTRIES_HEADER = "entry_no,till_no,slip,state,ccy,value,booked_at,changed_at"

SALES = (
    sale("S1", "B1", 123456, minutes=690),  # half past midnight in Berlin: the next business date
    sale("S2", "B2", 1234),
    sale("X3", "B3"),
    sale("S4", "B4", 400),
    sale("S4", "B4", 401),
    sale("S5", "", 555),
    sale("S6", "B6"),
    sale("S6b", "B6", minutes=9),
    sale("S7", "B7", 700),
    sale("S7b", "B7", 701),
    sale("S8", "B8", 888),
    sale("X10", "B10", 1010),
    sale("S11", "B11", 1111),
    sale("S11", "B11", 1111),
    sale("S12", "B12", 1212),
    sale("S13", "B13", 1313, version=1),
    sale("S13", "B13", 1314, version=2),
    sale("S14", "B14", 1414, till="K2"),
    sale("S15", "B15", 1515),
    "S16;1;K1;B16;bezahlt;EUR;16.16;2026-03-02 13:00:00",  # a point is no decimal mark here
    "S17;1;K1;B17;bezahlt;EUR;17,00;2026-03-29 02:30:00",  # nor did this hour occur
)
ENTRIES = (
    entry("E1", "B1", 123456, minutes=695),
    entry("E2", "B2", 1235),
    entry("X3", "B3", minutes=10 + 1 / 60),  # a second beyond the window; the id tells
    entry("E4", "B4", 400),
    entry("E5", "", 555, minutes=30),
    entry("E6", "B6", minutes=10),
    entry("E7", "B7", 700),
    entry("E7b", "B7", 701),
    entry("E9", "B9", 999),
    "X10,K1,B10,posted,EUR,10.101,2026-03-02T07:00:00,2026-03-02T07:00:00",
    entry("E11", "B11", 1111),
    entry("E12", "B12", 1212, currency="USD"),
    entry("E13", "B13", 1314),
    entry("E14", "B14", 1414, till="K3"),
    entry("E15", "B15", 1515, minutes=10),
)
LATE_ENTRIES = (
    entry("E8", "B8", 888, minutes=5),
    entry("E6c", "B6", minutes=-5),
    entry("E14b", "B14", 1414, till="K2"),
)

Verdict = tuple[str, str, str, str | None, str | None]

VERDICTS: set[Verdict] = {
    ("by_slip_and_time", "MATCHED", "", "S1", "E1"),
    ("by_slip_and_time", "MISMATCHED", "PRICE_MISMATCH", "S2", "E2"),
    ("by_id", "MATCHED", "", "X3", "X3"),
    ("by_slip_and_time", "AMBIGUOUS", "CONFLICT_TILL", "S4", None),
    ("by_slip_and_time", "AMBIGUOUS", "CONFLICT_TILL", None, "E4"),
    ("by_amount", "MISMATCHED", "ID_MISMATCH,TIMESTAMP_SKEW", "S5", "E5"),
    ("by_slip_and_time", "AMBIGUOUS", "AMBIGUOUS_MATCH", "S6", None),
    ("by_slip_and_time", "AMBIGUOUS", "AMBIGUOUS_MATCH", "S6b", None),
    ("by_slip_and_time", "AMBIGUOUS", "AMBIGUOUS_MATCH", None, "E6"),
    ("by_slip_and_time", "AMBIGUOUS", "CANDIDATE_CAP", "S7", None),
    ("by_slip_and_time", "AMBIGUOUS", "CANDIDATE_CAP", "S7b", None),
    ("by_slip_and_time", "AMBIGUOUS", "CANDIDATE_CAP", None, "E7"),
    ("by_slip_and_time", "AMBIGUOUS", "CANDIDATE_CAP", None, "E7b"),
    ("unmatched", "MISSING_TARGET", "MISSING_LEDGER", "S8", None),
    ("unmatched", "MISSING_SOURCE", "MISSING_TILL", None, "E9"),
    ("unmatched", "MISSING_TARGET", "REJECTED_LEDGER", "X10", None),
    ("by_slip_and_time", "MATCHED", "", "S11", "E11"),
    ("duplicates", "DUPLICATE", "DUPLICATE_TILL", "S11", None),
    ("by_slip_and_time", "MISMATCHED", "CURRENCY_MISMATCH", "S12", "E12"),
    ("by_slip_and_time", "MATCHED", "", "S13", "E13"),
    ("unmatched", "MISSING_TARGET", "MISSING_LEDGER", "S14", None),
    ("unmatched", "MISSING_SOURCE", "MISSING_TILL", None, "E14"),
    ("by_slip_and_time", "MATCHED", "", "S15", "E15"),
}
# With the second delivery: a counterpart comes, a rival joins a knot, and one that was missing is found.
GONE: set[Verdict] = {
    ("unmatched", "MISSING_TARGET", "MISSING_LEDGER", "S8", None),
    ("unmatched", "MISSING_TARGET", "MISSING_LEDGER", "S14", None),
    ("by_slip_and_time", "AMBIGUOUS", "AMBIGUOUS_MATCH", "S6", None),
    ("by_slip_and_time", "AMBIGUOUS", "AMBIGUOUS_MATCH", "S6b", None),
    ("by_slip_and_time", "AMBIGUOUS", "AMBIGUOUS_MATCH", None, "E6"),
}
COME: set[Verdict] = {
    ("by_slip_and_time", "MATCHED", "", "S8", "E8"),
    ("by_slip_and_time", "MATCHED", "", "S14", "E14b"),
    # Two sales and two entries near each other could be four pairs: more than the step may look at.
    ("by_slip_and_time", "AMBIGUOUS", "CANDIDATE_CAP", "S6", None),
    ("by_slip_and_time", "AMBIGUOUS", "CANDIDATE_CAP", "S6b", None),
    ("by_slip_and_time", "AMBIGUOUS", "CANDIDATE_CAP", None, "E6"),
    ("by_slip_and_time", "AMBIGUOUS", "CANDIDATE_CAP", None, "E6c"),
}
