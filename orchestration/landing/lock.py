"""One landing at a time in a data folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.errors import BusyError
from orchestration.waiting import Patience

LOCK_FILE = ".landing.lock"


@contextmanager
def landing_lock(data_dir: Path, patience: Patience | None = None) -> Iterator[None]:
    """Hold the data folder's landing lock; the system frees it when the process ends, however it ends.

    Raises `BusyError` when another landing holds it: at once, or when the patience to wait for it is at its end.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / LOCK_FILE
    with path.open("w") as handle:

        def take() -> None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BusyError(
                    f"Another landing is at work in {data_dir} (it holds {path.name}). Wait until it has ended and run "
                    "again; what is in the inbox stays there.",
                    "another landing",
                ) from error

        (patience or Patience()).until(take)
        yield
