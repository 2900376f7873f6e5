"""The benchmark's own parts: the reference does its job, and a wrong answer does not pass the check."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bench import bookings, bookings_reference, exceptions, parsers, payouts, payouts_reference, reference
from bench.run import STREAM, Bench, BenchError, Measured, Run, check, measure, report
from examples.generate import Size, generate

SIZE = Size(rows=1500, days=3, seed=5)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small first delivery with its key."""
    root = tmp_path_factory.mktemp("bench")
    generate(SIZE, root / "inbox", root / "key", day2=False)
    return root


def published(root: Path, to: Path) -> tuple[Path, Run]:
    """A data folder whose published results are the key, and the run that says so."""
    marts = to / "published" / "marts"
    marts.mkdir(parents=True)
    duckdb.sql(
        f"""copy (
            select step, result, anomalies, source_id as source_activity_id, target_id as target_activity_id,
                source_amount as source_amount_minor, target_amount as target_amount_minor
            from '{root}/key/key.parquet'
        ) to '{marts}/reconciliation_results.parquet'"""
    )
    summary = json.loads((root / "key" / "summary.json").read_text(encoding="utf-8"))
    counts = {name.lower(): count for name, count in summary["results"].items()}
    content: dict[str, Any] = {"streams": {STREAM: {**counts, "excluded": 0, "results_hash": "0"}}}
    return to, Run(Measured(1.0, 1, ""), content, {})


