"""Tieout in Dagster: landing -> staging -> canonical -> steps -> marts -> artifacts, published copy and page, with the
dbt tests as asset checks; what runs when, and what starts it.

The assets do what `tieout run` does, through the same `Run` steps; Dagster adds the lineage, the history and the
clock. Nothing here opens the warehouse: every process of Dagster loads this module.
"""

# ruff: noqa: E402 - first of all, because most of what is imported stays, and looking through it is a fifth of the
# time; another fifth is code that dbt's classes make for themselves.
from orchestration.collecting import collect_rarely
from orchestration.dbt_savings import codecs_made_when_used

collect_rarely()
codecs_made_when_used()

import dagster as dg

from orchestration import project as projects
from orchestration.dagster_assets import (
    LEDGERS,
    Translator,
    dbt_assets_of,
    feed_assets,
    last_assets,
    replays_asset,
)
from orchestration.dagster_resources import REPLAYS, Books
from orchestration.dagster_schedules import ASKED_TAG, JOB, LAND, asked, run_config, schedules_of
from orchestration.dagster_sensors import LAND_JOB, sensors_of
from orchestration.environment import DAILY
from orchestration.landing import load_feeds
from orchestration.manifests import manifest_path
from orchestration.streams import load_pages

PROJECT = projects.project_dir()
MANIFEST = manifest_path(PROJECT)
FEEDS = load_feeds(PROJECT)
PAGES = load_pages(PROJECT, projects.load_streams(PROJECT))
TRANSLATOR = Translator(PAGES)

# A run whose process died is done again as a whole: what it did before it died is not done twice.
WHOLE_AGAIN = {"dagster/retry_strategy": "ALL_STEPS"}
# The one heavy step is dbt, which has its own threads; a process a step would only add start-up time, and would let go
# of the data folder in between.
IN_PROCESS = dg.in_process_executor
EVERYTHING = dg.AssetSelection.all() - dg.AssetSelection.assets([REPLAYS])

whole_run = dg.define_asset_job(
    JOB,
    selection=EVERYTHING,
    description="A whole run: land, build, test, keep the artifacts, publish. The same as `tieout run`.",
    tags={**WHOLE_AGAIN, ASKED_TAG: asked([], tuple(PAGES), DAILY)},
    executor_def=IN_PROCESS,
)

landing_only = dg.define_asset_job(
    LAND_JOB,
    selection=dg.AssetSelection.assets(*[name.split("/") for name in FEEDS], *[["landing", name] for name in LEDGERS]),
    description="Land what has come, and nothing else. The same as `tieout land`.",
    tags={**WHOLE_AGAIN, ASKED_TAG: LAND},
    executor_def=IN_PROCESS,
)

stream_runs = [
    dg.define_asset_job(
        f"reconcile_{name}",
        selection=EVERYTHING,
        description=f"A run of {name} alone. The same as `tieout run --stream {name}`.",
        config=run_config([name], tuple(PAGES), DAILY),
        tags={**WHOLE_AGAIN, ASKED_TAG: asked([name], tuple(PAGES), DAILY)},
        executor_def=IN_PROCESS,
    )
    for name in PAGES
]

defs = dg.Definitions(
    assets=[
        feed_assets(FEEDS),
        dbt_assets_of(MANIFEST, TRANSLATOR),
        *last_assets(MANIFEST, TRANSLATOR),
        replays_asset(),
    ],
    jobs=[whole_run, landing_only, *stream_runs],
    schedules=schedules_of(PAGES),
    sensors=sensors_of(PROJECT, PAGES, [whole_run, landing_only]),
    resources={"books": Books()},
    executor=IN_PROCESS,
)
