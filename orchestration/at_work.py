"""Whether the run of a record is still at work, for all who look on without being asked to work: alerts, health and the
numbers."""

import fcntl
import re
from datetime import datetime, timedelta

from orchestration.data_dir import SHORT_HOLDERS, DataDir
from orchestration.runs import RunRecord, State

# So long nothing may be heard of a run that holds nothing: between two steps of Dagster nobody holds the data folder.
QUIET = timedelta(minutes=10)
_NOTE = re.compile(r"process \d+, (.+)")


def is_at_work(data: DataDir, record: RunRecord, now: datetime, quiet: timedelta = QUIET) -> bool:
    """Whether a run may still be under way at `now` (UTC). It is not when its record says how it ended; when the audit
    has been told of its end; when whoever held the data folder last died over it; or when nobody holds it and nothing
    was heard of the run for `quiet`.

    Asked is the lock: the number of a process says nothing in another container. For the moment of asking the lock is
    shared; who wants it then waits a moment (`DataDir.lock`).
    """
    if record.state != State.RUNNING or record.audited:
        return False
    if _is_held(data):
        return True
    if _has_died(data):
        return False
    try:
        written = (data.runs / f"{record.run_id}.json").stat().st_mtime
    except FileNotFoundError:
        return False
    return now.timestamp() - written < quiet.total_seconds()


def _is_held(data: DataDir) -> bool:
    try:
        with (data.root / ".lock").open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        # Held, or on a disk where nobody can tell.
        return True
    return False


def _has_died(data: DataDir) -> bool:
    """Whether the last holder of a lock that nobody holds left its name in it: it takes that back when it ends."""
    try:
        said = _NOTE.fullmatch((data.root / ".lock").read_text(encoding="utf-8", errors="replace").strip())
    except OSError:
        return False
    return said is not None and said[1] not in SHORT_HOLDERS
