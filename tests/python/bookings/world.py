"""What the tests of bookings share: records, deliveries, runs, and what was published of them."""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.python import ready
from tests.python.laws.harness import Folder

STREAM = "bookings"
AGGREGATOR = "aggregator/activities"
SUPPLIER = "supplier/activities"
POLICIES = "tieout/policies"
RATES = "tieout/fx_rates"

Row = Mapping[str, str]


def at(text: str) -> datetime:
    """A moment of 2026, UTC: `03-02 12:00`."""
    return datetime.fromisoformat(f"2026-{text.replace(' ', 'T')}+00:00")


def activity(activity_id: str, amount: str, currency: str = "EUR", **others: str) -> dict[str, str]:
    """A record of either side: a booking of Monday, 2 March, at nine."""
    return {
        "activity_id": activity_id,
        "supplier_id": "S1",
        "activity_type": "SALE",
        "amount": amount,
        "currency": currency,
        "status": "BOOKED",
        "version": "1",
        "event_time": "2026-03-02T09:00:00Z",
        **others,
    }


def rate(from_currency: str, to_currency: str, value: str, day: str = "2026-03-02", source: str = "ECB") -> Row:
    """An exchange rate."""
    return {"date": day, "from_currency": from_currency, "to_currency": to_currency, "rate": value, "source": source}


def policy(counterparty_id: str = "", stream: str = STREAM, **fields: str) -> Row:
    """A policy of a stream, or of one counterparty in it."""
    return {"stream": stream, "counterparty_id": counterparty_id, **fields}


def put(folder: Folder, org_id: str, feed: str, rows: Iterable[Row], name: str) -> None:
    """Drop a delivery into the inbox, in the format that its name says."""
    rows = list(rows)
    path = folder.root / "inbox" / org_id / feed / name
    path.parent.mkdir(parents=True, exist_ok=True)
    assert not path.exists(), path
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if name.endswith(".jsonl"):
        # A number of JSON keeps its text.
        lines = (re.sub(r'"(amount|version)": "([^"]*)"', r'"\1": \2', json.dumps(row)) for row in rows)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    elif name.endswith(".parquet"):
        values = ", ".join(
            "(" + ", ".join("'" + row.get(column, "").replace("'", "''") + "'" for column in columns) + ")"
            for row in rows
        )
        with duckdb.connect() as connection:
            connection.execute(
                "copy (select * replace (cast(amount as decimal(18, 2)) as amount, cast(version as bigint) as version)"
                f" from (values {values}) as rows ({', '.join(columns)})) to '{path}' (format parquet)"
            )
    else:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(buffer.getvalue(), encoding="utf-8")


@dataclass(frozen=True)
class Outcome:
    """A run whose books closed."""

    results_hash: str
    summary: dict[str, Any]


def run(folder: Folder, as_of: datetime, *arguments: str) -> Outcome:
    """A run; its books must close and every file must be read."""
    done = folder.start(as_of, *arguments)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    summary = json.loads(done.stdout)
    assert summary["laws"]["failed"] == 0
    assert summary["landed"]["failed_files"] == 0
    return Outcome(str(summary["streams"][STREAM]["results_hash"]), summary)


def hourly(folder: Folder, as_of: datetime) -> Outcome:
    """A run of mode hourly."""
    return run(folder, as_of, "--mode", "hourly")


def land(folder: Folder, as_of: datetime) -> None:
    """Land what lies in the inbox and do nothing else."""
    moment = as_of.isoformat().replace("+00:00", "Z")
    env = {**os.environ, **folder.environment}
    done = ready.run("land", "--data-dir", folder.root, "--as-of", moment, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def of_project(root: Path, target: str, project: Path, database: Mapping[str, str]) -> Folder:
    """A data folder whose runs are of a copy of the project."""
    root.mkdir(parents=True)
    return Folder(root, target, {**database, "TIEOUT_PROJECT_DIR": str(project)})


# What is compared of a result: by org and id of the record, the verdicts as `RESULT ANOMALIES REASON`, sorted.
Verdicts = dict[tuple[str, str], str]


def verdicts(folder: Folder, stream: str = STREAM) -> Verdicts:
    """The published verdicts."""
    found: dict[tuple[str, str], list[str]] = {}
    for org_id, activity_id, *said in folder.published(
        "select org_id, coalesce(source_activity_id, target_activity_id), result, nullif(anomalies, ''), reason,"
        f" case when is_late then 'LATE' end from marts.reconciliation_results where stream = '{stream}'"
    ):
        found.setdefault((org_id, activity_id), []).append(" ".join(part for part in said if part))
    return {key: " + ".join(sorted(said)) for key, said in found.items()}


def rows_by_key(folder: Folder, columns: str, where: str = "true") -> dict[tuple[str, str], tuple[Any, ...]]:
    """Some columns of the published results, by org and id."""
    return {
        (row[0], row[1]): row[2:]
        for row in folder.published(
            f"select org_id, coalesce(source_activity_id, target_activity_id), {columns}"
            f" from marts.reconciliation_results where stream = '{STREAM}' and {where}"
        )
    }


def exceptions(folder: Folder, where: str = "state = 'OPEN'") -> set[tuple[str, str, str]]:
    """Exceptions of the stream as (org, anomaly, record's id)."""
    return {
        (org_id, anomaly, activity_id)
        for org_id, anomaly, activity_id in folder.published(
            "select org_id, anomaly, coalesce(source_activity_id, target_activity_id) from marts.exceptions"
            f" where stream = '{STREAM}' and {where}"
        )
    }


def shown(moment: datetime) -> str:
    """A moment as a feed writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
