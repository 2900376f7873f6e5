"""What is guessed from headers, what is said of it, and what is refused."""

from typing import Any

import pytest

from orchestration.errors import UsageError
from orchestration.quick.look import Ids, Moments, Numbers
from orchestration.quick.plan import GIVEN, GUESSED, LEFT_OUT, Plan, Said, Times
from tests.python.quick.looks import REPEATING, left, plan, right

FULL = ("order_id", "total", "currency", "status", "created_at")


def said(made: Plan, subject: str) -> Said:
    return next(item for item in made.said if item.subject == subject)


def test_everything_is_guessed_and_said() -> None:
    made = plan(left(*FULL), right("Order-ID ", "TOTAL", "ccy", "State", "created at"))
    assert (made.left.key, made.right.key) == (("order_id",), ("Order-ID ",))
    assert (made.left.amount, made.right.amount) == ("total", "TOTAL")
    assert (made.left.currency, made.right.currency) == ("currency", "ccy")
    assert (made.left.status, made.right.status) == ("status", "State")
    assert (made.left.time, made.right.time) == ("created_at", "created at")
    assert made.checks == ["currency_equality", "price_tolerance", "status_alignment", "timestamp_skew"]
    assert [item.subject for item in made.said] == ["on", "amount", "currency", "status", "time"]
    assert {item.origin for item in made.said} == {GUESSED}
    assert "--amount says otherwise" in said(made, "amount").line


def test_what_is_given_wins() -> None:
    made = plan(
        left(*FULL, "net"),
        right("number", "net_amount", "currency", "status", "created_at"),
        on="order_id=Number",
        amount="net=net_amount",
        status="none",
        time="none",
    )
    assert (made.left.key, made.right.key) == (("order_id",), ("number",))
    assert (made.left.amount, made.right.amount) == ("net", "net_amount")
    assert made.checks == ["currency_equality", "price_tolerance"]
    assert said(made, "on").origin == GIVEN
    assert said(made, "status").origin == LEFT_OUT


@pytest.mark.parametrize(
    ("one", "other", "shared", "key"),
    [
        # A plain name is better than one that only ends like an id.
        (left("customer_id", "order_id"), right("customer_id", "order_id"), {}, "order_id"),
        # A number of a system's own stands in no other one.
        (left("id", "order_id"), right("id", "order_id"), {"id": 0}, "order_id"),
        # What repeats names groups of records.
        (left("store_id", "ref_no", of_ids={"store_id": REPEATING}), right("store_id", "ref_no"), {}, "ref_no"),
        # Unique and never blank is better than nearly so.
        (left("id", "reference", of_ids={"id": Ids(10, 9, 9)}), right("id", "reference"), {}, "reference"),
        # One that is doubled here and there is still the key.
        (left("order_id", "x", of_ids={"order_id": Ids(10, 10, 8)}), right("order_id", "y"), {}, "order_id"),
    ],
)
def test_the_key_that_fits_best(one, other, shared, key) -> None:
    assert plan(one, other, shared).left.key == (key,)


def test_several_columns_are_one_key() -> None:
    made = plan(left("store", "nr"), right("shop", "nr"), on="store=shop, nr")
    assert (made.left.key, made.right.key) == (("store", "nr"), ("shop", "nr"))


@pytest.mark.parametrize(
    ("one", "other", "given", "told"),
    [
        (
            left("id", "order_id"),
            right("id", "order_id"),
            {},
            ("more than one column could be the key", "--on order_id"),
        ),
        (left("a"), right("b"), {}, ("no column that both files have", "left has a", "right has b", "--on LEFT=RIGHT")),
        (
            left("store_id", of_ids={"store_id": REPEATING}),
            right("store_id"),
            {},
            ("store_id has 2 different values in 10 records",),
        ),
        (
            left("id", "total", "amount"),
            right("id", "total", "amount"),
            {},
            ("more than one column of both files could be it: total, amount", "--amount COLUMN"),
        ),
        (left("id", "total", "amount"), right("id", "gross"), {}, ("column of left (left.csv) could be it",)),
        (left("id"), right("id"), {"amount": "total"}, ("left (left.csv) has no column 'total'", "It has id.")),
        (left("id", "ID"), right("id"), {"on": "id"}, ("left (left.csv) has the column 'id' more than once",)),
        (left("id"), right("id"), {"on": "id", "status": "id"}, ("column 'id' cannot be on and status at once",)),
        (
            left("id", "total", "currency", of_codes={"currency": ("EUR", "USD")}),
            right("id", "total"),
            {},
            ("right (right.csv) has no column of currencies, and left has EUR, USD", "--currency CODE"),
        ),
        (left("id", "total"), right("id", "total"), {"currency": "EURO"}, ("no currency of ISO 4217",)),
        (
            left("id", "total", "currency", of_codes={"currency": ("EUR", "JPY")}),
            right("id", "total", "currency"),
            {"price_abs": "1"},
            ("unlike decimals (EUR 2, JPY 0)",),
        ),
        (
            left("id", "total"),
            right("id", "total"),
            {"currency": "EUR", "price_abs": "0.001"},
            ("more decimals than EUR",),
        ),
        (
            left("id"),
            right("id"),
            {"price_abs": "1", "price_pct": "0.1"},
            ("--price-abs 1: there are no amounts to compare", "--price-pct 0.1: there are"),
        ),
        (left("{{ x }}_id"), right("{{ x }}_id"), {}, ("'{{ x }}_id' cannot be used",)),
        (
            left("id", "total", of_numbers={"total": Numbers(3, 3, either_point=3, has_point=3)}),
            right("id", "total"),
            {},
            ("the decimal mark of left", "--decimal-mark"),
        ),
        (
            left("id", "total", of_numbers={"total": Numbers(3, 3, comma=1, point=2, has_point=2, has_comma=1)}),
            right("id", "total"),
            {},
            ("1 can only have the comma, 2 only the point",),
        ),
        (
            left("id", "date", of_moments={"date": Moments(3, 3, slashed=3)}),
            right("id", "date", of_moments={"date": Moments(3, 3)}),
            {},
            ("nothing tells whether the day or the month stands first", "--date-format"),
        ),
        (left("id"), right("id"), {"time_zone": "Mars", "decimal_mark": "'"}, ("--time-zone Mars", "--decimal-mark '")),
    ],
)
def test_what_is_refused(one, other, given, told) -> None:
    with pytest.raises(UsageError) as refused:
        plan(one, other, **given)
    for text in told:
        assert text in str(refused.value)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        plan(left("id"), right("id"), on="nr", amount="total=gross", currency="EUR", time="at=none")
    text = str(refused.value)
    assert text.count("\n  - ") == 4
    for part in ("no column 'nr'", "no column 'total'", "no column 'gross'"):
        assert part in text


