"""The command line: help that reads well, and errors that say what to do, without ever starting a run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestration.cli import main
from tests.python.ready import COMMAND, ROOT


def tieout(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_help_names_the_commands_and_exit_codes() -> None:
    text = tieout("--help").output
    for word in ("run", "land", "summary", "feeds", "streams", "exceptions", "a law or a gate failed"):
        assert word in text


@pytest.mark.parametrize(
    "command",
    [
        *(["run"], ["land"], ["summary"], ["feeds", "list"], ["streams", "list"], ["exceptions", "list"]),
        *(["templates", "list"], ["new", "stream"]),
    ],
)
def test_every_command_takes_data_dir_and_target_and_prints_json(command: list[str]) -> None:
    text = tieout(*command, "--help").output
    for option in ("--data-dir", "--target", "--json"):
        assert option in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stream", "nope"], "There is no stream 'nope'. Streams: pos_oms_orders, ecommerce_payouts, bookings."),
        (["--target", "spark"], "The target spark is planned and not available yet."),
        (["--target", "oracle"], "There is no target 'oracle'. Available: duckdb, postgres."),
        (["--as-of", "yesterday"], "'yesterday' is not a time that can be read. Allowed: 2026-03-03, 2026-03-03T06:00"),
        (["--as-of", "2026-02-30"], "is not a time that exists"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_wrong_usage_is_told_in_one_message(tmp_path: Path, arguments: list[str], message: str) -> None:
    data = tmp_path / "data"
    result = tieout("run", "--data-dir", str(data), *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert not data.exists()


def test_a_data_dir_that_is_a_file_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert tieout("run", "--data-dir", str(tmp_path / "file")).exit_code == 2
    assert tieout("run", "--data-dir", str(tmp_path / "file" / "below")).exit_code == 2


def test_a_project_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(tmp_path))
    result = tieout("streams", "list")
    assert result.exit_code == 2
    assert "There is no dbt_project.yml" in result.stderr


def test_listings_before_anything_has_run(tmp_path: Path) -> None:
    data = ["--data-dir", str(tmp_path)]
    assert "Nothing is published" in tieout("exceptions", "list", *data).stderr
    assert "No run on duckdb has ended" in tieout("summary", *data).stderr
    feeds = json.loads(tieout("feeds", "list", "--json", *data).stdout)
    assert {"feed": "pos/orders", "kind": "records", "batches": 0, "rows": 0} in feeds


def test_streams_are_listed_with_their_ladders() -> None:
    ladder, *payouts, bookings = json.loads(tieout("streams", "list", "--json").stdout)
    assert ladder["stream"] == "pos_oms_orders"
    assert [one["ladder"] for one in payouts] == ["orders_to_charges", "legs_to_payouts", "payouts_to_deposits"]
    assert bookings["ladder"] == "bookings"
    assert payouts[1]["checks"] == "currency_equality, price_tolerance (PAYOUT_DOES_NOT_ADD_UP)"
    assert ladder["source"] == "pos/orders"


ENDS = """
import atexit, sys, threading, time
from orchestration.cli import program
atexit.register(print, "at the end")
if sys.argv.pop(1) == "thread":
    threading.Thread(target=lambda: (time.sleep(0.5), print("from a thread"))).start()
program()
"""


@pytest.mark.parametrize(
    ("arguments", "code", "last"),
    [
        (["none", "--version"], 0, "at the end"),
        (["none", "run", "--no-such-option"], 2, "at the end"),
        (["thread", "--version"], 0, "at the end"),
    ],
)
def test_a_process_ends_with_its_code_and_all_it_had_to_say(arguments: list[str], code: int, last: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS, *arguments], capture_output=True, text=True, cwd=ROOT, check=False, timeout=60
    )
    assert done.returncode == code
    assert done.stdout.splitlines()[-1] == last
    assert ("from a thread" in done.stdout) == (arguments[0] == "thread")
    assert ("No such option" in done.stderr) == (code == 2)


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_process_without_a_place_to_write_to_ends_with_its_code(closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {closed}', *COMMAND, "--version"], capture_output=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
