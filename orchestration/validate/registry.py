"""The registry, `vars` of dbt_project.yml: known keys, the right types, and names that lead somewhere."""

import re
from collections.abc import Iterator
from typing import Any

from orchestration.validate.faults import FAULT, WARNING, Fault, listed
from orchestration.validate.loaded import REGISTRY, Project, entries, records_of, texts
from orchestration.validate.macros import Macros, ask

VARIABLES = ("feeds", "entities", "attributes", "identities", "streams")
STREAM_KEYS = ("ladders", "defaults", "hourly_window", "consistency", "findings", "marts", "orgs")
LADDER_KEYS = (
    "source",
    "target",
    "checks",
    "steps",
    "absent",
    "excluded",
    "one_system",
    "subset",
    "carries",
    "attributes",
)
ENTITY_KEYS = ("code", "feeds", "parts", "part_of", "looks_at", "derived")
CONSISTENCY_KEYS = ("records", "anomaly", "where", "others_by", "among", "needs", "forbids", "says")

FEED = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*")
CODE = re.compile(r"[A-Z][A-Z0-9_]*")
QUOTED = re.compile(r"'([^']*)'")
OF_LADDER = re.compile(r"ladder '(?P<ladder>[^']*)': (?P<rest>.*)", re.DOTALL)
OF_ENTITIES = "(vars.entities)"
OF_RULE = re.compile(r"consistency rule '(?P<rule>[^']*)': (?P<rest>.*)", re.DOTALL)
# How the macros' sentences about unknown names begin to be told apart: (what it says, the code).
SAYINGS = (
    ("is not kept by this ladder", "column-unknown"),
    ("is no canonical column", "column-unknown"),
    ("is no attribute of", "column-unknown"),
    ("which is no column of feed", "column-unknown"),
    ("which is no amount of feed", "column-unknown"),
    ("is no amount of feed", "column-unknown"),
    ("is no registered feed", "feed-unknown"),
    ("is not registered; vars.feeds", "feed-unknown"),
    ("No feed '", "feed-unknown"),
)


def check(project: Project, macros: Macros, streams: list[str]) -> Iterator[Fault]:
    """Every fault of the registry; of `streams`, the ones that are asked about, what concerns them alone."""
    if project.registry.data is None:
        return
    yield from _variables(project)
    yield from _feeds(project)
    yield from _entities(project)
    yield from _attributes(project)
    yield from _models_of(project, texts(project.variables.get("identities")), "identities")
    yield from _names(project)
    for stream in streams:
        yield from _stream(project, macros, stream)


def _at(project: Project, *path: str | int, value: tuple[str, ...] = ()) -> int:
    return project.registry.line("vars", *path, value=value)


def _shape(project: Project, given: Any, kind: str, allowed: str, *path: str, stream: str | None = None) -> list[Fault]:
    """A fault where a value is not of a kind (`list`, `mapping`, `flag`); an absent one is fine."""
    fine = {
        "list": isinstance(given, list) and all(isinstance(name, str) and name for name in given),
        "mapping": isinstance(given, dict),
        "flag": isinstance(given, bool),
    }[kind]
    if given is None or fine:
        return []
    message = f"vars.{'.'.join(path)} must be {allowed}; found is {given!r}."
    return [Fault("registry-type", message, REGISTRY, _at(project, *path), stream)]


def _unknown(
    project: Project, given: Any, allowed: tuple[str, ...], *path: str, severity: str = FAULT, stream: str | None = None
) -> Iterator[Fault]:
    for key in given if isinstance(given, dict) else ():
        if key not in allowed:
            where = ".".join(("vars", *path))
            message = f"'{key}' is no key of {where}; allowed are {listed(allowed)}. Remove it or mend its spelling."
            yield Fault("registry-key", message, REGISTRY, _at(project, *path, key), stream, severity=severity)


def _twice(project: Project, names: list[str], *path: str, stream: str | None = None) -> Iterator[Fault]:
    for number, name in enumerate(names):
        if name in names[:number]:
            message = f"vars.{'.'.join(path)} has '{name}' twice; name each once."
            yield Fault("registry-type", message, REGISTRY, _at(project, *path, number), stream)


