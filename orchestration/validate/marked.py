"""YAML that remembers its lines: what a file says, and where it says so."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.validate.faults import Fault

# The loader in C is ten times as fast; it keeps the same marks.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """A YAML file: `data` as `yaml.safe_load` gives it, None where it cannot be read; `node` knows the lines."""

    file: str
    data: Any = None
    node: yaml.Node | None = None

    def mapping(self, *path: str) -> dict[str, Any]:
        """The mapping at a path of keys, empty where there is none."""
        found = self.data
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def line(self, *path: str | int, value: Iterable[str] = ()) -> int:
        """The line of what a path leads to, as far as it leads: a key, the item of a list by its number, its text or
        its `name`. With `value`, the line of the first of these texts below it."""
        at, node = 1, self.node
        for part in path:
            found = _child(node, part) or _below(node, part)
            if found is None:
                break
            at, node = found
        for text in value:
            for scalar in _scalars(node):
                if scalar.value == text:
                    return int(scalar.start_mark.line) + 1
        return at


def read(folder: Path, file: str) -> tuple[Document, list[Fault]]:
    """A YAML file of the project, and what keeps it from being read; keys that stand twice hide one another."""
    try:
        text = (folder / file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Document(file), [Fault("yaml-unreadable", f"cannot be read: {error}. Save the file as UTF-8.", file)]
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        # Before values are made of the nodes: that puts what a merge brings among a mapping's own keys.
        twice = _keys_twice(node, file)
        data = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        return Document(file), [
            Fault(
                "yaml-unreadable",
                f"is no readable YAML: {problem}. What it declares was not checked; mend it and validate again.",
                file,
                mark.line + 1 if mark else 1,
            )
        ]
    finally:
        loader.dispose()
    if data is not None and not isinstance(data, dict):
        message = f"must be a mapping of keys; found is {type(data).__name__}. What it declares was not checked."
        return Document(file), [Fault("yaml-unreadable", message, file)]
    return Document(file, data or {}, node), twice


def _keys_twice(node: yaml.Node | None, file: str) -> list[Fault]:
    """Keys of one mapping that stand twice: YAML takes the last and says nothing."""
    faults = []
    for mapping in _nodes(node):
        if isinstance(mapping, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, _ in mapping.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag.endswith(":merge"):
                    continue
                line = key.start_mark.line + 1
                if first.setdefault(key.value, line) != line:
                    message = f"'{key.value}' stands in line {first[key.value]} already; a name may stand once."
                    faults.append(Fault("yaml-key-twice", message + " Remove or rename one of them.", file, line))
    return faults


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            named = _child(item, "name") if isinstance(item, yaml.MappingNode) else None
            if part in (number, item.value) or (named and named[1].value == part) or _child(item, part):
                return (named[0] if named else item.start_mark.line + 1), item
    return None


def _below(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    """The nearest key of that name anywhere below."""
    for found in _nodes(node):
        child = _child(found, part)
        if child is not None:
            return child
    return None


def _nodes(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """A node and all below it, the near ones first; what an anchor repeats comes once."""
    waiting, seen = deque([node] if node is not None else []), set()
    while waiting:
        found = waiting.popleft()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        if isinstance(found, yaml.MappingNode):
            waiting.extend(part for pair in found.value for part in pair)
        elif isinstance(found, yaml.SequenceNode):
            waiting.extend(found.value)


def _scalars(node: yaml.Node | None) -> list[yaml.ScalarNode]:
    found = [scalar for scalar in _nodes(node) if isinstance(scalar, yaml.ScalarNode)]
    return sorted(found, key=lambda scalar: (scalar.start_mark.line, scalar.start_mark.column))
