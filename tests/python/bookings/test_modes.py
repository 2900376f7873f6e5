"""Hourly and daily runs: an hourly one judges hourly suppliers as the daily one would, a daily one judges all, and what
is said in the end does not depend on who ran when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.python.bookings.conftest import BOTH
from tests.python.bookings.world import (
    AGGREGATOR,
    POLICIES,
    RATES,
    SUPPLIER,
    Row,
    Verdicts,
    activity,
    at,
    exceptions,
    hourly,
    land,
    of_project,
    policy,
    put,
    rate,
    run,
    verdicts,
)
from tests.python.laws.harness import Folder, Server

# Daily at six; hourly at ten and at eleven, then daily at that very moment; hourly at twelve, then daily as well.
SIX, TEN, ELEVEN, TWELVE = (at(f"03-02 {hour}:00") for hour in ("06", "10", "11", "12"))
MOMENTS = (SIX, TEN, ELEVEN, TWELVE)
AFTER = ("06 daily", "10 hourly", "11 hourly", "11 daily", "12 hourly", "12 daily")

WAITS = "PENDING AWAITING_DAILY"
BOTH_WAIT = f"{WAITS} + {WAITS}"
MATCHED, PRICE = "MATCHED", "MISMATCHED PRICE_MISMATCH"
NO_SUPPLIER, NO_AGGREGATOR = "MISSING_TARGET MISSING_SUPPLIER", "MISSING_SOURCE MISSING_AGGREGATOR"
IN_GRACE = "PENDING IN_GRACE"

H, D = {"supplier_id": "H"}, {"supplier_id": "D"}
EARLY = {"event_time": "2026-03-02T05:00:00Z"}
EIGHT = {"event_time": "2026-03-02T08:00:00Z"}


@dataclass(frozen=True)
class Case:
    """A record, what each side delivers of it by the moment's number, and what is said of it after each run that has
    changed it (by the name of the run)."""

    org_id: str
    activity_id: str
    said: Mapping[str, str]
    source: Mapping[int, Sequence[Row]] = field(default_factory=dict)
    target: Mapping[int, Sequence[Row]] = field(default_factory=dict)

    def after(self, name: str) -> str | None:
        """What is said after a run; None while nothing has come."""
        known = [self.said[run] for run in AFTER[: AFTER.index(name) + 1] if run in self.said]
        return known[-1] if known else None


def both(
    org_id: str, activity_id: str, moment: int, said: Mapping[str, str], target_amount: str = "10.00", **columns: str
) -> Case:
    """A record that both sides deliver at one moment, of 10.00 EUR at the aggregator."""
    given = {**H, **EIGHT, **columns}
    currency = given.pop("currency", "EUR")
    return Case(
        org_id,
        activity_id,
        said,
        {moment: [activity(activity_id, "10.00", currency, **given)]},
        {moment: [activity(activity_id, target_amount, **given)]},
    )


def sold(activity_id: str, moment: int, said: Mapping[str, str], later: int | None = None, **columns: str) -> Case:
    """A record of the aggregator, whose counterpart comes at a later moment or never."""
    rows = [activity(activity_id, "10.00", **{**EIGHT, **columns})]
    return Case("acme", activity_id, said, {moment: rows}, {} if later is None else {later: rows})


def conflict(activity_id: str, said: Mapping[str, str], **columns: str) -> Case:
    """A record of which the supplier contradicts itself at ten, and settles it at twelve."""
    rows = [
        activity(activity_id, amount, **{**EIGHT, **columns}, version=version)
        for amount, version in (("10.00", "1"), ("11.00", "1"), ("10.00", "2"))
    ]
    return Case("acme", activity_id, said, {1: rows[:1]}, {1: rows[:2], 3: rows[2:]})


REFUSED = " + ".join(["AMBIGUOUS CONFLICT_SUPPLIER"] * 3)

CASES = [
    # Hourly suppliers are judged in the hourly run, daily ones wait.
    both("acme", "h pair", 1, {"10 hourly": MATCHED}),
    both("acme", "d pair", 1, {"10 hourly": BOTH_WAIT, "11 daily": MATCHED}, **D),
    both("acme", "h price", 2, {"11 hourly": PRICE}, "10.01"),
    both("acme", "d price", 2, {"11 hourly": BOTH_WAIT, "11 daily": PRICE}, "10.01", **D),
    sold("h missing", 1, {"10 hourly": NO_SUPPLIER}, **H),
    sold("d missing", 1, {"10 hourly": WAITS, "11 daily": NO_SUPPLIER}, **D),
    # A daily run judged it before: what has nothing new stays as it is.
    both("acme", "d judged", 0, {"06 daily": MATCHED}, **D, **EARLY),
    both("acme", "d judged price", 0, {"06 daily": PRICE}, "10.01", **D, **EARLY),
    sold("d judged missing", 0, {"06 daily": NO_SUPPLIER}, **D, event_time="2026-03-01T05:00:00Z"),
    # Of daily suppliers nothing new is said, also of what has only come due.
    sold("h due", 0, {"06 daily": IN_GRACE, "10 hourly": NO_SUPPLIER}, **H, event_time="2026-03-02T05:30:00Z"),
    sold(
        "d due",
        0,
        {"06 daily": IN_GRACE, "10 hourly": WAITS, "11 daily": NO_SUPPLIER},
        **D,
        event_time="2026-03-02T05:30:00Z",
    ),
    sold("h in grace", 2, {"11 hourly": IN_GRACE, "12 hourly": NO_SUPPLIER}, **H, event_time="2026-03-02T10:30:00Z"),
    sold(
        "d in grace",
        2,
        {"11 hourly": WAITS, "11 daily": IN_GRACE, "12 hourly": WAITS, "12 daily": NO_SUPPLIER},
        **D,
        event_time="2026-03-02T10:30:00Z",
    ),
    # A counterpart that comes late.
    sold("h late", 1, {"10 hourly": NO_SUPPLIER, "11 hourly": "MATCHED LATE"}, 2, **H),
    sold(
        "d late",
        0,
        {"06 daily": NO_SUPPLIER, "10 hourly": BOTH_WAIT, "11 daily": "MATCHED LATE"},
        1,
        **D,
        **{"event_time": "2026-03-01T05:00:00Z"},
    ),
    sold("d late too", 1, {"10 hourly": WAITS, "11 hourly": BOTH_WAIT, "11 daily": "MATCHED LATE"}, 2, **D),
    # The window of 48 hours: at its end is in it.
    both("acme", "h at the edge", 1, {"10 hourly": "MATCHED"}, **{"event_time": "2026-02-28T10:00:00Z"}),
    both(
        *("acme", "h beyond", 1, {"10 hourly": BOTH_WAIT, "11 daily": "MATCHED"}),
        **{"event_time": "2026-02-28T09:59:59.999999Z"},
    ),
    # One of the two is recent, or one of the two names the hourly supplier: a pair is judged whole.
    Case(
        *("acme", "one recent", {"10 hourly": "MISMATCHED TIMESTAMP_SKEW"}),
        {1: [activity("one recent", "10.00", **H, event_time="2026-02-25T10:00:00Z")]},
        {1: [activity("one recent", "10.00", **H, **EIGHT)]},
    ),
    Case(
        *("acme", "of two suppliers", {"10 hourly": MATCHED}),
        {1: [activity("of two suppliers", "10.00", **D, **EIGHT)]},
        {1: [activity("of two suppliers", "10.00", **H, **EIGHT)]},
    ),
    # Contradictions.
    conflict("h conflict", {"10 hourly": REFUSED, "12 hourly": "MATCHED LATE"}, **H),
    conflict(
        # Refused at once: what waits is one record an id, and these are two.
        "d conflict",
        {"10 hourly": REFUSED, "12 hourly": BOTH_WAIT, "12 daily": "MATCHED LATE"},
        **D,
    ),
    # A new version of what was judged, and one that cannot be read.
    Case(
        *("acme", "h version", {"06 daily": MATCHED, "10 hourly": f"{PRICE} LATE"}),
        {0: [activity("h version", "10.00", **H, **EARLY)]},
        {
            0: [activity("h version", "10.00", **H, **EARLY)],
            1: [activity("h version", "9.00", **H, **EARLY, version="2")],
        },
    ),
    Case(
        *("acme", "d version", {"06 daily": MATCHED, "10 hourly": BOTH_WAIT, "11 daily": f"{PRICE} LATE"}),
        {0: [activity("d version", "10.00", **D, **EARLY)]},
        {
            0: [activity("d version", "10.00", **D, **EARLY)],
            1: [activity("d version", "9.00", **D, **EARLY, version="2")],
        },
    ),
    Case(
        *("acme", "h unreadable", {"06 daily": MATCHED, "10 hourly": "MISMATCHED STALE_VERSION"}),
        {0: [activity("h unreadable", "10.00", **H, **EARLY)]},
        {
            0: [activity("h unreadable", "10.00", **H, **EARLY)],
            1: [activity("h unreadable", "nine", **H, **EARLY, version="2")],
        },
    ),
    # New rates: at once for hourly suppliers, for daily ones with the next daily run. Nobody loses a verdict to them.
    both("rates", "h usd", 0, {"06 daily": MATCHED, "10 hourly": PRICE}, "5.00", currency="USD", **EARLY),
    both("rates", "d usd", 0, {"06 daily": MATCHED, "11 daily": PRICE}, "5.00", currency="USD", **D, **EARLY),
    both(
        *("rates", "h usd of old", 0, {"06 daily": MATCHED, "11 daily": PRICE}, "5.00"),
        currency="USD",
        event_time="2026-02-20T08:00:00Z",
    ),
    both(
        *("rates", "h gbp", 0, {"06 daily": "MISMATCHED FX_RATE_MISSING", "10 hourly": MATCHED}, "20.00"),
        currency="GBP",
        **EARLY,
    ),
    both(
        *("rates", "d gbp", 0, {"06 daily": "MISMATCHED FX_RATE_MISSING", "11 daily": MATCHED}, "20.00"),
        currency="GBP",
        **{**D, **EARLY},
    ),
    # New thresholds the same.
    both("terms", "h", 0, {"06 daily": PRICE, "10 hourly": MATCHED}, "10.50", **EARLY),
    both("terms", "d", 0, {"06 daily": PRICE, "11 daily": MATCHED}, "10.50", **D, **EARLY),
    both("terms", "h of old", 0, {"06 daily": PRICE, "11 daily": MATCHED}, "10.50", event_time="2026-02-20T08:00:00Z"),
    Case(
        *("terms", "h patient", {"06 daily": NO_SUPPLIER, "10 hourly": IN_GRACE}),
        {0: [activity("h patient", "10.00", **H, event_time="2026-03-02T04:00:00Z")]},
    ),
    # At eleven X becomes an hourly supplier, and Y a daily one.
    both("switch", "x", 1, {"10 hourly": BOTH_WAIT, "11 hourly": MATCHED}, supplier_id="X"),
    both("switch", "x price", 1, {"10 hourly": BOTH_WAIT, "11 hourly": PRICE}, "9.00", supplier_id="X"),
    both("switch", "x new", 2, {"11 hourly": MATCHED}, supplier_id="X"),
    both(
        *("switch", "x of old", 1, {"10 hourly": BOTH_WAIT, "11 daily": MATCHED}),
        supplier_id="X",
        event_time="2026-02-20T08:00:00Z",
    ),
    both("switch", "y", 1, {"10 hourly": MATCHED}, supplier_id="Y"),
    both("switch", "y price", 1, {"10 hourly": PRICE}, "9.00", supplier_id="Y"),
    both("switch", "y new", 2, {"11 hourly": BOTH_WAIT, "11 daily": MATCHED}, supplier_id="Y"),
    Case(
        # No daily run has looked at it since it was due, and a daily run is what Y has now.
        *("switch", "y missing", {"10 hourly": NO_AGGREGATOR, "11 hourly": WAITS, "11 daily": NO_AGGREGATOR}),
        {},
        {1: [activity("y missing", "10.00", supplier_id="Y", **EIGHT)]},
    ),
    Case(
        *("switch", "y late", {"10 hourly": NO_AGGREGATOR, "11 hourly": BOTH_WAIT, "11 daily": "MATCHED LATE"}),
        {2: [activity("y late", "10.00", supplier_id="Y", **EIGHT)]},
        {1: [activity("y late", "10.00", supplier_id="Y", **EIGHT)]},
    ),
    # After a daily run the next hourly one holds back again, only what is new.
    both("acme", "h last", 3, {"12 hourly": MATCHED}),
    both("acme", "d last", 3, {"12 hourly": BOTH_WAIT, "12 daily": MATCHED}, **D),
]

TERMS: Mapping[tuple[str, str, int], Sequence[Row]] = {
    ("acme", POLICIES, 0): [policy(base_currency="EUR"), policy("H", mode="hourly"), policy("D", mode="DAILY")],
    ("rates", POLICIES, 0): [policy(base_currency="EUR"), policy("H", mode="HOURLY")],
    ("rates", RATES, 0): [rate("USD", "EUR", "0.5"), rate("USD", "EUR", "0.5", "2026-02-20")],
    ("rates", RATES, 1): [
        *(rate("USD", "EUR", "0.6"), rate("USD", "EUR", "0.6", "2026-02-20")),
        rate("GBP", "EUR", "2"),
    ],
    ("terms", POLICIES, 0): [policy(base_currency="EUR"), policy("H", mode="HOURLY")],
    ("terms", POLICIES, 1): [policy(price_abs_minor="50", grace_minutes="600")],
    ("switch", POLICIES, 0): [policy("Y", mode="HOURLY", base_currency="EUR"), policy("X", base_currency="EUR")],
    ("switch", POLICIES, 2): [
        policy("Y", mode="DAILY", base_currency="EUR"),
        policy("X", mode="HOURLY", base_currency="EUR"),
    ],
    ("replayed", POLICIES, 0): [policy("H", mode="HOURLY")],
}


def history(number: int) -> list[tuple[str, Row]]:
    """Three versions a side of one record of the org whose day is replayed; every fourth differs, one side of every
    fifth never comes."""
    given = {"supplier_id": "HD"[number % 2], **EIGHT}
    rows = [
        (feed, activity(f"r{number}", f"{10 + version}.{number:02}", version=str(version), **given))
        for version in (1, 2, 3)
        for feed in (AGGREGATOR, SUPPLIER)
        if not (number % 5 == 0 and feed == SUPPLIER)
    ]
    return rows[:-1] if number % 4 == 0 else rows


HISTORY = [row for number in range(24) for row in history(number)]


def by_version(versions: str) -> list[tuple[str, Row]]:
    """The versions named of every record, in the order in which they are named."""
    return [row for version in versions for row in HISTORY if row[1]["version"] == version]


# As it was, and once more at twelve, all of it backwards; and as it might have come: the newest first.
IN_ORDER = {1: by_version("1"), 2: by_version("23"), 3: by_version("123")[::-1]}
OUT_OF_ORDER = {1: by_version("31")[::-1], 2: by_version("2"), 3: by_version("132")}


def deliver(folder: Folder, moment: int, replayed: Mapping[int, Sequence[tuple[str, Row]]]) -> None:
    """What comes at a moment."""
    for (org_id, feed, when), rows in TERMS.items():
        if when == moment:
            put(folder, org_id, feed, rows, f"{moment}.csv")
    coming: dict[tuple[str, str], list[Row]] = {("replayed", feed): [] for feed in (AGGREGATOR, SUPPLIER)}
    for case in CASES:
        for feed, side in ((AGGREGATOR, case.source), (SUPPLIER, case.target)):
            coming.setdefault((case.org_id, feed), []).extend(side.get(moment, ()))
    for feed, row in replayed.get(moment, ()):
        coming[("replayed", feed)].append(row)
    for (org_id, feed), rows in coming.items():
        if rows:
            put(folder, org_id, feed, rows, f"{moment}.csv")


@dataclass(frozen=True)
class Seen:
    """What a run left."""

    results_hash: str
    verdicts: Verdicts
    result_ids: set[tuple[str, str]]
    exceptions: set[tuple[str, str, str, str]]


def look(folder: Folder, results_hash: str) -> Seen:
    """What is published now; of exceptions also those that are closed."""
    ids = folder.published("select org_id, result_id from marts.reconciliation_results")
    assert len(set(ids)) == len(ids)
    found = folder.published("select org_id, anomaly, exception_id, state from marts.exceptions")
    return Seen(results_hash, verdicts(folder), set(ids), set(found))


def live_in_modes(folder: Folder) -> dict[str, Seen]:
    """The runs of both modes, by their names."""
    seen = {}
    for name in AFTER:
        hour, mode = name.split()
        moment = ("06", "10", "11", "12").index(hour)
        if mode == "hourly" or moment == 0:
            deliver(folder, moment, IN_ORDER)
        outcome = (hourly if mode == "hourly" else run)(folder, MOMENTS[moment])
        seen[name] = look(folder, outcome.results_hash)
    return seen


def live_daily(folder: Folder) -> dict[str, Seen]:
    """The same deliveries by daily runs alone, the replayed org's in another order."""
    seen = {}
    for moment, name in enumerate(("", "", "11 daily", "12 daily")):
        deliver(folder, moment, OUT_OF_ORDER)
        if name:
            seen[name] = look(folder, run(folder, MOMENTS[moment]).results_hash)
        else:
            land(folder, MOMENTS[moment])
    return seen


