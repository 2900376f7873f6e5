"""The assets that follow the build: the artifacts of its steps, the published copy and the page."""

import json
from pathlib import Path

import dagster as dg

from orchestration import publish
from orchestration.dagster_assets.sharing import POOL, READ_ON, counted, end, metadata_of, outcome_of
from orchestration.dagster_assets.translator import Translator
from orchestration.dagster_resources import ARTIFACTS, PUBLISHED, REPORT, Books, ops_of, told
from orchestration.health.metrics import write_after_run
from orchestration.page import Scope
from orchestration.page import write as write_page

PAGE = "report.html"


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
            outcome = outcome_of(context, run)
            metadata = counted(run, run.note_steps(outcome))
        if PUBLISHED not in ops_of(context):
            end(context, books, outcome)
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
            outcome = outcome_of(context, run)
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
        with told():
            data = books.data()
            file = write_page(data.root, data.root / PAGE, Scope(None, None))
        # The run is over and its books are closed: numbers that cannot be written change nothing of that.
        write_after_run(data.root, books.request().target)
        return dg.MaterializeResult(metadata={"file": dg.MetadataValue.path(str(file)), "bytes": file.stat().st_size})

    return [artifacts, published, report]


def _models_in(manifest_file: Path, translator: Translator, schema: str) -> list[dg.AssetKey]:
    nodes = json.loads(manifest_file.read_text(encoding="utf-8"))["nodes"].values()
    return [
        translator.get_asset_key(node)
        for node in nodes
        if node["resource_type"] == "model" and node["config"].get("schema") == schema
    ]
