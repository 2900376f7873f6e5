"""`tieout alerts`: what people were told, telling them what is due, testing a channel, the digest."""

import json
import os
from pathlib import Path
from typing import Any

import click

from orchestration.commands.shared import data_dir_option, json_option, print_listing, target_option
from orchestration.errors import UsageError

NOT_DELIVERED = 1
VARIABLE, SAYS = "TIEOUT_ALERTS", {"on": True, "off": False}
STATES = ("SENT", "FAILED", "GAVE_UP", "SUPPRESSED", "WAITING", "HELD")


@click.group()
def alerts() -> None:
    """Who was told what; see docs/alerts.md."""


@alerts.command("list")
@data_dir_option
@target_option
@click.option("--kind", help="Only this kind, such as late_feed.")
@click.option("--channel", help="Only this channel.")
@click.option("--state", type=click.Choice(STATES, case_sensitive=False), help="Only what stands like this.")
@click.option("--attempts", is_flag=True, help="Every attempt, and not only how each alert stands.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The latest so many.")
@json_option
def alerts_list(
    data_dir: Path,
    target: str,
    kind: str | None,
    channel: str | None,
    state: str | None,
    attempts: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List what was sent, failed, was suppressed, or waits, the latest first."""
    from orchestration.alerts.listing import listed
    from orchestration.data_dir import DataDir
    from orchestration.environment import check_target

    rows = listed(DataDir.at(data_dir), check_target(target), every_attempt=attempts)
    wanted = {"kind": kind, "channel": channel, "state": state.upper() if state else None}
    found = [row for row in rows if all(value is None or row[name] == value for name, value in wanted.items())][:limit]
    if not as_json:
        shown = ("at", "kind", "severity", "title", "channel", "state", "attempt", "error")
        found = [{name: row[name] for name in shown} | {"at": row["at"][:16].replace("T", " ")} for row in found]
    print_listing(found, as_json, empty="Nobody was told anything.")


@alerts.command("send")
@data_dir_option
@target_option
@json_option
@click.pass_context
def alerts_send(context: click.Context, data_dir: Path, target: str, as_json: bool) -> None:
    """Send what is due: of runs, late feeds, due times and the digest. Again is nothing.

    Exit code 1 when something could not be delivered; the next call tries again.
    """
    from orchestration import clock
    from orchestration.alerts import send_due
    from orchestration.data_dir import DataDir
    from orchestration.environment import check_target
    from orchestration.project import project_dir

    report = send_due(DataDir.at(data_dir), project_dir(), check_target(target), clock.now())
    _print(report, as_json)
    context.exit(0 if report.ok else NOT_DELIVERED)


@alerts.command("test")
@click.argument("channel")
@data_dir_option
@target_option
@json_option
@click.pass_context
def alerts_test(context: click.Context, channel: str, data_dir: Path, target: str, as_json: bool) -> None:
    """Send a test message to a channel of alerts.yml."""
    from orchestration import clock
    from orchestration.alerts import send_test
    from orchestration.alerts.listing import listed
    from orchestration.data_dir import DataDir
    from orchestration.environment import check_target
    from orchestration.project import project_dir

    data = DataDir.at(data_dir)
    report = send_test(data, project_dir(), check_target(target), channel, clock.now())
    _print(report, as_json)
    if not as_json and not report.ok:
        tried = [row for row in listed(data, target, every_attempt=True) if row["kind"] == "test" and row["error"]]
        said = next((row["error"] for row in tried if row["state"] == "FAILED"), "")
        click.echo(f"{channel}: {said}", err=True)
    context.exit(0 if report.ok and not report.is_busy else NOT_DELIVERED)


@alerts.command("digest")
@data_dir_option
@target_option
@json_option
def alerts_digest(data_dir: Path, target: str, as_json: bool) -> None:
    """Print the digest as it would go out now. Nothing is sent."""
    from orchestration import clock
    from orchestration.alerts.listing import digests_now
    from orchestration.data_dir import DataDir
    from orchestration.environment import check_target
    from orchestration.project import project_dir

    found = digests_now(DataDir.at(data_dir), project_dir(), check_target(target), clock.now())
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo("\n\n".join(f"{digest['title']}\n\n{digest['text']}" for digest in found))


def tells(data_dir: Path, asked: bool | None) -> bool:
    """Whether a run tells people what it came to: as asked; else as the environment's `TIEOUT_ALERTS` says; else unless
    the data folder has just been restored from a backup, which may be a drill's.

    Raises:
        UsageError: the variable says neither on nor off.
    """
    if asked is not None:
        return asked
    said = os.environ.get(VARIABLE, "").strip().lower()
    if said in SAYS:
        return SAYS[said]
    if said:
        raise UsageError(f"{VARIABLE} must be on or off, given {said!r}.")
    from orchestration import runs
    from orchestration.data_dir import DataDir
    from orchestration.project import project_dir

    fresh = runs.is_fresh_restore(DataDir(data_dir))
    if fresh and (project_dir() / "alerts.yml").exists():
        click.echo("This folder was restored from a backup: nobody is told of this run (`--alerts` does).", err=True)
    return not fresh


def tell_after_run(data_dir: Path, target: str) -> None:
    """Send what is due at the end of a run, where the project has an `alerts.yml`. Whatever goes wrong with it is one
    line and changes nothing of the run."""
    try:
        from orchestration.project import project_dir

        project = project_dir()
        # Looked at first: without it nothing of alerts is loaded.
        if not (project / "alerts.yml").exists():
            return
        from orchestration import clock
        from orchestration.alerts import send_due
        from orchestration.data_dir import DataDir

        report = send_due(DataDir.at(data_dir), project, target, clock.now())
        if report.raised or report.sent or not report.ok:
            click.echo(report.line(), err=True)
    except Exception as error:  # the run has ended as it has ended, whatever this is
        from orchestration.redaction import redacted

        click.echo(redacted(f"Alerts could not be sent: {' '.join(str(error).split())}"), err=True)


def _print(report: Any, as_json: bool) -> None:
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else report.line())
