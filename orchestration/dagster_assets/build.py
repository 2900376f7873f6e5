"""The assets that dbt builds, with dbt's tests as their checks."""

import json
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from orchestration.dagster_assets.sharing import POOL, build, end, is_read_on, output, say
from orchestration.dagster_assets.translator import Translator
from orchestration.dagster_resources import ARTIFACTS, BUILD, PUBLISHED, Books, ops_of
from orchestration.dbt_build import BuildOutcome
from orchestration.redaction import redacted
from orchestration.running import Run


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
            outcome = build(context, run)
            events = list(_events(context, run, outcome, manifest, translator))
            if not outcome.ok or run.replay:
                say(context, run.finish(outcome))
        yield from events
        if not outcome.ok:
            # A retry would repeat the whole build for the same data.
            raise dg.Failure("\n".join(failure.message for failure in outcome.failures), allow_retries=False)
        if not run.replay and ops_of(context).isdisjoint((ARTIFACTS, PUBLISHED)):
            end(context, books, outcome)

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
