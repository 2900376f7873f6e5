"""Policies resolve: the defaults are whole, what orgs delivered names streams that there are and does not contradict
itself, and every counterparty that occurs has a value for every field."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb

from orchestration.validate.arrivals import Delivered
from orchestration.validate.faults import FAULT, WARNING, Fault, listed
from orchestration.validate.loaded import REGISTRY, Project, orgs_of_stream, records_of
from orchestration.warehouse import Warehouse, literal

FEED = "tieout/policies"
DEFAULTS = "policy_defaults"
# The base currency is a field of those alone who compare in it.
BASE_CURRENCY, PRICE_BASIS = "base_currency", "price_basis"
CODES = {PRICE_BASIS: ("RECORD", "BASE"), "mode": ("HOURLY", "DAILY")}
TEXTS = (BASE_CURRENCY, "fx_pivot", *CODES)
# What the model of statements says of rows that contradict each other, which is told with all of them.
CONTRADICTS = "contradicts_another_row_received_together"
CAPITALS = (*CODES, "fx_pivot")


@dataclass(frozen=True)
class Statement:
    """A row of a delivered policy file. `scope` is org, stream, counterparty and first day, None for all."""

    scope: tuple[str, str | None, str | None, str | None]
    fields: dict[str, str | None]
    received_at: str
    batch_id: str
    row_number: int
    file: str
    line: int


@dataclass(frozen=True)
class Built:
    """What a warehouse knows. `counterparties` are those of the canonical records by side (`canonical` model);
    `policies` the resolved rows by org and stream; `refused` what it would not take of the policies, by batch and row.
    """

    columns: dict[str, list[str]] = field(default_factory=dict)
    counterparties: dict[str, set[tuple[str, str | None]]] = field(default_factory=dict)
    policies: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    refused: dict[tuple[str, int], str] = field(default_factory=dict)


def read_statements(delivered: Delivered, data: Path, fields: list[str]) -> list[Statement]:
    """Every row of every policy file that has landed."""
    found = []
    for manifest in delivered.manifests:
        if f"{manifest['system']}/{manifest['feed']}" == FEED:
            file = _archived(delivered, data, manifest)
            for number, row in _rows(Path(manifest["path"]) / "records.parquet"):
                values = {name: (text.strip() or None) if isinstance(text, str) else None for name, text in row.items()}
                scope = (manifest["org_id"], *(values.get(k) for k in ("stream", "counterparty_id", "valid_from")))
                # The line of a plain file: its header, then one line a record.
                line = (manifest["header_lines"] or 0) + number
                said = {name: values.get(name) for name in fields}
                found.append(Statement(scope, said, manifest["received_at"], manifest["batch_id"], number, file, line))
    return found


def _rows(records: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with duckdb.connect() as connection:
        cursor = connection.execute(f"from read_parquet({literal(str(records))}, file_row_number = true)")
        names = [column[0] for column in cursor.description]
        for values in cursor.fetchall():
            row = dict(zip(names, values, strict=True))
            yield int(row.get("_row_number") or row["file_row_number"] + 1), row


def _archived(delivered: Delivered, data: Path, manifest: dict[str, Any]) -> str:
    """Where a landed file lies now; one whose name was taken has a mark of its batch before the ending."""
    folder = data / "archive" / manifest["org_id"] / manifest["system"] / manifest["feed"]
    name = Path(manifest["source_file"])
    marked = next(folder.glob(f"*.{manifest['batch_id'][:8]}*"), None)
    shown = f"{delivered.shown}/archive/{manifest['org_id']}/{FEED}"
    return f"{shown}/{marked.name if marked else name.name}"


def read_built(warehouse: Warehouse, project: Project, streams: list[str], fields: list[str]) -> Built:
    """Ask a warehouse; relations that it does not have yet are left out."""
    columns: dict[str, list[str]] = {}
    counterparties: dict[str, set[tuple[str, str | None]]] = {}
    for stream in streams:
        for ladder in project.ladders(stream).values():
            for side in (ladder.get("source"), ladder.get("target")):
                records = records_of(side)
                if records and records not in columns:
                    columns[records] = warehouse.names("canonical", records)
                    if {"org_id", "counterparty_id"} <= set(columns[records]):
                        query = (
                            f"select distinct org_id, counterparty_id from {warehouse.relation('canonical', records)}"
                        )
                        counterparties[records] = set(warehouse.rows(query))
    return Built(columns, counterparties, _resolved(warehouse, fields), _refused(warehouse))


def _resolved(warehouse: Warehouse, fields: list[str]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    names = ["org_id", "stream", "counterparty_id", "valid_from", *fields]
    if set(warehouse.names("canonical", "policies")).issuperset(names):
        query = f"select {', '.join(names)} from {warehouse.relation('canonical', 'policies')}"
        for values in warehouse.rows(query):
            row = dict(zip(names, values, strict=True))
            found[row["org_id"], row["stream"]].append(row)
    return dict(found)


def _refused(warehouse: Warehouse) -> dict[tuple[str, int], str]:
    """What staging could not type and what the model of statements refused."""
    found: dict[tuple[str, int], str] = {}
    for schema, name, reason, condition in (
        ("staging", "rejected_tieout__policies", "reasons", "true"),
        ("canonical", "policy_statements", "reject_reason", "reject_reason is not null"),
    ):
        if reason in warehouse.names(schema, name):
            relation = warehouse.relation(schema, name)
            rows = warehouse.rows(f"select batch_id, row_number, {reason} from {relation} where {condition}")
            found |= {(batch_id, int(row_number)): str(said) for batch_id, row_number, said in rows}
    return found


def check_defaults(project: Project, streams: list[str], fields: list[str]) -> Iterator[Fault]:
    """The widest scope has a value for every field: seeds/policy_defaults.csv, or the stream's own `defaults`."""
    rows = project.rows(DEFAULTS)
    file = project.seeds.get(DEFAULTS, f"seeds/{DEFAULTS}.csv")
    if len(rows) != 1:
        message = f"must have exactly one row, with a value for {listed(fields)}; found are {len(rows)} rows."
        yield Fault("policy-defaults", message, file, rows[1].line if rows else 1)
    if not rows:
        return
    row = rows[0]
    own = {stream: project.registry.mapping("vars", "streams", stream, "defaults") for stream in streams}
    for name in fields:
        given = (row.values.get(name) or "").strip()
        lacking = [stream for stream in streams if own[stream].get(name) is None]
        if not given and name != BASE_CURRENCY and lacking:
            message = (
                f"'{name}' is blank, so that it does not resolve for {listed(lacking)} unless every org gives it. Give"
                f" a value here, or in the stream's `defaults` in {REGISTRY}."
            )
            yield Fault("policy-defaults", message, file, row.line)
        elif given and (wrong := _wrong(name, given)):
            yield Fault("policy-defaults", f"'{name}' must be {wrong}; found is '{given}'.", file, row.line)
    for stream in streams:
        for name, value in own[stream].items():
            if name in fields and (wrong := _wrong(name, str(value))):
                line = project.registry.line("vars", "streams", stream, "defaults", name)
                message = f"stream '{stream}': defaults.{name} must be {wrong}; found is {value!r}."
                yield Fault("policy-defaults", message, REGISTRY, line, stream)


