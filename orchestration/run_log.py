"""The lines of the log that tell of a run: what was landed, what failed in a build, and how each step went."""

from collections.abc import Sequence

from orchestration import logs
from orchestration.audit import recorder
from orchestration.dbt_build import BuildOutcome
from orchestration.landing import (
    LandingReport,
)
from orchestration.landing.connectors import Fetched


def log_landing(report: LandingReport, fetched: Sequence[Fetched], lapses: Sequence[str]) -> None:
    """A line of the log for what each connector brought or could not, and for every file with what became of it."""
    for one in fetched:
        logs.info("connector_fetched", connector=one.connector, files=len(one.files), bytes=one.bytes)
    for lapse in lapses:
        logs.warning("connector_lapsed", message=lapse)
    for file in report.files:
        said = logs.warning if file.outcome in ("failed", "busy") else logs.info
        feed = f"{file.system}/{file.feed}" if file.system and file.feed else None
        more = {"reason": file.reason} if file.reason else {"rows": file.rows, "rejected": file.rejected}
        said(f"file_{file.outcome}", org=file.org_id, feed=feed, file=file.file, batch_id=file.batch_id, **more)


def log_steps(outcome: BuildOutcome, taken: recorder.Taken) -> None:
    """A line of the log for every step of a stream that was built."""
    for step in taken.steps:
        build = outcome.steps.get(step.model)
        if build is not None and build.started_at is not None and build.ended_at is not None:
            said = logs.info if build.status == "success" else logs.error
            seconds = round((build.ended_at - build.started_at).total_seconds(), 3)
            said("model_built", stream=step.stream, step=step.model, state=build.status, seconds=seconds)
