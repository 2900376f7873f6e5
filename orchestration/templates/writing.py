"""Writing several files of the project whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestration.errors import UsageError


def write_all(project: Path, new: Mapping[Path, str], changed: Mapping[Path, tuple[str, str]]) -> None:
    """Write new files, and replace the text of others (what it is, what it becomes); paths are relative to the project.

    All are first written beside the project's own. What then goes wrong is undone: nothing is left of it.

    Raises:
        UsageError: a file cannot be written, is there already, or is not what it was when it was read.
    """
    undo: list[Callable[[], object]] = []
    try:
        staged = Path(tempfile.mkdtemp(prefix=".new-stream-", dir=project))
    except OSError as error:
        raise UsageError(f"{project} cannot be written to: {error}") from error
    try:
        for path, text in [*new.items(), *((path, texts[1]) for path, texts in changed.items())]:
            (staged / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).write_text(text, encoding="utf-8", newline="")
        for path in new:
            _make_folders(project / path.parent, undo)
            # A link and not a rename: it fails where something is already.
            (project / path).hardlink_to(staged / path)
            undo.append((project / path).unlink)
        for path, (before, _) in changed.items():
            file = project / path
            if _text(file) != before:
                raise UsageError(f"{path} has changed while the clone was made. Nothing is written; try again.")
            shutil.copymode(file, staged / path)
            (staged / path).replace(file)
            undo.append(lambda file=file, before=before: file.write_text(before, encoding="utf-8", newline=""))
    except BaseException as error:
        for step in reversed(undo):
            step()
        if isinstance(error, OSError):
            raise UsageError(f"The clone cannot be written: {error}. Nothing of it is left.") from error
        raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _text(file: Path) -> str:
    return file.read_bytes().decode("utf-8")


def _make_folders(folder: Path, undo: list[Callable[[], object]]) -> None:
    """Make a folder and those above it that are not there, each to be taken away again."""
    if not folder.is_dir():
        _make_folders(folder.parent, undo)
        folder.mkdir()
        undo.append(folder.rmdir)