def _wrong(name: str, text: str) -> str | None:
    """What a field must be, where a text is not that."""
    if name in CODES:
        return None if text.upper() in CODES[name] else f"one of {listed(CODES[name])}"
    if name in TEXTS:
        return None if text.isalpha() else "a currency such as EUR"
    try:
        number = Decimal(text)
    except InvalidOperation:
        return "a number"
    if number < 0 or not number.is_finite():
        return "a number of 0 or more"
    return None if name == "price_pct" or number == number.to_integral_value() else "a whole number"


def check_statements(
    project: Project, statements: list[Statement], built: Built, streams: list[str], *, org: str | None, every: bool
) -> Iterator[Fault]:
    """What orgs say of their policies; with `every` also what they say of streams that there are not."""
    groups: dict[tuple[str | None, ...], list[Statement]] = defaultdict(list)
    for statement in statements:
        if org in (None, statement.scope[0]) and _concerns(statement, project, streams, every=every):
            groups[statement.scope].append(statement)
    for scope, said in groups.items():
        # Of a scope and day the last statement counts: what came before it needs no mending.
        last = max(statement.received_at for statement in said)
        latest = [statement for statement in said if statement.received_at == last]
        if scope[1] is not None and scope[1] not in project.streams:
            yield from _of_no_stream(project, latest)
            continue
        reasons = {id(statement): _reasons(statement, built) for statement in latest}
        fine = [statement for statement in latest if not reasons[id(statement)]]
        for statement in latest:
            if reasons[id(statement)]:
                said_why = "; ".join(reasons[id(statement)])
                message = f"the row does not count: {said_why}. Correct it and deliver the policies again."
                yield _fault("policy-rejected", message, statement)
        if len({tuple(_plain(statement.fields).items()) for statement in fine}) > 1:
            for statement in fine:
                yield _contradiction(statement, fine)
        elif fine:
            yield from _unused(project, scope, fine[0], built)


def _fault(code: str, message: str, statement: Statement, severity: str = FAULT) -> Fault:
    return Fault(code, message, statement.file, statement.line, statement.scope[1], statement.scope[0], severity)


def _concerns(statement: Statement, project: Project, streams: list[str], *, every: bool) -> bool:
    stream = statement.scope[1]
    return stream is None or stream in streams or (every and stream not in project.streams)


def _of_no_stream(project: Project, statements: list[Statement]) -> Iterator[Fault]:
    for statement in statements:
        message = (
            f"there is no stream '{statement.scope[1]}', so that the row governs nothing; there are"
            f" {listed(project.streams)}."
        )
        yield _fault("policy-unused", message, statement, WARNING)


