"""`tieout connectors`: what brings extracts from elsewhere, and whether it could now."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.commands.shared import data_dir_option, json_option, print_listing, target_option

if TYPE_CHECKING:
    from orchestration.landing.connectors import Check

CANNOT = 1


@click.group()
def connectors() -> None:
    """What fetches extracts from elsewhere into the inbox (connectors/<name>.yml)."""


@connectors.command("list")
@data_dir_option
@target_option
@json_option
def connectors_list(data_dir: Path, target: str, as_json: bool) -> None:
    """List the declared connectors, what each has brought, and how it went the last time."""
    from orchestration.landing.connectors import listing
    from orchestration.project import project_dir

    print_listing(
        listing(data_dir, project_dir()), as_json, empty="No connectors are declared; see docs/connectors.md."
    )


@connectors.command("check")
@click.argument("name")
@data_dir_option
@target_option
@json_option
@click.pass_context
def connectors_check(context: click.Context, name: str, data_dir: Path, target: str, as_json: bool) -> None:
    """Log in by the connector NAME, list what it would fetch and what is not yet whole. Changes nothing.

    \b
    Exit codes: 0 it can be worked with
                1 it cannot, or a part of it cannot; the message says why
                2 wrong usage or configuration
    """
    from orchestration.landing.connectors import check
    from orchestration.project import project_dir

    found = check(data_dir, project_dir(), name)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        _print(found)
    context.exit(0 if found.ok and not found.problems else CANNOT)


def _print(found: "Check") -> None:
    from orchestration.landing.connectors.naming import printable

    click.echo(f"{found.connector} ({found.kind}, {found.where})")
    if found.error:
        click.echo(f"  cannot be worked with: {found.error}")
        return
    for what, value in found.about.items():
        click.echo(f"  {what.replace('_', ' ')}: {printable(value)}")
    for title, rows in (("would fetch", found.would_fetch), ("not yet", found.not_yet)):
        click.echo(f"  {title}: {'nothing' if not rows else len(rows)}")
        for row in rows:
            size = "" if row["bytes"] is None else f", {row['bytes']:,} bytes"
            why = f": {printable(row['why'])}" if "why" in row else ""
            click.echo(f"    {printable(row['what'])} -> {row['org_id']}/{row['feed']}{size}{why}")
    for problem in found.problems:
        click.echo(f"  problem: {problem}")
