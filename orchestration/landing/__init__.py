"""Landing: from a file in the inbox to an immutable batch, and from the batches into Postgres."""

from orchestration.landing.errors import FeedDeclarationError, LandingError
from orchestration.landing.expected import Expected, LateFeed, late_feeds
from orchestration.landing.feeds import Column, Feed, Override, load_feeds
from orchestration.landing.inbox import land_inbox
from orchestration.landing.manifest import latest_received_at, read_manifests
from orchestration.landing.postgres import load_postgres
from orchestration.landing.report import FileOutcome, LandingReport

__all__ = [
    "Column",
    "Expected",
    "Feed",
    "FeedDeclarationError",
    "FileOutcome",
    "LandingError",
    "LandingReport",
    "LateFeed",
    "Override",
    "land_inbox",
    "late_feeds",
    "latest_received_at",
    "load_feeds",
    "load_postgres",
    "read_manifests",
]