def test_the_reference_reconciles_the_extracts(generated: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    pos, oms = (next((generated / "inbox").glob(f"*/{system}/orders/*.csv")) for system in ("pos", "oms"))
    reference.main(str(pos), str(oms), str(tmp_path / "out.duckdb"))
    assert "MATCHED" in capsys.readouterr().out
    found = dict(
        duckdb.connect(str(tmp_path / "out.duckdb"))
        .sql("select result, count(*) from results group by result")
        .fetchall()
    )
    key = json.loads((generated / "key" / "summary.json").read_text(encoding="utf-8"))
    assert found["TIMESTAMP_SKEW"] == key["anomalies"]["TIMESTAMP_SKEW"]


def test_the_reference_of_payouts_ties_them_out(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    inbox, key = payouts.world(400, tmp_path)
    payouts_reference.main(str(inbox / payouts.ORG), str(key), str(tmp_path / "out.duckdb"))
    capsys.readouterr()
    found = dict(
        duckdb.connect(str(tmp_path / "out.duckdb"))
        .sql("select state, count(*) from payout_results group by state")
        .fetchall()
    )
    expected = json.loads((key / "summary.json").read_text(encoding="utf-8"))["payouts"]
    assert found["TIED_OUT"] == expected["TIED_OUT"]
    assert set(found) <= {"TIED_OUT", "DEPOSIT_MISSING"}


def test_a_right_answer_passes(generated: Path, tmp_path: Path) -> None:
    to, run = published(generated, tmp_path)
    check(to, generated / "key", run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("if(result = 'DUPLICATE', '', anomalies) as anomalies", "counts by anomaly differ"),
        ("source_amount_minor + 1 as source_amount_minor", "result rows that are missing"),
    ],
)
def test_a_wrong_answer_does_not_pass(generated: Path, tmp_path: Path, change: str, message: str) -> None:
    to, run = published(generated, tmp_path)
    file = to / "published" / "marts" / "reconciliation_results.parquet"
    duckdb.sql(f"copy (select * replace ({change}) from '{file}') to '{file}.new' (format parquet)")
    Path(f"{file}.new").replace(file)
    with pytest.raises(BenchError, match=message):
        check(to, generated / "key", run)


def test_wrong_counts_do_not_pass(generated: Path, tmp_path: Path) -> None:
    to, run = published(generated, tmp_path)
    run.summary["streams"][STREAM]["matched"] += 1
    with pytest.raises(BenchError, match="counts by result differ"):
        check(to, generated / "key", run)


def test_a_process_is_measured_and_its_failure_is_told(tmp_path: Path) -> None:
    one = measure(
        [sys.executable, "-c", "import time; x = bytearray(50_000_000); time.sleep(1); print('done')"], tmp_path / "log"
    )
    assert one.output == "done\n"
    assert one.peak_bytes > 50_000_000
    with pytest.raises(BenchError, match="ended with 3"):
        measure([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log")


def test_the_report_names_no_path() -> None:
    one = Measured(2.0, 1024**3, "")
    names = ("examples at first", "examples", "examples again", "first day", "second day", "nothing new")
    bench = Bench(
        1000, 3, 5, [one, one], {name: Run(one, {"timings": {"dbt": 1.0, "total": 1.0}}, {}) for name in names}
    )
    page = report(bench)
    assert "| first day / reference | 1.00 | 3 | met |" in page
    assert str(Path.cwd()) not in page


def test_the_fold_of_exceptions_has_a_limit() -> None:
    one = Run(Measured(50.0, 1024**3, ""), {}, {"pins": 1.5, "exceptions": 40.0, "exception_timeline": 20.0})
    found = exceptions.Exceptions(1_000_000, 200_000, one)
    (target,) = found.targets()
    assert (target.measured, target.met) == (61.5, False)
    assert "`exception_decisions` 0.0, `pins` 1.5" in "\n".join(exceptions.report(found))


def test_a_file_of_each_format_lands_whole(tmp_path: Path) -> None:
    inbox, _ = payouts.world(400, tmp_path)
    found = parsers.go(0, tmp_path, inbox)
    assert {one.form.feed for one in found.each} == {
        *("shopify/orders", "shopify/payout_transactions", "stripe/payout_reconciliation", "amazon/settlement_v2"),
        *("adyen/settlement_details", "square/transactions", "paypal/settlement", "bank/statement"),
    }
    assert all(one.records > 0 for one in found.each)
    page = "\n".join(parsers.report(found))
    assert all(f"| {one.form.name} |" in page for one in found.each)


def test_a_file_that_does_not_land_whole_is_told(tmp_path: Path) -> None:
    inbox, _ = payouts.world(400, tmp_path)
    (tmp_path / "logs").mkdir()
    for file in (inbox / payouts.ORG / "square" / "transactions").iterdir():
        file.write_text(file.read_text(encoding="utf-8") + "no record\n", encoding="utf-8")
    square = next(form for form in parsers.FORMATS if form.feed == "square/transactions")
    with pytest.raises(BenchError, match="'rejected': 1"):
        parsers.land(square, inbox / payouts.ORG, 0, tmp_path)


def test_the_slowest_table_and_the_widest_statement_have_limits() -> None:
    def one(seconds: float, gigabytes: float, **kind: bool) -> parsers.Parsed:
        form = parsers.Format(f"{seconds} {gigabytes}", "bank/statement", "*", **kind)
        return parsers.Parsed(form, 200.0, 1, Measured(seconds, int(gigabytes * 1024**3), ""))

    found = parsers.Parsers(
        [
            *(one(3.0, 0.9, is_table=True), one(5.0, 0.8, is_table=True)),
            *(one(60.0, 0.2, is_bounded=True), one(50.0, 0.6, is_bounded=True), one(90.0, 0.9, is_slow=True)),
        ]
    )
    speed, memory = found.targets()
    assert (speed.measured, speed.limit, speed.met) == (40.0, 50.0, False)
    assert (round(memory.measured, 1), memory.limit, memory.met) == (0.6, 0.5, False)


def test_the_command_line_speaks(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--help"], cwd=root, capture_output=True, text=True, check=True
    )
    assert "--rows" in done.stdout


@pytest.fixture(scope="module")
def day_of_bookings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small day of bookings in hourly deliveries, with its key."""
    return bookings.world(24_000, tmp_path_factory.mktemp("bookings"))


def test_a_day_of_bookings_comes_in_hourly_deliveries_of_even_size(day_of_bookings: Path) -> None:
    key = json.loads((day_of_bookings / "key.json").read_text(encoding="utf-8"))
    assert sum(key["kinds"].values()) == 24_000
    assert set(key["kinds"]) == {"plain", *bookings.KINDS}
    assert sum(key["kinds"][kind] for kind in bookings.ANOMALIES) < 0.03 * 24_000
    lines = []
    for hour in range(bookings.HOURS):
        files = sorted((day_of_bookings / f"h{hour:02}").rglob("*.csv"))
        assert [file.parts[-3] for file in files] == ["aggregator", "supplier"]
        lines.append(sum(len(file.read_text(encoding="utf-8").splitlines()) - 1 for file in files))
    assert sum(lines) == key["records"]
    assert max(lines) < 1.15 * min(lines)
    assert (day_of_bookings / "before" / bookings.ORG / "tieout" / "policies" / "policies.csv").exists()


def test_the_same_bookings_are_made_again(day_of_bookings: Path, tmp_path: Path) -> None:
    again = bookings.world(24_000, tmp_path)
    file = Path("h05") / bookings.ORG / "supplier" / "activities" / "activities.csv"
    assert sorted((again / file).read_text().splitlines()) == sorted((day_of_bookings / file).read_text().splitlines())


def test_the_reference_of_bookings_finds_what_the_key_says(
    day_of_bookings: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    rates = day_of_bookings / "before" / bookings.ORG / "tieout" / "fx_rates" / "fx_rates.csv"
    bookings_reference.main(str(day_of_bookings / "h*" / bookings.ORG), str(rates), str(tmp_path / "out.duckdb"))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[:-1]]
    told = {code: int(count.replace(",", "")) for code, count in lines}
    key = json.loads((day_of_bookings / "key.json").read_text(encoding="utf-8"))
    refunds = told.pop("REFUND_WITHOUT_SALE")
    assert refunds == key["refunds_without_sale"] > 0
    matched = told.pop("MATCHED")
    # surplus copies are none of the reference's business
    assert told == {code: count for code, count in key["anomalies"].items() if code != "DUPLICATE_SUPPLIER"}
    assert matched == 24_000 - sum(told.values())


def published_bookings(key: dict[str, Any], to: Path) -> Run:
    """A data folder whose published bookings are as the key says, and the run that says so."""
    (to / "published").mkdir(parents=True)
    with duckdb.connect(str(to / "published" / "tieout.duckdb")) as con:
        con.execute("create schema marts")
        found = " union all ".join(
            f"select 'bookings' as stream, '{code}' as anomalies from range({count})"
            for code, count in key["anomalies"].items()
        )
        con.execute(f"create table marts.reconciliation_results as {found}")
        con.execute(
            f"""create table marts.exceptions as
            select 'REFUND_WITHOUT_SALE' as anomaly, 'OPEN' as state from range({key["refunds_without_sale"]})"""
        )
    return Run(Measured(1.0, 1, ""), {"streams": {bookings.STREAM: {"pending": 0, "ambiguous": 0}}}, {})


def test_an_answer_of_bookings_is_held_against_the_key(day_of_bookings: Path, tmp_path: Path) -> None:
    key = json.loads((day_of_bookings / "key.json").read_text(encoding="utf-8"))
    run = published_bookings(key, tmp_path)
    bookings.check(tmp_path, key, run)
    with pytest.raises(BenchError, match="refunds without a sale"):
        bookings.check(tmp_path, {**key, "refunds_without_sale": 0}, run)
    with pytest.raises(BenchError, match="anomalies differ"):
        bookings.check(tmp_path, {**key, "anomalies": {}}, run)
    run.summary["streams"][bookings.STREAM]["pending"] = 1
    with pytest.raises(BenchError, match="pending or ambiguous"):
        bookings.check(tmp_path, key, run)


def test_the_report_of_bookings_says_what_grew() -> None:
    timings = {"timings": {"dbt": 1.0, "total": 1.0}}
    hourly = [Run(Measured(10.0, 1024**3, ""), timings, {"same": 1.0, "grows": 1.0}) for _ in range(23)]
    hourly.append(Run(Measured(14.0, 2 * 1024**3, ""), timings, {"same": 1.0, "grows": 4.0}))
    found = bookings.Bookings(2000, 4000, 1.0, [Measured(5.0, 1, ""), Measured(4.0, 1, "")], None, hourly, None)
    assert found.targets() == []
    assert bookings.report(found) == []
    found.daily = Run(Measured(8.0, 1024**3, ""), timings, {"same": 2.0})
    found.lags = [(5.0, 90), (9.0, 10)]
    assert [round(target.measured, 2) for target in found.targets()] == [1.4, 2.0, 2.0]
    page = "\n".join(bookings.report(found))
    assert "| 24th hourly run | 14.0 | 0.0 | 2.00 | 1.40 x the 2nd |" in page
    assert "p50 5.0 s, p95 9.0 s" in page
    assert "in seconds: `grows` 1.0 to 4.0" in page


def test_percentiles_weigh_records() -> None:
    weighted = [(1.0, 50), (2.0, 45), (3.0, 5)]
    assert [bookings.percentile(weighted, share) for share in (0.5, 0.95, 0.96)] == [1.0, 2.0, 3.0]
