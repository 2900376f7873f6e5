"""Bringing what is new at a source into the inbox: nothing lost, nothing twice, wherever it breaks off.

A delivery is written below `DATA/connectors/.parts/`, checked, put on disk, noted as ARRIVING, moved into the inbox in
one step, and noted as ARRIVED. After a crash the note and what still lies below `.parts` say how far it came.
"""

import errno
import hashlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration import clock
from orchestration.errors import UsageError
from orchestration.landing.batch import sync
from orchestration.landing.connectors import pgp
from orchestration.landing.connectors.declaration import Connector, load_connectors
from orchestration.landing.connectors.kinds import kind_of
from orchestration.landing.connectors.ledger import FOLDER, Ledger, State, Taken, Waiting, open_ledger
from orchestration.landing.connectors.limits import Limit
from orchestration.landing.connectors.naming import mark_of, printable, safe_name, without_pgp
from orchestration.landing.connectors.protocol import (
    AtWorkError,
    ChangedError,
    ConnectorError,
    LocalError,
    Offer,
    OfferError,
    Source,
    UnreachableError,
)
from orchestration.landing.connectors.whereabouts import batches_of, ended, lies_at, stat_of
from orchestration.landing.crash_points import crash_point
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.files import free_path, is_ignored, move, reason_path
from orchestration.waiting import lock_file

PARTS = ".parts"
# What becomes stable within so many seconds is waited for; the rest is left to the next call.
PATIENCE = timedelta(seconds=30)
# Seconds between two tries, doubled each time, up to the longest, with as much again left to chance.
FIRST_WAIT, LONGEST_WAIT, JITTER = 1.0, 30.0, 1.0
# Room on the disk beyond a delivery's own bytes; what else a run writes needs some.
ROOM = 64 * 1024 * 1024

# Moments at which a test can kill the process.
CRASH_POINTS = ("fetch-downloaded", "fetch-noted", "fetch-moved", "fetch-arrived", "commit-before", "commit-told")

Progress = Callable[[str, int, int], None]  # what (connector and file), bytes done, bytes in all (0: not known)


@dataclass(frozen=True)
class FailedFile:
    """A delivery that went to `failed/` without landing: its path there below the data folder, and why."""

    file: str
    org_id: str
    feed: str
    moved_to: str
    reason: str


@dataclass
class Fetched:
    """What one connector brought. `files` are paths below the inbox; `error` says why it stopped, None when it did not;
    `problems` are of single offers or folders, the rest was taken."""

    connector: str
    files: list[str] = field(default_factory=list)
    bytes: int = 0
    failed: list[FailedFile] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    error: str | None = None

    def lapses(self) -> list[str]:
        """A line for each thing that the run goes on without."""
        said = [*([self.error] if self.error else []), *self.problems]
        return [f"Connector {self.connector}: {text}" for text in said]

    def to_json(self) -> dict[str, Any]:
        """As a run's record keeps it."""
        return {
            "files": len(self.files),
            "bytes": self.bytes,
            "failed_files": len(self.failed),
            "waiting": len(self.waiting),
            "problems": self.problems,
            "error": self.error,
        }


def chosen(connectors: Mapping[str, Connector], names: Sequence[str] | None) -> list[Connector]:
    """The connectors of some names, all where none are given.

    Raises:
        UsageError: there is no connector of a name; the message lists those there are.
    """
    for name in names or ():
        if name not in connectors:
            there = ", ".join(connectors) or "none; docs/connectors.md says how to declare one"
            raise UsageError(f"There is no connector {name!r}. Connectors: {there}.")
    return [connectors[name] for name in (connectors if names is None else names)]


def fetch(
    data_dir: Path | str,
    project: Path | str,
    names: Sequence[str] | None = None,
    *,
    on_progress: Progress | None = None,
) -> list[Fetched]:
    """Bring what is new of these connectors (all where none are named) into the inbox. A source that cannot be reached
    or worked with is told in its `Fetched`, and the others go on.

    Raises:
        UsageError: the declarations have faults, or there is no such connector.
    """
    data = Path(data_dir).absolute()
    return [_fetch(data, connector, on_progress) for connector in chosen(load_connectors(project), names)]


def _fetch(data: Path, connector: Connector, on_progress: Progress | None) -> Fetched:
    told = Fetched(connector.name)
    try:
        with at_work(data, connector.name, wait=PATIENCE.total_seconds()), open_ledger(data, connector.name) as ledger:
            recover(data, ledger, connector.name)
            try:
                _Taking(data, connector, ledger, told, on_progress).work()
            except ConnectorError as error:
                told.error = connector.redacted(str(error))
            told.problems = [connector.redacted(text) for text in told.problems]
            ledger.remark(fetched_at=clock.to_text(clock.now()), error=told.error, problems=told.problems)
    except ConnectorError as error:
        told.error = str(error)
    except (OSError, sqlite3.Error) as error:
        said = getattr(error, "strerror", None) or str(error)
        told.error = f"this machine could not keep what came: {said}. Mend that and run again."
    return told


