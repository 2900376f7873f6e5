"""The command line `tieout`."""

import atexit
import json
import os
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from orchestration.collecting import collect_rarely
from orchestration.commands import alerts as alerts_commands
from orchestration.commands import audit as audit_commands
from orchestration.commands import backup as backup_commands
from orchestration.commands import connectors as connector_commands
from orchestration.commands import new
from orchestration.commands.health import health
from orchestration.commands.purge import purge
from orchestration.commands.quick import quick
from orchestration.commands.shared import (
    alerts_option,
    answers_console,
    as_of_option,
    data_dir_option,
    fetch_option,
    json_option,
    print_listing,
    target_option,
    wait_option,
)
from orchestration.commands.validate import validate
from orchestration.errors import TieoutError, UsageError, of_machine

# Exit codes beside those of the errors: the shell's own for Ctrl-C.
NOT_CLOSED = 1
INTERRUPTED = 130


def _tell_redacted(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of what nobody foresaw, without secrets and card numbers: it may end in a log."""
    import traceback

    from orchestration.redaction import redacted

    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))


class Commands(click.Group):
    """A group in which every error that a user can cause ends in one message and its exit code, never in a
    traceback."""

    def invoke(self, context: click.Context) -> Any:
        sys.excepthook = _tell_redacted
        try:
            return super().invoke(context)
        except TieoutError as error:
            from orchestration.redaction import redacted

            # A service manager keeps what a command says for a log.
            click.echo(redacted(f"tieout: {error}"), err=True)
            context.exit(error.exit_code)
        except KeyboardInterrupt as stopped:
            done = "what it had published stands" if "published" in stopped.args else "nothing was published"
            click.echo(f"tieout: stopped; {done}, and the next run carries on from here.", err=True)
            context.exit(INTERRUPTED)
        except BrokenPipeError:
            raise
        except Exception as error:
            told = of_machine(error)
            if told is None:
                raise
            click.echo(f"tieout: {told}", err=True)
            context.exit(NOT_CLOSED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tieout")
def main() -> None:
    """Prove that two systems agree, or show exactly where they do not.

    Put files into DATA/inbox/<org>/<system>/<feed>/ and type `tieout run`.

    \b
    Exit codes: 0 the books closed (exceptions may exist)
                1 a law or a gate failed
                2 wrong usage or configuration
    """


@main.command()
@data_dir_option
@target_option
@as_of_option
@click.option("--stream", metavar="NAME", help="Reconcile this stream only (see `tieout streams list`).")
@click.option(
    "--full-refresh", is_flag=True, help="Build everything anew from what has landed; the answer is the same."
)
@click.option(
    "--mode",
    type=click.Choice(["hourly", "daily"]),
    default="daily",
    show_default=True,
    help="hourly: judge only what is new of counterparties whose policy says HOURLY; daily: judge all.",
)
@click.option("--reason", default="", help="Why it is started, for the audit.")
@fetch_option
@alerts_option
@wait_option
@json_option
@click.pass_context
def run(
    context: click.Context,
    data_dir: Path,
    target: str,
    as_of: datetime | None,
    stream: str | None,
    full_refresh: bool,
    mode: str,
    reason: str,
    fetch: bool | None,
    alerts: bool | None,
    wait: float,
    as_json: bool,
) -> None:
    """Fetch by the declared connectors, land the inbox, reconcile, publish, and print the summary."""
    from orchestration import pipeline
    from orchestration.health.metrics import write_after_run
    from orchestration.progress import for_terminal

    request = pipeline.Request(
        data_dir, target, as_of, stream, full_refresh, mode, reason=reason, fetch=fetch, wait=wait
    )
    # Asked before it: that the run closes says nothing of whether anybody is to hear of it.
    tells = alerts_commands.tells(data_dir, alerts)
    try:
        with for_terminal() as progress:
            summary = pipeline.run(request, progress)
    except Exception:
        if tells:
            alerts_commands.tell_after_run(data_dir, target)
        raise
    finally:
        write_after_run(data_dir, target)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=2))
    else:
        _print_summary(summary)
    if tells:
        alerts_commands.tell_after_run(data_dir, target)
    context.exit(0 if summary.closed else NOT_CLOSED)


main.add_command(quick)


@main.command()
@click.argument("name", required=False)
@data_dir_option
@target_option
@as_of_option
@fetch_option
@alerts_option
@wait_option
@json_option
@click.pass_context
def land(
    context: click.Context,
    name: str | None,
    data_dir: Path,
    target: str,
    as_of: datetime | None,
    fetch: bool | None,
    alerts: bool | None,
    wait: float,
    as_json: bool,
) -> None:
    """Fetch by the declared connectors, land the inbox and stop: files become immutable batches.

    With the NAME of a connector (see `tieout connectors list`) only what that brings is fetched and landed, and its
    failure ends in exit code 1.
    """
    from orchestration import pipeline
    from orchestration.environment import check_target
    from orchestration.progress import for_terminal
    from orchestration.summary import LANDED

    check_target(target)
    tells = alerts_commands.tells(data_dir, alerts)
    try:
        with for_terminal() as progress:
            report, lapses = pipeline.land(data_dir, as_of, progress, connector=name, fetch=fetch, wait=wait)
    except Exception:
        if tells:
            alerts_commands.tell_after_run(data_dir, target)
        raise
    counts = {name: getattr(report, name) for name in LANDED}
    print_listing([counts], as_json, empty="", one=True)
    for lapse in lapses:
        click.echo(f"tieout: {lapse}", err=True)
    if tells:
        alerts_commands.tell_after_run(data_dir, target)
    context.exit(NOT_CLOSED if name and lapses else 0)


@main.command()
@data_dir_option
@target_option
@json_option
@click.pass_context
def summary(context: click.Context, data_dir: Path, target: str, as_json: bool) -> None:
    """Show the summary of the latest run once more."""
    from orchestration import runs
    from orchestration.data_dir import DataDir
    from orchestration.environment import check_target
    from orchestration.summary import Summary

    check_target(target)
    record = runs.latest_with_summary(DataDir.at(data_dir), target)
    if record is None:
        raise UsageError(f"No run on {target} has ended in {data_dir} yet. Type `tieout run` first.")
    if as_json:
        click.echo(json.dumps(record.summary, indent=2))
        return
    _print_summary(Summary.from_record(record.summary, record.facts))


@main.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="The file to write, whole or not at all.",
)
@data_dir_option
@target_option
@click.option("--org", help="Only this org.")
@click.option("--stream", metavar="NAME", help="Only this stream.")
@json_option
def report(out: Path, data_dir: Path, target: str, org: str | None, stream: str | None, as_json: bool) -> None:
    """Write one page of HTML from the published copy: do the books close, what is open, and how it goes.

    The page needs nothing else, no network either. It can be sent, printed and read on a phone.
    """
    from orchestration import page
    from orchestration.environment import check_target

    check_target(target)
    page.write(data_dir, out, page.Scope(org, stream))
    click.echo(json.dumps({"file": str(out)}) if as_json else f"Written to {out}.")


@main.group()
def feeds() -> None:
    """The kinds of extracts that can be landed."""


@feeds.command("list")
@data_dir_option
@target_option
@json_option
def feeds_list(data_dir: Path, target: str, as_json: bool) -> None:
    """List the declared feeds and what has landed of each."""
    from orchestration import listings

    print_listing(listings.feeds(data_dir), as_json, empty="No feeds are declared.")


@main.group()
def streams() -> None:
    """The reconciliations."""


@streams.command("list")
@data_dir_option
@target_option
@json_option
def streams_list(data_dir: Path, target: str, as_json: bool) -> None:
    """List the declared streams."""
    from orchestration import listings

    print_listing(listings.streams(), as_json, empty="No streams are declared.")


@main.group()
def exceptions() -> None:
    """What a person or a rule must settle."""


@exceptions.command("list")
@data_dir_option
@target_option
@click.option("--org", help="Only this org.")
@click.option("--stream", help="Only this stream.")
@click.option("--anomaly", help="Only this code, such as PRICE_MISMATCH.")
@click.option("--severity", type=click.Choice(["LOW", "MEDIUM", "HIGH", "CRITICAL"], case_sensitive=False))
@click.option("--owner", help="Only what this person works.")
@click.option("--classification", type=click.Choice(["OK", "PENDING", "SUSPICIOUS"], case_sensitive=False))
@click.option("--strategy", type=click.Choice(["AUTO", "AUTO_FLAG", "ESCALATE", "MANUAL"], case_sensitive=False))
@click.option(
    "--accepted/--not-accepted", default=None, help="Only what the list of accepted differences covers, or not."
)
@click.option("--min-age-days", type=click.IntRange(0), help="Only what has been open so long.")
@click.option("--min-amount-minor", type=click.IntRange(0), help="Only from this amount on, in minor units.")
@click.option(
    "--state",
    type=click.Choice(["open", "assigned", "pending-approval", "reopened", "resolved", "all"]),
    default="open",
    show_default=True,
    help="Which to list; open means all that are not resolved.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many, the largest first."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead of text.")
@json_option
def exceptions_list(
    data_dir: Path,
    target: str,
    org: str | None,
    stream: str | None,
    anomaly: str | None,
    severity: str | None,
    owner: str | None,
    classification: str | None,
    strategy: str | None,
    accepted: bool | None,
    min_age_days: int | None,
    min_amount_minor: int | None,
    state: str,
    limit: int,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List exceptions from the published copy, the largest exposure first."""
    from orchestration import listings

    exponents = listings.exponents(data_dir, target)
    wanted = {
        "org_id": org,
        "stream": stream,
        "anomaly": anomaly.upper() if anomaly else None,
        "severity": severity.upper() if severity else None,
        "owner": owner,
        "classification": classification.upper() if classification else None,
        "strategy": strategy.upper() if strategy else None,
        "accepted": accepted,
        "min_age_days": min_age_days,
        "min_amount_minor": min_amount_minor,
    }
    found = listings.exceptions(data_dir, exponents, wanted=wanted, state=state, limit=limit)
    if as_csv:
        _print_csv(found)
        return
    if as_json or not found:
        print_listing(found, as_json, empty="No exceptions.")
        return
    from orchestration.report import show_exceptions

    show_exceptions(found, exponents, answers_console())


@exceptions.command("show")
@click.argument("exception_id")
@data_dir_option
@target_option
@json_option
def exceptions_show(exception_id: str, data_dir: Path, target: str, as_json: bool) -> None:
    """Show one exception with all that has happened to it."""
    from orchestration import decisions, listings

    found = decisions.find(data_dir, exception_id)
    events = decisions.history(data_dir, found)
    if as_json:
        click.echo(json.dumps({**found, "history": events}, indent=2, default=str))
        return
    from orchestration.report import show_exception

    show_exception(found, events, listings.exponents(data_dir, target), answers_console())


def _decides(action: str, text: str, *options: Callable[[Any], Any]) -> None:
    """Add a command that writes one decision into the inbox."""

    def command(
        exception_id: str, data_dir: Path, target: str, actor: str, reason: str, as_json: bool, **given: Any
    ) -> None:
        from orchestration import decisions

        found = decisions.find(data_dir, exception_id)
        if action == "WRITE_OFF" and given["amount_minor"] is None:
            given["amount_minor"] = found["amount_minor"] or 0
        file = decisions.write(data_dir, found, decisions.Decision(action, actor, reason, **given))
        if as_json:
            click.echo(json.dumps({"exception_id": found["exception_id"], "action": action, "file": str(file)}))
            return
        click.echo(f"Written to {file}. It takes effect with the next run.")

    command.__doc__ = text
    for option in (
        json_option,
        *options,
        click.option("--reason", required=True, help="Why, in words."),
        click.option("--by", "actor", required=True, metavar="NAME", help="Who decides."),
        target_option,
        data_dir_option,
        click.argument("exception_id"),
    ):
        command = option(command)
    exceptions.command(action.lower().replace("_", "-"))(command)


_decides(
    "ASSIGN",
    "Give an exception to somebody to work.",
    click.option("--to", "assignee", required=True, metavar="NAME", help="Who is to work it."),
)
_decides("COMMENT", "Say something about an exception; its state stays.")
_decides("EXPLAIN", "Resolve an exception: the difference is right as it is, and the reason says why.")
_decides("ADJUST", "Resolve an exception: an entry has been made that settles it.")
_decides(
    "WRITE_OFF",
    "Resolve an exception by giving the money up. From the policy's limit on a second person must approve.",
    click.option(
        "--amount-minor",
        type=click.IntRange(0),
        help="How much, in minor units; unless given, what is at stake now. More later takes the exception up again.",
    ),
)
_decides(
    "FORCE_MATCH",
    "Match a record with another by hand, before all rules. From the policy's limit on a second person must approve.",
    click.option("--with", "with_activity_id", metavar="ACTIVITY_ID", help="The record of the other side."),
)
_decides("EXCLUDE", "Take the exception's records out of the reconciliation, before all rules.")
_decides("APPROVE", "Agree to what somebody else has proposed.")
_decides("REJECT", "Refuse, or take back, what has been proposed.")
_decides("REOPEN", "Take a resolved exception up again.")


def _print_csv(rows: list[dict[str, Any]]) -> None:
    """Print rows as CSV with a header; nothing for no rows."""
    import csv

    if rows:
        writer = csv.DictWriter(sys.stdout, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _print_summary(summary: Any) -> None:
    from orchestration.report import show

    show(summary, answers_console())


for _command in (
    *(new.new, new.templates_group, validate, health),
    *(audit_commands.audit, audit_commands.artifacts, audit_commands.trace),
    *(backup_commands.backup, backup_commands.restore, purge),
    connector_commands.connectors,
    alerts_commands.alerts,
):
    main.add_command(_command)


def program() -> None:
    """`tieout` as a process: when a command has ended, so does it, at once. Python would first take apart the million
    objects of a parsed project one by one, which is a second of every run. Whatever registered for the end of the
    process has its turn; where a thread is still at work, or something else than an exit code is said, Python ends as
    it does."""
    collect_rarely()
    try:
        main()
    except SystemExit as ended:
        others = [one for one in threading.enumerate() if one is not threading.current_thread() and not one.daemon]
        if others or not isinstance(ended.code, int | None):
            raise
        atexit._run_exitfuncs()
        try:
            for stream in (sys.stdout, sys.stderr):
                # Python has none where whoever started it closed the place (`>&-`).
                if stream is not None and not stream.closed:
                    stream.flush()
        except OSError:
            # Nobody reads any more, which Python has an exit code for.
            raise ended from None
        os._exit(ended.code or 0)


if __name__ == "__main__":
    program()
