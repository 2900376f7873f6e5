"""What the tests of bank statements share: landing one file and reading its rows back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import land_inbox, read_manifests

PROJECT = Path(__file__).parents[3]
AS_OF = datetime(2026, 3, 31, tzinfo=UTC)


@dataclass
class Landed:
    """One landed file: its manifest, its rows (what is null left out) and its rejects; or why it was refused."""

    manifest: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    refused: str = ""

    def of(self, record_type: str | None) -> list[dict[str, Any]]:
        """The rows of a type."""
        return [row for row in self.rows if row.get("record_type") == record_type]

    @property
    def entries(self) -> list[dict[str, Any]]:
        return self.of("entry")

    def check_lines(self) -> None:
        """Every physical line is explained, by numbers that mean something."""
        parts = ("header_lines", "record_count", "record_line_breaks", "reject_lines", "blank_lines")
        assert self.manifest["physical_lines"] == sum(self.manifest[part] for part in parts)
        record_lines = self.manifest["record_count"] + self.manifest["record_line_breaks"]
        assert min(record_lines, *(self.manifest[p] for p in ("header_lines", "reject_lines", "blank_lines"))) >= 0
        numbers = [row["_row_number"] for row in self.rows] + [reject["_row_number"] for reject in self.rejects]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def land(data: Path, content: bytes | str, name: str = "statement.txt", org: str = "acme") -> Landed:
    """Land one file of the feed bank/statement in an empty data folder."""
    folder = data / "inbox" / org / "bank" / "statement"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    land_inbox(data, PROJECT, AS_OF)
    reasons = list(data.glob("failed/**/*.reason.txt"))
    if reasons:
        return Landed(refused=reasons[0].read_text(encoding="utf-8"))
    (manifest,) = read_manifests(data)
    landed = Landed(
        manifest, _rows(f"{manifest['path']}/records.parquet"), _rows(f"{manifest['path']}/rejects.parquet")
    )
    landed.check_lines()
    return landed


def _rows(path: str) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        cursor = connection.execute("select * from read_parquet(?, file_row_number=true)", [path])
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["_row_number"] = row.get("_row_number") or row["file_row_number"] + 1
    constant = ("_org_id", "_feed", "_batch_id", "_source_file", "_received_at", "file_row_number")
    return [{name: value for name, value in row.items() if value is not None and name not in constant} for row in rows]


@pytest.fixture
def statement(tmp_path: Path) -> Callable[..., Landed]:
    """Lands files, each in a data folder of its own."""
    folders = iter(range(1000))

    def put(content: bytes | str, name: str = "statement.txt", org: str = "acme") -> Landed:
        return land(tmp_path / f"data{next(folders)}", content, name, org)

    return put
