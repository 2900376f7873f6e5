"""The folder of a stream and the registry say the same: each step has its model and each model its place, and the YAML
names who answers for them."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from orchestration.audit.artifacts import retention_days
from orchestration.errors import UsageError
from orchestration.streams import FAILURE_POLICIES, SCHEDULES, faults_of
from orchestration.validate.faults import Fault, listed
from orchestration.validate.loaded import REGISTRY, Page, Project, meta, texts

FOLDER = "models/reconciliations"
GROUP_KEYS = ("schedule", "failure_policy", "retention", "timeout", "retries")
# What only the models of a stream call.
OF_STREAMS = re.compile(r"\b(?:reconcile|unmatched|consistency)\s*\(")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check(project: Project, streams: list[str], *, every: bool) -> Iterator[Fault]:
    """What is wrong with the folders of these streams; with `every` also folders of streams that nobody registered."""
    for stream in streams:
        yield from _models(project, stream)
        yield from _pages(project, stream)
    if every and project.registry.data is not None:
        yield from _without_stream(project)


def models_named(project: Project, stream: str) -> dict[str, int]:
    """The models that the registry gives a stream, each with the line that names it."""
    named = {}
    for ladder, body in project.ladders(stream).items():
        path = ("vars", "streams", stream, "ladders", ladder)
        for step in _steps(body):
            named[f"{ladder}__{step}"] = project.registry.line(*path, "steps", value=[step])
        named[f"{ladder}__unmatched"] = project.registry.line(*path)
    for model in texts(project.streams[stream].get("findings")):
        named[model] = project.registry.line("vars", "streams", stream, "findings", value=[model])
    return named


def _steps(ladder: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(texts(ladder.get("steps"))))


def _in_folder(project: Project, stream: str) -> dict[str, str]:
    return {name: file for name, file in project.models.items() if file.startswith(f"{FOLDER}/{stream}/")}


def _models(project: Project, stream: str) -> Iterator[Fault]:
    named, lying = models_named(project, stream), _in_folder(project, stream)
    findings = texts(project.streams[stream].get("findings"))
    for model, line in named.items():
        file = f"{FOLDER}/{stream}/{model}.sql"
        if model in lying or model in findings:
            continue
        if model in project.models:
            message = f"model '{model}' lies in {project.models[model]}; move it to {file}."
        elif model.endswith("__unmatched"):
            ladder = model.removesuffix("__unmatched")
            call = f"{{{{ unmatched(ladder='{ladder}') }}}}"
            message = f"ladder '{ladder}' has no model of what it leaves. Write {file}: {call}"
        else:
            message = f"step '{model}' has no model. Write {file} with one call of reconcile, or take the step out."
        yield Fault("model-missing", message, REGISTRY, line, stream)
    for model, file in lying.items():
        if model not in named:
            message = (
                f"the registry names no such model for stream '{stream}'; it has {listed(named)}. Add it to the steps"
                f" of its ladder or to the stream's findings ({REGISTRY}:"
                f"{project.registry.line('vars', 'streams', stream)}), or remove the file."
            )
            yield Fault("model-unregistered", message, file, 1, stream)
    if project.registry.mapping("vars", "streams", stream, "consistency"):
        calling = [model for model, file in lying.items() if re.search(r"\bconsistency\s*\(", project.text(file))]
        if not calling:
            message = (
                f"stream '{stream}' has rules of consistency and no model that works them off. Write"
                f" {FOLDER}/{stream}/{stream}_consistency.sql: {{{{ consistency(stream='{stream}') }}}}, and name it"
                " among the findings."
            )
            line = project.registry.line("vars", "streams", stream, "consistency")
            yield Fault("model-missing", message, REGISTRY, line, stream)


def _pages(project: Project, stream: str) -> Iterator[Fault]:
    """The stream's own page: its group, and an entry for each of its models."""
    pages = {file: document for file, document in project.pages.items() if file.startswith(f"{FOLDER}/{stream}/")}
    own = f"{FOLDER}/{stream}/_{stream}.yml"
    if any(document.data is None for document in pages.values()):
        return  # what it says is not known; that it cannot be read is told
    groups = [page for page in project.described("groups") if page.document.file in pages]
    named = [page for page in groups if page.body.get("name") == stream]
    if not named:
        message = (
            f"stream '{stream}' has no group of its name. Add `groups: [{{name: {stream}, description: ..., owner:"
            " {name: ..., email: ...}, config: {meta: {stream: {schedule: daily, failure_policy: stop_on_failure}}}}]`."
        )
        yield Fault("group", message, own if own in pages else next(iter(pages), own), 1, stream)
    for page in groups:
        if page in named:
            yield from _group(page, stream)
        else:
            message = f"group '{page.body.get('name')}' is not named like its stream; name it '{stream}'."
            yield Fault("group", message, page.document.file, page.line, stream)
    yield from _entries(project, stream, own if own in pages else next(iter(pages), own))


