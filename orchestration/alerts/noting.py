"""Deliveries in the audit: what the spool says of them, taken into the table `alert_deliveries` whenever nobody else
holds the warehouse. The spool stays what deduplication goes by; a row of the audit is there once, whatever happens."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import duckdb

from orchestration.alerts.journal import FOLDER, Alert, Attempt, Journal, spool
from orchestration.audit.ledger import Ledger, open_ledger
from orchestration.audit.tables import ALERT_DELIVERIES
from orchestration.data_dir import ALERTS, DataDir, write_json
from orchestration.environment import Place
from orchestration.errors import TieoutError

AT_ONCE = 500


def take_in(ledger: Ledger, data: DataDir, target: str, journal: Journal | None = None) -> int:
    """Add to the audit what the spool says of deliveries and the audit does not know yet; returns how many rows. Call
    it while holding the data folder's lock."""
    if journal is None:
        if not spool(data, target).is_file():
            return 0
        try:
            journal = Journal.of(data, target)
        except TieoutError:
            # A run does not fail over it: who sends the next alert says so.
            return 0
    after = noted(data, target)
    found = journal.deliveries(after)
    added = 0
    for first in range(0, len(found), AT_ONCE):
        rows = [_row(attempt, alert) for attempt, alert in found[first : first + AT_ONCE]]
        known = _known(ledger, [row["delivery_id"] for row in rows])
        fresh = [row for row in rows if row["delivery_id"] not in known]
        if fresh:
            ledger.append({ALERT_DELIVERIES: fresh})
        added += len(fresh)
    if found:
        write_json(_file(data, target), {"number": max(attempt.number for attempt, _ in found)})
    return added


def take_in_now(data: DataDir, target: str, journal: Journal) -> int:
    """Take the spool's deliveries in if nobody works in the data folder, else leave it to whoever comes next. Returns
    up to which number they are in."""
    place = Place(data, target, replay=False)
    before = noted(data, target)
    if not journal.deliveries(before) or (target == "duckdb" and not data.warehouse.is_file()):
        return before
    try:
        with data.lock(ALERTS), open_ledger(place, write=True) as ledger:
            take_in(ledger, data, target, journal)
    except (TieoutError, duckdb.Error, OSError):
        return before
    except Exception as error:
        # Postgres's own; its driver is loaded only where it is the target.
        if type(error).__module__.partition(".")[0] != "psycopg2":
            raise
        return before
    return noted(data, target)


def noted(data: DataDir, target: str) -> int:
    """Up to which number the spool's deliveries stand in the audit. Where the note cannot be read, all are looked at
    anew: a row that is there already is not added again."""
    try:
        return int(json.loads(_file(data, target).read_text(encoding="utf-8"))["number"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return 0


def _file(data: DataDir, target: str) -> Any:
    return data.root / FOLDER / f"{target}.noted.json"


def _known(ledger: Ledger, ids: Sequence[str]) -> set[str]:
    marks = ", ".join("?" * len(ids))
    rows = ledger.rows(
        f"select delivery_id from {{schema}}.{ALERT_DELIVERIES.name} where delivery_id in ({marks})", list(ids)
    )
    return {delivery for (delivery,) in rows}


def _row(attempt: Attempt, alert: Alert) -> dict[str, Any]:
    told = (
        f"{attempt.number}:{attempt.key}:{attempt.channel}:{attempt.state}:{attempt.attempt}:{attempt.at.isoformat()}"
    )
    return {
        "delivery_id": hashlib.sha256(told.encode()).hexdigest()[:32],
        "alert_key": attempt.key,
        "kind": alert.kind,
        "org_id": alert.org_id,
        "stream": ", ".join(alert.streams) or None,
        "severity": alert.severity,
        "counterparty_id": alert.counterparty_id,
        "channel": attempt.channel,
        "state": attempt.state,
        "attempt": attempt.attempt,
        "error": attempt.error,
        "message_sha256": attempt.digest,
        "run_id": alert.run_id,
        "attempted_at": attempt.at.replace(tzinfo=None),
    }
