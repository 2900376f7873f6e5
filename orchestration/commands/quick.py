"""`tieout quick`: reconcile two files."""

import json
from pathlib import Path
from typing import Any

import click

from orchestration.commands.shared import answers_console, data_dir_option, json_option, target_option

NOT_CLOSED = 1


@click.command()
@click.option("--left", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The one file.")
@click.option("--right", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The other file.")
@click.option(
    "--on",
    metavar="COLUMNS",
    help="What names a record in both: COLUMN, COLUMN,COLUMN, or LEFT=RIGHT where the names differ.",
)
@click.option("--amount", metavar="COLUMN", help="What is compared as money: COLUMN, LEFT=RIGHT or none.")
@click.option(
    "--currency",
    metavar="COLUMN|CODE",
    help="The currency's column, or a code such as EUR for a file that has none: COLUMN, CODE or LEFT=RIGHT.",
)
@click.option("--status", metavar="COLUMN", help="What is compared as a status: COLUMN, LEFT=RIGHT or none.")
@click.option("--time", metavar="COLUMN", help="What is compared as a time: COLUMN, LEFT=RIGHT or none.")
@click.option(
    "--price-abs",
    default="0",
    show_default=True,
    metavar="UNITS",
    help="Amounts may differ by this much, in units of their currency (0.05 is five cents of a euro).",
)
@click.option(
    "--price-pct",
    default="0",
    show_default=True,
    metavar="SHARE",
    help="Or by this share of left's amount, 0.01 for one percent; the larger limit counts. Equal to it passes.",
)
@click.option(
    "--skew",
    type=int,
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="Times may lie this far apart. Equal to it passes.",
)
@click.option("--left-name", default="left", show_default=True, metavar="NAME", help="What texts call the left side.")
@click.option(
    "--right-name", default="right", show_default=True, metavar="NAME", help="What texts call the right side."
)
@click.option("--org", default="quick", show_default=True, help="The org that stands in the results.")
@click.option("--time-zone", metavar="ZONE", help="Of times without an offset: ZONE or LEFT=RIGHT; UTC unless given.")
@click.option(
    "--decimal-mark", metavar="MARK", help="Of amounts: . or , or LEFT=RIGHT; told from the amounts unless given."
)
@click.option(
    "--date-format",
    metavar="SHAPE",
    help="Of dates that are not ISO 8601: DD/MM/YYYY, MM/DD/YYYY, DD.MM.YYYY, YYYY/MM/DD, or LEFT=RIGHT.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    show_default="DATA/quick/<id>/results",
    help="The folder for the results, written whole or not at all.",
)
@click.option("--keep", is_flag=True, help="Leave the scratch warehouse where it is (DuckDB only).")
@data_dir_option
@target_option
@json_option
@click.pass_context
def quick(
    context: click.Context,
    data_dir: Path,
    target: str,
    out: Path | None,
    keep: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Reconcile any two files, without editing a project.

    What is not said is guessed from the headers and told; where two columns are equally likely it is refused. The files
    may be CSV with any usual delimiter, JSON Lines or Parquet, text also with gzip.

    \b
    tieout quick --left shop.csv --right bank.csv
    tieout quick --left a.csv --right b.jsonl --on order_id=OrderNo --amount total --price-abs 0.05
    """
    from orchestration.data_dir import DataDir
    from orchestration.progress import for_terminal
    from orchestration.quick import Options, run

    with for_terminal() as progress:
        answer = run(
            Options(**given),
            DataDir.at(data_dir),
            target=target,
            out=out,
            keep=keep,
            progress=progress,
            tell=lambda said: progress.note(said.line),
        )
    if as_json:
        click.echo(json.dumps(answer.to_json(), indent=2, default=str))
    else:
        _print(answer)
    context.exit(0 if answer.summary.closed else NOT_CLOSED)


def _print(answer: Any) -> None:
    """The summary as any run has it, what was compared, what was rejected, and where the results are."""
    from rich.table import Table
    from rich.text import Text

    from orchestration.report import show_answer

    console = answers_console()
    show_answer(answer.summary, console)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", width=16)
    table.add_column(overflow="fold")
    for number, said in enumerate(answer.said):
        table.add_row("Compared" if number == 0 else "", Text(said.line))
    for number, item in enumerate(answer.rejected):
        where = item["row_number"] if item["row_number"] is not None else item["line_number"]
        text = f"{item['source_file']} row {where}: {item['reasons']}"
        table.add_row("Rejected" if number == 0 else "", Text(text, style="yellow"))
    if answer.results:
        names = ", ".join(file.name for file in answer.files)
        table.add_row("Results", Text(f"{answer.results}\n{names}"))
    else:
        table.add_row("Results", Text("none: the books did not close", style="red"))
    if answer.kept:
        table.add_row("Scratch", Text(str(answer.kept)))
    table.add_row("Time", f"{answer.summary.timings['total']:.1f} s")
    console.print(table)
