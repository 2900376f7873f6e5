"""What has been told to whom: the spool `alerts/<target>.jsonl` of the data folder, one line an event, only ever added
to, on the disk before anything is sent on the strength of it.

It says what goes out (`raised`, with the message), what was tried (`delivery`), what waits for the end of a quiet
period (`held`) and which ends of runs have been looked at (`seen`). No lock of the data folder is needed for it, so
that people are told while a run works; the audit takes the deliveries in when it can (see `noting`).
"""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration import clock
from orchestration.alerts.words import Message
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError
from orchestration.waiting import lock_file

FOLDER = "alerts"
SENT, FAILED, GAVE_UP, SUPPRESSED = "SENT", "FAILED", "GAVE_UP", "SUPPRESSED"
# After these nothing more happens to a message in a channel.
SETTLED = (SENT, GAVE_UP, SUPPRESSED)
# What a spool may grow to before settled messages lose their texts, and those of long ago go.
MOST_BYTES = 8_000_000
KEPT_FOR = timedelta(days=90)


def key_of(*parts: Any) -> str:
    """The key of an alert, made of all that makes it the same one."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Alert:
    """Something that people are to know. `key` says what makes two alerts the same; `exceptions` are those that it
    tells of; `subject` is what a later alert about the same thing is known by."""

    key: str
    kind: str
    severity: str
    message: Message
    org_id: str | None = None
    streams: tuple[str, ...] = ()
    counterparty_id: str | None = None
    run_id: str | None = None
    exceptions: tuple[str, ...] = ()
    subject: str | None = None
    # That what an earlier alert of this subject told of is over.
    is_over: bool = False


@dataclass
class Raised:
    """An alert in the spool: when it was raised, which addresses of channels it goes to, and whether a quiet period has
    held it."""

    alert: Alert
    channels: tuple[str, ...]
    at: datetime
    held: bool = False


@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver, or why there was none."""

    number: int
    key: str
    channel: str
    state: str
    attempt: int
    at: datetime
    digest: str | None = None
    error: str | None = None


@dataclass
class Journal:
    """The spool as it stands. Only who holds `alone` adds to it."""

    file: Path
    raised: dict[str, Raised] = field(default_factory=dict)
    attempts: dict[tuple[str, str], list[Attempt]] = field(default_factory=lambda: defaultdict(list))
    seen: set[str] = field(default_factory=set)
    # Failed files that have been looked at (see failed_files).
    files: set[str] = field(default_factory=set)
    # When the file of a run's record was last written, as far as it has been looked at: nanoseconds by run.
    looked_at: dict[str, int] = field(default_factory=dict)
    begun_at: datetime | None = None
    compacted_at: datetime | None = None
    last_number: int = 0

    @classmethod
    def of(cls, data: DataDir, target: str) -> "Journal":
        """The spool of a data folder and target; empty where nothing was ever told.

        Raises:
            TieoutError: a line of it cannot be read.
        """
        journal = cls(spool(data, target))
        content = journal.file.read_bytes() if journal.file.is_file() else b""
        # A line without its end was being written when the machine stopped.
        for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
            try:
                journal._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise TieoutError(
                    f"{journal.file}, line {number}: this note of what people were told cannot be read: it has been"
                    " changed. Put the file back from a backup, or take the line out."
                ) from error
        return journal

    def _take(self, said: dict[str, Any]) -> None:
        what = said["what"]
        at = clock.from_text(said["at"])
        if what == "raised":
            alert = Alert(
                **{
                    **said["alert"],
                    "message": Message.from_json(said["alert"]["message"]),
                    "streams": tuple(said["alert"]["streams"]),
                    "exceptions": tuple(said["alert"]["exceptions"]),
                }
            )
            self.raised[alert.key] = Raised(alert, tuple(said["channels"]), at, said.get("held", False))
        elif what == "delivery":
            fields = {name: said.get(name) for name in ("number", "key", "channel", "state", "attempt")}
            attempt = Attempt(**fields, at=at, digest=said.get("digest"), error=said.get("error"))
            self.attempts[attempt.key, attempt.channel].append(attempt)
            self.last_number = max(self.last_number, attempt.number)
        elif what == "held" and said["key"] in self.raised:
            self.raised[said["key"]].held = True
        elif what == "seen":
            self.seen.add(said["mark"])
            self.looked_at[said["mark"].split(" ")[0]] = said.get("written", 0)
        elif what == "files":
            self.files.update(said["marks"])
        elif what == "begun":
            self.begun_at = at
        elif what == "numbered":
            self.compacted_at = at
            self.last_number = max(self.last_number, int(said["number"]))

    def add(self, events: Sequence[dict[str, Any]]) -> None:
        """Add events, all of them on the disk before this returns."""
        if not events:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(event, ensure_ascii=True) + "\n" for event in events)
        with self.file.open("ab+") as file:
            _cut_unfinished(file)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        for event in events:
            self._take(event)

    def deliveries(self, after: int = 0) -> list[tuple[Attempt, Alert]]:
        """What was tried, in order, with the alert that it was about."""
        found = [attempt for tried in self.attempts.values() for attempt in tried if attempt.number > after]
        return [
            (attempt, self.raised[attempt.key].alert)
            for attempt in sorted(found, key=lambda one: one.number)
            if attempt.key in self.raised
        ]

    def state_of(self, key: str, channel: str) -> str | None:
        """How an alert stands in a channel; None where nothing was tried yet."""
        tried = self.attempts.get((key, channel))
        return tried[-1].state if tried else None

    def tried(self) -> dict[str, dict[str, list[Attempt]]]:
        """What was tried, by alert and address."""
        found: dict[str, dict[str, list[Attempt]]] = defaultdict(dict)
        for (key, address), attempts in self.attempts.items():
            found[key][address] = attempts
        return found

    def latest(self, kind: str) -> dict[str, Raised]:
        """The latest alert of each subject of a kind."""
        return {
            raised.alert.subject: raised
            for raised in self.raised.values()
            if raised.alert.kind == kind and raised.alert.subject
        }

    def open_subjects(self, kind: str) -> dict[str, Raised]:
        """The latest alert of each subject of a kind that is not over yet."""
        return {subject: raised for subject, raised in self.latest(kind).items() if not raised.alert.is_over}

    def compact(self, noted: int, now: datetime, most_bytes: int = MOST_BYTES) -> None:
        """Make a spool that has grown too large smaller, once a day at most: what is settled and noted in the audit
        loses its text, and after `KEPT_FOR` its line. Marks of runs, open subjects and the latest reminder of each
        exception stay."""
        if not self.file.is_file() or self.file.stat().st_size <= most_bytes:
            return
        if self.compacted_at is not None and now - self.compacted_at < timedelta(days=1):
            return
        from orchestration.alerts import connectors

        open_keys = {raised.alert.key for raised in self.open_subjects("late_feed").values()}
        open_keys |= connectors.open_keys(self)
        lines: list[dict[str, Any]] = [{"what": "numbered", "number": self.last_number, "at": clock.to_text(now)}]
        if self.begun_at:
            lines.append({"what": "begun", "at": clock.to_text(self.begun_at)})
        lines += [seen_event(mark, now, self.looked_at[mark.split(" ")[0]]) for mark in sorted(self.seen)]
        if self.files:
            lines.append(files_event(sorted(self.files), now))
        reminded = {
            (raised.alert.org_id, one): key for key, raised in self.raised.items() for one in raised.alert.exceptions
        }
        all_tried = self.tried()
        for key, raised in self.raised.items():
            tried = [attempt for attempts in all_tried[key].values() for attempt in attempts]
            done = all(
                any(a.channel == name and a.state in SETTLED for a in tried) for name in self._names(raised, tried)
            )
            done = done and bool(tried) and max(attempt.number for attempt in tried) <= noted
            event = raised_event(raised.alert, raised.channels, raised.at, held=raised.held)
            latest = [one for one in raised.alert.exceptions if reminded[raised.alert.org_id, one] == key]
            event["alert"]["exceptions"] = latest
            if done and key not in open_keys and not latest and now - raised.at > KEPT_FOR:
                continue
            if done:
                event["alert"]["message"]["blocks"] = []
            lines.append(event)
            lines += [delivery_event(attempt) for attempt in tried]
        scratch = self.file.with_name(f".{self.file.name}.tmp")
        with scratch.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.file)

    @staticmethod
    def _names(raised: Raised, tried: Sequence[Attempt]) -> set[str]:
        return set(raised.channels) | {attempt.channel for attempt in tried}


