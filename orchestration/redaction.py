"""What must never stand in a log or a message: secrets and card numbers, taken out of a text before it is written.

Rather too much than too little: a number that only looks like a card's is cut as well, and keeps its last four digits.
"""

import functools
import json
import os
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
# A value shorter than this stands in too many words to be taken out of all of them.
SHORTEST_SECRET = 4
# Of what has several lines (a key), each line of this length is a secret by itself.
SHORTEST_LINE = 12

# Parts of a variable's name that say what it holds. `PWD` alone is a shell's folder.
_SECRET_NAME = re.compile(
    r"PASSW(?:OR)?D|PASSPHRASE|(?:^|_)PASS(?:$|_)|PASSCODE|SECRET|TOKEN|CREDENTIAL|(?:^|_)PWD$|KEY(?:$|_)|(?:^|_)PAT$"
    r"|AUTH(?:$|_)|DSN|WEBHOOK|COOKIE|(?:^|_)PIN$",
    re.IGNORECASE,
)
_NO_SECRET_NAMES = ("PWD", "OLDPWD", "SSH_AUTH_SOCK")
# What such a variable may say that is no secret: where one lies, and whether something is on.
_NO_SECRET_NAME_ENDS = ("_PATH", "_FILE", "_DIR", "_SOCK")
_NO_SECRETS = frozenset({"true", "false", "none", "null", "auto", "yes", "no"})

# Field names that say that their value is a secret.
_SECRET_FIELD = re.compile(
    r"passw(?:or)?d|passphrase|passcode|secret|(?:^|[_.-])token$|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|authorization|cookie|credential|(?:^|[_.-])(?:pwd|dsn|pan|cvv|cvc)$|card[_-]?number",
    re.IGNORECASE,
)

# Expressions look for what stays the same in what they seek, and not for what may stand before it: else a long text in
# which it never comes (digits, dashes) would be gone through anew from each of its letters.
_NAMED = (
    r"(?:passw(?:or)?d|passphrase|passcode|secret|api[_-]?key|access[_-]?key(?:[_-]?id)?|private[_-]?key"
    r"|token|credentials?|(?<![A-Za-z])(?:pwd|pass|sig|signature))"
)
# `name = value`, `"name": "value"`, `?name=value`; a quoted value ends at its quote.
_ASSIGNED = re.compile(
    rf"({_NAMED}\\?[\"']?\s*(?:=>|[:=])\s*)(\\?\"(?:[^\"\\]|\\.)*\"?|\\?'(?:[^'\\]|\\.)*'?|[^\s,;&\"'<>)}}\]]+)",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"((?:proxy-)?authorization\\?[\"']?\s*[:=]\s*(?:b(?=\\?[\"']))?\\?[\"']?)(?:(?:basic|bearer|digest|negotiate|token)\s+)?[^\s\"',}]+",
    re.IGNORECASE,
)
_COOKIE = re.compile(r"((?:set-)?cookie\\?[\"']?\s*[:=]\s*(?:b(?=\\?[\"']))?\\?[\"']?)[^\r\n\"'}]+", re.IGNORECASE)
_BEARER = re.compile(r"\b((?i:bearer|basic))(\s+)(?=[A-Za-z0-9._~+/-]*[0-9A-Z=])[A-Za-z0-9._~+/-]{8,}=*")
# The user's part of an address, and passwords in it that hold a slash or an at sign of their own.
_USERINFO = re.compile(r"(?<=[a-z0-9+.-])(://)(?:[^\s/:@\"'<>]*:[^\s\"'<>]*@|[^\s/?#\"'<>]*@)", re.IGNORECASE)
# What an address with such a part stands in, up to its last at sign.
_WITH_USERINFO = re.compile(r"(?<![^\s\"'<>])[^\s\"'<>]*@")
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
# What providers hand out, told by its shape alone.
_PROVIDERS = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bxox[a-z]-[A-Za-z0-9-]{10,}|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|(?<=hooks\.slack\.com/)(?:services|workflows)/[^\s\"'<>]+"
)
# A signed token of three parts (JWT); what stands before it in its first part stays.
_SIGNED = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]++\.[A-Za-z0-9_-]{8,}+\.)([A-Za-z0-9_-]*?)"
    r"\beyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*"
)

