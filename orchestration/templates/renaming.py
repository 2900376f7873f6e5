"""A template's text under a clone's names. Names that are words of a language too (`bookings`) are changed only where
they can be nothing but names: prose stays as it is."""

import re
from typing import Any

import yaml

from orchestration.templates.names import Names

WIDEST = 160


def in_sql(text: str, names: Names) -> str:
    """A model under the clone's names."""
    return _quoted(_identifiers(text, names), names)


def in_yaml(text: str, names: Names) -> str:
    """Declarations under the clone's names, no line wider than it may be."""
    text = _quoted(_identifiers(text, names), names)
    for old in _words(names):
        new = names.new[old]
        text = re.sub(rf"^(\s*(?:- )?(?:name|group|model|stream|ladder): ){old}$", rf"\g<1>{new}", text, flags=re.M)
        text = re.sub(rf"^(\s*){old}(?=:(?:\s|$))", rf"\g<1>{new}", text, flags=re.M)
    narrowed = "".join(_narrowed(line) for line in text.splitlines(keepends=True))
    # Where a break would say something else, as among the rows of a unit test, the line stays as wide as it is; so it
    # does in a part of a file that cannot be read by itself, because it uses an anchor of the rest.
    try:
        return narrowed if narrowed == text or yaml.safe_load(narrowed) == yaml.safe_load(text) else text
    except yaml.YAMLError:
        return text


def in_markdown(text: str, names: Names) -> str:
    """A page under the clone's names; where links lead stays as it is."""
    text = re.sub(rf"(?<=models/reconciliations/){names.template}(?=/)", names.stream, text)
    text = re.sub(rf"(?<=`_){names.template}(?=(__[a-z_]+)?\.yml`)", names.stream, text)
    parts = re.split(r"(^ *```.*?^ *```[^\n]*$|`[^`\n]+`|\]\([^)\n]*\))", text, flags=re.M | re.S)
    for place, part in enumerate(parts):
        if part.startswith("]("):
            continue
        parts[place] = _identifiers(part, names)
        if part.lstrip(" ").startswith("`"):
            for old in _words(names):
                parts[place] = re.sub(_alone(old), names.new[old], parts[place])
    return "".join(parts)


def in_data(given: Any, names: Names) -> Any:
    """Parsed YAML under the clone's names: what renaming its text must come to."""
    if isinstance(given, dict):
        return {in_data(key, names): in_data(value, names) for key, value in given.items()}
    if isinstance(given, list):
        return [in_data(value, names) for value in given]
    if isinstance(given, str):
        return names.new.get(given) or _quoted(_identifiers(given, names), names)
    return given


def _words(names: Names) -> list[str]:
    """Names without an underscore, which people use as words."""
    return [name for name in names.new if "_" not in name]


def _alone(name: str) -> str:
    return rf"(?<![A-Za-z0-9_/.-]){name}(?![A-Za-z0-9_/.-])"


def _identifiers(text: str, names: Names) -> str:
    """Whatever is, or starts with, a name that can be no word, and models of a ladder whose name is one."""
    compound = sorted((name for name in names.new if "_" in name), key=len, reverse=True)
    patterns = [rf"(?:{'|'.join(compound)})(?![A-Za-z0-9])"] if compound else []
    patterns += [rf"{word}(?=__)" for word in _words(names)]
    return re.sub(rf"(?<![A-Za-z0-9_])(?:{'|'.join(patterns)})", lambda found: names.new[found.group()], text)


def _quoted(text: str, names: Names) -> str:
    """Names that stand in quotes or backticks by themselves."""
    for old in _words(names):
        text = re.sub(rf"(['\"`]){old}\1", rf"\g<1>{names.new[old]}\g<1>", text)
    return text


def _narrowed(line: str) -> str:
    """A line of YAML prose that a longer name has made too wide, broken where a blank is; YAML reads the same."""
    if len(line.rstrip("\n")) <= WIDEST:
        return line
    indent = len(line) - len(line.lstrip(" "))
    begins_key = re.match(r"\s*(- )?[a-z_]+:( |$)", line)
    further = " " * (indent + (4 if line.lstrip().startswith("- ") else 2) if begins_key else indent)
    if line.lstrip().startswith("#"):
        further = " " * indent + "# "
    lines = []
    rest = line.rstrip("\n")
    while len(rest) > WIDEST:
        cut = rest.rfind(" ", len(further) + 1, WIDEST + 1)
        if cut <= len(further):
            break
        lines.append(rest[:cut])
        rest = further + rest[cut + 1 :]
    return "\n".join([*lines, rest]) + "\n"
