"""A connector's own book: what it has taken and how far each of it has come, and what it has only looked at.

One SQLite file per connector, `DATA/connectors/<name>.sqlite`. What is written is on disk when a call returns. The way
of a delivery: ARRIVING (it lies whole below `DATA/connectors` and is about to move), ARRIVED (it stands in the inbox),
LANDED (landing made it a batch, knew it already, or put it among the failed), DONE (the source has been told).
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from orchestration.landing.connectors.protocol import Offer

FOLDER = "connectors"
ENDING = ".sqlite"
BUSY_SECONDS = 30.0

_SCHEMA = """
create table if not exists about (name text primary key, value text not null);
create table if not exists seen (key text primary key, version text not null, since real not null);
create table if not exists partial (key text primary key, version text not null, boot text not null);
create table if not exists taken (
    id integer primary key,
    key text not null,
    version text not null,
    org_id text not null,
    feed text not null,
    place text not null,
    part text not null,
    bytes integer not null,
    mtime_ns integer not null,
    commits integer not null,
    remote text not null,
    note text not null,
    state text not null,
    outcome text,
    gone integer not null default 0,
    taken_at text not null
);
create index if not exists taken_by_version on taken (key, version);
create index if not exists taken_by_state on taken (state);
"""


class State(StrEnum):
    """How far a delivery has come."""

    ARRIVING = "ARRIVING"
    ARRIVED = "ARRIVED"
    LANDED = "LANDED"
    DONE = "DONE"


@dataclass(frozen=True)
class Taken:
    """One delivery that was taken. `place` is where it was put, below the data folder; `part` the file's name below the
    connector's own folder before; `bytes` and `mtime_ns` tell the file from another of its name."""

    id: int
    offer: Offer
    place: str
    part: str
    bytes: int
    mtime_ns: int
    state: State
    outcome: str | None
    taken_at: str

    @property
    def in_inbox(self) -> str | None:
        """Its path below the inbox; None for one that went to the failed at once."""
        return self.place.removeprefix("inbox/") if self.place.startswith("inbox/") else None


@dataclass(frozen=True)
class Waiting:
    """An offer that is not to be taken yet: why, and when it is, where looking again may tell."""

    offer: Offer
    why: str
    ready_at: datetime | None = None


@dataclass(frozen=True)
class Look:
    """A listing against the book: what is new and to be taken, and what is new and must wait."""

    ready: list[Offer]
    waiting: list[Waiting]