@contextmanager
def at_work(data: Path, name: str, wait: float = 0.0) -> Iterator[None]:
    """Work with a connector alone; `wait` so many seconds for somebody else who does.

    Raises:
        AtWorkError: somebody else still does.
    """
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as handle:
        if not lock_file(handle, wait):
            raise AtWorkError("it is at work in another process; what is new comes with that.")
        yield


def recover(data: Path, ledger: Ledger, name: str) -> None:
    """Bring to its place what was noted as arriving when the process before this one ended."""
    for taken in ledger.of_state(State.ARRIVING):
        part, place = parts_folder(data, name) / taken.part, data / taken.place
        if part.is_file():
            if lies_at(place, taken):  # copied to another file system already, and not yet removed here
                part.unlink()
            else:
                _put(data, ledger, taken, part)
        elif not lies_at(place, taken) and ended(data, taken, batches_of(data, name)) is None:
            ledger.forget(taken)  # somebody has cleared the parts away: its source offers it anew
            continue
        ledger.arrived(taken)


def parts_folder(data: Path, name: str) -> Path:
    """Where what has not come whole lies."""
    return data / FOLDER / PARTS / name


def _put(data: Path, ledger: Ledger, taken: Taken, part: Path) -> str:
    """Move a whole file to its place, or beside what took that in the meantime; returns its path below the data
    folder."""
    place = data / taken.place
    place.parent.mkdir(parents=True, exist_ok=True)
    free = free_path(place.parent, place.name, mark_of(taken.offer.key, taken.offer.version))
    shown = free.relative_to(data).as_posix()
    if shown != taken.place:
        ledger.moved(taken.id, shown)
    move(part, free)
    return shown


class _Taking:
    """One connector at work."""

    def __init__(
        self, data: Path, connector: Connector, ledger: Ledger, told: Fetched, on_progress: Progress | None
    ) -> None:
        self.data, self.connector, self.ledger, self.told = data, connector, ledger, told
        self.on_progress = on_progress or (lambda what, done, total: None)
        self.parts = parts_folder(data, connector.name)
        self.boot = boot_id()
        self.decrypt: pgp.Decrypt | None = None
        self.limit = Limit(connector.limit, connector.silence)

    def work(self) -> None:
        """Take all that is ready, as often as it needs to be tried."""
        if self.connector.pgp:
            self.decrypt = pgp.decryptor(self.connector.pgp)
        self.parts.mkdir(parents=True, exist_ok=True)
        again(self.connector, self._session)
        if not self.ledger.count(State.ARRIVING):
            self._tidy()

    def _session(self, connector: Connector, limit: Limit) -> None:
        self.limit = limit
        with kind_of(connector.kind).connect(connector) as source:
            waited = timedelta(0)
            while True:
                listing = source.list(self.ledger.latest)
                limit.came()
                look = self.ledger.look(listing.offers, clock.now())
                self.told.problems, self.told.waiting = list(listing.problems), look.waiting
                for offer in look.ready:
                    self._take(source, offer)
                    limit.came()
                pause = _pause(look.waiting, clock.now())
                if pause is None or waited + pause > PATIENCE:
                    return
                waited += pause
                time.sleep(pause.total_seconds())
                limit.came()

    def _take(self, source: Source, offer: Offer) -> None:
        try:
            self._bring(source, offer)
        except ChangedError as error:
            # Looked at anew the next time; what came of it is of no use.
            self._part(offer).unlink(missing_ok=True)
            self.told.waiting.append(Waiting(offer, str(error)))
        except LocalError:
            self._part(offer).unlink(missing_ok=True)
            raise
        except OfferError as error:
            self.told.problems.append(f"{offer.key}: {error}")

    def _part(self, offer: Offer) -> Path:
        return self.parts / f"{hashlib.sha256(offer.key.encode()).hexdigest()[:32]}.part"

    def _bring(self, source: Source, offer: Offer) -> None:
        part = self._part(offer)
        if not self.ledger.may_resume(offer, self.boot):
            part.unlink(missing_ok=True)
        have = part.stat().st_size if part.exists() else 0
        self._check_room(offer, have)
        self.ledger.begin(offer, self.boot)
        what = f"{self.connector.name}: {safe_name(offer.name, offer.key)}"
        total = offer.size or 0
        try:
            source.fetch(offer, part, lambda done: self._tick(what, done, total))
            if offer.size is not None and part.stat().st_size != offer.size:
                raise ChangedError(f"{part.stat().st_size} bytes came instead of {offer.size}")
            sync(part)
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:
            raise self._local(error) from error
        crash_point("fetch-downloaded")
        name = safe_name(without_pgp(offer.name) if self.decrypt else offer.name, offer.key)
        if is_ignored(name):
            raise OfferError("its name is that of an upload under way; the inbox would never land it. Rename it there")
        try:
            self._settle(offer, name, part)
        except OSError as error:
            raise self._local(error) from error

    def _tick(self, what: str, done: int, total: int) -> None:
        self.on_progress(what, done, total)
        self.limit.came()

    def _settle(self, offer: Offer, name: str, part: Path) -> None:
        """From whole bytes to the inbox, or to the failed where they do not decrypt."""
        below = (offer.org_id, *offer.feed.split("/"))
        whole = part
        if self.decrypt:
            plain = part.with_suffix(".plain")
            try:
                self.decrypt(part, plain)
            except pgp.UndecryptableError as error:
                self._fail(offer, part, below, str(error))
                return
            sync(plain)
            whole = plain
        folder = self.data.joinpath("inbox", *below)
        target = free_path(folder, name, mark_of(offer.key, offer.version))
        taken = self._note(offer, target, whole)
        shown = _put(self.data, self.ledger, taken, whole)
        crash_point("fetch-moved")
        self.ledger.arrived(taken)
        part.unlink(missing_ok=True)
        crash_point("fetch-arrived")
        self.told.files.append(shown.removeprefix("inbox/"))
        self.told.bytes += taken.bytes

    def _note(self, offer: Offer, target: Path, whole: Path) -> Taken:
        place, stat, at = target.relative_to(self.data).as_posix(), stat_of(whole), clock.to_text(clock.now())
        number = self.ledger.arriving(offer, place, whole.name, stat, at)
        crash_point("fetch-noted")
        return Taken(number, offer, place, whole.name, *stat, State.ARRIVING, None, at)

    def _fail(self, offer: Offer, part: Path, below: tuple[str, ...], said: str) -> None:
        """Put what does not decrypt among the failed, as it came, with the reason."""
        folder = self.data.joinpath("failed", *below)
        folder.mkdir(parents=True, exist_ok=True)
        target = free_path(folder, safe_name(offer.name, offer.key))
        error = UnreadableFileError(
            f"a file that the PGP key of connector {self.connector.name} does not decrypt: {said}",
            "an OpenPGP message, whole, encrypted for this key",
            "ask the sender to encrypt it for the key that the connector names, and to deliver it again;\n"
            "or decrypt it by hand and put the plain file into the inbox",
        )
        # The reason first: a crash in between leaves a reason without a file, never a file without its reason.
        reason_path(target).write_text(
            f"File:     {printable(offer.key)}\n{error.text()}", encoding="utf-8", errors="replace"
        )
        taken = self._note(offer, target, part)
        shown = _put(self.data, self.ledger, taken, part)
        self.ledger.arrived(taken)
        self.told.failed.append(
            FailedFile("/".join((*below, offer.name)), offer.org_id, offer.feed, shown, error.found)
        )

    def _check_room(self, offer: Offer, have: int) -> None:
        if offer.size is None:
            return
        needed = (offer.size - have) + (offer.size if self.decrypt else 0) + ROOM
        free = shutil.disk_usage(self.parts).free
        if free < needed:
            raise LocalError(
                f"{offer.key} needs {needed:,} bytes of the data folder's disk, which has {free:,} left. Make room and"
                " run again; the file stays at its source."
            )

    def _local(self, error: OSError) -> ConnectorError:
        what = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        return LocalError(f"this machine could not keep what came: {what}. Mend that and run again.")

    def _tidy(self) -> None:
        """Remove what is left of offers that the source no longer has: nobody will go on with them."""
        wanted = {self._part(waiting.offer).name for waiting in self.told.waiting}
        if self.told.problems:
            return
        for path in self.parts.iterdir():
            if path.with_suffix(".part").name not in wanted:
                path.unlink(missing_ok=True)


