"""The assets: one a feed, one a dbt node, the artifacts, the published copy, the page, and days played again. Each
calls a step of `pipeline.Run`, so that a run of Dagster does what `tieout run` does.

Here is what the definitions are made of. No postponed annotations in the modules of this package: Dagster reads the
annotations of contexts and resources itself.
"""

from orchestration.dagster_assets.build import dbt_assets_of
from orchestration.dagster_assets.ending import last_assets
from orchestration.dagster_assets.feeds import LEDGERS, feed_assets
from orchestration.dagster_assets.past_days import replays_asset
from orchestration.dagster_assets.translator import Translator

__all__ = ["LEDGERS", "Translator", "dbt_assets_of", "feed_assets", "last_assets", "replays_asset"]
