"""What every command has: its options, and how it prints rows."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from orchestration.errors import UsageError


class AsOf(click.ParamType):
    """A point in time; see `clock.parse_as_of`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> datetime:
        from orchestration.clock import parse_as_of

        if isinstance(value, datetime):
            return value
        try:
            return parse_as_of(value)
        except UsageError as error:
            self.fail(str(error), param, context)


class Duration(click.ParamType):
    """A length of time, in seconds; see `durations.parse_duration`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> float:
        from orchestration.durations import parse_duration

        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration(value).total_seconds()
        except ValueError as error:
            self.fail(str(error), param, context)


data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: Path(os.environ.get("TIEOUT_DATA_DIR") or "data"),
    show_default="$TIEOUT_DATA_DIR or ./data",
    help="The folder with inbox, warehouse and published copy.",
)
target_option = click.option(
    "--target",
    default=lambda: os.environ.get("TIEOUT_TARGET") or "duckdb",
    show_default="$TIEOUT_TARGET or duckdb",
    metavar="duckdb|postgres|spark",
    help="The engine that holds the warehouse.",
)
as_of_option = click.option(
    "--as-of",
    type=AsOf(),
    show_default="now",
    help="The run's only clock. A time before the latest known one makes the run a replay: it shows what was known then"
    " and changes nothing.",
)
wait_option = click.option(
    "--wait",
    type=Duration(),
    default=0.0,
    metavar="TIME",
    show_default="not at all",
    help="How long to wait, all in all, while another run holds the data folder or another program the warehouse: 30s,"
    " 10m, 1h.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")

fetch_option = click.option(
    "--fetch/--no-fetch",
    default=None,
    show_default="fetch, but in a folder that was just restored",
    help="Ask the declared connectors for what is new, or leave them out: only what lies in the inbox is landed.",
)
alerts_option = click.option(
    "--alerts/--no-alerts",
    default=None,
    show_default="$TIEOUT_ALERTS (on, off), else alerts, but in a folder that was just restored",
    help="Tell people by `alerts.yml` what came of it, or nobody.",
)


def answers_console() -> Any:
    """Where answers go: as wide as the terminal, and 100 columns where there is none."""
    from rich.console import Console

    from orchestration.report import WIDTH

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def print_listing(rows: list[dict[str, Any]], as_json: bool, *, empty: str, one: bool = False) -> None:
    """Print rows as a table, or as JSON: a list, or one object where there is only ever one."""
    if as_json:
        click.echo(json.dumps(rows[0] if one else rows, indent=2, default=str))
        return
    if not rows:
        click.echo(empty)
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in rows[0]:
        # An id is there to be copied: it stays whole as long as the other columns can give way.
        table.add_column(
            name.replace("_", " "),
            justify="right" if isinstance(rows[0][name], int) else "left",
            overflow="fold",
            no_wrap=name.endswith("_id"),
        )
    for row in rows:
        # What was delivered is no markup.
        table.add_row(*[Text("" if value is None else str(value)) for value in row.values()])
    answers_console().print(table)
