"""What a run need not build again. A table holds what the last run left in it as long as nothing that it is made from
has changed: no file of the project, no delivery of the feeds behind it, and not the clock where it looks at that."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestration.data_dir import DataDir
from orchestration.environment import DAILY, HOURLY
from orchestration.runs import State, latest_built
from orchestration.warehouse import Warehouse

# A model that asks the clock or the run for more than which deliveries have come changes with every run.
CLOCK = ("macro.tieout.as_of", "macro.tieout.run_id")
# One that asks for the run's mode changes when a daily run takes up what hourly ones held back.
MODE = ("macro.tieout.run_mode",)
ONLY_DELIVERIES = (
    "macro.tieout.is_received",
    "macro.tieout.is_recent",
    "macro.tieout.judged_in_run",
    "macro.tieout.mark_processed",
)

# Where deliveries of every feed stand side by side.
OF_ALL_FEEDS = "landing"
# What people read, and what is kept of every run: built in every run whatever is new.
ALWAYS = ("marts", "audit")
LAW_TAG = "law"
# What people have pinned. It looks at the records of every ladder, but a step asks it for its own alone, which the step
# is made from anyway: to a step it is new when there are new decisions, or rules of who may decide.
PINS = "model.tieout.pins"
PIN_INPUTS = ("model.tieout.exception_decisions", "model.tieout.resolution_terms")

Manifest = Mapping[str, Any]


def batches_of_feeds(data: DataDir) -> dict[str, int]:
    """How many batches each feed of an org has, by `<org>/<system>/<feed>`; batches are only ever added."""
    # landing/<system>/<feed>/<org>/<batch>/manifest.json
    found = (file.parts[-5:-2] for file in (data.root / "landing").glob("[!.]*/*/*/*/manifest.json"))
    return dict(Counter(f"{org}/{system}/{feed}" for system, feed, org in found))


def changed_feeds(data: DataDir, warehouse: Warehouse, target: str, project_key: str) -> set[str] | None:
    """The feeds of which batches came since the last build; None when that build cannot be built upon: it did not
    close, or had less than the whole, or was of another project, or somebody else has built since, or an org has
    come that nothing was ever built for (its policies are made for every stream, whatever it delivers).
    """
    last = latest_built(data, target)
    if last is None or last.state != State.CLOSED or last.stream or last.project_key != project_key:
        return None
    if latest_build_id(warehouse) != last.run_id:
        return None
    now = batches_of_feeds(data)
    if {key.split("/")[0] for key in now} != {key.split("/")[0] for key in last.batches}:
        return None
    changed = (key for key in now.keys() | last.batches.keys() if now.get(key) != last.batches.get(key))
    return {key.split("/", 1)[1] for key in changed}


def latest_build_id(warehouse: Warehouse) -> str | None:
    """The id of the run that last built anything in a warehouse, as the warehouse says."""
    if not warehouse.columns("audit", "builds"):
        return None
    found = warehouse.rows(
        f"select run_id from {warehouse.relation('audit', 'builds')} order by started_at desc, run_id desc limit 1"
    )
    return found[0][0] if found else None


def releases_records(data: DataDir, target: str, mode: str) -> bool:
    """Whether a run judges records that the last one held back."""
    last = latest_built(data, target)
    return last is not None and last.mode == HOURLY and mode == DAILY


def to_build(manifest: Manifest, feeds: set[str], *, releases: bool = False) -> list[str]:
    """The names of the nodes that a run has to build, tests included, when only these feeds have something new;
    `releases` where it judges records that were held back as well."""
    clocked = _macros_that_ask(manifest["macros"], (*CLOCK, *MODE) if releases else CLOCK)
    nodes: Manifest = manifest["nodes"]
    changed: dict[str, bool] = {}

    def is_changed(unique_id: str) -> bool:
        if unique_id not in changed:
            node = nodes.get(unique_id)
            if node is None:
                changed[unique_id] = _is_fresh_source(manifest["sources"].get(unique_id), feeds)
            else:
                of_models = node["resource_type"] == "model"
                parents = node["depends_on"].get("nodes", [])
                changed[unique_id] = (
                    node["config"].get("schema") in ALWAYS
                    or bool(clocked.intersection(node["depends_on"].get("macros", [])))
                    or any(map(is_changed, _inputs(parents, of_models=of_models)))
                )
        return changed[unique_id]

    chosen = []
    for unique_id, node in nodes.items():
        is_law = node["resource_type"] == "test" and LAW_TAG in node.get("tags", [])
        if node["resource_type"] in ("model", "seed", "snapshot", "test") and (is_law or is_changed(unique_id)):
            chosen.append(node["name"])
    return sorted(chosen)


def _inputs(parents: list[str], *, of_models: bool) -> Iterator[str]:
    """What a node is made of; to a model the pins are what decides which of them are in force."""
    for parent in parents:
        yield from PIN_INPUTS if of_models and parent == PINS else (parent,)


def read_manifest(file: Path) -> Manifest | None:
    """dbt's manifest, when it is there whole: a full disk may have cut it short."""
    try:
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except ValueError:
        return None


def _is_fresh_source(source: Mapping[str, Any] | None, feeds: set[str]) -> bool:
    """Whether a source has something new. Nobody outside the marts reads the book of all batches for more than those of
    the feeds that it is made of."""
    if source is None or source["source_name"] == OF_ALL_FEEDS:
        return False
    return f"{source['source_name']}/{source['name']}" in feeds


def _macros_that_ask(macros: Manifest, asked: tuple[str, ...]) -> set[str]:
    """The macros that call one of those asked for, themselves or by others."""
    found = set(asked)
    while True:
        more = {
            name
            for name, macro in macros.items()
            if name not in found
            and name not in ONLY_DELIVERIES
            and found.intersection(macro["depends_on"].get("macros", []))
        }
        if not more:
            return found
        found |= more
