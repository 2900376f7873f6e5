"""Pieces of HTML. Every text goes through `text`, so none can be taken for markup."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

# What no page may hold: controls and halves of characters.
_UNFIT = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Any text, escaped; markup stays what it is."""
    if isinstance(value, Html):
        return value
    return Html(escape(_UNFIT.sub("\N{REPLACEMENT CHARACTER}", str(value))))


def join(parts: Iterable[object], between: str = "") -> Html:
    return Html(between.join(text(part) for part in parts))


def element(name: str, *content: object, **attributes: object) -> Html:
    """One element; `class_` is `class`, other underscores of attributes are hyphens."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>{join(content)}</{name}>")


@dataclass(frozen=True)
class Column:
    """A column of a table. `kind`: `text`, `number`, or `head` for what names the row."""

    title: str
    kind: str = "text"


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> Html:
    """A table with a caption and headers. On a narrow screen each row becomes a block and its cells say their column,
    so the roles are written out."""
    heads = [element("th", c.title, scope="col", role="columnheader", class_=c.kind) for c in columns]
    lines = []
    for row in rows:
        cells = []
        for column, value in zip(columns, row, strict=True):
            if column.kind == "head":
                cells.append(element("th", value, scope="row", role="rowheader", class_="head"))
            else:
                cells.append(element("td", value, role="cell", class_=column.kind, data_label=column.title))
        lines.append(element("tr", *cells, role="row"))
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads, role="row"), role="rowgroup"),
        element("tbody", *lines, role="rowgroup"),
        role="table",
    )


def stacked(values: Iterable[object]) -> Html:
    """Several values in one cell, each on a line of its own."""
    return join(element("span", value, class_="line") for value in values)
