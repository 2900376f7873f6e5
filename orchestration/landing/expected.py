"""When deliveries of a feed are expected, and which of them have not come."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from orchestration.durations import ALLOWED, parse_duration
from orchestration.landing.manifest import read_manifests

if TYPE_CHECKING:
    from orchestration.landing.feeds import Feed

EXPECTED_KEYS = ("cron", "time_zone", "grace", "early")

Fault = Callable[[str, str, Any], None]


@dataclass(frozen=True)
class Expected:
    """A delivery is due whenever `cron` (five fields, in `time_zone`) says so, and late once `grace` has passed. One
    that came up to `early` before that counts for it; None: any since the delivery before was due."""

    cron: str
    time_zone: str = "UTC"
    grace: timedelta = timedelta(0)
    early: timedelta | None = None

    def due(self, now: datetime) -> tuple[datetime, datetime]:
        """The latest moment (UTC) at which a delivery was due and its grace had passed by `now`, and the moment from
        which on one counts for it."""
        from cronsim import CronSim

        # Looking back leaves out the moment that it starts from; a delivery that is due just now is due.
        start = (now - self.grace).replace(second=0, microsecond=0) + timedelta(minutes=1)
        latest = next(CronSim(self.cron, start.astimezone(ZoneInfo(self.time_zone)), reverse=True))
        before = next(CronSim(self.cron, latest, reverse=True))
        opens = before + timedelta(microseconds=1) if self.early is None else latest - self.early
        return latest.astimezone(UTC), opens.astimezone(UTC)


@dataclass(frozen=True)
class LateFeed:
    """A delivery of an org's feed that has not come; times are UTC."""

    org_id: str
    feed: str
    due_at: datetime
    last_received_at: datetime | None
    late_seconds: int


def read_expected(where: str, given: Any, fault: Fault) -> Expected | None:
    """`expected` of a declaration as a value; every fault is told."""
    if given is None:
        return None
    if not isinstance(given, dict):
        fault(where, f"a mapping with the keys {', '.join(EXPECTED_KEYS)}", given)
        return None
    for key in given:
        if key not in EXPECTED_KEYS:
            fault(where, f"one of the keys {', '.join(EXPECTED_KEYS)}", key)
    cron, zone = given.get("cron"), given.get("time_zone", "UTC")
    fine = is_cron(cron)
    if not fine:
        fault(f"{where}.cron", 'a cron expression of five fields that Dagster takes, such as "0 6 * * *"', cron)
    try:
        ZoneInfo(str(zone))
    except (KeyError, ValueError, OSError):
        fault(f"{where}.time_zone", "a time zone of the IANA list, such as Europe/Berlin", zone)
        fine = False
    lengths: dict[str, timedelta] = {}
    for key in ("grace", "early"):
        if key in given:
            try:
                lengths[key] = parse_duration(given[key])
            except ValueError:
                fault(f"{where}.{key}", ALLOWED, given[key])
    return Expected(str(cron), str(zone), **lengths) if fine else None


# Of what is taken here, all that Dagster does not take: the last working day of a month, its last Friday, its second
# Monday among other days or together with a day of the month.
_NOT_DAGSTERS = re.compile(r"LW|L\S*$|,\S*#|#\S*,|^\S+\s+\S+\s+(?!\*\s)\S+\s+\S+\s+\S*#", re.IGNORECASE)


def is_cron(text: Any) -> bool:
    """Whether a text is a cron expression of five fields, one that ever comes, and one that Dagster takes as well."""
    from cronsim import CronSim, CronSimError

    if not isinstance(text, str) or len(text.split()) != 5 or _NOT_DAGSTERS.search(text.strip()):
        return False
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return True


def late_feeds(data_dir: Path | str, feeds: Mapping[str, "Feed"], now: datetime) -> list[LateFeed]:
    """The deliveries that are late at `now`, sorted by org and feed. A feed is expected of every org that has delivered
    it before or whose override says when. What is received counts by its `as_of` (law 6)."""
    return late_among(_receipts(data_dir), feeds, now)


def late_among(
    receipts: Mapping[tuple[str, str], Iterable[datetime]], feeds: Mapping[str, "Feed"], now: datetime
) -> list[LateFeed]:
    """As `late_feeds`, of what was received when: (org, `system/feed`) to times."""
    # What came later is not known yet: at a replayed `now` the same is late as was then.
    received = {key: known for key, moments in receipts.items() if (known := [m for m in moments if m <= now])}
    orgs = {(org, feed) for org, feed in received if feed in feeds}
    orgs |= {
        (override.org_id, name) for name, feed in feeds.items() for override in feed.overrides if override.expected
    }
    found = []
    for org, name in sorted(orgs):
        expected = feeds[name].expected_of(org)
        if expected is None:
            continue
        known = received.get((org, name), [])
        due, opens = expected.due(now)
        if not any(moment >= opens for moment in known):
            late = int((now - due).total_seconds())
            found.append(LateFeed(org, name, due, max(known, default=None), late))
    return found


def _receipts(data_dir: Path | str) -> dict[tuple[str, str], list[datetime]]:
    found: dict[tuple[str, str], list[datetime]] = {}
    for manifest in read_manifests(data_dir):
        key = (manifest["org_id"], f"{manifest['system']}/{manifest['feed']}")
        found.setdefault(key, []).append(datetime.fromisoformat(manifest["received_at"]))
    return found
