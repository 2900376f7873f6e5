"""Which deliveries are late. Asked often, so that a project in which nobody waits for any is found out cheaply."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.data_dir import DataDir

if TYPE_CHECKING:
    from orchestration.landing.expected import LateFeed


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
