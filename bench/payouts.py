"""What the payouts stream costs: orders, the lines of processors, and deposits, in the files that they write."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from bench.measuring import GIGABYTE, ROOT, BenchError, Measured, Run, Target, deliver, measure, say, tell, tieout

STREAM = "ecommerce_payouts"
ORG = "harbour_pine"
# With their charges, refunds, fees and payouts two million records.
ORDERS = 650_000
MAX_TO_REFERENCE = 4.0


@dataclass
class Payouts:
    """What was measured of the payouts stream."""

    records: int
    megabytes: float
    references: list[Measured] = field(default_factory=list)
    run: Run | None = None

    @property
    def reference(self) -> Measured:
        """The faster one of the two around the run."""
        return min(self.references, key=lambda one: one.seconds)

    def targets(self) -> list[Target]:
        """The limits."""
        if self.run is None:
            return []
        return [
            Target("payouts / their reference", self.run.measured.seconds / self.reference.seconds, MAX_TO_REFERENCE)
        ]


def world(orders: int, work: Path) -> tuple[Path, Path]:
    """Inbox and answer key of a world without faults, generated unless an earlier go has left them."""
    inbox, key = work / "payouts" / str(orders), work / "payouts" / f"{orders}_key"
    if not (key / "done").exists():
        say(f"generating the payouts of {orders:,} orders")
        command = [sys.executable, "-m", "examples.payouts", "--orders", str(orders), "--faults", "none", "--alone"]
        subprocess.run([*command, "--out", str(inbox), "--key", str(key)], cwd=ROOT, check=True, capture_output=True)
        (key / "done").touch()
    return inbox, key


def check(data: Path, key: Path, run: Run) -> None:
    """Hold the answer against the key: every payout as it should be, and nothing reported that is not so.

    Raises:
        BenchError: they differ.
    """
    counts = run.summary["streams"][STREAM]
    wrong = {
        name: counts[name] for name in ("mismatched", "missing_source", "missing_target", "ambiguous") if counts[name]
    }
    if wrong:
        raise BenchError(f"findings in a world without faults: {wrong}")
    with duckdb.connect(str(data / "published" / "tieout.duckdb"), read_only=True) as con:
        told = con.execute("select state, count(*) from marts.payout_tie_out group by all order by all").fetchall()
    expected = json.loads((key / "summary.json").read_text(encoding="utf-8"))["payouts"]
    if dict(told) != expected:
        raise BenchError(f"payouts differ: expected {expected}, published are {dict(told)}")


def go(orders: int, work: Path) -> Payouts:
    """Measure the reference, the run, and the reference again, and check the answer."""
    inbox, key = world(orders, work)
    summary = json.loads((key / "summary.json").read_text(encoding="utf-8"))
    size = sum(file.stat().st_size for file in inbox.rglob("*") if file.is_file())
    found = Payouts(orders + summary["payout_legs"] + sum(summary["payouts"].values()), size / 1e6)
    data, logs = work / "payouts_data", work / "logs"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)

    def reference() -> None:
        out = work / "payouts_reference.duckdb"
        command = [sys.executable, "-m", "bench.payouts_reference", str(inbox / ORG), str(key), str(out)]
        found.references.append(measure(command, logs / "payouts_reference"))
        out.unlink()
        tell("payouts reference", found.references[-1])

    reference()
    deliver(inbox, data)
    found.run = tieout(data, summary["as_of"], logs / "payouts")
    tell("payouts", found.run.measured)
    check(data, key, found.run)
    reference()
    return found


def report(found: Payouts) -> list[str]:
    """The section of the page."""
    if found.run is None:
        return []
    dearest = sorted(found.run.nodes.items(), key=lambda item: -item[1])[:10]
    timings = {name: seconds for name, seconds in found.run.timings.items() if name not in ("total", "load")}

    def line(what: str, one: Measured, told: str) -> str:
        return f"| {what} | {one.seconds:.1f} | {one.peak_bytes / GIGABYTE:.2f} | {told} |"

    ratio = found.run.measured.seconds / found.reference.seconds
    return [
        "## Payouts: orders, lines and deposits",
        "",
        f"{found.records:,} records (orders, legs, payouts with their deposits) in {found.megabytes:.0f} MB of files",
        "as Shopify, Stripe, Adyen, PayPal, Amazon, Square and five formats of banks write them; without faults, every",
        "payout checked against the key.",
        "The reference (`bench/payouts_reference.py`) reads only the columns that it joins, and is given the deposits.",
        "",
        "| what | seconds | peak memory, GB | |",
        "|---|---|---|---|",
        line("reference", found.reference, "1"),
        line("files to published results", found.run.measured, f"{ratio:.2f} x reference"),
        "",
        f"Of it {', '.join(f'{name} {seconds:.1f} s' for name, seconds in timings.items())}. The dearest parts of the",
        f"dbt build, in seconds: {', '.join(f'`{name}` {seconds:.1f}' for name, seconds in dearest)}.",
        "",
    ]
