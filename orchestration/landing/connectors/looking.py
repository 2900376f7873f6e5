"""Looking at a source without taking anything: for sensors, for `tieout connectors check`, and for the listing."""

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration import clock
from orchestration.durations import in_words
from orchestration.landing.connectors.declaration import Connector, load_connectors
from orchestration.landing.connectors.kinds import kind_of
from orchestration.landing.connectors.ledger import Ledger, Look, State, open_ledger, read_ledger
from orchestration.landing.connectors.protocol import AtWorkError, ConnectorError, LimitError, SilenceError
from orchestration.landing.connectors.taking import at_work, chosen, kept_in_bounds

LAST_LOOK = "look"
# A look is one of several in a tick of Dagster's, which is ended, and forgets what it found, after a minute: whatever
# the connector's own limits, which are a fetch's, it takes no longer, and waits so long where nothing comes.
LOOK, LOOK_SILENCE = timedelta(seconds=20), timedelta(seconds=15)


@dataclass(frozen=True)
class Pending:
    """What a fetch would bring now. `ready` and `waiting` are keys of the source; `fingerprint` differs whenever what
    is ready differs (blank: nothing is), so that it can be a sensor's run key. `looked_at` is when the source was asked
    last: between two polls the answer is the last one."""

    connector: str
    ready: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    fingerprint: str = ""
    problems: tuple[str, ...] = ()
    error: str | None = None
    looked_at: datetime | None = None


def pending(
    data_dir: Path | str, project: Path | str, name: str, now: datetime | None = None, *, force: bool = False
) -> Pending:
    """What a fetch of this connector would bring. The source is asked at most once in `poll_every` (sooner where
    something is about to be stable), or with `force` each time; the look counts as one of the two that a stable file
    needs. A source that cannot be worked with is told in `error`, never raised.

    Raises:
        UsageError: the declarations have faults, or there is no such connector.
    """
    data = Path(data_dir).absolute()
    (connector,) = chosen(load_connectors(project), [name])
    moment = now or clock.now()
    try:
        with open_ledger(data, name) as ledger:
            last = ledger.about(LAST_LOOK)
            if last and not force and moment < clock.from_text(last["next_at"]) and not _went_back(last, moment):
                return _pending(name, last)
            return _pending(name, _look_anew(data, connector, ledger, moment))
    except (OSError, sqlite3.Error) as error:
        return Pending(name, error=_unreadable(data, error))


def _unreadable(data: Path, error: Exception) -> str:
    return f"its book below {data.name}/connectors cannot be kept: {error}"


def _look_anew(data: Path, connector: Connector, ledger: Ledger, now: datetime) -> dict[str, Any]:
    said: dict[str, Any] = {"ready": [], "waiting": [], "fingerprint": "", "problems": [], "error": None}
    said["looked_at"] = clock.to_text(now)
    silence = min(connector.silence, LOOK_SILENCE)
    brief = replace(connector, limit=min(connector.limit, LOOK), silence=silence)
    next_at = now + connector.poll_every
    try:
        with at_work(data, connector.name):
            pass
        with kept_in_bounds(), kind_of(connector.kind).connect(brief.timed()) as source:
            listing = source.list(ledger.latest)
            look = ledger.look(listing.offers, now)
        said |= {
            "ready": [offer.key for offer in look.ready],
            "waiting": [waiting.offer.key for waiting in look.waiting],
            "fingerprint": _fingerprint(look),
            "problems": [connector.redacted(text) for text in listing.problems],
        }
        next_at = min([next_at, *(waiting.ready_at for waiting in look.waiting if waiting.ready_at)])
    except AtWorkError:
        # What is there is being fetched: nothing is pending, and nobody was asked how the connector stands.
        return said
    except SilenceError:
        said["error"] = f"nothing came for {in_words(silence)} while it was looked at. The next look tries again."
    except LimitError:
        # No trouble that people are told of as the connector's: a fetch has longer.
        said["unfinished"] = (
            f"it answers, but takes longer to list what it has than the {in_words(brief.limit)} of a look: its files"
            " start no run by themselves, and come with the runs that start otherwise."
        )
        said["problems"] = _known_problems(ledger)
    except ConnectorError as error:
        said["error"] = connector.redacted(str(error))
    said["next_at"] = clock.to_text(next_at)
    ledger.remark(**{LAST_LOOK: said})
    return said


