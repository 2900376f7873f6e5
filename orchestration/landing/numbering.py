"""Row numbers of records that stand between rejects: position plus the rejects before it.

Looked up in two constant lists, because a join would give the records back in another order.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import duckdb

BITS = 10  # records of one bucket: short lists to search, and few enough buckets


def rejects_before(connection: duckdb.DuckDBPyConnection, places: Sequence[int], records: int, position: str) -> str:
    """SQL: how many rejects stand before the record at `position` (an expression, from 0).

    `places`: for each reject in the file's order, how many records stand before it; `records`: how many there are at
    most.
    """
    edges = [bisect_left(places, bucket << BITS) for bucket in range((records >> BITS) + 2)]
    within = [places[low:high] for low, high in pairwise(edges)]
    # Of each bucket the rejects before it, doubled, and one more where it holds any itself: one look at one number says
    # of nearly all records all there is to say.
    marked = [2 * low + (high > low) for low, high in pairwise(edges)]
    connection.execute("set variable rejects_before_bucket = $1::bigint[]", [marked])
    connection.execute("set variable rejects_in_bucket = $1::bigint[][]", [within])
    bucket = f"(({position} >> {BITS}) + 1)"
    before = f"getvariable('rejects_before_bucket')[{bucket}]"
    inside = f"list_filter(getvariable('rejects_in_bucket')[{bucket}], lambda place: place <= {position})"
    return f"(({before} >> 1) + case when {before} % 2 = 1 then len({inside}) else 0 end)"
