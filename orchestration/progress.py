"""What a run shows while it works: a display on a terminal, plain lines elsewhere. Always on stderr; stdout is for
the answer."""

import sys
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress(Protocol):
    """Told what a run does. Every call is cheap; a total of 0 means that it is not known."""

    def phase(self, name: str) -> None:
        """A new phase begins."""

    def step(self, done: int, total: int, what: str) -> None:
        """Something of the phase is done: `done` of `total` in any unit, and what is at work."""

    def note(self, text: str) -> None:
        """A remark that stays readable afterwards."""


class Silent:
    """Shows nothing."""

    def phase(self, name: str) -> None:
        pass

    def step(self, done: int, total: int, what: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class Lines:
    """One plain line a phase and a few while a long one lasts, for logs."""

    # Seconds between two lines of one phase: a log of a long run stays short.
    EVERY = 5.0

    def __init__(self) -> None:
        self._phase = ""
        self._last = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def _print(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def phase(self, name: str) -> None:
        self._phase = name
        self._last = time.monotonic()
        self._print(f"{name} ...")

    def step(self, done: int, total: int, what: str) -> None:
        if time.monotonic() - self._last >= self.EVERY:
            self._last = time.monotonic()
            self._print(f"{self._phase}{f' {done * 100 // total} %' if total else ''} ({what})")

    def note(self, text: str) -> None:
        self._print(text)


class Display:
    """Bars that stay on the screen, one a phase."""

    def __init__(self, console: Console) -> None:
        self._bars = Bars(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}", justify="left"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[what]}"),
            console=console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end_phase()
        self._bars.stop()

    def _end_phase(self) -> None:
        if self._task is not None:
            done = next(task for task in self._bars.tasks if task.id == self._task)
            total = done.total or max(done.completed, 1)
            self._bars.update(self._task, total=total, completed=total, what="")

    def phase(self, name: str) -> None:
        self._end_phase()
        self._task = self._bars.add_task(f"{name:<12}", total=None, what="")

    def step(self, done: int, total: int, what: str) -> None:
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total or None, what=what[:48])

    def note(self, text: str) -> None:
        self._bars.console.print(text, highlight=False)


def for_terminal() -> Lines | Display:
    """The display that fits where stderr goes."""
    console = Console(stderr=True)
    return Display(console) if console.is_terminal and not console.is_dumb_terminal else Lines()
