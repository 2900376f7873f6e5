"""What a landing did, file by file and in sum."""

from collections.abc import Sequence
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
    """The outcomes in the order of the files' paths. `rows` are the records landed, `rejected` the records that could
    not be read.
    """

    files: list[FileOutcome] = field(default_factory=list)

    @property
    def unmoved(self) -> dict[tuple[str, str], FileOutcome]:
        """What has become a batch, and whose file a try could not move out of the inbox; by file and batch."""
        landed = (file for file in self.files if file.outcome == "landed" and file.moved_to is None)
        return {(file.file, file.batch_id): file for file in landed if file.batch_id}

    def add(self, files: Sequence[FileOutcome]) -> None:
        """Take in the outcomes of a try. A file that has only been moved now counts once."""
        again = self.unmoved.keys() & {(file.file, file.batch_id) for file in files if file.outcome == "landed"}
        self.files[:] = [file for file in self.files if (file.file, file.batch_id) not in again] + [*files]

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
