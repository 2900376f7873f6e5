"""Times as people type them, and money as people read it."""

import pytest

from orchestration.clock import from_text, parse_as_of, to_text
from orchestration.errors import UsageError
from orchestration.money import format_minor, format_share


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-03", "2026-03-03T00:00:00.000000Z"),
        ("2026-03-03T06:00", "2026-03-03T06:00:00.000000Z"),
        ("2026-03-03T06:00:00Z", "2026-03-03T06:00:00.000000Z"),
        ("2026-03-03 06:00:00z", "2026-03-03T06:00:00.000000Z"),
        ("2026-03-03T06:00:00.5+01:00", "2026-03-03T05:00:00.500000Z"),
        ("2026-03-03T06:00:00,000001-0530", "2026-03-03T11:30:00.000001Z"),
        (" 2026-03-03T23:59:59.999999Z ", "2026-03-03T23:59:59.999999Z"),
    ],
)
def test_allowed_forms(text: str, utc: str) -> None:
    assert to_text(parse_as_of(text)) == utc
    assert from_text(utc) == parse_as_of(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "20260303", "2026-W10", "2026-03-03T6:00", "03.03.2026", "2026-03-03T06:00:00.1234567Z"),
        *("2026-13-01", "2026-02-29", "2026-03-03T24:30", "2026-03-03T06:00+25:00", "0001-01-01T00:00+01:00"),
    ],
)
def test_everything_else_is_refused_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(UsageError, match="Allowed: 2026-03-03, 2026-03-03T06:00"):
        parse_as_of(text)


@pytest.mark.parametrize(
    ("minor", "exponent", "text"),
    [
        (123456, 2, "1,234.56"),
        (-5, 2, "-0.05"),
        (0, 3, "0.000"),
        (4700, 0, "4,700"),
        (10**20, 2, "1" + ",000" * 6 + ".00"),
    ],
)
def test_money_is_exact(minor: int, exponent: int, text: str) -> None:
    assert format_minor(minor, exponent) == text


def test_a_share_is_never_rounded_up_to_all() -> None:
    assert format_share(99_999, 100_000) == "99.99 %"
    assert format_share(1, 1) == "100.00 %"
    assert format_share(0, 0) == "-"
