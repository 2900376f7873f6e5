"""The project with its first stream alone: what most laws are proved on, so that a run builds only what they look at.

That it builds at all is itself a proof: a stream and its feeds are folders and registry entries, which can be taken
away.
"""

import shutil
from pathlib import Path

from tests.python.declarations.project import copy, registry, write_registry

STREAM = "pos_oms_orders"
FEEDS = ["pos/orders", "oms/orders", "tieout/policies", "tieout/fx_rates", "tieout/exception_events"]
KEPT_MODELS = ("pos_", "oms_", "policies", "policy_", "fx_", "unusable_", "business_days", "_canonical")


def core_project(folder: Path) -> Path:
    """A copy of the project without the other streams, their feeds and their marts."""
    project = copy(folder)
    settings = registry(project)
    variables = settings["vars"]
    others = {name: body for name, body in variables["streams"].items() if name != STREAM}
    for name, body in others.items():
        shutil.rmtree(project / "models" / "reconciliations" / name)
        for mart in body.get("marts", []):
            (project / "models" / "marts" / f"{mart}.sql").unlink()
    for feed in variables["feeds"]:
        if feed not in FEEDS:
            shutil.rmtree(project / "models" / "staging" / feed.split("/")[0], ignore_errors=True)
    for file in (project / "models" / "canonical").glob("*"):
        if not file.name.startswith(KEPT_MODELS):
            file.unlink()
    variables["feeds"] = FEEDS
    variables["entities"], variables["identities"], variables["attributes"] = {}, [], {}
    variables["streams"] = {STREAM: variables["streams"][STREAM]}
    write_registry(project, settings)
    return project