def spool(data: DataDir, target: str) -> Path:
    """Where the spool of a target lies."""
    return data.root / FOLDER / f"{target}.jsonl"


def raised_event(alert: Alert, channels: Sequence[str], at: datetime, *, held: bool = False) -> dict[str, Any]:
    """That an alert goes out, and where to: the names of addresses."""
    return {
        "what": "raised",
        "at": clock.to_text(at),
        "channels": list(channels),
        **({"held": True} if held else {}),
        "alert": {
            "key": alert.key,
            "kind": alert.kind,
            "severity": alert.severity,
            "message": alert.message.to_json(),
            "org_id": alert.org_id,
            "streams": list(alert.streams),
            "counterparty_id": alert.counterparty_id,
            "run_id": alert.run_id,
            "exceptions": list(alert.exceptions),
            "subject": alert.subject,
            "is_over": alert.is_over,
        },
    }


def seen_event(mark: str, at: datetime, written: int) -> dict[str, Any]:
    """That the end of a run has been looked at, in a record written at so many nanoseconds."""
    return {"what": "seen", "mark": mark, "at": clock.to_text(at), "written": written}


def files_event(marks: Sequence[str], at: datetime) -> dict[str, Any]:
    """That failed files have been looked at."""
    return {"what": "files", "marks": list(marks), "at": clock.to_text(at)}


def delivery_event(attempt: Attempt) -> dict[str, Any]:
    """That a delivery was tried, or will not be."""
    said = {**attempt.__dict__, "at": clock.to_text(attempt.at)}
    return {"what": "delivery", **{name: value for name, value in said.items() if value is not None}}


def _cut_unfinished(file: Any) -> None:
    """Cut off a last line that a power cut left without its end."""
    end = file.seek(0, os.SEEK_END)
    at = end
    while at > 0:
        first = max(0, at - 65_536)
        file.seek(first)
        found = file.read(at - first).rfind(b"\n")
        if found >= 0:
            at = first + found + 1
            break
        at = first
    if at < end:
        file.truncate(at)
    file.seek(0, os.SEEK_END)


@contextmanager
def alone(data: DataDir, wait: float) -> Iterator[bool]:
    """Be the only one that tells people; yields False when somebody else still does after `wait` seconds."""
    folder = data.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        yield lock_file(handle, wait)
