"""Numbers for Prometheus: `DATA/health/tieout.prom`, for the textfile collector of node_exporter. A run that has ended
has nobody left to ask, so it leaves a file.

What the reconciliation came to is taken from the published copy, what became of runs from their records, what is late
from the manifests: no lock and no warehouse is touched.
"""

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration import clock
from orchestration import project as projects
from orchestration.data_dir import DataDir
from orchestration.failed_files import failed_files
from orchestration.health import verified
from orchestration.health.late import late
from orchestration.health.past_runs import Past, past_runs, percentile, recovery
from orchestration.runs import State

FILE = "tieout.prom"
MART = "health_metrics"
# What is looked back on for rates and durations of runs; the mart's `30 days`.
WINDOW = timedelta(days=30)
WINDOWS = {"now": "now", "1 day": "1d", "7 days": "7d", "30 days": "30d", "all": "all"}
QUANTILES = {"p50": "0.5", "p95": "0.95"}

Samples = dict[str, list[tuple[dict[str, str], float]]]

# Every metric by name: what it says, and its labels. All are gauges: a file says how things stand.
METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tieout_unmatched_results": ("Results that are missing on one side.", ("org", "stream")),
    "tieout_ambiguous_results": ("Results with more than one equally good candidate.", ("org", "stream")),
    "tieout_pending_results": ("Results that may still find their counterpart.", ("org", "stream")),
    "tieout_judged_results": ("Results that could be judged, by business date.", ("org", "stream", "window")),
    "tieout_anomaly_ratio": ("Share of judged results with an anomaly.", ("org", "stream", "window")),
    "tieout_open_exceptions": ("Exceptions that are not resolved.", ("org", "stream")),
    "tieout_overdue_exceptions": ("Unresolved exceptions that are past their due time.", ("org", "stream")),
    "tieout_reconciliation_lag_seconds": (
        "From the source's event to the run that matched it.",
        ("org", "stream", "window", "quantile"),
    ),
    "tieout_stream_duration_seconds": (
        "Time that a run's steps of a stream took, in the 30 days before the published run.",
        ("stream", "quantile"),
    ),
    "tieout_stream_success_ratio": (
        "Share of runs with this stream that closed, in the 30 days before the published run.",
        ("stream",),
    ),
    "tieout_published_as_of_timestamp_seconds": ("The clock of the run that readers see.", ()),
    "tieout_runs": ("Runs that ended in the last 30 days, by how.", ("state",)),
    "tieout_run_duration_seconds": ("Time that whole runs took that closed, in the last 30 days.", ("quantile",)),
    "tieout_run_success_ratio": ("Share of runs that closed, of those that closed or failed, in the last 30 days.", ()),
    "tieout_retry_recovery_ratio": (
        "Share of failed attempts that the run itself or a later one made up for, in the last 30 days.",
        (),
    ),
    "tieout_last_run_failed": ("1 where the last run that ended failed or crashed, else 0.", ()),
    "tieout_last_run_timestamp_seconds": ("When the last run of each outcome ended.", ("state",)),
    "tieout_stream_last_success_timestamp_seconds": ("When a run that judged the stream last closed.", ("stream",)),
    "tieout_late_feeds": ("Expected deliveries that have not come.", ("org",)),
    "tieout_late_feed_seconds": ("How long a delivery has been due.", ("org", "feed")),
    "tieout_inbox_files": ("Files that wait to be landed.", ()),
    "tieout_failed_files": ("Files that could not be landed and wait to be dealt with.", ("org", "feed")),
    "tieout_data_free_bytes": ("Free space of the disk that holds the data folder.", ()),
    "tieout_data_size_bytes": ("Size of the disk that holds the data folder.", ()),
    "tieout_audit_holds": ("1 where the last `tieout audit verify` found everything as written, else 0.", ()),
    "tieout_audit_verified_timestamp_seconds": ("When the audit was last verified.", ()),
    "tieout_artifacts": ("Artifact files that the last verification looked at.", ()),
    "tieout_artifacts_broken": ("Artifact files that were not as written.", ()),
    "tieout_metrics_written_timestamp_seconds": ("When this file was written.", ()),
}

