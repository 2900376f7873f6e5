"""After landing: which of the files in the inbox connectors brought, what has become of them, and telling the source.

Nothing is moved or deleted at a source before landing has made a batch of the file, has known it already, or has put it
among the failed. Who asks after a crash finds the answer where landing left it: in the report it no longer has, it
stands in the manifests, the archive and the failed.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.landing.connectors.declaration import Connector, load_connectors
from orchestration.landing.connectors.kinds import kind_of
from orchestration.landing.connectors.ledger import Ledger, State, Taken, open_ledger, read_ledger, with_ledgers
from orchestration.landing.connectors.limits import Limit
from orchestration.landing.connectors.protocol import ConnectorError, LimitError, UnreachableError
from orchestration.landing.connectors.taking import PATIENCE, again, at_work, stat_of
from orchestration.landing.crash_points import crash_point
from orchestration.landing.files import split_ending
from orchestration.landing.manifest import Origin, read_manifests
from orchestration.landing.report import LandingReport

LANDED = ("landed", "redelivered", "failed")


@dataclass(frozen=True)
class Committed:
    """What one connector's source was told: how many deliveries, and what kept it from being told of the rest."""

    connector: str
    told: int = 0
    errors: tuple[str, ...] = ()

    def lapses(self) -> list[str]:
        """A line for each thing that the run goes on without."""
        return [f"Connector {self.connector}: {text}" for text in self.errors]


def arrived(data_dir: Path | str, names: Iterable[str] | None = None) -> dict[str, Origin]:
    """The files in the inbox that connectors brought (all, or some), by their paths below the inbox. A book that cannot
    be read says of no file where it is from; `commit` tells of it."""
    data = Path(data_dir).absolute()
    found = {}
    for name in with_ledgers(data) if names is None else names:
        with suppress(OSError, sqlite3.Error), read_ledger(data, name) as ledger:
            for taken in ledger.of_state(State.ARRIVED):
                if taken.in_inbox:
                    found[taken.in_inbox] = Origin(name, taken.offer.remote, taken.bytes, taken.mtime_ns)
    return found


def commit(data_dir: Path | str, project: Path | str, report: LandingReport, *, tell: bool = True) -> list[Committed]:
    """Note what landing did with the files that connectors brought, and do at their sources what is declared for
    after it. Without `tell` no source is asked or told anything; a later call does that. A source that cannot be
    reached is told in its `Committed`.

    Raises:
        UsageError: the declarations have faults.
    """
    data = Path(data_dir).absolute()
    names = with_ledgers(data)
    if not names:
        return []
    declared = load_connectors(project) if tell else {}
    outcomes = {file.file: file.outcome for file in report.files}
    return [_commit(data, name, declared.get(name), outcomes) for name in names]


def _commit(data: Path, name: str, connector: Connector | None, outcomes: Mapping[str, str]) -> Committed:
    try:
        with at_work(data, name, wait=PATIENCE.total_seconds()), open_ledger(data, name) as ledger:
            told = tuple(_note_landed(data, ledger, name, outcomes))
            waiting = []
            for taken in ledger.of_state(State.LANDED):
                if taken.offer.commits:
                    waiting.append(taken)
                else:
                    ledger.done(taken, gone=False)
            if not waiting or connector is None:
                if not waiting and ledger.about("untold"):
                    ledger.remark(untold=[])
                return Committed(name, errors=told)
            done = _tell(connector, ledger, waiting)
            # Whoever looks on hears of it (see alerts), also where no run does.
            ledger.remark(untold=list(done.errors))
            return Committed(name, done.told, (*told, *done.errors))
    except ConnectorError as error:
        return Committed(name, errors=(str(error),))
    except (OSError, sqlite3.Error) as error:
        return Committed(name, errors=(f"its book below {data.name}/connectors cannot be kept: {error}",))


