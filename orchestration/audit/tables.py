"""The tables of the audit: their columns, and the statements that make them, the same on every engine.

Times are UTC without a zone. Every table begins with `sequence_number` and ends with `recorded_at`, `previous_hash` and
`row_hash`. Rows are only ever added; what a run or a step is now, its last row says (views `*_states`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

SCHEMA = "audit"
# Columns that every table has around its own.
FIRST = ("sequence_number", "bigint")
LAST = (("recorded_at", "timestamp"), ("previous_hash", "text"), ("row_hash", "text"))


@dataclass(frozen=True)
class Table:
    """A table by name, with its own columns and their types in order."""

    name: str
    own: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """All columns in order."""
        return (FIRST, *self.own, *LAST)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns in order."""
        return tuple(name for name, _ in self.columns)


def _texts(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "text") for name in names)


def _counts(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "bigint") for name in names)


def _times(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "timestamp") for name in names)


# How far something came, and how it failed.
_PROGRESS = (
    *_texts("state"),
    *_counts("attempt"),
    *_texts("idempotency_key"),
    *_times("started_at", "ended_at"),
    *_texts("started_by", "start_reason"),
)
_FAILURE = _texts("failure_class", "failure_code", "failure_message")

ROWS_OUT = (
    *("rows_matched", "rows_mismatched", "rows_missing_source", "rows_missing_target", "rows_pending"),
    *("rows_ambiguous", "rows_excluded", "rows_left_source", "rows_left_target"),
)

STREAMS = Table(
    "reconciliation_streams",
    _texts(
        *("stream", "definition_hash", "definition", "owner", "schedule", "failure_policy", "retention_policy"),
        "run_id",
    ),
)
STEPS = Table(
    "reconciliation_steps",
    (
        *_texts("stream", "ladder", "step", "model"),
        *_counts("position"),
        ("is_critical", "boolean"),
        *_texts("rule_hash", "rule_text", "run_id"),
    ),
)
TEMPLATES = Table("reconciliation_templates", _texts("template", "title", "definition_hash", "definition", "run_id"))
RUNS = Table(
    "reconciliation_runs",
    (
        *_texts("run_id"),
        *_PROGRESS,
        *_times("as_of"),
        *_texts("target", "stream", "mode"),
        ("is_replay", "boolean"),
        *_texts("code_version"),
        *_counts("batches_landed", "rows_landed", "rows_rejected", "files_failed"),
        *_texts("results_hashes", "lapses"),
        *_FAILURE,
        *_texts("what_to_do"),
    ),
)
STEP_RUNS = Table(
    "reconciliation_step_runs",
    (
        *_texts("step_run_id", "run_id", "stream", "ladder", "step", "model"),
        *_PROGRESS,
        *_texts("rule_hash"),
        *_counts("rows_in_source", "rows_in_target", *ROWS_OUT, "rows_judged"),
        *_FAILURE,
    ),
)
ARTIFACTS = Table(
    "reconciliation_artifacts",
    (
        *_texts("artifact_id", "org_id", "run_id", "step_run_id", "stream", "ladder", "step", "model"),
        *_texts("artifact_type", "storage_path", "checksum"),
        *_counts("row_count", "byte_count"),
        *_texts("judged_run_ids", "content_hash", "retention_policy"),
        *_times("created_at", "expires_at"),
    ),
)
LINEAGE_EVENTS = Table(
    "reconciliation_lineage_events",
    (
        *_texts("event_type", "org_id", "run_id", "step_run_id", "artifact_id", "downstream_step_run_id"),
        *_counts("row_count"),
        *_times("occurred_at"),
        *_texts("actor", "event_reason"),
    ),
)
# What people were told, or could not be (see orchestration/alerts).
ALERT_DELIVERIES = Table(
    "alert_deliveries",
    (
        *_texts("delivery_id", "alert_key", "kind", "org_id", "stream", "severity", "counterparty_id"),
        *_texts("channel", "state"),
        *_counts("attempt"),
        *_texts("error", "message_sha256", "run_id"),
        *_times("attempted_at"),
    ),
)
TABLES = (STREAMS, STEPS, TEMPLATES, RUNS, STEP_RUNS, ARTIFACTS, LINEAGE_EVENTS, ALERT_DELIVERIES)

# What a run or a step run is now: its last row.
RUN_STATES = "reconciliation_run_states"
STATES = {RUN_STATES: (RUNS, "run_id"), "reconciliation_step_run_states": (STEP_RUNS, "step_run_id")}
DEAD_LETTERS = "dead_letters"


def statements(schema: str, there: Mapping[str, set[str]]) -> list[str]:
    """The statements that make the schema, its tables and views as they are declared here; `schema` as it stands in a
    query. there: the columns of each table that there is already, none in a new warehouse and all in one that is up to
    date, for which nothing is to be done."""
    missing = {table: [c for c in table.columns if c[0] not in there.get(table.name, set())] for table in TABLES}
    if not any(missing.values()):
        return []
    made = [f"create schema if not exists {schema}"]
    # A view cannot be replaced by one with a column more in between.
    made += [f"drop view if exists {schema}.{view}" for view in (DEAD_LETTERS, *STATES) if there]
    for table, columns in missing.items():
        if table.name in there:
            made += [f"alter table {schema}.{table.name} add column {name} {kind}" for name, kind in columns]
        else:
            listed = ", ".join(f"{name} {kind}" for name, kind in columns)
            made.append(f"create table if not exists {schema}.{table.name} ({listed})")
    for view, (table, key) in STATES.items():
        made.append(
            f"create or replace view {schema}.{view} as"
            f" select {', '.join(f'said.{name}' for name in table.names)} from {schema}.{table.name} as said"
            f" inner join (select {key}, max(sequence_number) as sequence_number from {schema}.{table.name}"
            f" group by {key}) as last on said.sequence_number = last.sequence_number"
        )
    # A failed run is dealt with once a later one of the same scope has closed the books.
    made.append(
        f"create or replace view {schema}.{DEAD_LETTERS} as"
        " select failed.run_id, failed.as_of, failed.target, failed.stream, failed.started_at, failed.ended_at,"
        " failed.attempt, failed.started_by, failed.start_reason, failed.failure_class, failed.failure_code,"
        " failed.failure_message, failed.what_to_do,"
        f" exists (select 1 from {schema}.reconciliation_run_states as later where later.state = 'SUCCEEDED'"
        " and not later.is_replay and later.target = failed.target and later.started_at > failed.started_at"
        " and (later.stream is null or later.stream = failed.stream)) as is_dealt_with"
        f" from {schema}.reconciliation_run_states as failed where failed.state = 'FAILED'"
    )
    return made
