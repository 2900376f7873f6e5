"""What a run knows of its own health and no table of the warehouse holds: told to `marts.health_metrics` by the
environment, as the run's clock is."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from orchestration.data_dir import DataDir
from orchestration.health import verified

if TYPE_CHECKING:
    from orchestration.landing.expected import LateFeed

VARIABLE = "DBT_ENV_CUSTOM_ENV_TIEOUT_HEALTH"
# The most orgs that are named: a variable of the environment has a limit.
MOST_ORGS = 1_000


def variables(data: DataDir, target: str, as_of: datetime, late: Iterable["LateFeed"]) -> dict[str, str]:
    """The variable for dbt, as of the run's clock; `late` are the feeds that are late then."""
    facts: dict[str, object] = {"late_feeds": late_by_org(late)}
    found = verified.last(data, target)
    if found is not None and found.at <= as_of:
        facts["verified"] = {
            "artifacts": found.files,
            "artifact_faults": found.broken_files,
            "artifact_verification_age": int((as_of - found.at).total_seconds()),
        }
    return {VARIABLE: json.dumps(facts)}


def late_by_org(late: Iterable["LateFeed"]) -> dict[str, tuple[int, int]]:
    """By org how many of its feeds are late, and by how many seconds the latest is; the latest orgs where they are too
    many to name."""
    found: dict[str, tuple[int, int]] = {}
    for one in late:
        count, seconds = found.get(one.org_id, (0, 0))
        found[one.org_id] = (count + 1, max(seconds, one.late_seconds))
    worst = sorted(found.items(), key=lambda item: (-item[1][1], item[0]))[:MOST_ORGS]
    return dict(sorted(worst))
