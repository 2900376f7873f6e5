"""`make reliability`: break things as `scenarios.py` declares it, and write what came of it to docs/reliability.md."""

import argparse
import os
import re
import string
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from tests.python import postgres_server
from tests.python.core_project import core_project
from tests.python.laws.harness import ROOT, Folder
from tests.python.recovery.parallel import EACH, Parallel, at_once
from tests.python.recovery.scenarios import SCENARIOS, Played, Scenario
from tests.python.recovery.stage import DAY_2, Stage, deliver_day_1, deliver_day_2, make_stage

PAGE = ROOT / "docs" / "reliability.md"
# What decides what a run does is this command's, not the caller's.
FOREIGN = ("TIEOUT_DATA_DIR", "TIEOUT_TARGET", "TIEOUT_PROJECT_DIR", "TIEOUT_SCHEMA_PREFIX", "TIEOUT_DUCKDB_PATH")

HEADINGS = (
    *("fault", "how it is made", "what a user sees", "right after", "the next run", "the runs end as"),
    "the same as undisturbed",
)
TEMPLATE = Path(__file__).with_name("page.md")


def main() -> None:
    """Play the scenarios that are named, or all, and write the page when it was all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help="only these; their lines are printed")
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args()
    unknown = set(given.names) - {s.name for s in SCENARIOS}
    if unknown:
        parser.error(
            f"no such scenario: {', '.join(sorted(unknown))}. There are: {', '.join(s.name for s in SCENARIOS)}"
        )
    for name in FOREIGN:
        os.environ.pop(name, None)
    wanted = [s for s in SCENARIOS if not given.names or s.name in given.names]
    with tempfile.TemporaryDirectory(prefix="tieout-faults-") as scratch:
        root = Path(scratch)
        project = core_project(root / "project")
        played = _play(root / "duckdb", project, [s for s in wanted if s.target == "duckdb"])
        played += _play_postgres(root / "postgres", project, [s for s in wanted if s.target == "postgres"])
        parallel = None if given.names else _parallel(root)
    if parallel is None:
        print(_table(played))
        return
    page = string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        table=_table(played),
        runs=parallel.runs,
        folders=parallel.folders,
        each=EACH,
        seconds=round(parallel.seconds),
        serial=round(parallel.serial_seconds),
        cores=os.cpu_count(),
        results=parallel.results,
        hashes=", ".join(f"{stream} {said[:8]}" for stream, said in sorted(parallel.hashes.items())),
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        duckdb=duckdb.__version__,
    )
    given.out.write_text(page, encoding="utf-8")
    print(f"Written to {given.out}.")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _play(
    root: Path, project: Path, scenarios: list[Scenario], server: object = None, handle: object = None
) -> list[Played]:
    if not scenarios:
        return []
    _say(f"The undisturbed days on {scenarios[0].target} ...")
    stage = make_stage(root, scenarios[0].target, project, server, handle)
    done = []
    for scenario in scenarios:
        _say(f"{scenario.name} ...")
        one = scenario.play(stage)
        done.append(Played(scenario, _plain(one.seen, stage), one.after, one.ends, one.seconds, one.proof))
    return done


def _play_postgres(root: Path, project: Path, scenarios: list[Scenario]) -> list[Played]:
    if not scenarios:
        return []
    with postgres_server.running() as (server, handle):
        return _play(root, project, scenarios, server, handle)


def _parallel(root: Path) -> Parallel:
    """Twenty runs of two streams of the real project."""
    _say("Twenty runs at once ...")
    streams = ("pos_oms_orders", "bookings")
    project = core_project(root / "two-streams", streams)

    def deliver(folder: Folder) -> None:
        deliver_day_1(folder)
        deliver_day_2(folder)

    with postgres_server.running() as (server, _):
        return at_once(root / "parallel", project, server, streams, deliver, DAY_2)


def _plain(text: str, stage: Stage) -> str:
    """A message without what differs from machine to machine."""
    text = text.replace(str(stage.folder.root), "DATA")
    text = re.sub(r"process \d+", "process 4711", text)
    return re.sub(r"\S+ \(PID \d+\)", "python (PID 4711)", text)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _table(played: list[Played]) -> str:
    lines = [f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
    for one in played:
        again = f" ({one.seconds:.0f} s)" if one.seconds else ""
        engine = {"duckdb": "DuckDB", "postgres": "Postgres"}[one.scenario.target]
        cells = (
            *(f"{one.scenario.fault} ({engine})", one.scenario.made, one.seen, one.after),
            *(f"{one.scenario.next_run}{again}", ", ".join(one.ends), one.proof),
        )
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
