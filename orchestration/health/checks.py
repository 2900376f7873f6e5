"""Whether all is well, for a scheduler, a container or a person: what is wrong, in words, each with what to do."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from orchestration import project as projects
from orchestration.data_dir import DataDir
from orchestration.environment import DAILY, HOURLY, MODES
from orchestration.health import verified
from orchestration.health.late import late
from orchestration.health.past_runs import Past, past_runs, recovered
from orchestration.landing.expected import Expected
from orchestration.runs import State
from orchestration.streams import load_pages

# So far back runs are looked for; who has not run for longer is too old by any measure.
LOOK_BACK = timedelta(days=60)
MOST_NAMED = 5
# How long after it was due a run may still be under way.
GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class Limits:
    """From where on something is wrong. `max_age`: how long ago a stream's last success may lie, None for as long as
    its schedule lets it; `max_unverified`: how long the audit may go without being verified, None for ever."""

    max_age: timedelta | None = None
    min_free_percent: float = 5.0
    max_unverified: timedelta | None = timedelta(days=8)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: its name, whether it is well, and what was seen."""

    check: str
    ok: bool
    message: str


def check_health(data: DataDir, project: Path, target: str, now: datetime, limits: Limits | None = None) -> list[Check]:
    """Look at everything, at `now` (UTC). Nothing is changed and no lock is taken."""
    limits = limits or Limits()
    past = past_runs(data, target, now - LOOK_BACK, now)
    return [
        _last_run(past),
        *_streams(past, project, now, limits),
        _late(data, project, now),
        _disk(data, limits),
        _audit(data, target, past, now, limits),
    ]


def _last_run(past: list[Past]) -> Check:
    ended = [run for run in past if run.is_over]
    if not ended:
        return Check("last_run", True, "Nothing has run yet.")
    last = ended[-1]
    if last.state != State.FAILED:
        return Check("last_run", True, f"{last.run_id} ended {last.state.value}.")
    if recovered(last, past):
        return Check("last_run", True, f"{last.run_id} failed; a later one closed.")
    return Check(
        "last_run",
        False,
        f"{last.run_id} failed ({last.failure or 'no reason is on record'}): `tieout audit runs` lists it, and"
        " `audit.dead_letters` says what to do.",
    )


def _streams(past: list[Past], project: Path, now: datetime, limits: Limits) -> Iterator[Check]:
    for name, page in load_pages(project, projects.load_streams(project)).items():
        closed = [run for run in past if run.state == State.CLOSED and run.judges(name) and run.ended_at]
        # By whom a run is to judge, when one was last due.
        wanted: dict[str, datetime] = {}
        if limits.max_age is not None:
            wanted[HOURLY] = now - limits.max_age
        else:
            for timing in page.timings:
                due = Expected(timing.cron, timing.time_zone, GRACE).due(now)[0]
                wanted[timing.mode] = max(due, wanted.get(timing.mode, due))
        yield Check(f"stream {name}", *_judged(closed, wanted, past))


def _judged(closed: list[Past], wanted: dict[str, datetime], past: list[Past]) -> tuple[bool, str]:
    """Whether a stream's runs closed since they were due: of a daily timing one that judged everybody."""
    first = min((run.started_at for run in past), default=None)
    if first is None or not wanted:
        return True, "Nothing says when it should have run." if past else "Nothing has run yet."
    told = "has never closed"
    for mode in (mode for mode in MODES if mode in wanted):
        last = max((run.ended_at for run in closed if run.ended_at and run.is_as_wide_as(mode)), default=None)
        what = "has never closed" if last is None else f"last closed at {last:%Y-%m-%d %H:%M} UTC"
        # What has never run is not too old before it could have.
        if (last or first) < wanted[mode]:
            daily = mode == DAILY and any(not run.is_as_wide_as(DAILY) for run in closed)
            return False, (
                f"{'Judging everybody, it' if daily else 'It'} {what}; a {'daily run' if daily else 'run'} was due by"
                f" {wanted[mode]:%Y-%m-%d %H:%M} UTC. See that the scheduler runs, and why runs fail."
            )
        told = what
    return True, f"It {told}."


def _late(data: DataDir, project: Path, now: datetime) -> Check:
    found = late(data, project, now)
    if not found:
        return Check("feeds", True, "No expected delivery is late.")
    named = [f"{one.feed} of {one.org_id}, due {one.due_at:%Y-%m-%d %H:%M} UTC" for one in found[:MOST_NAMED]]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return Check("feeds", False, f"Late: {'; '.join(named)}{more}. Ask whoever delivers them.")


def _disk(data: DataDir, limits: Limits) -> Check:
    disk = shutil.disk_usage(data.root)
    free = 100 * disk.free / disk.total if disk.total else 0.0
    told = f"{free:.1f} % of the disk of {data.root} is free ({disk.free / 1e9:.1f} GB)"
    if free >= limits.min_free_percent:
        return Check("disk", True, f"{told}.")
    return Check("disk", False, f"{told}; {limits.min_free_percent:g} % is wanted. Make room: see docs/deploy.md.")


def _audit(data: DataDir, target: str, past: list[Past], now: datetime, limits: Limits) -> Check:
    found = verified.last(data, target)
    if found is not None and not found.holds:
        return Check(
            "audit",
            False,
            f"The audit was not as written on {found.at:%Y-%m-%d %H:%M} UTC ({found.faults} faults): `tieout audit"
            " verify` names them.",
        )
    since = found.at if found else min((run.started_at for run in past), default=None)
    if limits.max_unverified is None or since is None or now - since <= limits.max_unverified:
        told = f"Verified on {found.at:%Y-%m-%d %H:%M} UTC." if found else "Not verified yet."
        return Check("audit", True, told)
    told = f"{'Last verified' if found else 'Never verified; runs since'} {since:%Y-%m-%d %H:%M} UTC"
    return Check("audit", False, f"{told}. Type `tieout audit verify`, and have it done once a week.")