# Metrics of the mart by the name that they have here, the labels of the mart's columns they carry and the divisor that
# makes base units of the mart's.
_OF_MART = {
    "unmatched_results": ("tieout_unmatched_results", 1),
    "ambiguous_results": ("tieout_ambiguous_results", 1),
    "pending_results": ("tieout_pending_results", 1),
    "judged_results": ("tieout_judged_results", 1),
    "anomaly_rate": ("tieout_anomaly_ratio", 1_000_000),
    "open_exceptions": ("tieout_open_exceptions", 1),
    "overdue_exceptions": ("tieout_overdue_exceptions", 1),
    "reconciliation_lag": ("tieout_reconciliation_lag_seconds", 1),
    "run_duration": ("tieout_stream_duration_seconds", 1_000),
    "run_success_rate": ("tieout_stream_success_ratio", 1_000_000),
}
# Of runs the records know more than the published copy, which a failed run never reaches: only a stream's part of them
# is taken from there.
_OF_STREAMS = ("run_duration", "run_success_rate")


def metrics_file(data: DataDir) -> Path:
    """Where the numbers lie."""
    return data.root / verified.FOLDER / FILE


def write_metrics(data: DataDir, project: Path, target: str, now: datetime) -> Path:
    """Write the numbers as they stand at `now` (UTC), whole or not at all, and return the file.

    Raises:
        OSError: the file cannot be written; the one before it is still there.
    """
    file = metrics_file(data)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{FILE}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(render(gather(data, project, target, now)))
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return file


def render(samples: Samples) -> bytes:
    """The text that Prometheus reads; a metric without any sample has its head alone."""
    from prometheus_client import generate_latest
    from prometheus_client.core import CollectorRegistry, GaugeMetricFamily

    class All:
        def collect(self) -> Iterator[GaugeMetricFamily]:
            for name, (text, labels) in METRICS.items():
                family = GaugeMetricFamily(name, text, labels=labels)
                for given, value in samples.get(name, ()):
                    family.add_metric([given[label] for label in labels], value)
                yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(All())
    return generate_latest(registry)


def gather(data: DataDir, project: Path, target: str, now: datetime) -> Samples:
    """All numbers as they stand at `now`. What cannot be known, such as anything of a copy that was never published, is
    left out."""
    found: Samples = defaultdict(list)
    for name, labels, value in _all(data, project, target, now):
        found[name].append((labels, value))
    return dict(found)


def _all(data: DataDir, project: Path, target: str, now: datetime) -> Iterator[tuple[str, dict[str, str], float]]:
    past = past_runs(data, target, now - WINDOW, now)
    yield from _of_mart(data)
    yield from _of_runs(past, projects.load_streams(project), now)
    yield from _of_feeds(data, project, now)
    yield from _of_failed(data)
    yield from _of_place(data)
    yield from _of_audit(data, target)
    yield "tieout_metrics_written_timestamp_seconds", {}, now.timestamp()


def _of_mart(data: DataDir) -> Iterator[tuple[str, dict[str, str], float]]:
    for org, stream, metric, window, value in published_metrics(data):
        stem, _, percentile_name = metric.rpartition("_")
        quantile = QUANTILES.get(percentile_name)
        stem = stem if quantile else metric
        if stem not in _OF_MART or (stem in _OF_STREAMS and (stream is None or window != "30 days")):
            continue
        name, divisor = _OF_MART[stem]
        known = {"org": org or "", "stream": stream or "", "window": WINDOWS[window], "quantile": quantile or ""}
        yield name, {label: known[label] for label in METRICS[name][1]}, value / divisor


def published_metrics(data: DataDir) -> list[tuple[Any, ...]]:
    """The rows of `marts.health_metrics` that readers see; none where there is no copy, or one of before that mart."""
    import duckdb

    try:
        # The version itself: the link may move to the next one meanwhile, and this one stays a while.
        file = data.published.resolve(strict=True) / "marts" / f"{MART}.parquet"
        with duckdb.connect() as connection:
            return connection.execute(
                "select org_id, stream, metric, time_window, metric_value from read_parquet(?) order by all",
                [str(file)],
            ).fetchall()
    except (OSError, duckdb.Error):
        return []


