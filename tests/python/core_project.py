"""The project with some of its streams alone: laws are proved on it, so that a run builds only what they look at.

That it builds at all is itself a proof: a stream and its feeds are folders and registry entries, which can be taken
away.
"""

import shutil
from pathlib import Path

from tests.python.declarations.project import copy, registry, write_registry

# What people tell Tieout itself, and what every stream looks at.
OWN_FEEDS = (
    "tieout/policies",
    "tieout/fx_rates",
    "tieout/exception_events",
    "tieout/resolution_rules",
    "tieout/accepted_differences",
)
SHARED_MODELS = ("policies", "policy_", "resolution_terms", "fx_", "unusable_", "business_days", "_canonical")

FEEDS_OF_STREAM = {
    "pos_oms_orders": ("pos/orders", "oms/orders"),
    "bookings": ("aggregator/activities", "supplier/activities"),
}


def core_project(folder: Path, streams: tuple[str, ...] = ("pos_oms_orders",)) -> Path:
    """A copy of the project without the streams that are not named, their feeds and their marts."""
    project = copy(folder)
    settings = registry(project)
    variables = settings["vars"]
    kept_feeds = [*(feed for stream in streams for feed in FEEDS_OF_STREAM[stream]), *OWN_FEEDS]
    systems = {feed.split("/")[0] for feed in kept_feeds}
    others = {name: body for name, body in variables["streams"].items() if name not in streams}
    for name, body in others.items():
        shutil.rmtree(project / "models" / "reconciliations" / name)
        for mart in body.get("marts", []):
            (project / "models" / "marts" / f"{mart}.sql").unlink()
    for feed in variables["feeds"]:
        if feed.split("/")[0] not in systems:
            shutil.rmtree(project / "models" / "staging" / feed.split("/")[0], ignore_errors=True)
    kept_models = (*SHARED_MODELS, *(f"{system}_" for system in systems))
    for file in (project / "models" / "canonical").glob("*"):
        if not file.name.startswith(kept_models):
            file.unlink()
    if "pos" not in systems:
        # dbt's unit tests of what is shared take the first system's models for their examples.
        for file in (project / "models").rglob("*__unit_tests.yml"):
            file.unlink()
    variables["feeds"] = kept_feeds
    variables["entities"], variables["identities"] = {}, []
    variables["attributes"] = {feed: names for feed, names in variables["attributes"].items() if feed in kept_feeds}
    variables["streams"] = {name: body for name, body in variables["streams"].items() if name in streams}
    write_registry(project, settings)
    return project
