"""What dbt makes anew for every statement and could keep: how the types of a result are found out, the table of a
statement without a result, and copies of small dictionaries about relations. A twentieth of the CPU of a small run.

As in dbt_savings: each takes the place of something inside dbt for the length of a run, and is left out where that is
not there.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from typing import Any

from orchestration.dbt_savings import replaced

# Values that nobody changes, so that a copy is as good as the value.
PLAIN = (str, bool, int, float, type(None), Enum)


@contextmanager
def results_kept() -> Iterator[None]:
    """Make the testers of a result's types once, each of which reads a calendar's grammar, and one empty table for all
    statements without a result: neither is ever changed."""
    from dbt_common.clients import agate_helper

    testers: dict[tuple[Any, ...], Any] = {}
    tables: list[Any] = []

    def tester_once(original: Callable[..., Any]) -> Callable[..., Any]:
        def build_type_tester(
            text_columns: Iterable[str], string_null_values: Iterable[str] | None = ("null", "")
        ) -> Any:
            columns = tuple(text_columns)
            nulls = None if string_null_values is None else tuple(string_null_values)
            if (columns, nulls) not in testers:
                testers[columns, nulls] = original(columns, nulls)
            return testers[columns, nulls]

        return build_type_tester

    def table_once(original: Callable[[], Any]) -> Callable[[], Any]:
        def empty_table() -> Any:
            if not tables:
                tables.append(original())
            return tables[0]

        return empty_table

    with ExitStack() as stack:
        stack.enter_context(replaced(agate_helper, "build_type_tester", tester_once))
        stack.enter_context(replaced(agate_helper, "empty_table", table_once))
        yield


@contextmanager
def dictionaries_merged_quickly() -> Iterator[None]:
    """Lay dictionaries of plain values over one another without copying each value deeply; all others as dbt does."""
    from dbt.adapters.base import relation
    from dbt.adapters.contracts import relation as contract

    def quickly(original: Callable[..., Any]) -> Callable[..., Any]:
        def deep_merge(*parts: Any) -> Any:
            try:
                return merged(parts) if parts and all(map(_is_plain, parts)) else original(*parts)
            except ValueError:
                return original(*parts)

        return deep_merge

    with ExitStack() as stack:
        for owner in (relation, contract):
            stack.enter_context(replaced(owner, "deep_merge", quickly))
        yield


def merged(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A dictionary of all that the parts say, the later ones before the earlier, dictionaries in them merged alike.

    Raises:
        ValueError: a dictionary would lie over something else.
    """
    result: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if isinstance(value, dict):
                below = result.get(key, {})
                if not isinstance(below, dict):
                    raise ValueError(key)
                result[key] = merged([below, value])
            else:
                result[key] = value
    return result


def _is_plain(value: Any) -> bool:
    """Whether a value is a dictionary of nothing but plain values and such dictionaries."""
    return isinstance(value, dict) and all(isinstance(each, PLAIN) or _is_plain(each) for each in value.values())
