"""What a landing did, file by file and in sum."""

from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["landed", "redelivered", "failed", "busy"]


@dataclass(frozen=True)
class FileOutcome:
    """One file of the inbox. `file` is its path below the inbox; `moved_to` its new path below the data folder, None
    when it stays.
    """

    file: str
    outcome: Outcome
    org_id: str | None = None
    system: str | None = None
    feed: str | None = None
    batch_id: str | None = None
    rows: int = 0
    rejected: int = 0
    reason: str | None = None
    moved_to: str | None = None


@dataclass
class LandingReport:
    """The outcomes in the order of landing. `rows` are the records landed, `rejected` the records that could not be
    read.
    """

    files: list[FileOutcome] = field(default_factory=list)

    def _count(self, outcome: Outcome) -> int:
        return sum(file.outcome == outcome for file in self.files)

    @property
    def batches(self) -> int:
        return self._count("landed")

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def rejected(self) -> int:
        return sum(file.rejected for file in self.files)

    @property
    def redelivered(self) -> int:
        return self._count("redelivered")

    @property
    def failed_files(self) -> int:
        return self._count("failed")

    def as_dict(self) -> dict[str, Any]:
        """The counts as the `--json` summary names them."""
        return {
            "batches": self.batches,
            "rows": self.rows,
            "rejected": self.rejected,
            "redelivered": self.redelivered,
            "failed_files": self.failed_files,
        }
