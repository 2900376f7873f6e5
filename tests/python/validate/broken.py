"""Breaking a copy of the project by its texts, so that lines stay where people put them, and finding them again."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from orchestration.cli import main
from tests.python.declarations.project import ROOT

REGISTRY = "dbt_project.yml"
RECONCILIATIONS = "models/reconciliations"

Found = dict[str, Any]


@dataclass(frozen=True)
class Break:
    """A text of a file that stands once, and what takes its place; the fault that follows from it, by its code, the
    text in whose line it is told, and pieces of the message. `file` where that is another one than was broken."""

    path: str
    old: str
    new: str
    code: str
    at: str
    says: tuple[str, ...]
    stream: str | None = None
    severity: str = "fault"


def replace(project: Path, path: str, old: str, new: str) -> None:
    """Change a text that stands exactly once in a file."""
    file = project / path
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} has {text.count(old)} times {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def stands(path: str, text: str) -> str:
    """The line of the shipped project that has a text, without what is around it: whatever its value is."""
    return (ROOT / path).read_text(encoding="utf-8").splitlines()[line_of(ROOT, path, text) - 1].strip()


def line_of(project: Path, path: str, text: str) -> int:
    """The line on which a text stands, the first that has it."""
    lines = (project / path).read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if text in line]
    assert found, f"{path} has no line with {text!r}"
    return found[0]


def tieout_validate(project: Path, data: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Result:
    """The command, in this process."""
    variables = {"TIEOUT_PROJECT_DIR": str(project), **(environment or {})}
    return CliRunner().invoke(main, ["validate", "--data-dir", str(data), *arguments], env=variables)


def told(
    project: Path, data: Path, *arguments: str, code: int, environment: Mapping[str, str] | None = None
) -> list[Found]:
    """What the command finds, as JSON; it must end with a code."""
    done = tieout_validate(project, data, "--json", *arguments, environment=environment)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def pick(found: Iterable[Found], **wanted: Any) -> list[Found]:
    """Those of the findings that have these values."""
    return [one for one in found if all(one[name] == value for name, value in wanted.items())]


def has(found: Iterable[Found], project: Path, expected: Break) -> bool:
    """Whether a break is told where it stands."""
    line = line_of(project, expected.path, expected.at)
    there = pick(found, file=expected.path, line=line, code=expected.code, severity=expected.severity)
    return any(
        one["stream"] == expected.stream and all(piece in one["message"] for piece in expected.says) for one in there
    )
