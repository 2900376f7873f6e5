"""`tieout purge`: remove what old runs left behind."""

import json
import os
from datetime import timedelta
from pathlib import Path

import click

from orchestration.commands.shared import Duration, data_dir_option, json_option, target_option, wait_option


@click.command()
@click.option(
    "--older-than",
    type=Duration(),
    default="14 days",
    show_default=True,
    help="Only what nothing has changed in for so long.",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@wait_option
@data_dir_option
@target_option
@json_option
def purge(older_than: float, dry_run: bool, wait: float, data_dir: Path, target: str, as_json: bool) -> None:
    """Remove what old runs left: dbt's folders, unlinked published versions, rotated logs, outputs of Dagster's runs.

    Never landing, the audit, artifacts (see `tieout artifacts purge`), run records, archive, or a backup.
    """
    from orchestration import clock
    from orchestration import purge as purging
    from orchestration.data_dir import DataDir
    from orchestration.progress import Lines
    from orchestration.project import project_dir

    home = os.environ.get("DAGSTER_HOME")
    gone = purging.purge(
        DataDir.at(data_dir),
        project_dir(),
        Path(home) if home else None,
        clock.now(),
        timedelta(seconds=older_than),
        dry_run=dry_run,
        wait=timedelta(seconds=wait),
        progress=Lines(),
    )
    size = sum(one.bytes for one in gone)
    if as_json:
        said = {"dry_run": dry_run, "bytes": size, "removed": [one.to_json() for one in gone]}
        click.echo(json.dumps(said, indent=2))
        return
    for one in gone:
        click.echo(f"{one.bytes:>15,}  {one.changed_at:%Y-%m-%d}  {one.kind}: {one.path}")
    click.echo(f"{'Would remove' if dry_run else 'Removed'} {len(gone):,} files and folders, {size:,} bytes.")
