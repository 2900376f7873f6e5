"""What the project's own macros say of its declarations. They refuse a wrong one while dbt parses, but dbt stops at the
first; here each model is rendered by itself, as far as a refusal would come, and all refusals are gathered.

Nothing is built and nothing is asked of a warehouse. Whatever goes wrong in rendering besides a refusal says nothing:
only dbt knows all that a model may use, and it parses the project at the end.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jinja2
from jinja2 import nodes

from orchestration.validate.loaded import Project, entries, meta, texts

REFUSAL = re.compile(r"^(?P<macro>\w+) in (?P<model>\S+) cannot be used as declared:\n", re.MULTILINE)
ENGINES = ("duckdb", "default")
EXPORTED = "exported"


class Returned(Exception):  # noqa: N818 - no error: how dbt's `return` leaves a macro
    """A macro's value."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Refused(Exception):  # noqa: N818 - the finding itself
    """What `exceptions.raise_compiler_error` was given."""


class Nothing(jinja2.ChainableUndefined):
    """What nobody has defined. dbt lets a call of it pass silently, too."""

    def __call__(self, *_: Any, **__: Any) -> "Nothing":
        return self


@dataclass(frozen=True)
class Refusal:
    """One sentence of a macro's refusal; `macro` is the one that the model calls, None where it is of the registry."""

    macro: str | None
    text: str


Macros = dict[str, Callable[..., Any]]


def load(project: Project) -> tuple[jinja2.Environment, Macros]:
    """An environment with the project's macros and as much of dbt's context as declarations need."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=Nothing, autoescape=False)
    macros: Macros = {}
    for file in sorted((project.folder / "macros").rglob("*.sql")):
        try:
            tree = environment.parse(file.read_text(encoding="utf-8"))
        except (jinja2.TemplateSyntaxError, UnicodeDecodeError):
            continue  # tags of dbt's own, such as a materialization; what is broken, dbt tells
        for macro in tree.body:
            if isinstance(macro, nodes.Macro):
                macros[macro.name] = _callable(environment, macro)
    environment.globals.update(macros)
    environment.globals.update(_context(project, macros))
    return environment, macros


def _callable(environment: jinja2.Environment, macro: nodes.Macro) -> Callable[..., Any]:
    """One macro as a function. Each is a template of its own, so that a call of another one finds its `return`, too."""
    template: jinja2.Template | None = None
    # A template exports no name that begins with `_`.
    exported = nodes.Macro(EXPORTED, macro.args, macro.defaults, macro.body, lineno=macro.lineno)

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal template
        if template is None:
            code = environment.compile(nodes.Template([exported], lineno=1))
            template = environment.template_class.from_code(environment, code, environment.globals)
        try:
            return getattr(template.module, EXPORTED)(*arguments, **named)
        except Returned as returned:
            return returned.value

    return call


def _context(project: Project, macros: Macros) -> dict[str, Any]:
    """dbt's context, as far as declarations look at it."""

    def give(value: Any = None) -> None:
        raise Returned(value)

    def refuse(message: str = "", *_: Any) -> None:
        raise Refused(message)

    variables = sound(project.variables)

    def var(name: str, default: Any = None) -> Any:
        found = variables.get(name)
        return default if found is None else found

    def dispatch(name: str, *_: Any, **__: Any) -> Any:
        return next((macros[f"{engine}__{name}"] for engine in ENGINES if f"{engine}__{name}" in macros), Nothing())

    return {
        "return": give,
        "var": var,
        "exceptions": {"raise_compiler_error": refuse},
        "modules": {"re": re},
        "tojson": lambda value, sort_keys=False: json.dumps(value, sort_keys=sort_keys, default=str),
        "local_md5": lambda text: hashlib.md5(str(text).encode()).hexdigest(),
        "execute": True,
        "model": {"name": "", "config": {"meta": {}}},
        "graph": {"nodes": {}, "sources": _sources(project)},
        "adapter": {"dispatch": dispatch},
        "config": _Config(),
        "ref": lambda *names: ".".join(map(str, names)),
        "source": lambda *names: ".".join(map(str, names)),
        "this": "this",
        "is_incremental": lambda: False,
        "log": lambda *_, **__: "",
        "env_var": lambda _, default="": default,
    }


