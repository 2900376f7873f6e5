"""When runs start: the moments behind streams' YAML, and one run for all that is due at one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.utils import make_new_run_id
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._utils.schedules import is_valid_cron_schedule

from orchestration.dagster_schedules import ASKED_TAG, is_waiting, moments_of, request_of, schedules_of
from orchestration.errors import UsageError
from orchestration.streams import StreamPage, Timing, load_pages, timeout_of

PAGE = """
groups:
  - name: {name}
    owner: {{name: Somebody, email: somebody@example.com}}
    config:
      meta:
        stream: {said}
"""


def pages_of(tmp_path: Path, **said: str) -> dict[str, StreamPage]:
    for name, text in said.items():
        folder = tmp_path / "models" / "reconciliations" / name
        folder.mkdir(parents=True)
        (folder / f"_{name}.yml").write_text(PAGE.format(name=name, said=text))
    return load_pages(tmp_path, said)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's own records, of which the schedules ask what waits and what is turned off."""
    with dg.instance_for_test() as instance:
        yield instance


def tick(
    instance: dg.DagsterInstance, pages: dict[str, StreamPage], name: str, moment: datetime
) -> dg.RunRequest | str:
    """What a schedule does at a moment: its one run, or why there is none."""
    (schedule,) = [one for one in schedules_of(pages) if one.name == name]

    @dg.job(name="tieout")
    def tieout() -> None:
        """Stands for the whole run."""

    defs = dg.Definitions(jobs=[tieout], schedules=[schedule])
    context = dg.build_schedule_context(
        instance, scheduled_execution_time=moment, repository_def=defs.get_repository_def()
    )
    found = schedule.evaluate_tick(context)
    return found.run_requests[0] if found.run_requests else str(found.skip_message)


def test_no_two_schedules_have_one_name(tmp_path: Path) -> None:
    """Dagster would load none of them."""
    pages = pages_of(
        tmp_path,
        a='{schedule: {cron: "0 6 * * MON", time_zone: Etc/GMT+1}}',
        b='{schedule: {cron: "0  6 * * mon", time_zone: Etc/GMT+1}}',
        c='{schedule: {cron: "0 6 * * mon", time_zone: Etc/GMT-1}}',
    )
    moments = moments_of(pages.values())
    assert [moment.streams for moment in moments] == [("c",), ("a", "b")]

    @dg.job
    def tieout() -> None:
        """Stands for the whole run."""

    dg.Definitions(jobs=[tieout], schedules=schedules_of(pages)).get_repository_def()


def test_words_stand_for_crons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_TIME_ZONE", "Europe/Berlin")
    pages = pages_of(tmp_path, a="{schedule: hourly}", b="{schedule: daily}", c="{schedule: on_arrival}")
    hourly, daily = Timing("0 * * * *", "Europe/Berlin", "hourly"), Timing("0 6 * * *", "Europe/Berlin", "daily")
    assert pages["a"].timings == (hourly, daily)
    assert pages["b"].timings == pages["c"].timings == (daily,)
    assert [page.on_arrival for page in pages.values()] == [False, False, True]
    assert pages["a"].owner_email == "somebody@example.com"


def test_an_org_has_hours_of_its_own(tmp_path: Path) -> None:
    orgs = "{acme: {cron: '30 7 * * 1-5', time_zone: America/New_York}, globex: {time_zone: Asia/Tokyo}}"
    pages = pages_of(tmp_path, a=f"{{schedule: {{cron: '0 6 * * *', time_zone: Europe/Berlin, orgs: {orgs}}}}}")
    assert pages["a"].timings == (
        Timing("0 6 * * *", "Europe/Berlin"),
        Timing("30 7 * * 1-5", "America/New_York", org="acme"),
        Timing("0 6 * * *", "Asia/Tokyo", org="globex"),
    )
    assert [moment.name for moment in moments_of(pages.values())] == [
        "daily__0_6_x_x_x__asia_tokyo",
        "daily__0_6_x_x_x__europe_berlin",
        "daily__30_7_x_x_1to5__america_new_york",
    ]


