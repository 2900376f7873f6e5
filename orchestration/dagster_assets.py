"""The assets: one a feed, one a dbt node, and the published copy. Each calls a step of `pipeline.Run`."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from orchestration import dbt_build, publish
from orchestration.dagster_resources import Books, Dbt, default_data_dir
from orchestration.data_dir import DataDir
from orchestration.environment import Place, variables_set
from orchestration.errors import UsageError
from orchestration.landing import Feed, LandingReport
from orchestration.landing.crash_points import crash_point
from orchestration.summary import Summary

# One at a time on everything that touches the data folder (dagster.yaml limits the pool).
POOL = "warehouse"


# What landing writes beside the records, of all feeds together.
LEDGERS = {
    "batches": "The manifest of every batch: what came when, as what, and how its lines add up.",
    "rejects": "Every record that could not be read, as it was delivered, with line and reason.",
}


class Translator(DagsterDbtTranslator):
    """dbt nodes as assets: grouped by the room that they stand in."""

    def __init__(self) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The schema is the room: staging, canonical, reconciliation, marts, audit, reference."""
        return dbt_resource_props.get("config", {}).get("schema") or super().get_group_name(dbt_resource_props)


def feed_assets(feeds: dict[str, Feed]) -> dg.AssetsDefinition:
    """One asset a feed, all landed together: the inbox is worked off as a whole, as `tieout run` does.

    An asset's key is that of the dbt source, which joins the lineage.
    """
    specs = [
        dg.AssetSpec(
            key=name.split("/"),
            group_name="landing",
            kinds={"parquet"},
            description=f"Deliveries of {name}: every file of the inbox as one immutable batch.",
        )
        for name in feeds
    ]
    specs += [
        dg.AssetSpec(key=["landing", name], group_name="landing", kinds={"parquet"}, description=text)
        for name, text in LEDGERS.items()
    ]

    @dg.multi_asset(name="landing", specs=specs, pool=POOL)
    def landed(context: dg.AssetExecutionContext, books: Books) -> Iterator[dg.MaterializeResult]:
        with books.step(context) as run:
            report = run.land()
        for name in feeds:
            yield dg.MaterializeResult(asset_key=name.split("/"), metadata=_landed(report, name))
        for name in LEDGERS:
            yield dg.MaterializeResult(asset_key=["landing", name])

    return landed


def _landed(report: LandingReport | None, feed: str) -> dict[str, Any]:
    """A feed's part of what was landed; a replay lands nothing."""
    if report is None:
        return {"replay": True}
    files = [file for file in report.files if f"{file.system}/{file.feed}" == feed]
    return {
        "rows": sum(file.rows for file in files),
        "rejected": sum(file.rejected for file in files),
        **{outcome: sum(file.outcome == outcome for file in files) for outcome in ("landed", "redelivered", "failed")},
    }


def dbt_assets_of(manifest: Path) -> dg.AssetsDefinition:
    """All dbt nodes in one definition: one start of dbt a run."""

    # `project` is not given: with it, a run of many selected nodes copies the whole project folder, data included.
    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=Translator(),
        pool=POOL,
        backfill_policy=dg.BackfillPolicy.single_run(),
        name="dbt",
    )
    def built(context: dg.AssetExecutionContext, books: Books, dbt: Dbt) -> Iterator[Any]:
        with books.step(context) as run:
            run.load()
            run.before_build()
            arguments = dbt_build.arguments(run.project, run.place, full_refresh=run.full_refresh)
            (run.place.dbt_target / "run_results.json").unlink(missing_ok=True)
            with run.timed("dbt"):
                with variables_set({**run.place.variables(run.run_id, run.as_of, run.record.mode), **run.facts()}):
                    invocation = dbt.cli(
                        arguments, context=context, target_path=run.place.dbt_target, raise_on_error=False
                    )
                yield from invocation.stream()
            outcome = dbt_build.read_outcome(run.place.dbt_target)
            crash_point("after-dbt")
            if not outcome.ok:
                run.finish(outcome)
                # A retry would repeat the whole build for the same data.
                raise dg.Failure("\n".join(failure.message for failure in outcome.failures), allow_retries=False)

    return built


def published_asset(manifest: Path) -> dg.AssetsDefinition:
    """The published copy, after all marts and their checks."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    translator = Translator()
    upstream = [
        translator.get_asset_key(node)
        for node in nodes
        if node["resource_type"] == "model" and node["config"].get("schema") == publish.SCHEMA
    ]

    @dg.asset(
        key=["published"],
        deps=upstream,
        group_name="published",
        kinds={"duckdb", "parquet"},
        pool=POOL,
        description="What BI reads: a copy of the marts, swapped in whole when the books closed.",
    )
    def published(context: dg.AssetExecutionContext, books: Books) -> dg.MaterializeResult:
        with books.step(context) as run:
            outcome = dbt_build.read_outcome(run.place.dbt_target)
            if not outcome.ok:
                raise UsageError("The latest build did not close the books: build again before publishing.")
            summary = run.finish(outcome)
        return dg.MaterializeResult(metadata=_metadata(summary))

    return published


def _metadata(summary: Summary) -> dict[str, Any]:
    """The run's answer, on the asset's page."""
    counts = {
        f"{stream}/{name}": value
        for stream, values in summary.to_json()["streams"].items()
        for name, value in values.items()
    }
    return {"run_id": summary.run_id, "as_of": summary.as_of, "replay": summary.replay, **counts}


def manifest_path(project: Path) -> Path:
    """dbt's manifest of the project as it stands, parsed when a file of it is newer.

    Raises:
        UsageError: the project does not parse; the message is dbt's.
    """
    place = Place(DataDir.at(default_data_dir()), os.environ.get("TIEOUT_TARGET") or "duckdb", replay=False)
    target = place.data.dbt / "dagster"
    manifest = target / "manifest.json"
    target.mkdir(parents=True, exist_ok=True)
    # Dagster loads definitions in several processes at once: one parses, the others wait.
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not manifest.is_file() or manifest.stat().st_mtime < _newest(project):
            _parse(project, place, target)
    return manifest


def _newest(project: Path) -> float:
    """When a file that dbt parses last changed."""
    folders = ("models", "macros", "seeds", "snapshots", "tests/laws", "tests/generic")
    files = [file for folder in folders for file in (project / folder).rglob("*") if file.is_file()]
    return max(file.stat().st_mtime for file in [project / "dbt_project.yml", project / "profiles.yml", *files])


def _parse(project: Path, place: Place, target: Path) -> None:
    """Run `dbt parse` in a process of its own: dbt in this one would leave its state behind."""
    arguments = ["--project-dir", project, "--profiles-dir", project, "--target", place.target, "--target-path", target]
    done = subprocess.run(
        [Path(sys.executable).parent / "dbt", "--no-use-colors", "--quiet", "parse", *arguments],
        env={
            **os.environ,
            "TIEOUT_DATA_DIR": str(place.data.root),
            "TIEOUT_DUCKDB_PATH": str(place.duckdb_path),
            "DBT_LOG_PATH": str(place.data.dbt / "logs"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UsageError(f"The dbt project does not parse:\n{done.stdout}{done.stderr}")
