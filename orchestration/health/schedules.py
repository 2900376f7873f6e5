"""By when a stream should have been reconciled, as its page says."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from orchestration.landing.expected import Expected

TIME_ZONE_VARIABLE = "TIEOUT_TIME_ZONE"
CRONS = {"hourly": "0 * * * *", "daily": "0 6 * * *", "on_arrival": "0 6 * * *"}
# How long after it was due a run may still be under way.
GRACE = timedelta(hours=1)


def due_streams(project: Path, streams: list[str], grace: timedelta = GRACE) -> dict[str, list[Expected]]:
    """When runs of these streams are due; one that no schedule starts has none. What is wrong with a page others tell:
    here it says nothing."""
    found: dict[str, list[Expected]] = {}
    for path in sorted((project / "models" / "reconciliations").glob("**/*.yml")):
        text = path.read_text(encoding="utf-8")
        if "groups:" not in text:
            continue
        try:
            said = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError:
            continue
        for group in _mapping(said).get("groups") or []:
            name = _mapping(group).get("name")
            if name in streams:
                page = _mapping(_mapping(_mapping(_mapping(group).get("config")).get("meta")).get("stream"))
                found[str(name)] = list(_expected(page.get("schedule"), grace))
    return {name: found.get(name, []) for name in streams}


def _expected(said: Any, grace: timedelta) -> list[Expected]:
    body = _mapping(said)
    zone = str(body.get("time_zone") or os.environ.get(TIME_ZONE_VARIABLE) or "UTC")
    if isinstance(said, str):
        cron = CRONS.get(said)
    else:
        cron = body.get("cron") or (CRONS["on_arrival"] if body.get("on_arrival") else None)
    return [Expected(str(cron), zone, grace)] if cron else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
