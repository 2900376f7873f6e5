"""The names and events that dbt is helped with are those it would have made."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.clients.jinja import MacroGenerator, MacroStack
from dbt.context import macros
from dbt.context.base import contextmember, contextproperty
from dbt.context.manifest import ManifestContext
from dbt.context.providers import ProviderContext
from dbt_common.clients import jinja
from dbt_common.events import base_types
from dbt_common.events.types import Note

from orchestration import dbt_contexts


class Macro:
    """What a namespace asks of a macro."""

    def __init__(self, package_name: str, name: str) -> None:
        self.package_name, self.name, self.unique_id = package_name, name, f"macro.{package_name}.{name}"


def test_dbt_still_has_what_is_replaced():
    assert "builder.build_namespace(" in inspect.getsource(ManifestContext._build_namespace)
    assert "self.namespace = self._build_namespace()" in inspect.getsource(ManifestContext.__init__)
    assert "self._context_members_.items()" in inspect.getsource(ManifestContext.generate_builtins)
    assert set(dbt_contexts.DEAR) <= set(ProviderContext._context_members_)
    assert list(inspect.signature(jinja.NativeSandboxTemplate.new_context).parameters)[1] == "vars"
    assert "ChainMap(vars, self.globals)" in inspect.getsource(jinja.MacroFuzzTemplate.new_context)
    assert "self.get_macro()" in inspect.getsource(MacroGenerator.call_macro)


# `shared` is in every package, the others in some, so that each step of the order of search decides somewhere.
HELD = {
    "tieout": ["shared", "root_and_dbt", "dbt_utils"],
    "other": ["shared", "only_other"],
    "dbt_duckdb": ["shared", "adapter_and_dbt", "root_and_dbt"],
    "dbt": ["shared", "adapter_and_dbt", "root_and_dbt", "only_dbt"],
}


def namespace(search_package: str, context: dict[str, Any]) -> macros.MacroNamespace:
    """dbt's own, of macros in four packages."""
    builder = macros.MacroNamespaceBuilder("tieout", search_package, MacroStack(), ["dbt_duckdb", "dbt"], "a node")
    by_package = {package: {name: Macro(package, name) for name in names} for package, names in HELD.items()}
    return builder.build_namespace(by_package, context)


def seen(member: Any) -> Any:
    """What can be told of a member: whose macro it is, or of a package all of its macros."""
    if isinstance(member, MacroGenerator):
        return member.macro.unique_id, member.node, sorted(member.__dict__)
    return {name: seen(inner) for name, inner in member.items()}


@pytest.mark.parametrize("search_package", ["tieout", "other", "dbt"])
def test_every_name_means_the_same_macro(search_package: str):
    context: dict[str, Any] = {}
    plain = namespace(search_package, context)
    with dbt_contexts.names_made_quickly():
        quick = namespace(search_package, context)
    assert type(quick) is not type(plain)
    assert seen(quick) == seen(plain)
    assert {name: seen(member) for name, member in {**quick}.items()} == seen(plain)
    assert len(quick) == len(plain)
    assert quick["shared"].context is context
    for package in [None, *HELD]:
        for name in ["shared", "adapter_and_dbt", "only_dbt", "only_other", "absent"]:
            try:
                expected = plain.get_from_package(package, name)
            except Exception as error:
                with pytest.raises(type(error)):
                    quick.get_from_package(package, name)
                continue
            found = quick.get_from_package(package, name)
            assert (found is None) == (expected is None)
            assert found is None or seen(found) == seen(expected)
        assert quick.get_from_package("tieout", "absent") is None


