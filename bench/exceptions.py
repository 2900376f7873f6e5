"""What exceptions cost that people decide about: a million of them, and two hundred thousand decisions in one file.

python -m bench.exceptions [--exceptions 1000000] [--work .bench]
"""

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench.measuring import GIGABYTE, ROOT, BenchError, Run, Target, say, tell, tieout
from orchestration.decisions import COLUMNS

EXCEPTIONS = 1_000_000
# Decisions by exceptions: one in five, most of them on exceptions that two people decide about.
DECISIONS_TO_EXCEPTIONS = 0.2
# Taken out by hand, of a hundred decisions; and how often one exception is talked about.
EXCLUDED_OF_HUNDRED = 1
MOST_COMMENTS = 1_000
MAX_FOLD_SECONDS = 60.0
ORG = "harbour_pine"
# What decisions go through to become states.
FOLD = ("exception_decisions", "pins", "exception_timeline", "exceptions")
FIRST_AS_OF, SECOND_AS_OF = "2026-03-03T20:00:00Z", "2026-03-04T20:00:00Z"


@dataclass
class Exceptions:
    """What was measured of exceptions and decisions."""

    count: int
    decisions: int
    run: Run

    @property
    def fold_seconds(self) -> dict[str, float]:
        """Seconds by model of the fold."""
        return {name: self.run.nodes.get(name, 0.0) for name in FOLD}

    def targets(self) -> list[Target]:
        """The limits."""
        seconds = sum(self.fold_seconds.values())
        return [Target("fold of exceptions and decisions", seconds, MAX_FOLD_SECONDS, " s")]


def _orders(count: int, inbox: Path) -> None:
    """POS orders that the OMS does not know, and one that it does."""
    for system in ("pos", "oms"):
        (inbox / ORG / system / "orders").mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(
            f"""copy (
                select 'O-' || i as order_id, 'S' || i % 50 as store_id, 'PAID' as status, 'USD' as currency,
                    (1 + i % 9000 / 100)::decimal(10, 2) as total, '2026-03-02T12:00:00Z' as created_at,
                    '2026-03-02T12:00:00Z' as updated_at
                from range({count} + 1) as t(i)
            ) to '{inbox}/{ORG}/pos/orders/orders.csv' (header)"""
        )
        con.execute(
            f"""copy (
                select 'O-0' as order_id, 'S0' as location_id, 'created' as state, 'USD' as currency,
                    '1.00' as order_total, '2026-03-02T12:00:00Z' as placed_at, '2026-03-02T12:00:00Z' as modified_at,
                    '1' as revision
            ) to '{inbox}/{ORG}/oms/orders/orders.csv' (header)"""
        )


def _decisions(count: int, data: Path) -> dict[str, int]:
    """Write the decisions; returns how many exceptions end in which state."""
    excluded, comments = count * EXCLUDED_OF_HUNDRED // 100, min(MOST_COMMENTS, count // 10)
    explained = (count - excluded - comments) // 2
    folder = data / "inbox" / ORG / "tieout" / "exception_events"
    folder.mkdir(parents=True)
    with duckdb.connect(str(data / "published" / "tieout.duckdb"), read_only=True) as con:
        con.execute(
            "create temp table e as select *, row_number() over (order by exception_id) as n from marts.exceptions"
        )
        row = "exception_id, {action} as action, '{by}' as actor, '{at}' as decided_at, 'because' as reason"
        parts = [
            row.format(action="'ASSIGN'", by="ann", at="2026-03-04T09:00:00Z")
            + f", 'bea' as assignee, '' as ladder, '' as source_activity_id from e where n <= {explained}",
            row.format(action="'EXPLAIN'", by="bea", at="2026-03-04T10:00:00Z")
            + f", '', '', '' from e where n <= {explained}",
            row.format(action="'EXCLUDE'", by="ann", at="2026-03-04T09:00:00Z")
            + f", '', ladder, source_activity_id from e where n > {explained} and n <= {explained + excluded}",
            row.format(action="'COMMENT'", by="carl", at="2026-03-04T11:00:00Z")
            + f", '', '', '' from e, range({comments}) where n = {explained + excluded + 1}",
        ]
        rows = " union all ".join(f"select {part}" for part in parts)
        given = {"event_id": "row_number() over ()", "source_system": "''", "amount_minor": "''"}
        given |= {"target_system": "''", "target_activity_id": "''"}
        columns = ", ".join(f"{given[name]} as {name}" if name in given else name for name in COLUMNS)
        con.execute(f"copy (select {columns} from ({rows})) to '{folder}/decisions.csv' (header)")
        total = con.execute("select count(*) from e").fetchall()[0][0]
    settled = {"RESOLVED EXPLAINED": explained, "RESOLVED EXCLUDED": excluded}
    return {"OPEN": total - explained - excluded, **{state: count for state, count in settled.items() if count}}


def go(count: int, work: Path) -> Exceptions:
    """Open the exceptions, decide about them, and check what they have become.

    Raises:
        BenchError: an exception is not in the state that its decisions lead to.
    """
    data, logs = work / "exceptions_data", work / "logs"
    shutil.rmtree(data, ignore_errors=True)
    logs.mkdir(parents=True, exist_ok=True)
    decisions = int(count * DECISIONS_TO_EXCEPTIONS)
    _orders(count, data / "inbox")
    tell("exceptions opened", tieout(data, FIRST_AS_OF, logs / "exceptions_opened").measured)
    expected = _decisions(decisions, data)
    found = Exceptions(count, decisions, tieout(data, SECOND_AS_OF, logs / "exceptions_decided"))
    tell("exceptions decided", found.run.measured)
    with duckdb.connect(str(data / "published" / "tieout.duckdb"), read_only=True) as con:
        told = con.execute(
            "select concat_ws(' ', state, resolution), count(*) from marts.exceptions group by all"
        ).fetchall()
    if dict(told) != expected:
        raise BenchError(f"states of exceptions differ: expected {expected}, published are {dict(told)}")
    return found


def report(found: Exceptions) -> list[str]:
    """The section of the page."""
    one = found.run.measured
    fold = ", ".join(f"`{name}` {seconds:.1f}" for name, seconds in found.fold_seconds.items())
    return [
        "## Exceptions and decisions",
        "",
        f"{found.count:,} exceptions that are open, and {found.decisions:,} decisions in one file; the state of every",
        "exception was checked.",
        "",
        f"The run that takes the decisions in: {one.seconds:.1f} s, {one.peak_bytes / GIGABYTE:.2f} GB at its peak.",
        f"Of it the fold, in seconds: {fold}.",
        "",
    ]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure what exceptions cost that people decide about.")
    parser.add_argument("--exceptions", type=int, default=EXCEPTIONS, help=f"how many (default {EXCEPTIONS})")
    parser.add_argument("--work", type=Path, default=ROOT / ".bench", help="folder to work in (default .bench)")
    given = parser.parse_args()
    try:
        found = go(given.exceptions, given.work.resolve())
    except BenchError as fault:
        say(f"bench: {fault}")
        return 1
    print("\n".join(report(found)))
    return 0 if all(target.met for target in found.targets()) or given.exceptions < EXCEPTIONS else 1


if __name__ == "__main__":
    sys.exit(main())
