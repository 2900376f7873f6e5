"""The name that a remote delivery gets in the inbox: what its source calls it, made safe."""

import hashlib
import re

from orchestration.landing.files import split_ending

# A file system's names end at 255 bytes; landing adds marks of its own.
MOST_BYTES = 200
PGP_ENDINGS = (".pgp", ".gpg", ".asc")
# Control characters, what Windows and shells trip over, and blanks that look like none.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\\/:*?\"<>|]")


def safe_name(name: str, key: str) -> str:
    """A name that stands in one folder, is no hidden one and short enough, whatever a source calls its delivery. `key`
    tells names apart that had to be cut."""
    cleaned = _UNSAFE.sub("_", name).strip()
    cleaned = "_" + cleaned.lstrip(".") if cleaned.startswith(".") or not cleaned else cleaned
    if len(cleaned.encode("utf-8")) <= MOST_BYTES:
        return cleaned
    stem, ending = split_ending(cleaned)
    ending = ending if len(ending.encode("utf-8")) <= 20 else ""
    kept = stem.encode("utf-8")[: MOST_BYTES - 30].decode("utf-8", "ignore")
    return f"{kept}.{mark_of(key)}{ending}"


def without_pgp(name: str) -> str:
    """`orders.csv.pgp` -> `orders.csv`."""
    for ending in PGP_ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def printable(text: str) -> str:
    """A stranger's text for a terminal, a log or a page: what would do something there stands as its escape."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def mark_of(*texts: str) -> str:
    """Eight characters that tell two deliveries of one name apart."""
    return hashlib.sha256("\0".join(texts).encode("utf-8")).hexdigest()[:8]
