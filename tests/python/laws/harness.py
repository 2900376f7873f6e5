"""The harness: deliveries go into an inbox, the real command runs, and what it published is held against the oracle.

A run costs seconds, a case next to nothing: orgs are independent, so many cases share one run, each as its own org.
"""

import csv
import io
import itertools
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import duckdb

from tests.python import ready
from tests.python.oracle import Answer, Delivery, answer, results_hash, text
from tests.python.oracle.answer import currencies
from tests.python.oracle.deliveries import OMS, POS
from tests.python.oracle.matching import STREAM
from tests.python.oracle.policies import CONTRADICTING_POLICIES, COUNTERPARTY_WITHOUT_STREAM
from tests.python.oracle.results import HASH_COLUMNS, ResultRow, hash_of_texts
from tests.python.ready import COMMAND, ROOT

RUN_LIMIT_SECONDS = 600

# org_id -> what it delivered
Cases = Mapping[str, Sequence[Delivery]]
# An engine -> the environment in which a data folder of it has a database of its own.
NewDatabase = Callable[[str], dict[str, str]]


class Server:
    """A Postgres server of the tests. Every data folder gets a database of its own. What dbt has parsed for a database
    holds for the next one of its name, so that names are used again."""

    _taken: ClassVar[set[str]] = set()

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        host = parse_qs(parts.query).get("host", [parts.hostname or "127.0.0.1"])[0]
        self.host, self.port, self.user = host, parts.port or 5432, parts.username or "postgres"
        self.password = parts.password or ""

    def new_database(self) -> dict[str, str]:
        """Make an empty database; returns the environment in which it is the target."""
        names = (f"tieout_{os.getpid()}_{number}" for number in itertools.count(1))
        name = next(name for name in names if name not in self._taken)
        self._taken.add(name)
        self.execute(f'create database "{name}"')
        return self._variables(name)

    def _variables(self, database: str) -> dict[str, str]:
        return {
            "TIEOUT_PG_HOST": self.host,
            "TIEOUT_PG_PORT": str(self.port),
            "TIEOUT_PG_USER": self.user,
            "TIEOUT_PG_PASSWORD": self.password,
            "TIEOUT_PG_DATABASE": database,
        }

    def drop_database(self, variables: Mapping[str, str]) -> None:
        """Let go of a database that `new_database` made, whoever is still connected."""
        name = variables["TIEOUT_PG_DATABASE"]
        self.execute(f'drop database if exists "{name}" with (force)')
        self._taken.discard(name)

    def execute(self, *statements: str) -> None:
        """Run statements outside of any test's database."""
        on_postgres(self._variables("postgres"), *statements)


def on_postgres(variables: Mapping[str, str], *queries: str) -> list[list[tuple[Any, ...]]]:
    """The rows that each query gives in the database that variables tell of: TIEOUT_PG_HOST and its like, or
    DAGSTER_PG_HOST and its like."""
    import psycopg2

    named = {name.rpartition("_PG_")[2].lower(): value for name, value in variables.items() if "_PG_" in name}
    connection = psycopg2.connect(dbname=named.pop("database"), **named)
    connection.autocommit = True
    try:
        found = []
        with connection.cursor() as cursor:
            for query in queries:
                cursor.execute(query)
                found.append(cursor.fetchall() if cursor.description else [])
        return found
    finally:
        connection.close()


@dataclass(frozen=True)
class Run:
    """What a run of the command gave back."""

    code: int
    summary: dict[str, Any]
    output: str

    @property
    def results_hash(self) -> str:
        """The hash of the stream's results."""
        return str(self.summary["streams"][STREAM]["results_hash"])


