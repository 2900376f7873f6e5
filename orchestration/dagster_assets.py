"""The assets: one a feed, one a dbt node, the artifacts, the published copy, the page, and days played again. Each
calls a step of `pipeline.Run`, so that a run of Dagster does what `tieout run` does.
"""

import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from orchestration import dbt_build, pipeline, publish
from orchestration.audit.recorder import Taken
from orchestration.dagster_resources import (
    ARTIFACTS,
    BUILD,
    LANDING,
    OF_A_RUN,
    PUBLISHED,
    REPLAYS,
    REPORT,
    Books,
    Notes,
    interruptible,
    ops_of,
    told,
)
from orchestration.dbt_build import BuildOutcome
from orchestration.health.metrics import write_after_run
from orchestration.landing import Feed, LandingReport
from orchestration.landing.expected import Expected
from orchestration.page import Scope
from orchestration.page import write as write_page
from orchestration.redaction import redacted
from orchestration.running import Run
from orchestration.streams import StreamPage, default_zone
from orchestration.summary import Summary

# One at a time on everything that touches the data folder (dagster.yaml limits the pool).
POOL = "warehouse"
RECONCILIATION = "reconciliation"
# What later assets are made from must be there for Dagster, built in this run or not.
READ_ON = (publish.SCHEMA, RECONCILIATION)
# An output of that mark counts as there and makes no event: Dagster would skip all that comes after an output that is
# not there. Not Dagster's public interface; a test holds that it does so.
SILENT = "__source_asset_observation__"
# The first day that can be played again, where nothing else is said.
FIRST_DAY_VARIABLE, FIRST_DAY = "TIEOUT_FIRST_DAY", "2024-01-01"
PAGE = "report.html"

# What landing writes beside the records, of all feeds together.
LEDGERS = {
    "batches": "The manifest of every batch: what came when, as what, and how its lines add up.",
    "rejects": "Every record that could not be read, as it was delivered, with line and reason.",
}


class Translator(DagsterDbtTranslator):
    """dbt nodes as assets: a stream's models in its group, with its owner, schedule and failure policy; all others in
    the room that they stand in."""

    def __init__(self, pages: Mapping[str, StreamPage] | None = None) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._pages = dict(pages or {})

    def stream_of(self, props: Mapping[str, Any]) -> str | None:
        """The stream that a node belongs to: that of its dbt group, or, of a mart, the one that it says."""
        config = props.get("config") or {}
        named = config.get("group") or (config.get("meta") or {}).get("stream")
        return named if named in self._pages else None

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The stream; else the schema is the room: staging, canonical, reconciliation, marts, audit, reference."""
        schema = (dbt_resource_props.get("config") or {}).get("schema")
        return self.stream_of(dbt_resource_props) or schema or super().get_group_name(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        """Who answers for the stream."""
        stream = self.stream_of(dbt_resource_props)
        email = self._pages[stream].owner_email if stream else None
        return [email] if email else super().get_owners(dbt_resource_props)

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """dbt's tags, and when and how the stream runs."""
        tags = dict(super().get_tags(dbt_resource_props))
        stream = self.stream_of(dbt_resource_props)
        if stream:
            page = self._pages[stream]
            tags |= {"tieout/stream": stream, "tieout/failure_policy": page.failure_policy}
            if page.schedule:
                tags["tieout/schedule"] = page.schedule
        return tags


def output(context: dg.AssetExecutionContext, key: dg.AssetKey) -> dg.Output[None]:
    """An output without an event: the asset was not made anew, and what is made from it goes on."""
    return dg.Output(None, context.assets_def.get_output_name_for_asset_key(key), metadata={SILENT: True})


