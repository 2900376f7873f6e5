"""A file's header: how its names are compared, split, and laid over a feed's declared columns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

BLANKS = " \t\u00a0\u2003\ufeff"
LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r)")
RESERVED = ("_org_id", "_feed", "_batch_id", "_source_file", "_received_at", "_row_number")


def normalise(name: str) -> str:
    """A header as it is compared: outer blanks away, case folded, blanks and hyphens read as `_`."""
    return re.sub(r"[\s\u00a0-]", "_", name.strip(BLANKS + "\r\n\v\f").casefold())


@dataclass(frozen=True)
class HeaderLine:
    """A CSV header: its fields as delivered (unquoted), the blank lines before it, the physical lines it covers, and
    the lines of the preamble before it that are not blank.
    """

    fields: tuple[str, ...]
    blank_lines_before: int
    lines: int
    preamble_lines: int = 0

    @property
    def lines_before(self) -> int:
        """Physical lines before the header."""
        return self.preamble_lines + self.blank_lines_before


@dataclass(frozen=True)
class HeaderMap:
    """How a header serves a feed.

    `sources`: for each declared column the position in the header, or None. `extras`: position and the unique name
    under which each other column is kept. `missing`: required columns that nothing serves. `doubtful`: declared
    columns that more than one header claims. `constants`: what stands in columns that the file does not have.
    """

    sources: tuple[tuple[str, int | None], ...]
    extras: tuple[tuple[int, str], ...]
    missing: tuple[str, ...]
    doubtful: tuple[tuple[str, tuple[str, ...]], ...]
    constants: Mapping[str, str] = field(default_factory=dict)

    def with_constants(self, values: Mapping[str, str]) -> "HeaderMap":
        """This header with values for columns that it does not have; they are not missing then."""
        absent = {name for name, position in self.sources if position is None}
        constants = {name: text for name, text in values.items() if name in absent}
        return replace(self, constants=constants, missing=tuple(n for n in self.missing if n not in constants))

    @property
    def known(self) -> int:
        """How many declared columns the header has."""
        return sum(position is not None for _, position in self.sources)


def split_header(text: str, delimiter: str) -> HeaderLine | None:
    """The first record of `text` by the strict CSV grammar (RFC 4180), or None when there is none or its quotes do
    not close.
    """
    start, blank = 0, 0
    blanks = "".join(b for b in BLANKS if b != delimiter)
    while match := LINE.match(text, start):
        if match[1].strip(blanks):
            break
        start, blank = match.end(), blank + 1
    if not text[start:].strip(blanks + "\r\n"):
        return None
    d = re.escape(delimiter)
    cell = re.compile(rf'(?:"((?:[^"]|"")*)"|([^"{d}\r\n]*))({d}|\r\n|\n|\r|\Z)')
    fields: list[str] = []
    position = start
    while match := cell.match(text, position):
        fields.append(match[1].replace('""', '"') if match[1] is not None else match[2])
        position = match.end()
        if match[3] != delimiter:
            body = text[start : match.start(3)]
            return HeaderLine(tuple(fields), blank, len(re.split(r"\r\n|\n|\r", body)))
    return None


def header_candidates(text: str, delimiter: str, within: int) -> Iterator[HeaderLine]:
    """What the header may be, from the top: the first record, and where the header may lie below the first line what
    begins on each further line up to that number that is not blank.
    """
    blanks = "".join(b for b in BLANKS if b != delimiter)
    start = blank = preamble = 0
    for number in range(within):
        end = LINE.match(text, start)
        if number == 0 or (end and end[1].strip(blanks)):
            line = split_header(text[start:] if start else text, delimiter)
            if line:
                yield replace(line, blank_lines_before=line.blank_lines_before + blank, preamble_lines=preamble)
        if not end:
            return
        if end[1].strip(blanks):
            preamble += 1
        else:
            blank += 1
        start = end.end()


def map_header(
    names: Sequence[str],
    columns: Sequence[tuple[str, bool, Sequence[str]]],
    org_aliases: Mapping[str, Sequence[str]],
) -> HeaderMap:
    """Lay a delivered header over declared columns, given as (name, required, aliases).

    A column is served by its own name, else by an alias of the org, else by an alias of the feed; two headers that
    claim it at the same rank leave it doubtful, because choosing one would be a guess.
    """
    given: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        given.setdefault(normalise(name), []).append(position)
    taken: set[int] = set()
    found: dict[str, int] = {}
    doubtful: list[tuple[str, tuple[str, ...]]] = []

    for rank in range(3):
        for column, _, aliases in columns:
            if column in found:
                continue
            wanted = ((column,), org_aliases.get(column, ()), aliases)[rank]
            hits = sorted({p for name in wanted for p in given.get(normalise(name), ()) if p not in taken})
            if hits:
                found[column] = hits[0]
                taken.update(hits)
            if len(hits) > 1:
                doubtful.append((column, tuple(names[p] for p in hits)))
    return HeaderMap(
        sources=tuple((column, found.get(column)) for column, _, _ in columns),
        extras=_extras(names, taken, [column for column, _, _ in columns]),
        missing=tuple(column for column, required, _ in columns if required and column not in found),
        doubtful=tuple(doubtful),
    )


def _extras(names: Sequence[str], taken: set[int], declared: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """Names for the columns that nothing declares: as delivered, made unique because Parquet readers ignore case."""
    used = {name.casefold() for name in (*declared, *RESERVED, "file_row_number", "filename")}
    extras = []
    for position, name in enumerate(names):
        if position in taken:
            continue
        base = name.strip(BLANKS + "\r\n").replace("\0", "") or f"column_{position + 1}"
        unique, n = base, 1
        while unique.casefold() in used:
            n += 1
            unique = f"{base}_{n}"
        used.add(unique.casefold())
        extras.append((position, unique))
    return tuple(extras)
