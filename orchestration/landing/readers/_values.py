"""Notations of bank formats, brought into the text grammar of a feed: dates to ISO 8601, amounts to plain decimals."""

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache

# Currencies whose minor unit has other than two decimals, as in seeds/currencies.csv (a test holds the two together).
EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
CENTURY = 80  # two digits from here on are of the last century

_PLAIN = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")


class UnreadableError(ValueError):
    """A text that is not what it should be; its message is the reason of a reject."""


@lru_cache(maxsize=4096)
def short_date(text: str, what: str = "date") -> tuple[str, str | None]:
    """`YYMMDD` as ISO, and a note where the day does not exist: banks write 30 February, which is taken for the month's
    last day.
    """
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        raise UnreadableError(f"the {what} {text!r} is not YYMMDD")
    year = int(text[:2])
    return long_date((1900 if year >= CENTURY else 2000) + year, int(text[2:4]), int(text[4:]), f"{what} {text}")


def long_date(year: int, month: int, day: int, what: str) -> tuple[str, str | None]:
    """A day as ISO; one that does not exist in its month is clamped to the last, with a note."""
    if not (1 <= month <= 12 and 1 <= day <= 31 and year > 0):
        raise UnreadableError(f"the {what} is no day")
    last = monthrange(year, month)[1]
    iso = f"{year:04}-{month:02}-{min(day, last):02}"
    return iso, f"{what} does not exist, read as {iso}" if day > last else None


@lru_cache(maxsize=4096)
def near_date(text: str, near: str) -> tuple[str, str | None]:
    """`MMDD` in the year that brings it nearest to an ISO date: an entry of 31 December may be valued in January."""
    if len(text) != 4 or not (text.isascii() and text.isdigit()):
        raise UnreadableError(f"the entry date {text!r} is not MMDD")
    anchor = date.fromisoformat(near)
    years = [year for year in (anchor.year - 1, anchor.year, anchor.year + 1) if 0 < year < 10000]
    found = [long_date(year, int(text[:2]), int(text[2:]), f"entry date {text}") for year in years]
    return min(found, key=lambda dated: (abs((date.fromisoformat(dated[0]) - anchor).days), dated[0]))


def comma_amount(text: str) -> str:
    """An unsigned amount of MT940 (`27,00`, `9,`, `,5`) as a plain decimal."""
    if text.count(",") > 1 or "." in text:
        raise UnreadableError(f"the amount {text!r} is not digits with one comma")
    return plain_amount(text.replace(",", "."), signed=False)


def plain_amount(text: str, signed: bool = True) -> str:
    """An amount with `.` as its only mark, digits on either side of it optional."""
    found = _PLAIN.fullmatch(text)
    if found is None or not (found[2] or found[3]) or (found[1] == "-" and not signed):
        raise UnreadableError(f"the amount {text!r} is no plain decimal")
    sign = "-" if found[1] == "-" else ""
    return f"{sign}{found[2] or '0'}" + (f".{found[3]}" if found[3] else "")


def any_amount(text: str) -> str:
    """An amount in whatever marks a bank's OFX file uses; refuses one that could be read two ways (`1,234`)."""
    bare = re.sub(r"[\s\u00a0\u202f']", "", text).replace("\u2212", "-")
    comma, dot = bare.rfind(","), bare.rfind(".")
    if comma < 0:
        if bare.count(".") > 1:
            raise UnreadableError(f"the amount {text!r} has two decimal marks")
        return plain_amount(bare)
    if dot < 0:
        if re.fullmatch(r"[+-]?[0-9]{1,3}(,[0-9]{3})+", bare):
            raise UnreadableError(f"the amount {text!r} can be read two ways")
        return plain_amount(bare.replace(",", "."))
    grouping, mark = (",", ".") if dot > comma else (".", ",")
    whole, _, fraction = bare.rpartition(mark)
    if not re.fullmatch(rf"[+-]?[0-9]{{1,3}}(\{grouping}[0-9]{{3}})+", whole):
        raise UnreadableError(f"the amount {text!r} is grouped in no known way")
    return plain_amount(f"{whole.replace(grouping, '')}.{fraction}")


def of_minor_units(units: int, currency: str | None) -> str:
    """Whole minor units of a currency as a plain decimal."""
    exponent = EXPONENTS.get((currency or "").upper(), 2)
    digits = str(abs(units)).rjust(exponent + 1, "0")
    whole, fraction = (digits[:-exponent], digits[-exponent:]) if exponent else (digits, "")
    return ("-" if units < 0 else "") + whole + (f".{fraction}" if fraction else "")