def feed_assets(feeds: dict[str, Feed]) -> dg.AssetsDefinition:
    """One asset a feed, all landed together: the inbox is worked off as a whole, as `tieout run` does.

    An asset's key is that of the dbt source, which joins the lineage. A feed is materialized when something of it was
    delivered and never otherwise, so that its freshness means something.
    """
    specs = [
        dg.AssetSpec(
            key=name.split("/"),
            group_name="landing",
            kinds={"parquet"},
            tags={"tieout/system": feed.system},
            description=feed.description or f"Deliveries of {name}: every file of the inbox as one immutable batch.",
            freshness_policy=freshness_of(feed),
            skippable=True,
        )
        for name, feed in feeds.items()
    ]
    specs += [
        dg.AssetSpec(key=["landing", name], group_name="landing", kinds={"parquet"}, description=text, skippable=True)
        for name, text in LEDGERS.items()
    ]

    @dg.multi_asset(name=LANDING, specs=specs, pool=POOL)
    def landed(context: dg.AssetExecutionContext, books: Books) -> Iterator[dg.MaterializeResult | dg.Output]:
        report: LandingReport | None = None
        if ops_of(context).isdisjoint(OF_A_RUN):
            report = books.land(context)
        elif not books.is_over:
            with books.step(context) as run:
                report = run.land()
        for name in feeds:
            key, metadata = dg.AssetKey(name.split("/")), _landed(report, name)
            if metadata.get("deliveries"):
                yield dg.MaterializeResult(asset_key=key, metadata=metadata)
            else:
                yield output(context, key)
        for name in LEDGERS:
            key = dg.AssetKey(["landing", name])
            if report is not None and report.batches:
                yield dg.MaterializeResult(asset_key=key, metadata=report.as_dict())
            else:
                yield output(context, key)

    return landed


def _landed(report: LandingReport | None, feed: str) -> dict[str, Any]:
    """A feed's part of what was landed; a replay lands nothing."""
    files = [file for file in report.files if f"{file.system}/{file.feed}" == feed] if report else []
    return {
        "deliveries": sum(file.outcome == "landed" for file in files),
        "rows": sum(file.rows for file in files),
        "rejected": sum(file.rejected for file in files),
        **{outcome: sum(file.outcome == outcome for file in files) for outcome in ("redelivered", "failed")},
        "orgs": sorted({file.org_id for file in files if file.outcome == "landed" and file.org_id}),
    }


def freshness_of(feed: Feed) -> dg.FreshnessPolicy | None:
    """When a feed's asset is overdue: once the grace of an expected delivery is over and none has come. Where orgs have
    hours of their own and the feed has none, the first org's count; `tieout feeds` and the alerts know each org's."""
    own = (override.expected for override in feed.overrides if override.expected)
    expected = feed.expected or next(own, None)
    if expected is None:
        return None
    deadline = deadline_cron(expected)
    # No longer than between two deadlines, and a minute at least: Dagster takes nothing else.
    window = smallest = _smallest_interval(deadline)
    if expected.early is not None:
        window = min(max(expected.early + expected.grace, timedelta(minutes=1)), smallest)
    return dg.FreshnessPolicy.cron(deadline, lower_bound_delta=window, timezone=expected.time_zone)


def _smallest_interval(cron: str) -> timedelta:
    from dagster._utils.schedules import get_smallest_cron_interval

    return get_smallest_cron_interval(cron)