def _known_problems(ledger: Ledger) -> list[str]:
    """What was wrong with parts of a source when all of it was listed last, by a look or by a fetch."""
    look = ledger.about(LAST_LOOK) or {}
    is_fetchs = (ledger.about("fetched_at") or "") > look.get("looked_at", "")
    return list((ledger.about("problems") if is_fetchs else look.get("problems")) or [])


def _went_back(last: Mapping[str, Any], now: datetime) -> bool:
    return now < clock.from_text(last["looked_at"])


def _pending(name: str, said: Mapping[str, Any]) -> Pending:
    return Pending(
        name,
        tuple(said["ready"]),
        tuple(said["waiting"]),
        said["fingerprint"],
        tuple(said["problems"]),
        said["error"] or said.get("unfinished"),
        clock.from_text(said["looked_at"]),
    )


def _fingerprint(look: Look) -> str:
    if not look.ready:
        return ""
    lines = sorted(f"{offer.key}\0{offer.version}" for offer in look.ready)
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()[:16]


@dataclass(frozen=True)
class Check:
    """What `tieout connectors check` finds. The lists hold a mapping each of what would be taken, and of what would
    not be yet and why."""

    connector: str
    kind: str
    where: str
    ok: bool
    error: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    would_fetch: list[dict[str, Any]] = field(default_factory=list)
    not_yet: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The fields in the order of the command's JSON."""
        return dict(self.__dict__)


def check(data_dir: Path | str, project: Path | str, name: str) -> Check:
    """Log in, list, and say what would be taken. Changes nothing, neither there nor here: not even the look counts.

    Raises:
        UsageError: the declarations have faults, or there is no such connector.
    """
    data = Path(data_dir).absolute()
    (connector,) = chosen(load_connectors(project), [name])
    told = {"connector": name, "kind": connector.kind, "where": connector.where}
    try:
        if connector.pgp:
            from orchestration.landing.connectors.pgp import decryptor

            decryptor(connector.pgp)
        with (
            kept_in_bounds(),
            read_ledger(data, name) as ledger,
            kind_of(connector.kind).connect(connector) as source,
        ):
            listing = source.list(ledger.latest)
            look = ledger.look(listing.offers, clock.now(), keep=False)
            about = dict(source.about())
    except ConnectorError as error:
        return Check(**told, ok=False, error=connector.redacted(str(error)))
    except (OSError, sqlite3.Error) as error:
        return Check(**told, ok=False, error=_unreadable(data, error))
    return Check(
        **told,
        ok=True,
        about=about,
        would_fetch=[_told(offer.key, offer.org_id, offer.feed, offer.size) for offer in look.ready],
        not_yet=[
            {**_told(w.offer.key, w.offer.org_id, w.offer.feed, w.offer.size), "why": w.why} for w in look.waiting
        ],
        problems=[connector.redacted(text) for text in listing.problems],
    )


def _told(key: str, org_id: str, feed: str, size: int | None) -> dict[str, Any]:
    return {"what": key, "org_id": org_id, "feed": feed, "bytes": size}


def listing(data_dir: Path | str, project: Path | str) -> list[dict[str, Any]]:
    """The declared connectors, what each has brought, and how it went the last time."""
    data = Path(data_dir).absolute()
    return [_listed(data, connector) for connector in load_connectors(project).values()]


def _listed(data: Path, connector: Connector) -> dict[str, Any]:
    said = {
        "connector": connector.name,
        "kind": connector.kind,
        "where": connector.where,
        "feeds": ", ".join(connector.feeds),
        "poll_every": _words(connector),
    }
    try:
        with read_ledger(data, connector.name) as ledger:
            return {
                **said,
                "taken": ledger.count(),
                "in_inbox": ledger.count(State.ARRIVING, State.ARRIVED),
                "fetched_at": ledger.about("fetched_at"),
                "error": ledger.about("error"),
            }
    except (OSError, sqlite3.Error) as error:
        return {**said, "taken": None, "in_inbox": None, "fetched_at": None, "error": _unreadable(data, error)}


def _words(connector: Connector) -> str:
    seconds = int(connector.poll_every.total_seconds())
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
