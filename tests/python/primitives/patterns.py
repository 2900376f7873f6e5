"""Patterns that are data: what finds references in banks' texts, with the rules as they are shipped."""

import csv
import re
from pathlib import Path

from tests.python.primitives.engine import Row, Table

SEED = Path(__file__).resolve().parents[3] / "seeds" / "bank_references.csv"
WORDS = (
    "TX90011223344XT BATCH 57 HARBOURPINE EU",
    "ADYEN N V TX 90011223344 XT BATCH 57",
    "TX90011223344XTBATCH57HARBOURPINEEU",
    "TX90011223344XTBATCH57",
    "TX90011223344XT BATCH 5",
    "TX90011223344XT BAT",
    "TX90011223344XT",
    "TX123XT BATCH 5",
    "STRIPE TRANSFER ST K4J7",
    "STRIPE TRANSFER ST K4J7 AND MORE",
    "STRIPETRANSFERSTK4J7",
    "ORIG CO NAME SHOPIFY ORIG ID 1800948598 DESC DATE 260311 CO ENTRY DESCR TRANSFER SEC CCD IND ID ST P9Q2W1",
    "STRIPE ST",
    "PAYPAL TRANSFER 1040000000123",
    "PAYPALTRANSFER1040000000123",
    "PAYPAL TRANSFER 104000000012345678901",
    "PAYPAL",
    "PAYPALS",
    "AMAZON EDI PYMNTS 26100000001",
    "AMAZON MARKETPLACE",
    "AMAZON",
    "SQUARE INC 260311P2",
    "TIMES SQUARE RENT",
    "PINSTRIPE LTD",
    "",
    "É",
    " ST ABCD ",
    "TX90011223344XT BATCH 57\n",
)
LOOSE = ("a", "b!c", "--", "A-B_C", "ä", "\t\n", "x" * 3000, "'", "\\1", "tx900 é xt", " 1,2 ")


def extracted() -> Table:
    """Every shipped rule against every text."""
    with SEED.open(encoding="utf-8", newline="") as file:
        rules = [(row["pattern"], row["reference"]) for row in csv.DictReader(file)]
    rules += [("^[0-9]+$", "<\\0>".replace("\\0", "x")), ("(A)(B)?", "\\1-\\2"), ("[^A-Z]", "")]
    cases: list[tuple[Row, Row]] = []
    for pattern, replacement in rules:
        # Python's `$` is also before a line feed at the end.
        strict = re.sub(r"\$", r"\\Z", pattern)
        for text in WORDS:
            found = re.search(strict, text)
            cases.append(((text, pattern, replacement), (re.sub(strict, replacement, found[0]) if found else None,)))
        cases.append(((None, pattern, replacement), (None,)))
    columns = {"given": "{{ type_text() }}", "pattern": "{{ type_text() }}", "replacement": "{{ type_text() }}"}
    return Table("extract_pattern", columns, ["{{ extract_pattern('given', 'pattern', 'replacement') }}"], cases)


def replaced_everywhere() -> Table:
    """One set of characters, however often it stands."""
    return Table(
        "replace_every",
        {"given": "{{ type_text() }}"},
        ["{{ replace_every('given', '[^A-Z0-9]+', ' ') }}", "{{ replace_every('given', '[0-9]', '') }}"],
        [
            ((text,), (None, None) if text is None else (re.sub("[^A-Z0-9]+", " ", text), re.sub("[0-9]", "", text)))
            for text in (None, *WORDS, *LOOSE)
        ],
    )


def words() -> Table:
    """A text as references are searched in it."""

    def plain(text: str) -> str:
        upper = "".join(c.upper() if "a" <= c <= "z" else c for c in text)
        return re.sub("[^A-Z0-9]+", " ", upper).strip(" ")

    return Table(
        "reference_words",
        {"given": "{{ type_text() }}"},
        ["{{ reference_words('given') }}"],
        [((text,), (None if text is None else plain(text),)) for text in (None, *WORDS, *LOOSE)],
    )


PATTERN_TABLES = (extracted(), replaced_everywhere(), words())