def _note_landed(data: Path, ledger: Ledger, name: str, outcomes: Mapping[str, str]) -> list[str]:
    """Note what became of each file in the inbox; returns what is to be told of those that are nowhere."""
    lost: list[Taken] = []
    told: list[str] = []
    for taken in ledger.of_state(State.ARRIVED):
        outcome = outcomes.get(taken.in_inbox or "")
        if outcome in LANDED:
            ledger.landed(taken, str(outcome))
        elif outcome is None and not _still_there(data / taken.place, taken):
            lost.append(taken)
    if not lost:
        return told
    batches = _batches(data, name)
    for taken in lost:
        outcome = _ended(data, taken, batches)
        if outcome:
            ledger.landed(taken, outcome)
        else:
            # Nobody waits for it any more, a later version of it least of all; its source keeps what it has.
            ledger.lost(taken)
            told.append(
                f"{taken.in_inbox} was taken out of the inbox, or changed there, by hand: its source is left as it is"
            )
    return told


def forget_missing(data: Path) -> int:
    """Take out of the books of a data folder that is being restored what was on its way to landing, and of which the
    folder has nothing: neither the file nor a batch. Its source offers it anew. Returns how many those were.

    Raises:
        OSError: a book cannot be written. One that is no book is left as it is.
    """
    forgotten = 0
    for name in with_ledgers(data):
        try:
            with open_ledger(data, name) as ledger:
                under_way = [*ledger.of_state(State.ARRIVING), *ledger.of_state(State.ARRIVED)]
                missing = [taken for taken in under_way if not _still_there(data / taken.place, taken)]
                batches = _batches(data, name) if missing else set()
                for taken in missing:
                    if _ended(data, taken, batches) is None:
                        ledger.forget(taken)
                        forgotten += 1
        except sqlite3.Error:
            continue
    return forgotten


def _origin(remote: Mapping[str, Any] | None) -> str:
    return json.dumps(dict(remote or {}), sort_keys=True)


def _still_there(path: Path, taken: Taken) -> bool:
    return path.is_file() and stat_of(path) == (taken.bytes, taken.mtime_ns)


def _batches(data: Path, name: str) -> set[str]:
    """The origins of all batches that a connector brought."""
    return {_origin(manifest.get("remote")) for manifest in read_manifests(data) if manifest["connector"] == name}


def _ended(data: Path, taken: Taken, batches: Collection[str]) -> str | None:
    """What became of a file that is no longer in the inbox; None where nothing says it."""
    return _found(data, taken) or ("landed" if _origin(taken.offer.remote) in batches else None)


def _found(data: Path, taken: Taken) -> str | None:
    """What became of a file that is no longer in the inbox, by where it lies now."""
    if taken.in_inbox is None:
        return None
    folder, name = taken.in_inbox.rsplit("/", 1)
    stem, _ = split_ending(name)
    for room, outcome in (("archive", "landed"), ("failed", "failed")):
        for path in (data / room / folder).glob("*"):
            if path.name.startswith(stem) and _still_there(path, taken):
                return outcome
    return None


def _tell(connector: Connector, ledger: Ledger, waiting: list[Taken]) -> Committed:
    """Tell the source of each delivery; one that it does not take does not keep the others from being told."""
    left = list(waiting)
    errors: dict[int, str] = {}

    def session(timed: Connector, limit: Limit) -> None:
        with kind_of(timed.kind).connect(timed) as source:
            for taken in list(left):
                crash_point("commit-before")
                try:
                    gone = source.commit(taken.offer)
                except (UnreachableError, LimitError):
                    raise
                except ConnectorError as error:
                    errors[taken.id] = f"{taken.offer.key} was taken, but: {error}"
                    continue
                crash_point("commit-told")
                ledger.done(taken, gone=gone)
                left.remove(taken)
                limit.came()

    try:
        again(connector, session)
    except ConnectorError as error:
        errors[0] = f"{len(left)} landed deliveries are not yet moved or deleted there: {error}"
    texts = tuple(connector.redacted(text) for text in errors.values())
    return Committed(connector.name, len(waiting) - len(left), texts)
