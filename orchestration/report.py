"""The readable summary of a run, for a finance lead at 100 columns."""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestration.money import format_minor, format_share
from orchestration.publish import DUCKDB_FILE
from orchestration.summary import JUDGED, RESULTS, Facts, Summary

WIDTH = 100

# Columns of a stream's table at least, and what the table puts between two of them.
_RESULT_WIDTH, _ROWS_WIDTH, _AMOUNT_WIDTH, _PADDING = 23, 10, 12, 3

_WORDS = {
    "MATCHED": ("Matched", "green"),
    "MISMATCHED": ("Mismatched", "red"),
    "MISSING_SOURCE": ("Missing in source", "red"),
    "MISSING_TARGET": ("Missing in target", "red"),
    "PENDING": ("Pending", "yellow"),
    "AMBIGUOUS": ("Ambiguous", "magenta"),
    "DUPLICATE": ("Duplicate", "magenta"),
    "EXCLUDED": ("Excluded", "dim"),
}


def show(summary: Summary, console: Console) -> None:
    """Print a run's summary."""
    show_answer(summary, console)
    _show_foot(summary, console)


def show_answer(summary: Summary, console: Console) -> None:
    """Print what a run came to, without where it lies: did the books close, what agrees, what is open, the proof."""
    console.print(_head(summary))
    for stream in summary.facts.streams:
        _show_stream(summary.facts, stream, console)
    _show_payouts(summary.facts, console)
    _show_largest(summary.facts, console)
    _show_proof(summary, console)


def _head(summary: Summary) -> Panel:
    """One look: did the books close, as of when."""
    if summary.closed:
        verdict = Text("The books closed.", style="bold green")
        kind = "Replay" if summary.replay else "Run"
    else:
        verdict = Text("The books did NOT close.", style="bold red")
        kind = "Replay" if summary.replay else "Run"
    lines = [
        verdict,
        Text(f"{kind} {summary.run_id} on {summary.target}, as of {_moment(summary.as_of)}", style="dim"),
    ]
    if summary.replay:
        lines.append(Text("What was known then: nothing was landed, nothing was published.", style="dim"))
    return Panel(Group(*lines), title="Tieout", title_align="left", box=box.ROUNDED, width=WIDTH)


def _moment(text: str) -> str:
    """`2026-03-03T06:00:00.000000Z` without the zeros that say nothing."""
    return text.replace("T", " ").removesuffix("Z").rstrip("0").rstrip(".") + " UTC" if "." in text else text


def _show_stream(facts: Facts, stream: str, console: Console) -> None:
    """Counts and money by result, one table an org."""
    orgs = sorted({group.org_id for group in facts.groups if group.stream == stream})
    if not orgs:
        told = "deliver files to the inbox and run again"
        told = f"{_count(facts.rejected, 'record')} delivered and rejected, see below" if facts.rejected else told
        console.print(f"\n[bold]{stream}[/bold]  no records yet: {told}.")
    for org in orgs:
        console.print(_stream_table(facts, stream, org))


def _stream_table(facts: Facts, stream: str, org: str) -> Group:
    groups = [group for group in facts.groups if group.stream == stream and group.org_id == org]
    currencies = sorted({group.currency for group in groups if group.currency})
    rows: Counter[str] = Counter()
    money: Counter[tuple[str, str]] = Counter()
    differences: Counter[str] = Counter()
    for group in groups:
        rows[group.result] += group.rows
        if group.currency:
            money[group.result, group.currency] += group.amount_minor
            differences[group.currency] += group.difference_minor
    shown = _fitting(facts, {c: sum(abs(money[result, c]) for result in RESULTS) for c in currencies})
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Result", min_width=_RESULT_WIDTH)
    table.add_column("Rows", justify="right", min_width=_ROWS_WIDTH)
    for currency in shown:
        table.add_column(currency, justify="right", min_width=_AMOUNT_WIDTH)
    for result in RESULTS:
        if not rows[result]:
            continue
        word, style = _words(facts, stream, result)
        amounts = [_amount(facts, money.get((result, currency)), currency) for currency in shown]
        table.add_row(Text(word, style=style), f"{rows[result]:,}", *amounts)
    table.add_section()
    total = [_amount(facts, sum(money[result, currency] for result in RESULTS), currency) for currency in shown]
    table.add_row("Total", f"{sum(rows.values()):,}", *total, style="bold")
    judged = sum(rows[result] for result in JUDGED)
    shares = [
        format_share(abs(money["MATCHED", currency]), sum(abs(money[result, currency]) for result in JUDGED))
        for currency in shown
    ]
    table.add_row("Match rate", format_share(rows["MATCHED"], judged), *shares, style="bold cyan")
    table.add_row(
        "Net difference of pairs",
        "",
        *[_amount(facts, differences[currency], currency) for currency in shown],
        style="dim",
    )
    title = Text.assemble(("\n", ""), (stream, "bold"), ("  org ", "dim"), (org, "bold"))
    hidden = len(currencies) - len(shown)
    more = "1 more currency" if hidden == 1 else f"{hidden} more currencies"
    note = [Text(f"{more}: see marts.reconciliation_summary.", style="dim")] if hidden else []
    return Group(title, table, *note)


