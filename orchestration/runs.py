"""One record a run (`runs/<run_id>.json`): written when it starts and when it ends, so that a crash can be told
from an end."""

import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from orchestration import clock, logs
from orchestration.data_dir import DataDir, write_json


class State(StrEnum):
    """How far a run came. A record that says RUNNING while nobody holds the lock is of a run that crashed."""

    RUNNING = "RUNNING"
    CLOSED = "CLOSED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass
class RunRecord:
    """What is known of one run. Times as `clock.to_text` writes them; `built` tells that dbt has touched the
    warehouse."""

    run_id: str
    as_of: str
    started_at: str
    target: str
    replay: bool
    state: State = State.RUNNING
    ended_at: str | None = None
    built: bool = False
    stream: str | None = None
    # Whose new records the run judges (see environment.MODES).
    mode: str = "daily"
    # The code that the run builds with (see code_version).
    code_version: str | None = None
    # All that dbt parses (see parsed.parse_key), and how many batches each feed of an org had: what the next run may
    # rest on.
    project_key: str | None = None
    batches: dict[str, int] = field(default_factory=dict)
    landed: dict[str, int] = field(default_factory=dict)
    # What each connector brought, and what the run goes on without because one could not be worked with.
    connectors: dict[str, dict[str, Any]] = field(default_factory=dict)
    lapses: list[str] = field(default_factory=list)
    # Seconds by step, so far.
    timings: dict[str, float] = field(default_factory=dict)
    summary: dict[str, Any] | None = None
    # Who started it and why, as the audit says it; `requested` is all that makes two runs the same request.
    started_by: str = ""
    start_reason: str = ""
    requested: dict[str, Any] = field(default_factory=dict)
    # Why it failed (see audit.failures), and whether the audit holds its end.
    failure: dict[str, str] | None = None
    audited: bool = False
    # Whether readers see what the run came to, so that whatever breaks it off afterwards takes nothing of that back.
    published: bool = False
    # Tries of parts of the run that the machine failed and that were done again: part, failure and when; and how many
    # of them the audit has been told.
    retries: list[dict[str, Any]] = field(default_factory=list)
    retries_told: int = 0
    # Whether the audit holds how the steps of the build ended.
    noted: bool = False
    # What the readable summary shows beyond the JSON one, so that it can be shown again without a warehouse.
    facts: dict[str, Any] | None = None

    @property
    def scope(self) -> str | None:
        """The one stream that the run was asked for, None for all; it may have to build more than that (`stream`)."""
        return (self.requested or {}).get("stream", self.stream)

    def save(self, data: DataDir) -> None:
        """Write the record, whole or not at all."""
        write_json(data.runs / f"{self.run_id}.json", asdict(self))

    def end(self, data: DataDir, state: State, ended: datetime) -> None:
        """Say how the run ended, and save."""
        self.state, self.ended_at = state, clock.to_text(ended)
        self.save(data)


def restored_file(data: DataDir, target: str) -> Path:
    """The note that a data folder came out of a backup: the runs on record before that have left nothing in the
    warehouse but the audit."""
    return data.root / "audit" / f"restored-{target}.json"


def restored_at(data: DataDir, target: str) -> str | None:
    """When a target was restored from a backup, as `clock.to_text` writes it; None where it never was."""
    file = restored_file(data, target)
    return json.loads(file.read_text(encoding="utf-8"))["restored_at"] if file.is_file() else None


def is_fresh_restore(data: DataDir) -> bool:
    """Whether a data folder came out of a backup and no run has closed the books in it since: it may be a drill's."""
    notes = (data.root / "audit").glob("restored-*.json")
    moments = [json.loads(file.read_text(encoding="utf-8"))["restored_at"] for file in notes]
    if not moments:
        return False
    since = max(moments)
    records = (load(data, file.stem) for file in sorted(data.runs.glob("*.json"), reverse=True))
    return not any(
        record.state == State.CLOSED and not record.replay and record.started_at >= since
        for record in records
        if record is not None
    )