def test_who_runs_by_the_hour_is_judged_as_a_whole_once_a_day(tmp_path: Path) -> None:
    pages = pages_of(tmp_path, a="{schedule: {cron: '*/15 6-20 * * *', time_zone: Europe/Paris, mode: hourly}}")
    assert pages["a"].timings[1:] == (Timing("0 6 * * *", "Europe/Paris", "daily"),)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        pages_of(
            tmp_path,
            a="{schedule: {cron: '61 * * * *', time_zone: Mars/Base, mode: weekly}}",
            b="{schedule: sometimes, timeout: soon, retries: {attempts: 0, delay: 5}}",
        )
    parts = ("schedule.cron", "'61 * * * *'", "Mars/Base", "weekly", "sometimes", "'soon'", "attempts", "retries.delay")
    assert [part for part in parts if part not in str(told.value)] == []


@pytest.mark.parametrize("written", [b"groups: [", b"groups: # caf\xe9"])
def test_a_page_that_cannot_be_read_is_told_with_its_file(tmp_path: Path, written: bytes) -> None:
    pages_of(tmp_path, a="{schedule: daily}")
    (tmp_path / "models/reconciliations/a/_a.yml").write_bytes(written)
    with pytest.raises(UsageError, match=r"reconciliations/a/_a\.yml: not readable as YAML"):
        load_pages(tmp_path, ["a"])


