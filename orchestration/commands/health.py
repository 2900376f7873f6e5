"""`tieout health`: whether all is well, and the numbers for a monitoring system."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from orchestration.commands.shared import data_dir_option, json_option, target_option

NOT_WELL = 1


def _duration(context: click.Context, option: click.Parameter, given: str | None) -> timedelta | None:
    """A length of time, None where there is to be no limit."""
    from orchestration.durations import parse_duration

    if given is None or given == "never":
        return None
    try:
        return parse_duration(given)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error


@click.command()
@data_dir_option
@target_option
@click.option(
    "--max-age",
    callback=_duration,
    metavar="DURATION",
    help="How long ago a stream may have closed last, such as 6h; unless given, its schedule says.",
)
@click.option(
    "--min-free",
    type=click.FloatRange(0, 100),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="How much of the disk is to be free.",
)
@click.option(
    "--max-unverified",
    callback=_duration,
    default="8 days",
    show_default=True,
    metavar="DURATION",
    help="How long the audit may go without `tieout audit verify`; `never` asks for none.",
)
@json_option
@click.pass_context
def health(
    context: click.Context,
    data_dir: Path,
    target: str,
    max_age: timedelta | None,
    min_free: float,
    max_unverified: timedelta | None,
    as_json: bool,
) -> None:
    """Say whether all is well, and write the numbers for Prometheus to DATA/health/tieout.prom.

    Looks at the last run, at when each stream last closed, at late feeds, at the disk and at the proof of the audit. It
    takes no lock and opens no warehouse, so it may be asked at any time. Exit code 1 if anything is wrong.
    """
    from orchestration import clock, logs
    from orchestration import project as projects
    from orchestration.data_dir import DataDir
    from orchestration.environment import check_target
    from orchestration.health.checks import Limits, check_health
    from orchestration.health.metrics import write_metrics

    check_target(target)
    data, project, now = DataDir.at(data_dir), projects.project_dir(), clock.now()
    found = check_health(data, project, target, now, Limits(max_age, min_free, max_unverified))
    file: Path | None = None
    try:
        file = write_metrics(data, project, target, now)
    except OSError as error:
        # Whoever asks may not be let write here; what is wrong with the rest counts more.
        click.echo(logs.redacted(f"tieout: the numbers could not be written: {error}"), err=True)
    healthy = all(check.ok for check in found)
    if as_json:
        checks = [{"check": check.check, "ok": check.ok, "message": check.message} for check in found]
        answer: dict[str, Any] = {"healthy": healthy, "checks": checks, "metrics": str(file) if file else None}
        click.echo(json.dumps(answer, indent=2))
    else:
        for check in found:
            click.echo(f"{'ok   ' if check.ok else 'WRONG'} {check.check}: {check.message}")
        click.echo("All is well." if healthy else "Not all is well.")
    context.exit(0 if healthy else NOT_WELL)
