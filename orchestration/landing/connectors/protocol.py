"""What a kind of connector gives and is given: the one protocol that all of them speak.

A source offers deliveries. What an offer is, only its kind knows: a remote file, a window of a query, a range of a
log's offsets. To everybody else it is a `key` (what stands where), a `version` (what differs when it is something
else), and the file that it becomes in the inbox.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from orchestration.errors import TieoutError

if TYPE_CHECKING:
    from orchestration.landing.connectors.declaration import Connector, Said


class ConnectorError(TieoutError):
    """A source cannot be worked with as it is declared; trying again changes nothing."""


class UnreachableError(ConnectorError):
    """The network, the source or a timeout: what another try may mend."""


class LimitError(ConnectorError):
    """The time that one call may take is over; the next call goes on."""


class SilenceError(LimitError):
    """Nothing has come for so long that the source counts as away."""


class AtWorkError(ConnectorError):
    """Another process works with the connector."""


class LocalError(ConnectorError):
    """This machine cannot take the delivery: no space, no permission. The source is not at fault."""


class OfferError(ConnectorError):
    """One offer cannot be taken; the others can."""


class ChangedError(OfferError):
    """What was offered is no longer what stands there: it is looked at anew."""


@dataclass(frozen=True)
class Offer:
    """One delivery that a source has.

    `name` is the file's name in the inbox, before it is made safe and free. `settled`: the source vouches that it is
    whole; else it is taken once it has looked the same for `stable_for`. `waits_for` says why it cannot be taken yet
    whatever it looks like. `size` in bytes, where known. `remote` is what the batch's manifest notes of its origin;
    `note` is the kind's own, handed back at `commit`. `commits`: there is something to do at the source after landing.
    """

    key: str
    version: str
    org_id: str
    feed: str
    name: str
    size: int | None = None
    stable_for: timedelta = timedelta(0)
    settled: bool = False
    waits_for: str = ""
    commits: bool = False
    remote: Mapping[str, Any] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """All that a source offers now, and what is wrong with parts of it, for people."""

    offers: list[Offer]
    problems: list[str] = field(default_factory=list)


class Source(Protocol):
    """An open session with a source.

    Every method raises `UnreachableError` for what may work the next time, and `ConnectorError` for what will not.
    """

    def about(self) -> Mapping[str, str]:
        """What `tieout connectors check` tells of the session: where it is logged in, and as whom."""

    def list(self, latest: Callable[[str], str | None]) -> Listing:
        """All that is there. `latest` gives the version of a key that was taken last: a log or a query goes on from
        there; what has been taken already may be listed again, nobody takes it twice."""

    def fetch(self, offer: Offer, into: Path, tick: Callable[[int], None]) -> None:
        """Write an offer's bytes to a file and have them on disk. Where the file is there already, it holds the first
        bytes of the same version: go on behind them, or write it anew. `tick` is told the bytes so far.

        Raises:
            ChangedError: it is not, or no longer, what was offered.
            OfferError: it cannot be had; other offers may.
            LocalError: the file cannot be written.
        """

    def commit(self, offer: Offer) -> bool:
        """Landing has made a batch of it, or put it among the failed: move it, delete it, say so to a queue. Called
        again after a crash, so that what is done already must be no error. Returns whether the source no longer has it
        where it was: the same key and version are then another delivery."""


@dataclass(frozen=True)
class Declared:
    """What a kind makes of its part of a declaration. `where` and `feeds` are for listings; `secrets` are all values
    that must stay out of every message."""

    settings: Any
    where: str
    feeds: tuple[str, ...]
    secrets: tuple["Any", ...] = ()


class Kind(Protocol):
    """A module of the folder `kinds`; its name is the `kind` of a declaration."""

    KEYS: tuple[str, ...]

    def declare(self, said: "Said") -> Declared:
        """Read the kind's own keys; every fault is told to `said`, none is raised."""

    def connect(self, connector: "Connector") -> AbstractContextManager[Source]:
        """Log in, and out at the end."""
