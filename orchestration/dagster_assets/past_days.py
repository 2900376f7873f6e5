"""The asset of past days, each played again."""

import os
import warnings
from dataclasses import replace

import dagster as dg

from orchestration import pipeline
from orchestration.dagster_assets.sharing import POOL, metadata_of
from orchestration.dagster_resources import REPLAYS, Books, Notes, interruptible, told
from orchestration.streams import default_zone

# The first day that can be played again, where nothing else is said.
FIRST_DAY_VARIABLE, FIRST_DAY = "TIEOUT_FIRST_DAY", "2024-01-01"


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
        with told(), interruptible():
            request = replace(books.request_of(context, config.stream or None), as_of=end)
            summary = pipeline.run(request, Notes(context))
        if not summary.closed:
            raise dg.Failure("\n".join(summary.failures), metadata=metadata_of(summary), allow_retries=False)
        return dg.MaterializeResult(metadata=metadata_of(summary))

    return replays
