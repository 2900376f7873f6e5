"""Money as people read it: minor units and an exponent in, digits out. Integers all the way; nothing is ever a
float."""


def format_minor(minor: int, exponent: int) -> str:
    """`123456` with exponent 2 as `1,234.56`."""
    digits = f"{abs(minor):0{exponent + 1}d}"
    whole, fraction = (digits[:-exponent], "." + digits[-exponent:]) if exponent else (digits, "")
    return f"{'-' if minor < 0 else ''}{int(whole):,}{fraction}"


def format_share(part: int, whole: int) -> str:
    """A share as a percentage with two decimals, rounded towards zero: only all of it is ever 100.00 %."""
    if whole == 0:
        return "-"
    hundredths = part * 10_000 // whole
    return f"{hundredths // 100}.{hundredths % 100:02d} %"
