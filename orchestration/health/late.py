"""Which deliveries are late. Asked often, so that a project in which nobody waits for any is found out cheaply."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration import clock
from orchestration.data_dir import DataDir

if TYPE_CHECKING:
    from orchestration.landing.expected import LateFeed

# What tells the verdicts which feeds are late (macro `late_feeds`), as the run's clock is told.
VARIABLE = "DBT_ENV_CUSTOM_ENV_TIEOUT_LATE_FEEDS"
# The longest text in one variable: with one of 128 KiB Linux starts no process, and dbt starts one of its own.
LONGEST = 100_000


def late(data: DataDir, project: Path, now: datetime) -> list["LateFeed"]:
    """The deliveries that are late at `now`, sorted by org and feed.

    Raises:
        UsageError: a feed's declaration has faults.
    """
    pages = (project / "models" / "staging").glob("*/_*__sources.yml")
    # Reading all declarations costs more than all the rest that is asked of a healthy project.
    if not any("expected:" in page.read_text(encoding="utf-8", errors="replace") for page in pages):
        return []
    from orchestration.landing import load_feeds
    from orchestration.landing.expected import late_feeds

    return late_feeds(data.root, load_feeds(project), now)


def variables(found: Iterable["LateFeed"]) -> dict[str, str]:
    """The late feeds for dbt's environment; what is too long for one variable goes on in `<VARIABLE>_2` and so on. All
    of them, however many: a verdict hangs on each."""
    told = [
        {
            "org": one.org_id,
            "feed": one.feed,
            "last_received_at": clock.to_text(one.last_received_at) if one.last_received_at else None,
        }
        for one in found
    ]
    text = json.dumps(told, separators=(",", ":"))
    parts = [text[start : start + LONGEST] for start in range(0, len(text), LONGEST)]
    return {VARIABLE if number == 1 else f"{VARIABLE}_{number}": part for number, part in enumerate(parts, 1)}
