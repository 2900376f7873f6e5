"""Declared columns exist: in conditions that are plain SQL, in the YAML of the canonical models, and in the tables of a
warehouse that has been built. What a step or a ladder names is judged by the macros (`declarations`)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.validate.faults import WARNING, Fault, listed
from orchestration.validate.loaded import REGISTRY, Project, entries, records_of, texts
from orchestration.validate.macros import Macros, ask

# A text of SQL, in which a name is none.
TEXT = re.compile(r"'(?:[^']|'')*'")


def check(project: Project, macros: Macros, streams: list[str]) -> Iterator[Fault]:
    """Columns that these streams name and that are not there."""
    canonical = ask(macros, "_canonical_columns") or []
    for stream in streams:
        for ladder, body in project.ladders(stream).items():
            yield from _excluded(project, macros, stream, ladder, body)
        yield from _consistency(project, macros, stream, canonical)
        yield from _described(project, macros, stream, canonical)


def _names(condition: Any, *relations: str) -> dict[str, list[str]]:
    """The columns that a condition takes of each relation."""
    plain = TEXT.sub("''", condition) if isinstance(condition, str) else ""
    return {
        relation: list(dict.fromkeys(re.findall(rf"(?<![\w.]){relation}\.([A-Za-z_]\w*)", plain)))
        for relation in relations
    }


def _excluded(project: Project, macros: Macros, stream: str, ladder: str, body: dict[str, Any]) -> Iterator[Fault]:
    excluded = body.get("excluded")
    known = ask(macros, "_ladder", ladder)
    kept = ask(macros, "_record_columns", known) if known else None
    if not isinstance(excluded, dict) or not kept:
        return
    for role, rule in excluded.items():
        condition = rule.get("when") if isinstance(rule, dict) else None
        for column in _names(condition, "records")["records"]:
            if column not in ("org_id", *kept):
                message = (
                    f"ladder '{ladder}': excluded.{role}.when asks for '{column}', which this ladder does not keep;"
                    f" there are {listed(('org_id', *kept))}. Add it to the ladder's `carries` if it is a canonical"
                    " column."
                )
                path = ("vars", "streams", stream, "ladders", ladder, "excluded", str(role), "when")
                yield Fault("column-unknown", message, REGISTRY, project.registry.line(*path), stream)


def _consistency(project: Project, macros: Macros, stream: str, canonical: list[str]) -> Iterator[Fault]:
    for name, rule in project.registry.mapping("vars", "streams", stream, "consistency").items():
        if not isinstance(rule, dict):
            continue
        allowed = canonical + (ask(macros, "_attributes", records_of(rule.get("records"))) or [])
        for key, relations in (
            ("where", ("record",)),
            ("needs", ("record", "other")),
            ("forbids", ("record", "other")),
        ):
            for relation, columns in _names(rule.get(key), *relations).items():
                for column in columns:
                    if allowed and column not in allowed:
                        message = (
                            f"consistency rule '{name}': {key} asks for '{relation}.{column}', which is no column of"
                            f" '{rule.get('records')}'; there are {listed(allowed)}."
                        )
                        path = ("vars", "streams", stream, "consistency", str(name), key)
                        yield Fault("column-unknown", message, REGISTRY, project.registry.line(*path), stream)


def wanted(project: Project, macros: Macros, stream: str) -> Iterator[tuple[str, str, int]]:
    """What a stream takes of its sides' canonical models beyond the columns that every step keeps: model, column, and
    the line of the registry that names it."""
    canonical = ask(macros, "_canonical_columns") or []
    for ladder, body in project.ladders(stream).items():
        known = ask(macros, "_ladder", ladder)
        for role in ("source", "target"):
            records = records_of(body.get(role))
            if known and records and known["stream"] == stream:
                for column in ask(macros, "_record_columns", known) or []:
                    path = ("vars", "streams", stream, "ladders", ladder)
                    own = [key for key in ("carries", "attributes") if column in _keys(body.get(key))]
                    line = project.registry.line(*path, *own[:1], value=[column] if own else ())
                    if column in canonical or column in (ask(macros, "_attributes", records) or []):
                        yield records, column, line


def _keys(given: Any) -> list[str]:
    return list(given) if isinstance(given, dict) else texts(given)


def _described(project: Project, macros: Macros, stream: str, canonical: list[str]) -> Iterator[Fault]:
    """Columns that the YAML of a canonical model does not have, though the ladder takes them."""
    described = {
        str(page.body.get("name")): [str(column.get("name")) for column in entries(page.body, "columns")]
        for page in project.described("models")
        if page.document.file.startswith("models/canonical/")
    }
    for model, column, line in wanted(project, macros, stream):
        if model in project.models and described.get(model) and column not in described[model]:
            kind = "canonical column" if column in canonical else "attribute"
            message = (
                f"{kind} '{column}' is not among the columns that the YAML gives model '{model}'; there are"
                f" {listed(described[model])}. Describe it there, or take it out here."
            )
            yield Fault("column-undescribed", message, REGISTRY, line, stream)


def check_built(
    project: Project, macros: Macros, streams: list[str], built: Mapping[str, list[str]]
) -> Iterator[Fault]:
    """Columns that a warehouse does not have. `built` are the columns of its canonical relations; one that is absent is
    not built yet."""
    for stream in streams:
        for model, column, line in wanted(project, macros, stream):
            if built.get(model) and column not in built[model]:
                message = (
                    f"canonical.{model} was built without '{column}'; it has {listed(built[model])}. The next"
                    " `tieout run` sees that the project has changed and builds it anew."
                )
                yield Fault("column-not-built", message, REGISTRY, line, stream, severity=WARNING)