def test_what_one_file_lacks_is_left_out() -> None:
    made = plan(left("id", "name"), right("id", "status"))
    assert made.checks == []
    assert said(made, "status").line == "status: not compared (left has no column of that name)"


@pytest.mark.parametrize(
    "one", [left("id", "name"), left("id", "total", of_numbers={"total": Numbers(10, 2)})], ids=["none", "no numbers"]
)
def test_money_that_one_file_alone_tells_of_is_not_passed_over(one: Any) -> None:
    with pytest.raises(UsageError, match=r"amount: total of right .* looks like it, and no column of left"):
        plan(one, right("id", "total"))
    made = plan(one, right("id", "total"), amount="none")
    assert made.checks == []
    assert said(made, "amount").line == "amount: not compared (--amount none says so)"


def test_amounts_without_a_currency_are_plain_numbers() -> None:
    made = plan(
        left("id", "total", of_numbers={"total": Numbers(2, 2, point=2, has_point=2, decimals=4)}),
        right("id", "total"),
        price_abs="0.5",
    )
    assert (made.left.currency, made.left.currency_code, made.exponent) == (None, "XXX", 4)
    assert made.price_abs_minor == 5000
    assert "XXX stands for no currency" in said(made, "currency").line


def test_a_code_is_for_the_file_that_has_none() -> None:
    one, other = left("id", "total", "currency"), right("id", "total")
    for given in ("EUR", None):
        made = plan(one, other, currency=given)
        assert (made.left.currency, made.right.currency, made.right.currency_code) == ("currency", None, "EUR")
    made = plan(one, other, currency="USD=USD", price_abs="0.05")
    assert (made.left.currency, made.left.currency_code, made.price_abs_minor) == (None, "USD", 5)


def test_marks_are_told_from_the_amounts() -> None:
    german = Numbers(3, 3, comma=2, has_comma=3, has_point=1, symbol=1)
    made = plan(
        left("id", "total", of_numbers={"total": german}),
        right("id", "total", is_typed=True, of_numbers={"total": Numbers(1, 1, either_point=1, has_point=1)}),
    )
    assert (made.left.marks.decimal, made.left.marks.grouping) == (",", ".")
    assert made.left.marks.decorations == ("symbol",)
    assert (made.right.marks.decimal, made.right.marks.grouping) == (".", "")


def test_days_stand_beside_days_and_not_beside_clocks() -> None:
    days = Moments(10, 10, dotted=10)
    one = left("id", "date", of_moments={"date": days})
    made = plan(one, right("id", "date", of_moments={"date": Moments(10, 10)}), time_zone="Europe/Berlin")
    assert (made.left.times, made.right.times) == (Times(("DD.MM.YYYY",), True), Times((), True))
    assert made.left.time_zone == "UTC"
    mixed = plan(one, right("id", "date"))
    assert mixed.checks == []
    assert "left has days only and the other side clocks" in said(mixed, "time").line
    assert plan(one, right("id", "date"), time="date").checks == ["timestamp_skew"]


def test_a_day_above_twelve_tells_the_order() -> None:
    slashes = {"date": Moments(10, 10, slashed=10, day_first=3)}
    other = {"date": Moments(10, 10, slashed=10)}
    made = plan(
        left("id", "date", of_moments=slashes),
        right("id", "date", of_moments=other),
        date_format="DD/MM/YYYY=MM/DD/YYYY",
    )
    assert (made.left.times.shapes, made.right.times.shapes) == (("DD/MM/YYYY",), ("MM/DD/YYYY",))
