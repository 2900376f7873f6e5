"""Named moments at which a test can kill the process, as a power cut would.

Set ``TIEOUT_CRASH_AT=<point>`` and the process ends itself with SIGKILL the first time it reaches that point;
``<point>:<n>`` waits for the n-th time. Without the variable nothing happens. Any part may name points of its own;
landing's are in `LANDING_POINTS`.
"""

import os
import signal
from collections import Counter

VARIABLE = "TIEOUT_CRASH_AT"

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
    """Kill this process with SIGKILL when `TIEOUT_CRASH_AT` names this point (and this many visits)."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    point, _, times = wanted.partition(":")
    if point != name:
        return
    _reached[name] += 1
    if _reached[name] >= int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)
