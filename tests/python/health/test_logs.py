"""The log that people read back: whole lines, from several processes, bounded, and never in the way."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration import logs
from orchestration.errors import UsageError

VISA = "4111111111111111"
WRITER = (
    "import pathlib, sys\nfrom orchestration import logs\n"
    "logs.open_in(pathlib.Path(sys.argv[1]))\n"
    "for n in range(200):\n    logs.info('tick', who=sys.argv[2], number=n, text='x' * 500)\n"
)


@pytest.fixture(autouse=True)
def closed_afterwards(tmp_path: Path) -> Iterator[None]:
    """The log of one test is not that of the next."""
    yield
    logs.open_in(tmp_path / "elsewhere")


def lines(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logs.log_file(root).read_text(encoding="utf-8").splitlines()]


def test_a_line_says_when_what_and_where(data_dir: Path) -> None:
    logs.open_in(data_dir)
    logs.open_in(data_dir)
    with logs.context(run_id="r1", stream="bookings"):
        with logs.context(step="landing"):
            logs.info("file_landed", org="acme", rows=3)
        logs.warning("node_lapsed", step="fee_analysis")
    logs.info("idle")
    first, second, third = lines(data_dir)
    assert first.pop("time").endswith("Z")
    assert first == {
        **{"level": "INFO", "event": "file_landed", "run_id": "r1", "org": "acme", "stream": "bookings"},
        **{"step": "landing", "rows": 3},
    }
    assert (second["level"], second["step"], second["run_id"]) == ("WARNING", "fee_analysis", "r1")
    assert (third["run_id"], third["org"], third["stream"], third["step"]) == (None, None, None, None)


def test_neither_secret_nor_card_number_reaches_the_file(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTP_PASSWORD", "correct horse")
    logs.open_in(data_dir)
    with logs.context(org=f"acme {VISA}"):
        try:
            raise OSError(f"sftp://u:correct horse@h refused {VISA}")
        except OSError as error:
            logs.error("fetch_failed", error, row={"cells": [VISA, {"token": "t0k"}]}, **{f"k{VISA}": 1})
        logs.info(f"odd {VISA}", step="correct horse", name="\udcff", raw=f"4111-1111 1111{chr(0xA0)}1111")
    text = logs.log_file(data_dir).read_text(encoding="utf-8")
    for hidden in (VISA, VISA[:-4], "correct horse", "t0k", "4111-1111"):
        assert hidden not in text
    first, second = lines(data_dir)
    assert "Traceback" in first["traceback"]
    assert first["error"] == "OSError"
    assert second["name"] == "\\udcff"


def test_nothing_is_written_before_a_log_is_open(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from orchestration import logs; logs.error('x', ValueError('y'))"],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_several_processes_write_whole_lines(data_dir: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(data_dir), who], cwd=root) for who in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    seen = sorted((line["who"], line["number"]) for line in lines(data_dir))
    assert seen == [(who, number) for who in "abc" for number in range(200)]


@pytest.mark.parametrize("given", ["20MB", "0", "-1", "1.5"])
def test_a_size_that_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    said = f"whole number of bytes, such as 20000000, given '{given}'"
    with monkeypatch.context() as environment:
        environment.setenv(logs.MAX_BYTES_VARIABLE, given)
        with pytest.raises(UsageError, match=said):
            logs.open_in(tmp_path)


def test_the_log_is_bounded_and_every_process_goes_on_in_the_new_file(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(logs.MAX_BYTES_VARIABLE, "2000")
    for number in range(12):
        logs.open_in(data_dir)
        logs.info("tick", number=number, text="x" * 2000)
    files = sorted(file.name for file in logs.log_file(data_dir).parent.glob("tieout.jsonl*"))
    assert files == ["tieout.jsonl", *(f"tieout.jsonl.{number}" for number in range(1, logs.KEPT + 1))]
    # What logrotate does: a handler that is open notices.
    logs.log_file(data_dir).rename(data_dir / "rotated")
    logs.info("after")
    assert [line["event"] for line in lines(data_dir)] == ["after"]


def test_a_long_text_is_cut(data_dir: Path) -> None:
    logs.open_in(data_dir)
    logs.info("long", text="y" * 1_000_000)
    assert len(logs.log_file(data_dir).read_text()) < 20_000


def test_a_log_that_cannot_be_written_stops_nothing(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data_dir / "logs").write_text("not a folder")
    logs.open_in(data_dir)
    logs.info("lost")
    with contextlib.suppress(KeyError):
        logs.error("lost too", ValueError("x"))
    assert capsys.readouterr() == ("", "")


def test_standard_error_has_the_same_lines_where_it_is_asked_for(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(logs.STDERR_VARIABLE, "json")
    logs.open_in(data_dir)
    logs.info("told", card=VISA)
    said = capsys.readouterr().err
    assert json.loads(said)["card"] == "************1111"
    assert said == logs.log_file(data_dir).read_text()
    monkeypatch.delenv(logs.STDERR_VARIABLE)
    logs.open_in(data_dir)
    logs.info("quiet")
    assert capsys.readouterr().err == ""
