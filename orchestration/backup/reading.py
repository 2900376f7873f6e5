"""Reading a backup, a folder or one file alike, and proving that it is as it was written."""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from orchestration.backup.manifest import DATA, NAME, TABLES, BackupError, Manifest, from_text
from orchestration.errors import UsageError

CHUNK = 1 << 20
# Endings of a backup that is one file; any other path is a folder.
PACKED = (".tar", ".tar.gz", ".tgz")
# What is being written, or was when its process died.
PARTIAL = ".partial-"

# What reading a packed file that is not whole raises.
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)

# A path, its bytes and its content, as long as the next one is not asked for.
Member = tuple[str, int, IO[bytes]]


@dataclass(frozen=True)
class Checked:
    """What was found in a backup: its manifest, and every fault, each naming a file."""

    manifest: Manifest
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.faults


def is_packed(path: Path) -> bool:
    """Whether a path stands for a backup in one file."""
    return path.name.endswith(PACKED)


def check_place(path: Path) -> None:
    """Refuse what is no backup, with what to do.

    Raises:
        UsageError: nothing is there, or it is something else, or a folder of several backups.
    """
    # Even one that has everything but its name: nobody knows what was still to come.
    if path.name.startswith(PARTIAL) or path.name.endswith(".partial"):
        raise UsageError(f"{path} is a backup that was cut off: it was never whole. Take another one.")
    if path.is_file() and is_packed(path):
        return
    if path.is_dir() and (path / NAME).is_file():
        return
    if not path.exists():
        raise UsageError(f"There is no backup at {path}.")
    if path.is_dir():
        inside = sorted(folder.parent.name for folder in path.glob(f"[!.]*/{NAME}"))
        if inside:
            raise UsageError(
                f"{path} holds {len(inside)} backups: name one of them, the latest is {path / inside[-1]}."
            )
    raise UsageError(f"{path} is no backup: a folder with {NAME} in it, or a file that ends with {', '.join(PACKED)}.")


def members(path: Path) -> Iterator[Member]:
    """Every file of a backup, the manifest among them.

    Raises:
        BackupError: it cannot be read on; the message names the last file that could.
    """
    if path.is_dir():
        for file in sorted(file for file in path.rglob("*") if not file.is_dir() or file.is_symlink()):
            if file.is_symlink() or not file.is_file():
                raise BackupError(f"{path}: {file.relative_to(path)} is no file.")
            with file.open("rb") as content:
                yield file.relative_to(path).as_posix(), file.stat().st_size, content
        return
    last = "its beginning"
    try:
        with tarfile.open(path, "r|*") as packed:
            for member in packed:
                content = packed.extractfile(member) if member.isreg() else None
                if content is None:
                    raise BackupError(f"{path}: {member.name} is no file.")
                last = member.name
                yield member.name, member.size, content
    except (*_DAMAGED, OSError) as error:
        raise BackupError(f"{path} is damaged: it cannot be read after {last} ({error}).") from error


def go_through(path: Path, take: Callable[[str, IO[bytes]], tuple[int, str]]) -> Checked:
    """Go once through a backup: `take` gets every file's path and content and returns its bytes and SHA-256.

    Raises:
        BackupError: it has no manifest, or one that is damaged, or it cannot be read to its end.
    """
    found: dict[str, tuple[int, str]] = {}
    text = None
    for name, _, content in members(path):
        if name == NAME:
            text = content.read().decode("utf-8", "replace")
            continue
        if not is_safe(name):
            raise BackupError(f"{path}: {name!r} is not a path that a backup has.")
        try:
            found[name] = take(name, content)
        except _DAMAGED as error:
            raise BackupError(f"{path} is damaged: {name} cannot be read ({error}).") from error
        except OSError as error:
            raise BackupError(f"{path}: {name} cannot be read or written: {error}.") from error
    if text is None:
        raise BackupError(f"{path} has no {NAME}: it was cut off while it was written, or is no backup.")
    manifest = from_text(text, str(path))
    return Checked(manifest, tuple(_faults(manifest, found)))


def _faults(manifest: Manifest, found: dict[str, tuple[int, str]]) -> Iterator[str]:
    expected = manifest.by_path()
    for name, entry in expected.items():
        if name not in found:
            yield f"{name} is missing"
        elif found[name][0] != entry.bytes:
            yield f"{name} is damaged: it has {found[name][0]:,} bytes, written were {entry.bytes:,}"
        elif found[name][1] != entry.sha256:
            yield f"{name} is damaged: its content is not what was written"
    yield from (f"{name} was put in: the backup was written without it" for name in found if name not in expected)


def is_safe(name: str) -> bool:
    """Whether a path inside a backup leads to where a backup has files, and nowhere else."""
    parts = name.split("/")
    return len(parts) > 1 and parts[0] in (DATA, TABLES) and not any(part in ("", ".", "..") for part in parts)


def hashed(content: IO[bytes], sink: IO[bytes] | None = None) -> tuple[int, str]:
    """The bytes and the SHA-256 of a content, copied into `sink` on the way."""
    digest, size = hashlib.sha256(), 0
    while chunk := content.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if sink is not None:
            sink.write(chunk)
    return size, digest.hexdigest()


def verify(path: Path) -> Checked:
    """Compute the SHA-256 of every file of a backup anew.

    Raises:
        UsageError: there is no backup.
        BackupError: it cannot be read to its end, or its manifest is damaged.
    """
    check_place(path)
    return go_through(path, lambda name, content: hashed(content))


def manifest_of(folder: Path) -> Manifest | None:
    """The manifest of a backup that is a folder; None when it has none that can be read."""
    file = folder / NAME
    try:
        return from_text(file.read_text(encoding="utf-8"), str(folder)) if file.is_file() else None
    except (BackupError, OSError, UnicodeDecodeError):
        return None


def listed(folder: Path) -> list[dict[str, Any]]:
    """The backups in a folder, the newest first; one whose manifest cannot be read says so.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.")
    found = []
    for one in sorted((file.parent for file in folder.glob(f"[!.]*/{NAME}")), reverse=True):
        manifest = manifest_of(one)
        row: dict[str, Any] = {"backup": one.name, "created_at": None, "target": None, "as_of": None}
        if manifest is not None:
            row |= {
                "created_at": manifest.created_at,
                "target": manifest.target,
                "as_of": manifest.latest.get("as_of"),
            }
        found.append(
            {
                **row,
                "files": len(manifest.files) if manifest else 0,
                "bytes": manifest.bytes if manifest else 0,
                "readable": manifest is not None,
            }
        )
    return found
