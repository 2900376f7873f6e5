"""A run builds what has changed since the last one, and everything where it cannot know."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import yaml

from orchestration import project as projects
from orchestration import selection
from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.parsed import parse_key
from orchestration.warehouse import open_warehouse
from tests.python import ready
from tests.python.ready import ROOT

DAY_1, DAY_2 = "2026-03-04T06:00:00Z", "2026-03-05T06:00:00Z"
POS = "order_id,store_id,status,currency,total,created_at,updated_at\n"
OMS = "order_id,location_id,state,currency,order_total,placed_at,modified_at,revision\n"


def deliver(data_dir: Path, system: str, name: str, *orders: str, org_id: str = "acme") -> None:
    """A file of orders, each sold at ten for 5.00."""
    times = "2026-03-01T10:00:00Z,2026-03-01T10:00:00Z"
    lines = [
        f"{order},S1,PAID,EUR,5.00,{times}" if system == "pos" else f"{order},S1,shipped,EUR,5.00,{times},1"
        for order in orders
    ]
    folder = data_dir / "inbox" / org_id / system / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text((POS if system == "pos" else OMS) + "\n".join(lines) + "\n")


def run(data_dir: Path, as_of: str, *arguments: str, project: Path = ROOT) -> tuple[dict[str, int], set[str]]:
    """Run; the stream's counts, and the names of what was built and tested."""
    env = {**os.environ, "TIEOUT_PROJECT_DIR": str(project)}
    done = ready.run("run", "--json", "--as-of", as_of, *arguments, "--data-dir", data_dir, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((data_dir / ".dbt" / "duckdb" / "run_results.json").read_text())["results"]
    names = {result["unique_id"].split(".")[2] for result in results}
    return json.loads(done.stdout)["streams"]["pos_oms_orders"], names


def build_by_hand(project: Path, data_dir: Path, *arguments: str) -> None:
    """Somebody else builds in the warehouse."""
    subprocess.run(
        [
            Path(sys.executable).parent / "dbt",
            "--quiet",
            "run",
            *arguments,
            "--project-dir",
            project,
            "--profiles-dir",
            project,
            "--target-path",
            data_dir / "hand",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "TIEOUT_DATA_DIR": str(data_dir),
            "TIEOUT_DUCKDB_PATH": str(data_dir / "warehouse.duckdb"),
            "DBT_LOG_PATH": str(data_dir / "hand"),
            "DBT_ENV_CUSTOM_ENV_TIEOUT_AS_OF": DAY_1,
        },
        check=True,
        timeout=300,
    )


def changed(data_dir: Path) -> set[str] | None:
    """The feeds that a run of the real project would take for changed; None where it would build everything."""
    place = Place(DataDir.at(data_dir), "duckdb", replay=False)
    with open_warehouse(place, data_dir / ".tmp") as warehouse:
        return selection.changed_feeds(place.data, warehouse, place.target, parse_key(ROOT, place))


def test_what_has_not_changed_is_not_built_again(data_dir: Path) -> None:
    deliver(data_dir, "pos", "one.csv", "A1", "A2")
    deliver(data_dir, "oms", "one.csv", "A1")
    first, everything = run(data_dir, DAY_1)
    assert first["matched"] == 1
    assert {"stg_pos__orders", "stg_bank__statement", "currencies"} <= everything

    again, built = run(data_dir, DAY_1)
    assert again == first
    laws = {name for name in everything if name.startswith("law_")}
    assert laws
    assert laws | {"pos_oms_orders__unmatched", "exceptions", "reconciliation_results"} <= built
    assert not built & {"stg_pos__orders", "pos_oms_orders__by_order_id", "currencies", "policies"}

    deliver(data_dir, "oms", "two.csv", "A2")
    second, built = run(data_dir, DAY_2)
    assert second["matched"] == 2
    assert {"stg_oms__orders", "oms_orders__dispositions", "pos_oms_orders__by_order_id"} <= built
    assert not built & {"stg_pos__orders", "stg_bank__statement", "orders_to_charges__by_order"}

    # What that is decided by. The runs that build all for these reasons are those of one stream, below.
    assert changed(data_dir) == set()
    last = max((data_dir / "runs").glob("*.json"))
    content = last.read_text()
    for field, value in (("state", "FAILED"), ("project_key", "another project"), ("stream", "pos_oms_orders")):
        last.write_text(json.dumps({**json.loads(content), field: value}))
        assert changed(data_dir) is None, field
    last.write_text(content)
    for org_id, found in (("acme", {"oms/orders"}), ("zenith", None)):
        batch = data_dir / "landing/oms/orders" / org_id / "new"
        batch.mkdir(parents=True)
        (batch / "manifest.json").touch()
        assert changed(data_dir) == found
        (batch / "manifest.json").unlink()
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as warehouse:
        warehouse.execute("insert into audit.builds (run_id, started_at) values ('by hand', '2999-01-01')")
    assert changed(data_dir) is None


def test_what_cannot_be_known_is_built_whole(data_dir: Path, first_stream_alone: Path) -> None:
    def built() -> set[str]:
        return run(data_dir, DAY_1, project=first_stream_alone)[1]

    deliver(data_dir, "pos", "one.csv", "A1")
    everything = built()
    assert {"stg_pos__orders", "pos_oms_orders__by_order_id", "currencies"} <= everything
    assert built() < everything
    for field, value in (("state", "FAILED"), ("project_key", "another project")):
        record = max((data_dir / "runs").glob("*.json"))
        content = json.loads(record.read_text())
        record.write_text(json.dumps({**content, field: value}))
        assert built() == everything, field

    build_by_hand(first_stream_alone, data_dir, "--select", "stg_pos__orders")
    assert built() == everything, "who knows what somebody else has built"
    assert run(data_dir, DAY_1, "--full-refresh", project=first_stream_alone)[1] == everything


def test_an_org_that_comes_later_has_its_policies(data_dir: Path, first_stream_alone: Path) -> None:
    deliver(data_dir, "pos", "one.csv", "A1")
    deliver(data_dir, "oms", "one.csv", "A1")
    run(data_dir, DAY_1, project=first_stream_alone)
    deliver(data_dir, "pos", "one.csv", "A1", org_id="zenith")
    deliver(data_dir, "oms", "one.csv", "A1", org_id="zenith")
    streams, built = run(data_dir, DAY_2, project=first_stream_alone)
    assert "policies" in built
    assert streams["matched"] == 2


def test_a_stream_is_built_alone_only_where_no_other_judges_its_records(tmp_path: Path) -> None:
    for stream in projects.load_streams(ROOT):
        assert not projects.shares_records(ROOT, stream)
    ladder = {"source": "pos/orders", "target": "oms/orders"}
    settings = {
        "vars": {
            "entities": {"shop/sales": {"feeds": ["pos/orders"]}},
            "streams": {
                "one": {"ladders": {"one": ladder}},
                "clone": {"ladders": {"clone": ladder}},
                "by_entity": {"ladders": {"sales": {"source": "shop/sales", "target": "bank/entries"}}},
                "apart": {"ladders": {"apart": {"source": "a/b", "target": "c/d"}}},
            },
        }
    }
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    shared = [name for name in settings["vars"]["streams"] if projects.shares_records(tmp_path, name)]
    assert shared == ["one", "clone", "by_entity"]
