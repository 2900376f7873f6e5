"""What a stream's own page says of how it runs: when, for how long at most, how often again, and who answers for it.

The only place that knows the spelling of `config.meta.stream` (docs/orchestration.md). Read from the YAML itself, so
that it is known before dbt has parsed anything.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from orchestration.durations import ALLOWED as DURATIONS
from orchestration.durations import parse_duration
from orchestration.environment import DAILY, HOURLY, MODES
from orchestration.errors import UsageError
from orchestration.landing.expected import is_cron
from orchestration.lapses import CONTINUE, STOP
from orchestration.yaml_text import read_yaml

FOLDER = "models/reconciliations"
TIME_ZONE_VARIABLE = "TIEOUT_TIME_ZONE"
ON_ARRIVAL = "on_arrival"
SCHEDULES = (HOURLY, DAILY, ON_ARRIVAL)
SCHEDULE_KEYS = ("cron", "time_zone", "mode", ON_ARRIVAL, "orgs")
ORG_KEYS = ("cron", "time_zone", "mode")
RETRY_KEYS = ("attempts", "delay", "longest")
FAILURE_POLICIES = (STOP, CONTINUE)
MOST_ATTEMPTS = 10
# When no more is said than a word.
CRONS = {HOURLY: "0 * * * *", DAILY: "0 6 * * *"}
A_CRON = 'a cron expression of five fields that Dagster takes, such as "0 6 * * *"'
A_ZONE = "a time zone of the IANA list, such as Europe/Berlin"


@dataclass(frozen=True, order=True)
class Timing:
    """When a stream runs: `cron` in `time_zone`, judging whom `mode` says; `org` where it is that org's own hour."""

    cron: str
    time_zone: str
    mode: str = DAILY
    org: str | None = None


@dataclass(frozen=True)
class Retries:
    """How often a part of a run is tried when the machine fails it, and how long is waited in between: `delay` after
    the first try, twice as long after each further one, up to `longest`."""

    attempts: int = 3
    delay: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=1)


@dataclass(frozen=True)
class StreamPage:
    """A stream's page, as far as running it goes."""

    name: str
    owner_email: str | None = None
    timings: tuple[Timing, ...] = ()
    on_arrival: bool = False
    schedule: str = ""
    failure_policy: str = STOP
    timeout: timedelta | None = None
    retries: Retries = field(default_factory=Retries)


@dataclass
class _Told:
    """Faults on their way: the key that is wrong, and what is wrong with it."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, key: str, allowed: str, given: Any) -> None:
        self.found.append((key, f"{key} must be {allowed}; found is {given!r}."))


def default_zone() -> str:
    """The time zone of schedules that name none: `TIEOUT_TIME_ZONE`, else UTC.

    Raises:
        UsageError: there is no such zone.
    """
    zone = os.environ.get(TIME_ZONE_VARIABLE) or "UTC"
    if not _is_zone(zone):
        raise UsageError(f"{TIME_ZONE_VARIABLE} must be {A_ZONE}; it is {zone!r}.")
    return zone


def faults_of(declared: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with `schedule`, `timeout` and `retries` of a stream's page: key and message."""
    told = _Told()
    if declared.get("schedule") is not None:
        _schedule(declared["schedule"], told, "UTC")
    _timeout(declared.get("timeout"), told)
    _retries(declared.get("retries"), told)
    return told.found


def load_pages(project: Path, streams: Iterable[str]) -> dict[str, StreamPage]:
    """The pages of these streams, in their order; one without a page has all defaults and no schedule.

    Raises:
        UsageError: a page cannot be read, or says what cannot be; all faults of all pages at once.
    """
    zone = default_zone()
    groups, faults = _groups(project)
    pages = {}
    for name in streams:
        file, group = groups.get(name, ("", {}))
        declared = _mapping(_mapping(_mapping(group.get("config")).get("meta")).get("stream"))
        told = _Told()
        said = declared.get("schedule")
        timings, on_arrival = ((), False) if said is None else _schedule(said, told, zone)
        pages[name] = StreamPage(
            name=name,
            owner_email=_mapping(group.get("owner")).get("email"),
            timings=timings,
            on_arrival=on_arrival,
            schedule=declared["schedule"] if isinstance(declared.get("schedule"), str) else "cron" if timings else "",
            failure_policy=str(declared.get("failure_policy") or STOP),
            timeout=_timeout(declared.get("timeout"), told),
            retries=_retries(declared.get("retries"), told),
        )
        faults += [f"{file}: stream {name}: {message}" for _, message in told.found]
    if faults:
        raise UsageError("The pages of streams cannot be used as they are:\n" + "\n".join(f"  - {f}" for f in faults))
    return pages


def timeout_of(pages: Iterable[StreamPage]) -> timedelta | None:
    """How long a run of these streams may take: as long as the most patient of them says; without end where one sets
    no limit."""
    limits = [page.timeout for page in pages]
    return max((limit for limit in limits if limit), default=None) if all(limits) else None


def retries_of(pages: Iterable[StreamPage]) -> Retries:
    """How a run of these streams tries again: like the most persistent one."""
    return max((page.retries for page in pages), key=lambda said: (said.attempts, said.longest), default=Retries())


