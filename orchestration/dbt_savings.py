"""What dbt does in every run and need not: together a quarter of a small run.

Each saving takes the place of a function inside dbt for the length of a run. A test holds that these are still there;
where one is not, that saving is left out and dbt works as it comes.
"""

import hashlib
import marshal
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# What is kept beside the parse of a project.
TEMPLATES, SCHEMAS = "templates.marshal", "schemas.marshal"


def codecs_made_when_used() -> None:
    """Let dbt's classes make the code by which they are written and read at the first use: most never are. To be called
    before dbt is imported; it holds to the end of the process."""
    with suppress(ImportError):
        from mashumaro.config import BaseConfig

        BaseConfig.lazy_compilation = True


@contextmanager
def replaced(owner: Any, name: str, by: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    """Put another function in the place of one, made from it; none where there is none of that name."""
    original = getattr(owner, name, None)
    if original is None:
        yield
        return
    setattr(owner, name, by(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def told_only_to(*names: str) -> Iterator[None]:
    """Drop events that nobody listens to before they are made into messages: all but these and what goes wrong."""
    from dbt_common.events.event_manager import EventManager

    quiet = ("debug", "info", "test")

    def by(original: Callable[..., Any]) -> Callable[..., Any]:
        def fire_event(self: Any, e: Any, level: Any = None, *rest: Any, **more: Any) -> Any:
            if type(e).__name__ not in names and (level or e.level_tag()).value in quiet:
                return None
            return original(self, e, level, *rest, **more)

        return fire_event

    with replaced(EventManager, "fire_event", by):
        yield


@contextmanager
def manifest_as_it_lies(is_there: bool) -> Iterator[None]:
    """Leave the file of a manifest that dbt did not make anew as it lies."""
    from dbt.task import runnable

    if not is_there:
        yield
        return
    with replaced(runnable, "write_manifest", lambda original: lambda *arguments, **more: None):
        yield


@contextmanager
def templates_kept(file: Path) -> Iterator[Callable[[], None]]:
    """Compile each Jinja template once and not in every run: what was compiled before stands in `file`. Yields what
    writes down those that came, once it is known that the file's folder is to be kept."""
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    known = _read(file)

    def by(original: Callable[..., Any]) -> Callable[..., Any]:
        def compile(self: Any, source: Any, *arguments: Any, **more: Any) -> Any:
            if arguments or more or not isinstance(source, str):
                return original(self, source, *arguments, **more)
            key = _key(self, source)
            if key not in known:
                known[key] = original(self, source)
            return known[key]

        return compile

    with replaced(MacroFuzzEnvironment, "compile", by):
        yield _writer(file, known)


@contextmanager
def schemas_kept(file: Path) -> Iterator[Callable[[], None]]:
    """Work out once, and not in every run, what dbt's settings must look like: the JSON schemas of its own classes, by
    which it checks the project's files and profile. Yields what writes down those that came."""
    from dbt_common import dataclass_schema

    known = _read(file)

    def by(original: Callable[..., Any]) -> Callable[..., Any]:
        def build_json_schema(of: type) -> Any:
            key = f"{of.__module__}.{of.__qualname__}"
            if key not in known:
                known[key] = original(of).to_dict()
            return SimpleNamespace(to_dict=lambda: known[key])

        return build_json_schema

    with replaced(dataclass_schema, "build_json_schema", by):
        yield _writer(file, known)


def _writer(file: Path, known: dict[Any, Any]) -> Callable[[], None]:
    """What writes down what is known by then, where more is known than now."""
    before = len(known)

    def write() -> None:
        if len(known) != before and file.parent.is_dir():
            _write(file, known)

    return write


def _key(environment: Any, source: str) -> bytes:
    """What tells templates apart: dbt makes other code of a value in YAML, which stays a number or a truth, than of the
    same text in SQL; and what is said of names that nobody knows may be worked out when a template is compiled."""
    kind = f"{type(environment).__name__} {environment.undefined.__module__}\0"
    return hashlib.sha256((kind + source).encode("utf-8", "surrogatepass")).digest()


def _stamp() -> bytes:
    """What is kept depends on beside the source of code and dbt's version: Python, Jinja and dbt's extensions of it."""
    said = f"{sys.implementation.cache_tag} {sys.hexversion} {version('jinja2')} {version('dbt-common')}"
    return hashlib.sha256(said.encode()).digest()


def _read(file: Path) -> dict[Any, Any]:
    """What a file keeps; nothing where it is not there, or is of something else, or is not whole."""
    try:
        content = file.read_bytes()
        stamp, digest, body = content[:32], content[32:64], content[64:]
        if stamp == _stamp() and digest == hashlib.sha256(body).digest():
            return marshal.loads(body)
    except (OSError, ValueError, EOFError, TypeError):
        pass
    return {}


def _write(file: Path, known: dict[Any, Any]) -> None:
    """Write it whole or not at all; where that cannot be done, the next run makes it again."""
    # A value that cannot be written down is one of a dbt that works otherwise.
    with suppress(OSError, ValueError):
        body = marshal.dumps(known)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".")
        fresh = Path(name)
        try:
            with os.fdopen(handle, "wb") as sink:
                sink.write(_stamp() + hashlib.sha256(body).digest() + body)
            fresh.replace(file)
        finally:
            # On a full disk half a file would take the room that others need.
            fresh.unlink(missing_ok=True)
