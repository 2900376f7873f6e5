"""What people decide about exceptions: checked against the published copy, then written as a delivery of the feed
`tieout/exception_events`, which the next run lands like any other file."""

import csv
import io
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import clock
from orchestration.data_dir import DataDir
from orchestration.errors import UsageError
from orchestration.publish import DUCKDB_FILE, current

FEED = ("tieout", "exception_events")
COLUMNS = (
    *("event_id", "exception_id", "action", "actor", "decided_at", "reason", "assignee", "amount_minor", "ladder"),
    *("source_system", "source_activity_id", "target_system", "target_activity_id"),
)

# What models/reconciliations/exceptions/exception_timeline.sql lets through, so that a decision that would be refused
# is not written at all. The model has the last word: much may happen until the next run.
WORKABLE = ("OPEN", "ASSIGNED", "REOPENED")
ALLOWED_IN = {
    "ASSIGN": WORKABLE,
    "EXPLAIN": WORKABLE,
    "ADJUST": WORKABLE,
    "WRITE_OFF": WORKABLE,
    "APPROVE": ("PENDING_APPROVAL",),
    "REJECT": ("PENDING_APPROVAL",),
    "REOPEN": ("RESOLVED",),
}
# Results that are not about how a record is matched: a pin would take the wrong thing.
NOT_PINNED = {
    "DUPLICATE": "about a surplus copy, and its record is reconciled as it is",
    "FINDING": "about what a record says, and not about its counterpart",
}
MOST_LETTERS = 10_000
MOST_LETTERS_OF_A_NAME = 200
SHORTEST_ID = 6


@dataclass(frozen=True)
class Decision:
    """One decision, as asked for."""

    action: str
    actor: str
    reason: str
    assignee: str | None = None
    amount_minor: int | None = None
    # Of a match by hand: the record of the other side.
    with_activity_id: str | None = None


def published(data_dir: Path) -> Path:
    """The DuckDB file of the published copy.

    Raises:
        UsageError: nothing has been published in this data folder yet.
    """
    version = current(DataDir.at(data_dir))
    if version is None:
        raise UsageError(f"Nothing is published in {data_dir} yet. Type `tieout run` first.")
    return version / DUCKDB_FILE


