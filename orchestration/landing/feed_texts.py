"""What a declaration says of how a feed's texts are to be read, beyond marks and zone. Only staging acts on it; here it
is checked, so that a fault is told before anything lands.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

FEED_TEXT_KEYS = ("kind_columns", "amount_marks", "fill_down")
COLUMN_TEXT_KEYS = ("default", "implied_decimals", "formats", "parts", "time_zone", "zone")
AMOUNT_MARKS = ("symbol", "parentheses", "trailing_minus", "unicode_minus", "dash_zero", "decimal_comma")
DATE_SHAPES = ("YYYY-MM-DD", "DD.MM.YYYY", "MM/DD/YYYY", "DD/MM/YYYY", "YYYY/MM/DD")
MOST_KIND_COLUMNS = 3
MOST_IMPLIED_DECIMALS = 9
MOST_ID_PARTS = 8
# What staging adds to a record; a declared column of that name would stand there twice.
ADDED = {"kind_columns": "kind", "fill_down": "is_continuation"}

Fault = Callable[[str, str, Any], None]
Nodes = Mapping[str, Mapping[str, Any]]


def check_texts(feed: Mapping[str, Any], columns: Nodes, fault: Fault) -> None:
    """Tell every fault in what a feed (its `config.meta.feed`) and its columns (name to `config.meta`) say of texts."""
    texts = [name for name, meta in columns.items() if meta.get("type") in ("text", "id") and not meta.get("parts")]
    _kind_columns(feed, texts, fault)
    _amount_marks(feed, fault)
    _fill_down(feed, columns, fault)
    for key, name in ADDED.items():
        if feed.get(key) and name in columns:
            fault(f"feed.{key}", f"no declared column named {name} beside it (staging adds one)", name)
    for name, meta in columns.items():
        _implied_decimals(f"columns.{name}.implied_decimals", meta, feed, fault)
        if meta.get("formats") is not None and meta.get("type") not in ("time", "date"):
            fault(f"columns.{name}.formats", "only on a column of type time or date", meta["formats"])
        check_formats(f"columns.{name}.formats", meta.get("formats"), fault)
        _zone(f"columns.{name}.zone", meta, texts, fault)
        _parts(f"columns.{name}.parts", meta, texts, fault)
        _default(f"columns.{name}.default", meta, fault)
        _time_zone(f"columns.{name}.time_zone", meta, fault)


def check_defaults(where: str, given: Any, names: Iterable[str], fault: Fault) -> None:
    """Tell every fault in the `defaults` of an override."""
    if not isinstance(given, dict) or not all(isinstance(text, str) and text.strip() for text in given.values()):
        fault(where, "a mapping of a declared column to the text that its blanks mean", given)
        return
    for name in given:
        if name not in names:
            fault(where, f"a declared column ({', '.join(sorted(names))})", name)


def _default(where: str, meta: Mapping[str, Any], fault: Fault) -> None:
    given = meta.get("default")
    if given is None:
        return
    if not isinstance(given, str) or not given.strip():
        fault(where, "the text that a blank means", given)
    if meta.get("parts"):
        fault(where, "no default of a column that is put together from parts", given)


def _time_zone(where: str, meta: Mapping[str, Any], fault: Fault) -> None:
    given = meta.get("time_zone")
    if given is None:
        return
    if meta.get("type") != "time" or meta.get("parts"):
        fault(where, "only on a column of type time without parts", given)
    try:
        ZoneInfo(str(given))
    except (KeyError, ValueError, OSError):
        fault(where, "a time zone of the IANA list, such as Europe/Berlin", given)


def _kind_columns(feed: Mapping[str, Any], texts: list[str], fault: Fault) -> None:
    given = feed.get("kind_columns")
    if given is None:
        return
    if not _distinct_texts(given) or not 1 <= len(given) <= MOST_KIND_COLUMNS:
        fault("feed.kind_columns", "a list of one to three declared columns of type text or id", given)
        return
    for name in given:
        if name not in texts:
            fault("feed.kind_columns", f"a declared column of type text or id ({', '.join(sorted(texts))})", name)


def _amount_marks(feed: Mapping[str, Any], fault: Fault) -> None:
    given = feed.get("amount_marks")
    if given is None:
        return
    if not _distinct_texts(given):
        fault("feed.amount_marks", f"a list of {', '.join(AMOUNT_MARKS)}", given)
        return
    for mark in given:
        if mark not in AMOUNT_MARKS:
            fault("feed.amount_marks", f"one of {', '.join(AMOUNT_MARKS)}", mark)


def _fill_down(feed: Mapping[str, Any], columns: Nodes, fault: Fault) -> None:
    given = feed.get("fill_down")
    if given is None:
        return
    if not isinstance(given, dict) or set(given) != {"by", "columns"} or not _distinct_texts(given["columns"]):
        fault("feed.fill_down", "{by: <column>, columns: [<column>, ...]}", given)
        return
    delivered = [name for name, meta in columns.items() if not meta.get("parts")]
    for where, name in (("by", given["by"]), *(("columns", name) for name in given["columns"])):
        if name not in delivered:
            fault(f"feed.fill_down.{where}", f"a declared column of the file ({', '.join(sorted(delivered))})", name)
    if given["by"] in given["columns"]:
        fault("feed.fill_down.columns", "other columns than the one in `by`", given["by"])


def _implied_decimals(where: str, meta: Mapping[str, Any], feed: Mapping[str, Any], fault: Fault) -> None:
    given = meta.get("implied_decimals")
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_IMPLIED_DECIMALS:
        fault(where, f"a whole number from 0 to {MOST_IMPLIED_DECIMALS}", given)
    if meta.get("type") != "amount":
        fault(where, "only on a column of type amount", given)
    overrides = feed.get("overrides") if isinstance(feed.get("overrides"), list) else []
    for scope in (feed, *(node for node in overrides if isinstance(node, dict))):
        if scope.get("decimal_mark", ".") != "." or scope.get("grouping_mark", "") != "":
            fault(where, 'only in a feed with decimal_mark "." and grouping_mark "" for everybody', given)
            break


def check_formats(where: str, given: Any, fault: Fault) -> None:
    """Tell what is wrong with a list of date shapes."""
    if given is None:
        return
    if not _distinct_texts(given):
        fault(where, f"a list of {', '.join(DATE_SHAPES)}", given)
        return
    for shape in given:
        if shape not in DATE_SHAPES:
            fault(where, f"one of {', '.join(DATE_SHAPES)}", shape)
    if {"MM/DD/YYYY", "DD/MM/YYYY"} <= set(given):
        fault(where, "only one of MM/DD/YYYY and DD/MM/YYYY: 03/04/2026 would be two days", given)


def _zone(where: str, meta: Mapping[str, Any], texts: list[str], fault: Fault) -> None:
    given = meta.get("zone")
    if given is None:
        return
    if meta.get("type") != "time" or meta.get("parts"):
        fault(where, "only on a column of type time without parts (the third of the parts is its zone)", given)
    if given not in texts:
        fault(where, f"a declared column of type text or id ({', '.join(sorted(texts))})", given)


def _parts(where: str, meta: Mapping[str, Any], texts: list[str], fault: Fault) -> None:
    given = meta.get("parts")
    if given is None:
        return
    if meta.get("type") not in ("time", "id"):
        fault(where, "only on a column of type time or id", given)
    if meta.get("type") == "id":
        if not _distinct_texts(given) or not 2 <= len(given) <= MOST_ID_PARTS:
            fault(where, f"a list of 2 to {MOST_ID_PARTS} columns that are the id together", given)
            return
    elif not _distinct_texts(given) or len(given) not in (2, 3):
        fault(where, "[<date column>, <time column>] and, where the file has it, <zone column>", given)
        return
    for name in given:
        if name not in texts:
            fault(where, f"a declared column of type text or id ({', '.join(sorted(texts))})", name)
    if meta.get("aliases"):
        fault(where, "no aliases beside it (such a column is put together, not delivered)", meta["aliases"])


def _distinct_texts(given: Any) -> bool:
    """Whether it is a list of one or more different texts."""
    return (
        isinstance(given, list)
        and bool(given)
        and all(isinstance(n, str) for n in given)
        and len(set(given)) == len(given)
    )
