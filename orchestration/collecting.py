"""How often Python looks for objects that nothing refers to any more."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects made before Python looks for unreachable ones among them. It is 700 by default, and a parsed project is a
# million objects that all stay.
THRESHOLD = (200_000, 20, 50)


def collect_rarely() -> None:
    """Let Python look for them less often, to the end of the process."""
    gc.set_threshold(*THRESHOLD)


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Let Python look for them less often, for a while."""
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)