def deadline_cron(expected: Expected) -> str:
    """The cron of the moments at which grace is over, where that is a cron: minutes and hours given as numbers or
    lists, and a shift over midnight only where every day counts, or every day of a week does. Else the cron itself, so
    that Dagster shows a delivery as overdue from the moment on at which it is due."""
    minutes, hours, day, month, weekday = expected.cron.split()
    shift = int(expected.grace.total_seconds() // 60)
    if not shift or not re.fullmatch(r"\d+", minutes) or not re.fullmatch(r"\*|\d+(,\d+)*", hours):
        return expected.cron
    carried, minute = divmod(int(minutes) + shift, 60)
    if hours == "*":
        return f"{minute} * {day} {month} {weekday}" if (day, month, weekday) == ("*", "*", "*") else expected.cron
    moved = [divmod(int(hour) + carried, 24) for hour in hours.split(",")]
    days = {over for over, _ in moved}
    clock_hours = ",".join(str(hour) for hour in sorted({hour for _, hour in moved}))
    if days == {0} or (day, month, weekday) == ("*", "*", "*"):
        return f"{minute} {clock_hours} {day} {month} {weekday}"
    if len(days) == 1 and (day, month) == ("*", "*") and re.fullmatch(r"[0-7](-[0-7])?(,[0-7](-[0-7])?)*", weekday):
        named = {d % 7 for part in weekday.split(",") for d in _days(part)}
        shifted = ",".join(str(d) for d in sorted((d + min(days)) % 7 for d in named))
        return f"{minute} {clock_hours} * * {shifted}"
    return expected.cron


def _days(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)


def dbt_assets_of(manifest_file: Path, translator: Translator) -> dg.AssetsDefinition:
    """All dbt nodes in one definition: one start of dbt a run, in the run's own process, as `tieout run` has it."""
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))

    # `project` is not given: with it, a run of many selected nodes copies the whole project folder, data included.
    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=translator,
        pool=POOL,
        backfill_policy=dg.BackfillPolicy.single_run(),
        name=BUILD,
    )
    def built(context: dg.AssetExecutionContext, books: Books) -> Iterator[Any]:
        asked_for = {translator.stream_of(node) for node in _selected(context, manifest, translator)}
        alone = asked_for.pop() if len(asked_for) == 1 else None
        with books.step(context, stream=alone) as run:
            outcome = _build(context, run)
            events = list(_events(context, run, outcome, manifest, translator))
            if not outcome.ok or run.replay:
                _say(context, run.finish(outcome))
        yield from events
        if not outcome.ok:
            # A retry would repeat the whole build for the same data.
            raise dg.Failure("\n".join(failure.message for failure in outcome.failures), allow_retries=False)
        if not run.replay and ops_of(context).isdisjoint((ARTIFACTS, PUBLISHED)):
            _end(context, books, outcome)

    return built


def _selected(
    context: dg.AssetExecutionContext, manifest: Mapping[str, Any], translator: Translator
) -> Iterator[Mapping[str, Any]]:
    selected = context.selected_asset_keys
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "seed", "snapshot") and translator.get_asset_key(node) in selected:
            yield node


def _events(
    context: dg.AssetExecutionContext,
    run: Run,
    outcome: BuildOutcome,
    manifest: Mapping[str, Any],
    translator: Translator,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult | dg.Output]:
    """What the build did, as Dagster tells it: what was built is materialized, what was tested is checked. Nothing was
    done to the real tables by a replay. What was built and not asked for is told as well. What a run goes on without
    counts as there and stops nothing, itself or a check of it."""
    if run.replay:
        return
    results = json.loads((run.place.dbt_target / "run_results.json").read_text(encoding="utf-8"))["results"]
    done = {result["unique_id"]: result for result in results}
    nodes = manifest["nodes"]
    # Dagster takes what is made from others after these only.
    for unique_id in TopologicalSorter(
        {name: node["depends_on"].get("nodes", []) for name, node in nodes.items()}
    ).static_order():
        node = nodes.get(unique_id, {})
        if node.get("resource_type") not in ("model", "seed", "snapshot"):
            continue
        key, result = translator.get_asset_key(node), done.get(unique_id)
        if result is not None and result["status"] == "success":
            metadata = _built(run, result)
            if key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=key, metadata=metadata)
            else:
                context.log_event(dg.AssetMaterialization(key, metadata=metadata))
        elif (result is None or outcome.ok) and key in context.selected_asset_keys and is_read_on(node):
            yield output(context, key)
    lapses = {lapse.name for lapse in outcome.lapses if lapse.kind == "test"}
    for result in results:
        if nodes.get(result["unique_id"], {}).get("resource_type") == "test":
            stops = result["status"] != "warn" and nodes[result["unique_id"]]["name"] not in lapses
            yield from _checked(context, result, manifest, translator, stops=stops)


