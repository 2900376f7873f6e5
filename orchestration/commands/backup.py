"""`tieout backup create | list | verify` and `tieout restore`: what cannot be made again, kept and brought back."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from orchestration.commands.shared import data_dir_option, json_option, print_listing, target_option, wait_option

# Exit code of a backup that is not as it was written.
DOES_NOT_HOLD = 1


place_argument = click.argument("backup", type=click.Path(path_type=Path), metavar="BACKUP")


@click.group()
def backup() -> None:
    """What cannot be made again: landing, artifacts, run records and the audit, in one place that proves itself."""


@backup.command("create")
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER|FILE.tar",
    help="A folder of backups, in which files that have not changed are shared with the one before; or one file"
    " (.tar, .tar.gz).",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(["archive", "failed", "inbox", "quick"]),
    help="Leave this out; may be given several times.",
)
@click.option("--keep", type=click.IntRange(1), help="Keep so many backups of the folder, this one included.")
@wait_option
@data_dir_option
@target_option
@json_option
def backup_create(
    to: Path,
    without: tuple[str, ...],
    keep: int | None,
    wait: float,
    data_dir: Path,
    target: str,
    as_json: bool,
) -> None:
    """Back the data folder up, with the audit of the engine.

    What never changes is copied while runs may work; the data folder is held only for the rest.
    """
    from orchestration import backup as backups
    from orchestration.backup.reading import is_packed
    from orchestration.errors import UsageError
    from orchestration.progress import for_terminal

    if keep is not None and is_packed(to):
        raise UsageError("--keep counts the backups of a folder; --to names a file.")
    with for_terminal() as progress:
        made = backups.create(
            data_dir, target, to, without=without, keep=keep, wait=timedelta(seconds=wait), progress=progress
        )
    manifest = made.manifest
    if as_json:
        said = {**_described(manifest), "path": str(made.path), "shared": made.shared, "removed": list(made.removed)}
        click.echo(json.dumps(said, indent=2))
        return
    click.echo(
        f"Written to {made.path}: {len(manifest.files):,} files, {manifest.bytes:,} bytes,"
        f" {sum(table.rows for table in manifest.tables):,} rows of {len(manifest.tables)} tables of the audit."
        + (f" {made.shared:,} files are shared with the backup before." if made.shared else "")
    )
    for name in made.removed:
        click.echo(f"Removed {name}, which --keep {keep} leaves no room for.")


@backup.command("list")
@click.argument("folder", type=click.Path(path_type=Path))
@data_dir_option
@target_option
@json_option
def backup_list(folder: Path, data_dir: Path, target: str, as_json: bool) -> None:
    """List the backups in a folder, the newest first."""
    from orchestration import backup as backups

    print_listing(backups.listed(folder), as_json, empty=f"There is no backup in {folder}.")


@backup.command("verify")
@place_argument
@data_dir_option
@target_option
@json_option
@click.pass_context
def backup_verify(context: click.Context, backup: Path, data_dir: Path, target: str, as_json: bool) -> None:
    """Compute the SHA-256 of every file of a backup anew. Exit code 1 if one is not as it was written."""
    from orchestration import backup as backups

    checked = backups.verify(backup)
    if as_json:
        said = {"verified": checked.holds, **_described(checked.manifest), "faults": list(checked.faults)}
        click.echo(json.dumps(said, indent=2))
    else:
        for fault in checked.faults:
            click.echo(f"{fault}.")
        manifest = checked.manifest
        click.echo(
            f"Looked at {len(manifest.files):,} files, {manifest.bytes:,} bytes, of {manifest.created_at}."
            f" The backup is{'' if checked.holds else ' NOT'} as it was written."
        )
    context.exit(0 if checked.holds else DOES_NOT_HOLD)


@click.command("restore")
@place_argument
@data_dir_option
@click.option(
    "--target", metavar="duckdb|postgres", help="Refuse the backup unless it is of this engine; it says its own."
)
@json_option
@click.pass_context
def restore(context: click.Context, backup: Path, data_dir: Path, target: str | None, as_json: bool) -> None:
    """Restore a backup into an empty data folder, on Postgres into an empty database too.

    Then `tieout run` makes the warehouse anew: at the `as_of` of the last run it comes to the same results. Exit code 1
    if the audit that was restored is not as it was written.
    """
    from orchestration import backup as backups
    from orchestration.progress import for_terminal

    with for_terminal() as progress:
        done = backups.restore(backup, data_dir, target, progress)
    if as_json:
        said = {
            **_described(done.manifest),
            "data_dir": str(done.data_dir),
            "audit": done.audit.to_json(),
        }
        click.echo(json.dumps(said, indent=2))
    else:
        manifest = done.manifest
        click.echo(
            f"Restored into {done.data_dir}: {len(manifest.files):,} files, {done.rows:,} rows of the audit, as of"
            f" {manifest.created_at}."
        )
        for fault in done.audit.faults:
            click.echo(f"{fault.kind}: {fault.table}: {fault.message}.")
        click.echo("The audit is as it was written." if done.audit.holds else "The audit is NOT as it was written.")
        option = "" if manifest.target == "duckdb" else f" --target {manifest.target}"
        if manifest.latest:
            click.echo(
                f"Now, for a drill: tieout run --data-dir {done.data_dir}{option} --as-of {manifest.latest['as_of']}"
                " --no-fetch --no-alerts (the same results); or to go on: tieout run without these."
            )
            for stream, results_hash in manifest.latest["results_hashes"].items():
                click.echo(f"  {stream}: {results_hash}")
    context.exit(0 if done.audit.holds else DOES_NOT_HOLD)


def _described(manifest: Any) -> dict[str, Any]:
    """A manifest without its lists of files, as JSON."""
    return {
        "backup_id": manifest.backup_id,
        "created_at": manifest.created_at,
        "target": manifest.target,
        "version": manifest.version,
        "code_version": manifest.code_version,
        "left_out": list(manifest.left_out),
        "latest": manifest.latest,
        "tables": {table.name: table.rows for table in manifest.tables},
        "files": len(manifest.files),
        "bytes": manifest.bytes,
    }


backup.add_command(restore)