def _variables(project: Project) -> Iterator[Fault]:
    variables = project.registry.data.get("vars")
    if not isinstance(variables, dict):
        message = f"`vars` must be a mapping with {listed(VARIABLES)}; found is {variables!r}."
        yield Fault("registry-type", message, REGISTRY, project.registry.line("vars"))
    # Models of one's own may read further variables, so that this is no fault.
    yield from _unknown(project, variables, VARIABLES, severity=WARNING)
    yield from _shape(project, project.variables.get("feeds"), "list", "a list of '<system>/<feed>'", "feeds")
    yield from _shape(project, project.variables.get("entities"), "mapping", "a mapping of sides", "entities")
    yield from _shape(
        project, project.variables.get("attributes"), "mapping", "a mapping of feeds to columns", "attributes"
    )
    yield from _shape(project, project.variables.get("identities"), "list", "a list of models", "identities")
    yield from _shape(project, project.variables.get("streams"), "mapping", "a mapping of streams", "streams")


def _feeds(project: Project) -> Iterator[Fault]:
    tables = project.tables()
    yield from _twice(project, project.feeds, "feeds")
    for number, feed in enumerate(project.feeds):
        line = _at(project, "feeds", number)
        if not FEED.fullmatch(feed):
            yield Fault("registry-type", f"a feed is named '<system>/<feed>'; found is '{feed}'.", REGISTRY, line)
            continue
        system, relation = feed.split("/")[0], feed.replace("/", "__")
        if feed not in tables:
            message = (
                f"feed '{feed}' is registered and not declared. Declare it in"
                f" models/staging/{system}/_{system}__sources.yml (config.meta.feed), or take it out of vars.feeds."
            )
            yield Fault("feed-undeclared", message, REGISTRY, line)
        for model, macro in ((f"stg_{relation}", "stage"), (f"rejected_{relation}", "rejected")):
            if model not in project.models:
                message = (
                    f"feed '{feed}' has no model '{model}'. Write models/staging/{system}/{model}.sql:"
                    f" {{{{ {macro}(feed='{feed}') }}}}"
                )
                yield Fault("model-missing", message, REGISTRY, line)
    for feed, page in tables.items():
        if feed not in project.feeds:
            message = (
                f"feed '{feed}' is declared and not registered: it lands, and no stream sees it. Add it to vars.feeds"
                f" of {REGISTRY}."
            )
            yield Fault("feed-unregistered", message, page.document.file, page.line, severity=WARNING)


def _unregistered(project: Project, feeds: list[str], *path: str, stream: str | None = None) -> Iterator[Fault]:
    for feed in feeds:
        if feed not in project.feeds:
            message = f"'{feed}' is no registered feed; vars.feeds has {listed(project.feeds)}."
            line = _at(project, *path, value=(feed,))
            yield Fault("feed-unknown", message, REGISTRY, line, stream)


def _models_of(
    project: Project, models: list[str], *path: str, folder: str = "models", stream: str | None = None
) -> Iterator[Fault]:
    """Models that are named and not there, or in another folder than they must be in."""
    for model in models:
        line = _at(project, *path, value=(model,))
        file = project.models.get(model)
        if file is None:
            message = (
                f"there is no model '{model}' in {folder}/. Write it, or take its name out of vars.{'.'.join(path)}."
            )
            yield Fault("model-missing", message, REGISTRY, line, stream)
        elif not file.startswith(f"{folder}/"):
            message = f"model '{model}' lies in {file}; vars.{'.'.join(path)} takes models of {folder}/."
            yield Fault("model-missing", message, REGISTRY, line, stream)


def _entities(project: Project) -> Iterator[Fault]:
    for name, body in project.registry.mapping("vars", "entities").items():
        path = ("entities", str(name))
        if not isinstance(name, str) or not FEED.fullmatch(name):
            message = f"an entity is named '<system>/<entity>'; found is '{name}'."
            yield Fault("registry-type", message, REGISTRY, _at(project, *path))
        if not isinstance(body, dict):
            message = f"entity '{name}' must have code and feeds; found is {body!r}."
            yield Fault("registry-type", message, REGISTRY, _at(project, *path))
            continue
        yield from _unknown(project, body, ENTITY_KEYS, *path)
        if not isinstance(body.get("code"), str) or not CODE.fullmatch(body["code"]):
            message = (
                f"entity '{name}': code must be a word in capitals, such as 'ORDER'; found is {body.get('code')!r}."
            )
            yield Fault("registry-type", message, REGISTRY, _at(project, *path, "code"))
        if not body.get("feeds"):
            message = f"entity '{name}': feeds is empty; name what must come so that the side is there."
            yield Fault("registry-type", message, REGISTRY, _at(project, *path, "feeds"))
        for key in ("feeds", "looks_at", "parts"):
            yield from _shape(project, body.get(key), "list", "a list of names", *path, key)
        yield from _shape(project, body.get("derived"), "flag", "true or false", *path, "derived")
        for key in ("feeds", "looks_at"):
            yield from _unregistered(project, texts(body.get(key)), *path, key)
        yield from _models_of(project, texts(body.get("parts")), *path, "parts", folder="models/canonical")
        if body.get("part_of") is not None:
            yield from _models_of(project, [str(body["part_of"])], *path, "part_of", folder="models/canonical")
        records = records_of(name)
        if records:
            yield from _side_models(project, records, f"entity '{name}'", _at(project, *path), None)


