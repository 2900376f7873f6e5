"""A batch's identity and its appearance on disk: whole, by one rename, or not at all."""

import base64
import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.landing.crash_points import crash_point
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.feeds import Feed
from orchestration.landing.manifest import BY_HAND, MANIFEST, Origin, iso
from orchestration.landing.reading import Reading, Target


def batch_id(org_id: str, feed: str, content_sha256: str, returns: int = 0) -> str:
    """12 characters (a-z, 2-7) for (org, feed, content); `returns` counts how often a state feed's content has come
    back after another.

    60 bits of SHA-256: the longest text that DuckDB keeps inline, which ten million rows of joins feel. Two deliveries
    of the same id are one in a billion among 50,000 batches, and `refuse_collision` tells them apart.
    """
    parts = [org_id, feed, content_sha256, *([str(returns)] if returns else [])]
    return base64.b32encode(hashlib.sha256("\0".join(parts).encode("utf-8")).digest())[:12].decode("ascii").lower()


def identify(feed: Feed, org_id: str, content_sha256: str, landed: list[dict[str, Any]]) -> tuple[str, bool]:
    """The batch id of a delivery and whether it is already landed.

    `landed`: the manifests of this org and feed, oldest first. In a feed of kind `records` a content counts once for
    ever; in one of kind `state` whenever it differs from the last delivery.
    """
    same = [manifest for manifest in landed if manifest["content_sha256"] == content_sha256]
    if not same:
        return batch_id(org_id, feed.key, content_sha256), False
    if feed.kind == "records" or landed[-1]["content_sha256"] == content_sha256:
        return same[-1]["batch_id"], True
    return batch_id(org_id, feed.key, content_sha256, len(same)), False


def refuse_collision(identity: str, org_id: str, feed: str, content_sha256: str, other: dict[str, Any] | None) -> None:
    """Raise `UnreadableFileError` when `other`, the manifest of a landed batch with this id, is another delivery's."""
    if other is None:
        return
    theirs = (other["org_id"], f"{other['system']}/{other['feed']}", other["content_sha256"])
    if theirs != (org_id, feed, content_sha256):
        raise UnreadableFileError(
            f"a delivery whose batch id {identity} belongs to another one already: {other['source_file']} of "
            f"{theirs[0]}, {theirs[1]}, with the SHA-256 {theirs[2]} (this file: {content_sha256})",
            "a batch id of its own; it is made from the org, the feed and the file's bytes",
            "add a blank line at the file's end: other bytes have another id, and a blank line is no record",
        )


def batch_folder(data_dir: Path, feed: Feed, org_id: str, identity: str) -> Path:
    return data_dir / "landing" / feed.system / feed.name / org_id / identity


def next_landed_at(landed: list[dict[str, Any]]) -> datetime:
    """The wall clock, moved past the last batch of the same org and feed so that their order is never in doubt."""
    now = datetime.now(UTC)
    if landed:
        now = max(now, datetime.fromisoformat(landed[-1]["landed_at"]) + timedelta(microseconds=1))
    return now


def make_manifest(
    feed: Feed,
    target: Target,
    reading: Reading,
    content_sha256: str,
    size: int,
    as_of: datetime,
    landed_at: datetime,
    origin: Origin | None = None,
) -> dict[str, Any]:
    """The manifest's fields in the order of `manifest.FIELDS`, and `remote` of a file that a connector brought."""
    fingerprint = hashlib.sha256(json.dumps(reading.columns).encode()).hexdigest()
    return {
        "batch_id": target.batch_id,
        "org_id": target.org_id,
        "system": feed.system,
        "feed": feed.name,
        "source_file": target.source_file,
        "content_sha256": content_sha256,
        "bytes": size,
        "received_at": iso(as_of),
        "landed_at": iso(landed_at),
        "connector": origin.connector if origin else BY_HAND,
        "format": reading.format,
        "encoding": reading.encoding,
        "delimiter": reading.delimiter,
        "header_lines": reading.header_lines,
        "physical_lines": reading.physical_lines,
        "record_count": reading.records,
        "reject_count": reading.rejects,
        "record_line_breaks": reading.record_line_breaks,
        "reject_lines": reading.reject_lines,
        "blank_lines": reading.blank_lines,
        "schema_fingerprint": fingerprint,
        "columns": list(reading.columns),
        **({"remote": dict(origin.remote)} if origin else {}),
    }


def publish_batch(target: Target, manifest: dict[str, Any], folder: Path) -> None:
    """Make the batch's folder appear with its three files, all of them on disk before the one rename."""
    staged = target.work_dir / "batch"
    staged.mkdir()
    for path in (target.records, target.rejects):
        path.rename(staged / path.name)
    crash_point("after-records")
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    (staged / MANIFEST).write_text(text, encoding="utf-8")
    for path in staged.iterdir():
        sync(path)
    sync(staged)
    folder.parent.mkdir(parents=True, exist_ok=True)
    crash_point("before-rename")
    staged.rename(folder)
    sync(folder.parent)
    crash_point("after-rename")


def sync(path: Path) -> None:
    """fsync a file or folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