def _group(page: Page, stream: str) -> Iterator[Fault]:
    def at(*path: str) -> int:
        return page.document.line("groups", stream, *path)

    def fault(message: str, *path: str) -> Fault:
        return Fault("group", f"group '{stream}': {message}", page.document.file, at(*path), stream)

    owner = page.body.get("owner")
    owner = owner if isinstance(owner, dict) else {}
    if not owner.get("name"):
        yield fault("owner.name is missing; say who answers for the stream.", "owner")
    if not isinstance(owner.get("email"), str) or not EMAIL.fullmatch(owner["email"]):
        given = f"found is {owner['email']!r}" if owner.get("email") else "it is missing"
        yield fault(f"owner.email must be an address that is read; {given}.", "owner", "email")
    if not str(page.body.get("description") or "").strip():
        yield fault("description is missing; say which question the stream answers.")
    declared = meta(page.body).get("stream")
    if not isinstance(declared, dict):
        yield fault(
            f"config.meta.stream must have schedule ({listed(SCHEDULES)}) and failure_policy; found is {declared!r}.",
            "config",
        )
        return
    where = ("config", "meta", "stream")
    for key in declared:
        if key not in GROUP_KEYS:
            yield fault(f"'{key}' is no key of config.meta.stream; allowed are {listed(GROUP_KEYS)}.", *where, key)
    for key, allowed in (("schedule", SCHEDULES), ("failure_policy", FAILURE_POLICIES)):
        if key not in declared:
            yield fault(f"{key} must be one of {listed(allowed)}; it is missing.", *where, key)
    if (policy := declared.get("failure_policy", FAILURE_POLICIES[0])) not in FAILURE_POLICIES:
        message = f"failure_policy must be one of {listed(FAILURE_POLICIES)}; found is {policy!r}."
        yield fault(message, *where, "failure_policy")
    for key, message in faults_of(declared):
        yield fault(message, *where, *key.split("."))
    if "retention" in declared:
        try:
            retention_days(str(declared["retention"]))
        except UsageError as error:
            yield fault(str(error), *where, "retention")


def _entries(project: Project, stream: str, own: str) -> Iterator[Fault]:
    lying = _in_folder(project, stream)
    described: dict[str, Page] = {}
    for page in project.described("models"):
        name = str(page.body.get("name"))
        if not page.document.file.startswith(f"{FOLDER}/{stream}/"):
            continue
        file = page.document.file
        if name in described:
            message = f"model '{name}' is described already in line {described[name].line}; keep one of the two."
            yield Fault("model-described", message, file, page.line, stream)
            continue
        described[name] = page
        if name not in project.models:
            message = f"model '{name}' is described and has no file; write {FOLDER}/{stream}/{name}.sql or remove it."
            yield Fault("model-missing", message, file, page.line, stream)
        elif name in lying:
            yield from _entry(page, name, stream)
    for name, file in lying.items():
        if name not in described:
            message = (
                f"model '{name}' is described nowhere. Add it to {own} with its description,"
                f" `config: {{group: {stream}}}` and its columns."
            )
            yield Fault("model-described", message, file, 1, stream)


def _entry(page: Page, name: str, stream: str) -> Iterator[Fault]:
    config = page.body.get("config")
    config = config if isinstance(config, dict) else {}
    file = page.document.file
    if config.get("group") != stream:
        given = f"found is {config['group']!r}" if "group" in config else "it names none"
        message = f"model '{name}' must be of the group '{stream}' (config.group); {given}."
        yield Fault("group", message, file, page.document.line("models", name, "config", "group"), stream)
    critical = meta(page.body).get("critical")
    if critical is not None and not isinstance(critical, bool):
        message = f"model '{name}': config.meta.critical must be true or false; found is {critical!r}."
        yield Fault("group", message, file, page.document.line("models", name, "config", "meta", "critical"), stream)


def _without_stream(project: Project) -> Iterator[Fault]:
    """Folders that hold models of a stream, though the registry has none of that name."""
    told = set()
    for file in project.models.values():
        folder = PurePosixPath(file).parent.as_posix()
        stream = folder.removeprefix(f"{FOLDER}/").split("/")[0]
        if not folder.startswith(f"{FOLDER}/") or stream in told or stream in project.streams:
            continue
        if OF_STREAMS.search(project.text(file)):
            told.add(stream)
            message = (
                f"the folder {FOLDER}/{stream} has models of a stream that vars.streams of {REGISTRY} does not have;"
                f" there are {listed(project.streams)}. Register it, or remove the folder."
            )
            yield Fault("model-unregistered", message, file, 1, stream)
