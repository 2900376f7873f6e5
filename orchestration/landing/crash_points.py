"""Named moments at which a test can kill the process, as a power cut would, or halt it and break something around it.

Set ``TIEOUT_CRASH_AT=<point>`` and the process ends itself with SIGKILL the first time it reaches that point;
``<point>:<n>`` waits for the n-th time. ``TIEOUT_STOP_AT=<point>`` halts it with SIGSTOP there, until somebody sends it
SIGCONT. Several points are joined by commas. Without the variables nothing happens. Any part may name points of its
own; landing's are in `LANDING_POINTS`.
"""

import os
import signal
from collections import Counter

VARIABLE = "TIEOUT_CRASH_AT"
STOP_VARIABLE = "TIEOUT_STOP_AT"

LANDING_POINTS = (
    "after-hash",  # the file's checksum is known, nothing is written
    "after-records",  # records and rejects are written to the temporary folder
    "before-rename",  # the manifest too, everything is on disk
    "after-rename",  # the batch is there, its file still in the inbox
    "after-archive",  # the file has moved
    "before-commit",  # Postgres: a batch is copied, its transaction still open
    "after-commit",  # Postgres: the batch's transaction is committed
)

_reached: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Kill this process with SIGKILL when `TIEOUT_CRASH_AT` names this point (and this many visits), or halt it when
    `TIEOUT_STOP_AT` does."""
    crash, stop = os.environ.get(VARIABLE), os.environ.get(STOP_VARIABLE)
    if not crash and not stop:
        return
    _reached[name] += 1
    if _is_wanted(crash, name):
        os.kill(os.getpid(), signal.SIGKILL)
    if _is_wanted(stop, name):
        os.kill(os.getpid(), signal.SIGSTOP)


def tested_by_crashes() -> bool:
    """Whether any point is asked for: what only serves as a point is not worth its cost otherwise."""
    return bool(os.environ.get(VARIABLE) or os.environ.get(STOP_VARIABLE))


def _is_wanted(points: str | None, name: str) -> bool:
    """Whether this visit of a point is the one that is asked for."""
    for wanted in (points or "").split(","):
        point, _, times = wanted.partition(":")
        if point == name and _reached[name] == int(times or 1):
            return True
    return False
