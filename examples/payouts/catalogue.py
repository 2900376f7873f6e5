"""The named faults: what is done to an otherwise right world, how often, and what Tieout must say to it.

They stand in catalogue.csv. An anomaly `A|B` may be called either; `?A` may be reported, but need not be; a fault
without any is a case that is right and must pass.
"""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """One named fault."""

    name: str
    # At what it is done: an order, a payout, a bank statement, or a file.
    grain: str
    # How often: in a large world so many of a million orders, at least twice; payouts, statements and files are few, so
    # they have a plain count, and so has everything in a world of less than 1000 orders.
    share: int
    count: int
    # Where it can be done; blank: everywhere.
    systems: tuple[str, ...]
    # What must be found: anomaly codes; blank: nothing, the case is right and must pass.
    anomalies: tuple[str, ...]
    what: str


def _read() -> tuple[Fault, ...]:
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Fault(
                row["fault"],
                row["grain"],
                int(row["per_million"] or 0),
                int(row["count"]),
                tuple(row["systems"].split()),
                tuple(row["anomalies"].split()),
                row["what"],
            )
            for row in csv.DictReader(file)
        )


FAULTS = _read()
BY_NAME = {fault.name: fault for fault in FAULTS}


def chosen(text: str) -> tuple[Fault, ...]:
    """The faults that `--faults` names: `all`, `none`, or a list with commas."""
    if text == "all":
        return FAULTS
    names = [name.strip() for name in text.split(",") if name.strip() and name.strip() != "none"]
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        raise ValueError(f"--faults does not know {', '.join(unknown)}; it knows all, none, {', '.join(BY_NAME)}.")
    return tuple(fault for fault in FAULTS if fault.name in names)
