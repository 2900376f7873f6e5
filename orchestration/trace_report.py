"""A trace in words, for an auditor at 100 columns."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.money import format_minor

OURSELVES = "tieout"


def show_trace(found: Mapping[str, Any], exponents: Mapping[str, int], console: Console) -> None:
    """Print a trace: what, how much, by which rule, from which rows, judged by which run."""
    exception = found["exception"]
    money = _money(exception["amount_minor"], exception["currency"], exponents)
    console.print(Text.assemble((exception["anomaly"], "bold red"), f"  {exception['title'] or ''}  ", (money, "bold")))
    console.print(Text(exception["explanation"] or ""))
    console.print(Text(exception["exception_id"], style="dim"))
    for title, rows in (
        ("What happened to it", _events(found, exponents)),
        ("The result that carries it", _result(found["result"], exception["state"])),
        ("The rule of that day", _rule(found["rule"])),
        ("The run that judged", _judged(found["judged"])),
        ("Files that hold the verdict", _artifacts(found["artifacts"])),
    ):
        _show(title, rows, console)
    for record in found["records"]:
        _show(f"The {record['side']} record, as delivered", _record(record), console)
    if found["members"]:
        count = (found["result"] or {}).get("member_count") or len(found["members"])
        shown = len(found["members"])
        note = f", the first {shown}" if shown < count else ""
        _show(f"The {count} members{note}", [_member(member) for member in found["members"]], console)


def _show(title: str, rows: list[tuple[str, Any]], console: Console) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", width=22, overflow="fold")
    table.add_column(overflow="fold")
    for name, value in rows or [("", "nothing is on record")]:
        if value is not None:
            table.add_row(Text(name), Text(str(value)))
    console.print(table)


def _money(amount: int | None, currency: str | None, exponents: Mapping[str, int]) -> str:
    if amount is None or currency is None:
        return ""
    return f"{format_minor(amount, exponents.get(currency, 2))} {currency}"


def _events(found: Mapping[str, Any], exponents: Mapping[str, int]) -> list[tuple[str, Any]]:
    told = []
    for event in found["runs"]:
        money = _money(event["amount_minor"], event["currency"], exponents)
        told.append((f"{event['event_at']}", f"{event['event']} by run {event['run_id']}, {money}"))
    said = [
        (f"{event['event_at']}", f"{event['action']} by {event['actor']}: {event['reason']}")
        for event in found["history"]
        # What rules do stands among the events of the runs.
        if event["actor"] not in (None, OURSELVES)
    ]
    return sorted(told + said, key=lambda row: row[0])


def _result(result: Mapping[str, Any] | None, state: str) -> list[tuple[str, Any]]:
    if result is None:
        settled = "none now: it is no longer found, and its records are judged otherwise"
        return [("", settled if state == "RESOLVED" else "none: what it says of a record stands beside the results")]
    names = (
        *("result_id", "result", "anomalies", "step", "source_activity_id", "target_activity_id", "counterparty_id"),
        *("business_date", "source_amount_minor", "source_currency", "target_amount_minor", "target_currency"),
        *("difference_minor", "price_abs_minor", "price_pct", "skew_microseconds", "skew_seconds", "reason"),
    )
    return [(name, _number(result[name])) for name in names]


def _number(value: Any) -> Any:
    """A fraction without the zeros that its type adds."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _rule(rule: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    if rule is None:
        return []
    text = rule.get("rule_text")
    return [
        ("rule_version", rule["rule_version"]),
        ("first used", f"{rule['first_used_at']} by run {rule['first_run_id']}" if rule.get("first_used_at") else None),
        ("policy", ", ".join(f"{name} {_number(value)}" for name, value in rule.get("policy", {}).items()) or None),
        ("text", json.dumps(text, indent=1, ensure_ascii=False) if text is not None else None),
    ]


def _judged(judged: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    if judged is None:
        return []
    names = (
        "run_id",
        "step_run_id",
        "state",
        "attempt",
        "as_of",
        "started_at",
        "ended_at",
        "started_by",
        "start_reason",
    )
    return [(name, judged.get(name)) for name in names]


def _artifacts(artifacts: list[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    return [
        (
            row["artifact_id"],
            f"{row['artifact_type']}, {row['row_count']:,} rows, {row['storage_path']}"
            + (" (purged since)" if row["is_purged"] else ""),
        )
        for row in artifacts
    ]


def _record(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    rows = [
        ("file", f"{record['file']}, row {record['row_number']}"),
        ("", None if record.get("is_certain", True) else "by its name alone: several files of that name have come"),
        ("feed", record.get("feed")),
        ("received", record.get("received_at")),
        ("fetched from", _fetched_from(record)),
        ("SHA-256 of the file", record.get("content_sha256")),
    ]
    return rows + [(f"  {name}", value) for name, value in (record.get("delivered") or {}).items()]


def _fetched_from(record: Mapping[str, Any]) -> str | None:
    """Where a connector had the file from; None for a dropped one."""
    remote = record.get("remote")
    return f"{record['connector']}: {remote.get('path', remote)}" if remote else None


def _member(member: Mapping[str, Any]) -> tuple[str, Any]:
    amount = "" if member.get("amount_minor") is None else f"{member['amount_minor']:,} minor units; "
    delivered = ", ".join(f"{name}={value}" for name, value in (member.get("delivered") or {}).items())
    values = f"{member.get('activity_id') or ''}: {amount}{delivered}"
    return f"{member['file']} row {member['row_number']}", values