def test_streams_that_are_due_together_share_a_run(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    pages = pages_of(tmp_path, a="{schedule: hourly}", b="{schedule: daily}", c="{schedule: hourly}")
    six, seven = datetime(2026, 3, 3, 6, tzinfo=UTC), datetime(2026, 3, 3, 7, tzinfo=UTC)

    # At six the daily run does the hourly one's work as well.
    request = tick(instance, pages, "daily__0_6_x_x_x__utc", six)
    assert isinstance(request, dg.RunRequest)
    assert request.run_config == {"resources": {"books": {"config": {"mode": "daily"}}}}
    assert request.run_key == "daily__0_6_x_x_x__utc@2026-03-03T06:00:00+00:00"
    assert request.tags[ASKED_TAG] == "all/daily"
    assert "daily__0_6_x_x_x__utc" in str(tick(instance, pages, "hourly__0_x_x_x_x__utc", six))

    request = tick(instance, pages, "hourly__0_x_x_x_x__utc", seven)
    assert isinstance(request, dg.RunRequest)
    assert request.run_config["resources"]["books"]["config"] == {"mode": "hourly"}
    assert request.tags["tieout/streams"] == "a, c"


def test_the_same_moment_in_two_zones_is_one_run(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    pages = pages_of(
        tmp_path,
        a="{schedule: {cron: '0 7 * * *', time_zone: Europe/Berlin}}",
        b="{schedule: {cron: '0 6 * * *', time_zone: UTC}}",
    )
    winter = datetime(2026, 1, 15, 7, tzinfo=ZoneInfo("Europe/Berlin"))
    request = tick(instance, pages, "daily__0_6_x_x_x__utc", winter)
    assert isinstance(request, dg.RunRequest)
    assert request.tags["tieout/streams"] == "a, b"
    assert isinstance(tick(instance, pages, "daily__0_7_x_x_x__europe_berlin", winter), str)
    # In summer the two are an hour apart, and each runs its own stream.
    summer = datetime(2026, 7, 15, 7, tzinfo=ZoneInfo("Europe/Berlin"))
    request = tick(instance, pages, "daily__0_7_x_x_x__europe_berlin", summer)
    assert isinstance(request, dg.RunRequest)
    assert request.run_config["resources"]["books"]["config"]["stream"] == "a"


@pytest.mark.parametrize(
    ("said", "moment", "due"),
    [
        # On Mondays and on odd days, as Dagster reads it; others read odd Mondays.
        ("cron: '0 7 */2 * 1'", datetime(2026, 3, 2, 7, tzinfo=UTC), True),
        # Half past two is left out that night, and Dagster makes up for it at three.
        ("cron: '30 2 * * *', time_zone: Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC), True),
        ("cron: '30 2 * * *', time_zone: Europe/Berlin", datetime(2026, 3, 30, 1, tzinfo=UTC), False),
    ],
)
def test_who_is_due_is_read_as_dagster_reads_it(
    tmp_path: Path, instance: dg.DagsterInstance, said: str, moment: datetime, due: bool
) -> None:
    """Else a schedule would wait for another's run that never comes, or nobody would do its streams."""
    pages = pages_of(tmp_path, a="{schedule: hourly}", b=f"{{schedule: {{{said}}}}}", c="{schedule: on_arrival}")
    request = tick(instance, pages, "hourly__0_x_x_x_x__utc", moment)
    if not due:
        assert isinstance(request, dg.RunRequest)
        return
    (name,) = [one.name for one in moments_of([pages["b"]])]
    assert name in str(request)
    request = tick(instance, pages, name, moment)
    assert isinstance(request, dg.RunRequest)
    assert request.tags["tieout/streams"] == "a, b"
    assert request.run_config["resources"]["books"]["config"] == {"mode": "daily"}


def test_a_tick_by_hand_does_the_streams_own_work(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    pages = pages_of(tmp_path, a="{schedule: hourly}", b="{schedule: {cron: '0 9 * * *'}}")
    request = tick(instance, pages, "daily__0_9_x_x_x__utc", datetime(2026, 3, 2, 7, tzinfo=UTC))
    assert isinstance(request, dg.RunRequest)
    assert request.tags["tieout/streams"] == "b"


@pytest.mark.parametrize(
    ("books", "does_the_same"),
    [
        (None, True),
        ({}, True),
        ({"mode": "daily", "full_refresh": True}, True),
        ({"mode": "hourly"}, False),
        ({"stream": "a"}, False),
        ({"as_of": "2026-03-01"}, False),
    ],
)
def test_a_run_that_waits_is_what_its_configuration_says(books: dict[str, Any] | None, does_the_same: bool) -> None:
    config = {"resources": {"books": {"config": books}}} if books is not None else None
    status = dg.DagsterRunStatus.NOT_STARTED
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.DagsterRun("tieout", make_new_run_id(), config, status=status, tags={ASKED_TAG: "all/daily"})
        instance.add_run(run)
        assert is_waiting(instance, "all/daily") == does_the_same


def test_what_is_due_goes_before_a_year_of_past_days() -> None:
    """By Dagster's own daemon: the runs of a folder go one by one."""
    due = request_of(["a"], ("a", "b"), "daily", run_key="key")
    queued = [dg.DagsterRun("days", make_new_run_id()) for _ in range(3)]
    queued.append(dg.DagsterRun("tieout", make_new_run_id(), tags=due.tags))
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    assert daemon._priority_sort(queued) == [queued[3], *queued[:3]]


def test_a_run_may_take_as_long_as_the_most_patient_of_its_streams() -> None:
    short, long = (StreamPage("a", timeout=timedelta(minutes=minutes)) for minutes in (10, 90))
    assert timeout_of([short, long]) == timedelta(minutes=90)
    assert timeout_of([short]) == timedelta(minutes=10)
    assert timeout_of([short, StreamPage("b")]) is None
    assert timeout_of([]) is None


@pytest.mark.parametrize(
    "cron",
    ["0 6 LW * *", "0 6 * * 5L", "0 6 * * 1,2#1", "0 6 * * mon#1,fri", "0 6 15 * 1#1"],
)
def test_what_only_one_of_the_two_calendars_takes_is_refused(tmp_path: Path, cron: str) -> None:
    """Else no definition loads at all."""
    with pytest.raises(UsageError, match=r"schedule\.cron must be"):
        pages_of(tmp_path, a=f"{{schedule: {{cron: '{cron}'}}}}")


@pytest.mark.parametrize("cron", ["0 6 L * *", "0 6 1,L * *", "0 6 * jul 1#2", "0 6 * * mon-fri", " 0  6 * JUL *"])
def test_what_both_calendars_take_is_taken(tmp_path: Path, cron: str) -> None:
    pages = pages_of(tmp_path, a=f"{{schedule: {{cron: '{cron}'}}}}")
    assert is_valid_cron_schedule(pages["a"].timings[0].cron)
    assert schedules_of(pages)