def _attributes(project: Project) -> Iterator[Fault]:
    tables = project.tables()
    for feed, names in project.registry.mapping("vars", "attributes").items():
        path = ("attributes", str(feed))
        if feed not in project.feeds:
            message = f"'{feed}' is no registered feed; vars.feeds has {listed(project.feeds)}."
            yield Fault("feed-unknown", message, REGISTRY, _at(project, *path))
        yield from _shape(project, names, "list", "a list of columns of the feed", *path)
        if feed in tables:
            columns = [str(column.get("name")) for column in entries(tables[feed].body, "columns")]
            for name in texts(names):
                if name not in columns:
                    message = (
                        f"attribute '{name}' is no column of feed '{feed}'; its columns are {listed(columns)}"
                        f" ({tables[feed].document.file}:{tables[feed].line})."
                    )
                    yield Fault("column-unknown", message, REGISTRY, _at(project, *path, value=(name,)))


def _names(project: Project) -> Iterator[Fault]:
    """Streams and ladders of the wrong shape, and ladders whose name is taken."""
    owners: dict[str, str] = {}
    for stream, body in project.registry.mapping("vars", "streams").items():
        line = _at(project, "streams", stream)
        ladders = body.get("ladders") if isinstance(body, dict) else None
        if not isinstance(ladders, dict) or not ladders:
            given = body if not isinstance(body, dict) else ladders
            message = (
                f"stream '{stream}' must have its ladders, `ladders: {{<name>: {{source, target, checks, steps}}}}`;"
                f" found is {given!r}."
            )
            yield Fault("registry-type", message, REGISTRY, line, stream)
            continue
        for ladder, declared in ladders.items():
            line = _at(project, "streams", stream, "ladders", ladder)
            if not isinstance(declared, dict):
                message = f"ladder '{ladder}' must have source, target, checks and steps; found is {declared!r}."
                yield Fault("registry-type", message, REGISTRY, line, stream)
            if ladder in owners:
                first = _at(project, "streams", owners[ladder], "ladders", ladder)
                message = (
                    f"ladder '{ladder}' stands in stream '{owners[ladder]}' already ({REGISTRY}:{first}); its models"
                    " would have the same names. Rename one of them."
                )
                yield Fault("ladder-twice", message, REGISTRY, line, stream)
            owners.setdefault(ladder, stream)


def _stream(project: Project, macros: Macros, stream: str) -> Iterator[Fault]:
    body = project.streams[stream]
    path = ("streams", stream)
    yield from _unknown(project, body, STREAM_KEYS, *path, stream=stream)
    for key in ("findings", "marts", "orgs"):
        yield from _shape(project, body.get(key), "list", "a list of names", *path, key, stream=stream)
        yield from _twice(project, texts(body.get(key)), *path, key, stream=stream)
    for key in ("defaults", "consistency"):
        yield from _shape(project, body.get(key), "mapping", "a mapping", *path, key, stream=stream)
    yield from _models_of(project, texts(body.get("findings")), *path, "findings", stream=stream)
    yield from _models_of(project, texts(body.get("marts")), *path, "marts", folder="models/marts", stream=stream)
    fields = ask(macros, "policy_fields") or []
    yield from _unknown(project, body.get("defaults"), tuple(fields), *path, "defaults", stream=stream)
    for name, rule in project.registry.mapping("vars", *path, "consistency").items():
        if not isinstance(rule, dict):
            message = f"consistency rule '{name}' must have {listed(CONSISTENCY_KEYS)}; found is {rule!r}."
            yield Fault("registry-type", message, REGISTRY, _at(project, *path, "consistency", str(name)), stream)
    if "_consistency_faults" in macros and project.registry.mapping("vars", *path, "consistency"):
        said = ask(macros, "_consistency_faults", stream, ask(macros, "_consistency_rules", stream))
        yield from _judged(project, stream, said, f"stream '{stream}': consistency", *path, "consistency")
    for ladder, declared in project.ladders(stream).items():
        yield from _ladder(project, macros, stream, ladder, declared)


