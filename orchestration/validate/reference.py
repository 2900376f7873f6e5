"""Reference data names streams, systems and anomalies that there are; each anomaly that can come says what to do."""

from collections.abc import Iterator
from typing import Any

from orchestration.validate import macros as jinja
from orchestration.validate.declarations import stream_of
from orchestration.validate.faults import WARNING, Fault, listed
from orchestration.validate.loaded import REGISTRY, Project
from orchestration.validate.macros import Macros, ask

ANOMALIES = "anomalies"
SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
# What macros raise about a side, with the side's code behind it.
OF_SIDES = ("MISSING_", "DUPLICATE_", "CONFLICT_", "REJECTED_")
# What every step can say, whatever its checks are.
OF_STEPS = ("AMBIGUOUS_MATCH", "STALE_VERSION", "CANDIDATE_CAP")


def check(project: Project, environment: Any, macros: Macros, streams: list[str], *, every: bool) -> Iterator[Fault]:
    """What reference data lacks for these streams; with `every` also what it says of things that there are not."""
    known = [(row.values.get("anomaly_prefix") or "").strip() for row in project.rows(ANOMALIES)]
    if ANOMALIES in project.seeds:
        for stream in streams:
            yield from _unexplained(project, environment, macros, stream, known)
    if every:
        yield from _rows(project, known)


def _is_known(anomaly: str, known: list[str]) -> bool:
    return any(anomaly == name or (name.endswith("_") and anomaly.startswith(name)) for name in known)


def _unexplained(project: Project, environment: Any, macros: Macros, stream: str, known: list[str]) -> Iterator[Fault]:
    for anomaly, file, line in _raised(project, environment, macros, stream):
        if not _is_known(anomaly, known):
            message = (
                f"anomaly '{anomaly}' has no row in {project.seeds[ANOMALIES]}: an exception of it would fail the run."
                " Add the code with title, explanation and next action there, and to docs/anomalies.md."
            )
            yield Fault("anomaly-unexplained", message, file, line, stream)


def _raised(project: Project, environment: Any, macros: Macros, stream: str) -> Iterator[tuple[str, str, int]]:
    """Every anomaly that a stream can raise as far as declarations say so, and where they do."""
    for name, ladder in project.ladders(stream).items():
        path = ("vars", "streams", stream, "ladders", name)
        declared = ask(macros, "_ladder", name)
        if not declared:
            continue
        for check in declared["checks"] if isinstance(declared["checks"], list) else []:
            anomaly = ask(macros, "_anomaly_of", declared, check)
            if isinstance(anomaly, str) and anomaly:
                yield anomaly, REGISTRY, project.registry.line(*path, "checks", value=[anomaly, str(check)])
            if check == "price_tolerance":
                yield "FX_RATE_MISSING", REGISTRY, project.registry.line(*path, "checks", value=[check])
        absent = ladder.get("absent")
        for role in ("source", "target"):
            if not declared[role]:
                continue
            code = absent.get(role) if isinstance(absent, dict) else None
            own = [code] if isinstance(code, str) else [f"MISSING_{declared[role]['code']}"]
            place = (*path, "absent", role) if isinstance(code, str) else (*path, role)
            for anomaly in own + [prefix + declared[role]["code"] for prefix in OF_SIDES[1:]]:
                yield anomaly, REGISTRY, project.registry.line(*place)
        for anomaly in OF_STEPS:
            yield anomaly, REGISTRY, project.registry.line(*path, "steps")
    for name, rule in project.registry.mapping("vars", "streams", stream, "consistency").items():
        if isinstance(rule, dict) and isinstance(rule.get("anomaly"), str):
            line = project.registry.line("vars", "streams", stream, "consistency", str(name), "anomaly")
            yield rule["anomaly"], REGISTRY, line
    for file in project.models.values():
        if stream_of(project, file) == stream:
            for call in jinja.calls(environment, project.text(file)):
                anomaly = jinja.argument(call, "on_match") if call.node.name == "reconcile" else None
                if isinstance(anomaly, str):
                    yield anomaly, file, jinja.line_of(call, ["on_match"], [anomaly])


def _rows(project: Project, known: list[str]) -> Iterator[Fault]:
    systems = sorted({feed.split("/")[0] for feed in [*project.feeds, *project.tables()]})
    yield from _named(project, "status_map", "system", systems)
    yield from _named(project, "status_pairs", "stream", list(project.streams))
    for row in project.rows("resolution_rules"):
        anomaly = (row.values.get("anomaly") or "").strip()
        # A rule may name a family, `MISSING_`, of which the seed explains single ones.
        if anomaly and not _is_known(anomaly, known) and not any(name.startswith(anomaly) for name in known):
            message = f"there is no anomaly '{anomaly}', so that the row has no effect; there are {listed(known)}."
            file = project.seeds["resolution_rules"]
            yield Fault("reference-unknown", message, file, row.line, severity=WARNING)
    for row in project.rows("severities"):
        if row.values.get("severity") not in SEVERITIES:
            message = f"there is no severity '{row.values.get('severity')}'; allowed are {listed(SEVERITIES)}."
            yield Fault("reference-unknown", message, project.seeds["severities"], row.line)
    yield from _sides(project, known)


def _named(project: Project, seed: str, column: str, names: list[str]) -> Iterator[Fault]:
    for row in project.rows(seed):
        given = (row.values.get(column) or "").strip()
        if given and given not in names:
            message = f"there is no {column} '{given}', so that the row has no effect; there are {listed(names)}."
            yield Fault("reference-unknown", message, project.seeds[seed], row.line, severity=WARNING)


def _sides(project: Project, known: list[str]) -> Iterator[Fault]:
    """Explanations of `<PREFIX>_<SYSTEM>` for a system that there is not."""
    entities = project.registry.mapping("vars", "entities").values()
    codes = {feed.split("/")[0].upper() for feed in project.feeds}
    codes |= {str(body.get("code")) for body in entities if isinstance(body, dict)}
    for stream in project.streams:
        for ladder in project.ladders(stream).values():
            absent = ladder.get("absent")
            codes |= {str(code) for code in absent.values()} if isinstance(absent, dict) else set()
    for row in project.rows(ANOMALIES):
        name = (row.values.get("anomaly_prefix") or "").strip()
        prefix = next((prefix for prefix in OF_SIDES if name.startswith(prefix) and name != prefix), None)
        if prefix and prefix in known and name not in codes and name.removeprefix(prefix) not in codes:
            message = (
                f"'{name}' is explained, and there is no system or entity '{name.removeprefix(prefix)}'; there are"
                f" {listed(sorted(codes))}."
            )
            yield Fault("reference-unknown", message, project.seeds[ANOMALIES], row.line, severity=WARNING)