def is_read_on(node: Mapping[str, Any]) -> bool:
    """Whether later assets are made from a dbt node."""
    return node["config"].get("schema") in READ_ON


def _built(run: Run, result: Mapping[str, Any]) -> dict[str, Any]:
    rows = (result.get("adapter_response") or {}).get("rows_affected")
    seconds = round(result.get("execution_time") or 0.0, 3)
    return {"run_id": run.run_id, "seconds": seconds, **({"rows_affected": rows} if rows and rows > 0 else {})}


def _checked(
    context: dg.AssetExecutionContext,
    result: Mapping[str, Any],
    manifest: Mapping[str, Any],
    translator: Translator,
    *,
    stops: bool,
) -> Iterator[dg.AssetCheckResult]:
    key = get_asset_check_key_for_test(manifest, translator, result["unique_id"], None)
    if key is None or key not in context.selected_asset_check_keys or result["status"] == "skipped":
        return
    yield dg.AssetCheckResult(
        passed=result["status"] == "pass",
        asset_key=key.asset_key,
        check_name=key.name,
        severity=dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN,
        metadata={
            "failed_rows": result.get("failures") or 0,
            "seconds": round(result.get("execution_time") or 0.0, 3),
            **({"message": redacted(result["message"])} if result.get("message") else {}),
        },
    )


def _build(context: dg.AssetExecutionContext, run: Run) -> BuildOutcome:
    """Load and build. Where no model names a source that is landed, Dagster knows of no order and may come here
    first."""
    if LANDING in ops_of(context) and not run.record.landed:
        run.land()
    run.load()
    return run.build()


def _outcome(context: dg.AssetExecutionContext, run: Run) -> BuildOutcome:
    """What this run has built; built now, where Dagster was asked for later steps alone."""
    if run.record.built:
        return dbt_build.read_outcome(run.place.dbt_target)
    outcome = _build(context, run)
    if not outcome.ok:
        _say(context, run.finish(outcome))
        raise dg.Failure("\n".join(failure.message for failure in outcome.failures), allow_retries=False)
    return outcome


def _end(context: dg.AssetExecutionContext, books: Books, outcome: BuildOutcome) -> None:
    """Bring a run to its end of which Dagster was not asked for the last steps: books that are closed and not published
    are nobody's."""
    with books.step(context, can_expire=False) as run:
        if not run.record.noted:
            taken = run.note_steps(outcome)
            context.log_event(dg.AssetMaterialization([ARTIFACTS], metadata=_counted(run, taken)))
        summary = run.close(outcome)
        context.log_event(dg.AssetMaterialization([PUBLISHED], metadata=metadata_of(summary)))


def _say(context: dg.AssetExecutionContext, summary: Summary) -> None:
    """The answer of a run that publishes nothing, on its page and among the events of the published copy."""
    context.log_event(dg.AssetObservation([PUBLISHED], metadata=metadata_of(summary)))


def _models_in(manifest_file: Path, translator: Translator, schema: str) -> list[dg.AssetKey]:
    nodes = json.loads(manifest_file.read_text(encoding="utf-8"))["nodes"].values()
    return [
        translator.get_asset_key(node)
        for node in nodes
        if node["resource_type"] == "model" and node["config"].get("schema") == schema
    ]


