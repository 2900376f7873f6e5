"""`alerts.yml`: its faults, and variables of the environment that its channels need and this environment lacks."""

import os
from collections.abc import Iterator
from pathlib import Path

from orchestration.validate.faults import WARNING, Fault


def check(folder: Path) -> Iterator[Fault]:
    """Every fault of the file; nothing where there is none: then nobody is told of anything."""
    from orchestration.alerts import settings
    from orchestration.alerts.channels import variables_of

    said, found = settings.read(folder)
    for fault in found:
        where = f"{fault.path}: " if fault.path else ""
        yield Fault("alerts", f"{where}{fault.message}.", settings.FILE, fault.line)
    if said is None or found:
        return
    for channel in said.channels.values():
        missing = [name for url in channel.urls for name in variables_of(url) if not os.environ.get(name)]
        if missing:
            message = (
                f"channel {channel.name} takes {', '.join(dict.fromkeys(missing))} from the environment, which does not"
                " set it here: nothing can be sent from here."
            )
            yield Fault("alerts-environment", message, settings.FILE, severity=WARNING)
    used = {name for route in said.routes for name in route.channels} | {
        name for digest in said.digests for name in digest.channels
    }
    for name in said.channels:
        if name not in used:
            message = f"no route leads to channel {name}."
            yield Fault("alerts-unused", message, settings.FILE, severity=WARNING)
