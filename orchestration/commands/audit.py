"""`tieout audit`, `tieout artifacts` and `tieout trace`: what ran, what it wrote, and the proof that it stands as
written."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from orchestration.commands.shared import (
    answers_console,
    as_of_option,
    data_dir_option,
    json_option,
    print_listing,
    target_option,
    wait_option,
)
from orchestration.errors import UsageError

DOES_NOT_HOLD = 1


def _org(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """An org's id as it is given; a blank one is a slip, and not everybody."""
    from orchestration.audit.artifacts import folder_name

    return None if given is None else folder_name(given)


org_option = click.option(
    "--org", required=True, callback=_org, help="Whose; an org's artifacts are for that org alone."
)


@contextmanager
def _ledger(data_dir: Path, target: str, *, write: bool = False, wait: float = 0.0) -> Iterator[tuple[Any, Any]]:
    """The audit of a data folder, and the folder. Who writes holds the folder's lock; who reads waits so many seconds
    for whoever has the warehouse open."""
    from orchestration.audit.ledger import open_ledger
    from orchestration.data_dir import DataDir
    from orchestration.environment import Place, check_target
    from orchestration.progress import Lines
    from orchestration.waiting import Patience

    check_target(target)
    data = DataDir.at(data_dir)
    place = Place(data, target, replay=False)
    if target == "duckdb" and not data.warehouse.is_file():
        raise UsageError(f"There is no warehouse in {data_dir} yet. Type `tieout run` first.")
    if not write:
        with open_ledger(place, patience=Patience(wait, Lines().note)) as ledger:
            yield ledger, data
        return
    with data.lock("tieout artifacts purge"), open_ledger(place, write=True) as ledger:
        yield ledger, data


@click.group()
def audit() -> None:
    """What ran, on what, with which rules, and the proof that nobody changed it since."""


@audit.command("verify")
@data_dir_option
@target_option
@click.option("--org", callback=_org, help="Look at the artifacts of this org only; the chain is looked at whole.")
@click.option(
    "--head",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What `tieout audit head` printed once, kept elsewhere: tells even who changed everything here.",
)
@wait_option
@json_option
@click.pass_context
def audit_verify(
    context: click.Context,
    data_dir: Path,
    target: str,
    org: str | None,
    head: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """Recompute the chain of every table and the checksum of every artifact.

    Names the first row of each table that was changed, removed or put in, and every file. Exit code 1 if there is any.
    """
    from orchestration.audit.ledger import anchors_file
    from orchestration.audit.verification import look_at_files, read_heads, verify_tables
    from orchestration.data_dir import DataDir
    from orchestration.health import verified

    heads = read_heads(head) if head else None
    gone = DataDir.at(data_dir)
    if target == "duckdb" and not gone.warehouse.is_file() and anchors_file(gone, target).is_file():
        # Its audit went with it, and the notes of that say so.
        proof, registered = verify_tables(None, gone, target, org, heads)
    else:
        with _ledger(data_dir, target, wait=wait) as (ledger, data):
            proof, registered = verify_tables(ledger, data, target, org, heads)
    # Not while the warehouse is open: a run may want it, and files take their time.
    look_at_files(proof, registered, gone)
    if org is None:
        verified.keep(gone, target, proof)
    if as_json:
        click.echo(json.dumps(proof.to_json(), indent=2))
    else:
        rows = sum(proof.rows.values())
        click.echo(
            f"Looked at {rows:,} rows of {len(proof.rows)} tables and {proof.files:,} artifacts"
            + (f" ({proof.purged:,} more were purged)" if proof.purged else "")
            + "."
        )
        for fault in proof.faults:
            where = fault.table + (f", row {fault.sequence_number}" if fault.sequence_number else "")
            click.echo(f"{fault.kind}: {where}: {fault.message}.")
        click.echo("The audit is as it was written." if proof.holds else "The audit is NOT as it was written.")
    context.exit(0 if proof.holds else DOES_NOT_HOLD)


@audit.command("head")
@data_dir_option
@target_option
@json_option
def audit_head(data_dir: Path, target: str, as_json: bool) -> None:
    """Print where every table ends, as JSON: keep it outside of this machine, and `verify --head` proves against it."""
    from orchestration.audit.verification import heads_of

    with _ledger(data_dir, target) as (ledger, _):
        click.echo(json.dumps(heads_of(ledger), indent=2))


@audit.command("runs")
@data_dir_option
@target_option
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="The latest so many.")
@json_option
def audit_runs(data_dir: Path, target: str, limit: int, as_json: bool) -> None:
    """List the latest runs: who started each, why, and how it ended."""
    names = (
        *("run_id", "state", "attempt", "as_of", "stream", "mode", "is_replay", "started_at", "ended_at", "started_by"),
        *("start_reason", "failure_class", "failure_code"),
    )
    with _ledger(data_dir, target) as (ledger, _):
        rows = ledger.rows(
            f"select {', '.join(names)} from {{schema}}.reconciliation_run_states"
            f" order by sequence_number desc limit {limit}"
        )
    found = [dict(zip(names, row, strict=True)) for row in rows]
    if not as_json:
        shown = ("run_id", "state", "attempt", "as_of", "stream", "started_by", "start_reason", "failure_code")
        found = [{name: row[name] for name in shown} for row in found]
    print_listing(found, as_json, empty="No run is on record.")


