"""Stopping a run: by Ctrl-C, by a polite request to end, or by a timer."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop(threading.Event):
    """Set once somebody has asked the run to stop, or its time is over (`expired`)."""

    expired = False
    works = False
    # Set by `let_end`: how many requests more are only noted.
    unheard = 0

    def let_end(self) -> None:
        """Have the run say how it ended: no timer, and one more request to stop, as impatient schedulers send it, does
        not break into that. A third does."""
        self.after(None)
        self.unheard = 1

    def after(self, seconds: float | None) -> None:
        """Have the run stopped after so many seconds; None: let it come to its end."""
        if self.works:
            signal.setitimer(signal.ITIMER_REAL, seconds or 0)


def no_timer() -> None:
    """Take back what `Stop.after` has set, where the one who set it is not at hand."""
    if threading.current_thread() is threading.main_thread():
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Treat a polite request to end like Ctrl-C, so that a run that a scheduler stops is recorded as cancelled; a timer
    that runs out (`Stop.after`) is such a request as well. Yields what is set once one has come. Only the main thread
    hears of either."""
    asked = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def interrupt(number: int, frame: object) -> None:
        asked.set()
        if asked.unheard > 0:
            asked.unheard -= 1
            return
        raise KeyboardInterrupt

    def expire(number: int, frame: object) -> None:
        asked.expired = True
        interrupt(number, frame)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, expire)
    asked.works = True
    try:
        yield asked
    finally:
        asked.after(None)
        for number, handler in before.items():
            signal.signal(number, handler)
