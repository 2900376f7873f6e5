"""What a real run leaves for those who look after it: its log, its numbers, and nothing that they must not see."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.python.pipeline.conftest import Answer, Mini, copy_of_mini

DAY_1 = "2026-03-02T06:00:00Z"
VISA = "4111111111111111"
SECRET = "correct-horse-battery"


def lines(mini: Mini) -> list[dict[str, Any]]:
    text = (mini.root / "logs" / "tieout.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_logs_what_it_does_and_leaves_its_numbers(mini: Mini) -> None:
    mini.deliver("one.csv", "A1:1050", "A2:200")
    mini.deliver("../elsewhere.csv", "A1:1")
    answer = mini.run(DAY_1, TIEOUT_LOG="json")
    assert answer.code == 0, answer.err
    logged = lines(mini)
    assert Counter(line["event"] for line in logged) == {
        **{"run_started": 1, "file_landed": 1, "file_failed": 1, "published": 1, "run_ended": 1},
        **{"step_done": 5},
    }
    assert {line["run_id"] for line in logged} == {answer.json["run_id"]}
    by_event = {line["event"]: line for line in logged}
    landed = by_event["file_landed"]
    assert (landed["org"], landed["feed"], landed["step"], landed["rows"]) == ("acme", "pos/orders", "landing", 2)
    assert by_event["file_failed"]["level"] == "WARNING"
    assert "neither higher nor deeper" not in by_event["file_failed"]["reason"]
    assert by_event["run_ended"]["state"] == "CLOSED"
    # Standard error has them too, among what people read.
    assert [line for line in answer.err.splitlines() if line.startswith('{"time"')] == [
        json.dumps(line, ensure_ascii=False) for line in logged
    ]
    families = text_string_to_metric_families((mini.root / "health" / "tieout.prom").read_text())
    found = {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}
    assert found["tieout_last_run_failed"] == 0
    assert found["tieout_run_success_ratio"] == 1


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    """The mini project with a model that breaks on a value, which the engine then quotes."""
    project = copy_of_mini(tmp_path / "project")
    (project / "models" / "reference" / "breaks.sql").write_text("select cast(order_id as date) from {{ landed() }}")
    return project


def said_of_failures(mini: Mini, answer: Answer) -> dict[str, str]:
    """All that a run writes for people and logs to read, by where it stands; deliveries themselves are data."""
    texts = {"stdout": answer.out, "stderr": answer.err}
    for pattern in ("logs/*", "health/*", "failed/**/*.reason.txt", ".dbt/logs/*"):
        texts |= {str(file): file.read_text(encoding="utf-8") for file in mini.root.glob(pattern)}
    # The ids of its largest exceptions are those of the records.
    texts |= {record["run_id"]: json.dumps([record["failure"], record["summary"]]) for record in mini.records()}
    with duckdb.connect(str(mini.root / "warehouse.duckdb"), read_only=True) as warehouse:
        for table in ("reconciliation_runs", "reconciliation_step_runs"):
            texts[table] = repr(warehouse.execute(f"from audit.{table}").fetchall())
    return texts


def test_no_card_number_and_no_secret_is_told_of_what_fails(mini: Mini, leaky: Path) -> None:
    mini.deliver("cards.csv", f"{VISA}-{SECRET}:100")
    folder = mini.root / "inbox" / "acme" / "pos" / "orders"
    # A file without a header: its first record is taken for one, and quoted.
    (folder / "headless.csv").write_text(f"4111 1111 1111 1111,{SECRET},EUR,5,2026-03-01T10:00:00Z,1\n")
    broken = {"TIEOUT_PROJECT_DIR": str(leaky), "DBT_ENV_CUSTOM_ENV_MINI_LAW": "broken"}
    answer = mini.run(DAY_1, SFTP_PASSWORD=SECRET, TIEOUT_LOG="json", **broken)
    assert answer.code == 1, answer.err
    texts = said_of_failures(mini, answer)
    assert any(name.endswith(".reason.txt") for name in texts)
    for where, text in texts.items():
        for hidden in (VISA, "4111 1111", VISA[:-4], SECRET):
            assert hidden not in text, where
    failed = [line for line in lines(mini) if line["event"] == "node_failed"]
    assert [(line["step"], line["cause"]) for line in failed] == [("breaks", "INPUT")]
    assert "************1111" in failed[0]["message"]
    assert [line["step"] for line in lines(mini) if line["event"] == "law_failed"] == ["law_that_tests_can_break"]
    assert "************1111" in texts["reconciliation_runs"]
    ended = lines(mini)[-1]
    assert ended["failure_class"] == "INPUT"
    assert (ended["event"], ended["state"], ended["level"]) == ("run_ended", "FAILED", "ERROR")


def test_a_run_that_breaks_off_says_so_and_trouble_with_its_numbers_changes_nothing(mini: Mini) -> None:
    mini.deliver("one.csv", "A1:1050")
    # The published copy's place is taken, and so is that of the numbers.
    for name in (".versions", "health"):
        (mini.root / name).write_text("not a folder")
    answer = mini.run(DAY_1, SECRET_OF_MINE=str(mini.root))
    assert answer.code == 1
    # Nobody foresaw it, and even so it tells no secret.
    assert "Traceback" in answer.err
    assert str(mini.root) not in answer.err
    errors = [line for line in lines(mini) if line["level"] == "ERROR"]
    assert [line["event"] for line in errors] == ["run_broke_off", "run_ended", "metrics_not_written"]
    assert "Traceback" in errors[0]["traceback"]
