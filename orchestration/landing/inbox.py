"""Landing: every file of the inbox becomes a batch, is recognised as landed already, or goes to `failed/` with the
reason.
"""

import os
import shutil
import threading
from collections.abc import Callable, Container, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.errors import UsageError
from orchestration.landing.batch import (
    batch_folder,
    identify,
    make_manifest,
    next_landed_at,
    publish_batch,
    refuse_collision,
)
from orchestration.landing.crash_points import crash_point
from orchestration.landing.csv_reader import read_csv
from orchestration.landing.errors import UnreadableFileError, told_as_landing_error
from orchestration.landing.feeds import Feed, load_feeds
from orchestration.landing.files import FORMATS, InboxFile, file_format, free_path, move, reason_path, walk_inbox
from orchestration.landing.jsonl_reader import read_jsonl
from orchestration.landing.lock import landing_lock
from orchestration.landing.manifest import Origin, read_manifests
from orchestration.landing.parquet_reader import read_parquet
from orchestration.landing.readers import choose, encodings_of
from orchestration.landing.reading import Reading, Target
from orchestration.landing.remedies import unknown_feed
from orchestration.landing.report import FileOutcome, LandingReport
from orchestration.landing.text import RawFile, Tick, read_raw, to_utf8
from orchestration.redaction import redacted
from orchestration.waiting import Patience

# Deliveries of different feeds or orgs that are read at a time: reading a file with bad lines keeps one core busy.
PARALLEL = 2
CHANGED = "the file changed while it was read"

Progress = Callable[[str, str, int, int], None]  # stage ("landing"), detail (the file), bytes done, bytes in all


def land_inbox(
    data_dir: Path | str,
    project_dir: Path | str,
    as_of: datetime,
    feeds: Mapping[str, Feed] | None = None,
    on_progress: Progress | None = None,
    origins: Mapping[str, Origin] | None = None,
    only: Container[str] | None = None,
    patience: Patience | None = None,
    report: LandingReport | None = None,
) -> LandingReport:
    """Land everything that lies in `data_dir/inbox`, files of one org and feed in the order of their paths.

    `as_of` (aware) becomes each batch's `received_at`. `origins` tells which files connectors brought, by their paths
    below the inbox; with `only` these paths alone are landed. `patience` waits for another landing to end; without any
    there is no waiting. `report` takes what became of each file, also of those before an error, and is what is
    returned.

    Raises `UsageError` for an `as_of` without a zone, `FeedDeclarationError` for faulty declarations, `BusyError` when
    another landing is at work, and `LandingError` when the system or the engine fails (a full disk). A file that cannot
    be read raises nothing: it goes to `failed/`, and the rest goes on.
    """
    if as_of.tzinfo is None:
        raise UsageError(f"as_of must have a time zone, given {as_of.isoformat()}")
    data = Path(data_dir).absolute()
    known = dict(feeds) if feeds is not None else load_feeds(project_dir)
    report = LandingReport() if report is None else report
    with told_as_landing_error(f"work in {data}"), landing_lock(data, patience):
        scratch = data / "landing" / ".tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        files = [file for file in walk_inbox(data / "inbox") if only is None or file.shown in only]
        if not files:
            return report
        meter = _Meter(files, on_progress)
        work = _Landing(data, scratch, known, as_of.astimezone(UTC), meter, origins or {}, report.unmoved)
        outcomes: dict[int, FileOutcome] = {}
        try:
            _land_groups(work, files, outcomes)
        finally:
            report.add([*(outcomes[number] for number in sorted(outcomes)), *work.unmoved.values()])
            shutil.rmtree(scratch, ignore_errors=True)
    return report


def _land_groups(work: "_Landing", files: list[InboxFile], outcomes: dict[int, FileOutcome]) -> None:
    """Land files, those of one org and feed one after the other, since each must know what came before it; `outcomes`
    takes them by the files' numbers.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    sizes: dict[tuple[str, ...], int] = {}
    for number, file in enumerate(files):
        groups.setdefault(file.parts[:3], []).append(number)
        sizes[file.parts[:3]] = sizes.get(file.parts[:3], 0) + _size(file.path)

    def land(numbers: list[int]) -> None:
        for number in numbers:
            outcomes[number] = work.land(files[number], f"file-{number}")

    executor = ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="landing")
    try:
        # The largest first: begun last, it would be read alone while the other reader has nothing to do.
        in_turn = sorted(groups, key=lambda group: -sizes[group])
        for future in [executor.submit(land, groups[group]) for group in in_turn]:
            future.result()
    finally:
        # What has not begun stays in the inbox; what has is brought to its end.
        executor.shutdown(wait=True, cancel_futures=True)


class _Meter:
    """Turns bytes read into progress calls."""

    def __init__(self, files: list[InboxFile], on_progress: Progress | None) -> None:
        self._sizes = {file.path: _size(file.path) for file in files}
        self._total, self._finished, self._done = sum(self._sizes.values()), 0, 0
        self._lock = threading.Lock()
        self._call = on_progress or (lambda stage, detail, done, total: None)

    def of(self, file: InboxFile) -> Tick:
        def tick(further: int) -> None:
            # Hashing is about a fifth of a file's work; the rest counts when the file is done.
            with self._lock:
                self._done += further // 5
                self._call("landing", file.shown, min(self._done, self._total), self._total)

        return tick

    def finish(self, file: InboxFile) -> None:
        with self._lock:
            self._finished += self._sizes[file.path]
            self._done = max(self._done, self._finished)
            self._call("landing", file.shown, min(self._done, self._total), self._total)


def _size(path: Path) -> int:
    """A file's bytes; none of one that somebody has just taken away."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


