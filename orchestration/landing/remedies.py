"""The YAML that would make a refused file work, spelt out so that it can be pasted."""

import difflib
import json
from collections.abc import Sequence

from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.feeds import Feed
from orchestration.landing.header import HeaderMap, header_candidates, map_header, normalise, split_header

PREAMBLE = 20  # lines among which a header is looked for that is not the first of them
MISSPELT = 0.8  # how alike an unknown column and a declared one are
OTHER_DELIMITERS = (",", ";", "\t", "|", ":", "^", "~", "\x1f", "\x01", "#", "!")


def refuse_unfit(
    feed: Feed, org_id: str, fields: Sequence[str], header: HeaderMap, head: str = "", delimiter: str | None = None
) -> None:
    """Raise what is wrong with a header that does not serve the feed."""
    if header.missing or header.doubtful or not header.known:
        raise header_fault(feed, org_id, fields, header, head, delimiter)
    # In what sets terms an unknown column is no surplus: a blank inherits, and the term would be gone without a word.
    absent = [column for column, position in header.sources if position is None and feed.kind == "state"]
    for position, _ in header.extras:
        near = difflib.get_close_matches(normalise(fields[position]), absent, n=1, cutoff=MISSPELT)
        if near:
            raise UnreadableFileError(
                f"a column {json.dumps(fields[position], ensure_ascii=False)}, which {feed.key} does not know, "
                f"and none for {near[0]}",
                f"the columns of {feed.key}: {', '.join(column.name for column in feed.columns)}",
                f"call it {near[0]} if that is meant, and something else if it is not",
            )


def header_fault(
    feed: Feed, org_id: str, fields: Sequence[str], header: HeaderMap, head: str = "", delimiter: str | None = None
) -> UnreadableFileError:
    """Why this header does not serve this feed: another delimiter, two headers for one column, or required columns
    missing.
    """
    known = ", ".join(column.name + ("" if column.required else " (optional)") for column in feed.columns)
    expected = f"a header with the columns of {feed.key}: {known}"
    other = _other_delimiter(feed, header, head)
    if other:
        return UnreadableFileError(
            f"a header separated by {json.dumps(other)}, which the feed does not declare",
            f"one of the delimiters {json.dumps(list(feed.delimiters))}",
            f"in {feed.declared_in}, {_place(feed)}:\n\n    delimiters: {json.dumps([*feed.delimiters, other])}",
        )
    below = _header_below(feed, org_id, head)
    if below:
        return UnreadableFileError(
            f"the header on line {below}, below {_lines(below - 1)} of something else",
            f"it on the first {'line' if feed.header_within == 1 else _lines(feed.header_within)}",
            f"in {feed.declared_in}, {_place(feed)}:\n\n    header_within: {below}",
        )
    if any("\0" in name for name in fields):
        return UnreadableFileError(
            "NUL characters in the header, as text in UTF-16 has that does not begin with its mark",
            f"a file in one of the encodings {', '.join(feed.encodings)}, or in UTF-16 with its mark (BOM)",
            "deliver it in UTF-8, or with the mark",
        )
    shown = ", ".join(json.dumps(name, ensure_ascii=False) for name in fields[:60]) + (
        " ..." if len(fields) > 60 else ""
    )
    by = f" (separated by {json.dumps(delimiter)})" if delimiter else ""
    if header.doubtful:
        told = "; ".join(
            f"{' and '.join(map(json.dumps, names))} both claim {column}" for column, names in header.doubtful
        )
        return UnreadableFileError(
            f"two headers for one column: {told}. The header is {shown}{by}",
            f"one header for each column. {expected}",
            f"deliver one of them only, or name the one that counts in {feed.declared_in}, {_place(feed)} "
            f"(an org's alias goes before the feed's):\n\n{_override(org_id, [(c, n[0]) for c, n in header.doubtful])}",
        )
    wanted = header.missing or [column.name for column in feed.columns]
    what = f"no column for {', '.join(wanted)}" if header.missing else "none of the feed's columns"
    free = [fields[position] for position, _ in header.extras if fields[position].strip()]
    return UnreadableFileError(
        f"{what}. The header is {shown}{by}",
        expected,
        f"if the columns are there under other names, say so in {feed.declared_in}, {_place(feed)}:\n\n"
        f"{_override(org_id, [(column, _likeliest(column, free, len(wanted) == 1)) for column in wanted])}\n\n"
        "(for every org: `aliases: [...]` under config.meta of the column in the same file)",
    )


