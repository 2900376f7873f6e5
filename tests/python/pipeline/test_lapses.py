"""What a run goes on without: a stream's own mart that is not critical, where the stream's policy lets it."""

import json
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.python.pipeline.conftest import Mini, copy_of_mini

DAY_1, DAY_2, DAY_3 = (f"2026-03-0{day}T06:00:00Z" for day in (2, 3, 4))
EXTRA = """
{%- set said = dbt_metadata_envs.get("MINI_EXTRA", "well") if dbt_metadata_envs else "well" %}
select result_id, '{{ said }}' as said
from {{ ref('reconciliation_results') }}{{ ' cross join no_such_table' if said == 'broken' }}
"""
GATE = "select * from {{ ref('sales_extra') }} where said = 'wrong'"


def project(folder: Path, *, policy: str, critical: bool, read_by: str | None = None) -> Path:
    """The mini project with a mart of its stream's own, and a gate on it."""
    copy_of_mini(folder)
    (folder / "models/marts/sales_extra.sql").write_text(EXTRA)
    (folder / "tests/gate_of_extra.sql").write_text(GATE)
    if read_by:
        (folder / f"models/marts/{read_by}.sql").write_text("select result_id from {{ ref('sales_extra') }}")
    group = {"name": "sales", "owner": {"name": "Sales"}, "config": {"meta": {"stream": {"failure_policy": policy}}}}
    meta = {"stream": "sales", "critical": critical}
    page = {"version": 2, "groups": [group], "models": [{"name": "sales_extra", "config": {"meta": meta}}]}
    (folder / "models/marts/_sales.yml").write_text(yaml.safe_dump(page))
    settings = yaml.safe_load((folder / "dbt_project.yml").read_text())
    settings["vars"]["streams"]["sales"]["marts"] = ["sales_extra"]
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    return folder


def published(mini: Mini, mart: str) -> list[str]:
    with duckdb.connect(str(mini.root / "published/tieout.duckdb"), read_only=True) as connection:
        return [row[0] for row in connection.execute(f"select result_id from marts.{mart} order by 1").fetchall()]


@pytest.mark.parametrize("fault", ["broken", "wrong"])
def test_a_run_goes_on_without_it_and_readers_keep_what_was_there(mini: Mini, tmp_path: Path, fault: str) -> None:
    own = str(project(tmp_path / "project", policy="continue_on_noncritical", critical=False))
    mini.deliver("one.csv", "A1:100")
    assert mini.run(DAY_1, TIEOUT_PROJECT_DIR=own).code == 0
    before = published(mini, "sales_extra")
    mini.deliver("two.csv", "A2:200")
    answer = mini.run(DAY_2, TIEOUT_PROJECT_DIR=own, DBT_ENV_CUSTOM_ENV_MINI_EXTRA=fault)
    assert answer.code == 0, answer.err
    (lapse,) = answer.json["lapses"]
    assert ("model sales_extra" if fault == "broken" else "test gate_of_extra") in lapse
    assert answer.json["failures"] == []
    assert len(published(mini, "reconciliation_results")) == 2
    assert published(mini, "sales_extra") == before
    assert len(list((mini.root / "published/marts").glob("sales_extra*.parquet"))) == 1
    assert "Done without" in mini.tieout("summary", TIEOUT_PROJECT_DIR=own).out
    # The cause gone, it is there again, whole.
    assert mini.run(DAY_3, TIEOUT_PROJECT_DIR=own).json["lapses"] == []
    assert len(published(mini, "sales_extra")) == 2


def test_without_an_earlier_one_it_is_not_there(mini: Mini, tmp_path: Path) -> None:
    own = str(project(tmp_path / "project", policy="continue_on_noncritical", critical=False))
    mini.deliver("one.csv", "A1:100")
    answer = mini.run(DAY_1, TIEOUT_PROJECT_DIR=own, DBT_ENV_CUSTOM_ENV_MINI_EXTRA="wrong")
    assert answer.code == 0, answer.err
    assert not list((mini.root / "published/marts").glob("sales_extra*"))
    assert published(mini, "reconciliation_results")


@pytest.mark.parametrize(
    ("policy", "critical", "read_by"),
    [
        ("stop_on_failure", False, None),
        ("continue_on_noncritical", True, None),
        # The books need what they are made from, whatever it says of itself.
        ("continue_on_noncritical", False, "another_mart"),
    ],
)
def test_else_the_run_stops(mini: Mini, tmp_path: Path, policy: str, critical: bool, read_by: str | None) -> None:
    own = str(project(tmp_path / "project", policy=policy, critical=critical, read_by=read_by))
    mini.deliver("one.csv", "A1:100")
    answer = mini.run(DAY_1, TIEOUT_PROJECT_DIR=own, DBT_ENV_CUSTOM_ENV_MINI_EXTRA="broken")
    assert answer.code == 1
    assert answer.json["lapses"] == []
    assert "sales_extra" in answer.json["failures"][0]
    assert not (mini.root / "published").exists()
    (letter,) = json.loads(mini.tieout("audit", "dead-letters", "--json", TIEOUT_PROJECT_DIR=own).out)
    assert (letter["failure_class"], letter["failure_code"]) == ("CONFIGURATION", "sales_extra")
