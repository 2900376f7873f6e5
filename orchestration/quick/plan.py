"""What a quick reconciliation compares: the columns of both files and how their texts are read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

GIVEN, GUESSED, DEFAULT, LEFT_OUT = "given", "guessed", "default", "left out"

# The currency of amounts that name none: "no currency involved" in ISO 4217.
NO_CURRENCY = "XXX"
# What a file that has none of it counts as; nothing is compared by it, and the results leave it blank.
NO_AMOUNT, NO_TIME = "0", "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Said:
    """What was taken for a subject and why, as people read it. `left` and `right` are the column, or the code
    of a currency; of the key a list of columns."""

    subject: str
    origin: str
    text: str
    left: str | list[str] | None = None
    right: str | list[str] | None = None

    @property
    def line(self) -> str:
        return f"{self.subject}: {self.text}"

    def as_json(self) -> dict[str, Any]:
        return {"left": self.left, "right": self.right, "origin": self.origin, "text": self.text}


@dataclass(frozen=True)
class Marks:
    """How amounts are written."""

    decimal: str = "."
    grouping: str = ""
    decorations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Times:
    """How times are written; `days_only` where no text has a clock."""

    shapes: tuple[str, ...] = ()
    days_only: bool = False


@dataclass(frozen=True)
class SidePlan:
    """One file: its system, and the headers that serve. `currency` is a header, `currency_code` what stands for one."""

    system: str
    headers: tuple[str, ...]
    key: tuple[str, ...]
    delimiter: str | None = None
    amount: str | None = None
    currency: str | None = None
    currency_code: str = NO_CURRENCY
    status: str | None = None
    time: str | None = None
    marks: Marks = field(default_factory=Marks)
    times: Times = field(default_factory=Times)
    time_zone: str = "UTC"


@dataclass(frozen=True)
class Plan:
    """Both sides. `price_abs_minor` is the limit in minor units, `exponent` the decimals of amounts without a
    currency."""

    left: SidePlan
    right: SidePlan
    org: str
    exponent: int = 2
    price_abs_minor: int = 0
    price_pct: str = "0"
    skew: int = 900
    said: tuple[Said, ...] = ()

    @property
    def sides(self) -> Iterator[SidePlan]:
        yield self.left
        yield self.right

    @property
    def compares_amounts(self) -> bool:
        return all(side.amount for side in self.sides)

    @property
    def compares_statuses(self) -> bool:
        return all(side.status for side in self.sides)

    @property
    def compares_times(self) -> bool:
        return all(side.time for side in self.sides)

    @property
    def checks(self) -> list[str]:
        """The checks of the ladder: what both files have."""
        return [
            *(["currency_equality", "price_tolerance"] if self.compares_amounts else []),
            *(["status_alignment"] if self.compares_statuses else []),
            *(["timestamp_skew"] if self.compares_times else []),
        ]