def unknown_feed(system: str, feed: str, known: Sequence[str]) -> UnreadableFileError:
    """A folder of the inbox that no declaration knows."""
    name, table = _slug(system), _slug(feed)
    near = difflib.get_close_matches(f"{system}/{feed}", known, n=1)
    hint = f"move the file to <org>/{near[0]}/ if that was meant; " if near else ""
    return UnreadableFileError(
        f"a file for the feed {system}/{feed}, which is not declared",
        f"one of the feeds {', '.join(known)}",
        f"{hint}or declare the feed in models/staging/{name}/_{name}__sources.yml:\n\n"
        f"version: 2\nsources:\n  - name: {name}\n    description: What the system is.\n"
        f"    schema: \"{{{{ env_var('TIEOUT_SCHEMA_PREFIX', '') }}}}landing\"\n    tables:\n"
        f"      - name: {table}\n        identifier: {name}__{table}\n        description: What one record is.\n"
        "        config:\n"
        "          meta:\n            feed: {kind: records, id_column: id}\n        columns:\n"
        "          - name: id\n            description: The record's id.\n"
        "            config: {meta: {type: id, required: true}}",
    )


def _place(feed: Feed) -> str:
    return f"under `sources: {feed.system}` / `tables: {feed.name}` / `config.meta.feed`"


def _override(org_id: str, pairs: Sequence[tuple[str, str | None]]) -> str:
    lines = ["    overrides:", f"      - org_id: {json.dumps(org_id, ensure_ascii=False)}", "        aliases:"]
    for column, given in pairs:
        if given is None:
            lines.append(f'          {column}: ["<the header that holds it>"]')
        else:
            lines.append(f"          {column}: [{json.dumps(given, ensure_ascii=False)}]")
    return "\n".join(lines)


def _likeliest(column: str, free: Sequence[str], alone: bool) -> str | None:
    """The free header most like the column's name, or the only one there is for the only column; None when none is."""
    if len(free) == 1 and alone:
        return free[0]
    by_name = {normalise(name): name for name in free}
    near = difflib.get_close_matches(column, list(by_name), n=1, cutoff=0.5)
    return by_name[near[0]] if near else None


def _header_below(feed: Feed, org_id: str, head: str) -> int | None:
    """The line on which a header stands that serves the feed, where what is on top does not."""
    columns = [(c.name, c.required, c.aliases) for c in feed.columns]
    for delimiter in feed.delimiters if head else ():
        for line in header_candidates(head, delimiter, PREAMBLE):
            header = map_header(line.fields, columns, feed.org_aliases(org_id))
            header = header.with_constants(feed.org_values(org_id))
            if line.preamble_lines and header.known > 1 and not header.missing and not header.doubtful:
                return line.lines_before + 1
    return None


def _lines(count: int) -> str:
    return "one line" if count == 1 else f"{count} lines"


def _other_delimiter(feed: Feed, header: HeaderMap, head: str) -> str | None:
    """A delimiter that the feed does not declare and that reads the header well."""
    for delimiter in OTHER_DELIMITERS:
        line = split_header(head, delimiter) if head and delimiter not in feed.delimiters else None
        if line and len(line.fields) > 1:
            names = {normalise(name) for name in line.fields}
            hits = sum(bool(names & {normalise(n) for n in (c.name, *c.aliases)}) for c in feed.columns)
            if hits > max(header.known, 1):
                return delimiter
    return None


def _slug(name: str) -> str:
    slug = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower()).strip("_")
    return slug if slug[:1].isalpha() else f"s_{slug}".rstrip("_")