class Ledger:
    """An open book."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def about(self, name: str) -> Any:
        """A remark by its name, None when there is none."""
        row = self._connection.execute("select value from about where name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def remark(self, **values: Any) -> None:
        """Write remarks down, each over the one before."""
        with self._connection:
            self._connection.executemany(
                "insert or replace into about values (?, ?)", [(k, json.dumps(v)) for k, v in values.items()]
            )

    def latest(self, key: str) -> str | None:
        """The version of a key that was taken last."""
        row = self._connection.execute(
            "select version from taken where key = ? order by id desc limit 1", (key,)
        ).fetchone()
        return row[0] if row else None

    def look(self, offers: list[Offer], now: datetime, *, keep: bool = True) -> Look:
        """Tell what of a listing is to be taken now. With `keep` the look counts for the next one, and what is no
        longer there is forgotten."""
        seen = {row[0]: (row[1], row[2]) for row in self._connection.execute("select key, version, since from seen")}
        under_way = {
            row[0]
            for row in self._connection.execute(
                "select key from taken where state in (?, ?)", (State.ARRIVING, State.ARRIVED)
            )
        }
        ready, waiting, looked = [], [], {}
        moment = now.timestamp()
        for offer in offers:
            if self.knows(offer):
                continue
            version, since = seen.get(offer.key, (None, moment))
            again = version == offer.version and since <= moment  # not another file, nor a clock that went back
            since = since if again else moment
            looked[offer.key] = (offer.key, offer.version, since)
            rest = offer.stable_for.total_seconds() - (moment - since)
            if offer.key in under_way:
                waiting.append(Waiting(offer, "its earlier version has not landed yet"))
            elif offer.waits_for:
                waiting.append(Waiting(offer, offer.waits_for))
            elif offer.settled or not offer.stable_for or (again and rest <= 0):
                ready.append(offer)
            else:
                why = f"not yet the same for {_words(offer.stable_for)}"
                waiting.append(Waiting(offer, why, now + timedelta(seconds=max(rest, 0))))
        if keep:
            with self._connection:
                gone = [(key,) for key in seen if key not in looked]
                self._connection.executemany("delete from seen where key = ?", gone)
                changed = [row for key, row in looked.items() if seen.get(key) != row[1:]]
                self._connection.executemany("insert or replace into seen values (?, ?, ?)", changed)
        return Look(ready, waiting)

    def knows(self, offer: Offer) -> bool:
        """Whether this very delivery was taken; one that the source no longer had afterwards may come again."""
        row = self._connection.execute(
            "select 1 from taken where key = ? and version = ? and gone = 0 limit 1", (offer.key, offer.version)
        )
        return row.fetchone() is not None

    def may_resume(self, offer: Offer, boot: str) -> bool:
        """Whether what lies there of an offer is of the same version, and was written since the machine started: what
        was written shortly before a power cut may be holes."""
        row = self._connection.execute("select version, boot from partial where key = ?", (offer.key,)).fetchone()
        return row == (offer.version, boot)

    def begin(self, offer: Offer, boot: str) -> None:
        """An offer's bytes are about to come."""
        with self._connection:
            self._connection.execute(
                "insert or replace into partial values (?, ?, ?)", (offer.key, offer.version, boot)
            )

    def arriving(self, offer: Offer, place: str, part: str, stat: tuple[int, int], taken_at: str) -> int:
        """An offer lies there whole, and is about to move to its place; returns its number."""
        with self._connection:
            cursor = self._connection.execute(
                "insert into taken (key, version, org_id, feed, place, part, bytes, mtime_ns, commits, remote, note,"
                " state, taken_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(offer.key, offer.version, offer.org_id, offer.feed, place, part, *stat, int(offer.commits)),
                    *(json.dumps(dict(offer.remote)), json.dumps(dict(offer.note)), State.ARRIVING, taken_at),
                ),
            )
            self._connection.execute("delete from seen where key = ?", (offer.key,))
        return int(cursor.lastrowid or 0)

    def moved(self, number: int, place: str) -> None:
        """Another place than first meant."""
        with self._connection:
            self._connection.execute("update taken set place = ? where id = ?", (place, number))

    def arrived(self, taken: Taken) -> None:
        """A delivery stands in its place."""
        state, outcome = (State.ARRIVED, None) if taken.in_inbox else (State.LANDED, "failed")
        with self._connection:
            self._connection.execute("update taken set state = ?, outcome = ? where id = ?", (state, outcome, taken.id))
            self._connection.execute("delete from partial where key = ?", (taken.offer.key,))

    def landed(self, taken: Taken, outcome: str) -> None:
        """Landing has brought a delivery to its end."""
        with self._connection:
            self._connection.execute(
                "update taken set state = ?, outcome = ? where id = ?", (State.LANDED, outcome, taken.id)
            )

    def lost(self, taken: Taken) -> None:
        """A delivery is neither in the inbox nor has landed: it is not waited for, and its source is not told."""
        with self._connection:
            self._connection.execute(
                "update taken set state = ?, outcome = 'lost' where id = ?", (State.DONE, taken.id)
            )

    def forget(self, taken: Taken) -> None:
        """A delivery that never came: it is taken when it is offered again."""
        with self._connection:
            self._connection.execute("delete from taken where id = ?", (taken.id,))

    def done(self, taken: Taken, *, gone: bool) -> None:
        """The source has been told; `gone`: it has the delivery no longer where it was."""
        with self._connection:
            self._connection.execute(
                "update taken set state = ?, gone = ? where id = ?", (State.DONE, int(gone), taken.id)
            )

    def of_state(self, state: State) -> list[Taken]:
        """The deliveries that have come just so far, oldest first."""
        rows = self._connection.execute("select * from taken where state = ? order by id", (state,))
        return [_taken(row, [column[0] for column in rows.description]) for row in rows]

    def count(self, *states: State) -> int:
        """How many deliveries have come just so far; of all states where none is given."""
        marks = ", ".join("?" * len(states))
        where = f" where state in ({marks})" if states else ""
        return int(self._connection.execute(f"select count(*) from taken{where}", states).fetchone()[0])


def _taken(row: tuple[Any, ...], names: list[str]) -> Taken:
    said = dict(zip(names, row, strict=True))
    offer = Offer(
        key=said["key"],
        version=said["version"],
        org_id=said["org_id"],
        feed=said["feed"],
        name=said["place"].rsplit("/", 1)[-1],
        commits=bool(said["commits"]),
        remote=json.loads(said["remote"]),
        note=json.loads(said["note"]),
    )
    return Taken(
        *(said["id"], offer, said["place"], said["part"], said["bytes"], said["mtime_ns"]),
        *(State(said["state"]), said["outcome"], said["taken_at"]),
    )


def _words(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 60} minutes" if seconds and seconds % 60 == 0 else f"{seconds} seconds"


def ledger_path(data_dir: Path, name: str) -> Path:
    """Where a connector's book lies."""
    return data_dir / FOLDER / f"{name}{ENDING}"


def with_ledgers(data_dir: Path) -> list[str]:
    """The connectors that have a book in a data folder, declared or not."""
    return sorted(path.name.removesuffix(ENDING) for path in (data_dir / FOLDER).glob(f"*{ENDING}"))


@contextmanager
def open_ledger(data_dir: Path, name: str) -> Iterator[Ledger]:
    """Open a connector's book to write in it, made when there is none."""
    path = ledger_path(data_dir, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    try:
        connection.execute("pragma synchronous = full")
        connection.executescript(_SCHEMA)
        yield Ledger(connection)
    finally:
        connection.close()


@contextmanager
def read_ledger(data_dir: Path, name: str) -> Iterator[Ledger]:
    """Open a connector's book to read in it; an empty one where there is none. Nothing is written, but that what a
    killed process left half written is taken back, for which SQLite needs to be let write."""
    path = ledger_path(data_dir, name)
    there = path.is_file()
    target = f"{path.absolute().as_uri()}?mode=rw" if there else ":memory:"
    connection = sqlite3.connect(target, uri=there, timeout=BUSY_SECONDS)
    try:
        if not there:
            connection.executescript(_SCHEMA)
        yield Ledger(connection)
    finally:
        connection.close()
