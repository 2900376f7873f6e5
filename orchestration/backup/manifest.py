"""What a backup says of itself: every file with its size and SHA-256, every table with its columns, and where the books
stood. It is written last, so that a backup that was cut off has none."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestration.errors import TieoutError

NAME = "backup.json"
# Of files of the data folder, and of the audit's tables, inside a backup.
DATA, TABLES = "data", "tables"
FORMAT = 1


class BackupError(TieoutError):
    """A backup cannot be written, or is not what was written."""


@dataclass(frozen=True)
class Entry:
    """One file of a backup: its path inside, its bytes, SHA-256 in hex, when it was last changed (ns since 1970)."""

    path: str
    bytes: int
    sha256: str
    mtime_ns: int


@dataclass(frozen=True)
class SavedTable:
    """One table of the audit: columns with the types that its engine has, and what makes its indexes (`create index
    <name> on <table> <what follows>`)."""

    name: str
    file: str
    rows: int
    columns: tuple[tuple[str, str], ...]
    indexes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Manifest:
    """All of it. `created_at` as `clock.to_text` writes it; `latest` is where the books stood: the last run that closed
    them, its `as_of` and the `results_hash` of each stream."""

    backup_id: str
    created_at: str
    target: str
    version: str
    code_version: str
    left_out: tuple[str, ...]
    latest: dict[str, Any] = field(default_factory=dict)
    tables: tuple[SavedTable, ...] = ()
    files: tuple[Entry, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(entry.bytes for entry in self.files)

    def by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.files}


def to_text(manifest: Manifest) -> str:
    """The manifest as it stands in a backup, with a digest of itself."""
    said = {"format": FORMAT, **asdict(manifest)}
    return json.dumps({**said, "sha256": _digest(said)}, indent=1) + "\n"


def from_text(text: str, where: str) -> Manifest:
    """A manifest from its text; `where` names the backup in messages.

    Raises:
        BackupError: it is damaged, or of a later version of Tieout.
    """
    try:
        said = json.loads(text)
        noted = said.pop("sha256")
        if said["format"] != FORMAT:
            raise BackupError(
                f"{where}: the backup has the format {said['format']}, and this version of Tieout reads {FORMAT}."
                " Restore with the version that made it."
            )
        # What is digested is what came through JSON: tuples are lists there.
        if _digest(said) != noted:
            raise BackupError(f"{where}: {NAME} is damaged: its content is not what was written.")
        del said["format"]
        tables = tuple(
            SavedTable(
                table["name"],
                table["file"],
                table["rows"],
                tuple((name, kind) for name, kind in table["columns"]),
                tuple((name, text) for name, text in table["indexes"]),
            )
            for table in said.pop("tables")
        )
        files = tuple(Entry(**entry) for entry in said.pop("files"))
        return Manifest(**{**said, "left_out": tuple(said["left_out"]), "tables": tables, "files": files})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{where}: {NAME} is damaged: {error}.") from error


def _digest(said: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