def _words(facts: Facts, stream: str, result: str) -> tuple[str, str]:
    """A result in words, with the names of the systems where the stream has just two."""
    word, style = _WORDS[result]
    if stream in facts.systems:
        source, target = facts.systems[stream]
        word = word.replace("in source", f"in {source}").replace("in target", f"in {target}")
    return word, style


def _fitting(facts: Facts, totals: dict[str, int]) -> list[str]:
    """The currencies with the most money, as many as fit beside each other; the marts have them all."""
    left = WIDTH - (_RESULT_WIDTH + _ROWS_WIDTH + 2 * _PADDING)
    shown: list[str] = []
    for currency in sorted(totals, key=lambda currency: -totals[currency]):
        left -= max(_AMOUNT_WIDTH, len(_amount(facts, totals[currency], currency)) + 1) + _PADDING
        if left < 0:
            break
        shown.append(currency)
    return shown


def _amount(facts: Facts, minor: int | None, currency: str) -> str:
    return "" if minor is None else format_minor(minor, facts.exponents.get(currency, 0))


_STATES = {
    "TIED_OUT": ("tied out", "green"),
    "IN_TRANSIT": ("in transit", "yellow"),
    "FEED_LATE": ("waiting for a feed", "yellow"),
    "NOT_ITEMISABLE": ("not itemisable", "yellow"),
    "LINES_DO_NOT_ADD_UP": ("lines do not add up", "red"),
    "DEPOSIT_DIFFERS": ("deposit differs", "red"),
    "DEPOSIT_MISSING": ("deposit missing", "red"),
}


def _show_payouts(facts: Facts, console: Console) -> None:
    """Do payouts equal their lines and reach the bank, to the last minor unit: one table an org."""
    for org in sorted({group.org_id for group in facts.payouts}):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("Payouts of", min_width=12)
        table.add_column("State", min_width=20)
        for name in ("Count", "Paid out", "In the bank", "Difference"):
            table.add_column(name, justify="right")
        for group in (group for group in facts.payouts if group.org_id == org):
            word, style = _STATES.get(group.state, (group.state, ""))
            amounts = [
                _money(amount, group.currency, facts.exponents)
                for amount in (group.payout_minor, group.deposit_minor, group.difference_minor)
            ]
            table.add_row(group.system, Text(word, style=style), f"{group.payouts:,}", *amounts)
        console.print(Group(Text.assemble(("\npayouts", "bold"), ("  org ", "dim"), (org, "bold")), table))


def _show_largest(facts: Facts, console: Console) -> None:
    """The largest open exceptions, each in words and with the place to look."""
    if facts.exceptions_open is None:
        console.print("\n[bold]Exceptions[/bold]  unknown: the build did not get that far.")
        return
    if not facts.exceptions_open:
        console.print("\n[bold]Exceptions[/bold]  none open.")
        return
    shown = len(facts.largest)
    largest = "the largest" if shown == 1 else f"the {shown} largest"
    console.print(f"\n[bold]Exceptions[/bold]  {facts.exceptions_open:,} open; {largest}:")
    table = Table(box=box.SIMPLE_HEAD, width=WIDTH, pad_edge=False, show_lines=False)
    table.add_column("", justify="right", style="dim", width=2)
    table.add_column("Amount", justify="right", no_wrap=True)
    table.add_column("What", ratio=1, overflow="fold")
    for number, item in enumerate(facts.largest, 1):
        what = Text.assemble((item.anomaly, "bold red"), ("  " + item.org_id + "  ", "dim"), item.explanation or "")
        if item.origin:
            what.append("\n" + item.origin, style="dim")
        table.add_row(str(number), _money(item.amount_minor, item.currency, facts.exponents), what)
    console.print(table)


