"""The files that could not be landed and lie in `failed/`, each with its reason beside it: for alerts and numbers."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.data_dir import DataDir
from orchestration.landing.files import reason_path

FOLDER = "failed"
ENDING = reason_path(Path("x")).name.removeprefix("x")


@dataclass(frozen=True)
class FailedFile:
    """A file in `failed/`: its path there, the org and feed whose folder it lay in (None where it lay elsewhere), and
    when its reason was written, in nanoseconds."""

    path: str
    org_id: str | None
    feed: str | None
    failed_ns: int

    @property
    def mark(self) -> str:
        """What tells it from one of its name that fails another time."""
        return f"{self.path} {self.failed_ns}"


def failed_files(data: DataDir) -> Iterator[FailedFile]:
    """The files in `failed/`, in the order of their paths. One that somebody has moved back or removed is none any
    more, though its reason may still lie there."""
    root = data.root / FOLDER
    for folder, folders, names in os.walk(root):
        folders.sort()
        there = set(names)
        for name in sorted(there):
            if name.startswith(".") or (name.endswith(ENDING) and name.removesuffix(ENDING) in there):
                continue
            if (reason := name + ENDING) not in there:
                continue
            parts = Path(folder, name).relative_to(root).parts
            org, system, feed, *_ = map(_as_text, parts) if len(parts) == 4 else (None, None, None)
            try:
                written = Path(folder, reason).stat().st_mtime_ns
            except FileNotFoundError:
                continue
            yield FailedFile("/".join(parts), org, f"{system}/{feed}" if feed else None, written)


def _as_text(name: str) -> str:
    """A folder's name as it can be stored and sent: bytes that are no UTF-8 as their numbers."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")


def reason_of(data: DataDir, failed: FailedFile) -> str:
    """Why a file failed, in a line."""
    try:
        text = reason_path(data.root / FOLDER / failed.path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "its reason cannot be read"
    return next((line[6:].strip() for line in text.splitlines() if line.startswith("Found:")), text.strip()[:200])
