"""The inbox's files: which there are, what their names say, and how one moves out of it."""

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.batch import sync

# Names that an upload still under way has.
PARTIAL_ENDINGS = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
# The ending of a marker that says that the file of its name is complete.
DONE = ".done"
# The ending of the reason that stands beside a failed file.
REASON = ".reason.txt"
# A file system's names end here; those that files get from us leave room for a reason's.
LONGEST_NAME = 255
LONGEST_OF_OURS = LONGEST_NAME - len(REASON)
# What is longer, and only begins with a dot, is no ending.
LONGEST_ENDING = 30
FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".psv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
PACKED = ".gz"


@dataclass(frozen=True)
class InboxFile:
    """A file of the inbox. `parts` is its path below the inbox: org, system, feed, name where all is well."""

    path: Path
    parts: tuple[str, ...]

    @property
    def shown(self) -> str:
        return "/".join(self.parts)


def is_ignored(name: str) -> bool:
    """Hidden files and uploads under way are not there yet; markers are no deliveries."""
    return name.startswith(".") or name.lower().endswith((*PARTIAL_ENDINGS, DONE))


def walk_inbox(inbox: Path) -> list[InboxFile]:
    """Every file of the inbox at any depth, sorted by path. Folders may be links down to the feed's level, deeper
    ones are not followed.
    """
    return sorted(_walk(inbox, ()), key=lambda file: file.parts)


def _walk(folder: Path, parts: tuple[str, ...]) -> Iterator[InboxFile]:
    if not folder.is_dir():
        return
    for entry in os.scandir(folder):
        if is_ignored(entry.name):
            continue
        if entry.is_dir(follow_symlinks=len(parts) < 3):
            yield from _walk(Path(entry.path), (*parts, entry.name))
        else:
            yield InboxFile(Path(entry.path), (*parts, entry.name))


def file_format(name: str) -> str | None:
    """`csv`, `jsonl` or `parquet` by the file's ending (with or without `.gz`), None when it has none of them."""
    stem, ending = split_ending(name)
    return FORMATS.get(ending.lower().removesuffix(PACKED)) if stem else None


def split_ending(name: str) -> tuple[str, str]:
    """`orders.csv.gz` -> (`orders`, `.csv.gz`)."""
    path = Path(name)
    if path.suffix.lower() == PACKED:
        inner = Path(path.stem)
        return inner.stem, inner.suffix + path.suffix
    return path.stem, path.suffix


def free_path(folder: Path, name: str, mark: str = "") -> Path:
    """`folder/name`; when that is taken, with `.<mark>` before its ending, and then with a number too. A name that
    would be too long with them is cut before them."""
    stem, ending = split_ending(name)
    if len(os.fsencode(ending)) > LONGEST_ENDING:
        stem, ending = name, ""
    target, n = folder / _fitting(stem, ending), 1
    while os.path.lexists(target):
        marks = ([mark] if mark else []) + ([str(n)] if n > 1 else [])
        target = folder / _fitting(stem, "".join(f".{one}" for one in marks) + ending)
        n += 1
    return target


def _fitting(stem: str, rest: str) -> str:
    """A stem with what follows it, as much of the stem as there is room for."""
    room = LONGEST_OF_OURS - len(os.fsencode(rest))
    if len(os.fsencode(stem)) > room:
        stem = os.fsencode(stem)[:room].decode("utf-8", "ignore")
    return stem + rest


def has_beside(path: Path, ending: str) -> bool:
    """Whether a marker or a reason lies beside a file: its name with an ending more. A name that leaves no room for the
    ending has none."""
    name = path.name + ending
    return len(os.fsencode(name)) <= LONGEST_NAME and path.with_name(name).is_file()


def move(source: Path, target: Path) -> Path:
    """Move a file to a free path and return that; its marker goes. Across file systems the copy is whole and on disk
    before the source goes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        half = target.with_name(f".{target.name}.part")
        try:
            shutil.copy2(source, half, follow_symlinks=False)
            if not half.is_symlink():
                sync(half)
            half.rename(target)
        except OSError:
            half.unlink(missing_ok=True)
            raise
        source.unlink()
    sync(target.parent)
    if has_beside(source, DONE):
        source.with_name(source.name + DONE).unlink(missing_ok=True)
    return target


def reason_path(failed: Path) -> Path:
    """Where the reason of a failed file stands."""
    return failed.with_name(failed.name + REASON)