def _money(minor: int | None, currency: str | None, exponents: Mapping[str, int]) -> str:
    """An amount with its currency; in minor units where nobody knows how many decimals it has."""
    if minor is None or not currency:
        return "-"
    if currency not in exponents:
        return f"{minor:,} minor units of {currency}"
    return f"{format_minor(minor, exponents[currency])} {currency}"


def show_exceptions(found: list[dict[str, Any]], exponents: Mapping[str, int], console: Console) -> None:
    """Print exceptions of the published copy, each in words, with what to do and the place to look."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Amount", justify="right", no_wrap=True)
    table.add_column("What", overflow="fold")
    for number, item in enumerate(found, 1):
        what = Text.assemble((item["anomaly"], "bold red"), (f"  {item['org_id']}  {item['stream']}", "dim"))
        what.append(f"  {item['severity']}", style="bold" if item["severity"] in ("HIGH", "CRITICAL") else "dim")
        if item["state"] != "OPEN":
            words = (item["state"].lower().replace("_", " "), item["resolution"], item["owner"])
            what.append("  " + ", ".join(word for word in words if word), style="green")
        if item["is_overdue"]:
            what.append("  overdue", style="red")
        if item["accepted_by"]:
            what.append(f"  accepted ({item['accepted_by']})", style="green")
        what.append(f"\n{item['exception_id']}", style="dim")
        sides = [(item[f"{side}_file"], item[f"{side}_row_number"]) for side in ("source", "target")]
        origin = ", ".join(f"{file} row {row}" for file, row in sides if file)
        told = (item["explanation"], ""), (item["strategy_note"], ""), (item["next_action"], "italic"), (origin, "dim")
        for text, style in told:
            if text:
                what.append(f"\n{text}", style=style)
        if number < len(found):
            what.append("\n")
        table.add_row(_money(item["amount_minor"], item["currency"], exponents), what)
    console.print(table)


def show_exception(
    item: Mapping[str, Any], events: list[dict[str, Any]], exponents: Mapping[str, int], console: Console
) -> None:
    """Print one exception whole, and its life."""
    amount = _money(item["amount_minor"], item["currency"], exponents)
    console.print(Text.assemble((item["anomaly"], "bold red"), f"  {item['title']}  ", (str(amount), "bold")))
    console.print(item["explanation"])
    console.print(Text(item["next_action"] or "", style="italic"))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", width=16)
    table.add_column(overflow="fold")
    overdue = "  overdue" if item["is_overdue"] else ""
    facts = {
        "Id": item["exception_id"],
        "Org, stream": f"{item['org_id']}, {item['stream']}, step {item['step']}",
        "State": item["state"] + (f" ({item['resolution']})" if item["resolution"] else ""),
        "Severity": item["severity"],
        "Dealt with": f"{item['classification']}, {item['strategy']} by rule {item['rule_id']}",
        "": item["strategy_note"],
        "Accepted": f"{item['accepted_by']} by {item['accepted_owner']}: {item['accepted_reason']}"
        if item["accepted_by"]
        else None,
        "Owner": item["owner"],
        "Waits for": f"approval of {item['proposed_resolution']}, proposed by {item['proposed_by']}"
        if item["proposed_by"]
        else None,
        "Opened": f"{item['opened_at']} UTC, {item['age_days']} days",
        "Due": f"{item['due_at']} UTC{overdue}",
        "Rule version": item["rule_version"],
    }
    for side in ("source", "target", "rejected"):
        if item[f"{side}_file"]:
            facts[side.capitalize()] = f"{item[f'{side}_file']} row {item[f'{side}_row_number']}"
    for name, value in facts.items():
        if value:
            table.add_row(name, Text(str(value)))
    console.print(table)
    console.print()
    life = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("When", "What", "Who", "State", "Why"):
        life.add_column(name, overflow="fold")
    for event in events:
        what = event["action"] + (f" to {event['assignee']}" if event["assignee"] else "")
        if event["amount_minor"] is not None:
            what += f" {_money(event['amount_minor'], item['currency'], exponents)}"
        state = (event["state"] or "") + (f" ({event['resolution']})" if event["resolution"] else "")
        why = event["reason"] or ""
        if event["refusal"]:
            why = f"refused: {event['refusal']}. {why}"
        life.add_row(str(event["event_at"])[:16], what, Text(event["actor"]), state, Text(why))
    console.print(life)


def _show_proof(summary: Summary, console: Console) -> None:
    """What proves that nothing is lost: landing, control totals, laws."""
    landed, facts = summary.landed, summary.facts
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", width=16)
    table.add_column()
    table.add_row("Landed", _landed_text(landed))
    if facts.rejected:
        words = f"{_count(facts.rejected, 'record')} of all deliveries, why: marts.rejected_records"
        table.add_row("Rejected", Text(words, style="yellow"))
    held, broken = sum(b.held for b in facts.balances), sum(b.broken for b in facts.balances)
    if broken:
        names = ", ".join(f"{balance.name} ({balance.broken})" for balance in facts.balances if balance.broken)
        table.add_row("Control totals", Text(f"{broken:,} broken, {held:,} held: {names}", style="red"))
    else:
        table.add_row("Control totals", Text(f"{held:,} balances, all held", style="green" if held else "yellow"))
    if facts.file_balances:
        held, broken = sum(b.held for b in facts.file_balances), sum(b.broken for b in facts.file_balances)
        words = Text(f"{held:,} statements of files about themselves hold", style="green")
        if broken:
            words.append(f", {broken:,} do not: see SOURCE_DOES_NOT_ADD_UP", style="red")
        table.add_row("Files", words)
    laws = Text(f"{summary.laws['passed']} passed", style="green")
    if summary.laws["failed"]:
        laws.append(f", {summary.laws['failed']} failed", style="bold red")
    table.add_row("Laws", laws)
    console.print()
    console.print(table)
    for failure in summary.failures:
        console.print(Text("  ✗ " + failure, style="red"))
    for lapse in summary.lapses:
        kept = "" if lapse.startswith("Connector ") else "; readers keep what was there"
        console.print(Text(f"  ! Done without{kept}: {lapse}", style="yellow"))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _landed_text(landed: dict[str, int]) -> Text:
    """The delivered files in one line; what went wrong stands out."""
    if not any(landed.values()):
        return Text("nothing new in the inbox")
    text = Text(f"{_count(landed['batches'], 'new file')} with {_count(landed['rows'], 'row')}")
    if landed["rejected"]:
        text.append(f", {landed['rejected']:,} rejected", style="yellow")
    if landed["redelivered"]:
        text.append(f", {landed['redelivered']:,} already known")
    if landed["failed_files"]:
        text.append(f", {landed['failed_files']:,} unreadable (see failed/ in the data folder)", style="red")
    return text


def _near(path: Path) -> Path:
    """A path as short as it can be said from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _show_foot(summary: Summary, console: Console) -> None:
    """Where the copy lies and how to look at it, and where the time went."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", width=16)
    table.add_column(overflow="fold")
    if summary.published:
        file = Path(summary.published) / DUCKDB_FILE
        table.add_row("Published", str(file) + "  and marts/*.parquet beside it")
    elif not summary.replay:
        table.add_row("Published", Text("nothing: readers still see the version before", style="yellow"))
    parts = [f"{name} {seconds:.1f} s" for name, seconds in summary.timings.items() if name != "total" and seconds]
    table.add_row("Time", f"{summary.timings['total']:.1f} s ({', '.join(parts)})")
    console.print(table)
    if summary.published:
        # Never broken over lines by us, so that it can be copied.
        look = f"duckdb.connect('{_near(file)}', read_only=True).sql('from marts.exceptions').show()"
        console.print("Look at it", style="bold")
        console.print(f'  {_near(Path(sys.executable))} -c "import duckdb; {look}"', soft_wrap=True, highlight=False)