def find(data_dir: Path, exception_id: str) -> dict[str, Any]:
    """The exception of an id, or of the beginning of one that no other has.

    Raises:
        UsageError: there is none, or there are several.
    """
    wanted = exception_id.strip().lower()
    if len(wanted) < SHORTEST_ID:
        raise UsageError(
            f"{exception_id!r} is no id of an exception: give at least its first {SHORTEST_ID} characters."
        )
    with duckdb.connect(str(published(data_dir)), read_only=True) as connection:
        cursor = connection.execute(
            "select * from marts.exceptions where starts_with(exception_id, ?) order by exception_id limit 2", [wanted]
        )
        names = [column[0] for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if not found:
        raise UsageError(f"There is no exception {exception_id}. See `tieout exceptions list`.")
    if len(found) > 1:
        raise UsageError(f"Several exceptions begin with {exception_id}: give more of the id.")
    return found[0]


def history(data_dir: Path, exception: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of an exception, oldest first. What another org has said of its id is nobody's business here."""
    with duckdb.connect(str(published(data_dir)), read_only=True) as connection:
        cursor = connection.execute(
            "select event_number, event_at, action, actor, reason, assignee, amount_minor, state, resolution, refusal"
            " from marts.exception_history where org_id = ? and exception_id = ? order by event_number",
            [exception["org_id"], exception["exception_id"]],
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def check(exception: dict[str, Any], decision: Decision) -> None:
    """Refuse what the next run would refuse.

    Raises:
        UsageError: the decision lacks something, or the exception's state does not let it through.
    """
    name = f"exception {exception['exception_id'][:12]}"
    for what, text in (("--by", decision.actor), ("--reason", decision.reason)):
        if not text.strip():
            raise UsageError(f"{what} is blank: say who decides, and why.")
    if decision.action == "ASSIGN" and not (decision.assignee or "").strip():
        raise UsageError("--to is blank: say who is to work it.")
    for what, text in (("--by", decision.actor), ("--to", decision.assignee or "")):
        if len(text.strip()) > MOST_LETTERS_OF_A_NAME:
            raise UsageError(
                f"{what} has {len(text.strip()):,} characters; at most {MOST_LETTERS_OF_A_NAME} are allowed."
            )
    if len(decision.reason) > MOST_LETTERS:
        raise UsageError(f"--reason has {len(decision.reason):,} characters; at most {MOST_LETTERS:,} are allowed.")
    allowed = ALLOWED_IN.get(decision.action)
    answers = decision.action in ("APPROVE", "REJECT")
    if allowed is not None and exception["state"] not in allowed and not (answers and exception["settled_alone_by"]):
        raise UsageError(
            f"{decision.action.lower().replace('_', '-')} is not possible while {name} is {exception['state']};"
            f" it is possible in {', '.join(allowed)}"
            + (", and of what one person has settled alone." if answers else ".")
        )
    if decision.action == "WRITE_OFF" and (decision.amount_minor or 0) < (exception["amount_minor"] or 0):
        raise UsageError(
            f"--amount-minor {decision.amount_minor or 0} is less than the {exception['amount_minor']} of {name}:"
            " what is left would be nobody's. Leave it out to give up all."
        )
    if decision.action in ("FORCE_MATCH", "EXCLUDE") and exception["result"] in NOT_PINNED:
        raise UsageError(
            f"{name} is {NOT_PINNED[exception['result']]}: a match by hand or an exclusion would take the record itself"
            " out of the reconciliation. Explain the exception, or settle it at its source."
        )
    if decision.action == "FORCE_MATCH":
        alone = (exception["source_activity_id"] is None) != (exception["target_activity_id"] is None)
        if alone and not (decision.with_activity_id or "").strip():
            raise UsageError(f"{name} is about one record: name the one that it belongs to (--with).")
        if not alone and decision.with_activity_id:
            raise UsageError(f"{name} is about two records, which are matched with each other: leave --with out.")
    proposer = (exception["proposed_by"] or exception["settled_alone_by"] or "").strip().lower()
    if decision.action == "APPROVE" and decision.actor.strip().lower() == proposer:
        raise UsageError(f"{decision.actor} decided this and cannot approve it: a second person must.")


def _pinned(exception: dict[str, Any], decision: Decision) -> list[str]:
    """Which records a match by hand or an exclusion takes: those of the exception, and the one that it was given."""
    if decision.action not in ("FORCE_MATCH", "EXCLUDE"):
        return [""] * 5
    source, target = exception["source_activity_id"], exception["target_activity_id"]
    if decision.action == "FORCE_MATCH":
        source, target = source or decision.with_activity_id, target or decision.with_activity_id
    systems = (exception["source_system"] or "", exception["target_system"] or "")
    return [exception["ladder"], systems[0], source or "", systems[1], target or ""]


def write(data_dir: Path, exception: dict[str, Any], decision: Decision, decided_at: datetime | None = None) -> Path:
    """Put a decision into the inbox, whole or not at all, and return its file.

    Raises:
        UsageError: see `check`.
    """
    check(exception, decision)
    event_id = uuid.uuid4().hex
    moment = decided_at or clock.now()
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerow(
        [
            event_id,
            exception["exception_id"],
            decision.action,
            decision.actor.strip(),
            clock.to_text(moment),
            decision.reason.strip(),
            (decision.assignee or "").strip(),
            "" if decision.amount_minor is None else decision.amount_minor,
            *_pinned(exception, decision),
        ]
    )
    folder = DataDir.at(data_dir).root / "inbox" / exception["org_id"] / FEED[0] / FEED[1]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{moment:%Y%m%dT%H%M%SZ}-{decision.action.lower()}-{event_id[:8]}.csv"
    scratch = folder / f".{file.name}.tmp"
    scratch.write_text(text.getvalue(), encoding="utf-8")
    scratch.rename(file)
    return file
