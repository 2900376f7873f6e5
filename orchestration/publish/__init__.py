"""The published copy: what BI reads, swapped in whole after a good run."""

from orchestration.publish.copy import DUCKDB_FILE, MARTS, SCHEMA, publish
from orchestration.publish.versions import current

__all__ = ["DUCKDB_FILE", "MARTS", "SCHEMA", "current", "publish"]
