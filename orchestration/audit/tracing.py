"""From an exception back to where it comes from: the result that carries it, the records behind that, the file and row
of each as delivered, the rule of that day, the run that judged, and the files that hold the verdict."""

import json
from pathlib import Path
from typing import Any

from orchestration import decisions
from orchestration.audit import tables
from orchestration.audit.artifacts import SCHEMA
from orchestration.audit.recorder import step_run_id
from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.errors import UsageError
from orchestration.landing import read_manifests
from orchestration.warehouse import Warehouse, literal, open_warehouse, scratch_connection

# Of a group, so many members are shown.
MOST_MEMBERS = 20
# A row that tells of several movements has them numbered by this (macro `file_row`).
PER_PART = 1_000_000_000_000
SIDES = ("source", "target")
_RULE = ("rule_version", "stream", "ladder", "step", "rule_text", "first_used_at", "first_run_id")
_RUN = ("run_id", "state", "attempt", "as_of", "started_at", "ended_at", "started_by", "start_reason")


def trace(data_dir: Path, target: str, exception_id: str, org: str | None = None) -> dict[str, Any]:
    """All that led to an exception, as plain values.

    Raises:
        UsageError: there is no such exception (of that org).
        TieoutError: the warehouse cannot be opened.
    """
    exception = decisions.find(data_dir, exception_id)
    if org is not None and exception["org_id"] != org:
        raise UsageError(f"{org} has no exception {exception_id}. See `tieout exceptions list --org {org}`.")
    data = DataDir.at(data_dir)
    with open_warehouse(Place(data, target, replay=False), data.root / ".tmp") as warehouse:
        result = _result(warehouse, exception)
        judged = _judged(warehouse, exception["org_id"], result) if result else None
        places = _places(exception, result)
        members = _members(warehouse, result) if result else []
        found = {
            "exception": exception,
            "history": decisions.history(data_dir, exception),
            "runs": _events(warehouse, exception),
            "result": result,
            "rule": _rule(warehouse, exception, result),
            "judged": judged,
            "artifacts": _artifacts(warehouse, exception, judged),
        }
    found["records"] = _delivered(data, exception["org_id"], places)
    found["members"] = _delivered(data, exception["org_id"], members)
    return found


def _one(warehouse: Warehouse, schema: str, name: str, columns: list[str], where: str) -> list[dict[str, Any]]:
    """Rows of a relation as dictionaries; none where it is not there."""
    there = set(warehouse.names(schema, name))
    chosen = [column for column in columns if column in there]
    if not chosen:
        return []
    rows = warehouse.rows(f"select {', '.join(chosen)} from {warehouse.relation(schema, name)} where {where}")
    return [dict(zip(chosen, row, strict=True)) for row in rows]


def _is(column: str, value: Any) -> str:
    """A condition that a column has a value, or none."""
    if value is None:
        return f"{column} is null"
    return f"{column} = {value if isinstance(value, int) else literal(str(value))}"


def _result(warehouse: Warehouse, exception: dict[str, Any]) -> dict[str, Any] | None:
    """The result that carries the exception; None where it has been settled since and its records are judged anew."""
    columns = warehouse.names("marts", "reconciliation_results")
    conditions = [
        _is(name, exception[name])
        for name in (
            *("org_id", "stream", "ladder"),
            *(f"{side}_{column}" for side in SIDES for column in ("system", "activity_id")),
        )
    ]
    found = _one(warehouse, "marts", "reconciliation_results", columns, " and ".join(conditions))
    return next((row for row in found if exception["anomaly"] in (row["anomalies"] or "").split(",")), None)


def _judged(warehouse: Warehouse, org: str, result: dict[str, Any]) -> dict[str, Any] | None:
    """Which run came to the verdict, and what the audit says of it; what is judged anew in every run has none."""
    model = f"{result['ladder']}__{result['step']}"
    keys = [f"{side}_{column}" for side in SIDES for column in ("batch_id", "row_number")]
    where = " and ".join([_is("org_id", org), *(_is(key, result[key]) for key in keys)])
    found = _one(warehouse, SCHEMA, model, ["judged_run_id"], where)
    run_id = found[0]["judged_run_id"] if found else None
    if run_id is None:
        latest = _one(
            warehouse,
            tables.SCHEMA,
            "reconciliation_step_run_states",
            ["run_id", "ended_at"],
            f"{_is('model', model)} and state = 'SUCCEEDED'",
        )
        run_id = max(latest, key=lambda row: row["ended_at"])["run_id"] if latest else None
    if run_id is None:
        return None
    said = _one(warehouse, tables.SCHEMA, "reconciliation_run_states", list(_RUN), _is("run_id", run_id))
    return {**(said[0] if said else {"run_id": run_id}), "model": model, "step_run_id": step_run_id(run_id, model)}


def _rule(warehouse: Warehouse, exception: dict[str, Any], result: dict[str, Any] | None) -> dict[str, Any] | None:
    """The text and the policy of the rule that found the exception, as they were then."""
    version = exception["rule_version"] or (result or {}).get("rule_version")
    if version is None:
        return None
    columns = warehouse.names(tables.SCHEMA, "rules")
    found = _one(warehouse, tables.SCHEMA, "rules", columns, _is("rule_version", version))
    if not found:
        return {"rule_version": version}
    rule = found[0]
    policy = {name: value for name, value in rule.items() if name not in _RULE and value is not None}
    return {**{name: rule[name] for name in _RULE}, "rule_text": json.loads(rule["rule_text"]), "policy": policy}