@pytest.fixture(scope="module")
def mixed_on_duckdb(bookings_project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, dict[str, Seen]]:
    """Both modes, on DuckDB."""
    folder = of_project(tmp_path_factory.mktemp("modes") / "duckdb", "duckdb", bookings_project, {})
    return folder, live_in_modes(folder)


@pytest.fixture(scope="module")
def mixed_on_postgres(
    bookings_project: Path, tmp_path_factory: pytest.TempPathFactory, postgres_server: Server
) -> tuple[Folder, dict[str, Seen]]:
    """Both modes, on Postgres."""
    root = tmp_path_factory.mktemp("modes") / "postgres"
    folder = of_project(root, "postgres", bookings_project, postgres_server.new_database())
    return folder, live_in_modes(folder)


@pytest.fixture(scope="module")
def daily(bookings_project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """Daily runs alone, on DuckDB."""
    folder = of_project(tmp_path_factory.mktemp("modes") / "daily", "duckdb", bookings_project, {})
    return live_daily(folder)


@pytest.fixture
def mixed(request: pytest.FixtureRequest) -> tuple[Folder, dict[str, Seen]]:
    """Both modes, on the engine that a test is given."""
    found: tuple[Folder, dict[str, Seen]] = request.getfixturevalue(f"mixed_on_{request.param}")
    return found


# The folders are lived through once: two workers would each do it for themselves.
pytestmark = pytest.mark.xdist_group("bookings-modes")
on_both = pytest.mark.parametrize("mixed", BOTH, indirect=True)


@on_both
@pytest.mark.parametrize("name", AFTER)
def test_what_each_run_says(mixed: tuple[Folder, dict[str, Seen]], name: str) -> None:
    due = {(case.org_id, case.activity_id): said for case in CASES if (said := case.after(name)) is not None}
    assert {key: said for key, said in mixed[1][name].verdicts.items() if key[0] != "replayed"} == due


@on_both
def test_a_daily_run_says_of_what_an_hourly_one_judged_the_same(mixed: tuple[Folder, dict[str, Seen]]) -> None:
    after_terms = {
        ("rates", "d usd"),
        ("rates", "d gbp"),
        ("rates", "h usd of old"),
        ("terms", "d"),
        ("terms", "h of old"),
    }
    for hour in ("11", "12"):
        by_hour, by_day = (mixed[1][f"{hour} {mode}"].verdicts for mode in ("hourly", "daily"))
        judged = {key: said for key, said in by_hour.items() if WAITS not in said and key not in after_terms}
        assert {key: by_day[key] for key in judged} == judged
        assert by_day.keys() == by_hour.keys()
        assert not any(WAITS in said for said in by_day.values())


@on_both
def test_who_ran_when_changes_nothing(mixed: tuple[Folder, dict[str, Seen]], daily: dict[str, Seen]) -> None:
    """A folder that only ever ran daily, and had the versions in another order, says the same of each day's end."""
    for name in ("11 daily", "12 daily"):
        assert mixed[1][name].results_hash == daily[name].results_hash
        # What came in another order may be late or in time; nothing else may differ.
        assert _without_delay(mixed[1][name].verdicts) == _without_delay(daily[name].verdicts)
        assert mixed[1][name].result_ids == daily[name].result_ids
        assert _open(mixed[1][name]) == _open(daily[name])


def _without_delay(found: Verdicts) -> Verdicts:
    """The verdicts, those of the replayed org without the flag of a delay."""
    return {key: said.removesuffix(" LATE") if key[0] == "replayed" else said for key, said in found.items()}


def _open(seen: Seen, *orgs: str) -> set[tuple[str, str, str, str]]:
    """What is open, of some orgs or of all."""
    return {found for found in seen.exceptions if found[3] == "OPEN" and (not orgs or found[0] in orgs)}


@on_both
def test_a_day_that_comes_again_changes_nothing(mixed: tuple[Folder, dict[str, Seen]], daily: dict[str, Seen]) -> None:
    before, after = mixed[1]["11 daily"], mixed[1]["12 daily"]
    for seen in (mixed[1]["12 hourly"], after, daily["12 daily"]):
        assert {said for said in seen.result_ids if said[0] == "replayed"} == {
            said for said in before.result_ids if said[0] == "replayed"
        }
        assert _open(seen, "replayed") == _open(before, "replayed")
    assert {found for found in after.exceptions if found[0] == "replayed"} == {
        found for found in before.exceptions if found[0] == "replayed"
    }
    counts = {said: list(before.verdicts.values()).count(said) for said in (NO_SUPPLIER, PRICE)}
    assert min(counts.values()) >= 4


@on_both
def test_an_earlier_exception_closes(mixed: tuple[Folder, dict[str, Seen]]) -> None:
    folder, _ = mixed
    closed = exceptions(folder, "state = 'RESOLVED'")
    for activity_id in ("h late", "d late"):
        assert ("acme", "MISSING_SUPPLIER", activity_id) in closed
    assert ("switch", "MISSING_AGGREGATOR", "y late") in closed
    # Nobody missed what a daily supplier's hour held back.
    assert ("acme", "MISSING_SUPPLIER", "d late too") not in closed | exceptions(folder)


@on_both
def test_a_build_from_nothing_says_the_same(mixed: tuple[Folder, dict[str, Seen]]) -> None:
    folder, seen = mixed
    # It judges everybody, whatever mode it is asked for.
    rebuilt = run(folder, TWELVE, "--full-refresh", "--mode", "hourly")
    assert look(folder, rebuilt.results_hash) == seen["12 daily"]


@pytest.mark.postgres
def test_both_engines_say_the_same(
    mixed_on_duckdb: tuple[Folder, dict[str, Seen]], mixed_on_postgres: tuple[Folder, dict[str, Seen]]
) -> None:
    for name in AFTER:
        assert mixed_on_duckdb[1][name] == mixed_on_postgres[1][name]