class _Landing:
    """One landing at work: the open book of what has landed, and the scratch folder. `unmoved` is what has become a
    batch and could not be moved out of the inbox; of the try before this one it is given."""

    def __init__(
        self,
        data: Path,
        scratch: Path,
        feeds: dict[str, Feed],
        as_of: datetime,
        meter: _Meter,
        origins: Mapping[str, Origin],
        unmoved: Mapping[tuple[str, str], FileOutcome],
    ) -> None:
        self.data, self.scratch, self.feeds, self.as_of, self.meter = data, scratch, feeds, as_of, meter
        self.origins = origins
        self.before = unmoved
        self.unmoved: dict[tuple[str, str], FileOutcome] = {}
        self.book: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.by_id: dict[str, dict[str, Any]] = {}
        for manifest in read_manifests(data):
            key = (manifest["org_id"], f"{manifest['system']}/{manifest['feed']}")
            self.book.setdefault(key, []).append(manifest)
            self.by_id[manifest["batch_id"]] = manifest

    def land(self, file: InboxFile, scratch: str) -> FileOutcome:
        """Bring one file to its end in a scratch folder of its own; whatever is wrong with it stays its own affair."""
        work_dir = self.scratch / scratch
        shutil.rmtree(work_dir, ignore_errors=True)
        try:
            with told_as_landing_error(f"landing inbox/{file.shown}"):
                work_dir.mkdir(parents=True)
                try:
                    return self._ended(file, work_dir)
                except FileNotFoundError:
                    if os.path.lexists(file.path):
                        raise
                    return _busy(file, "the file went away while it was read")
        finally:
            shutil.rmtree(work_dir, ignore_errors=True)
            self.meter.finish(file)

    def _ended(self, file: InboxFile, work_dir: Path) -> FileOutcome:
        before = _state(file.path)
        try:
            return self._land(file, work_dir, before)
        except UnreadableFileError as error:
            # What is still being written need not be readable yet.
            return self._fail(file, error) if _is_still(file.path, before) else _busy(file, CHANGED)
        except (duckdb.Error, pa.ArrowException):
            # The engine has its own words for a file that goes away under it.
            if _is_still(file.path, before):
                raise
            return _busy(file, CHANGED)

    def _land(self, file: InboxFile, work_dir: Path, before: tuple[int, int]) -> FileOutcome:
        org_id, feed, form = self._place(file)
        raw = read_raw(file.path, work_dir, self.meter.of(file))
        crash_point("after-hash")
        landed = self.book.setdefault((org_id, feed.key), [])
        identity, known = identify(feed, org_id, raw.sha256, landed)
        if known:
            again = FileOutcome(file.shown, "redelivered", org_id, feed.system, feed.name, identity)
            outcome = self.before.get((file.shown, identity), again)
            return self._archive(file, outcome) if _is_still(file.path, before) else _busy(file, CHANGED)
        refuse_collision(identity, org_id, feed.key, raw.sha256, self.by_id.get(identity))
        target = Target(
            work_dir,
            org_id,
            feed.key,
            identity,
            file.parts[-1],
            self.as_of.replace(tzinfo=None).isoformat(timespec="microseconds"),
        )
        reading = read_delivery(raw, form, feed, target, work_dir)
        if not _is_still(file.path, before):
            return _busy(file, CHANGED)
        reading.check()
        origin = self.origins.get(file.shown)
        if origin and (origin.bytes, origin.mtime_ns) != before:
            origin = None  # another file has taken its name
        at = next_landed_at(landed)
        manifest = make_manifest(feed, target, reading, raw.sha256, raw.size, self.as_of, at, origin)
        publish_batch(target, manifest, batch_folder(self.data, feed, org_id, identity))
        landed.append(manifest)
        self.by_id[identity] = manifest
        outcome = FileOutcome(
            file.shown,
            "landed",
            org_id,
            feed.system,
            feed.name,
            identity,
            rows=reading.records,
            rejected=reading.rejects,
        )
        self.unmoved[file.shown, identity] = outcome
        # What has taken its name since it was read is another delivery, and stays.
        if not _is_still(file.path, before):
            return self.unmoved.pop((file.shown, identity))
        moved = self._archive(file, outcome)
        del self.unmoved[file.shown, identity]
        return moved

    def _place(self, file: InboxFile) -> tuple[str, Feed, str]:
        """Org, feed and format by the file's path. Raises `UnreadableFileError` when it lies where nothing is
        expected.
        """
        try:
            file.shown.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UnreadableFileError(
                "a path that is not UTF-8",
                "names of folders and files in UTF-8",
                "rename the file or folder and deliver it again",
            ) from error
        if len(file.parts) != 4:
            raise UnreadableFileError(
                f"a file at inbox/{file.shown}",
                "files at inbox/<org>/<system>/<feed>/<file>, neither higher nor deeper",
                "put the file into its org's folder of the feed, such as inbox/acme/"
                + next(iter(self.feeds), "pos/orders")
                + "/",
            )
        org_id, system, name, shown = file.parts
        feed = self.feeds.get(f"{system}/{name}")
        if feed is None:
            raise unknown_feed(system, name, list(self.feeds))
        if file.path.is_symlink() or not file.path.is_file():
            raise UnreadableFileError("a link or special file", "a regular file", "copy the file itself into the inbox")
        form = file_format(shown) or ("csv" if feed.readers else None)
        if form is None:
            raise UnreadableFileError(
                f"a file with the ending {Path(shown).suffix or '(none)'}",
                f"one of the endings {', '.join(FORMATS)}, text also with .gz after it",
                "rename the file if its content is one of these, or export it as CSV",
            )
        return org_id, feed, form

    def _archive(self, file: InboxFile, outcome: FileOutcome) -> FileOutcome:
        assert outcome.batch_id
        folder = self.data.joinpath("archive", *file.parts[:-1])
        moved = move(file.path, free_path(folder, file.parts[-1], outcome.batch_id[:8]))
        crash_point("after-archive")
        return _moved(outcome, moved, self.data)

    def _fail(self, file: InboxFile, error: UnreadableFileError) -> FileOutcome:
        folder = self.data.joinpath("failed", *file.parts[:-1])
        target = free_path(folder, file.parts[-1])
        folder.mkdir(parents=True, exist_ok=True)
        # The reason first: a crash in between leaves the file in the inbox, never a failed file without its reason.
        # People send it on; the file beside it has what it quotes.
        text = f"File:     inbox/{file.shown}\n{redacted(error.text())}"
        reason_path(target).write_text(text, encoding="utf-8", errors="backslashreplace")
        moved = move(file.path, target)
        outcome = FileOutcome(file.shown, "failed", reason=redacted(error.found), **_where(file))
        return _moved(outcome, moved, self.data)


