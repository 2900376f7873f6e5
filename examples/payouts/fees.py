"""The contracted fees, as the seed of the project states them: the world charges by what Tieout checks against."""

import csv
from pathlib import Path

from examples.payouts.money import share

SEED = Path(__file__).resolve().parents[2] / "seeds" / "contracted_fees.csv"


class Contracts:
    """Fees by system, method and currency."""

    def __init__(self, seed: Path = SEED) -> None:
        self.rates: dict[tuple[str, str, str], tuple[int, int]] = {}
        with seed.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                whole, _, rest = row["percent"].partition(".")
                ppm = int(whole) * 10_000 + int(rest.ljust(4, "0")[:4] or "0")
                self.rates[row["system"], row["method"], row["currency"]] = (ppm, int(row["fixed_minor"]))

    def methods(self, system: str, currency: str) -> list[str]:
        """The methods that a contract names, in the seed's order."""
        return [method for known, method, money in self.rates if (known, money) == (system, currency)]

    def fee(self, system: str, method: str, currency: str, amount: int) -> int:
        """The fee of a charge, as a cost in minor units."""
        ppm, fixed = self.rates[system, method, currency]
        return share(amount, ppm) + fixed
