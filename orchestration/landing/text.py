"""From a delivered file to plain text: decompressed, in UTF-8, counted. Streaming, one pass over the bytes (two to
transcode).
"""

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orchestration.landing.damage import is_damaged_utf8
from orchestration.landing.digest import Digest, TextCounts
from orchestration.landing.errors import UnreadableFileError

# Small enough to stay in the processor's cache while it is hashed and counted.
CHUNK = 512 << 10
HEAD = 4 << 20  # bytes kept for those who look at a file's beginning
GZIP_MAGIC = b"\x1f\x8b"
# Longest first: the mark of UTF-32 LE begins with that of UTF-16 LE.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BINARY_SIGNS = (
    (b"PK\x03\x04", "a ZIP archive (an Excel workbook is one)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
)

Tick = Callable[[int], None]  # called with the number of further bytes of the delivered file that were read


@dataclass(frozen=True)
class RawFile:
    """A delivered file, decompressed: where its bytes lie, their checksum and size, and what was counted over them."""

    path: Path
    sha256: str
    size: int
    head: bytes
    counts: TextCounts


@dataclass(frozen=True)
class PlainText:
    """A file as UTF-8 text: its path, the encoding it came in, the counts over the UTF-8, the first bytes (no byte
    order mark). Where `counts.is_utf8` is false, some lines hold bytes that are none.
    """

    path: Path
    encoding: str
    counts: TextCounts
    head: bytes
    bom_bytes: int


def read_raw(source: Path, work_dir: Path, tick: Tick) -> RawFile:
    """Hash and count a file in one pass; gzip (known by its first bytes) is undone into `work_dir`.

    Raises `UnreadableFileError` for an empty file and for broken gzip.
    """
    digest, counts, head = Digest(), TextCounts(), b""
    path = source
    with source.open("rb") as delivered:
        packed = delivered.read(2) == GZIP_MAGIC
        delivered.seek(0)
        if packed:
            path = work_dir / "unpacked"
        target = path.open("wb") if packed else None
        try:
            for chunk in _gunzip(delivered, tick) if packed else _chunks(delivered, tick):
                digest.update(chunk)
                counts.update(chunk)
                if len(head) < HEAD:
                    head += chunk
                if target:
                    target.write(chunk)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableFileError(
                f"the gzip data is cut short or damaged after {digest.size} decompressed bytes ({error})",
                "a whole gzip file; the usual cause is an upload that broke off",
                "deliver the file again, or deliver it without compression",
            ) from error
        finally:
            if target:
                target.close()
    counts.finish()
    if digest.size == 0:
        raise UnreadableFileError(
            "an empty file (0 bytes" + (" after decompression)" if packed else ")"),
            "at least a header; a delivery without records is a file with only its header",
            "deliver the file with its header line",
        )
    return RawFile(path, digest.sha256, digest.size, head, counts)


def _chunks(handle: BinaryIO, tick: Tick) -> Iterator[bytes]:
    while chunk := handle.read(CHUNK):
        tick(len(chunk))
        yield chunk


def _gunzip(handle: BinaryIO, tick: Tick) -> Iterator[bytes]:
    done = 0
    with gzip.GzipFile(fileobj=handle) as unpacked:
        while chunk := unpacked.read(CHUNK):
            tick(handle.tell() - done)
            done = handle.tell()
            yield chunk


def refuse_binary(head: bytes) -> None:
    """Raise `UnreadableFileError` for bytes that are plainly no text."""
    for sign, what in BINARY_SIGNS:
        if head.startswith(sign):
            raise UnreadableFileError(
                f"{what}, not text",
                "CSV or JSON Lines text, or a Parquet file with the ending .parquet",
                "export the data as CSV and deliver that",
            )


def to_utf8(raw: RawFile, encodings: tuple[str, ...], work_dir: Path, declared_in: str) -> PlainText:
    """The file as UTF-8: itself where it is UTF-8 already, else transcoded into `work_dir`.

    A byte order mark decides; without one the declared encodings are tried in their order (`damage` says when damaged
    UTF-8 is UTF-8). Raises `UnreadableFileError` when none fits.
    """
    refuse_binary(raw.head)
    marked = next(((mark, name) for mark, name in BYTE_ORDER_MARKS if raw.head.startswith(mark)), None)
    if marked and marked[1] == "utf-8":
        candidates: tuple[str, ...] = ("utf-8",)
    else:
        candidates = (marked[1],) if marked else encodings
    for encoding in candidates:
        name = codecs.lookup(encoding).name
        if name == "utf-8" or (raw.counts.is_ascii and _extends_ascii(name)):
            if not (raw.counts.is_utf8 or marked or is_damaged_utf8(raw.path)):
                continue
            bom = len(codecs.BOM_UTF8) if raw.head.startswith(codecs.BOM_UTF8) else 0
            return _with_content(PlainText(raw.path, encoding, raw.counts, raw.head[bom:], bom))
        plain = _transcode(raw.path, encoding, work_dir / "plain")
        if plain:
            return _with_content(plain)
    tried = ", ".join(candidates)
    raise UnreadableFileError(
        f"the bytes are not text in {tried}" + (" (as the byte order mark says)" if marked else ""),
        "text in one encoding from the first byte to the last",
        f"name the encoding in {declared_in}, under config.meta.feed of the feed:\n\n"
        f"    encodings: [{', '.join(dict.fromkeys((*encodings, 'latin-1')))}]\n\n"
        "(latin-1 reads any bytes; put the encoding that the sender really uses)",
    )


def _with_content(plain: PlainText) -> PlainText:
    if not plain.head:
        raise UnreadableFileError(
            "only a byte order mark, no text", "at least a header", "deliver the file with its header line"
        )
    return plain


def _extends_ascii(name: str) -> bool:
    try:
        return bytes(range(1, 128)).decode(name) == bytes(range(1, 128)).decode("ascii")
    except UnicodeDecodeError:
        return False


def _transcode(source: Path, encoding: str, target: Path) -> PlainText | None:
    """Write `source` as UTF-8; None when it is not in `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding)()
    counts, head = TextCounts(), b""
    with source.open("rb") as reader, target.open("wb") as writer:
        while True:
            chunk = reader.read(CHUNK)
            try:
                # A lone surrogate decodes in some encodings but is no character: encoding it fails too.
                text = decoder.decode(chunk, final=not chunk).encode("utf-8")
            except UnicodeError:
                return None
            counts.update(text)
            writer.write(text)
            if len(head) < HEAD:
                head += text
            if not chunk:
                break
    counts.finish()
    return PlainText(target, encoding, counts, head, 0)
