"""What the steps of a Dagster run share: a record, a clock, and an end."""

import logging
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from orchestration import clock
from orchestration.dagster_resources import Books, told
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError, UsageError
from orchestration.runs import RunRecord, State
from tests.python.pipeline.conftest import MINI

HOUR = timedelta(hours=1)


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What Dagster says of a run that started an hour ago and has waited since."""
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(MINI))
    run = SimpleNamespace(run_id="0123456789abcdef", root_run_id=None, job_name="tieout", tags={})
    started = SimpleNamespace(start_time=time.time() - HOUR.total_seconds(), create_timestamp=clock.now() - HOUR)
    instance = SimpleNamespace(get_run_record_by_id=lambda run_id: started)
    return SimpleNamespace(run=run, instance=instance, log=logging.getLogger("tests"))


def test_a_run_that_waited_for_its_turn_begins_when_its_turn_comes(data_dir: Path, context: Any) -> None:
    data, meanwhile = DataDir.at(data_dir), clock.now() - HOUR / 2
    moment, name = clock.to_text(meanwhile), f"{meanwhile:%Y%m%dT%H%M%SZ}-another0"
    RunRecord(name, moment, moment, "duckdb", replay=False, built=True, state=State.CLOSED, ended_at=moment).save(data)
    books = Books(data_dir=str(data_dir))
    request = books.request_of(context)
    run = books._take_up(context, request)
    assert not run.replay
    assert abs(run.as_of - clock.now()) < HOUR / 10
    assert abs(clock.from_text(run.record.started_at) - clock.now()) < HOUR / 10
    assert run.run_id > name, "the newest record says how far the books are"
    # A step in a process of its own goes on with it.
    again = Books(data_dir=str(data_dir))._take_up(context, request)
    assert (again.run_id, again.as_of) == (run.run_id, run.as_of)
    # What is asked for at a time before the latest one changes no books.
    context.run.run_id = "fedcba9876543210"
    early = Books(data_dir=str(data_dir), as_of=clock.to_text(meanwhile - HOUR))
    assert early._take_up(context, early.request_of(context)).replay


def test_no_step_takes_up_what_this_process_has_ended(data_dir: Path, context: Any) -> None:
    books = Books(data_dir=str(data_dir))
    run = books._take_up(context, books.request_of(context))
    run.record.end(run.data, State.FAILED, clock.now())
    with pytest.raises(UsageError, match="has ended already"):
        books._take_up(context, books.request_of(context))
    assert run.record.state == State.FAILED


def test_a_further_attempt_is_not_called_good_for_what_the_one_before_has_published(
    data_dir: Path, context: Any
) -> None:
    books = Books(data_dir=str(data_dir))
    run = books._take_up(context, books.request_of(context))
    run.record.published = True
    run.record.end(run.data, State.CLOSED, clock.now())
    again = Books(data_dir=str(data_dir))
    taken_up = again._take_up(context, again.request_of(context))
    assert taken_up.run_id == run.run_id
    taken_up.break_off(TieoutError("it broke off before it had built anything"))
    assert taken_up.record.state == State.FAILED


@pytest.mark.parametrize("wrong", [{"mode": "weekly"}, {"as_of": "tomorrow"}])
def test_a_configuration_that_cannot_be_is_told_and_not_tried_again(
    data_dir: Path, context: Any, wrong: dict[str, str]
) -> None:
    with pytest.raises(dg.Failure) as failed, Books(data_dir=str(data_dir), **wrong).step(context):
        raise AssertionError("it began")
    assert failed.value.allow_retries is False
    assert next(iter(wrong.values())) in str(failed.value.description)


def test_what_is_told_holds_no_secret() -> None:
    with pytest.raises(dg.Failure) as failed, told():
        raise TieoutError("no connection to postgresql://tieout:hunter2@db/tieout")
    assert "hunter2" not in str(failed.value.description)
    assert "no connection" in str(failed.value.description)
