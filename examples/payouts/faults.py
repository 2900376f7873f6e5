"""Which order, payout or statement gets which fault: the schedule of a world."""

from collections import deque
from random import Random

from examples.payouts.catalogue import Fault


class Schedule:
    """Hands out the chosen faults, each a known number of times, while there is time for them to be overdue."""

    def __init__(self, faults: tuple[Fault, ...], orders: int, first: int, last: int, random: Random) -> None:
        self.names = {fault.name for fault in faults}
        self.small = orders < 1000
        wanted = [
            fault.name
            for fault in faults
            if fault.grain == "order"
            for _ in range(max(fault.count if self.small else 2, orders * fault.share // 1_000_000))
        ]
        # Only as many as the range of orders holds, so that not every order of a small world is a fault.
        span = range(first, last)
        wanted = wanted[: len(span) // 2]
        random.shuffle(wanted)
        self.of_order = dict(zip(sorted(random.sample(span, len(wanted))), wanted, strict=True))
        self.of_payout = self._queue(faults, "payout")
        self.of_statement = self._queue(faults, "statement")
        self._since: dict[str, int] = {}

    @staticmethod
    def _queue(faults: tuple[Fault, ...], grain: str) -> deque[Fault]:
        # Each fault once, then each a second time ...: whatever there is room for, there is of every kind.
        chosen = [fault for fault in faults if fault.grain == grain]
        most = max((fault.count for fault in chosen), default=0)
        return deque(fault for turn in range(most) for fault in chosen if fault.count > turn)

    def _next(self, queue: deque[Fault], system: str, lane: str, every: int) -> str:
        """The next fault for a lane, which gets one in so many."""
        seen = self._since[lane] = self._since.get(lane, every - 2) + 1
        if seen < every:
            return ""
        for fault in queue:
            if not fault.systems or system in fault.systems:
                queue.remove(fault)
                self._since[lane] = 0
                return fault.name
        return ""

    def payout(self, system: str, lane: str) -> str:
        """The fault of the next payout of a system, or nothing."""
        return self._next(self.of_payout, system, lane, 2 if self.small else 3)

    def statement(self, bank_format: str) -> str:
        """The fault of the next statement of a bank, or nothing."""
        return self._next(self.of_statement, bank_format, f"bank {bank_format}", 3)
