"""What is defined: streams, steps and templates as the audit keeps them, one row whenever one of them changes."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.audit.ledger import Ledger
from orchestration.audit.tables import STEPS, STREAMS, TEMPLATES, Table
from orchestration.lapses import STOP
from orchestration.project import Stream

FOREVER = "forever"
# The step that passes the verdicts on what all the others left.
LAST_STEP = "unmatched"
_DEFAULTS = {"schedule": None, "failure_policy": STOP, "retention": FOREVER}


@dataclass(frozen=True)
class Step:
    """A step of a ladder, with the rule that dbt's manifest holds of it; `follows` is the model that takes what it
    leaves."""

    stream: str
    ladder: str
    step: str
    model: str
    position: int
    follows: str | None
    rule_text: str | None
    # Columns that a pair's target shares with its source, which alone holds them.
    on: tuple[str, ...]
    is_critical: bool

    @property
    def rule_hash(self) -> str | None:
        """Tells texts of a rule apart."""
        return digest(self.rule_text) if self.rule_text is not None else None

    @property
    def is_last(self) -> bool:
        """Whether this is where the verdicts on left-overs are."""
        return self.step == LAST_STEP


def digest(text: str) -> str:
    """SHA-256, its first 16 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def steps_of(streams: Mapping[str, Stream], manifest: Mapping[str, Any]) -> list[Step]:
    """The steps of all streams in the order in which they work, those of left-overs at the end of each ladder."""
    metas = {
        node["name"]: node["config"].get("meta", {})
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    found = []
    for stream in streams.values():
        for ladder, declared in stream.ladders.items():
            names = [*(declared.get("steps") or []), LAST_STEP]
            models = [f"{ladder}__{name}" for name in names]
            for position, (name, model) in enumerate(zip(names, models, strict=True), 1):
                if model in metas:
                    meta = metas[model]
                    follows = models[position] if position < len(models) else None
                    critical = bool(meta.get("critical", True))
                    on = tuple(meta.get("on") or ())
                    found.append(
                        Step(stream.name, ladder, name, model, position, follows, meta.get("rule"), on, critical)
                    )
    return found


def settings_of(stream: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a stream's page says of it: owner, schedule, failure policy and how long its artifacts are kept."""
    groups = (group for group in manifest.get("groups", {}).values() if group["name"] == stream)
    group = next(groups, None)
    if group is None:
        return {**_DEFAULTS, "owner": None}
    said = ((group.get("config") or {}).get("meta") or {}).get("stream") or {}
    owner = group.get("owner") or {}
    return {
        **_DEFAULTS,
        **{key: _text(said[key]) for key in _DEFAULTS if said.get(key)},
        "owner": " ".join(filter(None, (owner.get("name"), f"<{owner['email']}>" if owner.get("email") else None))),
    }


def _text(said: Any) -> str:
    """A setting as text; a mapping, as a schedule may be one, as JSON."""
    return json.dumps(said, sort_keys=True, default=str) if isinstance(said, dict) else str(said)


def changed(
    ledger: Ledger,
    run_id: str,
    streams: Mapping[str, Stream],
    steps: list[Step],
    manifest: Mapping[str, Any],
    templates: Mapping[str, Mapping[str, Any]],
) -> dict[Table, list[dict[str, Any]]]:
    """The rows of what is not defined as it was when it was last written down."""
    rows = {
        STREAMS: list(_stream_rows(streams, manifest)),
        STEPS: list(_step_rows(steps)),
        TEMPLATES: list(_template_rows(templates)),
    }
    keys = {STREAMS: ("stream",), STEPS: ("model",), TEMPLATES: ("template",)}
    return {
        table: [{**row, "run_id": run_id} for row in _not_known(ledger, table, keys[table], given)]
        for table, given in rows.items()
    }


def _stream_rows(streams: Mapping[str, Stream], manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for stream in streams.values():
        said = settings_of(stream.name, manifest)
        definition = json.dumps(
            {"ladders": stream.ladders, "marts": list(stream.marts)}, sort_keys=True, default=str, ensure_ascii=False
        )
        yield {
            "stream": stream.name,
            "definition": definition,
            "definition_hash": digest(definition),
            "owner": said["owner"],
            "schedule": said["schedule"],
            "failure_policy": said["failure_policy"],
            "retention_policy": said["retention"],
        }


def _step_rows(steps: list[Step]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield {
            "stream": step.stream,
            "ladder": step.ladder,
            "step": step.step,
            "model": step.model,
            "position": step.position,
            "is_critical": step.is_critical,
            "rule_hash": step.rule_hash,
            "rule_text": step.rule_text,
        }


def _template_rows(templates: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for name, said in templates.items():
        definition = json.dumps(said, sort_keys=True, default=str, ensure_ascii=False)
        yield {
            "template": name,
            "title": str(said.get("title") or name),
            "definition": definition,
            "definition_hash": digest(definition),
        }


def _not_known(
    ledger: Ledger, table: Table, key: tuple[str, ...], rows: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The rows that differ from the last one of their key."""
    if not rows:
        return
    names = list(rows[0])
    by = ", ".join(key)
    known = {
        tuple(row[names.index(column)] for column in key): row
        for row in ledger.rows(
            f"select {', '.join(names)} from {{schema}}.{table.name} where sequence_number in"
            f" (select max(sequence_number) from {{schema}}.{table.name} group by {by})"
        )
    }
    for row in rows:
        if known.get(tuple(row[column] for column in key)) != tuple(row[name] for name in names):
            yield row