def _groups(project: Path) -> tuple[dict[str, tuple[str, dict[str, Any]]], list[str]]:
    """The dbt groups of the streams' folders by name, each with its file; and what could not be read."""
    groups: dict[str, tuple[str, dict[str, Any]]] = {}
    faults = []
    for path in sorted((project / FOLDER).glob("**/*.yml")):
        file = path.relative_to(project).as_posix()
        try:
            text = path.read_text(encoding="utf-8")
            if "groups:" not in text:
                continue
            said = read_yaml(text)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            faults.append(f"{file}: not readable as YAML: {' '.join(str(error).split())}")
            continue
        for group in _mapping(said).get("groups") or []:
            if isinstance(group, dict) and group.get("name"):
                groups[str(group["name"])] = (file, group)
    return groups, faults


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_zone(zone: Any) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError, TypeError):
        return False
    return True


def _schedule(said: Any, told: _Told, zone: str) -> tuple[tuple[Timing, ...], bool]:
    """The timings behind `schedule`, and whether arrivals start the stream. Who runs hourly or on arrival runs once a
    day as well: what waits for time to pass, and counterparties that are judged daily, wait for that run."""
    if isinstance(said, str) and said in SCHEDULES:
        words = (HOURLY, DAILY) if said == HOURLY else (DAILY,)
        return tuple(Timing(CRONS[word], zone, word) for word in words), said == ON_ARRIVAL
    if not isinstance(said, dict):
        allowed = f"one of {', '.join(SCHEDULES)}, or a mapping with the keys {', '.join(SCHEDULE_KEYS)}"
        told.fault("schedule", allowed, said)
        return (), False
    for key in said:
        if key not in SCHEDULE_KEYS:
            told.fault("schedule", f"a mapping with the keys {', '.join(SCHEDULE_KEYS)}", key)
    arrival = said.get(ON_ARRIVAL, False)
    if not isinstance(arrival, bool):
        told.fault(f"schedule.{ON_ARRIVAL}", "true or false", arrival)
    timings = []
    if "cron" in said or not arrival:
        timings += _timing("schedule", said, told, Timing("", zone))
    own = timings[0] if timings else Timing(CRONS[DAILY], _zone("schedule", said, told, zone))
    orgs = said.get("orgs", {})
    if not isinstance(orgs, dict):
        told.fault("schedule.orgs", f"a mapping of orgs to {', '.join(ORG_KEYS)}", orgs)
        orgs = {}
    for org, body in orgs.items():
        where = f"schedule.orgs.{org}"
        if not isinstance(body, dict) or not set(body) <= set(ORG_KEYS):
            told.fault(where, f"a mapping with the keys {', '.join(ORG_KEYS)}", body)
        else:
            timings += _timing(where, body, told, Timing(own.cron, own.time_zone, own.mode, str(org)))
    if (arrival or timings) and not any(timing.mode == DAILY for timing in timings):
        timings.append(Timing(CRONS[DAILY], own.time_zone, DAILY))
    return tuple(timings), bool(arrival)


def _timing(where: str, said: Mapping[str, Any], told: _Told, fallback: Timing) -> Iterator[Timing]:
    cron, mode = said.get("cron", fallback.cron or None), said.get("mode", fallback.mode)
    if not is_cron(cron):
        told.fault(f"{where}.cron", A_CRON, cron)
        cron = CRONS[DAILY]
    if mode not in MODES:
        told.fault(f"{where}.mode", f"one of {', '.join(MODES)}", mode)
        mode = DAILY
    zone = _zone(where, said, told, fallback.time_zone)
    # MON is mon: what is due at the same moment is one schedule.
    yield Timing(" ".join(cron.lower().split()), zone, mode, fallback.org)


def _zone(where: str, said: Mapping[str, Any], told: _Told, fallback: str) -> str:
    zone = said.get("time_zone", fallback)
    if not _is_zone(zone):
        told.fault(f"{where}.time_zone", A_ZONE, zone)
        return "UTC"
    return str(zone)


def _timeout(said: Any, told: _Told) -> timedelta | None:
    return None if said is None else _length("timeout", said, told)


def _retries(said: Any, told: _Told) -> Retries:
    if said is None:
        return Retries()
    if not isinstance(said, dict) or not set(said) <= set(RETRY_KEYS):
        told.fault("retries", f"a mapping with the keys {', '.join(RETRY_KEYS)}", said)
        return Retries()
    given: dict[str, Any] = {}
    if "attempts" in said:
        attempts = said["attempts"]
        if isinstance(attempts, int) and not isinstance(attempts, bool) and 1 <= attempts <= MOST_ATTEMPTS:
            given["attempts"] = attempts
        else:
            told.fault("retries.attempts", f"a whole number from 1 (never again) to {MOST_ATTEMPTS}", attempts)
    for key in ("delay", "longest"):
        if key in said and (length := _length(f"retries.{key}", said[key], told)) is not None:
            given[key] = length
    return Retries(**given)


def _length(key: str, said: Any, told: _Told) -> timedelta | None:
    try:
        length = parse_duration(said)
    except ValueError:
        told.fault(key, DURATIONS, said)
        return None
    if not length:
        told.fault(key, f"more than nothing: {DURATIONS}", said)
        return None
    return length
