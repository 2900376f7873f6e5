"""What reading costs: one large file of each format, landed by itself.

python -m bench.parsers [--megabytes 200] [--work .bench]

A file is one that the payouts' world wrote, its records repeated until it is large enough; PayPal's settlement report,
of whose speed nothing is asked, is a tenth of that. Each is landed by `tieout land` in a data folder of its own, from
the process's start to its end, and every record must be there: as many as the file has, and none rejected.
"""

import argparse
import csv
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import payouts
from bench.measuring import GIGABYTE, BenchError, Measured, Target, measure, say, tell

MEGABYTES = 200
MIN_SPEED = 50.0
MAX_BYTES = GIGABYTE / 2
AS_OF = "2026-04-01T06:00:00Z"
# A fraction of the size for what is read slowly and has no limit.
SMALLER = 10


@dataclass(frozen=True)
class Format:
    """A kind of file: its feed, which files of the world are such, and between which marks its records stand, the
    first of which begins the first record, and the last ends the last one. No marks: the file as a whole is repeated.

    `each`: what each record has once, and nothing else does; by it the records of what is no table are counted.
    """

    name: str
    feed: str
    pattern: str
    each: str = ""
    first: str = ""
    last: str = ""
    is_table: bool = False
    is_bounded: bool = False
    is_slow: bool = False


def _table(name: str, feed: str) -> Format:
    """A file of one header line, read by the engine."""
    return Format(name, feed, "*", is_table=True)


FORMATS = (
    _table("Shopify, orders", "shopify/orders"),
    _table("Shopify, payout transactions", "shopify/payout_transactions"),
    _table("Stripe, payout reconciliation", "stripe/payout_reconciliation"),
    _table("Adyen, settlement details", "adyen/settlement_details"),
    _table("Amazon, settlement V2", "amazon/settlement_v2"),
    _table("Square, transactions", "square/transactions"),
    Format("bank, CSV", "bank/statement", "*.CSV", is_table=True),
    Format("bank, MT940", "bank/statement", "*.sta", ":61:", is_bounded=True),
    Format("bank, CAMT.053", "bank/statement", "*.xml", "<Ntry>", "<Ntry>", "</Ntry>\n", is_bounded=True),
    Format("bank, BAI2", "bank/statement", "*.bai", "\n16,", is_bounded=True),
    Format("bank, OFX", "bank/statement", "*.ofx", "<STMTTRN>", "<STMTTRN>", "</STMTTRN>\n", is_bounded=True),
)
PAYPAL = Format("PayPal, settlement report", "paypal/settlement", "*.CSV", '\n"SB",', is_slow=True)


@dataclass(frozen=True)
class Parsed:
    """What was measured of one format."""

    form: Format
    megabytes: float
    records: int
    measured: Measured

    @property
    def speed(self) -> float:
        """Megabytes a second, the start of the process included."""
        return self.megabytes / self.measured.seconds


@dataclass
class Parsers:
    """What was measured of all of them."""

    each: list[Parsed]

    def targets(self) -> list[Target]:
        """The limits."""
        slowest = min((one for one in self.each if one.form.is_table), key=lambda one: one.speed)
        widest = max((one for one in self.each if one.form.is_bounded), key=lambda one: one.measured.peak_bytes)
        return [
            Target(f"slowest table ({slowest.form.name})", slowest.speed, MIN_SPEED, " MB/s", at_least=True),
            Target(
                f"peak memory of any statement of {widest.megabytes:.0f} MB ({widest.form.name})",
                widest.measured.peak_bytes / GIGABYTE,
                MAX_BYTES / GIGABYTE,
                " GB",
            ),
        ]


def _large(form: Format, text: str, size: int, file: Path) -> int:
    """Write the large file, and return how many records it has."""
    if form.is_table:
        start = text.index("\n") + 1
        head, middle, tail = text[:start], text[start:], ""
    elif form.first:
        start, end = text.index(form.first), text.rindex(form.last) + len(form.last)
        head, middle, tail = text[:start], text[start:end], text[end:]
    else:
        head, middle, tail = "", text, ""
    times = max(1, size // len(middle.encode()))
    file.parent.mkdir(parents=True)
    with file.open("w", encoding="utf-8", newline="") as sink:
        sink.write(head)
        for _ in range(times):
            sink.write(middle)
        sink.write(tail)
    # A record of a table may go over lines.
    once = sum(1 for _ in csv.reader(middle.splitlines(keepends=True))) if form.is_table else middle.count(form.each)
    return once * times


def land(form: Format, inbox: Path, size: int, work: Path) -> Parsed:
    """Land one large file.

    Raises:
        BenchError: it did not land whole.
    """
    data = work / "parsers_data"
    shutil.rmtree(data, ignore_errors=True)
    source = max((inbox / form.feed).glob(form.pattern), key=lambda file: file.stat().st_size)
    file = data / "inbox" / payouts.ORG / form.feed / source.name
    records = _large(form, source.read_text(encoding="utf-8"), size // (SMALLER if form.is_slow else 1), file)
    megabytes = file.stat().st_size / 1e6
    command = [str(Path(sys.executable).with_name("tieout")), "land", "--data-dir", str(data), "--as-of", AS_OF]
    measured = measure([*command, "--json"], work / "logs" / "parsers")
    told = json.loads(measured.output)
    # Statements land as their parts, of which entries are one kind.
    whole = told["rows"] == records if form.is_table else told["rows"] >= records > 0
    if not whole or told["rejected"] or told["failed_files"] or told["batches"] != 1:
        raise BenchError(f"{form.name}: a file of {records:,} records landed as {told}")
    tell(f"{form.name}, {megabytes:.0f} MB", measured)
    return Parsed(form, megabytes, records, measured)


def go(megabytes: int, work: Path, inbox: Path) -> Parsers:
    """Land one large file of each format that the world in `inbox` has."""
    (work / "logs").mkdir(parents=True, exist_ok=True)
    found = [land(form, inbox / payouts.ORG, megabytes * 1_000_000, work) for form in (*FORMATS, PAYPAL)]
    shutil.rmtree(work / "parsers_data", ignore_errors=True)
    return Parsers(found)


def report(found: Parsers) -> list[str]:
    """The section of the page."""

    def line(one: Parsed) -> str:
        return (
            f"| {one.form.name} | {one.megabytes:.0f} | {one.records:,} | {one.measured.seconds:.1f} |"
            f" {one.speed:.0f} | {one.measured.peak_bytes / GIGABYTE:.2f} |"
        )

    return [
        "## Reading",
        "",
        "One large file of each format, landed by itself: `tieout land` from its start to its end, with the checksum,",
        "the count of lines and the proof that every line is explained. DuckDB reads the tables; the statements and",
        "PayPal's report, which are none, have readers of their own that stream.",
        "",
        "| format | MB | records | seconds | MB/s | peak memory, GB |",
        "|---|---|---|---|---|---|",
        *(line(one) for one in found.each),
        "",
    ]


def main(arguments: list[str] | None = None) -> None:
    """Measure the formats alone."""
    parser = argparse.ArgumentParser(description="Measure what reading one large file of each format costs.")
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help=f"size of a file (default {MEGABYTES})")
    parser.add_argument("--work", type=Path, default=Path(".bench"), help="folder to work in (default .bench)")
    given = parser.parse_args(arguments)
    work = given.work.absolute()
    inbox, _ = payouts.world(20_000, work)
    found = go(given.megabytes, work, inbox)
    say("\n".join(report(found)))
    for target in found.targets():
        say(f"{target.what}: {target.measured:.2f}{target.unit} ({'met' if target.met else 'missed'})")


if __name__ == "__main__":
    main()
