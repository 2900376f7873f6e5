"""Measures what a reconciliation costs, and checks that its answer is right: `make bench`.

    python -m bench.run [--rows 10000000] [--work .bench] [--report docs/benchmarks.md]

In one go and each as a process of its own: the reference (`bench/reference.py`), `tieout run` on a first delivery, the
reference again, `tieout run` on the delivery of the next day, then a run with nothing to do. After each of the two
deliveries every published result row is held against the generator's answer key. Before all that the examples are run,
and Dagster's page is started on them (`bench/dagster_page.py`). After it the payouts stream against a script of its own
(`bench/payouts.py`), one large file of each of its formats (`bench/parsers.py`), a day of bookings in hourly deliveries
(`bench/bookings.py`), and a million exceptions that people decide about (`bench/exceptions.py`).

Ends with 1 when an answer is wrong or a run fails, and, at full size, when a target is missed.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import duckdb
import psutil

from bench import bookings as bookings_bench
from bench import dagster_page
from bench import exceptions as exceptions_bench
from bench import parsers as parsers_bench
from bench import payouts as payouts_bench
from bench.measuring import GIGABYTE, ROOT, BenchError, Measured, Run, Target, deliver, measure, say, tell, tieout
from orchestration import parsed

FULL_SIZE = 10_000_000
EXAMPLES_AS_OF = "2026-03-03T06:00:00Z"
STREAM = "pos_oms_orders"

# What make bench holds the project to (ratios of one and the same go).
MAX_TO_REFERENCE = 3.0
MAX_SECOND_TO_FIRST = 0.20
MAX_EMPTY_SECONDS = 15.0
# Of the rest of the first day: what the audit adds to it, its artifacts included.
MAX_AUDIT = 0.10
MAX_BYTES = 6 * GIGABYTE


@dataclass
class Bench:
    """Everything that one go has measured."""

    rows: int
    days: int
    seed: int
    references: list[Measured] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    load_average: float = 0.0
    page: dagster_page.Page | None = None
    payouts: payouts_bench.Payouts | None = None
    parsers: parsers_bench.Parsers | None = None
    bookings: bookings_bench.Bookings | None = None
    exceptions: exceptions_bench.Exceptions | None = None

    @property
    def reference(self) -> Measured:
        """The faster one of the two around the first day: what others do on the machine is no excuse."""
        return min(self.references, key=lambda one: one.seconds)

    def targets(self) -> list[Target]:
        """The limits, in the order of the report."""
        first, second, again = (self.runs[name].measured for name in ("first day", "second day", "nothing new"))
        tiny = self.runs["examples"].measured
        peak = max(run.measured.peak_bytes for run in self.runs.values())
        audit = self.runs["first day"].timings.get("audit", 0.0)
        return [
            Target("first day / reference", first.seconds / self.reference.seconds, MAX_TO_REFERENCE),
            Target("second day / first day", second.seconds / first.seconds, MAX_SECOND_TO_FIRST),
            Target("audit / rest of the first day", audit / (first.seconds - audit), MAX_AUDIT),
            Target("run on the examples", tiny.seconds, MAX_EMPTY_SECONDS, " s"),
            Target("run with nothing new, on top of both days", again.seconds, MAX_EMPTY_SECONDS, " s"),
            Target("peak memory of any run", peak / GIGABYTE, MAX_BYTES / GIGABYTE, " GB"),
            *(self.page.targets() if self.page else []),
            *(self.payouts.targets() if self.payouts else []),
            *(self.parsers.targets() if self.parsers else []),
            *(self.bookings.targets() if self.bookings else []),
            *(self.exceptions.targets() if self.exceptions else []),
        ]


def extracts(work: Path, bench: Bench, day2: bool) -> tuple[Path, Path]:
    """Inbox and answer key of a delivery, generated unless an earlier go with the same generator has left them."""
    generator = ROOT / "examples" / "generate.py"
    stamp = hashlib.sha256(generator.read_bytes()).hexdigest()[:8]
    folder = work / "extracts" / f"{bench.rows}-{bench.days}-{bench.seed}-{stamp}"
    inbox, key = folder / ("day2" if day2 else "day1"), folder / ("day2_key" if day2 else "day1_key")
    if not (key / "done").exists():
        say(f"generating {bench.rows:,} orders, {'second' if day2 else 'first'} delivery")
        command = [sys.executable, str(generator), "--rows", str(bench.rows), "--days", str(bench.days)]
        command += ["--seed", str(bench.seed), "--out", str(inbox), *(["--day2"] if day2 else [])]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (key / "done").touch()
    return inbox, key


def check(data: Path, key: Path, run: Run) -> None:
    """Hold a run's answer against the key: counts by result and by anomaly, then row by row.

    Raises:
        BenchError: they differ; the message shows the counts or the first rows.
    """
    expected = json.loads((key / "summary.json").read_text(encoding="utf-8"))
    counts = run.summary["streams"][STREAM]
    told = {name: counts[name.lower()] for name in expected["results"]}
    if told != expected["results"]:
        raise BenchError(f"counts by result differ: expected {expected['results']}, the summary says {told}")
    unknown = {name: count for name, count in counts.items() if isinstance(count, int) and count}
    if set(unknown) != {name.lower() for name in expected["results"]}:
        raise BenchError(f"results beside the expected ones: {unknown}")

    con = duckdb.connect()
    con.execute("set memory_limit = '4GB'")
    con.execute(f"set temp_directory = '{data / '.bench_tmp'}'")
    con.execute("set preserve_insertion_order = false")
    con.execute(
        f"""create view told as
        select
            step, result, anomalies,
            -- a surplus copy's id may end in its ordinal
            if(result = 'DUPLICATE', regexp_replace(source_activity_id, '#[0-9]+$', ''), source_activity_id)
                as source_id,
            if(result = 'DUPLICATE', regexp_replace(target_activity_id, '#[0-9]+$', ''), target_activity_id)
                as target_id,
            source_amount_minor as source_amount, target_amount_minor as target_amount
        from read_parquet('{data}/published/marts/reconciliation_results*.parquet', union_by_name = true)"""
    )
    con.execute(
        f"""create view expected as
        select step, result, anomalies, source_id, target_id, source_amount, target_amount
        from read_parquet('{key}/key.parquet')"""
    )
    found = con.execute(
        """select unnest(string_split(anomalies, ',')) as anomaly, count(*) from told where anomalies <> ''
        group by anomaly order by anomaly"""
    ).fetchall()
    if dict(found) != expected["anomalies"]:
        raise BenchError(f"counts by anomaly differ: expected {expected['anomalies']}, published are {dict(found)}")
    for one, other, what in (("expected", "told", "are missing"), ("told", "expected", "are not expected")):
        rows = con.execute(f"select * from (from {one} except all from {other}) limit 5").fetchall()
        if rows:
            raise BenchError(f"result rows that {what}, the first of them:\n" + "\n".join(map(str, rows)))
    con.close()


def go(bench: Bench, work: Path) -> None:
    """Measure and check everything, telling as it goes."""
    data, fresh, tiny, logs = work / "data", work / "fresh", work / "examples", work / "logs"
    for folder in (data, fresh, tiny, logs):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    bench.load_average = os.getloadavg()[0]

    def reference() -> None:
        out = work / "reference.duckdb"
        command = [sys.executable, str(ROOT / "bench" / "reference.py"), str(pos), str(oms), str(out)]
        bench.references.append(measure(command, logs / "reference"))
        out.unlink()
        tell("reference", bench.references[-1])

    def run(name: str, folder: Path, as_of: str) -> Run:
        bench.runs[name] = tieout(folder, as_of, logs / name.replace(" ", "_"))
        tell(name, bench.runs[name].measured)
        return bench.runs[name]

    # The small ones first: what generating gigabytes leaves to be written would be at work beside them.
    shutil.rmtree(ROOT / parsed.FOLDER, ignore_errors=True)
    for name, folder in (("examples at first", fresh), ("examples", tiny)):
        deliver(ROOT / "examples" / "extracts", folder)
        run(name, folder, EXAMPLES_AS_OF)
    run("examples again", tiny, EXAMPLES_AS_OF)
    bench.page = dagster_page.go(tiny, work)
    first_inbox, first_key = extracts(work, bench, day2=False)
    second_inbox, second_key = extracts(work, bench, day2=True)
    first_as_of, second_as_of = (
        json.loads((key / "summary.json").read_text(encoding="utf-8"))["as_of"] for key in (first_key, second_key)
    )
    pos, oms = (next(first_inbox.glob(f"*/{system}/orders/*.csv")) for system in ("pos", "oms"))
    reference()
    deliver(first_inbox, data)
    check(data, first_key, run("first day", data, first_as_of))
    say("every row of the first day's answer is right")
    reference()
    deliver(second_inbox, data)
    check(data, second_key, run("second day", data, second_as_of))
    say("every row of the second day's answer is right")
    hash_before = bench.runs["second day"].summary["streams"][STREAM]["results_hash"]
    if run("nothing new", data, second_as_of).summary["streams"][STREAM]["results_hash"] != hash_before:
        raise BenchError("a run with nothing new has changed the results")
    orders = max(1, bench.rows * payouts_bench.ORDERS // FULL_SIZE)
    bench.payouts = payouts_bench.go(orders, work)
    megabytes = max(1, bench.rows * parsers_bench.MEGABYTES // FULL_SIZE)
    bench.parsers = parsers_bench.go(megabytes, work, payouts_bench.world(orders, work)[0])
    events = max(bookings_bench.FEWEST, bench.rows * bookings_bench.EVENTS // FULL_SIZE)
    bench.bookings = bookings_bench.go(events, work)
    bench.exceptions = exceptions_bench.go(max(1000, bench.rows * exceptions_bench.EXCEPTIONS // FULL_SIZE), work)


def report(bench: Bench) -> str:
    """The benchmark as a page of documentation."""
    reference, runs = bench.reference, bench.runs
    first = runs["first day"].measured
    tries = ", ".join(f"{one.seconds:.1f} s" for one in bench.references)

    def line(what: str, one: Measured, ratio: str = "") -> str:
        return f"| {what} | {one.seconds:.1f} | {one.peak_bytes / GIGABYTE:.2f} | {ratio} |"

    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench` (`bench/run.py`); do not edit.",
        "",
        f"{bench.rows:,} orders a side over {bench.days} days as two CSV files, then a second delivery with about one",
        "per cent of new and changed rows; in one go, each line a process of its own from its start to its end. Every",
        "result row was checked against the generator's answer key.",
        "",
        "| limit | measured | allowed | |",
        "|---|---|---|---|",
        *(
            f"| {t.what} | {t.measured:.2f}{t.unit} | {t.limit:g}{t.unit} | {'met' if t.met else '**missed**'} |"
            for t in bench.targets()
        ),
        "",
        "| what | seconds | peak memory, GB | |",
        "|---|---|---|---|",
        line("reference: one hand-written script (`bench/reference.py`)", reference, "1"),
        line("first day, CSV to published results", first, f"{first.seconds / reference.seconds:.2f} x reference"),
        line(
            "second day",
            runs["second day"].measured,
            f"{runs['second day'].measured.seconds / first.seconds:.2f} x first day",
        ),
        line("nothing new, on top of both days", runs["nothing new"].measured),
        line("the extracts of `examples/`, in a new folder", runs["examples"].measured),
        line("the same again, nothing new", runs["examples again"].measured),
        line("the same in a new checkout, where dbt parses the project first", runs["examples at first"].measured),
        "",
        f"The reference ran before and after the first day ({tries}); the faster one counts. Peak memory is the sum",
        "over all processes of a run, looked at ten times a second, or the peak of the largest one where that is more.",
        "",
        *(dagster_page.report(bench.page) if bench.page else []),
        *(payouts_bench.report(bench.payouts) if bench.payouts else []),
        *(parsers_bench.report(bench.parsers) if bench.parsers else []),
        *(bookings_bench.report(bench.bookings) if bench.bookings else []),
        *(exceptions_bench.report(bench.exceptions) if bench.exceptions else []),
        "## Where the time goes",
        "",
        *_where(bench),
        "",
        "## The machine",
        "",
        *(f"* {fact}" for fact in _machine(bench)),
    ]
    return "\n".join(lines) + "\n"


def _where(bench: Bench) -> list[str]:
    """Tables of the runs' own timings, and of the dearest dbt nodes."""
    names = [name for name in ("first day", "second day", "nothing new", "examples") if name in bench.runs]
    phases = [phase for phase in bench.runs[names[0]].timings if phase != "total"]
    lines = [f"| | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for phase in phases:
        lines.append(
            f"| {phase} | " + " | ".join(f"{bench.runs[name].timings.get(phase, 0):.1f}" for name in names) + " |"
        )
    rest = (
        bench.runs[name].measured.seconds - sum(bench.runs[name].timings.get(p, 0) for p in phases) for name in names
    )
    lines.append("| start and end of the process | " + " | ".join(f"{max(seconds, 0):.1f}" for seconds in rest) + " |")
    nodes = {node for name in names[:2] for node in bench.runs[name].nodes}
    if not nodes:
        return lines
    dearest = sorted(nodes, key=lambda node: -max(bench.runs[name].nodes.get(node, 0) for name in names[:2]))[:12]
    lines += ["", "The dearest parts of the dbt build (seconds; `tests` are all data tests together):", ""]
    lines += [f"| | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for node in dearest:
        lines.append(
            f"| `{node}` | " + " | ".join(f"{bench.runs[name].nodes.get(node, 0):.1f}" for name in names) + " |"
        )
    return lines


def _machine(bench: Bench) -> list[str]:
    """What another machine must be compared by; nothing that names this one."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "dbt-core", "dbt-duckdb"))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / GIGABYTE
    return [
        f"{cores} cores ({platform.machine()}), {memory:.0f} GB of memory, {platform.system()}",
        f"Python {platform.python_version()}, {packages}",
        f"load average when it began: {bench.load_average:.1f}",
        f"{datetime.now(UTC):%Y-%m-%d}",
    ]


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure what a reconciliation costs and check its answer.")
    parser.add_argument("--rows", type=int, default=FULL_SIZE, help=f"orders a side (default {FULL_SIZE})")
    parser.add_argument("--days", type=int, default=60, help="days that they spread over (default 60)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the generator (default 7)")
    parser.add_argument("--work", type=Path, default=ROOT / ".bench", help="folder to work in (default .bench)")
    parser.add_argument("--report", type=Path, help="page to write (default docs/benchmarks.md, at full size only)")
    given = parser.parse_args(arguments)
    page = given.report or (ROOT / "docs" / "benchmarks.md" if given.rows >= FULL_SIZE else None)
    bench = Bench(given.rows, given.days, given.seed)
    try:
        go(bench, given.work.resolve())
    except BenchError as fault:
        say(f"bench: {fault}")
        return 1
    text = report(bench)
    print(text)
    if page is not None:
        page.write_text(text, encoding="utf-8")
    missed = [target.what for target in bench.targets() if not target.met]
    if missed:
        say(f"missed: {', '.join(missed)}")
    return 1 if missed and given.rows >= FULL_SIZE else 0


if __name__ == "__main__":
    sys.exit(main())
