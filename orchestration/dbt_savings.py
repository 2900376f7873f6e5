"""What dbt does in every run and need not: together a quarter of a small run.

Each saving takes the place of a function inside dbt for the length of a run. A test holds that these are still there;
where one is not, that saving is left out and dbt works as it comes.
"""

import hashlib
import marshal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from orchestration import keeping

# What is kept beside the parse of a project.
TEMPLATES, SCHEMAS = "templates.marshal", "schemas.marshal"


def codecs_made_when_used() -> None:
    """Let dbt's classes make the code by which they are written and read at the first use: most never are. To be called
    before dbt is imported; it holds to the end of the process."""
    with suppress(ImportError, AttributeError):
        from mashumaro.config import ADD_DIALECT_SUPPORT, BaseConfig
        from mashumaro.core.meta.code.builder import CodeBuilder
        from mashumaro.mixins import dict as mixin

        if BaseConfig.lazy_compilation:
            return
        BaseConfig.lazy_compilation = True

        # mashumaro's own stand-ins are code too, made for each of 600 classes.
        def stands_in(original: Callable[..., None], kind: str, name_of: Callable[..., Any]) -> Callable[..., None]:
            def stand_in(cls: type, format_name: str = "dict", dialect: Any = None, **coding: Any) -> None:
                options = getattr(getattr(cls, "Config", None), "code_generation_options", ())
                if ADD_DIALECT_SUPPORT in options:
                    original(cls, format_name=format_name, dialect=dialect, **coding)
                    return
                coder = {name: value for name, value in coding.items() if name in ("encoder", "decoder")}
                name = name_of(format_name=format_name, **coder)

                def first(owner: type, *arguments: Any, **more: Any) -> Any:
                    builder = CodeBuilder(
                        owner,
                        first_method=name,
                        allow_postponed_evaluation=False,
                        format_name=format_name,
                        default_dialect=dialect,
                        **coding,
                    )
                    getattr(builder, f"add_{kind}_method")()
                    return getattr(owner, name)(*arguments, **more)

                method: Any = classmethod(first)
                if kind == "pack":

                    def method(self: Any, *arguments: Any, **more: Any) -> Any:
                        return first(type(self), self, *arguments, **more)

                for each in (name, name.public):
                    setattr(cls, each, method)

            return stand_in

        mixin.compile_mixin_packer = stands_in(mixin.compile_mixin_packer, "pack", CodeBuilder.get_pack_method_name)
        mixin.compile_mixin_unpacker = stands_in(
            mixin.compile_mixin_unpacker, "unpack", CodeBuilder.get_unpack_method_name
        )


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
def no_drawings_of_the_graph() -> Iterator[None]:
    """Leave out the files in which dbt draws its graph, three times in all: nobody reads them."""
    from dbt.compilation import Linker

    with (
        replaced(Linker, "get_graph_summary", lambda original: lambda *arguments: {}),
        replaced(Linker, "write_graph", lambda original: lambda *arguments: None),
    ):
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


def _read(file: Path) -> dict[Any, Any]:
    """What a file keeps; nothing where there is nothing that holds."""
    body = keeping.read(file)
    try:
        return marshal.loads(body) if body else {}
    except (ValueError, EOFError, TypeError):
        return {}


def _write(file: Path, known: dict[Any, Any]) -> None:
    # A value that cannot be written down is one of a dbt that works otherwise.
    with suppress(ValueError):
        keeping.write(file, marshal.dumps(known))