def _reasons(statement: Statement, built: Built) -> list[str]:
    """Why a row does not count by itself: by its texts, else as the warehouse says."""
    _, stream, counterparty, _ = statement.scope
    reasons = [
        f"{name} must be one of {listed(allowed)}, found is '{value}'"
        for name, allowed in CODES.items()
        if (value := statement.fields.get(name)) and value.upper() not in allowed
    ]
    if counterparty is not None and stream is None:
        reasons.append("it names a counterparty and no stream; name both")
    refused = built.refused.get((statement.batch_id, statement.row_number))
    return reasons or ([refused] if refused and refused != CONTRADICTS else [])


def _contradiction(statement: Statement, others: list[Statement]) -> Fault:
    _, stream, counterparty, valid_from = statement.scope
    words = (("stream", stream), ("counterparty", counterparty), ("from", valid_from))
    scope = ", ".join(f"{word} {name}" for word, name in words if name) or "the whole org"
    lines = listed(f"{other.file}:{other.line}" for other in others if other is not statement)
    message = (
        f"rows received together say different things of one scope ({scope}), so that none of them counts; also"
        f" {lines}. Keep one of them and deliver the policies again."
    )
    return _fault("policy-contradiction", message, statement)


def _plain(fields: dict[str, str | None]) -> dict[str, str | None]:
    """Values as they are compared: 2 and 2.0 are one number, base and BASE one code."""

    def plain(name: str, text: str | None) -> str | None:
        if text is None or name in TEXTS:
            return text.upper() if text and name in CAPITALS else text
        try:
            return str(Decimal(text).normalize())
        except InvalidOperation:
            return text

    return {name: plain(name, text) for name, text in fields.items()}


def _unused(project: Project, scope: tuple[str | None, ...], statement: Statement, built: Built) -> Iterator[Fault]:
    org, stream, counterparty, _ = scope
    if stream not in project.streams or counterparty is None or org is None:
        return
    only = orgs_of_stream(project, stream)
    occurring = {found for one, found in _occurring(project, built, stream) if one == org}
    if only is not None and org not in only:
        message = f"stream '{stream}' does not serve org '{org}' (its `orgs` are {listed(only)})."
    elif occurring and counterparty not in occurring:
        message = (
            f"counterparty '{counterparty}' occurs in no record of stream '{stream}', so that the row governs nothing;"
            f" there are {listed(sorted(filter(None, occurring))[:20])}. Mend its spelling, or leave it for records to"
            " come."
        )
    else:
        return
    yield Fault("policy-unused", message, statement.file, statement.line, stream, org, WARNING)


def _occurring(project: Project, built: Built, stream: str) -> set[tuple[str, str | None]]:
    found: set[tuple[str, str | None]] = set()
    for ladder in project.ladders(stream).values():
        for side in (ladder.get("source"), ladder.get("target")):
            found |= built.counterparties.get(records_of(side) or "", set())
    return found


def check_resolved(
    project: Project, built: Built, streams: list[str], fields: list[str], *, org: str | None
) -> Iterator[Fault]:
    """Every counterparty that occurs has a policy, with a value for every field."""
    file = project.seeds.get(DEFAULTS, f"seeds/{DEFAULTS}.csv")
    line = next((row.line for row in project.rows(DEFAULTS)), 1)
    # What was declared after the last build has no policies yet; its defaults are looked at all the same.
    built_streams = {stream for _, stream in built.policies}
    for stream in streams:
        if stream not in built_streams:
            continue
        only = orgs_of_stream(project, stream)
        lacking: dict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)
        for one, counterparty in _occurring(project, built, stream):
            if org in (None, one) and (only is None or one in only):
                rows = built.policies.get((one, stream), [])
                narrow = [row for row in rows if counterparty is not None and row["counterparty_id"] == counterparty]
                governing = narrow or [row for row in rows if row["counterparty_id"] is None]
                lacking[one, _blank(governing, fields)].add(counterparty or "(none)")
        for (one, blank), counterparties in sorted(lacking.items()):
            if blank:
                names = sorted(counterparties)
                shown = listed(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
                what = "no policy governs" if blank == ("*",) else f"{listed(blank)} does not resolve for"
                message = (
                    f"{what} counterparty {shown} of org '{one}'. Give a default here or in the stream's `defaults`, or"
                    f" deliver a row of {FEED} for the org."
                )
                yield Fault("policy-unresolved", message, file, line, stream, one, FAULT)


def _blank(governing: list[dict[str, Any]], fields: list[str]) -> tuple[str, ...]:
    """The fields without a value in any period; `*` where nothing governs at all."""
    if not governing:
        return ("*",)
    return tuple(
        name
        for name in fields
        # Without a base currency, pairs are measured in the source's.
        if name != BASE_CURRENCY and any(row[name] is None for row in governing)
    )
