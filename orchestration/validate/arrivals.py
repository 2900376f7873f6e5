"""Feeds have arrived: both sides of each ladder, for every org that takes part, in files that could be read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.landing import Feed, read_manifests
from orchestration.landing.files import REASON, has_beside, reason_path, walk_inbox
from orchestration.landing.header import normalise
from orchestration.landing.manifest import MANIFEST
from orchestration.validate.faults import FAULT, NOTE, WARNING, Fault, listed
from orchestration.validate.loaded import REGISTRY, Project, feeds_of_side, feeds_of_stream, orgs_of_stream

# An org and a feed.
Place = tuple[str, str]


@dataclass(frozen=True)
class FailedFile:
    """A file that could not be landed, and why."""

    place: Place
    name: str
    file: str
    reason: str


@dataclass(frozen=True)
class Delivered:
    """What a data folder holds: `shown` is its path as it was given."""

    shown: str
    manifests: list[dict[str, Any]] = field(default_factory=list)
    waiting: frozenset[Place] = frozenset()
    failed: tuple[FailedFile, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def places(self) -> set[Place]:
        """Org and feed of everything that has landed or lies in the inbox."""
        return {(m["org_id"], f"{m['system']}/{m['feed']}") for m in self.manifests} | self.waiting


def read_delivered(data: Path, shown: str) -> Delivered:
    """Look at a data folder; one that is not there holds nothing."""
    faults: list[Fault] = []
    manifests: list[dict[str, Any]] = []
    try:
        manifests = read_manifests(data)
    except (OSError, ValueError, KeyError) as error:
        message = f"the manifests cannot be read: {error}. Restore the folder from its backup; nothing may write there."
        faults.append(Fault("landing-unreadable", message, f"{shown}/landing"))
    waiting = {
        (file.parts[0], "/".join(file.parts[1:3])) for file in walk_inbox(data / "inbox") if len(file.parts) == 4
    }
    failed = []
    for file in walk_inbox(data / "failed"):
        if len(file.parts) == 4 and has_beside(file.path, REASON):
            said = reason_path(file.path).read_text(encoding="utf-8", errors="replace").splitlines()
            found = next((line for line in said if line.startswith("Found:")), said[0] if said else "")
            place = (file.parts[0], "/".join(file.parts[1:3]))
            name = f"{shown}/failed/{file.shown}"
            failed.append(FailedFile(place, file.parts[3], name, found.removeprefix("Found:").strip()))
    return Delivered(shown, manifests, frozenset(waiting), tuple(failed), tuple(faults))


def check(
    project: Project,
    delivered: Delivered,
    declared: Mapping[str, Feed],
    streams: list[str],
    *,
    org: str | None,
    asked: bool,
) -> Iterator[Fault]:
    """What these streams wait for. `asked` says that somebody is about to run them, or asks for one org: what has not
    arrived is then a fault; otherwise it only says what a run would find, since records without a counterpart's feed
    wait as PENDING.
    """
    yield from delivered.faults
    places = {place for place in delivered.places if org in (None, place[0])}
    if org is not None and not places:
        message = (
            f"org '{org}' has delivered nothing. Put its files into {delivered.shown}/inbox/{org}/<system>/<feed>/."
        )
        yield Fault("feed-not-arrived", message, REGISTRY, project.registry.line("vars", "streams"), org=org)
    for stream in streams:
        yield from _stream(project, delivered, stream, places, org=org, asked=asked)
    feeds = {feed for stream in streams for feed in feeds_of_stream(project, stream)}
    yield from _failed(project, delivered, feeds, streams, org)
    yield from _headers(project, delivered, declared, feeds, streams, org)


def _stream(
    project: Project, delivered: Delivered, stream: str, places: set[Place], *, org: str | None, asked: bool
) -> Iterator[Fault]:
    feeds = set(feeds_of_stream(project, stream))
    only = orgs_of_stream(project, stream)
    orgs = {place[0] for place in places if place[1] in feeds and (only is None or place[0] in only)}
    line = project.registry.line("vars", "streams", stream)
    for named in only or []:
        if org in (None, named) and named not in orgs:
            message = (
                f"the stream serves org '{named}', which has delivered none of its feeds ({listed(sorted(feeds))}). Put"
                f" them into {delivered.shown}/inbox/{named}/<system>/<feed>/."
            )
            at = project.registry.line("vars", "streams", stream, "orgs", value=[named])
            severity = FAULT if asked else WARNING
            yield Fault("feed-not-arrived", message, REGISTRY, at, stream, named, severity)
    if not orgs and not only:
        message = (
            f"no org has delivered any feed of this stream yet ({listed(sorted(feeds))}). Put files into"
            f" {delivered.shown}/inbox/<org>/<system>/<feed>/."
        )
        yield Fault("feed-not-arrived", message, REGISTRY, line, stream, severity=FAULT if asked else NOTE)
    for one in sorted(orgs):
        yield from _org(project, delivered, stream, one, {p[1] for p in places if p[0] == one}, asked=asked)


def _org(
    project: Project, delivered: Delivered, stream: str, org: str, have: set[str], *, asked: bool
) -> Iterator[Fault]:
    severity = FAULT if asked else WARNING
    for ladder, body in project.ladders(stream).items():
        arrived = {role: have & set(feeds_of_side(project, body.get(role))) for role in ("source", "target")}
        for role, other in (("source", "target"), ("target", "source")):
            sides = feeds_of_side(project, body.get(role))
            line = project.registry.line("vars", "streams", stream, "ladders", ladder, role)
            missing = sides if arrived[other] and not arrived[role] else []
            if body.get("one_system") is True and arrived[role]:
                # A record's counterpart is of its own system.
                systems = {feed.split("/")[0] for feed in arrived[other]} - {f.split("/")[0] for f in arrived[role]}
                missing = [feed for feed in sides if feed.split("/")[0] in systems]
            if missing:
                folders = " or ".join(f"{delivered.shown}/inbox/{org}/{feed}/" for feed in missing)
                message = (
                    f"feed has not arrived: org '{org}' delivered {listed(sorted(arrived[other]))} and nothing of"
                    f" {role} '{body.get(role)}' of ladder '{ladder}'. Its records wait as PENDING (FEED_LATE) until a"
                    f" file lies in {folders}."
                )
                yield Fault("feed-not-arrived", message, REGISTRY, line, stream, org, severity)


def _of(project: Project, feed: str, streams: list[str]) -> str | None:
    """The stream that a feed belongs to, where there is but one."""
    found = [stream for stream in streams if feed in feeds_of_stream(project, stream)]
    return found[0] if len(found) == 1 else None


def _failed(
    project: Project, delivered: Delivered, feeds: set[str], streams: list[str], org: str | None
) -> Iterator[Fault]:
    landed = {(m["org_id"], f"{m['system']}/{m['feed']}", m["source_file"]) for m in delivered.manifests}
    for failed in delivered.failed:
        if failed.place[1] not in feeds or org not in (None, failed.place[0]):
            continue
        again = (*failed.place, failed.name) in landed
        message = f"could not be landed: {failed.reason or 'no reason is given'}. " + (
            "A file of this name has landed all the same; remove this one when it is no longer needed."
            if again
            else f"{failed.name}.reason.txt beside it says what would make it work; then move it back to"
            f" {delivered.shown}/inbox/{failed.place[0]}/{failed.place[1]}/."
        )
        stream = _of(project, failed.place[1], streams)
        yield Fault("file-failed", message, failed.file, 1, stream, failed.place[0], NOTE if again else FAULT)


def _headers(
    project: Project,
    delivered: Delivered,
    declared: Mapping[str, Feed],
    feeds: set[str],
    streams: list[str],
    org: str | None,
) -> Iterator[Fault]:
    """Required columns that the latest batch of an org and feed does not have: it landed before they were declared."""
    latest = {(m["org_id"], f"{m['system']}/{m['feed']}"): m for m in delivered.manifests}
    for place, manifest in sorted(latest.items()):
        feed = declared.get(place[1])
        if feed is None or place[1] not in feeds or org not in (None, place[0]):
            continue
        header = {normalise(str(name)) for name in manifest.get("columns") or []}
        aliases, constants = feed.org_aliases(place[0]), feed.org_values(place[0])
        missing = [
            column.name
            for column in feed.columns
            if column.required
            and column.name not in constants
            and not header & {normalise(n) for n in (column.name, *column.aliases, *aliases.get(column.name, ()))}
        ]
        if missing and header:
            message = (
                f"{manifest['source_file']}, the latest file of feed '{place[1]}', has no column {listed(missing)},"
                f" which {feed.declared_in} requires; its columns are {listed(manifest['columns'])}. Add an alias"
                " there, or have the file delivered with the column."
            )
            file = f"{delivered.shown}/landing/{place[1]}/{place[0]}/{manifest['batch_id']}/{MANIFEST}"
            line = _line_of_columns(Path(manifest["path"]) / MANIFEST)
            yield Fault("column-not-delivered", message, file, line, _of(project, place[1], streams), place[0])


def _line_of_columns(file: Path) -> int:
    """The line of a manifest on which the delivered header begins."""
    key = json.dumps("columns")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return next((number for number, line in enumerate(lines, 1) if key in line), 1)
