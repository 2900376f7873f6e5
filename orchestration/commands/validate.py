"""`tieout validate`: what is wrong with a stream before it runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.commands.shared import data_dir_option, json_option, target_option

if TYPE_CHECKING:
    from orchestration.validate.faults import Fault

FAULTY = 1


@click.command()
@click.option("--stream", metavar="NAME", help="Check this stream only (see `tieout streams list`).")
@data_dir_option
@target_option
@click.option("--org", help="Check what this org delivered only.")
@json_option
@click.pass_context
def validate(
    context: click.Context, stream: str | None, data_dir: Path, target: str, org: str | None, as_json: bool
) -> None:
    """Check streams before they run: declared columns exist, feeds have arrived, policies resolve for every
    counterparty, registry and folders agree.

    Prints every fault at once, each with its file and line. Nothing is landed and nothing is built.

    \b
    Exit codes: 0 no faults (there may be warnings and notes)
                1 faults
                2 wrong usage
    """
    from orchestration.environment import check_target
    from orchestration.project import project_dir
    from orchestration.validate import Request
    from orchestration.validate import validate as check

    report = check(project_dir(), Request(data_dir, check_target(target), stream, org))
    if as_json:
        click.echo(json.dumps([fault.to_json() for fault in report.faults], indent=2))
    else:
        _print(report.faults, report.checked, ok=report.ok)
    context.exit(0 if report.ok else FAULTY)


def _print(faults: "list[Fault]", checked: dict[str, str], *, ok: bool) -> None:
    for fault in faults:
        click.echo(fault.to_text())
    if faults:
        click.echo()
    click.echo("Checked")
    for what, words in checked.items():
        click.echo(f"  {what:<14}{words}")
    counts = [
        f"{number} {name if number == 1 else name + 's'}"
        for name in ("fault", "warning", "note")
        if (number := sum(fault.severity == name for fault in faults))
    ]
    click.echo(f"{'Nothing is wrong' if ok else 'This cannot run as it is'}: {', '.join(counts) or 'no faults'}.")
