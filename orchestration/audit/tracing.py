"""From an exception back to where it comes from: the result that carries it, the records behind that, the file and row
of each as delivered, the rule of that day, the run that judged, and the files that hold the verdict."""

import json
from pathlib import Path
from typing import Any

from orchestration import decisions
from orchestration.audit import tables
from orchestration.audit.artifacts import MATCHED, SCHEMA
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
_STEP_RUN = ("step_run_id", "state", "started_at", "ended_at")
# What is no model of a ladder.
NO_STEPS = ("duplicates", "findings", "pinned")


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
        events = _events(warehouse, exception)
        result = _result(warehouse, exception)
        judged = _judged(warehouse, exception, result, events)
        members = _members(warehouse, result) if result else []
        found = {
            "exception": exception,
            "history": decisions.history(data_dir, exception),
            "runs": events,
            "result": result,
            "rule": _rule(warehouse, exception, result),
            "judged": judged,
            "artifacts": _artifacts(warehouse, exception, result, judged),
        }
    found["records"] = _delivered(data, exception["org_id"], _places(exception, result, events))
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
    """The result that carries the exception now; None where it has been settled since and its records are judged anew.

    A finding names its record as a source, on whichever side of the ladder that stands.
    """
    columns = warehouse.names("marts", "reconciliation_results")
    places = [("source", "target"), ("target", "source")] if exception["result"] == "FINDING" else [SIDES]
    for places_of_sides in places:
        conditions = [_is(name, exception[name]) for name in ("org_id", "stream", "ladder")] + [
            _is(f"{there}_{column}", exception[f"{side}_{column}"])
            for side, there in zip(SIDES, places_of_sides, strict=True)
            for column in ("system", "activity_id")
        ]
        found = _one(warehouse, "marts", "reconciliation_results", columns, " and ".join(conditions))
        carrying = [row for row in found if exception["anomaly"] in (row["anomalies"] or "").split(",")]
        # Contradicting records of one id have a result each, and are told apart by their rows.
        carrying.sort(
            key=lambda row: [_file_row(row[f"{side}_row_number"]) != exception[f"{side}_row_number"] for side in SIDES]
        )
        if carrying:
            return carrying[0]
    return None


