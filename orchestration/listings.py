"""What the `list` commands print: rows as dictionaries, the same for the table and for JSON."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration import decisions, runs
from orchestration import project as projects
from orchestration.data_dir import DataDir
from orchestration.landing import load_feeds, read_manifests
from orchestration.warehouse import literal


def feeds(data_dir: Path) -> list[dict[str, Any]]:
    """Every declared feed with the number of batches and rows that have landed of it."""
    batches: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for batch in read_manifests(DataDir.at(data_dir).root):
        feed = f"{batch['system']}/{batch['feed']}"
        batches[feed] += 1
        rows[feed] += batch["record_count"]
    declared = load_feeds(projects.project_dir())
    return [
        {"feed": name, "kind": feed.kind, "batches": batches[name], "rows": rows[name]}
        for name, feed in declared.items()
    ]


def streams() -> list[dict[str, Any]]:
    """Every declared stream, one row a ladder."""
    return [
        {
            "stream": stream.name,
            "ladder": name,
            "source": ladder.get("source"),
            "target": ladder.get("target"),
            "steps": ", ".join(ladder.get("steps") or []),
            "checks": ", ".join(map(_check_text, ladder.get("checks") or [])),
        }
        for stream in projects.load_streams(projects.project_dir()).values()
        for name, ladder in stream.ladders.items()
    ]


def _check_text(check: str | dict[str, str]) -> str:
    """A check as the registry names it, with the anomaly that it is given on its ladder."""
    return check if isinstance(check, str) else ", ".join(f"{name} ({anomaly})" for name, anomaly in check.items())


def exponents(data_dir: Path, target: str) -> dict[str, int]:
    """Decimals of every currency, as the latest run knew them."""
    record = runs.latest_with_summary(DataDir.at(data_dir), target)
    return {} if record is None or record.facts is None else record.facts["exponents"]


def exposure(decimals: Mapping[str, int]) -> str:
    """SQL that says how large an exception is: in the base currency where the org names one, else by the units of its
    currency, whatever its decimals."""
    units = "".join(f" when {literal(currency)} then {10**count}" for currency, count in decimals.items())
    unit = f"case %s{units} else 1 end" if units else "1"
    return (
        f"coalesce(exposure_base_minor / {unit.replace('%s', 'base_currency')},"
        f" abs(amount_minor) / {unit.replace('%s', 'currency')}, 0)"
    )


def exceptions(
    data_dir: Path, decimals: Mapping[str, int], *, wanted: Mapping[str, Any], state: str, limit: int
) -> list[dict[str, Any]]:
    """Exceptions of the published copy, the largest exposures first: in the base currency where the org names one, else
    by the units of their currency, whatever its decimals.

    `wanted` holds the filters: `org_id`, `stream`, `severity`, `owner`, `anomaly`, `classification`, `strategy`
    (equal), `accepted` (true or false), `min_age_days` and `min_amount_minor` (at least); None asks for nothing.
    `state` is a state, `open` for all that are not resolved, or `all`.

    Raises:
        UsageError: nothing has been published in this data folder yet.
    """
    conditions, values = ["true"], []
    for column in ("org_id", "stream", "severity", "owner", "anomaly", "classification", "strategy"):
        if wanted.get(column):
            conditions.append(f"{column} = ?")
            values.append(wanted[column])
    for column, name in (("age_days", "min_age_days"), ("amount_minor", "min_amount_minor")):
        if wanted.get(name) is not None:
            conditions.append(f"{column} >= ?")
            values.append(wanted[name])
    if wanted.get("accepted") is not None:
        conditions.append(f"accepted_by is {'not ' if wanted['accepted'] else ''}null")
    if state == "open":
        conditions.append("state <> 'RESOLVED'")
    elif state != "all":
        conditions.append("state = ?")
        values.append(state.upper().replace("-", "_"))
    with duckdb.connect(str(decisions.published(data_dir)), read_only=True) as connection:
        cursor = connection.execute(
            "select exception_id, org_id, stream, anomaly, state, resolution, severity, classification, strategy,"
            " strategy_note, accepted_by, owner, due_at, is_overdue, age_days, currency, amount_minor, explanation,"
            " next_action, source_file, source_row_number, target_file,"
            f" target_row_number from marts.exceptions where {' and '.join(conditions)}"
            f" order by {exposure(decimals)} desc, exception_id limit ?",
            [*values, limit],
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
