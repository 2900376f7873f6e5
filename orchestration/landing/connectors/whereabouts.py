"""What has become of a delivery that was taken: by where its file lies now, and by the manifests."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from orchestration.landing.connectors.ledger import Taken
from orchestration.landing.files import split_ending
from orchestration.landing.manifest import read_manifests


def stat_of(path: Path) -> tuple[int, int]:
    """What tells a file from another one of its name: size, and time of change in nanoseconds."""
    info = path.stat()
    return info.st_size, info.st_mtime_ns


def lies_at(path: Path, taken: Taken) -> bool:
    """Whether a delivery's own file, and no other of its name, is there."""
    return path.is_file() and stat_of(path) == (taken.bytes, taken.mtime_ns)


def batches_of(data: Path, name: str) -> set[str]:
    """The origins of all batches that a connector brought."""
    return {_origin(manifest.get("remote")) for manifest in read_manifests(data) if manifest["connector"] == name}


def ended(data: Path, taken: Taken, batches: Collection[str]) -> str | None:
    """What became of a file that is no longer in the inbox; None where nothing says it."""
    return _found(data, taken) or ("landed" if _origin(taken.offer.remote) in batches else None)


def _origin(remote: Mapping[str, Any] | None) -> str:
    return json.dumps(dict(remote or {}), sort_keys=True)


def _found(data: Path, taken: Taken) -> str | None:
    """What became of a file that is no longer in the inbox, by where it lies now."""
    if taken.in_inbox is None:
        return None
    folder, name = taken.in_inbox.rsplit("/", 1)
    stem, _ = split_ending(name)
    for room, outcome in (("archive", "landed"), ("failed", "failed")):
        for path in (data / room / folder).glob("*"):
            if path.name.startswith(stem) and lies_at(path, taken):
                return outcome
    return None
