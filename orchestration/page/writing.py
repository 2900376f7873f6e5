"""Making the page and putting it where it was asked for."""

import os
from pathlib import Path

from orchestration.errors import UsageError
from orchestration.page.figures import Scope


def write(data_dir: Path, out: Path, scope: Scope) -> Path:
    """Write the page of a published copy, whole or not at all, and return its file.

    Raises:
        UsageError: nothing is published, the org or stream is unknown, or the file cannot be written.
    """
    from orchestration.page.reading import read

    folder = out.parent
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} to write {out.name} into.")
    figures = read(data_dir, scope)

    # Drawing loads the plotting library, which takes a second: not before it is sure that there is something to draw.
    from orchestration.page.sections import page

    scratch = folder / f".{out.name}.{os.getpid()}.tmp"
    try:
        scratch.write_text(page(figures), encoding="utf-8")
        scratch.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}.") from error
    finally:
        scratch.unlink(missing_ok=True)
    return out