def _of_runs(
    past: list[Past], streams: Mapping[str, Any], now: datetime
) -> Iterator[tuple[str, dict[str, str], float]]:
    ended = [run for run in past if run.is_over]
    recent = [run for run in ended if run.started_at >= now - WINDOW]
    for state in (State.CLOSED, State.FAILED, State.CANCELLED):
        yield "tieout_runs", {"state": state.value.lower()}, sum(run.state == state for run in recent)
        last = max((run.ended_at for run in ended if run.state == state and run.ended_at), default=None)
        if last is not None:
            yield "tieout_last_run_timestamp_seconds", {"state": state.value.lower()}, last.timestamp()
    closed = [run for run in recent if run.state == State.CLOSED]
    failed = [run for run in recent if run.state == State.FAILED]
    for name, quantile in QUANTILES.items():
        seconds = percentile([run.seconds for run in closed if run.seconds is not None], int(name[1:]))
        if seconds is not None:
            yield "tieout_run_duration_seconds", {"quantile": quantile}, seconds
    if closed or failed:
        yield "tieout_run_success_ratio", {}, len(closed) / (len(closed) + len(failed))
    made_up_for = recovery(recent, ended)
    if made_up_for is not None:
        yield "tieout_retry_recovery_ratio", {}, made_up_for
    if ended:
        yield "tieout_last_run_failed", {}, float(ended[-1].state == State.FAILED)
    for stream in streams:
        moments = [run.ended_at for run in ended if run.state == State.CLOSED and run.judges(stream) and run.ended_at]
        if moments:
            yield "tieout_stream_last_success_timestamp_seconds", {"stream": stream}, max(moments).timestamp()
    published = [run.as_of for run in past if run.published]
    if published:
        yield "tieout_published_as_of_timestamp_seconds", {}, published[-1].timestamp()


def _of_feeds(data: DataDir, project: Path, now: datetime) -> Iterator[tuple[str, dict[str, str], float]]:
    orgs = {folder.name for folder in (data.root / "landing").glob("[!.]*/*/*") if folder.is_dir()}
    counts = dict.fromkeys(sorted(orgs), 0)
    for one in late(data, project, now):
        counts[one.org_id] = counts.get(one.org_id, 0) + 1
        yield "tieout_late_feed_seconds", {"org": one.org_id, "feed": one.feed}, one.late_seconds
    for org, count in counts.items():
        yield "tieout_late_feeds", {"org": org}, count


def _of_failed(data: DataDir) -> Iterator[tuple[str, dict[str, str], float]]:
    counts = Counter((file.org_id or "", file.feed or "") for file in failed_files(data))
    for (org, feed), count in sorted(counts.items()):
        yield "tieout_failed_files", {"org": org, "feed": feed}, count


def _of_place(data: DataDir) -> Iterator[tuple[str, dict[str, str], float]]:
    waiting = 0
    for _, folders, files in os.walk(data.inbox):
        folders[:] = [name for name in folders if not name.startswith(".")]
        waiting += sum(not name.startswith(".") for name in files)
    yield "tieout_inbox_files", {}, waiting
    disk = shutil.disk_usage(data.root)
    yield "tieout_data_free_bytes", {}, disk.free
    yield "tieout_data_size_bytes", {}, disk.total


def _of_audit(data: DataDir, target: str) -> Iterator[tuple[str, dict[str, str], float]]:
    found = verified.last(data, target)
    if found is not None:
        yield "tieout_audit_holds", {}, float(found.holds)
        yield "tieout_audit_verified_timestamp_seconds", {}, found.at.timestamp()
        yield "tieout_artifacts", {}, found.files
        yield "tieout_artifacts_broken", {}, found.broken_files


def write_after_run(data_dir: Path, target: str) -> None:
    """Write the numbers at a run's end. What goes wrong here is told by the log and changes nothing of the run."""
    from orchestration import logs

    try:
        # Where no run has left a record nothing has happened that numbers could tell.
        if (data_dir / "runs").is_dir():
            write_metrics(DataDir.at(data_dir), projects.project_dir(), target, clock.now())
    except Exception as error:
        logs.error("metrics_not_written", error)
