"""`make reliability`: break things as `scenarios.py` declares it, and write what came of it to docs/reliability.md."""

import argparse
import json
import os
import re
import string
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.python import postgres_server
from tests.python.core_project import core_project
from tests.python.laws.harness import Folder, Server
from tests.python.ready import ROOT
from tests.python.recovery.parallel import EACH, at_once
from tests.python.recovery.scenarios import SCENARIOS, Scenario
from tests.python.recovery.stage import DAY_2, Stage, deliver_day_1, deliver_day_2, make_stage

PAGE = ROOT / "docs" / "reliability.md"
# What decides what a run does is this command's, not the caller's.
FOREIGN = ("TIEOUT_DATA_DIR", "TIEOUT_TARGET", "TIEOUT_PROJECT_DIR", "TIEOUT_SCHEMA_PREFIX", "TIEOUT_DUCKDB_PATH")

HEADINGS = (
    *("fault", "how it is made", "what a user sees", "right after", "the next run", "the runs end as"),
    "the same as undisturbed",
)
# What came of each, so that a few can be played again without the others.
KEPT = ROOT / "target" / "reliability"
AT_ONCE = "twenty-at-once"
TEMPLATE = Path(__file__).with_name("page.md")


def main() -> None:
    """Play the scenarios that are named, or all, keep what came of each, and write the page once all are played."""
    names = [*(scenario.name for scenario in SCENARIOS), AT_ONCE]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="SCENARIO", help="play only these, and take the others as they were"
    )
    parser.add_argument("--page", action="store_true", help="play nothing, write the page of what was kept")
    given = parser.parse_args()
    unknown = set(given.names) - set(names)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}. There are: {', '.join(names)}")
    for name in FOREIGN:
        os.environ.pop(name, None)
    names_wanted = set() if given.page else set(given.names or names)
    wanted = [s for s in SCENARIOS if s.name in names_wanted]
    with tempfile.TemporaryDirectory(prefix="tieout-faults-") as scratch:
        root = Path(scratch)
        project = core_project(root / "project")
        _play(root / "duckdb", project, [s for s in wanted if s.target == "duckdb"])
        _play_postgres(root / "postgres", project, [s for s in wanted if s.target == "postgres"])
        if AT_ONCE in names_wanted:
            _keep(AT_ONCE, _parallel(root))
    missing = [name for name in names if not (KEPT / f"{name}.json").is_file()]
    if missing:
        print(f"Not played yet: {', '.join(missing)}. The page is written once all have been.")
        return
    PAGE.write_text(_page({name: json.loads((KEPT / f"{name}.json").read_text()) for name in names}), encoding="utf-8")
    print(f"Written to {PAGE}.")


def _keep(name: str, outcome: dict[str, Any]) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.json").write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")


def _page(kept: dict[str, dict[str, Any]]) -> str:
    parallel = kept.pop(AT_ONCE)
    hashes = ", ".join(f"{stream} {said[:8]}" for stream, said in sorted(parallel.pop("hashes").items()))
    return string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        **parallel, hashes=hashes, table=_table(kept), each=EACH, cores=os.cpu_count(), duckdb=duckdb.__version__
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _play(
    root: Path, project: Path, scenarios: list[Scenario], server: Server | None = None, handle: Any = None
) -> None:
    if not scenarios:
        return
    _say(f"The undisturbed days on {scenarios[0].target} ...")
    stage = make_stage(root, scenarios[0].target, project, server, handle)
    for scenario in scenarios:
        _say(f"{scenario.name} ...")
        played = scenario.play(stage)
        _keep(
            scenario.name,
            {
                "seen": _plain(played.seen, stage),
                "after": played.after,
                "seconds": round(played.seconds),
                "ends": played.ends,
                "proof": played.proof,
            },
        )


def _play_postgres(root: Path, project: Path, scenarios: list[Scenario]) -> None:
    if scenarios:
        with postgres_server.running() as (server, handle):
            _play(root, project, scenarios, server, handle)


def _parallel(root: Path) -> dict[str, Any]:
    """Twenty runs of two streams of the real project."""
    _say("Twenty runs at once ...")
    streams = ("pos_oms_orders", "bookings")
    project = core_project(root / "two-streams", streams)

    def deliver(folder: Folder) -> None:
        deliver_day_1(folder)
        deliver_day_2(folder)

    with postgres_server.running() as (server, _):
        outcome = at_once(root / "parallel", project, server, streams, deliver, DAY_2)
    return {
        **asdict(outcome),
        "seconds": round(outcome.seconds),
        "serial_seconds": round(outcome.serial_seconds),
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def _plain(text: str, stage: Stage) -> str:
    """A message without what differs from machine to machine."""
    text = text.replace(str(stage.folder.root), "DATA")
    text = re.sub(r"process \d+", "process 4711", text)
    return re.sub(r"\S+ \(PID \d+\)", "python (PID 4711)", text)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _table(kept: dict[str, dict[str, Any]]) -> str:
    lines = [f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
    for scenario in SCENARIOS:
        one = kept[scenario.name]
        again = f" ({one['seconds']} s)" if one["seconds"] else ""
        engine = {"duckdb": "DuckDB", "postgres": "Postgres"}[scenario.target]
        cells = (
            *(f"{scenario.fault} ({engine})", scenario.made, one["seen"], one["after"]),
            *(f"{scenario.next_run}{again}", ", ".join(one["ends"]), one["proof"]),
        )
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