@dataclass
class Folder:
    """A data folder, the engine that it belongs to, and the environment of its runs."""

    root: Path
    target: str
    environment: dict[str, str]
    _numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, org_id: str, delivery: Delivery) -> Path:
        """Write a delivery into the inbox as a CSV file."""
        name = delivery.file or f"{next(iter(self._numbers)):05d}.csv"
        path = self.root / "inbox" / org_id / delivery.feed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_csv(delivery))
        return path

    def put_all(self, cases: Cases, received_at: datetime) -> int:
        """Write what the orgs deliver at one time; returns the number of files."""
        due = [(org, d) for org, deliveries in cases.items() for d in deliveries if d.received_at == received_at]
        for org_id, delivery in due:
            self.put(org_id, delivery)
        return len(due)

    def _arguments(self, as_of: datetime) -> list[str]:
        moment = as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return ["run", "--data-dir", str(self.root), "--target", self.target, "--as-of", moment, "--json"]

    def start(self, as_of: datetime, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command, whatever comes of it."""
        env = {**os.environ, **self.environment, **environment}
        return ready.run(*self._arguments(as_of), *arguments, env=env, timeout=RUN_LIMIT_SECONDS)

    def kill_after(self, as_of: datetime, seconds: float) -> bool:
        """Run the command and kill it (SIGKILL) after some time; False when it had ended before."""
        process = subprocess.Popen(
            [*COMMAND, *self._arguments(as_of)],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True
        return False

    def run(self, as_of: datetime) -> Run:
        """Run the command; the books must close."""
        done = self.start(as_of)
        output = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, f"the run at {as_of} ended with {done.returncode}:\n{output[-6000:]}"
        run = Run(done.returncode, json.loads(done.stdout), output)
        assert run.summary["laws"]["failed"] == 0, output[-6000:]
        return run

    def published(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the published copy."""
        with duckdb.connect(str(self.root / "published" / "tieout.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def published_columns(self, mart: str) -> list[str]:
        """The columns of a published mart."""
        return [
            row[0]
            for row in self.published(
                "select column_name from information_schema.columns where table_schema = 'marts'"
                f" and table_name = '{mart}' order by ordinal_position"
            )
        ]

    def warehouse(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the warehouse itself, in the SQL that both engines share."""
        if self.target == "duckdb":
            with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as connection:
                return connection.execute(query).fetchall()
        return on_postgres(self.environment, query)[0]


def as_csv(delivery: Delivery) -> bytes:
    """The bytes of a delivery; equal for two deliveries exactly when `Delivery.content` is."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(delivery.header)
    for row in delivery.rows:
        writer.writerow([row.get(name.strip().lower(), "") for name in delivery.header])
    return buffer.getvalue().encode("utf-8")


# --- reading the marts ----------------------------------------------------------------------------------------------

Business = tuple[str | None, ...]

REASON_CODES = {
    text.MISSING_ID,
    text.MISSING_VALUE,
    text.UNREADABLE_AMOUNT,
    text.AMOUNT_OUT_OF_RANGE,
    text.TOO_MANY_DECIMALS,
    text.UNKNOWN_CURRENCY,
    text.UNREADABLE_TIME,
    text.NONEXISTENT_LOCAL_TIME,
    text.UNREADABLE_INTEGER,
    text.UNREADABLE_DECIMAL,
    text.UNREADABLE_DATE,
    text.BELOW_MINIMUM,
    text.ABOVE_MAXIMUM,
    COUNTERPARTY_WITHOUT_STREAM,
    CONTRADICTING_POLICIES,
}


def _text(value: object) -> str | None:
    """A value as the results hash writes it."""
    if value is None:
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


def published_results(folder: Folder) -> dict[str, list[tuple[Business, str | None, bool]]]:
    """By org: the business columns of every result as texts, then why it is pending and whether it is late."""
    columns = folder.published_columns("reconciliation_results")
    # A surplus copy's ordinal may stand in a column of its own; the hash wants it behind the id.
    ordinal = next((name for name in ("copy_ordinal", "ordinal") if name in columns), None)
    selected = [*HASH_COLUMNS, "reason", "is_late", *([ordinal] if ordinal else [])]
    found: dict[str, list[tuple[Business, str | None, bool]]] = {}
    for row in folder.published(f"select {', '.join(selected)} from marts.reconciliation_results"):
        named = dict(zip(selected, row, strict=True))
        texts = [_text(named[name]) for name in HASH_COLUMNS]
        if ordinal and named["result"] == "DUPLICATE":
            for name in ("source_activity_id", "target_activity_id"):
                place = HASH_COLUMNS.index(name)
                if texts[place] is not None:
                    texts[place] = f"{texts[place]}#{named[ordinal]}"
        found.setdefault(named["org_id"], []).append((tuple(texts), named["reason"] or None, bool(named["is_late"])))
    return found


def published_rejects(folder: Folder) -> dict[str, Counter[tuple[str, str, int, tuple[str, ...]]]]:
    """By org: feed, file, row number and the sorted reason codes of every rejected record."""
    found: dict[str, Counter[tuple[str, str, int, tuple[str, ...]]]] = {}
    for org_id, feed, file, row_number, reasons in folder.published(
        "select org_id, feed, source_file, row_number, reasons from marts.rejected_records"
    ):
        # The mart's text names columns too; only the codes are compared.
        codes = tuple(sorted(set(re.findall(r"[a-z_]+", reasons)) & REASON_CODES))
        found.setdefault(org_id, Counter())[(feed, file, row_number, codes)] += 1
    return found


# stream, anomaly, source id, target id
ExceptionKey = tuple[str, str, str | None, str | None]


def open_exceptions(folder: Folder) -> dict[str, Counter[ExceptionKey]]:
    """By org: stream, anomaly and ids of every exception that is open."""
    return _exceptions(folder, "where state <> 'RESOLVED'")


def exceptions_ever(folder: Folder) -> dict[str, Counter[ExceptionKey]]:
    """By org: stream, anomaly and ids of every exception that was ever open."""
    return _exceptions(folder, "")


def _exceptions(folder: Folder, where: str) -> dict[str, Counter[ExceptionKey]]:
    found: dict[str, Counter[ExceptionKey]] = {}
    for row in folder.published(
        f"select org_id, stream, anomaly, source_activity_id, target_activity_id from marts.exceptions {where}"
    ):
        found.setdefault(row[0], Counter())[row[1:]] += 1
    return found


def without_ordinals(keys: Iterable[tuple[str, str, str, str | None, str | None]]) -> Counter[ExceptionKey]:
    """The oracle's exceptions as the mart shows them: surplus copies are one exception each, under the bare id."""
    return Counter(
        (stream, anomaly, *(i.rsplit("#", 1)[0] if i and anomaly.startswith("DUPLICATE_") else i for i in ids))
        for _, stream, anomaly, *ids in keys
    )  # type: ignore[misc]


def published_totals(folder: Folder) -> dict[str, dict[str, dict[str, int]]]:
    """By org and feed: the parts of law 1 that a record feed's control totals show; they must hold as well."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for org_id, balance, feed, unit, wanted, breakdown, holds in folder.published(
        "select org_id, balance, scope, unit, expected, breakdown, holds from marts.control_totals"
    ):
        assert holds, f"{org_id}: the balance {balance} of {feed} does not hold: {wanted} is not {breakdown}"
        if unit == "rows" and feed in (POS, OMS):
            parts = found.setdefault(org_id, {}).setdefault(feed, {})
            if balance == "records":
                parts["landed"] = int(wanted)
            for name, count in re.findall(r"([a-z]+) (-?[0-9]+)", breakdown or ""):
                parts[name] = parts.get(name, 0) + int(count)
    return found


# --- comparing --------------------------------------------------------------------------------------------------------


def expected(cases: Cases, as_of: datetime) -> dict[str, Answer]:
    """The oracle's answer for every org."""
    exponents = currencies()
    return {org_id: answer(org_id, deliveries, as_of, exponents) for org_id, deliveries in cases.items()}


def expected_hash(answers: Mapping[str, Answer]) -> str:
    """The hash that a run must report."""
    return results_hash(row for one in answers.values() for row in one.rows)


def differences(folder: Folder, cases: Cases, as_of: datetime) -> dict[str, list[str]]:
    """By org: where what is published is not what the oracle says, in lines for people. Empty: all is well."""
    answers = expected(cases, as_of)
    results, rejects, exceptions = published_results(folder), published_rejects(folder), open_exceptions(folder)
    totals = published_totals(folder)
    found: dict[str, list[str]] = {}
    for org_id, one in answers.items():
        lines = _diff_rows(one.rows, results.get(org_id, []))
        due = Counter((r.feed, r.file, r.row_number, r.codes) for r in one.rejects)
        lines += _diff_bags("reject", _without_files(due), _without_files(rejects.get(org_id, Counter())))
        lines += _diff_bags(
            "open exception",
            without_ordinals(one.open_exceptions),
            exceptions.get(org_id, Counter()),
        )
        for feed, due_totals in one.totals.items():
            shown = totals.get(org_id, {}).get(feed, {})
            for name, count in asdict(due_totals).items():
                if shown.get(name, 0) != count:
                    lines.append(f"control total of {feed}: {name} is {shown.get(name, 0)}, expected {count}")
        if lines:
            found[org_id] = lines
    for org_id in results.keys() - answers.keys():
        found[org_id] = ["an org that delivered nothing has results"]
    return found


def _without_files(bag: Counter[tuple[str, str, int, tuple[str, ...]]]) -> Counter[tuple[Any, ...]]:
    """Rejects by feed, row and reasons: the harness, not the case, names the files."""
    return Counter(
        {key: sum(n for k, n in bag.items() if (k[0], *k[2:]) == key) for key in {(k[0], *k[2:]) for k in bag}}
    )


def _diff_rows(due: Iterable[ResultRow], given: Iterable[tuple[Business, str | None, bool]]) -> list[str]:
    """What differs between two bags of result rows."""
    wanted = Counter((row.business(), row.reason, row.is_late) for row in due)
    lines = []
    for sign, bag in (("expected", wanted - Counter(given)), ("published", Counter(given) - wanted)):
        for (texts, reason, late), count in sorted(bag.items(), key=str):
            shown = [f"{n}={v}" for n, v in zip(HASH_COLUMNS[2:], texts[2:], strict=True) if v is not None]
            shown += [f"reason={reason}"] if reason else []
            shown += ["is_late"] if late else []
            lines.append(f"result {sign} only (x{count}): {' '.join(shown)}")
    return lines


def _diff_bags(what: str, due: Counter[Any], given: Counter[Any]) -> list[str]:
    """What differs between two bags of anything."""
    lines = [f"{what} expected only (x{n}): {key}" for key, n in sorted((due - given).items(), key=str)]
    return lines + [f"{what} published only (x{n}): {key}" for key, n in sorted((given - due).items(), key=str)]


def describe(deliveries: Iterable[Delivery], as_of: datetime | None = None) -> str:
    """A case as text: what was delivered when."""
    lines = []
    for d in sorted(deliveries, key=lambda d: d.received_at):
        if as_of is None or d.received_at <= as_of:
            lines.append(f"-- {d.feed} {d.file} received {d.received_at:%Y-%m-%dT%H:%M:%SZ}")
            lines += as_csv(d).decode("utf-8").splitlines()
    return "\n".join(lines)


def check(folder: Folder, cases: Cases, as_of: datetime, run: Run, show: int = 3) -> None:
    """Fail with a readable difference unless what is published, and the run's hash, are what the oracle says."""
    found = differences(folder, cases, as_of)
    if found:
        parts = [f"{len(found)} of {len(cases)} orgs differ from the oracle at {as_of} on {folder.target}"]
        for org_id in sorted(found)[:show]:
            parts += [f"\n== {org_id}", *found[org_id], describe(cases.get(org_id, ()), as_of)]
        raise AssertionError("\n".join(parts))
    answers = expected(cases, as_of)
    marts = hash_of_texts(row[0] for rows in published_results(folder).values() for row in rows)
    assert run.results_hash == marts, "the reported hash is not the hash of the published results"
    assert run.results_hash == expected_hash(answers)
    counted = Counter(row.result for one in answers.values() for row in one.rows)
    reported = run.summary["streams"][STREAM]
    assert {k: v for k, v in reported.items() if k != "results_hash" and v} == {
        k.lower(): v for k, v in counted.items()
    }


# Marts and logs as a whole, for "nothing changed". Columns that say when a row was last written are no part of it.
MARTS = (
    "reconciliation_results",
    "exceptions",
    "reconciliation_summary",
    "rejected_records",
    "control_totals",
)


def state(folder: Folder) -> dict[str, Any]:
    """Everything that a run without news must leave as it was."""
    found: dict[str, Any] = {
        mart: Counter(map(repr, folder.published(f"select * from marts.{mart}"))) for mart in MARTS
    }
    found["exception_log"] = Counter(map(repr, folder.warehouse("select * from audit.exception_log")))
    found["published"] = os.path.realpath(folder.root / "published")
    found["landing"] = sorted(
        str(path.relative_to(folder.root)) for path in (folder.root / "landing").rglob("*") if path.is_file()
    )
    return found


def shown_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Which parts of the state changed, and how: `==` alone would print all of it."""
    lines = []
    for name, was in before.items():
        now = after[name]
        if was != now:
            lines.append(f"{name} changed")
            if isinstance(was, Counter):
                lines += [f"  - {row}" for row in list((was - now).elements())[:5]]
                lines += [f"  + {row}" for row in list((now - was).elements())[:5]]
            else:
                lines.append(f"  - {was}\n  + {now}")
    return "\n".join(lines)
