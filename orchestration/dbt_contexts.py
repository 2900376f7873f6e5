"""What dbt makes anew for every node and statement and could have cheaper: the names that its templates see, and events
that nobody reads. A quarter of the CPU of a small run.

As in dbt_savings: each takes the place of something inside dbt for the length of a run, and is left out where that is
not there.
"""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager
from typing import Any

from orchestration.dbt_savings import replaced

Packages = Mapping[str, dict[str, Any]]

# What a node's names are told without being asked for it, which takes long and changes nothing else: the node and the
# command line as dictionaries, and modules.
DEAR = ("model", "invocation_args_dict", "exceptions", "modules", "flags")


class Names(ChainMap[str, Any]):
    """A node's names before Jinja's own: the usual map of two maps, asked without a generator for each question."""

    def __contains__(self, key: object) -> bool:
        node, own = self.maps
        return key in node or key in own

    def __getitem__(self, key: str) -> Any:
        node, own = self.maps
        return node[key] if key in node else own[key]


class Lazy(dict[str, Any]):
    """A dictionary that takes what it is asked for and does not have from a source, and keeps what `take` makes of it.
    It has every name of the source."""

    def __init__(self, own: Mapping[str, Any], source: Mapping[str, Any], take: Callable[[Any], Any]) -> None:
        super().__init__(own)
        # Of `package.name` a template asks for an attribute first: no macro has names like these.
        self._lazy_source, self._lazy_take = source, take

    def __missing__(self, name: str) -> Any:
        taken = self[name] = self._lazy_take(self._lazy_source[name])
        return taken

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._lazy_source

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*super().__iter__(), *self._lazy_source]))

    def __len__(self) -> int:
        return len(dict.fromkeys([*super().__iter__(), *self._lazy_source]))

    def __bool__(self) -> bool:
        return super().__len__() > 0 or bool(self._lazy_source)

    def copy(self) -> dict[str, Any]:
        return dict(self)

    keys, values, items = Mapping.keys, Mapping.values, Mapping.items  # type: ignore[assignment]
    setdefault = MutableMapping.setdefault


class Found:
    """The macros of a project as the nodes of one package see them, worked out once for all these nodes."""

    def __init__(self, by_package: Packages, root: str, search: str, internal: list[str], shared: str) -> None:
        """`root`: the project; `search`: the nodes' package; `internal`: dbt and its adapters, the first one wins;
        `shared`: the name under which all of these are seen."""
        # Held, so that nothing else ever stands where they stand.
        self.all = [macro for macros in by_package.values() for macro in macros.values()]
        self.internal = {
            name: macro for package in reversed(internal) for name, macro in by_package.get(package, {}).items()
        }
        self.packages = {package: macros for package, macros in by_package.items() if package not in internal}
        # dbt's order of search, from its end: what is internal, packages by their names, the project, the own package.
        before = {**self.packages.get(root, {}), **self.packages.get(search, {})}
        self.spaces = [name for name in (shared, *self.packages) if name not in before]
        self.names = {name: macro for name, macro in self.internal.items() if name not in self.spaces} | before


