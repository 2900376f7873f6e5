"""The names of a clone: ladders, models and marts are global, so each gets one that starts with the clone's own."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

STREAM_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
# Postgres cuts names behind so many bytes, without a word.
LONGEST_RELATION = 63
# While a table is built it stands under its name with `__dbt_backup` behind it, cut where that is too long; two models
# that are alike up to there would take each other's place.
ALIKE_UP_TO = LONGEST_RELATION - len("__dbt_backup")


@dataclass(frozen=True)
class Names:
    """A template's names, and what each is called in a clone. A model that starts with a ladder's name is not listed:
    its name follows from the ladder's."""

    template: str
    stream: str
    new: Mapping[str, str]

    def of(self, name: str) -> str:
        """What a name, or one that starts with a name and `__`, is called in the clone; itself when it is none."""
        head, separator, rest = name.partition("__")
        return self.new.get(name) or self.new.get(head, head) + separator + rest


def names_of_clone(template: str, body: Mapping[str, Any], models: Iterable[str], stream: str) -> Names:
    """The names of a clone of `template`, whose registry entry is `body` and whose folder holds `models`."""
    new = {template: stream}
    ladders = list(body["ladders"])
    others = [model for model in models if model.partition("__")[0] not in ladders]
    for name in (*ladders, *(body.get("marts") or []), *(body.get("findings") or []), *others):
        if name != template:
            new[name] = f"{stream}_{name.removeprefix(f'{template}_')}"
    return Names(template, stream, new)


def name_faults(stream: str) -> list[str]:
    """What is wrong with the name of a stream by itself."""
    if not STREAM_NAME.fullmatch(stream):
        form = "2 to 41 small letters, digits and '_', a letter first, such as 'acme_payouts'"
        return [f"the name must be {form}; given is {stream!r}"]
    if yaml.safe_load(stream) != stream:
        return [f"YAML takes the name {stream!r} for something else than a text; give another one"]
    return []


def length_faults(names: Names, models: Iterable[str]) -> list[str]:
    """Whether Postgres can tell the clone's models apart; `models` are the template's."""
    models = list(models)
    if _fits(names, models, names.stream):
        return []
    fits = next((n for n in range(len(names.stream), 0, -1) if _fits(names, models, "x" * n)), 0)
    longest = max((names.of(model) for model in models), key=len)
    why = f"Postgres cuts names behind {LONGEST_RELATION} and must tell its models apart, the longest being {longest}"
    given = f"given is {names.stream!r} of {len(names.stream)}"
    return [f"the name is too long: a clone of {names.template} may have {fits} characters, because {why}; {given}"]


def _fits(names: Names, models: list[str], stream: str) -> bool:
    """Whether the models would be told apart under another name of the stream of this length."""
    called = [stream + names.of(model).removeprefix(names.stream) for model in models]
    if any(len(name) > LONGEST_RELATION for name in called):
        return False
    return len({name[:ALIKE_UP_TO] for name in called}) == len(called)


def taken_faults(project: Path, streams: Mapping[str, Any], names: Names, models: Iterable[str]) -> list[str]:
    """Which of the clone's names something else has already; `streams` is the registry."""
    stream = names.stream
    faults = []
    ladders = {ladder: owner for owner, body in streams.items() for ladder in (body or {}).get("ladders") or {}}
    files = {
        file.stem: file.relative_to(project).as_posix()
        for folder, ending in (("models", "sql"), ("seeds", "csv"), ("snapshots", "sql"))
        for file in sorted((project / folder).rglob(f"*.{ending}"))
    }
    if stream in streams:
        faults.append(f"there is a stream {stream!r} already; streams are {', '.join(streams)}")
    for ladder in sorted({names.of(ladder) for ladder in ladders if ladders[ladder] == names.template}):
        if ladder in ladders:
            faults.append(f"there is a ladder {ladder!r} already, in stream {ladders[ladder]!r}")
    for model in sorted(map(names.of, models)):
        if model in files:
            faults.append(f"there is a model {model!r} already, {files[model]}")
    for place in (f"models/reconciliations/{stream}", f"models/marts/{stream}", f"docs/streams/{stream}.md"):
        if (project / place).exists():
            faults.append(f"there is {place} already; it is not written over")
    return faults
