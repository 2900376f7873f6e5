"""`alerts.yml`: who is told what, where and when. Every fault of the file is found at once, each with its line.

The file holds no secret: addresses take theirs from the environment (`${NAME}`), and only when something is sent.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from orchestration.at_work import QUIET
from orchestration.durations import ALLOWED, in_words, parse_duration
from orchestration.errors import UsageError

FILE = "alerts.yml"

EXCEPTIONS, LAW_FAILED, RUN_FAILED, LATE_FEED = "exceptions", "law_failed", "run_failed", "late_feed"
BACKLOG, CONNECTOR_FAILED, SLA, DIGEST, TEST = "backlog", "connector_failed", "sla", "digest", "test"
FAILED_FILES = "failed_files"
# What a route may ask for; a digest names its channels itself.
KINDS = (EXCEPTIONS, LAW_FAILED, RUN_FAILED, LATE_FEED, BACKLOG, CONNECTOR_FAILED, FAILED_FILES, SLA)
SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
FORMATS = ("auto", "text", "markdown", "html")
MATCHES = ("first", "all")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Of alerts that do not take theirs from exceptions.
USUAL_SEVERITIES = {
    LAW_FAILED: "CRITICAL",
    RUN_FAILED: "HIGH",
    LATE_FEED: "MEDIUM",
    BACKLOG: "MEDIUM",
    CONNECTOR_FAILED: "HIGH",
    FAILED_FILES: "HIGH",
}

KEYS = (
    *(
        "dagster_url",
        "channels",
        "match",
        "routes",
        "quiet",
        "digest",
        "backlog",
        "sla",
        "severities",
        "cancelled_runs",
    ),
    *("crashed_after", "look_back", "most_messages", "delivery"),
)
ROUTE_KEYS = ("kinds", "orgs", "streams", "severities", "counterparties", "channels")
Path_ = tuple[str | int, ...]
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Channel:
    """Where messages go: apprise's addresses as the file has them, without any secret."""

    name: str
    urls: tuple[str, ...]
    format: str = "auto"

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses by the name under which what was sent to each is noted."""
        several = len(self.urls) > 1
        return {f"{self.name}/{n}" if several else self.name: url for n, url in enumerate(self.urls, 1)}


@dataclass(frozen=True)
class Route:
    """Which alerts go to which channels; None asks for nothing. No channels: these alerts are dropped, and noted."""

    channels: tuple[str, ...]
    kinds: tuple[str, ...] | None = None
    orgs: tuple[str, ...] | None = None
    streams: tuple[str, ...] | None = None
    severities: tuple[str, ...] | None = None
    counterparties: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Quiet:
    """Hours and whole days, local to a time zone, in which only what cannot wait goes out. `begins` may be later than
    `ends`: then it lasts over midnight."""

    time_zone: str
    begins: time | None = None
    ends: time | None = None
    whole_days: tuple[str, ...] = ()

    def covers(self, moment: datetime) -> bool:
        """Whether it is quiet at a moment (UTC)."""
        local = moment.astimezone(ZoneInfo(self.time_zone))
        if DAYS[local.weekday()] in self.whole_days:
            return True
        if self.begins is None or self.ends is None:
            return False
        now = local.time()
        if self.begins < self.ends:
            return self.begins <= now < self.ends
        return now >= self.begins or now < self.ends


@dataclass(frozen=True)
class Digest:
    """When the overview of the day before goes out, to whom and about what."""

    cron: str
    time_zone: str
    channels: tuple[str, ...]
    orgs: tuple[str, ...] | None = None
    streams: tuple[str, ...] | None = None

    def latest_due(self, now: datetime) -> datetime:
        """The latest moment (UTC) up to now at which it was due."""
        from cronsim import CronSim

        # Looking back leaves out the moment that it starts from.
        start = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return next(CronSim(self.cron, start.astimezone(ZoneInfo(self.time_zone)), reverse=True)).astimezone(UTC)


@dataclass(frozen=True)
class Backlog:
    """From which growth of a stream's unmatched records on people are told: by more than so many per cent and by at
    least so many rows, both where both are given, against the mean of so many runs before."""

    percent: int | None = 20
    rows: int | None = 10
    mean_of: int = 1


@dataclass(frozen=True)
class Delivery:
    """How hard to try: `tries` within one call, then once more with every later call, at growing intervals, until
    `give_up_after` has passed since the first try. `timeout` is that of connecting and of each answer."""

    tries: int = 3
    timeout: timedelta = timedelta(seconds=10)
    give_up_after: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class Settings:
    """The whole file."""

    channels: Mapping[str, Channel]
    routes: tuple[Route, ...]
    match: str = "first"
    dagster_url: str | None = None
    quiet: Quiet | None = None
    digests: tuple[Digest, ...] = ()
    backlog: Backlog | None = None
    remind_every: timedelta | None = None
    severities: Mapping[str, str] = field(default_factory=lambda: dict(USUAL_SEVERITIES))
    cancelled_runs: bool = False
    crashed_after: timedelta = QUIET
    look_back: timedelta = timedelta(days=1)
    most_messages: int = 20
    delivery: Delivery = Delivery()


@dataclass(frozen=True)
class Finding:
    """A fault of the file: where (a path of keys), its line, and what to do."""

    path: str
    line: int
    message: str


def load(project: Path) -> Settings | None:
    """The settings of a project; None where it has no `alerts.yml`.

    Raises:
        UsageError: the file has faults; the message names them all.
    """
    settings, found = read(project)
    if found:
        lines = "".join(f"\n  {FILE}:{f.line}: {f.path + ': ' if f.path else ''}{f.message}" for f in found)
        raise UsageError(f"{project / FILE} has {len(found)} fault{'s' if len(found) > 1 else ''}:{lines}")
    return settings


def read(project: Path) -> tuple[Settings | None, list[Finding]]:
    """The settings of a project as far as they can be read, and all faults; None where there is no file."""
    from orchestration.validate import marked

    if not (project / FILE).exists():
        return None, []
    document, unreadable = marked.read(project, FILE)
    if unreadable:
        return None, [Finding("", fault.line, fault.message) for fault in unreadable]
    reader = _Reader(_streams(project))
    settings = reader.settings(document.data or {})
    return settings, [
        Finding(_text(path), document.line(*path), message)
        for path, message in sorted(reader.faults, key=lambda fault: document.line(*fault[0]))
    ]


def _streams(project: Path) -> set[str] | None:
    """The names of streams; None where the registry cannot be read, which is another check's to say."""
    from orchestration.project import load_streams

    try:
        return set(load_streams(project))
    except (UsageError, OSError):
        return None


