"""What the project's macros refuse in the models that call them: steps, left-overs, rules of consistency, canonical
models and their mappings to the columns of feeds."""

import re
from collections.abc import Iterator

import jinja2

from orchestration.validate import macros as jinja
from orchestration.validate.faults import Fault
from orchestration.validate.loaded import Project, feeds_of_side, records_of, texts
from orchestration.validate.registry import OF_LADDER, OF_RULE, QUOTED, code_of, told

REF = re.compile(r"ref\(\s*['\"](\w+)['\"]")
STREAMS_AT_ALL = "vars.streams of dbt_project.yml"
MACRO = re.compile(r"\{%-?\s*macro\s+(?P<name>\w+)(?P<body>.*?)\{%-?\s*endmacro", re.DOTALL)
# What refuses, and what asks for a feed that must be declared.
JUDGES = re.compile(r"\b(?:_fail|_feed|raise_compiler_error)\(")
# `match.within.event_at`, `legs[0].amount`, `on_match`: where in the call a sentence points.
PATH = re.compile(r"(?P<path>[a-z_]+(?:\[\d+\]|\.[a-z_]+)*): ")


def check(project: Project, environment: jinja2.Environment, models: list[str]) -> Iterator[Fault]:
    """What is refused in any of these models."""
    judging = judging_macros(project)
    for model in models:
        file = project.models[model]
        sql = project.text(file)
        found = jinja.refusals(environment, model, sql) if judging.search(sql) else []
        if not found:
            continue
        calls = jinja.calls(environment, sql)
        stream = stream_of(project, file)
        for refusal in found:
            if OF_LADDER.match(refusal.text) or OF_RULE.match(refusal.text):
                yield from told(project, stream, refusal.text)
            elif not refusal.text.startswith(STREAMS_AT_ALL):
                named = [call for call in calls if call.node.name == refusal.macro] or calls
                line = _line(named[0], refusal.text) if named else 1
                yield Fault(code_of(refusal.text, "step"), f"{refusal.text.rstrip('.')}.", file, line, stream)


def judging_macros(project: Project) -> re.Pattern[str]:
    """Calls of macros that judge what they are given. A model without one has nothing that could be refused, and the
    largest models have none: most of the time would go into them."""
    names = [
        found["name"]
        for file in sorted((project.folder / "macros").rglob("*.sql"))
        for found in MACRO.finditer(file.read_text(encoding="utf-8", errors="replace"))
        if JUDGES.search(found["body"]) and not found["name"].startswith("_")
    ]
    return re.compile(rf"\b(?:{'|'.join(names) or '(?!)'})\s*\(")


def _line(call: jinja2.nodes.Call, text: str) -> int:
    found = PATH.match(text)
    path = re.findall(r"[a-z_]+|\d+", found["path"]) if found else []
    return jinja.line_of(call, path, QUOTED.findall(text))


def stream_of(project: Project, file: str) -> str | None:
    """The stream in whose folder a file lies, None where it lies in none."""
    parts = file.split("/")
    return (
        parts[2]
        if parts[:2] == ["models", "reconciliations"] and len(parts) > 3 and parts[2] in project.streams
        else None
    )


def models_of(project: Project, stream: str) -> list[str]:
    """The models that a stream is made from: its folder's, its sides' with their feeds and parts, and what these
    select from."""
    folder = f"models/reconciliations/{stream}/"
    entities = project.registry.mapping("vars", "entities")
    waiting = [name for name, file in project.models.items() if file.startswith(folder)]
    waiting += texts(project.streams[stream].get("findings")) + texts(project.streams[stream].get("marts"))
    for ladder in project.ladders(stream).values():
        for side in (ladder.get("source"), ladder.get("target")):
            records = records_of(side)
            waiting += [records, f"{records}__dispositions"] if records else []
            for feed in feeds_of_side(project, side):
                relation = feed.replace("/", "__")
                waiting += [f"stg_{relation}", f"rejected_{relation}"]
    found: set[str] = set()
    while waiting:
        model = waiting.pop()
        if model in found or model not in project.models:
            continue
        found.add(model)
        waiting += REF.findall(project.text(project.models[model]))
        entity = next((body for name, body in entities.items() if records_of(name) == model), None)
        if isinstance(entity, dict):
            waiting += texts(entity.get("parts"))
            waiting += [str(entity["part_of"])] if entity.get("part_of") else []
    return sorted(found)