@audit.command("steps")
@click.argument("run_id")
@data_dir_option
@target_option
@json_option
def audit_steps(run_id: str, data_dir: Path, target: str, as_json: bool) -> None:
    """Show the steps of a run, by its id or the beginning of it: what went in, and what became of it."""
    from orchestration.audit.tables import ROWS_OUT

    names = ("model", "state", "started_at", "ended_at", "rows_in_source", "rows_in_target", *ROWS_OUT, "rows_judged")
    more = (*names, "attempt", "failure_class", "failure_code", "failure_message", "start_reason")
    with _ledger(data_dir, target) as (ledger, _):
        rows = ledger.rows(
            f"select {', '.join(more)} from {{schema}}.reconciliation_step_run_states where run_id = ?"
            " order by sequence_number",
            [_whole_run_id(ledger, run_id)],
        )
    found = [dict(zip(more, row, strict=True)) for row in rows]
    if not as_json:
        found = [_step_in_words(row) for row in found]
    print_listing(found, as_json, empty="")


def _whole_run_id(ledger: Any, begins: str) -> str:
    """The id of the one run that begins so."""
    found = {
        run_id
        for (run_id,) in ledger.rows("select distinct run_id from {schema}.reconciliation_runs")
        if run_id.startswith(begins)
    }
    if len(found) != 1 and begins not in found:
        raise UsageError(
            f"No run {begins} is on record. See `tieout audit runs`."
            if not found
            else f"Several runs begin with {begins}: give more of the id."
        )
    return begins if begins in found else found.pop()


def _step_in_words(row: dict[str, Any]) -> dict[str, Any]:
    """A step run as a line: what came in from both sides, and what became of it."""
    from orchestration.audit.tables import ROWS_OUT

    if row["rows_in_source"] is None:
        told = row["failure_message"] or row["failure_code"] or row["start_reason"] or ""
    else:
        told = ", ".join(
            f"{name.removeprefix('rows_').replace('_', ' ')} {row[name]:,}" for name in ROWS_OUT if row[name]
        )
    came_in = "" if row["rows_in_source"] is None else f"{row['rows_in_source']:,} / {row['rows_in_target']:,}"
    return {"model": row["model"], "state": row["state"], "source / target in": came_in, "what became of it": told}


@audit.command("dead-letters")
@data_dir_option
@target_option
@click.option("--all", "everything", is_flag=True, help="Those too that a later run has dealt with.")
@json_option
def audit_dead_letters(data_dir: Path, target: str, everything: bool, as_json: bool) -> None:
    """List failed runs that no later run has made good: the class of each, and what to do."""
    names = (
        *("run_id", "failure_class", "failure_code", "failure_message", "what_to_do", "as_of", "stream", "ended_at"),
        *("started_by", "is_dealt_with"),
    )
    where = "" if everything else " where not is_dealt_with"
    with _ledger(data_dir, target) as (ledger, _):
        rows = ledger.rows(f"select {', '.join(names)} from {{schema}}.dead_letters{where} order by run_id desc")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    if as_json or not found:
        print_listing(found, as_json, empty="No failed run is left to deal with.")
        return
    for row in found:
        click.echo(f"{row['run_id']}  {row['failure_class']}  {row['failure_code']}")
        click.echo(f"  {row['failure_message']}")
        click.echo(f"  {row['what_to_do']}")


@click.group("artifacts")
def artifacts() -> None:
    """The files of what each step came to, by org."""


