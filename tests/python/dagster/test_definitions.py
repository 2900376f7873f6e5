"""Dagster's view: the lineage joins up, one writer at a time, and a run does what `tieout run` does."""

import importlib
import importlib.util
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml

from orchestration.dagster_assets import Translator, ending, last_assets
from orchestration.dagster_resources import Books
from orchestration.landing import load_feeds
from orchestration.page import Scope
from orchestration.project import load_streams, project_dir
from orchestration.publish import MARTS
from orchestration.streams import load_pages
from tests.python import ready
from tests.python.pipeline.conftest import MINI, Mini
from tests.python.pipeline.test_lapses import project as lapsing_project

ROOT = Path(__file__).resolve().parents[3]
AS_OF = "2026-03-03T06:00:00Z"

# One worker for all of these, so that the definitions are made once and the job runs once.
pytestmark = pytest.mark.xdist_group("dagster-run")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the examples in its inbox."""
    folder = tmp_path_factory.mktemp("dagster") / "data"
    subprocess.run(["mkdir", "-p", str(folder)], check=True)
    subprocess.run(["cp", "-R", str(ROOT / "examples" / "extracts"), str(folder / "inbox")], check=True)
    return folder


@pytest.fixture(scope="module")
def defs(folder: Path) -> dg.Definitions:
    """The definitions as Dagster loads them, the manifest parsed on the way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIEOUT_DATA_DIR", str(folder))
        return importlib.import_module("orchestration.definitions").defs


def test_the_definitions_load(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)
    assert defs.resolve_job_def("tieout").executor_def is dg.in_process_executor


