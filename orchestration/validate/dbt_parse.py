"""dbt's own parse, the last word on what nothing else explains."""

import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from orchestration import parsed
from orchestration.data_dir import DataDir
from orchestration.dbt_build import locations, release_warehouse
from orchestration.environment import Place, variables_set
from orchestration.validate.faults import Fault
from orchestration.validate.loaded import REGISTRY

FILE = re.compile(r"\((?P<file>(?:models|macros|seeds|snapshots|tests)/[^()\s]+)\)")
LINE = re.compile(r"\bline (?P<line>\d+)")


def check(folder: Path, target: str) -> Iterator[Fault]:
    """What dbt says of the project; nothing is asked where a parse of these very files is kept."""
    with tempfile.TemporaryDirectory(prefix="tieout-validate-") as temporary:
        # A place of its own: to look at a project changes nothing in a data folder.
        place = Place(DataDir(Path(temporary)), target, replay=False)
        with variables_set(place.variables("validate", datetime.now(UTC))):
            key = parsed.parse_key(folder, place)
            if (folder / parsed.FOLDER / key / parsed.PARSE).is_file():
                return
            message = _parse(folder, place)
            if message is None:
                parsed.keep(folder, place, key)
                return
    yield fault_of(message)


def _parse(folder: Path, place: Place) -> str | None:
    """dbt's message, None when the project parses."""
    # dbt takes about two seconds to import: only who needs its word pays for it.
    from dbt.cli.main import dbtRunner

    place.dbt_target.mkdir(parents=True, exist_ok=True)
    quiet = ("--log-level", "none", "--no-print", "--no-use-colors", "--no-version-check")
    try:
        result = dbtRunner().invoke([*quiet, "parse", *locations(folder, place)])
    finally:
        release_warehouse()
    return None if result.success else str(result.exception or "dbt does not say why")


def fault_of(message: str) -> Fault:
    """A message of dbt's with the file and line that it names."""
    file, line = FILE.search(message), LINE.search(message)
    text = " ".join(message.split())
    name = file["file"] if file else REGISTRY
    return Fault(
        "dbt-parse", f"dbt does not parse the project: {text}", name, int(line["line"]) if line and file else 1
    )
