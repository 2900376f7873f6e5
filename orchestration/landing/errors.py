"""What can be wrong with a file, said for the person who delivered it, and with the machine, said for who runs it."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from orchestration.errors import TieoutError, UsageError


class FeedDeclarationError(UsageError):
    """A feed's declaration cannot work; the message lists every fault of every file."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("The feed declarations have faults:\n" + "\n".join(f"  * {fault}" for fault in faults))


class UnreadableFileError(TieoutError):
    """A file that cannot be landed at all: `found`, `expected`, and `remedy` (lines that would make it work)."""

    def __init__(self, found: str, expected: str, remedy: str = "") -> None:
        self.found, self.expected, self.remedy = found, expected, remedy
        super().__init__(found)

    def text(self) -> str:
        """The whole text of the `.reason.txt`."""
        parts = [f"Found:    {self.found}", f"Expected: {self.expected}"]
        if self.remedy:
            parts += ["", "What would make it work:", "", self.remedy.rstrip()]
        parts += ["", "Then move the file back to its folder of the inbox and run again."]
        return "\n".join(parts) + "\n"


class LandingError(TieoutError):
    """The machine failed, not a file: no space, no permission, no memory. Nothing is half landed, nothing is lost."""


@contextmanager
def told_as_landing_error(doing: str) -> Iterator[None]:
    """Turn what the system or the engine raises into a `LandingError` that says what was being done."""
    try:
        yield
    except (OSError, MemoryError, duckdb.Error, pa.ArrowException) as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "") or type(error).__name__
        raise LandingError(
            f"Landing stopped: {doing} failed: {reason}\n"
            "The file stays in the inbox, no part of it has landed unless all of it has, and what landed before it is "
            "kept.\nUsual causes are a full disk, missing permissions and too little memory. Mend that and run again."
        ) from error