def _where(file: InboxFile) -> dict[str, str]:
    """Org, system and feed of a file that lies where deliveries lie."""
    return dict(zip(("org_id", "system", "feed"), file.parts, strict=False)) if len(file.parts) == 4 else {}


def _busy(file: InboxFile, reason: str) -> FileOutcome:
    return FileOutcome(file.shown, "busy", reason=reason, **_where(file))


def _moved(outcome: FileOutcome, path: Path, data: Path) -> FileOutcome:
    return replace(outcome, moved_to=path.relative_to(data).as_posix())


def read_delivery(raw: RawFile, form: str, feed: Feed, target: Target, work_dir: Path) -> Reading:
    """Read a delivery in the way of its format into the two Parquet files of `target`."""
    if form == "parquet":
        return read_parquet(raw.path, feed, target)
    plain = to_utf8(raw, encodings_of(feed, raw.head), work_dir, feed.declared_in)
    reader = choose(feed.readers, plain.head)
    if reader:
        return reader.read(plain, feed, target)
    try:
        return read_jsonl(plain, feed, target) if form == "jsonl" else read_csv(plain, feed, target)
    except UnreadableFileError as error:
        if feed.readers:
            error.expected = f"a file in one of the formats {', '.join(feed.readers)}, or {error.expected}"
        raise


def _state(path: Path) -> tuple[int, int]:
    """Size and time of change: what differs when someone is still writing."""
    info = path.lstat()
    return info.st_size, info.st_mtime_ns


def _is_still(path: Path, before: tuple[int, int]) -> bool:
    """Whether a file is as it was; one that is gone is not."""
    try:
        return _state(path) == before
    except FileNotFoundError:
        return False
