"""The dbt part of a run: its arguments, one start of dbt inside this process, and what its results mean."""

import importlib
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration import dbt_contexts, dbt_savings, dbt_statements, parsed
from orchestration.audit import failures
from orchestration.collecting import collected_rarely
from orchestration.environment import DAILY, Place, variables_set
from orchestration.errors import TieoutError, UsageError
from orchestration.landing.crash_points import crash_point, tested_by_crashes
from orchestration.lapses import dispensable, lapsed
from orchestration.redaction import redacted

# A test with this tag holds one of the laws of the design.
LAW_TAG = "law"

OnNode = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Failure:
    """A node of the build that did not end well, in words for people. `cause` is its class, as the audit keeps it (see
    audit.failures)."""

    name: str
    kind: str
    message: str
    cause: str = "ENGINE"


@dataclass(frozen=True)
class StepBuild:
    """How dbt got on with a model of a stream. Times in UTC; `status` is dbt's, None where it was not built."""

    model: str
    status: str | None
    started_at: datetime | None
    ended_at: datetime | None
    message: str


@dataclass(frozen=True)
class BuildOutcome:
    """What a dbt build came to. `laws_*` count tests tagged as laws; one that was skipped does not hold, so it
    counts as failed. `steps` are the steps of all streams, by model; `lapses` what failed and the books do without, and
    `left_out` the marts that readers keep as they were because of it."""

    nodes: int
    laws_passed: int
    laws_failed: int
    failures: list[Failure] = field(default_factory=list)
    steps: dict[str, StepBuild] = field(default_factory=dict)
    lapses: list[Failure] = field(default_factory=list)
    left_out: frozenset[str] = frozenset()

    @property
    def ok(self) -> bool:
        return not self.failures


def arguments(
    project: Path,
    place: Place,
    *,
    stream: str | None = None,
    nodes: list[str] | None = None,
    full_refresh: bool = False,
) -> list[str]:
    """The arguments of `dbt build` that make up a run, the same for the command line and for Dagster. `nodes` are all
    that is to be built and tested; none for everything.

    Unit tests judge the code, not the data: they are left to the test suite.
    """
    chosen = ["--exclude-resource-type", "unit_test"]
    if nodes is not None:
        chosen += ["--select", " ".join(nodes), "--indirect-selection", "empty"]
    elif stream:
        # All that the stream needs and all that is made from it; seeds come along as parents.
        built = [f"+path:models/reconciliations/{stream}+"]
        if place.target == "postgres":
            # A table that is built anew there takes the views that read it along, other streams' ones too.
            built.append("config.materialized:view")
        chosen += ["--select", " ".join(built)]
    if full_refresh:
        chosen.append("--full-refresh")
    return ["build", *chosen, *locations(project, place)]


def locations(project: Path, place: Place) -> list[str]:
    """Where dbt finds the project and leaves its own files: of a run, only its parse is kept with the project."""
    return [
        *("--project-dir", str(project), "--profiles-dir", str(project), "--target", place.target),
        *("--target-path", str(place.dbt_target), "--log-path", str(place.data.dbt / "logs")),
    ]


def import_beside() -> None:
    """Begin to import dbt, which takes about two seconds, beside what comes before the build. Whatever is wrong with it
    the build finds out, which imports it again."""

    def begin() -> None:
        with suppress(Exception):
            dbt_savings.codecs_made_when_used()
            importlib.import_module("dbt.cli.main")

    threading.Thread(target=begin, name="import of dbt", daemon=True).start()


def build(
    project: Path,
    place: Place,
    run_id: str,
    as_of: datetime,
    *,
    stream: str | None = None,
    nodes: list[str] | None = None,
    full_refresh: bool = False,
    mode: str = DAILY,
    facts: Mapping[str, str] | None = None,
    on_node: OnNode | None = None,
) -> BuildOutcome:
    """Run `dbt build` in this process and judge its results.

    `facts`: more variables of its environment. `on_node(done, total, name)` is called as nodes end.

    Raises:
        UsageError: the project does not parse or the profile does not connect; the message is dbt's.
        KeyboardInterrupt: dbt was interrupted; its queries are cancelled and the warehouse is closed.
    """
    # Only who builds pays for the import; see `import_beside`.
    with collected_rarely():
        dbt_savings.codecs_made_when_used()
        from dbt.cli.main import dbtRunner
        from dbt_common.events.functions import reset_metadata_vars

    run_results = place.dbt_target / "run_results.json"
    run_results.unlink(missing_ok=True)
    place.dbt_target.mkdir(parents=True, exist_ok=True)
    with variables_set({**place.variables(run_id, as_of, mode), **(facts or {})}):
        # dbt keeps the DBT_ENV_CUSTOM_ENV_* of its first run for the life of the process.
        reset_metadata_vars()
        key = parsed.parse_key(project, place)
        kept = project / parsed.FOLDER / key
        with ExitStack() as stack:
            stack.callback(release_warehouse)
            stack.callback(reset_metadata_vars)
            stack.enter_context(collected_rarely())
            manifest = parsed.load(project, place, key)
            stack.enter_context(dbt_savings.told_only_to(*EVENTS, *([STATEMENT] if tested_by_crashes() else [])))
            stack.enter_context(dbt_savings.manifest_as_it_lies(manifest is not None))
            stack.enter_context(dbt_savings.no_drawings_of_the_graph())
            stack.enter_context(dbt_contexts.names_made_quickly())
            stack.enter_context(dbt_contexts.events_filled_when_read())
            stack.enter_context(dbt_statements.results_kept())
            stack.enter_context(dbt_statements.dictionaries_merged_quickly())
            keep_templates = stack.enter_context(dbt_savings.templates_kept(kept / dbt_savings.TEMPLATES))
            keep_schemas = stack.enter_context(dbt_savings.schemas_kept(kept / dbt_savings.SCHEMAS))
            result = dbtRunner(manifest, callbacks=[_node_callback(on_node)] if on_node else []).invoke(
                [
                    *("--log-level", "none", "--no-print", "--no-use-colors", "--no-version-check"),
                    *arguments(project, place, stream=stream, nodes=nodes, full_refresh=full_refresh),
                ]
            )
    if isinstance(result.exception, KeyboardInterrupt):
        raise KeyboardInterrupt
    if run_results.is_file():
        with variables_set(place.variables(run_id, as_of)):
            if manifest is None and parsed.parse_key(project, place) == key:
                parsed.keep(project, place, key)
        keep_templates()
        keep_schemas()
    if not run_results.is_file():
        raise UsageError(f"dbt could not start: {result.exception or 'see the log in ' + str(place.data.dbt / 'logs')}")
    return read_outcome(place.dbt_target)


