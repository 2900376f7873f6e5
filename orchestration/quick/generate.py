"""The dbt project of a quick reconciliation: the shared core of the real one, and what a person would have written for
two feeds and a stream of one step. Text in, text out; nothing is written here."""

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

from orchestration.excerpt import Files, as_yaml, paths, shared_core
from orchestration.landing.header import normalise
from orchestration.project import SETTINGS
from orchestration.quick.plan import NO_AMOUNT, NO_CURRENCY, NO_TIME, Plan, SidePlan

STREAM = LADDER = "quick"
STEP = "by_key"
ENTITY = "records"
POLICY_COLUMNS = ("stream", "price_abs_minor", "price_pct", "skew_seconds", "grace_minutes", "price_basis")

# Columns that staging itself gives every record.
INTERNAL = (
    *("org_id", "feed", "batch_id", "source_file", "received_at", "row_number", "business_date", "is_valid", "kind"),
    *("is_continuation", "record_id", "record_version", "staged", "landed", "typed", "parsed", "given", "shaped"),
)


def feed_of(side: SidePlan) -> str:
    """The feed that a side's file is a delivery of."""
    return f"{side.system}/{ENTITY}"


def project_files(real: Path, plan: Plan, keywords: frozenset[str]) -> Files:
    """Every file of the generated project by its path. `keywords` are words that SQL reads as something else than a
    column.

    Raises:
        UsageError: the real project cannot be read.
    """
    files, settings = shared_core(real)
    files["seeds/currencies.csv"] = _currencies(files["seeds/currencies.csv"], plan.exponent)
    files["seeds/anomalies.csv"] = _anomalies(files["seeds/anomalies.csv"])
    for side in plan.sides:
        files |= _side_files(side, keywords)
    folder = f"models/reconciliations/{STREAM}"
    step = f"{{{{ reconcile(ladder='{LADDER}', match=one_to_one(on=['activity_id'])) }}}}\n"
    files[f"{folder}/{LADDER}__{STEP}.sql"] = step.encode()
    files[f"{folder}/{LADDER}__unmatched.sql"] = f"{{{{ unmatched(ladder='{LADDER}') }}}}\n".encode()
    variables: dict[str, Any] = settings["vars"]
    variables["feeds"] = [*(feed_of(side) for side in plan.sides), *variables["feeds"]]
    variables["streams"] = {
        STREAM: {
            "ladders": {
                LADDER: {
                    "source": feed_of(plan.left),
                    "target": feed_of(plan.right),
                    "checks": plan.checks,
                    "steps": [STEP],
                }
            }
        }
    }
    files[SETTINGS] = as_yaml(settings)
    return files


def key_of(files: Files) -> str:
    """What tells one generated project from another: everything in it."""
    digest = hashlib.sha256()
    for path in paths(files):
        digest.update(f"{path}\0{hashlib.sha256(files[path]).hexdigest()}\0".encode())
    return digest.hexdigest()[:16]


def policies(plan: Plan) -> str:
    """The thresholds, as an org would deliver them: nothing waits, and amounts are compared in their own currency."""
    values = (STREAM, plan.price_abs_minor, plan.price_pct, plan.skew, 0, "RECORD")
    return ",".join(POLICY_COLUMNS) + "\n" + ",".join(str(value) for value in values) + "\n"


class _Names:
    """Names for columns: the header's own where SQL can have it, so that a reject speaks of what stands in the file."""

    def __init__(self, side: SidePlan, keywords: frozenset[str]) -> None:
        self.headers = {normalise(header) for header in side.headers}
        self.keywords = keywords
        self.taken = set(INTERNAL)

    def of_header(self, header: str, role: str) -> str:
        plain = "_".join("".join(c if c.isascii() and c.isalnum() else " " for c in normalise(header)).split())
        fits = plain and plain[0].isalpha() and plain not in self.taken and plain not in self.keywords
        return self._take(plain if fits else f"{role}_column", {normalise(header)})

    def of_own(self, wanted: str) -> str:
        """A name for a column that the file does not have."""
        return self._take(wanted, set())

    def _take(self, wanted: str, own: set[str]) -> str:
        name, number = wanted, 1
        while name in self.taken or name in self.headers - own or name in self.keywords:
            number += 1
            name = f"{wanted}_{number}"
        # An amount is staged under two names of its own.
        self.taken |= {name, f"{name}_minor", f"{name}_exponent"}
        return name


