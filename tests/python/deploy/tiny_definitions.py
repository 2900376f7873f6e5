"""A code location that loads at once: how processes talk to each other does not depend on what they run."""

import dagster as dg


@dg.op
def count() -> int:
    return 1


@dg.job
def tiny() -> None:
    count()


defs = dg.Definitions(jobs=[tiny])