def new_run_id(started: datetime, suffix: str | None = None) -> str:
    """An id that sorts by time and never comes twice; `suffix` ties it to the run of another system."""
    return f"{started:%Y%m%dT%H%M%SZ}-{suffix or uuid.uuid4().hex[:8]}"


def next_run_id(data: DataDir, started: datetime, suffix: str | None = None) -> str:
    """An id that sorts behind those of all runs on record, also where the clock has been put back since."""
    newest = max((file.stem for file in data.runs.glob("*.json")), default="")
    if newest[:16] < f"{started:%Y%m%dT%H%M%SZ}":
        return new_run_id(started, suffix)
    after = datetime.strptime(newest[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + timedelta(seconds=1)
    return new_run_id(after, suffix)


def of_suffix(data: DataDir, suffix: str) -> RunRecord | None:
    """The record that a run of another system has begun, if it has."""
    ids = sorted(file.stem for file in data.runs.glob(f"*Z-{suffix}.json"))
    return load(data, ids[-1]) if ids else None


def load(data: DataDir, run_id: str) -> RunRecord | None:
    """The record of a run, if there is one. One that cannot be read counts as none, and is told once."""
    file = data.runs / f"{run_id}.json"
    content = _content(file)
    if content is None:
        return None
    try:
        return RunRecord(**{**content, "state": State(content["state"])})
    except (KeyError, TypeError, ValueError) as error:
        _tell_unreadable(file, error)
        return None


def _content(file: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        _tell_unreadable(file, error)
        return None
    if isinstance(content, dict):
        return content
    _tell_unreadable(file, TypeError("it is no object"))
    return None


# As `RunRecord.save` writes it; within a text it would have other quotes, and within anything else another indent.
_AUDITED = b'\n  "audited": true'
_told_of: set[Path] = set()


def _tell_unreadable(file: Path, error: Exception) -> None:
    """Say once that a record cannot be read; the file stays as it is."""
    if file in _told_of:
        return
    _told_of.add(file)
    found = "it is empty" if not file.stat().st_size else f"{type(error).__name__}: {error}"
    said = (
        f"Warning: the run record {file} cannot be read ({found}), and counts as none. Bring it back from a backup, or"
        " move it out of the folder."
    )
    logs.warning("run_record_unreadable", message=said)
    sys.stderr.write(f"tieout: {said}\n")


def all_of(data: DataDir, target: str) -> Iterator[RunRecord]:
    """The records of a target, oldest first."""
    for file in sorted(data.runs.glob("*.json")):
        record = load(data, file.stem)
        if record is not None and record.target == target:
            yield record


def untold(data: DataDir, target: str) -> Iterator[RunRecord]:
    """The records of a target whose end the audit does not hold, oldest first. All others, years of them, are not
    parsed."""
    for file in sorted(data.runs.glob("*.json")):
        if _AUDITED not in file.read_bytes():
            record = load(data, file.stem)
            if record is not None and record.target == target and not record.audited:
                yield record


def latest_built_as_of(data: DataDir) -> datetime | None:
    """The latest `as_of` to which the books were ever brought; a replay, or a run that ended before dbt began, moves
    nothing.

    Ids sort by time and a run before the latest `as_of` is a replay, so the newest record that counts holds the answer.
    """
    for file in sorted(data.runs.glob("*.json"), reverse=True):
        content = _content(file)
        if content and content.get("built") and not content.get("replay"):
            return clock.from_text(content["as_of"])
    return None


def latest_built(data: DataDir, target: str) -> RunRecord | None:
    """The newest run that changed a target, however it ended."""
    for file in sorted(data.runs.glob("*.json"), reverse=True):
        record = load(data, file.stem)
        if record is not None and record.built and not record.replay and record.target == target:
            return record
    return None


def latest_with_summary(data: DataDir, target: str) -> RunRecord | None:
    """The newest run on a target that came to an answer."""
    for file in sorted(data.runs.glob("*.json"), reverse=True):
        record = load(data, file.stem)
        if record is not None and record.summary is not None and record.target == target:
            return record
    return None
