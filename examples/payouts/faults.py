"""Which order, payout or statement gets which fault: the schedule of a world."""

from collections import deque
from random import Random

from examples.payouts.catalogue import Fault

Queue = deque[tuple[Fault, tuple[str, ...]]]


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
        self._given: tuple[Fault, tuple[str, ...]] | None = None

    def _queue(self, faults: tuple[Fault, ...], grain: str) -> Queue:
        """Faults and where they can be done; a large world does each in all of its systems, in turn."""
        # Each fault once, then each a second time ...: whatever there is room for, there is of every kind.
        chosen = [fault for fault in faults if fault.grain == grain]
        most = max((fault.count for fault in chosen), default=0)
        return deque(
            (fault, fault.systems if self.small or not fault.systems else (fault.systems[turn % len(fault.systems)],))
            for turn in range(most)
            for fault in chosen
            if fault.count > turn
        )

    def _next(self, queue: Queue, system: str, lane: str, every: int) -> str:
        """The next fault for a lane, which gets one in so many."""
        seen = self._since[lane] = self._since.get(lane, max(every - 2, 0)) + 1
        if seen < every:
            return ""
        for waiting in queue:
            fault, systems = waiting
            if not systems or system in systems:
                queue.remove(waiting)
                self._since[lane] = 0
                self._given = waiting
                return fault.name
        return ""

    def give_back(self) -> None:
        """The fault that was given last could not be done: another one is tried next, then it again."""
        assert self._given is not None
        queue = self.of_payout if self._given[0].grain == "payout" else self.of_statement
        queue.append(self._given)

    def payout(self, system: str, lane: str) -> str:
        """The fault of the next payout of a system, or nothing."""
        # Amazon pays so seldom that every payout of its is taken.
        every = 1 if system == "amazon" else 2 if self.small else 3
        return self._next(self.of_payout, system, lane, every)

    def statement(self, bank_format: str) -> str:
        """The fault of the next statement of a bank, or nothing."""
        return self._next(self.of_statement, bank_format, f"bank {bank_format}", 3)