def test_every_source_that_dbt_reads_has_an_asset_that_lands_it(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for feed in load_feeds(project_dir()):
        key = dg.AssetKey(feed.split("/"))
        assert graph.get(key).is_materializable, f"{feed} is read but nobody lands it"
        assert graph.get(key).child_keys, f"{feed} is landed but nobody reads it"


def test_the_lineage_ends_in_the_published_copy(defs: dg.Definitions) -> None:
    parents = defs.resolve_asset_graph().get(dg.AssetKey(["published"])).parent_keys
    assert {dg.AssetKey(["marts", mart]) for mart in MARTS} <= parents


def test_a_streams_models_stand_in_its_group_with_its_owner_and_schedule(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    groups = {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert {"landing", "staging", "canonical", "marts", "audit", "published", "replays"} <= groups
    assert "default" not in groups
    pages = load_pages(project_dir(), load_streams(project_dir()))
    assert set(pages) <= groups

    step = graph.get(dg.AssetKey(["reconciliation", "bookings__by_activity_id"]))
    assert step.group_name == "bookings"
    assert step.owners == [pages["bookings"].owner_email]
    assert step.tags["tieout/schedule"] == "hourly"
    assert step.tags["tieout/failure_policy"] == "stop_on_failure"
    assert "duckdb" in step.kinds


def test_everything_that_touches_the_data_folder_waits_for_its_pool(defs: dg.Definitions) -> None:
    for assets in defs.assets:
        if isinstance(assets, dg.AssetsDefinition) and assets.is_executable:
            assert assets.op.pool == "warehouse", assets


def test_every_law_is_a_check_that_blocks(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    checks = {key.name: graph.get(key) for key in graph.asset_check_keys}
    laws = {file.stem for file in (ROOT / "tests" / "laws").glob("*.sql")}
    assert laws
    assert laws <= checks.keys(), f"without meta.dagster.ref: {laws - checks.keys()}"
    assert all(checks[law].blocking for law in laws)


def test_each_stream_has_a_job_of_its_own(defs: dg.Definitions) -> None:
    for stream in load_streams(project_dir()):
        assert (
            defs.resolve_job_def(f"reconcile_{stream}").run_config["resources"]["books"]["config"]["stream"] == stream
        )


def test_what_is_due_starts_without_anybody_turning_it_on(defs: dg.Definitions) -> None:
    schedules, sensors = list(defs.schedules or ()), list(defs.sensors or ())
    assert {schedule.name for schedule in schedules} == {"daily__0_6_x_x_x__utc", "hourly__0_x_x_x_x__utc"}
    assert all(schedule.default_status == dg.DefaultScheduleStatus.RUNNING for schedule in schedules)
    assert {sensor.name for sensor in sensors} == {"arrivals", "connectors", "watch"}
    assert all(sensor.default_status == dg.DefaultSensorStatus.RUNNING for sensor in sensors)


def test_the_settings_are_ones_that_dagster_takes(tmp_path: Path) -> None:
    from orchestration.dagster_dev import home
    from orchestration.data_dir import DataDir

    with dg.DagsterInstance.from_config(str(home(DataDir.at(tmp_path)))) as instance:
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
        assert instance.freshness_enabled
        assert instance.run_monitoring_enabled


@dataclass
class Job:
    """A job run that closed: its data folder, its id, what it materialized, with what, and what it checked."""

    folder: Path
    run_id: str
    materialized: dict[dg.AssetKey, dict[str, Any]]
    checks: list[dg.AssetCheckEvaluation]


def execute(defs: dg.Definitions, folder: Path, job: str = "tieout", **books: Any) -> Job:
    """Run a job in this process; it has to succeed."""
    config = {"resources": {"books": {"config": {"data_dir": str(folder), **books}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def(job).execute_in_process(run_config=config, instance=instance)
        assert result.success
        materialized = {
            event.asset_key: {name: value.value for name, value in event.materialization.metadata.items()}
            for event in result.get_asset_materialization_events()
        }
        return Job(folder, result.run_id, materialized, result.get_asset_check_evaluations())


@pytest.fixture(scope="module")
def job(defs: dg.Definitions, folder: Path) -> Job:
    return execute(defs, folder, as_of=AS_OF)


def test_a_job_run_does_what_a_command_run_does(job: Job) -> None:
    assert {("artifacts",), ("published",), ("report",)} <= {tuple(key.path) for key in job.materialized}
    assert all(check.passed for check in job.checks)
    assert {f"law_{number}" for number in (1, 2, 5, 10)} <= {
        "_".join(check.check_name.split("_")[:2]) for check in job.checks
    }
    assert "<html" in (job.folder / "report.html").read_text(encoding="utf-8")

    # All steps of the Dagster run share one record, and the audit has its artifacts.
    (record,) = [json.loads(file.read_text()) for file in (job.folder / "runs").glob("*.json")]
    assert record["state"] == "CLOSED"
    assert record["audited"]
    assert record["run_id"].endswith(job.run_id[:8])
    assert job.materialized[dg.AssetKey(["artifacts"])]["files"] > 0

    # Its answer is the one worked out by hand, of everything that was delivered.
    expected = json.loads((ROOT / "examples" / "expected.json").read_text(encoding="utf-8"))
    bookings = expected["bookings"]
    answers = {(expected["stream"], org): said["results"] for org, said in expected["orgs"].items()}
    answers[bookings["stream"], bookings["org"]] = bookings["results"]
    with duckdb.connect(str(job.folder / "published" / "tieout.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select stream, org_id, result, count(*) from marts.reconciliation_results"
            " where stream in (?, ?) group by all",
            [expected["stream"], bookings["stream"]],
        ).fetchall()
    assert {(stream, org, result): count for stream, org, result, count in found} == {
        (*key, result): count for key, results in answers.items() for result, count in results.items() if count
    }
    delivered = [file for file in (ROOT / "examples" / "extracts").rglob("*") if file.is_file()]
    landed = record["summary"]["landed"]
    assert sum(landed[name] for name in ("batches", "redelivered", "failed_files")) == len(delivered)

    # The command goes on from what Dagster built, and comes to the same answer.
    done = ready.run("run", "--json", "--data-dir", job.folder, "--as-of", AS_OF)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    for same in ("as_of", "streams", "laws", "replay", "failures"):
        assert record["summary"][same] == summary[same], same


def test_only_feeds_of_which_something_came_are_materialized(job: Job) -> None:
    delivered = {"/".join(file.parts[-5:-3]) for file in (job.folder / "landing").glob("[!.]*/*/*/*/manifest.json")}
    feeds = set(load_feeds(project_dir()))
    materialized = {key.to_user_string() for key in job.materialized} & feeds
    assert materialized == delivered & feeds
    assert materialized < feeds
    assert job.materialized[dg.AssetKey(["pos", "orders"])]["deliveries"] == 4


def test_landing_alone_lands_and_builds_nothing(defs: dg.Definitions, job: Job) -> None:
    inbox = job.folder / "inbox" / "cedar_books" / "pos" / "orders"
    inbox.mkdir(parents=True, exist_ok=True)
    (source,) = (ROOT / "examples" / "extracts" / "cedar_books" / "pos" / "orders").iterdir()
    lines = source.read_text(encoding="utf-8").splitlines()
    (inbox / "one_more.csv").write_text("\n".join(lines[:2]) + "\n", encoding="utf-8")
    records = list((job.folder / "runs").glob("*.json"))
    landed = execute(defs, job.folder, "land")
    assert set(landed.materialized) == {
        dg.AssetKey(["pos", "orders"]),
        dg.AssetKey(["landing", "batches"]),
        dg.AssetKey(["landing", "rejects"]),
    }
    assert list((job.folder / "runs").glob("*.json")) == records


def test_a_day_is_played_again_and_changes_nothing(defs: dg.Definitions, job: Job) -> None:
    folder = job.folder
    link = (folder / "published").readlink()
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [one for one in defs.assets if isinstance(one, dg.AssetsDefinition) and one.op.name == "replays"],
            resources={"books": Books(data_dir=str(folder))},
            partition_key="2026-03-02",
            instance=instance,
        )
        (event,) = result.get_asset_materialization_events()
    said = {name: value.value for name, value in event.materialization.metadata.items()}
    assert said["replay"] is True
    assert said["as_of"] == "2026-03-03T00:00:00.000000Z"
    assert (folder / "published").readlink() == link
    assert not (folder / "replays").exists()


def small_page(root: Path, file: Path, scope: Scope) -> Path:
    """Stands for the page."""
    file.write_text("<html>")
    return file


def definitions_of(project: Path, mini: Mini, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    """The definitions of a small project, beside the project's own, which other tests of this process hold."""
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(mini.root))
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(project))
    spec = importlib.util.spec_from_file_location("small_definitions", ROOT / "orchestration" / "definitions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.defs


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    """A data folder with a delivery for the mini project."""
    mini = Mini(tmp_path / "data")
    mini.deliver("orders.csv", "A1:1000")
    return mini


def test_a_broken_law_is_a_failed_check_and_nothing_is_published(mini: Mini, monkeypatch: pytest.MonkeyPatch) -> None:
    defs = definitions_of(MINI, mini, monkeypatch)
    monkeypatch.setenv("DBT_ENV_CUSTOM_ENV_MINI_LAW", "broken")
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("tieout").execute_in_process(instance=instance, raise_on_error=False)
        assert not result.success
        failed = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
        assert failed == ["law_that_tests_can_break"]
        done = {event.asset_key for event in result.get_asset_materialization_events()}
    assert dg.AssetKey(["marts", "reconciliation_results"]) in done
    assert dg.AssetKey(["artifacts"]) not in done
    assert dg.AssetKey(["published"]) not in done
    assert not (mini.root / "published").exists()
    (record,) = mini.records()
    assert record["state"] == "FAILED"
    assert record["failure"]["failure_class"] == "LAW"
    assert record["audited"]


def test_a_run_goes_on_without_marts_that_are_not_critical(
    mini: Mini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = lapsing_project(tmp_path / "project", policy="continue_on_noncritical", critical=False)
    # Beside the mart that cannot be built: one that is built, and does not pass its gate.
    (project / "models/marts/sales_more.sql").write_text("select result_id from {{ ref('reconciliation_results') }}")
    (project / "tests/gate_of_more.sql").write_text("select * from {{ ref('sales_more') }}")
    page = yaml.safe_load((project / "models/marts/_sales.yml").read_text())
    page["models"].append({**page["models"][0], "name": "sales_more"})
    (project / "models/marts/_sales.yml").write_text(yaml.safe_dump(page))
    defs = definitions_of(project, mini, monkeypatch)
    monkeypatch.setenv("DBT_ENV_CUSTOM_ENV_MINI_EXTRA", "broken")
    # The page reads columns that the small project's marts do not have.
    monkeypatch.setattr(ending, "write_page", small_page)
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("tieout").execute_in_process(instance=instance, raise_on_error=False)
        assert result.success
        (failed,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
        done = {event.asset_key for event in result.get_asset_materialization_events()}
    assert (failed.check_name, failed.severity) == ("gate_of_more", dg.AssetCheckSeverity.WARN)
    assert {dg.AssetKey(["artifacts"]), dg.AssetKey(["published"])} <= done
    assert dg.AssetKey(["marts", "sales_extra"]) not in done
    (record,) = mini.records()
    assert (record["state"], record["published"]) == ("CLOSED", True)
    assert len(record["summary"]["lapses"]) == 2
    assert list((mini.root / "published/marts").glob("reconciliation_results*"))
    assert not list((mini.root / "published/marts").glob("sales_*"))


def test_numbers_that_cannot_be_written_fail_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "runs").mkdir(parents=True)
    (tmp_path / "manifest.json").write_text('{"nodes": {}}')
    monkeypatch.setattr(ending, "write_page", small_page)
    tried = []

    def fail(*given: Any) -> Path:
        tried.append(given)
        raise OSError("no space left on device")

    monkeypatch.setattr("orchestration.health.metrics.write_metrics", fail)
    report = last_assets(tmp_path / "manifest.json", Translator())[-1]
    with dg.DagsterInstance.ephemeral() as instance:
        books = Books(data_dir=str(tmp_path / "data"))
        assert dg.materialize([report], resources={"books": books}, instance=instance).success
    assert len(tried) == 1
