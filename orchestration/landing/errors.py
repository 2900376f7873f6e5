"""What can be wrong with a file, said for the person who delivered it."""

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
