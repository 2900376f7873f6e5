"""Connectors that cannot be worked with, whoever found out: a run, a landing alone, or a sensor that only looked. What
each says of itself stands in its book.

People are told of each thing that is wrong once, and again when the connector works, or nothing is left behind any
more.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration import clock
from orchestration.alerts import texts
from orchestration.alerts.journal import Alert, Journal, Raised, key_of
from orchestration.alerts.settings import CONNECTOR_FAILED, Settings
from orchestration.runs import RunRecord

# What a connector can have trouble with: itself, or some of what it is to bring.
WHOLE, PARTS = "whole", "parts"
_LAPSE = re.compile(r"Connector ([\w-]+): (.+)", re.DOTALL)


@dataclass(frozen=True)
class Standing:
    """How a connector stands, as it was last seen at a time: what is wrong with it as a whole, or with parts."""

    name: str
    at: datetime
    wrong: dict[str, list[str]]


def lapses_of(record: RunRecord, lapses: Sequence[str]) -> tuple[list[Standing], list[str]]:
    """What a run had to go on without: of connectors, and all else."""
    at = clock.from_text(record.ended_at or record.started_at)
    found: dict[str, Standing] = {}
    others = []
    for lapse in lapses:
        said = _LAPSE.fullmatch(lapse)
        if said is None:
            others.append(lapse)
            continue
        name, text = said[1], said[2]
        of_all = (record.connectors.get(name) or {}).get("error") == text
        standing = found.setdefault(name, Standing(name, at, {WHOLE: [], PARTS: []}))
        standing.wrong[WHOLE if of_all else PARTS].append(text)
    return list(found.values()), others


def standings(data: Path, project: Path) -> Iterator[Standing]:
    """How the declared connectors stand by their books; none of one that was never asked."""
    from orchestration.landing.connectors.declaration import FOLDER
    from orchestration.landing.connectors.ledger import read_ledger, with_ledgers

    for name in with_ledgers(data):
        if not (project / FOLDER / f"{name}.yml").is_file():
            continue
        with read_ledger(data, name) as book:
            look: dict[str, Any] = book.about("look") or {}
            fetched = {
                "at": book.about("fetched_at"),
                "error": book.about("error"),
                "problems": book.about("problems") or [],
            }
            untold = book.about("untold") or []
        looked = {"at": look.get("looked_at"), "error": look.get("error"), "problems": look.get("problems") or []}
        last = max((one for one in (fetched, looked) if one["at"]), key=lambda one: one["at"], default=None)
        if last is not None:
            wrong = {WHOLE: [last["error"]] if last["error"] else [], PARTS: [*last["problems"], *untold]}
            yield Standing(name, clock.from_text(last["at"]), wrong)


def troubles(
    journal: Journal, said: Settings, standing: Standing, now: datetime, record: RunRecord | None = None
) -> list[Alert]:
    """What is wrong with a connector and nobody was told of since it last worked."""
    known = _open(journal)
    found = []
    for part, wrong in standing.wrong.items():
        place = f"{standing.name}/{part}"
        told = {mark for raised in known.get(place, []) for mark in _marks(raised)}
        fresh = {_mark(text): text for text in wrong if _mark(text) not in told}
        if not fresh:
            continue
        found.append(
            Alert(
                key=key_of(CONNECTOR_FAILED, place, *fresh, clock.to_text(now)),
                kind=CONNECTOR_FAILED,
                severity=said.severities[CONNECTOR_FAILED],
                message=texts.connector_failed(
                    standing.name, list(fresh.values()), part == WHOLE, standing.at, record, said.dagster_url
                ),
                run_id=record.run_id if record else None,
                streams=(record.scope,) if record and record.scope else (),
                subject=f"{place} {','.join(fresh)}",
            )
        )
    return found


def recovered(journal: Journal, standing: Standing, now: datetime) -> list[Alert]:
    """That what was told of a connector is over: it was asked since, and nothing is wrong."""
    found = []
    for part, wrong in standing.wrong.items():
        place = f"{standing.name}/{part}"
        known = _open(journal).get(place, [])
        if wrong or not known or standing.at <= max(raised.at for raised in known):
            continue
        found.append(
            Alert(
                key=key_of("works again", *(raised.alert.key for raised in known)),
                kind=CONNECTOR_FAILED,
                severity=known[-1].alert.severity,
                message=texts.connector_works(standing.name, part == WHOLE, known[0].at, standing.at),
                streams=known[-1].alert.streams,
                subject=place,
                is_over=True,
            )
        )
    return found


def open_keys(journal: Journal) -> set[str]:
    """The keys of alerts that are not over yet."""
    return {raised.alert.key for found in _open(journal).values() for raised in found}


def _open(journal: Journal) -> dict[str, list[Raised]]:
    """By connector and part what was told of it since it last worked."""
    found: dict[str, list[Raised]] = {}
    for raised in journal.raised.values():
        alert = raised.alert
        if alert.kind != CONNECTOR_FAILED or not alert.subject:
            continue
        place = alert.subject.partition(" ")[0]
        if alert.is_over:
            found.pop(place, None)
        else:
            found.setdefault(place, []).append(raised)
    return found


def _marks(raised: Raised) -> list[str]:
    return (raised.alert.subject or "").partition(" ")[2].split(",")


def _mark(text: str) -> str:
    """By what a text is known; numbers in it, such as those of attempts or bytes, make no other one of it."""
    return hashlib.sha256(re.sub(r"\d+", "#", text).encode()).hexdigest()[:12]
