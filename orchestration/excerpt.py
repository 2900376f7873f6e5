"""The part of a dbt project that every stream shares, without the streams themselves: what a reconciliation of one's
own files needs so that it is worked out by the same macros, tested by the same laws and shown by the same marts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from orchestration.project import read_settings
from orchestration.yaml_text import read_yaml

Files = dict[str, bytes]

# What people tell Tieout itself: its feeds stay, whatever is reconciled.
OWN_SYSTEM = "tieout"
KEPT_WHOLE = ("macros", "seeds", "tests/generic", "tests/laws")
PROFILES = "profiles.yml"
# dbt's unit tests take some stream's models for their examples.
UNIT_TESTS = "__unit_tests.yml"

_REF = re.compile(r"""\bref\(\s*['"]([A-Za-z0-9_]+)['"]\s*\)""")
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def shared_core(project: Path) -> tuple[Files, dict[str, Any]]:
    """The files of a project that every stream shares, by their path in it, and its settings with a registry of no
    stream. The snapshots are left out: what is built once has no history.

    Raises:
        UsageError: the project has no settings that can be read.
    """
    settings = read_settings(project)
    variables = settings.get("vars") or {}
    files: Files = {PROFILES: (project / PROFILES).read_bytes()}
    for part in KEPT_WHOLE:
        files |= _texts(project, (project / part).rglob("*"))
    models = _texts(project, (project / "models").rglob("*"))
    kept = _shared_models(models, files, variables)
    files |= {path: text for path, text in models.items() if path.endswith(".sql") and Path(path).stem in kept}
    for path, text in models.items():
        if path.endswith((".yml", ".yaml")) and not path.endswith(UNIT_TESTS):
            described = _describing(text, path, kept)
            if described is not None:
                files[path] = described
    settings["vars"] = {
        **variables,
        "feeds": [feed for feed in variables.get("feeds") or [] if feed.split("/")[0] == OWN_SYSTEM],
        "entities": {},
        "attributes": {},
        "identities": [],
        "streams": {},
    }
    return files, settings


def as_yaml(content: Any) -> bytes:
    """YAML of plain values, in the order in which they are given."""
    text: str = yaml.dump(content, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=160)
    return text.encode("utf-8")


def _texts(project: Path, found: Iterable[Path]) -> Files:
    return {file.relative_to(project).as_posix(): file.read_bytes() for file in found if file.is_file()}


def _shared_models(models: Files, others: Files, variables: Mapping[str, Any]) -> set[str]:
    """The models that stay: the marts and what is kept of every run, what all streams' exceptions are worked out with,
    Tieout's own feeds, and whatever those and the macros name."""
    streams = variables.get("streams") or {}
    own_marts = {mart for body in streams.values() for mart in body.get("marts") or []}
    sql = {Path(path).stem: (path, text.decode("utf-8")) for path, text in models.items() if path.endswith(".sql")}

    def is_root(name: str, path: str) -> bool:
        room, *rest = Path(path).parts[1:]
        return (
            room == "audit"
            or (room == "marts" and name not in own_marts)
            or (room == "reconciliations" and rest[0] not in streams)
            or (room == "staging" and rest[0] == OWN_SYSTEM)
        )

    kept: set[str] = set()
    macros = (text.decode("utf-8") for path, text in others.items() if path.startswith("macros/"))
    waiting = [name for text in macros for name in _REF.findall(text)]
    waiting += [name for name, (path, _) in sql.items() if is_root(name, path)]
    while waiting:
        name = waiting.pop()
        if name in sql and name not in kept:
            kept.add(name)
            waiting += _REF.findall(sql[name][1])
    return kept


def _describing(text: bytes, path: str, kept: set[str]) -> bytes | None:
    """What a YAML file says of models that stay; of feeds only Tieout's own; none where nothing is left."""
    document = read_yaml(text) or {}
    left = {
        "sources": [source for source in document.get("sources") or [] if _is_shared(source)],
        "models": [model for model in document.get("models") or [] if model["name"] in kept],
    }
    if not any(left.values()):
        return None
    return as_yaml({"version": 2, **{key: entries for key, entries in left.items() if entries}})


def _is_shared(source: Mapping[str, Any]) -> bool:
    """Whether a source is Tieout's own or no feed at all, as the book of all batches is."""
    return source["name"] == OWN_SYSTEM or not any(_is_feed(table) for table in source.get("tables") or [])


def _is_feed(table: Mapping[str, Any]) -> bool:
    meta = (table.get("config") or {}).get("meta") or {}
    return "feed" in meta


def paths(files: Files) -> Iterator[str]:
    """The paths of files in one order."""
    yield from sorted(files)
