"""Waiting for what somebody else holds: the data folder, the landing, the warehouse's file.

Whoever waits tries again every second or so, with jitter, so that many who wait for one thing do not come at the same
moment for ever; nobody is first in a line. Ctrl-C ends the waiting.
"""

import fcntl
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TypeVar

from orchestration.errors import BusyError

# Seconds between two tries: the first comes soon, because most of what is waited for is short.
SHORTEST, LONGEST, GROWTH = 0.1, 1.5, 1.6

T = TypeVar("T")


def nobody(text: str) -> None:
    """Tells nobody."""


@dataclass
class Patience:
    """How long somebody is ready to wait, all waits together: `seconds` left, of which each wait takes its part.
    `tell` hears once of each holder that is waited for."""

    seconds: float = 0.0
    tell: Callable[[str], None] = nobody

    def until(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, once it no longer raises `BusyError`.

        Raises:
            BusyError: the patience is at its end; the last one that came.
        """
        pause, told = SHORTEST, ""
        while True:
            try:
                return attempt()
            except BusyError as error:
                if self.seconds <= 0:
                    raise
                if error.holder != told:
                    told = error.holder
                    self.tell(f"Waiting for {told} ({said(self.seconds)} at most).")
            # Never longer than what is left, so that a last try is made at the end.
            seconds = min(random.uniform(pause / 2, pause), self.seconds)
            started = time.monotonic()
            time.sleep(seconds)
            self.seconds -= time.monotonic() - started
            pause = min(pause * GROWTH, LONGEST)


def lock_file(handle: IO[str], seconds: float) -> bool:
    """Take the lock of an open file, trying so many seconds while somebody else has it, and say whether it was got. The
    system frees the lock of a process that dies."""

    def take() -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"{handle.name} is locked.") from error

    try:
        Patience(seconds).until(take)
    except BusyError:
        return False
    return True


def said(seconds: float) -> str:
    """A time to wait in words: `90 seconds`, `10 minutes`."""
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}s"
    return f"{seconds:.3g} seconds"
