"""The assets of what is landed: one a feed, and the books of landing beside them."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.dagster_assets.freshness import freshness_of
from orchestration.dagster_assets.sharing import POOL, output
from orchestration.dagster_resources import LANDING, OF_A_RUN, Books, ops_of
from orchestration.landing import Feed, LandingReport

# What landing writes beside the records, of all feeds together.
LEDGERS = {
    "batches": "The manifest of every batch: what came when, as what, and how its lines add up.",
    "rejects": "Every record that could not be read, as it was delivered, with line and reason.",
}


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
