"""The project's files as validation looks at them, read once. What cannot be read is a fault and otherwise empty, so
that the rest can still be checked."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.validate.faults import Fault
from orchestration.validate.marked import Document, read

REGISTRY = "dbt_project.yml"


@dataclass(frozen=True)
class Row:
    """A row of a CSV file and the line on which it begins."""

    line: int
    values: dict[str, str]


@dataclass(frozen=True)
class Page:
    """What a YAML file says of one model, source table or group."""

    document: Document
    body: dict[str, Any]
    line: int


@dataclass(frozen=True)
class Project:
    """The files of a dbt project. Paths are relative to it; models and seeds go by their names."""

    folder: Path
    registry: Document
    models: dict[str, str] = field(default_factory=dict)
    seeds: dict[str, str] = field(default_factory=dict)
    pages: dict[str, Document] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def variables(self) -> dict[str, Any]:
        """The registry, `vars` of dbt_project.yml."""
        return self.registry.mapping("vars")

    @property
    def streams(self) -> dict[str, dict[str, Any]]:
        """The declared streams; one whose declaration is no mapping has nothing in it."""
        return {name: _mapping(body) for name, body in self.registry.mapping("vars", "streams").items()}

    def ladders(self, stream: str) -> dict[str, dict[str, Any]]:
        """The ladders of a stream; one whose declaration is no mapping has nothing in it."""
        return {name: _mapping(body) for name, body in _mapping(self.streams.get(stream, {}).get("ladders")).items()}

    @property
    def feeds(self) -> list[str]:
        """The registered feeds."""
        return texts(self.variables.get("feeds"))

    def text(self, file: str) -> str:
        """The text of a file of the project."""
        return (self.folder / file).read_text(encoding="utf-8", errors="replace")

    def rows(self, seed: str) -> list[Row]:
        """The rows of a seed; none where there is no such file."""
        if seed not in self.seeds:
            return []
        with (self.folder / self.seeds[seed]).open(encoding="utf-8", newline="", errors="replace") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            found, begins = [], reader.line_num + 1
            for values in reader:
                if values:
                    found.append(Row(begins, dict(zip(header, values, strict=False))))
                begins = reader.line_num + 1
        return found

    def described(self, kind: str) -> Iterator[Page]:
        """Every entry of a kind (`models`, `groups`) in the YAML files below models/."""
        for document in self.pages.values():
            for number, body in enumerate(entries(document.data, kind)):
                yield Page(document, body, document.line(kind, number))

    def tables(self) -> dict[str, Page]:
        """The feeds that the sources declare, by `<system>/<feed>`."""
        found = {}
        for source in self.described("sources"):
            for body in entries(source.body, "tables"):
                if isinstance(meta(body).get("feed"), dict):
                    name = str(body.get("name"))
                    line = source.document.line("sources", str(source.body.get("name")), "tables", name)
                    found[f"{source.body.get('name')}/{name}"] = Page(source.document, body, line)
        return found


def load(folder: Path) -> Project:
    """Read a project's YAML and list its models and seeds."""
    registry, faults = read(folder, REGISTRY)
    pages = {}
    for path in sorted((folder / "models").rglob("*.yml")):
        file = path.relative_to(folder).as_posix()
        pages[file], found = read(folder, file)
        faults += found
    models: dict[str, str] = {}
    for path in sorted((folder / "models").rglob("*.sql")):
        file = path.relative_to(folder).as_posix()
        if path.stem in models:
            message = f"model '{path.stem}' has a file already, {models[path.stem]}; remove or rename one of them."
            faults.append(Fault("model-twice", message, file))
        models.setdefault(path.stem, file)
    seeds = {path.stem: path.relative_to(folder).as_posix() for path in sorted((folder / "seeds").glob("*.csv"))}
    return Project(folder, registry, models, seeds, pages, tuple(faults))


def records_of(spec: Any) -> str | None:
    """The canonical model of a side, `pos_orders` of `pos/orders`; None where it is no side."""
    return spec.replace("/", "_") if isinstance(spec, str) and re.fullmatch(r"[^/]+/[^/]+", spec) else None


def feeds_of_side(project: Project, spec: Any) -> list[str]:
    """The feeds that bring a side, any of which makes it be there."""
    if not isinstance(spec, str):
        return []
    entity = project.variables.get("entities") or {}
    if isinstance(entity, dict) and spec in entity:
        return texts(_mapping(entity[spec]).get("feeds"))
    return [spec]


def feeds_of_stream(project: Project, stream: str) -> list[str]:
    """Every feed of a stream's sides, in order."""
    sides = [ladder.get(role) for ladder in project.ladders(stream).values() for role in ("source", "target")]
    return list(dict.fromkeys(feed for side in sides for feed in feeds_of_side(project, side)))


def orgs_of_stream(project: Project, stream: str) -> list[str] | None:
    """The orgs that a stream names as the only ones that it serves; None for all."""
    given = project.streams.get(stream, {}).get("orgs")
    return None if given is None else texts(given)


def texts(given: Any) -> list[str]:
    """The texts of a list; none where it is no list."""
    return [text for text in given if isinstance(text, str)] if isinstance(given, list) else []


def entries(body: Any, kind: str) -> list[dict[str, Any]]:
    """The mappings of a list of a YAML file. What is no mapping keeps its place, empty."""
    given = body.get(kind) if isinstance(body, dict) else None
    return [_mapping(entry) for entry in given] if isinstance(given, list) else []


def meta(body: dict[str, Any]) -> dict[str, Any]:
    """`config.meta` of a YAML entry."""
    return _mapping(_mapping(body.get("config")).get("meta"))


def _mapping(body: Any) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}
