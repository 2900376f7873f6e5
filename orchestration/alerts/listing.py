"""What `tieout alerts` prints."""

from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration import clock
from orchestration.alerts import digests, settings
from orchestration.alerts.gathering import Look
from orchestration.alerts.journal import Attempt, Journal, Raised
from orchestration.alerts.settings import Digest
from orchestration.data_dir import DataDir

HELD, WAITING = "HELD", "WAITING"


def listed(data: DataDir, target: str, *, every_attempt: bool = False) -> list[dict[str, Any]]:
    """How each alert stands in each channel, or every attempt, the latest first."""
    journal = Journal.of(data, target)
    all_tried = journal.tried()
    rows = []
    for key, raised in journal.raised.items():
        tried = all_tried[key]
        for name in raised.channels:
            if name not in tried:
                rows.append(_row(raised, name, None))
        for found in tried.values():
            rows += [_row(raised, attempt.channel, attempt) for attempt in (found if every_attempt else found[-1:])]
    return sorted(rows, key=lambda row: (row["at"], row["number"] or 0), reverse=True)


def _row(raised: Raised, channel: str, attempt: Attempt | None) -> dict[str, Any]:
    alert = raised.alert
    return {
        "at": clock.to_text(attempt.at if attempt else raised.at),
        "number": attempt.number if attempt else None,
        "alert_key": alert.key,
        "kind": alert.kind,
        "org_id": alert.org_id,
        "stream": ", ".join(alert.streams) or None,
        "severity": alert.severity,
        "counterparty_id": alert.counterparty_id,
        "run_id": alert.run_id,
        "title": alert.message.heading,
        "channel": channel,
        "state": attempt.state if attempt else HELD if raised.held else WAITING,
        "attempt": attempt.attempt if attempt else 0,
        "error": attempt.error if attempt else None,
    }


def digests_now(data: DataDir, project: Path, target: str, now: datetime) -> list[dict[str, str]]:
    """The digests as they would go out now; one of everything where none is declared.

    Raises:
        UsageError: `alerts.yml` has faults.
    """
    said = settings.load(project)
    declared = said.digests if said and said.digests else (Digest("0 7 * * *", "UTC", ()),)
    empty = settings.Settings({}, ())
    look = Look(data, project, target, now, said or empty, Journal.of(data, target))
    messages = [digests.message(look, one, now) for one in declared]
    return [{"title": message.heading, "text": message.written("text")} for message in messages]
