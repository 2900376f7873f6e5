"""Restoring a backup into an empty place. Nothing is overwritten, and nothing is there before all of it has been
proved."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestration import clock, runs
from orchestration.audit.ledger import anchors_file, open_ledger
from orchestration.audit.verification import Proof
from orchestration.audit.verification import verify as verify_audit
from orchestration.backup import tables
from orchestration.backup.manifest import DATA, TABLES, BackupError, Manifest
from orchestration.backup.reading import check_place, go_through, hashed
from orchestration.backup.refusals import told
from orchestration.data_dir import RESTORING, DataDir, write_json
from orchestration.environment import Place
from orchestration.errors import UsageError
from orchestration.health import verified
from orchestration.landing.connectors.committing import forget_missing
from orchestration.landing.crash_points import crash_point
from orchestration.progress import Progress, Silent

# What an empty folder may have in it.
EMPTY = (".lock", ".landing.lock", "lost+found")


@dataclass(frozen=True)
class Restored:
    """What was restored, and whether its audit is as it was written. The warehouse is made by the next run."""

    data_dir: Path
    manifest: Manifest
    audit: Proof
    rows: int


def restore(path: Path, data_dir: Path, target: str | None = None, progress: Progress | None = None) -> Restored:
    """Restore a backup into an empty data folder, and on Postgres into an empty database.

    Raises:
        UsageError: there is no backup, or the place is not empty, or the backup is of another engine than `target`.
        BackupError: the backup is damaged; the message names the files. Nothing of it is in the place then.
    """
    progress = progress or Silent()
    path = path.expanduser().absolute()
    check_place(path)
    data = _empty(data_dir)
    with data.lock("tieout restore", restoring=True):
        # Somebody may have come before, as long as nobody held it.
        _empty(data.root)
        manifest, place = _put_aside(path, data, target, progress)
        scratch = data.root / RESTORING
        with told(
            f"The restore into {data.root} broke off",
            "Remove that folder (on Postgres the database too) and restore again.",
        ):
            _note(scratch / DATA, manifest)
            _move_in(scratch, data.root)
        progress.phase("Proving")
        with told(f"{data.root} is restored, and its audit not proved", "`tieout audit verify` tries it again."):
            proof = _prove(place)
            if proof.rows or proof.faults:
                verified.keep(data, place.target, proof)
    return Restored(data.root, manifest, proof, sum(table.rows for table in manifest.tables))


def _put_aside(path: Path, data: DataDir, target: str | None, progress: Progress) -> tuple[Manifest, Place]:
    """Have all of a backup, proved, beside its place, and its tables in it; or nothing at all."""
    scratch = data.root / RESTORING
    with told(f"The backup cannot be restored into {data.root}", "Nothing was restored."):
        scratch.mkdir()
        try:
            progress.phase("Restoring")
            checked = go_through(path, _taker(scratch, progress))
            if not checked.holds:
                shown = "; ".join(checked.faults[:5])
                more = f"; and {len(checked.faults) - 5} more" if len(checked.faults) > 5 else ""
                raise BackupError(f"The backup {path} is damaged, and nothing was restored: {shown}{more}.")
            manifest = checked.manifest
            if target is not None and target != manifest.target:
                raise UsageError(f"The backup {path} is of the engine {manifest.target}, not of {target}.")
            _times(scratch, manifest)
            # What came and is not in the backup is still at its source, or nowhere: nobody is to wait for it.
            forget_missing(scratch / DATA)
            place = Place(data, manifest.target, replay=False)
            tables.check_empty(place)
            crash_point("restore-before-tables")
            tables.put_all(place, manifest.tables, scratch / TABLES, scratch / place.duckdb_path.name)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    return manifest, place


def _empty(data_dir: Path) -> DataDir:
    root = data_dir.expanduser()
    found = sorted(file.name for file in root.iterdir()) if root.is_dir() else []
    if RESTORING in found:
        raise UsageError(
            f"{data_dir} holds a restore that was cut off. Remove that folder (on Postgres the database too) and"
            " restore again."
        )
    left = [name for name in found if name not in EMPTY]
    if left:
        raise UsageError(
            f"--data-dir {data_dir} is not empty (it has {', '.join(left[:3])}{' and more' if len(left) > 3 else ''})."
            " A restore overwrites nothing: name a folder that is not there yet."
        )
    return DataDir.at(root)


def _taker(scratch: Path, progress: Progress) -> Callable[[str, IO[bytes]], tuple[int, str]]:
    """Writes what it is handed below a folder."""

    def take(name: str, content: IO[bytes]) -> tuple[int, str]:
        file = scratch / name
        file.parent.mkdir(parents=True, exist_ok=True)
        progress.step(0, 0, name)
        with file.open("xb") as sink:
            return hashed(content, sink)

    return take


def _times(scratch: Path, manifest: Manifest) -> None:
    """Give files back when they were last changed: so the next backup sees that it has them."""
    for entry in manifest.files:
        os.utime(scratch / entry.path, ns=(entry.mtime_ns, entry.mtime_ns))


def _note(root: Path, manifest: Manifest) -> None:
    file = runs.restored_file(DataDir(root), manifest.target)
    write_json(
        file,
        {
            "restored_at": clock.to_text(clock.now()),
            "backup_id": manifest.backup_id,
            "created_at": manifest.created_at,
            "target": manifest.target,
        },
    )


def _move_in(scratch: Path, root: Path) -> None:
    """Put everything in its place: the run records last, without which a folder knows of nothing."""
    rooms = sorted((scratch / DATA).iterdir(), key=lambda room: room.name == "runs")
    warehouse = scratch / "warehouse.duckdb"
    for item in [*([warehouse] if warehouse.is_file() else []), *rooms]:
        item.rename(root / item.name)
        crash_point("restore-mid-move")
    shutil.rmtree(scratch)


def _prove(place: Place) -> Proof:
    if place.target == "duckdb" and not place.duckdb_path.is_file():
        return (
            verify_audit(None, place.data, place.target)
            if anchors_file(place.data, place.target).is_file()
            else Proof()
        )
    with open_ledger(place) as ledger:
        return verify_audit(ledger, place.data, place.target)
