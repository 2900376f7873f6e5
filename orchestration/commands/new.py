"""Streams of one's own: `tieout templates` shows what is shipped ready, `tieout new stream` clones it."""

import json
from pathlib import Path

import click

from orchestration.commands.shared import data_dir_option, json_option, print_listing, target_option


@click.group()
def new() -> None:
    """Make something of your own."""


@new.command("stream")
@click.argument("name")
@click.option(
    "--from", "template", required=True, metavar="TEMPLATE", help="What to clone (see `tieout templates list`)."
)
@click.option(
    "--org", "orgs", multiple=True, metavar="ORG", help="Serve this org only; may be given several times. Default: all."
)
@data_dir_option
@target_option
@json_option
def new_stream(name: str, template: str, orgs: tuple[str, ...], data_dir: Path, target: str, as_json: bool) -> None:
    """Clone a template into the stream NAME, which builds at once and can be edited.

    Its steps, findings, marts, thresholds, seed rows and its page are its own; staging and the canonical schema are
    shared with the template. It is written whole or not at all.
    """
    from orchestration import templates
    from orchestration.project import project_dir

    made = templates.clone(project_dir(), name, template, orgs)
    if as_json:
        click.echo(json.dumps(made.to_json(), indent=2))
        return
    serves = f"serves {', '.join(made.orgs)}" if made.orgs else "serves every org whose feeds arrive"
    click.echo(f"{made.stream} is a clone of {made.template} and {serves}.")
    for title, lines in (("Written", made.written), ("Changed", made.changed), ("Next", made.next_steps)):
        click.echo(f"\n{title}")
        for line in lines:
            click.echo(f"  {line}")


@click.group("templates")
def templates_group() -> None:
    """Streams shipped ready, to be cloned."""


@templates_group.command("list")
@data_dir_option
@target_option
@json_option
def templates_list(data_dir: Path, target: str, as_json: bool) -> None:
    """List the templates, with the feeds that they need and can use."""
    from orchestration import templates
    from orchestration.project import project_dir

    found = templates.load_templates(project_dir()).values()
    rows = [template.listed() if as_json else template.shown() for template in found]
    print_listing(rows, as_json, empty="There are no templates.")
