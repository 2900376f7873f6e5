"""Checks of streams before they run: the registry and the folders agree, declared columns exist, feeds have arrived,
policies resolve. Everything that is wrong is found at once, each with its file and line.

The checks are functions over what has been read; this module reads, asks each of them, and puts the answers together.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.errors import TieoutError, UsageError
from orchestration.validate import (
    alerting,
    arrivals,
    columns,
    connectors,
    dbt_parse,
    declarations,
    feed_declarations,
    folders,
    loaded,
    macros,
    policies,
    reference,
    registry,
)
from orchestration.validate.faults import Fault, any_fault, listed, ordered
from orchestration.warehouse import open_warehouse


@dataclass(frozen=True)
class Request:
    """What is to be checked: a stream and an org, None for all."""

    data_dir: Path
    target: str
    stream: str | None = None
    org: str | None = None


@dataclass(frozen=True)
class Report:
    """What was found, and what was looked at: a few words for each kind of check."""

    faults: list[Fault]
    checked: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not any_fault(self.faults)


def validate(folder: Path, request: Request) -> Report:
    """Check a project and a data folder. Neither is changed, but for the parse that dbt keeps with the project.

    Raises:
        UsageError: there is no such stream.
    """
    project = loaded.load(folder)
    streams = _streams(project, request.stream)
    every = request.stream is None
    environment, known = macros.load(project)
    fields = list(macros.ask(known, "policy_fields") or [])
    models = (
        sorted(project.models) if every else sorted({m for s in streams for m in declarations.models_of(project, s)})
    )

    declared, found = feed_declarations.check(project)
    found += connectors.check(project, None if found else declared)
    found += project.faults
    found += registry.check(project, known, streams)
    found += folders.check(project, streams, every=every)
    found += declarations.check(project, environment, models)
    found += columns.check(project, known, streams)
    found += reference.check(project, environment, known, streams, every=every)
    found += policies.check_defaults(project, streams, fields)
    if not any_fault(found):
        found += dbt_parse.check(folder, request.target)
    if every:
        # After what keeps dbt from parsing: alerts are none of its business.
        found += alerting.check(folder)

    data = request.data_dir.expanduser().resolve()
    delivered = arrivals.read_delivered(data, str(request.data_dir))
    asked = request.stream is not None or request.org is not None
    found += arrivals.check(project, delivered, declared, streams, org=request.org, asked=asked)
    built, unreadable = _built(project, request, data, streams, fields)
    found += unreadable
    statements, unreadable = _statements(delivered, data, fields)
    found += unreadable
    found += policies.check_statements(project, statements, built, streams, org=request.org, every=every)
    found += policies.check_resolved(project, built, streams, fields, org=request.org)
    found += columns.check_built(project, known, streams, built.columns)
    return Report(ordered(found), _checked(project, streams, models, delivered, statements, built))


def _streams(project: loaded.Project, asked: str | None) -> list[str]:
    """The streams to check. Of a registry that cannot be read nobody knows them: that is a fault, not a wrong name."""
    if asked is None:
        return list(project.streams)
    if asked not in project.streams and project.registry.data is not None:
        raise UsageError(f"There is no stream {asked!r}. Streams: {listed(project.streams)}.")
    return [asked] if asked in project.streams else []


def _statements(
    delivered: arrivals.Delivered, data: Path, fields: list[str]
) -> tuple[list[policies.Statement], list[Fault]]:
    """What has been delivered of policies."""
    try:
        return policies.read_statements(delivered, data, fields), []
    except duckdb.Error as error:
        said = " ".join(str(error).split())
        message = f"landed policies cannot be read: {said}. Restore the folder from its backup."
        return [], [Fault("landing-unreadable", message, f"{delivered.shown}/landing/{policies.FEED}")]


def _built(
    project: loaded.Project, request: Request, data: Path, streams: list[str], fields: list[str]
) -> tuple[policies.Built, list[Fault]]:
    """What the warehouse of a data folder knows; nothing where there is none yet."""
    place = Place(DataDir(data), request.target, replay=False)
    if request.target == "duckdb" and not place.duckdb_path.is_file():
        return policies.Built(), []
    try:
        with (
            tempfile.TemporaryDirectory(prefix="tieout-validate-") as temporary,
            open_warehouse(place, Path(temporary)) as warehouse,
        ):
            return policies.read_built(warehouse, project, streams, fields), []
    except (TieoutError, *_engine_errors(request.target)) as error:
        said = " ".join(str(error).split())
        message = f"the warehouse cannot be asked, so that policies were checked against no record: {said}"
        file = str(request.data_dir / place.duckdb_path.name) if request.target == "duckdb" else "profiles.yml"
        return policies.Built(), [Fault("warehouse", message, file)]


def _engine_errors(target: str) -> tuple[type[Exception], ...]:
    if target != "postgres":
        return (duckdb.Error,)
    import psycopg2

    return (duckdb.Error, psycopg2.Error)


def _checked(
    project: loaded.Project,
    streams: list[str],
    models: list[str],
    delivered: arrivals.Delivered,
    statements: list[policies.Statement],
    built: policies.Built,
) -> dict[str, str]:
    """A few words on what was looked at."""
    ladders = [project.ladders(stream) for stream in streams]
    feeds = {feed for stream in streams for feed in loaded.feeds_of_stream(project, stream)}
    landed = [m for m in delivered.manifests if f"{m['system']}/{m['feed']}" in feeds]
    counterparties = {(side, *found) for side, all_found in built.counterparties.items() for found in all_found}
    return {
        "registry": f"{_count(len(streams), 'stream')} ({listed(streams)}), {_count(sum(map(len, ladders)), 'ladder')},"
        f" {_count(len(feeds), 'feed')}",
        "declarations": f"{_count(len(models), 'model')}, {_count(len(project.pages), 'YAML file')}",
        "arrivals": f"{_count(len(landed), 'batch', 'batches')} of {_count(len({m['org_id'] for m in landed}), 'org')},"
        f" {_count(len(delivered.waiting), 'feed')} waiting in the inbox",
        "policies": f"{_count(len(statements), 'delivered row')},"
        + (
            f" {_count(len(counterparties), 'counterparty', 'counterparties')} of the built records"
            if built.columns
            else " nothing is built yet"
        ),
    }


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
