"""Files that are only described: what guesses are made from, without a file."""

from dataclasses import dataclass, field

from orchestration.quick.guess import make_plan
from orchestration.quick.look import Ids, Moments, Numbers
from orchestration.quick.options import Options
from orchestration.quick.plan import Plan

EXPONENTS = {"EUR": 2, "USD": 2, "JPY": 0, "XXX": 0}
UNIQUE = Ids(10, 10, 10)
REPEATING = Ids(10, 10, 2)
MONEY = Numbers(filled=10, readable=10, point=10, has_point=10, decimals=2)
CLOCKS = Moments(filled=10, readable=10, with_clock=10)


@dataclass
class Described:
    """A file of ten records; what is not said of a column is that its values are all different texts."""

    label: str
    headers: tuple[str, ...]
    name: str = ""
    is_typed: bool = False
    of_ids: dict[str, Ids] = field(default_factory=dict)
    of_numbers: dict[str, Numbers] = field(default_factory=dict)
    of_moments: dict[str, Moments] = field(default_factory=dict)
    of_codes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = self.name or f"{self.label}.csv"

    def ids(self, *headers: str) -> Ids:
        return self.of_ids.get(headers[0], UNIQUE)

    def numbers(self, header: str) -> Numbers:
        return self.of_numbers.get(header, MONEY)

    def moments(self, header: str) -> Moments:
        return self.of_moments.get(header, CLOCKS)

    def codes(self, header: str) -> tuple[str, ...]:
        return self.of_codes.get(header, ("EUR",))


def left(*headers: str, **known: object) -> Described:
    return Described("left", headers, **known)  # type: ignore[arg-type]


def right(*headers: str, **known: object) -> Described:
    return Described("right", headers, **known)  # type: ignore[arg-type]


def plan(one: Described, other: Described, shared: dict[str, int] | None = None, **given: object) -> Plan:
    """Plan two described files; `shared` says how many keys both have, by left's column, any other one 10."""
    options = Options("left.csv", "right.csv", **given)  # type: ignore[arg-type]
    return make_plan(
        options,
        one,
        other,
        shared=lambda mine, theirs: (shared or {}).get(mine[0], 10),
        exponents=EXPONENTS,
    )