def last_assets(manifest_file: Path, translator: Translator) -> list[dg.AssetsDefinition]:
    """What follows the build: the artifacts of its steps, the published copy after all marts and their checks, and the
    page."""

    @dg.asset(
        key=[ARTIFACTS],
        deps=[key for schema in READ_ON for key in _models_in(manifest_file, translator, schema)],
        group_name="audit",
        kinds={"parquet"},
        pool=POOL,
        description="Files of what each step came to, kept for audits (docs/audit.md).",
    )
    def artifacts(context: dg.AssetExecutionContext, books: Books) -> dg.MaterializeResult:
        with books.step(context) as run:
            outcome = _outcome(context, run)
            metadata = _counted(run, run.note_steps(outcome))
        if PUBLISHED not in ops_of(context):
            _end(context, books, outcome)
        return dg.MaterializeResult(metadata=metadata)

    @dg.asset(
        key=[PUBLISHED],
        deps=[*_models_in(manifest_file, translator, publish.SCHEMA), dg.AssetKey([ARTIFACTS])],
        group_name="published",
        kinds={"duckdb", "parquet"},
        pool=POOL,
        description="What BI reads: a copy of the marts, swapped in whole when the books closed.",
    )
    def published(context: dg.AssetExecutionContext, books: Books) -> dg.MaterializeResult:
        with books.step(context, can_expire=False) as run:
            outcome = _outcome(context, run)
            if not run.record.noted:
                run.note_steps(outcome)
            summary = run.close(outcome)
        return dg.MaterializeResult(metadata=metadata_of(summary))

    @dg.asset(
        key=[REPORT],
        deps=[dg.AssetKey([PUBLISHED])],
        group_name="published",
        kinds={"html"},
        pool=POOL,
        description=f"The page for people, {PAGE} in the data folder: do the books close, what is open, how it goes.",
    )
    def report(books: Books) -> dg.MaterializeResult:
        data = books.data()
        with told():
            file = write_page(data.root, data.root / PAGE, Scope(None, None))
        # The run is over and its books are closed: numbers that cannot be written change nothing of that.
        write_after_run(data.root, books.request().target)
        return dg.MaterializeResult(metadata={"file": dg.MetadataValue.path(str(file)), "bytes": file.stat().st_size})

    return [artifacts, published, report]


def replays_asset() -> dg.AssetsDefinition:
    """Any past day once more: what was known at its end, played again beside the real books, which stay as they are."""
    first = os.environ.get(FIRST_DAY_VARIABLE) or FIRST_DAY
    days = dg.DailyPartitionsDefinition(start_date=first, timezone=default_zone())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of `backfill_policy`
        return _replays(days)


def _replays(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    class Replayed(dg.Config):
        """`stream`: the only one that the answer is of; blank: all."""

        stream: str = ""

    @dg.asset(
        key=[REPLAYS],
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        group_name="replays",
        kinds={"python"},
        pool=POOL,
        description="What was known at the end of a day, by the deliveries received until then. Choose days and launch"
        " a backfill: a run a day, none of which touches the books. A day that no run has come to yet is run instead.",
    )
    def replays(context: dg.AssetExecutionContext, books: Books, config: Replayed) -> dg.MaterializeResult:
        end = context.partition_time_window.end
        request = replace(books.request_of(context, config.stream or None), as_of=end)
        with told(), interruptible():
            summary = pipeline.run(request, Notes(context))
        if not summary.closed:
            raise dg.Failure("\n".join(summary.failures), metadata=metadata_of(summary), allow_retries=False)
        return dg.MaterializeResult(metadata=metadata_of(summary))

    return replays


def metadata_of(summary: Summary) -> dict[str, Any]:
    """The run's answer, on the asset's page."""
    counts = {
        f"{stream}/{name}": value
        for stream, values in summary.to_json()["streams"].items()
        for name, value in values.items()
    }
    return {"run_id": summary.run_id, "as_of": summary.as_of, "replay": summary.replay, **counts}


def _counted(run: Run, taken: Taken) -> dict[str, Any]:
    kinds = Counter(artifact.artifact_type for artifact in taken.artifacts)
    rows = sum(artifact.row_count for artifact in taken.artifacts)
    return {"run_id": run.run_id, "files": len(taken.artifacts), "rows": rows, **kinds}
