"""Dagster's view: the lineage joins up, one writer at a time, and a run does what `tieout run` does."""

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from dagster_dbt import DbtCliResource

from orchestration.landing import load_feeds
from orchestration.project import project_dir
from orchestration.publish import MARTS

ROOT = Path(__file__).resolve().parents[3]
AS_OF = "2026-03-03T06:00:00Z"


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


def test_every_asset_stands_in_a_room(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    rooms = {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert "default" not in rooms


def test_everything_that_touches_the_data_folder_waits_for_its_pool(defs: dg.Definitions) -> None:
    for assets in defs.assets:
        if isinstance(assets, dg.AssetsDefinition) and assets.is_executable:
            assert assets.op.pool == "warehouse", assets


def test_the_laws_are_asset_checks(defs: dg.Definitions) -> None:
    names = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    laws = {file.stem for file in (ROOT / "tests" / "laws").glob("*.sql")}
    assert laws
    assert laws <= names, f"without meta.dagster.ref: {laws - names}"


def test_what_is_left_out_of_the_dbt_resource_still_exists() -> None:
    assert hasattr(DbtCliResource, "_cli_version")
    assert hasattr(DbtCliResource, "_initialize_dbt_core_adapter")


@dataclass
class Job:
    """A job run that closed: its data folder, its id, and what it materialized and checked."""

    folder: Path
    run_id: str
    materialized: set[dg.AssetKey]
    checks: list[dg.AssetCheckEvaluation]


@pytest.fixture(scope="module")
def job(defs: dg.Definitions, folder: Path) -> Job:
    config = {"resources": {"books": {"config": {"data_dir": str(folder), "as_of": AS_OF}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("tieout").execute_in_process(run_config=config, instance=instance)
        assert result.success
        materialized = {event.asset_key for event in result.get_asset_materialization_events()}
        return Job(folder, result.run_id, materialized, result.get_asset_check_evaluations())


# One worker for both, so that the job runs once.
@pytest.mark.xdist_group("dagster-run")
def test_a_job_run_equals_a_command_run(job: Job, tmp_path: Path) -> None:
    assert dg.AssetKey(["published"]) in job.materialized
    assert dg.AssetKey(["pos", "orders"]) in job.materialized
    assert all(check.passed for check in job.checks)

    # All steps of the Dagster run share one record.
    (record,) = [json.loads(file.read_text()) for file in (job.folder / "runs").glob("*.json")]
    assert record["state"] == "CLOSED"
    assert record["run_id"].endswith(job.run_id[:8])

    data = tmp_path / "data"
    subprocess.run(["mkdir", "-p", str(data)], check=True)
    subprocess.run(["cp", "-R", str(ROOT / "examples" / "extracts"), str(data / "inbox")], check=True)
    command = [sys.executable, "-c", "from orchestration.cli import main; main()"]
    done = subprocess.run(
        [*command, "run", "--json", "--data-dir", str(data), "--as-of", AS_OF],
        capture_output=True,
        text=True,
        check=True,
    )
    summary = json.loads(done.stdout)
    for same in ("as_of", "landed", "streams", "laws", "replay", "failures"):
        assert record["summary"][same] == summary[same], same


@pytest.mark.xdist_group("dagster-run")
def test_a_job_run_before_the_latest_one_is_a_replay(defs: dg.Definitions, job: Job) -> None:
    folder = job.folder
    link = (folder / "published").readlink()
    early = {"resources": {"books": {"config": {"data_dir": str(folder), "as_of": "2026-03-01T00:00:00Z"}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("tieout").execute_in_process(run_config=early, instance=instance)
    assert result.success
    assert (folder / "published").readlink() == link
    assert not (folder / "replays").exists()
