"""Memory does not grow with the file."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import PROJECT
from .test_bai2 import WHOLE as BAI2
from .test_camt053 import CLOSING, OPENING, entry, statement_of
from .test_mt940 import WHOLE as MT940
from .test_ofx import document, transaction

MEASURE = """
import resource, sys
from datetime import datetime, timezone
from pathlib import Path
from orchestration.landing import land_inbox
report = land_inbox(Path(sys.argv[1]), sys.argv[2], datetime(2026, 4, 1, tzinfo=timezone.utc))
assert report.batches == 1 and report.rejected == 0, report
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
SMALL, LARGE = 1 << 20, 12 << 20
ALLOWED = 70  # megabytes more for twelve times the file: buffers that are full only then

MAKE: dict[str, Callable[[int], str]] = {
    "mt940": lambda size: MT940 * (size // len(MT940)),
    "camt053": lambda size: statement_of(OPENING, CLOSING, entry() * (size // len(entry()))).replace("\n", ""),
    "bai2": lambda size: BAI2 * (size // len(BAI2)),
    "ofx": lambda size: document(transaction() * (size // len(transaction()))),
}


def peak(folder: Path, text: str) -> int:
    """Megabytes that landing a text takes at most, in a process of its own."""
    inbox = folder / "inbox" / "acme" / "bank" / "statement"
    inbox.mkdir(parents=True)
    (inbox / "statement").write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", MEASURE, str(folder), str(PROJECT)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("form", sorted(MAKE))
def test_memory_is_bounded(tmp_path: Path, form: str):
    small, large = (peak(tmp_path / str(size), MAKE[form](size)) for size in (SMALL, LARGE))
    assert large - small < ALLOWED, f"{form}: {small} MB for {SMALL >> 20} MB, {large} MB for {LARGE >> 20} MB"
