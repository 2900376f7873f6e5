"""How long one call may work with a connector, whatever its source does: a run waits for it, and holds the data folder
meanwhile."""

import time
from dataclasses import dataclass, field
from datetime import timedelta

from orchestration.durations import in_words
from orchestration.landing.connectors.protocol import LimitError, SilenceError

# Long enough for the deliveries of a day; short enough for a run to come to its end.
LIMIT = timedelta(minutes=10)
# A source from which nothing comes is away, however often it is asked.
SILENCE = timedelta(minutes=1)
# What is asked of a source at the very end of the time still gets so many seconds for an answer.
LEAST = 0.05


@dataclass
class Limit:
    """The time of one call: `total`, and `silence` of it in which nothing comes. Both begin now."""

    total: timedelta = LIMIT
    silence: timedelta = SILENCE
    began: float = field(default_factory=time.monotonic)
    came_at: float = field(default_factory=time.monotonic)

    def came(self) -> None:
        """Something has come.

        Raises:
            LimitError: the time is over all the same.
        """
        self.came_at = time.monotonic()
        self.check()

    def check(self) -> None:
        """Go on only while there is time.

        Raises:
            LimitError: there is none left, or nothing has come for too long.
        """
        now = time.monotonic()
        if now - self.began >= self.total.total_seconds():
            raise LimitError(
                f"it was stopped after {in_words(self.total)}, its `limit`. What has come stays, and the next call goes"
                " on from there."
            )
        if now - self.came_at >= self.silence.total_seconds():
            raise SilenceError(f"nothing came for {in_words(self.silence)}, its `silence`. The next call tries again.")

    @property
    def left(self) -> float:
        """Seconds until the time is over, if nothing comes; none or less: it is."""
        now = time.monotonic()
        return min(self.total.total_seconds() - (now - self.began), self.silence.total_seconds() - (now - self.came_at))

    def seconds(self, most: timedelta) -> float:
        """How long to wait for one answer."""
        return max(min(most.total_seconds(), self.left), LEAST)
