"""What dbt makes anew for every node and statement and could have cheaper: the names that its templates see, and events
that nobody reads. A tenth of the CPU of a small run.

As in dbt_savings: each takes the place of something inside dbt for the length of a run, and is left out where that is
not there.
"""

from collections import ChainMap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from orchestration.dbt_savings import replaced


class Names(ChainMap[str, Any]):
    """A node's names before Jinja's own: the usual map of two maps, asked without a generator for each question."""

    def __contains__(self, key: object) -> bool:
        node, own = self.maps
        return key in node or key in own

    def __getitem__(self, key: str) -> Any:
        node, own = self.maps
        return node[key] if key in node else own[key]


@contextmanager
def names_made_quickly() -> Iterator[None]:
    """Every node sees a thousand macros, twice: make their handles without three constructors each, and lay them into
    the node's names without asking five dictionaries for each."""
    from dbt.clients.jinja import MacroGenerator
    from dbt.context import macros
    from dbt.include.global_project import PROJECT_NAME
    from dbt_common.clients import jinja

    make = object.__new__

    def handle(macro: Any, context: Any = None, node: Any = None, stack: Any = None) -> MacroGenerator:
        made = make(MacroGenerator)
        made.macro, made.context, made.node, made.stack = macro, context, node, stack
        return made

    class Namespace(macros.MacroNamespace):
        """dbt's namespace with the answer to every name found beforehand, in dbt's order of search."""

        def __init__(self, found: Any) -> None:
            super().__init__(
                found.global_namespace, found.local_namespace, found.global_project_namespace, found.packages
            )
            self.flat: dict[str, Any] = {
                **found.global_project_namespace,
                PROJECT_NAME: found.global_project_namespace,
                **found.packages,
                **found.global_namespace,
                **found.local_namespace,
            }

        def __getitem__(self, key: str) -> Any:
            return self.flat[key]

        def __iter__(self) -> Iterator[str]:
            return iter(self.flat)

        def __len__(self) -> int:
            return len(self.flat)

        def keys(self) -> Any:
            return self.flat.keys()

    def flattened(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, *arguments, **more: Namespace(original(self, *arguments, **more))

    with ExitStack() as stack:
        stack.enter_context(replaced(macros, "MacroGenerator", lambda original: handle))
        stack.enter_context(replaced(macros.MacroNamespaceBuilder, "build_namespace", flattened))
        stack.enter_context(replaced(jinja, "ChainMap", lambda original: Names))
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