@contextmanager
def names_made_quickly() -> Iterator[None]:
    """Every node sees a thousand macros and calls some fifty, often: find them once for all nodes, make the handle of a
    macro when a template asks for it, and the macro that it calls once a node and not for each call."""
    from dbt.clients.jinja import MacroGenerator
    from dbt.context import macros
    from dbt.context.manifest import ManifestContext
    from dbt.include.global_project import PROJECT_NAME
    from dbt_common.clients import jinja

    make = object.__new__
    known: dict[tuple[Any, ...], Found] = {}

    class Handle(MacroGenerator):
        """dbt's handle, which keeps its macro. What a macro's names mean it asks at each call, of its node's names."""

        made: Callable[..., Any] | None = None

        def get_macro(self) -> Callable[..., Any]:
            if self.made is None:
                self.made = super().get_macro()
            return self.made

    class Namespace(macros.MacroNamespace):
        """dbt's namespace, which answers by what was found for all nodes."""

        def __init__(self, found: Found, take: Callable[[Any], Any]) -> None:
            packages = {name: Lazy({}, of_package, take) for name, of_package in found.packages.items()}
            internal = Lazy({}, found.internal, take)
            super().__init__({}, {}, internal, packages)
            spaces = {PROJECT_NAME: internal, **packages}
            self.names = Lazy({name: spaces[name] for name in found.spaces}, found.names, take)

        def __getitem__(self, key: str) -> Any:
            return self.names[key]

        def __contains__(self, key: object) -> bool:
            return key in self.names

        def __iter__(self) -> Iterator[str]:
            return iter(self.names)

        def __len__(self) -> int:
            return len(self.names)

    def found_once(original: Callable[..., Any]) -> Callable[..., Any]:
        def build_namespace(builder: Any, by_package: Packages, context: Any) -> Namespace:
            seen_from = (builder.root_package, builder.search_package, *builder.internal_package_names_order)
            # While dbt parses, macros may still come and go.
            key = (*seen_from, *(id(macro) for of_package in by_package.values() for macro in of_package.values()))
            if key not in known:
                internal = builder.internal_package_names_order
                known[key] = Found(by_package, builder.root_package, builder.search_package, internal, PROJECT_NAME)

            def handle(macro: Any) -> Handle:
                made = make(Handle)
                made.macro, made.context, made.node, made.stack = macro, context, builder.node, builder.thread_ctx
                return made

            return Namespace(known[key], handle)

        return build_namespace

    def begun_lazy(original: Callable[..., Any]) -> Callable[..., Any]:
        def build(context: Any) -> Any:
            context._ctx = Lazy(context._ctx, {}, lambda member: member)
            return original(context)

        return build

    def not_laid_in(original: Callable[..., Any]) -> Callable[..., Any]:
        def to_dict(context: Any) -> dict[str, Any]:
            if not isinstance(context.namespace, Namespace):
                return original(context)

            def member(of_class: Any) -> Any:
                return of_class.__get__(context) if hasattr(of_class, "__get__") else of_class

            members = context._context_members_
            own = {name: member(of_class) for name, of_class in members.items() if name not in DEAR}
            builtins = Lazy(own, {name: members[name] for name in DEAR if name in members}, member)
            names = context._ctx
            names.update(context=names, builtins=builtins)
            # A macro goes before what dbt has under its name.
            names._lazy_source = Names(context.namespace, builtins)
            return names

        return to_dict

    with ExitStack() as stack:
        stack.enter_context(replaced(macros.MacroNamespaceBuilder, "build_namespace", found_once))
        stack.enter_context(replaced(ManifestContext, "_build_namespace", begun_lazy))
        stack.enter_context(replaced(ManifestContext, "to_dict", not_laid_in))
        stack.enter_context(replaced(jinja, "ChainMap", lambda original: Names))
        # Arguments of tests are rendered by a class of their own, which would lay all names into a new dictionary.
        native = getattr(jinja, "NativeSandboxTemplate", None)
        stack.enter_context(replaced(native, "new_context", lambda original: jinja.MacroFuzzTemplate.new_context))
        yield


class Message:
    """The message of an event, made at the first look; from then on the event holds it, as dbt's own do."""

    def __init__(self, fill: Callable[..., None]) -> None:
        self.fill = fill

    def __get__(self, event: Any, owner: Any = None) -> Any:
        if event is None:
            return self
        arguments, more = event.__dict__.pop("said")
        self.fill(event, *arguments, **more)
        return event.__dict__["pb_msg"]


@contextmanager
def events_filled_when_read() -> Iterator[None]:
    """Make the message of an event when somebody reads it: of most nobody does."""
    from dbt_common.events.base_types import BaseEvent

    def later(original: Callable[..., None]) -> Callable[..., None]:
        # It stays, because an event may be read when the run is over; those that dbt fills at once never ask for it.
        BaseEvent.pb_msg = Message(original)  # type: ignore[attr-defined]

        def keep(event: Any, *arguments: Any, **more: Any) -> None:
            event.__dict__["said"] = (arguments, more)

        return keep

    with replaced(BaseEvent, "__init__", later):
        yield
