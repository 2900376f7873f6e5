"""After landing: which of the files in the inbox connectors brought, what has become of them, and telling the source.

Nothing is moved or deleted at a source before landing has made a batch of the file, has known it already, or has put it
among the failed. Who asks after a crash finds the answer where landing left it: in the report it no longer has, it
stands in the manifests, the archive and the failed.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.connectors.declaration import Connector, load_connectors
from orchestration.landing.connectors.kinds import kind_of
from orchestration.landing.connectors.ledger import Ledger, State, Taken, open_ledger, read_ledger, with_ledgers
from orchestration.landing.connectors.limits import Limit
from orchestration.landing.connectors.protocol import ConnectorError, LimitError, UnreachableError
from orchestration.landing.connectors.taking import PATIENCE, again, at_work
from orchestration.landing.connectors.whereabouts import batches_of, ended, lies_at
from orchestration.landing.crash_points import crash_point
from orchestration.landing.manifest import Origin
from orchestration.landing.report import FileOutcome, LandingReport

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
    """The files in the inbox that connectors brought (all, or some), by their paths below the inbox: those that lie
    there still, since another connector's may have come to a place whose book nobody could tell that its file has
    landed. A book that cannot be read says of no file where it is from; `commit` tells of it."""
    data = Path(data_dir).absolute()
    found = {}
    for name in with_ledgers(data) if names is None else names:
        with suppress(OSError, sqlite3.Error), read_ledger(data, name) as ledger:
            for taken in ledger.of_state(State.ARRIVED):
                if taken.in_inbox and lies_at(data / taken.place, taken):
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
    outcomes = {file.file: file for file in report.files}
    return [_commit(data, name, declared.get(name), outcomes) for name in names]


def _commit(data: Path, name: str, connector: Connector | None, outcomes: Mapping[str, FileOutcome]) -> Committed:
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


def _note_landed(data: Path, ledger: Ledger, name: str, outcomes: Mapping[str, FileOutcome]) -> list[str]:
    """Note what became of each file in the inbox; returns what is to be told of those that are nowhere."""
    lost: list[Taken] = []
    told: list[str] = []
    for taken in ledger.of_state(State.ARRIVED):
        file = outcomes.get(taken.in_inbox or "")
        is_over = file is not None and file.outcome in LANDED
        # What landed under its name may be another file, which somebody put there.
        if file and is_over and file.moved_to and lies_at(data / file.moved_to, taken):
            ledger.landed(taken, file.outcome)
        elif (is_over or file is None) and not lies_at(data / taken.place, taken):
            lost.append(taken)
    if not lost:
        return told
    batches = batches_of(data, name)
    for taken in lost:
        outcome = ended(data, taken, batches)
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
                missing = [taken for taken in under_way if not lies_at(data / taken.place, taken)]
                batches = batches_of(data, name) if missing else set()
                for taken in missing:
                    if ended(data, taken, batches) is None:
                        ledger.forget(taken)
                        forgotten += 1
        except sqlite3.Error:
            continue
    return forgotten


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
                errors.pop(taken.id, None)  # of a try before this one
                left.remove(taken)
                limit.came()

    try:
        again(connector, session)
    except ConnectorError as error:
        errors[0] = f"{len(left)} landed deliveries are not yet moved or deleted there: {error}"
    texts = tuple(connector.redacted(text) for text in errors.values())
    return Committed(connector.name, len(waiting) - len(left), texts)
