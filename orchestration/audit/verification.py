"""Proving that the audit is as it was written: the chain of every table, the states that runs and steps went through,
and every artifact's bytes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.audit import artifacts, recorder
from orchestration.audit.artifacts import FOLDER, checksum_of, file_of
from orchestration.audit.chain import Break, Link, breaks
from orchestration.audit.ledger import Ledger, read_anchors
from orchestration.audit.tables import ARTIFACTS, LINEAGE_EVENTS, RUN_STATES, RUNS, STATES, STEP_RUNS, TABLES, Table
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError, UsageError

PURGED = "PURGED"
FILE_REMOVED, FILE_CHANGED, FILE_INSERTED = "FILE_REMOVED", "FILE_CHANGED", "FILE_INSERTED"
FILE_KINDS = (FILE_REMOVED, FILE_CHANGED, FILE_INSERTED)
STATE = "STATE"
# What may come before what; None is before the first row.
BEFORE = {
    recorder.QUEUED: (None, recorder.FAILED, recorder.CANCELLED, recorder.SUCCEEDED, recorder.SKIPPED),
    recorder.RUNNING: (recorder.QUEUED,),
    recorder.SUCCEEDED: (recorder.RUNNING,),
    recorder.FAILED: (recorder.RUNNING, recorder.QUEUED),
    recorder.CANCELLED: (recorder.RUNNING, recorder.QUEUED),
    recorder.SKIPPED: (None, recorder.QUEUED),
}


@dataclass
class Proof:
    """What was looked at, and what is not as it was written."""

    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    purged: int = 0
    faults: list[Break] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """The proof as `tieout audit verify --json` prints it."""
        faults = [
            {"where": f.table, "row": f.sequence_number or None, "kind": f.kind, "message": f.message}
            for f in self.faults
        ]
        return {
            "verified": self.holds,
            "rows": self.rows,
            "artifacts": self.files,
            "purged": self.purged,
            "faults": faults,
        }


@dataclass
class Registered:
    """What the audit says of files, of one org where one is named: each artifact with where it stands, the purged ones,
    and the runs of which nothing need be registered yet; and the files that were there just before it was asked."""

    there: list[str] = field(default_factory=list)
    artifacts: list[tuple[int, str, str, str, str]] = field(default_factory=list)
    purged: set[str] = field(default_factory=set)
    open_runs: set[str] = field(default_factory=set)


def verify(
    ledger: Ledger | None,
    data: DataDir,
    target: str,
    org: str | None = None,
    heads: Mapping[str, tuple[int, str]] | None = None,
) -> Proof:
    """Recompute the chain of every table and the checksum of every artifact (see `verify_tables`)."""
    proof, registered = verify_tables(ledger, data, target, org, heads)
    look_at_files(proof, registered, data)
    return proof


def verify_tables(
    ledger: Ledger | None,
    data: DataDir,
    target: str,
    org: str | None = None,
    heads: Mapping[str, tuple[int, str]] | None = None,
) -> tuple[Proof, Registered | None]:
    """Recompute the chain of every table, and read what is registered of files; `look_at_files` looks at them, and
    needs no warehouse. org: whose files are of interest; none for all.

    heads: where tables ended by a note that was kept elsewhere (`heads_of`), which whoever can change all of the data
    folder cannot.

    Raises:
        TieoutError: the notes of where the tables ended cannot be read.
    """
    proof = Proof()
    # A run may be at work on a server all the while. What is noted before the tables are read has to be in them; what
    # is noted by then may be. A file that is there before they are read is one that they know, or of a run under way.
    there = _files_there(data, target, org)
    notes = read_anchors(data, target)
    lacking = {table.name for table in TABLES} if ledger is None else ledger.lacks()
    meanwhile = read_anchors(data, target)
    for table in TABLES:
        ends = notes.written.get(table.name, [])
        noted = {end.rows: end.row_hash for end in ends}
        if heads and table.name in heads:
            rows, row_hash = heads[table.name]
            noted = {**noted, rows: row_hash}
        if ledger is None or table.name in lacking:
            if noted:
                message = f"the table is not there; it had {max(noted)} rows"
                proof.faults.append(Break(table.name, 1, "REMOVED", message))
            continue
        proof.faults += _taken_back(table, ends)
        counted = _Counted(ledger.scan(table))
        found = breaks(table.name, counted, noted, meanwhile.most_rows(table.name))
        proof.faults += _described(ledger, table, found)
        proof.rows[table.name] = counted.rows
    if ledger is None or not ledger.exists():
        return proof, None
    proof.faults += _states(ledger)
    return proof, _registered(ledger, org, there)


def _taken_back(table: Table, ends: list[Link]) -> Iterator[Break]:
    """Where the notes go back: rows that stood there were gone when the next ones were written."""
    highest = 0
    for end in ends:
        if end.rows <= highest:
            message = f"the table had {highest} rows; some were taken away before row {end.rows} was written"
            yield Break(table.name, end.rows, "REMOVED", message)
            return
        highest = end.rows


def heads_of(ledger: Ledger) -> dict[str, list[Any]]:
    """Where every table ends: what to keep outside of the data folder."""
    lacking = ledger.lacks()
    ends = {table.name: ledger.end_of(table) for table in TABLES if table.name not in lacking}
    return {name: [end.rows, end.row_hash] for name, end in ends.items() if end.rows}


def read_heads(file: Path) -> dict[str, tuple[int, str]]:
    """A note of where tables ended, as `tieout audit head` printed it.

    Raises:
        UsageError: it is no such note.
    """
    try:
        said = {name: (int(end[0]), str(end[1])) for name, end in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise UsageError(f"--head {file} is not what `tieout audit head` prints: {error}") from error
    if not said or not {table.name for table in TABLES}.issuperset(said):
        raise UsageError(
            f"--head {file} is not what `tieout audit head` prints: it names {', '.join(said) or 'nothing'}."
        )
    return said


class _Counted:
    """Rows on their way, counted."""

    def __init__(self, rows: Iterator[dict[str, Any]]) -> None:
        self._source, self.rows = rows, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._source:
            self.rows += 1
            yield row


def _described(ledger: Ledger, table: Table, found: Iterator[Break]) -> Iterator[Break]:
    """The first break of a table, and how many follow from there; what comes after it can be wrong because of it."""
    first = next(found, None)
    if first is None:
        return
    more = sum(1 for _ in found)
    names = [
        name
        for name in ("run_id", "step_run_id", "artifact_id", "delivery_id", "stream", "model")
        if name in table.names
    ]
    told = ledger.rows(
        f"select {', '.join(names)} from {{schema}}.{table.name} where sequence_number = ? limit 1",
        [first.sequence_number],
    )
    who = ", ".join(f"{n} {v}" for n, v in zip(names, told[0], strict=True) if v) if told else ""
    text = first.message + (f" ({who})" if who else "") + (f"; {more} more rows after it do not hold" if more else "")
    yield Break(first.table, first.sequence_number, first.kind, text)


def _states(ledger: Ledger) -> Iterator[Break]:
    """Runs and steps that went through states in an order in which none can."""
    for table, key in ((RUNS, STATES[RUN_STATES][1]), (STEP_RUNS, "step_run_id")):
        for number, one, state, before in ledger.rows(
            f"select sequence_number, {key}, state, before from (select sequence_number, {key}, state,"
            f" lag(state) over (partition by {key} order by sequence_number) as before"
            f" from {{schema}}.{table.name}) as said order by sequence_number"
        ):
            if before not in BEFORE.get(state, ()):
                message = f"{one} is {state} after {before or 'nothing'}: no run writes that"
                yield Break(table.name, number, STATE, message)
                break


def _files_there(data: DataDir, target: str, org: str | None) -> list[str]:
    """The paths of all files below the artifacts of a target, or of one org."""
    folder = data.root / FOLDER / target
    own = folder / artifacts.folder_name(org) if org else folder
    return [file.relative_to(data.root).as_posix() for file in sorted(own.rglob("*")) if file.is_file()]


def _registered(ledger: Ledger, org: str | None, there: list[str]) -> Registered:
    purged = ledger.rows(f"select artifact_id from {{schema}}.{LINEAGE_EVENTS.name} where event_type = '{PURGED}'")
    files = ledger.rows(
        f"select sequence_number, org_id, artifact_id, storage_path, checksum from {{schema}}.{ARTIFACTS.name}"
        f" {'where org_id = ?' if org else ''} order by sequence_number",
        [org] if org else [],
    )
    # Of a run that has not ended, or that was killed and that the next run tells of, nothing is registered yet.
    under_way = ledger.rows(
        f"select run_id from {{schema}}.{RUN_STATES} where state in ('{recorder.QUEUED}', '{recorder.RUNNING}')"
    )
    return Registered(there, files, {artifact for (artifact,) in purged}, {run for (run,) in under_way})


def look_at_files(proof: Proof, registered: Registered | None, data: DataDir) -> None:
    """Look at every registered file that has not been purged, and for files that nobody registered; what is wrong goes
    to the proof."""
    if registered is None:
        return
    known = set()
    for number, owner, artifact, path, checksum in registered.artifacts:
        known.add(path)
        if artifact in registered.purged:
            proof.purged += 1
            continue
        proof.files += 1
        try:
            file = file_of(data, owner, path)
        except TieoutError as error:
            proof.faults.append(Break(ARTIFACTS.name, number, "CHANGED", str(error)))
            continue
        if not file.is_file():
            proof.faults.append(
                Break(path, 0, FILE_REMOVED, f"the file of artifact {artifact} is not there; nobody purged it")
            )
        elif checksum_of(file) != checksum:
            proof.faults.append(
                Break(path, 0, FILE_CHANGED, f"the bytes of artifact {artifact} are not what was written")
            )
    for path in registered.there:
        # What a run that broke off has left goes with the run after it.
        is_odd = path not in known and registered.open_runs.isdisjoint(Path(path).parts)
        if is_odd and (data.root / path).is_file():
            proof.faults.append(Break(path, 0, FILE_INSERTED, "no run registered this file"))


def is_due(expires_at: datetime | None, now: datetime) -> bool:
    """Whether a file need not be kept any longer."""
    return expires_at is not None and expires_at <= now.replace(tzinfo=None)