def _pause(waiting: Sequence[Waiting], now: datetime) -> timedelta | None:
    """How long to wait for the first of what is soon stable; None where nothing is."""
    soon = [one.ready_at for one in waiting if one.ready_at and one.ready_at - now <= PATIENCE]
    return max(min(soon) - now, timedelta(milliseconds=10)) if soon else None


def again(connector: Connector, work: Callable[[Connector, Limit], Any]) -> Any:
    """Do some work with a source, once more after a pause when it could not be reached, as often as declared, and no
    longer than declared: all tries share the time, which the work is handed, with the connector that knows of it."""
    import tenacity

    timed = connector.timed()
    assert timed.time is not None
    limit = timed.time
    for attempt in tenacity.Retrying(
        stop=tenacity.stop_any(tenacity.stop_after_attempt(connector.retries + 1), lambda state: limit.left <= 0),
        wait=tenacity.wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT) + tenacity.wait_random(0, JITTER),
        retry=tenacity.retry_if_exception_type(UnreachableError),
        reraise=True,
    ):
        with attempt, kept_in_bounds():
            limit.check()
            return work(timed, limit)
    return None


@contextmanager
def kept_in_bounds() -> Iterator[None]:
    """A kind that fails in a way that it did not foresee is a connector that cannot be worked with: the run goes on.

    Raises:
        ConnectorError: whatever a kind let through; what this machine's disk says stays as it is.
    """
    try:
        yield
    except ConnectorError:
        raise
    except (ConnectionError, TimeoutError) as error:
        raise UnreachableError(f"the connection broke off: {error or type(error).__name__}") from error
    except (OSError, sqlite3.Error, MemoryError):
        raise
    except Exception as error:
        raise ConnectorError(f"failed in a way that nobody foresaw: {type(error).__name__}: {error}") from error


def boot_id() -> str:
    """What differs after the machine was started anew; blank where nobody says."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