@artifacts.command("list")
@org_option
@click.option("--run", "run_id", help="Only of this run.")
@click.option("--stream", help="Only of this stream.")
@click.option("--step", help="Only of this step.")
@click.option(
    "--type",
    "artifact_type",
    type=click.Choice(["matched", "unmatched_source", "unmatched_target"]),
    help="Only these.",
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The latest so many.")
@data_dir_option
@target_option
@json_option
def artifacts_list(
    org: str,
    run_id: str | None,
    stream: str | None,
    step: str | None,
    artifact_type: str | None,
    limit: int,
    data_dir: Path,
    target: str,
    as_json: bool,
) -> None:
    """List an org's artifacts, the newest first."""
    from orchestration.audit import keeping

    wanted = {"run_id": run_id, "stream": stream, "step": step, "artifact_type": artifact_type}
    with _ledger(data_dir, target) as (ledger, _):
        found = keeping.listed(ledger, org, wanted, limit)
    if not as_json:
        shown = ("artifact_id", "run_id", "step", "artifact_type", "row_count", "is_purged")
        found = [{name: row[name] for name in shown} for row in found]
    print_listing(found, as_json, empty=f"{org} has no such artifacts.")


@artifacts.command("get")
@click.argument("artifact_id")
@org_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where to write it.")
@click.option(
    "--format", "form", type=click.Choice(["parquet", "csv"]), help="Unless given, what --out ends with, or parquet."
)
@data_dir_option
@target_option
@json_option
def artifacts_get(
    artifact_id: str, org: str, out: Path | None, form: str | None, data_dir: Path, target: str, as_json: bool
) -> None:
    """Copy an artifact to a file, once its bytes are proved to be what was written."""
    from orchestration.audit import keeping

    with _ledger(data_dir, target) as (ledger, data):
        found = keeping.find(ledger, org, artifact_id)
    form = form or ("csv" if out is not None and out.suffix == ".csv" else "parquet")
    file = out or Path(f"{found['step']}-{found['artifact_type']}-{found['artifact_id']}.{form}")
    rows = keeping.hand_out(data, found, file, as_csv=form == "csv")
    if as_json:
        click.echo(json.dumps({"artifact_id": found["artifact_id"], "file": str(file), "rows": rows}))
        return
    click.echo(f"Written to {file}: {rows:,} rows, as they were written.")


@artifacts.command("verify")
@click.argument("artifact_id", required=False)
@org_option
@data_dir_option
@target_option
@json_option
@click.pass_context
def artifacts_verify(
    context: click.Context, artifact_id: str | None, org: str, data_dir: Path, target: str, as_json: bool
) -> None:
    """Recompute the checksum of one of an org's artifacts, or of all. Exit code 1 if one is not as written."""
    from orchestration.audit import keeping
    from orchestration.errors import TieoutError

    faults = []
    with _ledger(data_dir, target) as (ledger, data):
        found = [keeping.find(ledger, org, artifact_id)] if artifact_id else keeping.listed(ledger, org, {})
    if not found:
        raise UsageError(f"{org} has no artifacts: there is nothing to verify. Is that its id?")
    kept = [row for row in found if artifact_id or not row["is_purged"]]
    for row in kept:
        try:
            keeping.checked_file(data, row)
        except TieoutError as error:
            faults.append({"artifact_id": row["artifact_id"], "message": str(error)})
    if as_json:
        click.echo(json.dumps({"verified": not faults, "artifacts": len(kept), "faults": faults}, indent=2))
    else:
        for fault in faults:
            click.echo(fault["message"])
        click.echo(f"{len(kept) - len(faults):,} of {len(kept):,} artifacts of {org} are as they were written.")
    context.exit(DOES_NOT_HOLD if faults else 0)


@artifacts.command("purge")
@click.option("--org", callback=_org, help="Only of this org; unless given, of all.")
@click.option("--reason", default="retention is over", show_default=True, help="Why, for the audit.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@as_of_option
@data_dir_option
@target_option
@json_option
def artifacts_purge(
    org: str | None, reason: str, dry_run: bool, as_of: datetime | None, data_dir: Path, target: str, as_json: bool
) -> None:
    """Remove the files whose retention is over. Their record stays, and says who removed them, when and why.

    --as-of is the moment that retention is counted to; one in the future is refused.
    """
    from orchestration import clock
    from orchestration.audit import keeping

    now = clock.now()
    if as_of is not None and as_of > now:
        raise UsageError(f"--as-of {clock.to_text(as_of)} lies in the future: what must be kept until then must stay.")
    with _ledger(data_dir, target, write=True) as (ledger, data):
        gone = keeping.purge(ledger, data, org, as_of or now, reason, dry_run=dry_run)
    if as_json:
        print_listing(gone, True, empty="")
        return
    size = sum(row["byte_count"] for row in gone)
    click.echo(f"{'Would purge' if dry_run else 'Purged'} {len(gone):,} artifacts, {size:,} bytes.")


@click.command("trace")
@click.argument("exception_id")
@click.option("--org", help="Refuse it unless it is this org's.")
@data_dir_option
@target_option
@json_option
def trace(exception_id: str, org: str | None, data_dir: Path, target: str, as_json: bool) -> None:
    """Walk from an exception to its result, its records, file and row, and the rule of that day."""
    from orchestration.audit import tracing
    from orchestration.environment import check_target

    check_target(target)
    found = tracing.trace(data_dir, target, exception_id, org)
    if as_json:
        click.echo(json.dumps(found, indent=2, default=str))
        return
    from orchestration import listings
    from orchestration.trace_report import show_trace

    show_trace(found, listings.exponents(data_dir, target), answers_console())
