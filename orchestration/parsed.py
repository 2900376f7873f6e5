"""The parsed project, kept for the next data folder. dbt parses all of it anew where it finds no parse of the same
folder, which takes as long as the rest of a small run; but what a parse says depends on the project, the target and
dbt alone, and not on the data."""

import hashlib
import os
import pickle
import shutil
import tempfile
from contextlib import suppress
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from orchestration import keeping
from orchestration.environment import Place
from orchestration.project import SETTINGS, read_settings
from orchestration.warehouse import postgres_kwargs

# Below the project, where dbt itself leaves its files when it is called by hand.
FOLDER = Path("target") / "parsed"
PARSE, MANIFEST, OBJECTS = "partial_parse.msgpack", "manifest.json", "manifest.pickle"
KEPT = 4

FILES = (SETTINGS, "profiles.yml")
FOLDERS = ("model-paths", "macro-paths", "seed-paths", "test-paths", "snapshot-paths", "analysis-paths", "docs-paths")
PACKAGES = ("dbt-core", "dbt-common", "dbt-adapters", "dbt-duckdb", "dbt-postgres", "mashumaro")

# Told to a run by the environment; macros ask for it when they run, not when they are parsed.
RUN_VARIABLES = "DBT_ENV_CUSTOM_ENV_"


def parse_key(project: Path, place: Place) -> str:
    """SHA-256 over all that a parse depends on: every file of the project, the target and what of its connection a
    model can see, dbt's version and its settings. Environment variables that the project reads are checked by `load`,
    which knows them.

    Raises:
        UsageError: `dbt_project.yml` cannot be read.
    """
    digest = hashlib.sha256()

    def add(*texts: str) -> None:
        for text in texts:
            digest.update(text.encode("utf-8", "surrogateescape") + b"\0")

    config = read_settings(project)
    folders = {project / name for paths in FOLDERS for name in config.get(paths) or []} | {project / "dbt_packages"}
    files = {file for folder in folders for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    for file in sorted(files | {project / name for name in FILES}):
        add(file.relative_to(project).as_posix(), hashlib.sha256(file.read_bytes()).hexdigest())
    add(str(project), place.target, place.schema_prefix, place.duckdb_path.name)
    if place.target == "postgres":
        add(*(f"{name}={value}" for name, value in postgres_kwargs().items() if name != "password"))
    for name in sorted(os.environ):
        if name.startswith("DBT_") and not name.startswith(RUN_VARIABLES):
            add(name, os.environ[name])
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            add(package, version(package))
    return digest.hexdigest()[:32]


def load(project: Path, place: Place, key: str) -> Any | None:
    """The parsed project that was kept under a key, as dbt takes it; `manifest.json` is then where dbt would have left
    it. None when there is none that holds in this environment."""
    from dbt.constants import DEFAULT_ENV_PLACEHOLDER

    folder = project / FOLDER / key
    try:
        manifest = _objects(folder) or _read(folder)
        read = manifest.env_vars.items()
        if any(os.environ.get(name, DEFAULT_ENV_PLACEHOLDER) != value for name, value in read):
            return None
        shutil.copyfile(folder / MANIFEST, place.dbt_target / MANIFEST)
    except Exception:  # not there, or whatever is wrong with it: parsing finds out anew
        return None
    with suppress(OSError):
        os.utime(folder)  # what is used is kept longest
    return manifest


def _read(folder: Path) -> Any:
    """The parse as dbt wrote it, which takes half a second to read; what was read is kept as Python's own objects.

    Raises whatever is wrong with it.
    """
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    parse = (folder / PARSE).read_bytes()
    manifest = Manifest.from_msgpack(parse, decoder=extended_mashumuro_decoder)
    # What macros see as `graph`; dbt makes it after each parse and does not keep it.
    manifest.build_flat_graph()
    if os.access(folder, os.W_OK):
        # Not the manifest itself: dbt's own way to pickle one loses a part. What it works out later begins with `_`.
        parts = {field.name: getattr(manifest, field.name) for field in fields(manifest) if field.name[0] != "_"}
        with suppress(Exception):  # the parse is good, whatever is wrong with keeping it
            body = pickle.dumps(parts, protocol=pickle.HIGHEST_PROTOCOL)
            keeping.write(folder / OBJECTS, hashlib.sha256(parse).digest() + body)
    return manifest


def _objects(folder: Path) -> Any | None:
    """The parse that lies there as Python's own objects; none where they are of another one, or cannot be read any
    more. They are this project's own, as the compiled templates beside them are."""
    from dbt.contracts.graph.manifest import Manifest

    content = keeping.read(folder / OBJECTS)
    with suppress(Exception):
        if content and content[: keeping.DIGEST] == hashlib.sha256((folder / PARSE).read_bytes()).digest():
            return Manifest(**pickle.loads(content[keeping.DIGEST :]))
    return None


def keep(project: Path, place: Place, key: str) -> None:
    """Keep the parse that dbt has just made. Where the project cannot be written to, nothing is kept."""
    parent = project / FOLDER
    with suppress(OSError):
        parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".", dir=parent))
        try:
            for name in (PARSE, MANIFEST):
                shutil.copyfile(place.dbt_target / name, fresh / name)
            shutil.rmtree(parent / key, ignore_errors=True)
            fresh.rename(parent / key)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        for old in sorted(parent.glob("[!.]*"), key=lambda folder: folder.stat().st_mtime, reverse=True)[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
