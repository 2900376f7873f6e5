"""The benchmark's own parts: the reference does its job, and a wrong answer does not pass the check."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bench import exceptions, payouts, payouts_reference, reference
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
    one = measure([sys.executable, "-c", "x = bytearray(50_000_000); print('done')"], tmp_path / "log")
    assert one.output == "done\n"
    assert one.peak_bytes > 50_000_000
    with pytest.raises(BenchError, match="ended with 3"):
        measure([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log")


def test_the_report_names_no_path() -> None:
    one = Measured(2.0, 1024**3, "")
    names = ("examples", "examples again", "first day", "second day", "nothing new")
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


def test_the_command_line_speaks(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--help"], cwd=root, capture_output=True, text=True, check=True
    )
    assert "--rows" in done.stdout