def _events(warehouse: Warehouse, exception: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that opened, changed and closed it."""
    columns = ["event_number", "event", "event_at", "run_id", "amount_minor", "currency", "rule_version"]
    where = f"{_is('exception_id', exception['exception_id'])} and {_is('org_id', exception['org_id'])}"
    found = _one(warehouse, tables.SCHEMA, "exception_log", columns, where)
    return sorted(found, key=lambda row: row["event_number"])


def _artifacts(warehouse: Warehouse, exception: dict[str, Any], judged: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The files of the step run that judged, of the exception's org."""
    if judged is None:
        return []
    columns = ["artifact_id", "artifact_type", "row_count", "storage_path", "checksum"]
    where = f"{_is('org_id', exception['org_id'])} and {_is('step_run_id', judged['step_run_id'])}"
    return _one(warehouse, tables.SCHEMA, tables.ARTIFACTS.name, columns, where)


def _places(exception: dict[str, Any], result: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Which delivered rows the result is made of: its sides, and a row that could not be read."""
    if result is None:
        return [
            {
                "side": side,
                "file": exception[f"{side}_file"],
                "batch_id": None,
                "row_number": exception[f"{side}_row_number"],
            }
            for side in (*SIDES, "rejected")
            if exception[f"{side}_file"]
        ]
    return [
        {"side": side, "batch_id": result[f"{side}_batch_id"], "row_number": result[f"{side}_row_number"]}
        for side in (*SIDES, "rejected")
        if result[f"{side}_batch_id"]
    ]


def _members(warehouse: Warehouse, result: dict[str, Any]) -> list[dict[str, Any]]:
    """The delivered rows of a group's members."""
    if not result["member_count"]:
        return []
    model = f"{result['ladder']}__{result['step']}"
    side = "target" if result["source_row_number"] is not None and result["source_batch_id"] else "source"
    other = "source" if side == "target" else "target"
    columns = ["side", f"{side}_batch_id", f"{side}_row_number", f"{side}_activity_id", f"{side}_amount_minor"]
    where = " and ".join(
        [
            "outcome = 'MEMBER'",
            _is("org_id", result["org_id"]),
            _is("group_batch_id", result[f"{other}_batch_id"]),
            _is("group_row_number", result[f"{other}_row_number"]),
        ]
    )
    found = _one(warehouse, SCHEMA, model, columns, f"{where} order by 2, 3 limit {MOST_MEMBERS}")
    return [
        {"side": "member", "batch_id": row[f"{side}_batch_id"], "row_number": row[f"{side}_row_number"]}
        for row in found
    ]


def _delivered(data: DataDir, org: str, places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as they were delivered, with the file that each stood in."""
    if not places:
        return []
    manifests = [manifest for manifest in read_manifests(data.root) if manifest["org_id"] == org]
    by_batch = {manifest["batch_id"]: manifest for manifest in manifests}
    by_file = {manifest["source_file"]: manifest for manifest in manifests}
    found = []
    with scratch_connection(data.root / ".tmp") as connection:
        for place in places:
            manifest = by_batch.get(place["batch_id"]) or by_file.get(place.get("file"))
            if manifest is None:
                found.append({**place, "file": place.get("file"), "delivered": None})
                continue
            found.append(
                {
                    "side": place["side"],
                    "feed": f"{manifest['system']}/{manifest['feed']}",
                    "file": manifest["source_file"],
                    "row_number": _file_row(place["row_number"]),
                    "batch_id": manifest["batch_id"],
                    "received_at": manifest["received_at"],
                    "content_sha256": manifest["content_sha256"],
                    "connector": manifest["connector"],
                    "delivered": _row(connection, Path(manifest["path"]), _file_row(place["row_number"])),
                }
            )
    return found


def _file_row(row_number: int | None) -> int | None:
    """The row of the file behind a record's number."""
    return None if row_number is None else row_number % PER_PART


def _row(connection: Any, batch: Path, row_number: int | None) -> dict[str, str] | None:
    """A row of a batch as delivered, whether it could be read or not; blank columns are left out."""
    for name in ("records.parquet", "rejects.parquet"):
        file = literal(str(batch / name))
        names = [row[0] for row in connection.execute(f"describe from read_parquet({file})").fetchall()]
        number = "_row_number" if "_row_number" in names else "file_row_number + 1"
        option = "" if "_row_number" in names else ", file_row_number = true"
        cursor = connection.execute(f"select * from read_parquet({file}{option}) where {number} = ?", [row_number])
        columns = [column[0] for column in cursor.description]
        row = cursor.fetchone()
        if row is not None:
            return {
                column: value
                for column, value in zip(columns, row, strict=True)
                if value is not None and column != "file_row_number" and not _is_ours(column)
            }
    return None


def _is_ours(column: str) -> bool:
    """Whether landing put a column beside what was delivered; the raw text and the reason of a reject are shown."""
    return column in ("_org_id", "_feed", "_batch_id", "_source_file", "_received_at", "_row_number")
