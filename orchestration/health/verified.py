"""What the last `tieout audit verify` of a whole target found, kept in `DATA/health/verified-<target>.json`."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from orchestration import clock
from orchestration.data_dir import DataDir, write_json

if TYPE_CHECKING:
    from orchestration.audit.verification import Proof

FOLDER = "health"


@dataclass(frozen=True)
class Verified:
    """When the audit was last proved, and what that came to: rows of the chains, files that were looked at, files that
    are not as written, and all that is not, rows included."""

    at: datetime
    rows: int
    files: int
    broken_files: int
    faults: int

    @property
    def holds(self) -> bool:
        return self.faults == 0


def note(data: DataDir, target: str, found: Verified) -> None:
    """Keep what was found, whole or not at all."""
    write_json(data.root / FOLDER / f"verified-{target}.json", {**asdict(found), "at": clock.to_text(found.at)})


def keep(data: DataDir, target: str, proof: "Proof") -> None:
    """Note what a proof of a whole target came to. Whoever may only read here has proved it all the same."""
    from orchestration.audit.verification import FILE_KINDS

    broken = sum(fault.kind in FILE_KINDS for fault in proof.faults)
    found = Verified(clock.now(), sum(proof.rows.values()), proof.files, broken, len(proof.faults))
    with suppress(OSError):
        note(data, target, found)


def last(data: DataDir, target: str) -> Verified | None:
    """What was last found; None where nobody has looked yet, or the note cannot be read."""
    try:
        said = json.loads((data.root / FOLDER / f"verified-{target}.json").read_text(encoding="utf-8"))
        return Verified(**{**said, "at": clock.from_text(said["at"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