# Digits with what people put between them. Any digit of Unicode is one, and what has no width parts nothing.
_BETWEEN = r"[ \t\u00a0\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff\u00ad.\u00b7\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]"
_DIGITS = re.compile(rf"\d+(?:{_BETWEEN}{{1,3}}\d+)*")
_GROUP = re.compile(r"\d+")
# A checksum, a batch or artifact's id, a UUID: their digits are nobody's card.
_CHECKSUM = re.compile(
    r"(?<![0-9A-Za-z])(?:(?=[0-9]*[a-f])[0-9a-f]{32,128}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"(?![0-9A-Za-z])"
)
# A time down to the minute or less, as files are named by it. No card's number begins like a year of ours.
_TIME = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{3}|\d{5,6})?)?"
)
PAN_SHORTEST, PAN_LONGEST, PAN_KEPT = 13, 19, 4
# What a digit counts as when it is doubled.
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# Secrets that somebody has named, beside those of the environment.
_remembered: set[str] = set()


def remember_secret(*values: str | None) -> None:
    """Take these values for secrets from now on in this process: what a configuration refers to as one."""
    _remembered.update(value for value in values if value)


def redacted(text: Any) -> str:
    """A text without secrets and card numbers; anything else becomes a text first.

    Taken out are: values of environment variables that are named like secrets, and those of `remember_secret`; who
    stands in an address before its host; authorization headers, cookies and what is assigned to a name like `password`;
    private keys; and numbers of 13 to 19 digits, in groups or not, that pass the check of card numbers, but for their
    last four digits.
    """
    said = text if isinstance(text, str) else _as_text(text)
    return _cleaned(said, secrets_now()) if len(said) >= SHORTEST_SECRET else said


