"""What a person may say to `tieout quick`, and how an option that speaks of both sides is read."""

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

# A side says that it has no such column, or that it is not to be looked at.
NOTHING = "none"
LEFT, RIGHT = "left", "right"
SIDES = (LEFT, RIGHT)

# The feeds and the models of a system are named after it.
SYSTEM = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Names that stand for something else in every project: the system of Tieout's own feeds, and a schema.
TAKEN = ("tieout", "landing")
ORG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")
LARGEST_PCT_DECIMALS = 9


@dataclass(frozen=True)
class Options:
    """What was asked for. None: nothing was said of it, and it is guessed."""

    left: Path
    right: Path
    on: str | None = None
    amount: str | None = None
    currency: str | None = None
    status: str | None = None
    time: str | None = None
    price_abs: str = "0"
    price_pct: str = "0"
    skew: int = 900
    left_name: str = LEFT
    right_name: str = RIGHT
    org: str = "quick"
    time_zone: str | None = None
    decimal_mark: str | None = None
    date_format: str | None = None

    @property
    def names(self) -> tuple[str, str]:
        """The systems' names as feeds have them."""
        return system_name(self.left_name), system_name(self.right_name)

    def faults(self) -> list[str]:
        """What can be told to be wrong before any file is looked at."""
        found = []
        for option, given in (("--left-name", self.left_name), ("--right-name", self.right_name)):
            name = system_name(given)
            if not SYSTEM.fullmatch(name) or name in TAKEN:
                found.append(
                    f"{option} {given!r}: a name begins with a letter and has letters, digits and single underscores;"
                    f" {' and '.join(TAKEN)} are taken."
                )
        if len(set(self.names)) == 1:
            found.append(f"--left-name and --right-name are both {self.names[0]!r}: texts could not tell them apart.")
        if not ORG.fullmatch(self.org):
            found.append(f"--org {self.org!r}: an org is written with letters, digits, dots, hyphens and underscores.")
        for option, text in (("--price-abs", self.price_abs), ("--price-pct", self.price_pct)):
            if not AMOUNT.fullmatch(text):
                found.append(f"{option} {text!r}: give a number of 0 or more with a decimal point, such as 0.05.")
        if AMOUNT.fullmatch(self.price_pct) and decimals(self.price_pct) > LARGEST_PCT_DECIMALS:
            found.append(f"--price-pct {self.price_pct}: at most {LARGEST_PCT_DECIMALS} decimals are kept.")
        if AMOUNT.fullmatch(self.price_pct) and Decimal(self.price_pct) > 1:
            found.append(f"--price-pct {self.price_pct}: it is a share, 0.01 for one percent, and at most 1.")
        if self.skew < 0:
            found.append(f"--skew {self.skew}: give seconds, 0 or more.")
        return found


def system_name(given: str) -> str:
    """A side's name as its feed has it."""
    return re.sub(r"[\s-]+", "_", given.strip()).lower()


def decimals(text: str) -> int:
    """How many decimals a number has; zeros at its end do not count."""
    return len(text.partition(".")[2].rstrip("0"))


def by_side(text: str) -> tuple[str, str]:
    """`total=order_total` is one for each side, `total` the same for both."""
    left, mark, right = text.partition("=")
    return (left.strip(), right.strip()) if mark else (text.strip(), text.strip())
