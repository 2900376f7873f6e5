"""The examples as `make run` reconciles them, once for all tests that look at what comes of it."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.python import ready
from tests.python.ready import ROOT

EXTRACTS = ROOT / "examples" / "extracts"
AS_OF = json.loads((EXTRACTS.parent / "expected.json").read_text(encoding="utf-8"))["as_of"]

# One worker, which runs them once.
of_the_examples = pytest.mark.xdist_group("examples")


@dataclass(frozen=True)
class Reconciled:
    """A data folder after the run, which nobody changes, and what the run said to people."""

    data: Path
    said: str

    def copy(self, to: Path) -> Path:
        """The data folder once more, for who goes on with it."""
        return Path(shutil.copytree(self.data, to, symlinks=True, dirs_exist_ok=True))


def run(data: Path, as_of: str) -> str:
    """Run on a data folder, in a process of its own; what was said."""
    done = ready.run("run", "--data-dir", data, "--as-of", as_of)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def reconcile(data: Path) -> Reconciled:
    """Deliver the examples and run."""
    shutil.copytree(EXTRACTS, data / "inbox")
    return Reconciled(data, run(data, AS_OF))
