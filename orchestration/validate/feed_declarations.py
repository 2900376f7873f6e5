"""The declarations of feeds, as landing judges them, with the lines of what it refuses."""

import re
from collections.abc import Mapping

from orchestration.landing import Feed, FeedDeclarationError, load_feeds
from orchestration.validate.faults import Fault
from orchestration.validate.loaded import Project

OF_FEED = re.compile(
    r"(?P<file>[^:]+): (?P<system>[^/:\s]*)/(?P<feed>[^:\s]*): (?P<key>[^:]+): (?P<said>.*)", re.DOTALL
)
GIVEN = re.compile(r"given '(?P<given>[^']*)'$")
UNREADABLE = "not readable as YAML"


def check(project: Project) -> tuple[Mapping[str, Feed], list[Fault]]:
    """The declared feeds, and all that is wrong with them. With any fault no feed can land, so that there are none."""
    try:
        return load_feeds(project.folder), []
    except FeedDeclarationError as error:
        # What is no YAML is told already, with its line.
        return {}, [_located(project, text) for text in error.faults if UNREADABLE not in text]


def _located(project: Project, text: str) -> Fault:
    found = OF_FEED.match(text)
    file = text.split(": ", 1)[0]
    if not found or found["file"] not in project.pages:
        return Fault("feed-declaration", f"{text.removeprefix(file + ': ')}. Nothing lands until it is mended.", file)
    given = GIVEN.search(found["said"])
    # `feed.kind`, `columns.total.type`, `feed.overrides[0].time_zone`: the way below the table.
    path = [int(part) if part.isdigit() else part for part in re.findall(r"[A-Za-z_]\w*|\d+", found["key"])]
    line = project.pages[found["file"]].line(
        *("sources", found["system"], "tables", found["feed"], *path), value=[given["given"]] if given else ()
    )
    message = (
        f"feed '{found['system']}/{found['feed']}': {found['key']}: {found['said']}. Nothing lands until it is mended."
    )
    return Fault("feed-declaration", message, found["file"], line)