def _judged(project: Project, stream: str, said: list[str] | None, what: str, *path: str) -> Iterator[Fault]:
    """What the macros say of a declaration; that they cannot say anything is a fault of it, too."""
    if said is None:
        message = (
            f"{what} has a value of a type that nothing expects, so that the rest of it was not checked. Compare it"
            " with docs/adding-a-stream.md."
        )
        yield Fault("registry-type", message, REGISTRY, _at(project, *path), stream)
    for text in said or []:
        yield from told(project, stream, text)


def _ladder(project: Project, macros: Macros, stream: str, ladder: str, declared: dict[str, Any]) -> Iterator[Fault]:
    path = ("streams", stream, "ladders", ladder)
    yield from _unknown(project, declared, LADDER_KEYS, *path, stream=stream)
    yield from _shape(project, declared.get("subset"), "mapping", "a mapping", *path, "subset", stream=stream)
    yield from _lists(project, stream, ladder, declared)
    known = ask(macros, "_ladder", ladder)
    if known is not None and known["stream"] == stream:
        yield from _judged(project, stream, ask(macros, "_ladder_faults", known), f"ladder '{ladder}'", *path)
    for role in ("source", "target"):
        records = records_of(declared.get(role))
        if records:
            line = _at(project, *path, role)
            yield from _side_models(project, records, f"{role} '{declared[role]}'", line, stream)


def _lists(project: Project, stream: str, ladder: str, declared: dict[str, Any]) -> Iterator[Fault]:
    """Values within a ladder's lists and conditions that are no texts, which no macro could look at."""
    path = ("streams", stream, "ladders", ladder)
    for key in ("checks", "steps", "carries"):
        for number, name in enumerate(declared[key] if isinstance(declared.get(key), list) else []):
            of_check = key == "checks" and isinstance(name, dict) and len(name) == 1
            if not (isinstance(name, str) and name) and not of_check:
                also = ", or of {name: ANOMALY}" if key == "checks" else ""
                message = f"ladder '{ladder}': {key} must be a list of names{also}; it has {name!r}."
                yield Fault("registry-type", message, REGISTRY, _at(project, *path, key, number), stream)
    excluded = declared.get("excluded")
    for role, rule in excluded.items() if isinstance(excluded, dict) else ():
        if isinstance(rule, dict) and not isinstance(rule.get("when", ""), str):
            message = (
                f"ladder '{ladder}': excluded.{role}.when must be a condition on records, as a text; found is"
                f" {rule['when']!r}."
            )
            yield Fault("registry-type", message, REGISTRY, _at(project, *path, "excluded", str(role), "when"), stream)


def _side_models(project: Project, records: str, what: str, line: int, stream: str | None) -> Iterator[Fault]:
    for model in (records, f"{records}__dispositions"):
        if model not in project.models:
            message = (
                f"{what} has no canonical model '{model}'. Write models/canonical/{model}.sql, or name one of the sides"
                " that there are."
            )
            yield Fault("model-missing", message, REGISTRY, line, stream)


def told(project: Project, stream: str | None, text: str) -> Iterator[Fault]:
    """A sentence of a macro about the registry, with the line of the key or value that it is about. A mart of all
    streams may be where it was said: the ladder tells the stream."""
    ladder = OF_LADDER.match(text)
    if ladder:
        stream = next((one for one in project.streams if ladder["ladder"] in project.ladders(one)), stream)
    if OF_ENTITIES in text:
        return  # what an entity is made of is judged by itself
    yield Fault(code_of(text), f"{text}.", REGISTRY, _line_of(project, stream, text), stream)


def code_of(text: str, otherwise: str = "ladder") -> str:
    """The code of a macro's sentence."""
    return next((code for saying, code in SAYINGS if saying in text), otherwise)


def _line_of(project: Project, stream: str | None, text: str) -> int:
    rule, ladder = OF_RULE.match(text), OF_LADDER.match(text)
    if rule and stream:
        start = rule["rest"][:40]
        key = next((key for key in CONSISTENCY_KEYS if re.search(rf"\b{key}\b", start)), "")
        return _at(
            project, "streams", stream, "consistency", rule["rule"], key, value=tuple(QUOTED.findall(rule["rest"]))
        )
    if not ladder or not stream:
        return _at(project, "streams", *([stream] if stream else []))
    rest, quoted = ladder["rest"], tuple(QUOTED.findall(ladder["rest"]))
    if rest.startswith("hourly_window"):
        return _at(project, "streams", stream, "hourly_window")
    word = re.match(r"[a-z_]+(\.[a-z_]+)*", rest)
    keys = word[0].split(".") if word else []
    place = ("streams", stream, "ladders", ladder["ladder"])
    return _at(project, *place, *("checks" if key == "check" else key for key in keys), value=quoted)