def sound(variables: dict[str, Any]) -> dict[str, Any]:
    """The registry without what has the wrong shape, so that macros can judge all the rest: one ladder that is no
    mapping would keep them from looking at any."""

    def mappings(given: Any) -> dict[str, dict[str, Any]]:
        pairs = given.items() if isinstance(given, dict) else ()
        return {str(name): body for name, body in pairs if isinstance(body, dict)}

    streams, taken = {}, set()
    for name, stream in mappings(variables.get("streams")).items():
        ladders = {}
        for ladder, body in mappings(stream.get("ladders")).items():
            if ladder not in taken:
                taken.add(ladder)
                ladders[ladder] = _sound_ladder(body)
        if ladders:
            streams[name] = {**stream, "ladders": ladders}
    attributes = variables.get("attributes")
    return {
        **variables,
        "streams": streams,
        "feeds": texts(variables.get("feeds")),
        "identities": texts(variables.get("identities")),
        "entities": {
            name: {**body, "code": str(body.get("code")), "feeds": texts(body.get("feeds"))}
            for name, body in mappings(variables.get("entities")).items()
        },
        "attributes": {str(feed): texts(names) for feed, names in attributes.items()}
        if isinstance(attributes, dict)
        else {},
    }


def _sound_ladder(body: dict[str, Any]) -> dict[str, Any]:
    """A ladder without values that macros cannot even look at; `registry` tells them."""
    kept = {key: value for key, value in body.items() if key != "subset" or isinstance(value, dict)}
    for key, kinds in (("checks", (str, dict)), ("steps", (str,)), ("carries", (str,))):
        if isinstance(kept.get(key), list):
            kept[key] = [name for name in kept[key] if isinstance(name, kinds)]
    return kept


class _Config:
    """dbt's `config`: called, it sets; asked, it knows nothing."""

    def __call__(self, **_: Any) -> str:
        return ""

    def get(self, _: str, default: Any = None) -> Any:
        return default


def _sources(project: Project) -> dict[str, Any]:
    """The declared feeds, as dbt's graph holds them."""
    return {
        feed: {
            "source_name": feed.split("/")[0],
            "name": page.body.get("name"),
            "config": {"meta": meta(page.body)},
            "columns": {
                str(column.get("name")): {"config": {"meta": meta(column)}} for column in entries(page.body, "columns")
            },
        }
        for feed, page in project.tables().items()
    }


def ask(macros: Macros, name: str, *arguments: Any) -> Any:
    """What a macro returns; None where it cannot be asked."""
    try:
        return macros[name](*arguments)
    except Exception:  # a project that has changed the macro, or a declaration that breaks it: dbt's parse tells
        return None


def refusals(environment: jinja2.Environment, model: str, sql: str) -> list[Refusal]:
    """What the macros that a model calls refuse, sentence by sentence."""
    # The one object that every macro has seen from its beginning.
    environment.globals["model"]["name"] = model
    try:
        environment.from_string(sql).render()
    except Refused as refused:
        return list(_sentences(str(refused)))
    except Exception:  # not what is looked for here; see above
        return []
    return []


def _sentences(message: str) -> Iterator[Refusal]:
    found = REFUSAL.match(message)
    head, *listed = message.split("\n  - ")
    if not listed:
        yield Refusal(None, head)
    for text in listed:
        yield Refusal(found["macro"] if found else None, text.strip())


def calls(environment: jinja2.Environment, sql: str) -> list[nodes.Call]:
    """The calls of macros by name that a model makes, in order; none where it is no Jinja."""
    try:
        tree = environment.parse(sql)
    except jinja2.TemplateSyntaxError:
        return []
    found = [call for call in tree.find_all(nodes.Call) if isinstance(call.node, nodes.Name)]
    return sorted(found, key=lambda call: call.lineno)


def argument(call: nodes.Call, name: str) -> Any:
    """The value of a call's named argument, None where it is absent or no constant."""
    for given in call.kwargs:
        if given.key == name:
            try:
                return given.value.as_const()
            except nodes.Impossible:
                return None
    return None


def line_of(call: nodes.Call, path: list[str], values: list[str]) -> int:
    """The line of the argument that a path such as `match`, `within`, `event_at` leads to, or of the first of the given
    values in it."""
    at: nodes.Node = call
    for part in path:
        found = _step(at, part)
        if found is None:
            break
        at = found
    inside = [at] if isinstance(at, nodes.Const) else list(at.find_all(nodes.Const))
    for value in values:
        for constant in inside:
            if str(constant.value) == value:
                return int(constant.lineno)
    return int(at.lineno)


def _step(node: nodes.Node, part: str) -> nodes.Node | None:
    if isinstance(node, nodes.Keyword):
        node = node.value
    if isinstance(node, nodes.Call):
        return next((given for given in node.kwargs if given.key == part), None)
    if isinstance(node, nodes.Dict):
        pairs = (pair for pair in node.items if isinstance(pair.key, nodes.Const))
        return next((pair.value for pair in pairs if pair.key.value == part), None)
    if isinstance(node, nodes.List) and part.isdigit() and int(part) < len(node.items):
        return node.items[int(part)]
    return None