def _judged(
    warehouse: Warehouse, exception: dict[str, Any], result: dict[str, Any] | None, events: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Which run came to the verdict, and what the audit says of its step. Where no row says which run that was, it is
    the one that wrote the last event of the exception before it was closed."""
    run_id = _judging_run(warehouse, exception["org_id"], result) if result else None
    if run_id is None:
        run_id = next((event["run_id"] for event in reversed(events) if event["event"] != "CLOSED"), None)
    if run_id is None:
        return None
    model = f"{exception['ladder']}__{exception['step']}"
    own = step_run_id(run_id, model)
    run = _one(warehouse, tables.SCHEMA, "reconciliation_run_states", list(_RUN), _is("run_id", run_id))
    step = _one(warehouse, tables.SCHEMA, "reconciliation_step_run_states", list(_STEP_RUN), _is("step_run_id", own))
    return {"run_id": run_id, **(run[0] if run else {}), **(step[0] if step else {"step_run_id": None}), "model": model}


def _judging_run(warehouse: Warehouse, org: str, result: dict[str, Any]) -> str | None:
    """The run that a step's row names; left-overs, copies, pins and findings are judged anew in every run."""
    keys = [f"{side}_{column}" for side in SIDES for column in ("batch_id", "row_number")]
    where = " and ".join([_is("org_id", org), *(_is(key, result[key]) for key in keys)])
    model = f"{result['ladder']}__{result['step']}"
    found = _one(warehouse, SCHEMA, model, ["judged_run_id"], where)
    return found[0]["judged_run_id"] if found else None


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
    try:
        text = json.loads(rule["rule_text"])
    except json.JSONDecodeError:
        # A finding's rule is told in words.
        text = rule["rule_text"]
    return {**{name: rule[name] for name in _RULE}, "rule_text": text, "policy": policy}


def _events(warehouse: Warehouse, exception: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that opened, changed and closed it."""
    columns = ["event_number", "event", "event_at", "run_id", "amount_minor", "currency", "rule_version"]
    where = f"{_is('exception_id', exception['exception_id'])} and {_is('org_id', exception['org_id'])}"
    found = _one(warehouse, tables.SCHEMA, "exception_log", columns, where)
    return sorted(found, key=lambda row: row["event_number"])


def _artifacts(
    warehouse: Warehouse,
    exception: dict[str, Any],
    result: dict[str, Any] | None,
    judged: dict[str, Any] | None,
) -> list[dict[str, Any]]:
    """The file that holds the verdict: of matches the one with what the run judged, of left-overs the newest of the
    step that the run, or one before it, wrote. None for what no step judges."""
    verdict = (result or exception)["result"]
    side = "source" if exception["source_activity_id"] is not None else "target"
    kind = MATCHED if verdict in ("MATCHED", "MISMATCHED", "EXCLUDED") else f"unmatched_{side}"
    if judged is None or exception["step"] in NO_STEPS:
        return []
    columns = ["artifact_id", "artifact_type", "row_count", "storage_path", "checksum", "run_id", "judged_run_ids"]
    where = [_is("org_id", exception["org_id"]), _is("model", judged["model"]), _is("artifact_type", kind)]
    if kind == MATCHED:
        where.append(f"',' || judged_run_ids || ',' like {literal('%,' + judged['run_id'] + ',%')}")
    else:
        # Runs are called by their time.
        where.append(f"run_id <= {literal(judged['run_id'])}")
    found = _one(
        warehouse, tables.SCHEMA, tables.ARTIFACTS.name, columns, " and ".join(where) + " order by sequence_number desc"
    )
    gone = {
        row["artifact_id"]
        for row in _one(
            warehouse,
            tables.SCHEMA,
            tables.LINEAGE_EVENTS.name,
            ["artifact_id"],
            f"{_is('org_id', exception['org_id'])} and event_type = 'PURGED'",
        )
    }
    return [{**row, "is_purged": row["artifact_id"] in gone} for row in found[:1]]


def _places(
    exception: dict[str, Any], result: dict[str, Any] | None, events: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Which delivered rows the exception is about: its sides, and a row that could not be read. Without a result only
    the files' names are known, and that they had come by the last event before it was closed."""
    if result is not None:
        return [
            {"side": side, "batch_id": result[f"{side}_batch_id"], "row_number": result[f"{side}_row_number"]}
            for side in (*SIDES, "rejected")
            if result[f"{side}_batch_id"]
        ]
    told = [event["event_at"] for event in events if event["event"] != "CLOSED"]
    return [
        {
            "side": side,
            "file": exception[f"{side}_file"],
            "batch_id": None,
            "row_number": exception[f"{side}_row_number"],
            "system": exception.get(f"{side}_system"),
            "activity_id": exception.get(f"{side}_activity_id"),
            "by": max(told).isoformat(timespec="microseconds") if told else None,
        }
        for side in (*SIDES, "rejected")
        if exception[f"{side}_file"]
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
        {
            "side": "member",
            "batch_id": row[f"{side}_batch_id"],
            "row_number": row[f"{side}_row_number"],
            "activity_id": row[f"{side}_activity_id"],
            "amount_minor": row[f"{side}_amount_minor"],
        }
        for row in found
    ]


def _delivered(data: DataDir, org: str, places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as they were delivered, with the file that each stood in."""
    if not places:
        return []
    manifests = [manifest for manifest in read_manifests(data.root) if manifest["org_id"] == org]
    found = []
    with scratch_connection(data.root / ".tmp") as connection:
        for place in places:
            row_number = _file_row(place["row_number"])
            about = {name: place[name] for name in ("side", "activity_id", "amount_minor") if name in place}
            candidates = [
                (manifest, _row(connection, Path(manifest["path"]), row_number))
                for manifest in manifests
                if _may_be(manifest, place)
            ]
            # Files of one name come again and again; the one that names the record is the one that is meant.
            named = [one for one in candidates if place.get("activity_id") in (one[1] or {}).values()]
            of_system = [one for one in candidates if one[0]["system"] == place.get("system")]
            best = candidates if place["batch_id"] else named or of_system or candidates
            if not best:
                found.append({**about, "file": place.get("file"), "row_number": row_number, "delivered": None})
                continue
            manifest, row = best[-1]
            found.append(
                {
                    **about,
                    "feed": f"{manifest['system']}/{manifest['feed']}",
                    "file": manifest["source_file"],
                    "row_number": row_number,
                    "batch_id": manifest["batch_id"],
                    "received_at": manifest["received_at"],
                    "content_sha256": manifest["content_sha256"],
                    "connector": manifest["connector"],
                    # Where a connector had it from; None for a dropped file.
                    "remote": manifest.get("remote"),
                    # By name alone, where another file of that name could be meant as well.
                    "is_certain": bool(place["batch_id"]) or len(best) == 1,
                    "delivered": row,
                }
            )
    return found


def _may_be(manifest: dict[str, Any], place: dict[str, Any]) -> bool:
    """Whether a batch may be where a row stands."""
    if place["batch_id"]:
        return bool(manifest["batch_id"] == place["batch_id"])
    return manifest["source_file"] == place["file"] and (not place["by"] or manifest["received_at"][:26] <= place["by"])


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
