"""The clone's entry in the registry, `vars.streams` of `dbt_project.yml`: put in as text, so that every comment and
every line of the rest stays as it is."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from orchestration.errors import UsageError
from orchestration.templates.names import Names
from orchestration.templates.renaming import in_data, in_yaml

FILE = "dbt_project.yml"

Lines = list[str]


def with_clone(text: str, names: Names, orgs: Sequence[str], policy: Mapping[str, Any]) -> str:
    """The text of the registry with the clone behind all other streams.

    Raises:
        UsageError: the streams are not written one below the other.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    streams = _child(_child(yaml.compose(text), "vars")[1], "streams")[1]
    if streams.flow_style:
        raise UsageError(f"{FILE} has its `vars: streams:` in braces; write one stream below the other first.")
    key, value = _child(streams, names.template)
    if value.flow_style:
        raise UsageError(f"{FILE} has the stream {names.template} in braces; write its keys one below the other first.")
    body = _entry(lines, key, value, names, orgs, policy)
    last_key, last_value = streams.value[-1]
    end = _end(lines, last_key, last_value)
    # A blank line between streams, where the file keeps one.
    before = ["\n"] if any(not line.strip() for line in lines[streams.start_mark.line : end]) else []
    new = "".join([*lines[:end], *before, *body, *lines[end:]])
    _check(text, new, names, orgs, policy)
    return new


def clone_of(body: Mapping[str, Any], names: Names, orgs: Sequence[str], policy: Mapping[str, Any]) -> dict[str, Any]:
    """What the registry says of the clone, as data."""
    said = in_data(dict(body), names)
    if orgs:
        said["orgs"] = list(orgs)
    elif "orgs" in said:
        del said["orgs"]
    said["defaults"] = {**policy, **(body.get("defaults") or {})}
    return said


def _check(text: str, new: str, names: Names, orgs: Sequence[str], policy: Mapping[str, Any]) -> None:
    """That the new registry is the old one and the clone, and nothing else has moved."""
    due = yaml.safe_load(text)
    streams = due["vars"]["streams"]
    streams[names.stream] = clone_of(streams[names.template], names, orgs, policy)
    if yaml.safe_load(new) != due:
        raise UsageError(
            f"{FILE} is written in a way that the entry of a clone cannot be put into. Copy the entry of"
            f" {names.template} by hand; docs/adding-a-stream.md says what its keys mean."
        )


def _entry(lines: Lines, key: Any, value: Any, names: Names, orgs: Sequence[str], policy: Mapping[str, Any]) -> Lines:
    """The lines of the clone's entry."""
    indent = " " * value.start_mark.column
    head = [f"{' ' * key.start_mark.column}{names.stream}:\n"]
    head.append(f"{indent}# A clone of {names.template}: docs/streams/{names.stream}.md says how to work with it.\n")
    if orgs:
        head.append(f"{indent}# The orgs that it serves; without this line every org whose feeds arrive.\n")
        head.append(f"{indent}orgs: {_flow(list(orgs))}\n")
    start, end = key.start_mark.line + 1, _end(lines, key, value)
    given: dict[str, Any] = {}
    comments = [
        f"{indent}# Thresholds and severities where no org says otherwise, in place of seeds/policy_defaults.csv.\n"
    ]
    cuts: set[int] = set()
    for child, said in value.value:
        if child.value in ("defaults", "orgs"):
            first, last = _with_comments(lines, child.start_mark.line, start), _end(lines, child, said)
            cuts.update(range(first, last))
            if child.value == "defaults":
                given = yaml.safe_load("".join(lines[child.start_mark.line : last]))["defaults"] or {}
                comments = lines[first : child.start_mark.line] or comments
    defaults = [f"{indent}  {name}: {_flow(each)}\n" for name, each in {**policy, **given}.items()]
    # An anchor stands once in a file; whoever uses it means what the template's entry says.
    kept = [
        re.sub(r"(?<=[:-] )&[A-Za-z0-9_-]+ ?", "", lines[number]) for number in range(start, end) if number not in cuts
    ]
    renamed = in_yaml("".join(kept), names).splitlines(keepends=True)
    return [*head, *comments, f"{indent}defaults:\n", *defaults, *renamed]


def _with_comments(lines: Lines, number: int, first: int) -> int:
    """The line where the comments begin that stand right above a line."""
    while number > first and lines[number - 1].lstrip().startswith("#"):
        number -= 1
    return number


def _end(lines: Lines, key: Any, value: Any) -> int:
    """The line behind a key's value; blank lines and comments behind it are the next key's."""
    # The end of what is written in lines of its own is where the next thing begins.
    in_lines = value.style in ("|", ">") if isinstance(value, yaml.ScalarNode) else not value.flow_style
    number = max(value.end_mark.line + (0 if in_lines else 1), key.start_mark.line + 1)
    while number > key.start_mark.line + 1 and _is_of_the_next(lines[number - 1], key.start_mark.column):
        number -= 1
    return min(number, len(lines))


def _is_of_the_next(line: str, column: int) -> bool:
    stripped = line.lstrip(" ")
    return not stripped.strip() or (stripped.startswith("#") and len(line) - len(stripped) <= column)


def _child(node: Any, name: str) -> tuple[Any, Any]:
    """The nodes of a key and of its value."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value == name:
            return key, value
    raise UsageError(f"{FILE} has no `{name}:` where the registry should be.")


def _flow(given: Any) -> str:
    """A value as YAML in one line."""
    text = yaml.safe_dump(given, default_flow_style=True, width=10_000, allow_unicode=True).strip()
    return text.removesuffix("...").strip()
