"""What the assets of several kinds do alike: their part of a run, and what they tell of it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration import dbt_build, publish
from orchestration.audit.recorder import Taken
from orchestration.dagster_resources import ARTIFACTS, LANDING, PUBLISHED, Books, ops_of
from orchestration.dbt_build import BuildOutcome
from orchestration.running import Run
from orchestration.summary import Summary

# One at a time on everything that touches the data folder (dagster.yaml limits the pool).
POOL = "warehouse"
RECONCILIATION = "reconciliation"
# What later assets are made from must be there for Dagster, built in this run or not.
READ_ON = (publish.SCHEMA, RECONCILIATION)
# An output of that mark counts as there and makes no event: Dagster would skip all that comes after an output that is
# not there. Not Dagster's public interface; a test holds that it does so.
SILENT = "__source_asset_observation__"


def output(context: dg.AssetExecutionContext, key: dg.AssetKey) -> dg.Output[None]:
    """An output without an event: the asset was not made anew, and what is made from it goes on."""
    return dg.Output(None, context.assets_def.get_output_name_for_asset_key(key), metadata={SILENT: True})


def is_read_on(node: Mapping[str, Any]) -> bool:
    """Whether later assets are made from a dbt node."""
    return node["config"].get("schema") in READ_ON


def build(context: dg.AssetExecutionContext, run: Run) -> BuildOutcome:
    """Load and build. Where no model names a source that is landed, Dagster knows of no order and may come here
    first."""
    if LANDING in ops_of(context) and not run.record.landed:
        run.land()
    run.load()
    return run.build()


def outcome_of(context: dg.AssetExecutionContext, run: Run) -> BuildOutcome:
    """What this run has built; built now, where Dagster was asked for later steps alone."""
    if run.record.built:
        return dbt_build.read_outcome(run.place.dbt_target)
    outcome = build(context, run)
    if not outcome.ok:
        say(context, run.finish(outcome))
        raise dg.Failure("\n".join(failure.message for failure in outcome.failures), allow_retries=False)
    return outcome


def end(context: dg.AssetExecutionContext, books: Books, outcome: BuildOutcome) -> None:
    """Bring a run to its end of which Dagster was not asked for the last steps: books that are closed and not published
    are nobody's."""
    with books.step(context, can_expire=False) as run:
        if not run.record.noted:
            taken = run.note_steps(outcome)
            context.log_event(dg.AssetMaterialization([ARTIFACTS], metadata=counted(run, taken)))
        summary = run.close(outcome)
        context.log_event(dg.AssetMaterialization([PUBLISHED], metadata=metadata_of(summary)))


def say(context: dg.AssetExecutionContext, summary: Summary) -> None:
    """The answer of a run that publishes nothing, on its page and among the events of the published copy."""
    context.log_event(dg.AssetObservation([PUBLISHED], metadata=metadata_of(summary)))


def metadata_of(summary: Summary) -> dict[str, Any]:
    """The run's answer, on the asset's page."""
    counts = {
        f"{stream}/{name}": value
        for stream, values in summary.to_json()["streams"].items()
        for name, value in values.items()
    }
    return {"run_id": summary.run_id, "as_of": summary.as_of, "replay": summary.replay, **counts}


def counted(run: Run, taken: Taken) -> dict[str, Any]:
    """What a run has written into artifacts, by kind."""
    kinds = Counter(artifact.artifact_type for artifact in taken.artifacts)
    rows = sum(artifact.row_count for artifact in taken.artifacts)
    return {"run_id": run.run_id, "files": len(taken.artifacts), "rows": rows, **kinds}
