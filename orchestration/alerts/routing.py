"""Which alert goes to which channels."""

from collections.abc import Iterable

from orchestration.alerts.journal import Alert
from orchestration.alerts.settings import LAW_FAILED, RUN_FAILED, Route, Settings


def matches(route: Route, alert: Alert) -> bool:
    """Whether a route is about an alert. One that names orgs, streams or counterparties is not about an alert that
    concerns none in particular, such as a run that failed as a whole."""

    def among(wanted: tuple[str, ...] | None, said: Iterable[str | None]) -> bool:
        return wanted is None or any(value in wanted for value in said)

    return (
        among(route.kinds, [alert.kind])
        and among(route.orgs, [alert.org_id])
        and among(route.streams, alert.streams)
        and among(route.severities, [alert.severity])
        and among(route.counterparties, [alert.counterparty_id])
    )


def channels_of(settings: Settings, alert: Alert) -> tuple[str, ...]:
    """The channels that an alert goes to, each once: those of the first route that matches, or of all."""
    found = [route for route in settings.routes if matches(route, alert)]
    if settings.match == "first":
        found = found[:1]
    return tuple(dict.fromkeys(channel for route in found for channel in route.channels))


def addresses_of(settings: Settings, channels: Iterable[str]) -> tuple[str, ...]:
    """The addresses of channels, by the names under which what was sent to each is noted."""
    return tuple(address for channel in channels for address in settings.channels[channel].addresses)


def channel_of(address: str) -> str:
    """The channel of an address by that name."""
    return address.split("/")[0]


def is_urgent(alert: Alert) -> bool:
    """Whether it goes out in a quiet period too."""
    return alert.severity == "CRITICAL" or alert.kind in (LAW_FAILED, RUN_FAILED)
