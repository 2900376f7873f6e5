"""What validation finds: one fault, warning or note, with the line that says the wrong thing."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

# A fault stops the run, or makes its answer wrong; a warning says what will have no effect or what will wait; a note is
# for completeness.
FAULT, WARNING, NOTE = "fault", "warning", "note"
SEVERITIES = (FAULT, WARNING, NOTE)


@dataclass(frozen=True)
class Fault:
    """One finding. `file` is relative to the project, or to the data folder for what has been delivered; `message`
    says what was found, what is allowed and what to do."""

    code: str
    message: str
    file: str
    line: int = 1
    stream: str | None = None
    org: str | None = None
    severity: str = FAULT

    def to_json(self) -> dict[str, Any]:
        """The fields in the order of the command's JSON."""
        fields = asdict(self)
        return {name: fields[name] for name in ("severity", "code", "stream", "org", "file", "line", "message")}

    def to_text(self) -> str:
        """Two lines for people: where and what kind, then the message."""
        about = [f"{word} {name}" for word, name in (("stream", self.stream), ("org", self.org)) if name]
        return f"{self.file}:{self.line}: {self.severity} [{self.code}]" + (
            f" ({', '.join(about)})\n    {self.message}" if about else f"\n    {self.message}"
        )


def ordered(faults: Iterable[Fault]) -> list[Fault]:
    """Each finding once, faults first, then by file and line. What several models say of one line is one finding."""
    once: dict[tuple[str, str, int, str, str | None], Fault] = {}
    for fault in faults:
        once.setdefault((fault.severity, fault.file, fault.line, fault.message, fault.org), fault)
    return sorted(once.values(), key=lambda f: (SEVERITIES.index(f.severity), f.file, f.line, f.code, f.message))


def any_fault(faults: Iterable[Fault]) -> bool:
    """Whether there is more than warnings and notes."""
    return any(fault.severity == FAULT for fault in faults)


def listed(names: Iterable[Any]) -> str:
    """Names as they stand in a message."""
    return ", ".join(map(str, names)) or "none"
