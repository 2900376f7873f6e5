"""Tieout in Dagster: landing -> staging -> canonical -> steps -> marts -> published, with the dbt tests as asset
checks.

The assets do what `tieout run` does, through the same `Run` steps; Dagster adds the lineage, the history and the
schedule.
"""

import dagster as dg

from orchestration import project as projects
from orchestration.dagster_assets import dbt_assets_of, feed_assets, manifest_path, published_asset
from orchestration.dagster_resources import Books, dbt_resource
from orchestration.landing import load_feeds

PROJECT = projects.project_dir()
MANIFEST = manifest_path(PROJECT)

whole_run = dg.define_asset_job(
    "tieout",
    selection=dg.AssetSelection.all(),
    description="A whole run: land, build, test, publish. The same as `tieout run`.",
    # The one heavy step is dbt, which has its own threads; a process a step would only add start-up time.
    executor_def=dg.in_process_executor,
)

defs = dg.Definitions(
    assets=[feed_assets(load_feeds(PROJECT)), dbt_assets_of(MANIFEST), published_asset(MANIFEST)],
    jobs=[whole_run],
    resources={"books": Books(), "dbt": dbt_resource(PROJECT)},
    executor=dg.in_process_executor,
)
