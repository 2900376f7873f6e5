"""What dbt is kept from doing again: it still has the functions that stand aside, and answers the same without them."""

import contextlib
import errno
import gc
import inspect
from pathlib import Path

import jinja2
import pytest
from dbt.compilation import Compiler
from dbt.contracts.project import Project
from dbt.task import runnable
from dbt_common import dataclass_schema
from dbt_common.clients.jinja import MacroFuzzEnvironment, get_template
from dbt_common.dataclass_schema import ValidationError
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.types import Formatting, Note
from dbt_common.exceptions import CompilationError
from mashumaro.core.meta import mixin as plain_mixin
from mashumaro.core.meta.code.builder import CodeBuilder
from mashumaro.mixins import dict as mixin

from orchestration import dbt_savings
from orchestration.collecting import collected_rarely
from orchestration.dbt_build import EVENTS

SOURCE = "{% set said = 'a' | upper %}{{ said }} {{ n }}"


def shown(n: int) -> str:
    """What the template says."""
    return get_template(SOURCE, {}).render({"n": n})


def test_dbt_still_has_what_is_replaced():
    assert list(inspect.signature(EventManager.fire_event).parameters)[:3] == ["self", "e", "level"]
    assert callable(runnable.write_manifest)
    assert "build_json_schema(cls)" in inspect.getsource(dataclass_schema.dbtClassMixin)
    assert "write_manifest(self.manifest" in inspect.getsource(runnable.GraphRunnableTask.run)
    assert issubclass(MacroFuzzEnvironment, jinja2.Environment)
    # `from_string` compiles with the source alone; with more arguments nothing is kept.
    assert "self.compile(source)" in inspect.getsource(jinja2.Environment.from_string)
    assert "linker.get_graph_summary(manifest)" in inspect.getsource(Compiler.compile)
    assert "linker.write_graph(" in inspect.getsource(Compiler.write_graph_file)


def test_mashumaro_still_has_what_is_replaced():
    """Its codecs are made by what `__init_subclass__` finds in its own module, with these arguments."""
    source = inspect.getsource(mixin.DataClassDictMixin.__init_subclass__)
    for kind in ("packer", "unpacker"):
        assert f'compile_mixin_{kind}(cls, **builder_params["{kind}"])' in source
        names = inspect.signature(getattr(plain_mixin, f"compile_mixin_{kind}")).parameters
        assert set(names) <= {"cls", "format_name", "dialect", "encoder", "encoder_kwargs", "decoder"}
    taken = inspect.signature(CodeBuilder.__init__).parameters
    assert {"first_method", "allow_postponed_evaluation", "format_name", "default_dialect", "decoder"} <= set(taken)


def test_a_template_is_compiled_once_and_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "templates.marshal"
    plain = shown(1)
    with dbt_savings.templates_kept(file) as write:
        assert shown(1) == plain
        assert shown(2) != plain
        write()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was compiled again")

    monkeypatch.setattr(MacroFuzzEnvironment, "_generate", refuse)
    with dbt_savings.templates_kept(file):
        assert shown(1) == plain
        with pytest.raises(CompilationError, match="again"):
            get_template(SOURCE + " ", {"n": 1})
    with pytest.raises(CompilationError, match="again"):
        get_template(SOURCE, {"n": 1})


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_the_same_text_in_yaml_and_in_sql_is_told_apart(tmp_path: Path, order: tuple[bool, bool]):
    """In YAML `{{ n }}` is a number or a truth, in SQL a text: `enabled: "{{ false }}"` must not become a text."""
    for _ in ("compiled now", "kept"):
        with dbt_savings.templates_kept(tmp_path / "templates.marshal") as write:
            said = {native: get_template("{{ n }}", {}, native=native).render({"n": False}) for native in order}
            assert said == {True: False, False: "False"}
            write()


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_unknown_names_are_passed_over_where_dbt_parses_and_nowhere_else(tmp_path: Path, order: tuple[bool, bool]):
    source = "{{ ([] | first).sort_key }}"
    for _ in ("compiled now", "kept"):
        with dbt_savings.templates_kept(tmp_path / "templates.marshal") as write:
            for captures in order:
                template = get_template(source, {}, capture_macros=captures)
                with contextlib.nullcontext() if captures else pytest.raises(jinja2.UndefinedError):
                    assert template.render({}) == ""
            write()


def test_what_cannot_be_written_whole_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "templates.marshal"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with dbt_savings.templates_kept(file) as write:
        get_template(SOURCE, {})
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: b"", lambda c: b"\0" * 64 + c[64:], lambda c: c[:80]])
def test_a_file_that_is_not_whole_is_not_used(tmp_path: Path, spoil):
    file = tmp_path / "templates.marshal"
    with dbt_savings.templates_kept(file) as write:
        get_template(SOURCE, {})
        write()
    file.write_bytes(spoil(file.read_bytes()))
    with dbt_savings.templates_kept(file) as write:
        get_template(SOURCE, {})
        write()
    with dbt_savings.templates_kept(file):
        assert shown(1).endswith(" 1")


def test_how_settings_must_look_is_worked_out_once_and_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "schemas.marshal"
    forget = Project.json_schema.__func__.cache_clear
    forget()
    plain = Project.json_schema()
    forget()
    with dbt_savings.schemas_kept(file) as write:
        assert Project.json_schema() == plain
        write()
    forget()
    with monkeypatch.context() as patch:
        patch.setattr(dataclass_schema, "build_json_schema", lambda of: pytest.fail("it was worked out again"))
        with dbt_savings.schemas_kept(file):
            assert Project.json_schema() == plain
            with pytest.raises(ValidationError, match="name"):
                Project.validate({})
    forget()


def test_events_reach_who_listens_and_what_goes_wrong_reaches_all():
    heard: list[str] = []
    manager = EventManager()
    manager.callbacks.append(lambda message: heard.append(message.info.name))
    with dbt_savings.told_only_to("Note"):
        manager.fire_event(Formatting("x"))
        manager.fire_event(Note(msg="x"))
        manager.fire_event(Formatting("x"), level=EventLevel.ERROR)
    manager.fire_event(Formatting("x"))
    assert heard == ["Note", "Formatting", "Formatting"]
    assert set(EVENTS) == {"LogStartLine", "NodeFinished"}


def test_what_is_replaced_comes_back_and_what_is_not_there_is_left_out():
    before, threshold = EventManager.fire_event, gc.get_threshold()
    with contextlib.suppress(ZeroDivisionError), dbt_savings.told_only_to(), collected_rarely():
        assert EventManager.fire_event is not before
        raise ZeroDivisionError
    assert EventManager.fire_event is before
    assert gc.get_threshold() == threshold
    with dbt_savings.replaced(EventManager, "no_such_function", lambda original: original):
        assert not hasattr(EventManager, "no_such_function")