def _text(path: Path_) -> str:
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


class _Reader:
    """Reads the file and notes every fault; what is faulty gets its default, so that reading can go on."""

    def __init__(self, streams: set[str] | None) -> None:
        self.streams = streams
        self.faults: list[tuple[Path_, str]] = []
        self.channels: dict[str, Channel] = {}

    def fault(self, path: Path_, message: str) -> None:
        self.faults.append((path, message))

    def settings(self, data: Mapping[str, Any]) -> Settings:
        self.keys((), data, KEYS)
        self.channels = self.read_channels(data.get("channels"))
        routes = self.read_routes(data.get("routes"))
        delivery = self.mapping(("delivery",), data.get("delivery"), ("tries", "timeout", "give_up_after"))
        usual = Delivery()
        sla = self.mapping(("sla",), data.get("sla"), ("remind_every",))
        return Settings(
            channels=self.channels,
            routes=routes,
            match=self.choice(("match",), data.get("match", "first"), MATCHES),
            dagster_url=self.web_address(("dagster_url",), data.get("dagster_url")),
            quiet=self.read_quiet(data.get("quiet")),
            digests=self.read_digests(data.get("digest")),
            backlog=self.read_backlog(data["backlog"]) if "backlog" in data else None,
            remind_every=self.length(("sla", "remind_every"), sla.get("remind_every"), timedelta(hours=24), least=60)
            if "sla" in data
            else None,
            severities=self.read_severities(data.get("severities")),
            cancelled_runs=self.flag(("cancelled_runs",), data.get("cancelled_runs", False)),
            crashed_after=self.length(("crashed_after",), data.get("crashed_after"), QUIET),
            look_back=self.length(("look_back",), data.get("look_back"), timedelta(days=1)),
            most_messages=self.number(("most_messages",), data.get("most_messages", 20), 1, 1_000),
            delivery=Delivery(
                self.number(("delivery", "tries"), delivery.get("tries", usual.tries), 1, 10),
                self.length(("delivery", "timeout"), delivery.get("timeout"), usual.timeout, least=1),
                self.length(("delivery", "give_up_after"), delivery.get("give_up_after"), usual.give_up_after),
            ),
        )

    def keys(self, path: Path_, given: Mapping[str, Any], allowed: Iterable[str]) -> None:
        for key in given:
            if key not in allowed:
                self.fault((*path, key), f"there is no such key; allowed are {', '.join(allowed)}")

    def mapping(self, path: Path_, given: Any, allowed: Iterable[str]) -> Mapping[str, Any]:
        if given is None:
            return {}
        if not isinstance(given, dict):
            self.fault(path, f"must be a mapping with the keys {', '.join(allowed)}; given is {given!r}")
            return {}
        self.keys(path, given, allowed)
        return given

    def read_channels(self, given: Any) -> dict[str, Channel]:
        from orchestration.alerts.channels import faults_of

        if not isinstance(given, dict) or not given:
            self.fault(("channels",), "must name at least one channel, each with its `urls`")
            return {}
        found = {}
        for name, body in given.items():
            path: Path_ = ("channels", name)
            if not _NAME.fullmatch(str(name)):
                self.fault(path, "a channel's name is made of letters, digits, - and _")
            body = self.mapping(path, body, ("urls", "format"))
            urls = body.get("urls")
            urls = [urls] if isinstance(urls, str) else urls
            if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
                # Never what was given: it may be a secret.
                self.fault((*path, "urls"), "must be a list of apprise addresses, such as ['${SLACK_URL}']")
                urls = []
            for number, url in enumerate(urls):
                for message in faults_of(url):
                    self.fault((*path, "urls", number), message)
            form = self.choice((*path, "format"), body.get("format", "auto"), FORMATS)
            found[str(name)] = Channel(str(name), tuple(urls), form)
        return found

    def read_routes(self, given: Any) -> tuple[Route, ...]:
        if not isinstance(given, list) or not given:
            self.fault(("routes",), "must be a list of routes, each with its `channels`")
            return ()
        routes = []
        for number, body in enumerate(given):
            path: Path_ = ("routes", number)
            if not isinstance(body, dict):
                self.fault(path, f"must be a mapping with the keys {', '.join(ROUTE_KEYS)}")
                continue
            self.keys(path, body, ROUTE_KEYS)
            if "channels" not in body:
                self.fault(path, "needs `channels`; an empty list drops what the route matches")
            routes.append(
                Route(
                    channels=self.channel_names((*path, "channels"), body.get("channels", [])),
                    kinds=self.some((*path, "kinds"), body.get("kinds"), KINDS),
                    orgs=self.some((*path, "orgs"), body.get("orgs")),
                    streams=self.stream_names((*path, "streams"), body.get("streams")),
                    severities=self.some((*path, "severities"), body.get("severities"), SEVERITIES),
                    counterparties=self.some((*path, "counterparties"), body.get("counterparties")),
                )
            )
        return tuple(routes)

    def channel_names(self, path: Path_, given: Any) -> tuple[str, ...]:
        return self.some(path, given, tuple(self.channels), empty=True) or ()

    def stream_names(self, path: Path_, given: Any) -> tuple[str, ...] | None:
        return self.some(path, given, tuple(sorted(self.streams)) if self.streams is not None else None)

    def some(
        self, path: Path_, given: Any, allowed: tuple[str, ...] | None = None, *, empty: bool = False
    ) -> tuple[str, ...] | None:
        """A list of texts, or one of them alone; None where nothing is said."""
        if given is None:
            return None
        given = [given] if isinstance(given, str) else given
        if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
            # YAML makes 83 of 0123 and false of NO: nobody could tell any more what was meant.
            what = "a list of names, in quotes where one is a number, a date, yes, no, on or off"
            self.fault(path, f"must be {what}; given is {given!r}")
            return None
        if not given and not empty:
            self.fault(path, "is empty and would match nothing; leave the key out to match everything")
        for item in given:
            if allowed is not None and item not in allowed:
                self.fault((*path, item), f"there is no {item!r}; allowed are {', '.join(allowed) or 'none'}")
        return tuple(given)

    def read_quiet(self, given: Any) -> Quiet | None:
        if given is None:
            return None
        path: Path_ = ("quiet",)
        body = self.mapping(path, given, ("from", "to", "time_zone", "whole_days"))
        begins, ends = (self.clock_time((*path, key), body.get(key)) for key in ("from", "to"))
        days = self.some((*path, "whole_days"), body.get("whole_days"), DAYS) or ()
        if ("from" in body) != ("to" in body):
            self.fault(path, "needs both `from` and `to`, or neither")
        elif begins is not None and begins == ends:
            self.fault(path, "`from` and `to` are the same: it would be quiet never, or always")
        elif begins is None and not days and not self.faults:
            self.fault(path, "needs `from` and `to`, or `whole_days`")
        return Quiet(self.zone((*path, "time_zone"), body.get("time_zone", "UTC")), begins, ends, days)

    def read_digests(self, given: Any) -> tuple[Digest, ...]:
        if given is None:
            return ()
        several = isinstance(given, list)
        digests = []
        for number, entry in enumerate(given if several else [given]):
            path: Path_ = ("digest", number) if several else ("digest",)
            body = self.mapping(path, entry, ("cron", "time_zone", "channels", "orgs", "streams"))
            channels = self.channel_names((*path, "channels"), body.get("channels"))
            if not channels:
                self.fault(path, "needs `channels`")
            digests.append(
                Digest(
                    self.cron((*path, "cron"), body.get("cron", "0 7 * * *")),
                    self.zone((*path, "time_zone"), body.get("time_zone", "UTC")),
                    channels,
                    self.some((*path, "orgs"), body.get("orgs")),
                    self.stream_names((*path, "streams"), body.get("streams")),
                )
            )
        return tuple(digests)

    def read_backlog(self, given: Any) -> Backlog:
        path: Path_ = ("backlog",)
        body = self.mapping(path, given, ("percent", "rows", "mean_of"))
        usual = Backlog()
        if "percent" not in body and "rows" not in body:
            percent, rows = usual.percent, usual.rows
        else:
            percent, rows = (
                None if body.get(key) is None else self.number((*path, key), body[key], 0, 1_000_000_000)
                for key in ("percent", "rows")
            )
        return Backlog(percent, rows, self.number((*path, "mean_of"), body.get("mean_of", 1), 1, 100))

    def read_severities(self, given: Any) -> dict[str, str]:
        path: Path_ = ("severities",)
        body = self.mapping(path, given, tuple(USUAL_SEVERITIES))
        said = {kind: self.choice((*path, kind), value, SEVERITIES) for kind, value in body.items()}
        return {**USUAL_SEVERITIES, **{kind: said[kind] for kind in said if kind in USUAL_SEVERITIES}}

    def choice(self, path: Path_, given: Any, allowed: tuple[str, ...]) -> str:
        if given not in allowed:
            self.fault(path, f"allowed is one of {', '.join(allowed)}; given is {given!r}")
            return allowed[0]
        return str(given)

    def flag(self, path: Path_, given: Any) -> bool:
        if not isinstance(given, bool):
            self.fault(path, f"allowed is true or false; given is {given!r}")
        return given is True

    def number(self, path: Path_, given: Any, least: int, most: int) -> int:
        if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
            self.fault(path, f"allowed is a whole number from {least} to {most:,}; given is {given!r}")
            return least
        return given

    def length(self, path: Path_, given: Any, usual: timedelta, least: int = 0) -> timedelta:
        if given is None:
            return usual
        try:
            length = parse_duration(given)
        except ValueError:
            self.fault(path, f"allowed is {ALLOWED}; given is {given!r}")
            return usual
        if length < timedelta(seconds=least):
            self.fault(path, f"allowed is {in_words(timedelta(seconds=least))} or longer; given is {given!r}")
        return length

    def clock_time(self, path: Path_, given: Any) -> time | None:
        if given is None:
            return None
        try:
            # YAML takes an unquoted 22:00 for a number of minutes.
            if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 24 * 60:
                return time(given // 60, given % 60)
            return datetime.strptime(str(given), "%H:%M").replace(tzinfo=UTC).time()
        except ValueError:
            self.fault(path, f"allowed is a time of day such as '22:00'; given is {given!r}")
            return None

    def zone(self, path: Path_, given: Any) -> str:
        try:
            ZoneInfo(str(given))
        except (KeyError, ValueError, OSError):
            self.fault(path, f"allowed is a time zone of the IANA list, such as Europe/Berlin; given is {given!r}")
            return "UTC"
        return str(given)

    def cron(self, path: Path_, given: Any) -> str:
        from cronsim import CronSim, CronSimError

        try:
            if not isinstance(given, str) or len(given.split()) != 5:
                raise ValueError
            next(CronSim(given, datetime(2026, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration, ValueError):
            self.fault(path, f"allowed is a cron expression of five fields, such as '0 7 * * 1-5'; given is {given!r}")
            return "0 7 * * *"
        return given

    def web_address(self, path: Path_, given: Any) -> str | None:
        from urllib.parse import urlsplit

        if given is None:
            return None
        parts = urlsplit(given) if isinstance(given, str) else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            self.fault(path, "allowed is an address such as http://dagster.example.com:3000, without user or password")
            return None
        return str(given).rstrip("/")
