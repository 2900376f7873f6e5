"""Where a quick reconciliation works: a folder of its own below `quick/` of the main data folder, which nobody else
touches, and generated projects that are kept for the next one."""

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.audit import adoption
from orchestration.data_dir import DataDir, write_json
from orchestration.environment import Place
from orchestration.errors import TieoutError
from orchestration.excerpt import Files, paths
from orchestration.quick.generate import STREAM, key_of
from orchestration.runs import State

FOLDER, PROJECTS, RECORD = "quick", ".projects", "quick.json"
# Generated projects that are kept, with dbt's parse of them; and how long one may be in use unseen.
KEPT, IN_USE_SECONDS = 8, 3600


@dataclass(frozen=True)
class Workshop:
    """The folder of one quick reconciliation."""

    home: DataDir
    quick_id: str

    @property
    def root(self) -> Path:
        return self.home.root / FOLDER / self.quick_id

    @property
    def record(self) -> Path:
        return self.root / RECORD

    @property
    def looking(self) -> Path:
        """Where the files are read before anything is decided."""
        return self.root / "look"

    @property
    def data(self) -> Path:
        """The scratch data folder: inbox, landing and warehouse."""
        return self.root / "data"

    @property
    def results(self) -> Path:
        return self.root / "results"

    def save(self, record: dict[str, Any]) -> None:
        write_json(self.record, record)

    def clean(self) -> None:
        """Remove what only the run itself needed."""
        shutil.rmtree(self.looking, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)


@contextmanager
def opened(home: DataDir, quick_id: str) -> Iterator[Workshop]:
    """A new workshop, held by this process until the block ends. One in which nothing was put on record is gone then.
    What a process that died has left is removed first."""
    shop = Workshop(home, quick_id)
    with _alone(home):
        _sweep(home)
        shop.root.mkdir(parents=True)
        held = os.open(shop.root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield shop
    finally:
        shutil.rmtree(shop.looking, ignore_errors=True)
        if not shop.record.is_file():
            shutil.rmtree(shop.root, ignore_errors=True)
        else:
            (shop.root / ".lock").unlink(missing_ok=True)
        os.close(held)


@contextmanager
def _alone(home: DataDir) -> Iterator[None]:
    """Let no other quick reconciliation begin, for the moment that it takes to make a folder."""
    folder = home.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644), "r+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _sweep(home: DataDir) -> None:
    """Remove the workshops of processes that died: nobody holds them any more. A record stays, and says so."""
    for lock in (home.root / FOLDER).glob("[!.]*/.lock"):
        with os.fdopen(os.open(lock, os.O_RDWR), "r+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
        shop = Workshop(home, lock.parent.name)
        if shop.record.is_file():
            record = json.loads(shop.record.read_text(encoding="utf-8"))
            scratch = DataDir(shop.data)
            if record["target"] == "duckdb":
                with suppress(TieoutError):
                    adoption.hand_over(Place(scratch, "duckdb", replay=False), home, STREAM)
            adoption.hand_over_crashed(scratch, record["target"], home, STREAM)
        shop.clean()
        if shop.record.is_file():
            shop.save({**record, "state": State.FAILED, "failures": ["The process ended without a word."]})
            lock.unlink()
        else:
            shutil.rmtree(shop.root, ignore_errors=True)


def put_project(home: DataDir, files: Files) -> Path:
    """The folder of a generated project. It is named after its content and never changed, so that one that is there is
    right, and so is what dbt has parsed of it."""
    parent = home.root / FOLDER / PROJECTS
    folder = parent / key_of(files)
    if not folder.is_dir():
        parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".", dir=parent))
        try:
            for path in paths(files):
                file = fresh / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(files[path])
            # Another one may have put the same there meanwhile.
            with suppress(OSError):
                fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    os.utime(folder)
    _forget_old(parent)
    return folder


def _forget_old(parent: Path) -> None:
    by_use = sorted(parent.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in by_use[KEPT:]:
        if time.time() - folder.stat().st_mtime > IN_USE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def deliver(data: Path, org: str, feed: str, file: Path) -> None:
    """Put a file into the inbox as it is: a second name of the same bytes, or a copy where that cannot be."""
    target = data / "inbox" / org / feed / file.name
    target.parent.mkdir(parents=True)
    try:
        os.link(file.resolve(), target)
    except OSError:
        shutil.copyfile(file, target)