def release_warehouse() -> None:
    """Close the DuckDB file that dbt-duckdb keeps open inside this process; publishing opens it next."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()


# What `_node_callback` listens to.
EVENTS = ("LogStartLine", "NodeFinished")
STATEMENT = "SQLQuery"


def _node_callback(on_node: OnNode) -> Callable[[Any], None]:
    """Turn dbt's events into progress. The total comes with the first node that starts."""
    state = {"done": 0, "total": 0}

    def callback(event: Any) -> None:
        starts, ends = EVENTS
        if event.info.name == starts:
            state["total"] = max(state["total"], event.data.total)
        elif event.info.name == ends:
            state["done"] += 1
            crash_point("between-nodes")
            on_node(state["done"], max(state["total"], state["done"]), event.data.node_info.node_name)
        elif event.info.name == STATEMENT:
            # Before each statement of a node: what went before it in its transaction is not committed yet.
            crash_point(f"statement-of-{event.data.node_info.node_name}")

    return callback


def read_outcome(dbt_target: Path) -> BuildOutcome:
    """Judge a build by the artifacts that dbt left: the same for a run in this process and for one that Dagster
    started.

    Raises:
        TieoutError: the artifacts are not there: dbt did not get as far as building.
    """
    try:
        results = json.loads((dbt_target / "run_results.json").read_text(encoding="utf-8"))["results"]
        manifest = json.loads((dbt_target / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TieoutError(f"dbt left no {Path(error.filename).name}: it did not get as far as building.") from error
    except ValueError as error:
        raise TieoutError(
            f"dbt could not write its results whole in {dbt_target}: the disk is full, or dbt was ended. Mend that and"
            " run again; the next run carries on."
        ) from error
    passed = failed = 0
    found, lapses = [], []
    left_out: set[str] = set()
    may_lapse = dispensable(manifest)
    steps = {}
    for result in results:
        # Hooks that failed are results too; they have no node in the manifest.
        node = manifest["nodes"].get(result["unique_id"], {})
        status = result["status"]
        good = status in ("success", "pass", "warn", "no-op")
        if LAW_TAG in node.get("tags", []) and node.get("resource_type") == "test":
            passed, failed = (passed + 1, failed) if good and status != "warn" else (passed, failed + 1)
        if node.get("resource_type") == "model" and node["config"].get("meta", {}).get("step"):
            steps[node["name"]] = _step(node["name"], result)
        # What was skipped only follows from a failure that has its own message.
        if status == "skipped" and result["unique_id"] in may_lapse:
            left_out.add(result["unique_id"])
        if not good and status != "skipped":
            without = lapsed(result["unique_id"], manifest, may_lapse)
            left_out |= without
            (lapses if without else found).append(_failure(result, node, dbt_target))
    return BuildOutcome(len(results), passed, failed, found, steps, lapses, _names(left_out, manifest))


def _names(models: set[str], manifest: dict[str, Any]) -> frozenset[str]:
    """The names of models by their ids."""
    return frozenset(manifest["nodes"][unique_id]["name"] for unique_id in models)


def _step(model: str, result: dict[str, Any]) -> StepBuild:
    """A model's part of dbt's results; what was skipped has no times."""
    times = {timing["name"]: timing for timing in result.get("timing", [])}.get("execute", {})
    started, ended = (
        datetime.fromisoformat(times[key].replace("Z", "+00:00")).astimezone(UTC) if times.get(key) else None
        for key in ("started_at", "completed_at")
    )
    return StepBuild(model, result["status"], started, ended, redacted(" ".join((result.get("message") or "").split())))


def _failure(result: dict[str, Any], node: dict[str, Any], dbt_target: Path) -> Failure:
    """Say what failed, what it means, and where to look."""
    name = node.get("name") or result["unique_id"].split(".")[-1]
    kind = node.get("resource_type", "hook")
    described = " ".join((node.get("description") or "").split())
    if result["status"] == "fail":
        count = result.get("failures") or 0
        text = f"{count} {'row contradicts' if count == 1 else 'rows contradict'} it"
    else:
        text = " ".join((result.get("message") or "no message").split())
    where = dbt_target / "compiled" / node["package_name"] / _compiled(node) if node.get("package_name") else None
    look = f" Query: {where}" if where is not None and where.is_file() else ""
    message = f"{kind} {name}: {text}.{' ' + described if described else ''}{look}"
    # An engine quotes the value that broke a model, and it may be anything.
    return Failure(name, kind, redacted(message), failures.of_node(kind, result["status"], text))


def _compiled(node: dict[str, Any]) -> Path:
    """Where dbt puts a node's compiled SQL: a generic test lies in a folder named like the YAML that declares it."""
    origin = Path(node["original_file_path"])
    return origin / node["path"] if origin.suffix in (".yml", ".yaml") else origin