class Model(ManifestContext):
    """A node's names, of a project without anything but macros: `ref` is one of them, which dbt has as well."""

    def __init__(self) -> None:
        self.config, self.target_dict = SimpleNamespace(project_name="tieout"), {"name": "duckdb"}
        self.cli_vars, self.env_vars, self.require_vars, self._ctx = {}, {}, True, {}
        self.macro_stack, self.asked = MacroStack(), list[str]()
        source = "{% macro NAME(x) %}{{ return('NAME' ~ x ~ n) }}{% endmacro %}"
        names = {name: Macro("tieout", name) for name in ("ref", "twice", "source", "take")}
        for name, macro in names.items():
            macro.macro_sql = source.replace("NAME", name)
        names["twice"].macro_sql = "{% macro twice(x) %}{{ return(ref(x) ~ ref(x)) }}{% endmacro %}"
        self.manifest = SimpleNamespace(get_macros_by_package=lambda: {"tieout": names})
        self.namespace = self._build_namespace()

    def _get_namespace_builder(self) -> macros.MacroNamespaceBuilder:
        return macros.MacroNamespaceBuilder("tieout", "tieout", MacroStack(), ["dbt"], None)

    @contextproperty()
    def model(self) -> dict[str, str]:
        """One of those that are only made when they are asked for."""
        self.asked.append("model")
        return {"name": "a node"}

    @contextproperty()
    def n(self) -> int:
        """One of those that are always made: it may do more than to answer."""
        self.asked.append("n")
        return 1

    @contextmember()
    def ref(self, *_: object) -> str:
        """What the macro of this name goes before."""
        return "dbt's"


def test_a_nodes_names_say_what_they_said(monkeypatch: pytest.MonkeyPatch):
    source = (
        "{{ twice('a') }} {{ builtins.ref() }} {{ model.name }} {{ tieout.ref('b') }} {{ context.n }} {{ nothing }}"
        # Names that what stands in for dbt's dictionaries must not have as attributes.
        " {{ tieout.take('c') }} {{ tieout.source('d') }} {{ context.take('e') }}"
    )

    def said(model: Model) -> str:
        return jinja.get_template(source, {}).render(model.to_dict())

    plain = Model()
    plain.to_dict()
    expected = said(Model())
    made: list[str] = []
    with dbt_contexts.names_made_quickly():
        quick = Model()
        names = quick.to_dict()
        assert plain.asked == ["model", "n"]
        assert quick.asked == ["n"]
        assert set(names) == set(plain._ctx)
        assert len(names) == len(plain._ctx)
        assert "twice" in names
        assert names.get("nothing") is None
        assert "nothing" not in names
        assert names["ref"] is names["ref"]
        assert names.setdefault("twice") is names["twice"]
        assert names.copy().keys() == names.keys()
        monkeypatch.setattr(
            MacroGenerator,
            "get_macro",
            lambda self, get=MacroGenerator.get_macro: made.append(self.macro.name) or get(self),
        )
        assert said(Model()) == expected
    assert expected.split() == ["refa1refa1", "dbt's", "a", "node", "refb1", "1", "takec1", "sourced1", "takee1"]
    # By two names a macro is two handles; however often it is called, each makes it once.
    assert sorted(made) == ["ref", "ref", "source", "take", "take", "twice"]


def test_a_template_finds_what_it_found():
    source = "{% macro twice(x) %}{{ x }}{{ x }}{{ range(2) | list }}{{ n }}{{ m is defined }}{% endmacro %}"

    def said() -> str:
        template = jinja.get_template(source, {"n": 1})
        return str(template.make_module(vars={"n": 1}).__dict__[jinja.get_dbt_macro_name("twice")]("a"))

    plain = said()
    with dbt_contexts.names_made_quickly():
        assert jinja.ChainMap is dbt_contexts.Names
        assert said() == plain
    assert "aa[0, 1]1False" in plain
    with pytest.raises(KeyError):
        dbt_contexts.Names({}, {})["absent"]


def test_an_event_says_what_it_would_have_said():
    plain = Note(msg="said")
    with dbt_contexts.events_filled_when_read():
        read, kept = Note(msg="said"), Note(msg="said")
        assert "pb_msg" not in read.__dict__
        assert (read.msg, read.to_dict()) == (plain.msg, plain.to_dict())
        read.msg = "something else"
        assert read.msg == "something else"
    assert kept.to_dict() == plain.to_dict()
    assert Note(msg="after").__dict__["pb_msg"].msg == "after"
    assert base_types.BaseEvent.__init__.__qualname__.startswith("BaseEvent")
