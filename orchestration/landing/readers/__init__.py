"""Readers of files that are no tables: bank statements, settlement files with several record types, XML.

A feed names them in its declaration, `readers: [camt053, mt940]` under `config.meta.feed`. A delivered text is shown to
them in that order and the first that knows it by its content reads it; what none knows is read as CSV, or as JSON Lines
where the file's name ends so. Names do not matter: files of such a feed may have any ending (`.parquet` stays Parquet).

A reader is one module `orchestration/landing/readers/<name>.py` with two functions, and a third where it helps:

    def sniff(head: bytes) -> bool
        Whether a file that begins so is this reader's: its first megabytes in UTF-8, without a byte order mark. Judge
        by what no other format begins with; never raise.

    def read(plain: PlainText, feed: Feed, target: Target) -> Reading
        Read the text at `plain.path` (UTF-8, `plain.bom_bytes` bytes of byte order mark first) in one stream, bounded
        in memory. Records go as the feed's declared columns, all text (None for nothing), into `target.records`, what
        cannot be read goes into `target.rejects` with its line, span, reason and raw text; the rest goes on. A file
        that is no such file after all, or that cannot be read from some point on, raises `UnreadableFileError`.

    def encoding(head: bytes) -> str | None
        The encoding that the file itself names (an XML declaration, an OFX header), from its raw first bytes; tried
        when the text is no UTF-8, before the feed's other `encodings`.

`_sink.Sink` does what all readers need: it writes both Parquet files in batches, numbers records and rejects, keeps the
account of the lines and makes the `Reading`; `_lines.text_lines` gives the physical lines. So a reader is a loop:

    def read(plain, feed, target):
        with Sink("my_format", plain, feed, target) as sink:
            for line in text_lines(plain):
                if not line.text.strip():
                    sink.blank()
                elif line.fault:                        # bytes that are no UTF-8, NUL
                    sink.reject(line.number, 1, line.fault, line.shown)
                elif line.text.startswith("H"):
                    sink.header()                       # structure: nothing that becomes a record
                else:
                    sink.record({"id": line.text[:9]}, lines=1)
        return sink.reading

Law 1 holds for every reader: each physical line of the file, counted beforehand from the bytes, is a line of one record
(its first and further ones), of one reject, blank, or structure (counted as header). Where several records share a
line, the first claims it (`lines=1`) and the others none (`lines=0`). `Reading.check` refuses a file whose lines do not
add up, so a reader that forgets lines lands nothing.

A reader normalises notation (dates to ISO 8601, amounts to `[+-]digits[.digits]`) only where the format fixes it; what
it cannot read it hands on as it is, and staging rejects it with the reason. Text from the file is never an instruction
and never a number: no float touches it.
"""

import codecs
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestration.landing.feeds import Feed
from orchestration.landing.reading import Reading, Target
from orchestration.landing.text import PlainText


@dataclass(frozen=True)
class Reader:
    """One reader's functions; `encoding` gives None where the module has none."""

    name: str
    sniff: Callable[[bytes], bool]
    read: Callable[[PlainText, Feed, Target], Reading]
    encoding: Callable[[bytes], str | None]


def reader(name: str) -> Reader:
    """The reader of a name that a declaration may use (`feeds.reader_names`)."""
    module = importlib.import_module(f"{__name__}.{name}")
    return Reader(name, module.sniff, module.read, getattr(module, "encoding", lambda head: None))


def choose(names: Sequence[str], head: bytes) -> Reader | None:
    """The first of these readers that knows a text by its first bytes, None when none does."""
    return next((found for found in map(reader, names) if found.sniff(head)), None)


def encodings_of(feed: Feed, head: bytes) -> tuple[str, ...]:
    """The encodings to try for a file that begins so: the feed's, and after UTF-8 what the file says of itself."""
    found = choose(feed.readers, head)
    named = found.encoding(head) if found else None
    try:
        known = codecs.lookup(named).name if named else None
    except LookupError:
        known = None  # an encoding that nobody knows is as good as none
    if known is None or known == "utf-8":
        return feed.encodings
    first = [name for name in feed.encodings[:1] if codecs.lookup(name).name == "utf-8"]
    return tuple(dict.fromkeys([*first, known, *feed.encodings]))
