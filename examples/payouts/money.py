"""Money in integer minor units: its text in a file, and a fee of so many per cent."""

EXPONENTS = {"USD": 2, "EUR": 2, "JPY": 0}
PPM = 1_000_000


def text(minor: int, currency: str, mark: str = ".") -> str:
    """Minor units as major units, exactly: -1234 USD is `-12.34`, 1234 JPY is `1234`."""
    if EXPONENTS[currency] == 0:
        return str(minor)
    whole, rest = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole}{mark}{rest:02d}"


def implied(minor: int, currency: str) -> str:
    """Digits with two implied decimals for every currency, as PayPal's settlement report has them; no sign."""
    return str(abs(minor) * (100 if EXPONENTS[currency] == 0 else 1))


def share(minor: int, ppm: int) -> int:
    """So many millionths of an amount that is not negative, rounded half to even."""
    whole, rest = divmod(minor * ppm, PPM)
    twice = rest * 2
    if twice > PPM or (twice == PPM and whole % 2):
        whole += 1
    return whole
