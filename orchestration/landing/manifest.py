"""The manifests of what has landed: the book that re-deliveries are recognised by."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
FIELDS = (
    "batch_id",
    "org_id",
    "system",
    "feed",
    "source_file",
    "content_sha256",
    "bytes",
    "received_at",
    "landed_at",
    "connector",
    "format",
    "encoding",
    "delimiter",
    "header_lines",
    "physical_lines",
    "record_count",
    "reject_count",
    "record_line_breaks",
    "reject_lines",
    "blank_lines",
    "schema_fingerprint",
    "columns",
)


# Beside them stands `remote` in the manifest of a file that a connector brought: where it was, as its kind tells it.
BY_HAND = "inbox"


@dataclass(frozen=True)
class Origin:
    """Where a file in the inbox is from: the connector, what its source said of it, and what tells the file itself
    (size, time of change in nanoseconds) from another one of its name."""

    connector: str
    remote: Mapping[str, Any]
    bytes: int
    mtime_ns: int


def iso(moment: datetime) -> str:
    """An aware time as `YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_manifests(data_dir: Path | str) -> list[dict[str, Any]]:
    """The manifest of every landed batch with its folder as `path`, by receipt, landing and batch id."""
    found = []
    for path in (Path(data_dir) / "landing").glob(f"[!.]*/*/*/*/{MANIFEST}"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["path"] = str(path.parent)
        found.append(manifest)
    return sorted(found, key=lambda m: (m["received_at"], m["landed_at"], m["batch_id"]))


def latest_received_at(data_dir: Path | str) -> datetime | None:
    """The latest `received_at` of any batch, None when nothing has landed."""
    manifests = read_manifests(data_dir)
    return datetime.fromisoformat(manifests[-1]["received_at"]) if manifests else None
