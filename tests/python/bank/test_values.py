"""Notations: what the readers know of currencies and dates."""

import csv
from pathlib import Path

import pytest

from orchestration.landing.readers._values import EXPONENTS, UnreadableError, any_amount, near_date, of_minor_units

SEED = Path(__file__).parents[3] / "seeds" / "currencies.csv"


def test_the_exponents_are_those_of_the_seed():
    with SEED.open(encoding="utf-8", newline="") as file:
        odd = {row["currency"]: int(row["exponent"]) for row in csv.DictReader(file) if row["exponent"] != "2"}
    assert odd == EXPONENTS


@pytest.mark.parametrize(("units", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123456, "1234.56")])
def test_minor_units(units: int, text: str):
    assert of_minor_units(units, "EUR") == text
    assert of_minor_units(units, "JPY") == str(units)


def test_a_day_in_the_year_that_is_nearest():
    assert near_date("1231", "2026-01-02")[0] == "2025-12-31"
    assert near_date("0101", "2025-12-31")[0] == "2026-01-01"
    assert near_date("0229", "2026-03-01")[0] == "2026-02-28"
    with pytest.raises(UnreadableError):
        near_date("1301", "2026-03-01")


@pytest.mark.parametrize("text", ["", "-", "1,2,3", "1.234,5,6", "12,34.5", "a", "1e5", "٣", "1,234"])
def test_amounts_that_are_refused(text: str):
    with pytest.raises(UnreadableError):
        any_amount(text)
