"""Connectors: what brings extracts from elsewhere into the inbox, declared as data in `connectors/<name>.yml`.

A kind of connector is one module of the folder `kinds` (see `protocol.Kind`); all that is the same for every kind
stands here: what was taken already, what is stable, resuming, crashes, decryption, retries. docs/connectors.md says how
to add one.
"""

from orchestration.landing.connectors.committing import Committed, arrived, commit
from orchestration.landing.connectors.declaration import Connector, ConnectorDeclarationError, load_connectors
from orchestration.landing.connectors.looking import Check, Pending, check, listing, pending
from orchestration.landing.connectors.taking import Fetched, chosen, fetch

__all__ = [
    "Check",
    "Committed",
    "Connector",
    "ConnectorDeclarationError",
    "Fetched",
    "Pending",
    "arrived",
    "check",
    "chosen",
    "commit",
    "fetch",
    "listing",
    "load_connectors",
    "pending",
]
