"""Two files as people have them: one German, with semicolons, decimal commas and a doubled line, one plain."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

LEFT = """\
Order ID ;Kunde;TOTAL;Status;Created-At
0001;a;1.234,50;Paid;2026-03-01 10:00:00
0002;b;10,00;paid;2026-03-01 11:00:00
0003;c;10,00; PAID;2026-03-01 11:00:00
0004;d;5,55;open;2026-03-01 11:00:00
0005;e;7,00;open;2026-03-01 11:00:00
0006;f;abc;open;2026-03-01 11:00:00
0007;g;8,00;open;2026-03-01 11:00:00
0007;g;8,00;open;2026-03-01 11:00:00
0008;h;8,00;open;2026-03-01 11:00:00
0008;h;9,00;open;2026-03-01 11:00:00
0009;i;-3,20;;2026-03-01 11:00:00
12;j;1,00;unknown;2026-03-01 11:00:00
13;k;1,00;open;01.03.26
"""
RIGHT = """\
order_id,total,status,created_at
0001,1234.50,PAID,2026-03-01T10:15:00Z
0002,10.05,paid,2026-03-01T11:00:00Z
0003,10.06,paid,2026-03-01T11:00:00Z
0004,5.55,closed,2026-03-01T11:15:01Z
0006,5.00,open,2026-03-01T11:00:00Z
0007,8,open,2026-03-01T11:00:00Z
0008,8,open,2026-03-01T11:00:00Z
0009,-3.20,,2026-03-01T12:00:00+01:00
012,1.00,unknown,2026-03-01T11:00:00Z
12,1.00,Unknown,2026-03-01T11:00:00Z
13,1.00,open,2026-03-01T11:00:00Z
"""
OPTIONS = ("--currency", "EUR", "--price-abs", "0.05", "--left-name", "shop", "--right-name", "bank")

# result, anomalies, ids and amounts of both sides, and by how much the times differ
VERDICTS = [
    ("AMBIGUOUS", "CONFLICT_SHOP", "0008", None, 800, None, None),
    ("AMBIGUOUS", "CONFLICT_SHOP", "0008", None, 900, None, None),
    ("AMBIGUOUS", "CONFLICT_SHOP", None, "0008", None, 800, None),
    ("DUPLICATE", "DUPLICATE_SHOP", "0007", None, 800, None, None),
    ("MATCHED", "", "0001", "0001", 123450, 123450, 900_000_000),
    ("MATCHED", "", "0002", "0002", 1000, 1005, 0),
    ("MATCHED", "", "0007", "0007", 800, 800, 0),
    ("MATCHED", "", "12", "12", 100, 100, 0),
    ("MISMATCHED", "PRICE_MISMATCH", "0003", "0003", 1000, 1006, 0),
    ("MISMATCHED", "STATUS_MISMATCH,TIMESTAMP_SKEW", "0004", "0004", 555, 555, 901_000_000),
    ("MATCHED", "", "0009", "0009", -320, -320, 0),
    ("MISSING_SOURCE", "MISSING_SHOP", None, "012", None, 100, None),
    ("MISSING_SOURCE", "REJECTED_SHOP", None, "0006", None, 500, None),
    ("MISSING_SOURCE", "REJECTED_SHOP", None, "13", None, 100, None),
    ("MISSING_TARGET", "MISSING_BANK", "0005", None, 700, None, None),
]
VERDICTS_QUERY = (
    "select result, anomalies, source_activity_id, target_activity_id, source_amount_minor, target_amount_minor,"
    " skew_microseconds from {file}"
)
COUNTS: Mapping[str, Any] = {
    "matched": 5,
    "mismatched": 2,
    "missing_source": 3,
    "missing_target": 1,
    "pending": 0,
    "ambiguous": 3,
    "duplicate": 1,
    "excluded": 0,
}


def write(folder: Path) -> tuple[Path, Path]:
    """Put both files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    left, right = folder / "shop.csv", folder / "bank.csv"
    left.write_text(LEFT, encoding="utf-8")
    right.write_text(RIGHT, encoding="utf-8")
    return left, right