def _side_files(side: SidePlan, keywords: frozenset[str]) -> Files:
    feed, relation = feed_of(side), f"{side.system}__{ENTITY}"
    columns, roles = _columns(side, keywords)
    declared: dict[str, Any] = {
        "kind": "records",
        "time_zone": side.time_zone,
        "decimal_mark": side.marks.decimal,
        "grouping_mark": side.marks.grouping,
        "id_column": roles["activity_id"],
        "event_column": roles["event_at"],
    }
    if side.delimiter:
        declared["delimiters"] = [side.delimiter]
    if side.marks.decorations:
        declared["amount_marks"] = list(side.marks.decorations)
    source = {
        "name": side.system,
        "schema": "{{ env_var('TIEOUT_SCHEMA_PREFIX', '') }}landing",
        "tables": [
            {
                "name": ENTITY,
                "identifier": relation,
                "config": {"meta": {"feed": declared}},
                "columns": [{"name": name, "config": {"meta": meta}} for name, meta in columns.items()],
            }
        ],
    }
    records = f"{side.system}_{ENTITY}"
    mapping = ", ".join(f"'{canonical}': '{column}'" for canonical, column in roles.items())
    arguments = f"feed='{feed}', entity='{ENTITY}', activity_type='RECORD', statuses='told', columns={{{mapping}}}"
    return {
        f"models/staging/{side.system}/_{side.system}__sources.yml": as_yaml({"version": 2, "sources": [source]}),
        f"models/staging/{side.system}/stg_{relation}.sql": f"{{{{ stage(feed='{feed}') }}}}\n".encode(),
        f"models/staging/{side.system}/rejected_{relation}.sql": f"{{{{ rejected(feed='{feed}') }}}}\n".encode(),
        f"models/canonical/{records}.sql": f"{{{{ canonical({arguments}) }}}}\n".encode(),
        f"models/canonical/{records}__dispositions.sql": (
            f"{{{{ dispositions(records='{records}', feed='{feed}') }}}}\n".encode()
        ),
    }


def _columns(side: SidePlan, keywords: frozenset[str]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The feed's columns with what is declared of each, and which of them is what in the canonical record."""
    names = _Names(side, keywords)
    columns: dict[str, dict[str, Any]] = {}
    roles: dict[str, str] = {}

    def declare(header: str, role: str, **meta: Any) -> str:
        name = names.of_header(header, role)
        columns[name] = {**meta, **({"aliases": [header]} if normalise(header) != name else {})}
        return name

    def stand_in(wanted: str, **meta: Any) -> str:
        name = names.of_own(wanted)
        columns[name] = meta
        return name

    keys = [declare(header, "key", type="id", required=True) for header in side.key]
    roles["activity_id"] = keys[0]
    if len(keys) > 1:
        roles["activity_id"] = stand_in("whole_key", type="id", parts=keys, required=True)
    # A blank that stands in both files is no difference.
    roles["status"] = (
        declare(side.status, "status", type="text", default="(blank)")
        if side.status
        else stand_in("no_status", type="text")
    )
    roles["currency"] = (
        declare(side.currency, "currency", type="currency", required=True)
        if side.currency
        else stand_in("the_currency", type="currency", required=True, default=side.currency_code)
    )
    amount = {"type": "amount", "currency": roles["currency"], "required": True}
    roles["amount"] = (
        declare(side.amount, "amount", **amount) if side.amount else stand_in("no_amount", **amount, default=NO_AMOUNT)
    )
    shapes: dict[str, Any] = {"formats": list(side.times.shapes)} if side.times.shapes else {}
    if not side.time:
        roles["event_at"] = stand_in("no_time", type="time", required=True, default=NO_TIME)
    elif not side.times.days_only:
        roles["event_at"] = declare(side.time, "time", type="time", required=True, **shapes)
    else:
        # A day has no clock: the column is a text, and the time is put together from it and midnight.
        day = declare(side.time, "day", type="text", required=True)
        clock = stand_in(f"{day}_clock", type="text", default="00:00:00")
        roles["event_at"] = stand_in(f"{day}_time", type="time", parts=[day, clock], **shapes)
    return columns, roles


def _currencies(seed: bytes, exponent: int) -> bytes:
    """Amounts without a currency have as many decimals as the files give them."""
    rows = list(csv.reader(io.StringIO(seed.decode("utf-8"))))
    place = {name: number for number, name in enumerate(rows[0])}
    for row in rows[1:]:
        if row[place["currency"]] == NO_CURRENCY:
            row[place["exponent"]] = str(exponent)
    return _csv(rows)


def _anomalies(seed: bytes) -> bytes:
    """The texts of anomalies, without those for one system's own: another system may have that name here."""
    rows = list(csv.reader(io.StringIO(seed.decode("utf-8"))))
    prefixes = tuple(row[0] for row in rows[1:] if row[0].endswith("_"))
    return _csv([rows[0], *(row for row in rows[1:] if row[0] in prefixes or not row[0].startswith(prefixes))])


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")