# The same places stand in line after line.
@functools.lru_cache(maxsize=512)
def _cleaned(said: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        said = said.replace(secret, MASK)
    said = _KEY_BLOCK.sub(MASK, said)
    said = _HEADER.sub(rf"\g<1>{MASK}", said)
    said = _COOKIE.sub(rf"\g<1>{MASK}", said)
    said = _BEARER.sub(rf"\g<1>\g<2>{MASK}", said)
    said = _WITH_USERINFO.sub(lambda found: _USERINFO.sub(rf"\g<1>{MASK}@", found[0]), said)
    said = _ASSIGNED.sub(_without_value, said)
    said = _PROVIDERS.sub(MASK, said)
    said = _SIGNED.sub(rf"\g<1>{MASK}", said)
    return _without_cards(said)


def redacted_value(value: Any, name: str = "") -> Any:
    """A value as JSON can hold it, texts without secrets and card numbers however deep they lie. `name`: of the field
    that holds it, which may say that it is a secret."""
    if value is None or isinstance(value, bool):
        return value
    if name and _SECRET_FIELD.search(name):
        return MASK
    if isinstance(value, int | float):
        said = repr(value)
        clean = redacted(said) if len(said) >= PAN_SHORTEST else said
        return value if clean == said and value == value and abs(value) != float("inf") else clean
    if isinstance(value, Mapping):
        return {redacted(str(key)): redacted_value(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted_value(one) for one in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return redacted(value)


def _as_text(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", errors="backslashreplace")
    if isinstance(value, Path):
        return str(value)
    try:
        return str(value)
    except Exception:
        # Whatever cannot even say what it is must not keep a log line from being written.
        return f"<{type(value).__name__}>"


def secrets_now() -> tuple[str, ...]:
    """What is secret now, in every spelling that a message may have it in; the longest first, so that none is left in
    part."""
    return _spellings((*sorted(_remembered), *_secrets_of_environment()))


@functools.lru_cache(maxsize=8)
def _spellings(values: tuple[str, ...]) -> tuple[str, ...]:
    found: set[str] = set()
    for value in values:
        # The lines around a key are no secret: by them another key is known.
        lines = (line for line in value.splitlines() if not line.lstrip().startswith("-----"))
        parts = [value, *(line for line in lines if len(line) >= SHORTEST_LINE)]
        for part in parts:
            stripped = part.strip()
            if len(stripped) >= SHORTEST_SECRET and stripped.lower() not in _NO_SECRETS:
                found.update((stripped, quote(stripped, safe=""), quote_plus(stripped), repr(stripped)[1:-1]))
                found.update(json.dumps(stripped, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    return tuple(sorted(found, key=lambda secret: (-len(secret), secret)))


def _secrets_of_environment() -> tuple[str, ...]:
    # As the system has it: to be asked for every text of every line, Python's own view of it is too slow. A copy, as
    # other threads may set a variable meanwhile.
    held = getattr(os.environ, "_data", None)
    return _secrets_among(tuple((os.environ if held is None else held).copy().items()))


@functools.lru_cache(maxsize=8)
def _secrets_among(environment: tuple[tuple[str | bytes, str | bytes], ...]) -> tuple[str, ...]:
    decoded = ((os.fsdecode(name), os.fsdecode(value)) for name, value in environment)
    return tuple(value for name, value in decoded if _is_secret_name(name))


@functools.lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    if name in _NO_SECRET_NAMES or name.upper().endswith(_NO_SECRET_NAME_ENDS):
        return False
    return _SECRET_NAME.search(name) is not None


def _without_value(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    opening = re.match(r"\\?[\"']", value)
    mark = opening[0] if opening else ""
    return f"{name}{mark}{MASK}{mark if len(value) > len(mark) and value.endswith(mark[-1:] or ' ') else ''}"


def _without_cards(text: str) -> str:
    if len(text) < PAN_SHORTEST:
        return text
    letters: list[str] | None = None
    for found in _DIGITS.finditer(_CHECKSUM.sub(lambda found: "x" * len(found[0]), text)):
        if found.end() - found.start() < PAN_SHORTEST:
            continue
        for place in _card_digits(found[0]):
            letters = letters if letters is not None else list(text)
            letters[found.start() + place] = "*"
    return text if letters is None else "".join(letters)


def _card_digits(run: str) -> set[int]:
    """Where in a run of grouped digits those of card numbers stand that must not be seen.

    A card number is made of whole groups: a row number before it or an amount after it does not hide it, and a part of
    a longer number is none.
    """
    places: list[int] = []
    starts = []
    for found in _GROUP.finditer(run):
        starts.append(len(places))
        places += range(*found.span())
    digits = "".join(str(unicodedata.digit(run[place])) for place in places)
    sums = _luhn_sums(digits)
    ends = [*starts[1:], len(places)]
    hidden: set[int] = set()
    for number, first in enumerate(starts):
        for end in ends[number : number + PAN_LONGEST]:
            if end - first > PAN_LONGEST:
                break
            is_long = end - first >= PAN_SHORTEST
            if is_long and _holds(sums, first, end) and not _TIME.fullmatch(digits, first, end):
                hidden.update(places[first : end - PAN_KEPT])
    return hidden


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the one that the others ask for (ISO/IEC 7812)."""
    return _holds(_luhn_sums(digits), 0, len(digits))


def _luhn_sums(digits: str) -> tuple[list[int], list[int]]:
    """Sums of the first so many digits: where those at even places count as they are and the others doubled, and the
    other way around. The sum of any part is the difference of two, so that a long text is added up once."""
    sums: tuple[list[int], list[int]] = ([0], [0])
    for place, letter in enumerate(digits):
        value = int(letter)
        sums[place % 2].append(sums[place % 2][-1] + value)
        sums[1 - place % 2].append(sums[1 - place % 2][-1] + _DOUBLED[value])
    return sums


def _holds(sums: tuple[list[int], list[int]], first: int, end: int) -> bool:
    """Whether the digits from one place to before another pass the check: their last one counts as it is."""
    of_last = sums[(end - 1) % 2]
    return (of_last[end] - of_last[first]) % 10 == 0
