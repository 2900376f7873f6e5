"""Arrivals and policies, against what orgs delivered and against what a run built of it, on every engine."""

import json
import shutil
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.validate.loaded import load
from orchestration.validate.policies import Built, check_resolved
from tests.python.core_project import core_project
from tests.python.declarations.project import ROOT
from tests.python.laws.conftest import in_one_worker
from tests.python.laws.harness import Folder, NewDatabase
from tests.python.validate.broken import REGISTRY, Found, line_of, pick, replace, tieout_validate, told

STREAM = "pos_oms_orders"
EXTRACTS = ROOT / "examples" / "extracts"
AS_OF = datetime(2026, 3, 3, 6, tzinfo=UTC)
SOURCES = "models/staging/oms/_oms__sources.yml"

POLICIES = (
    "stream,counterparty_id,price_abs_minor,skew_seconds,mode,base_currency,valid_from",
    "pos_oms_orders,,2,,,EUR,",
    "pos_oms_orders,HP-01,3,,,,",
    "pos_oms_orders,HP-01,4,,,,",
    "web_orders,,1,,,,",
    "pos_oms_orders,HP-77,1,,,,",
    "pos_oms_orders,HP-02,1,,WEEKLY,,",
    ",HP-03,1,,,,",
    "pos_oms_orders,HP-02,1x,,,,2026-03-02",
    "pos_oms_orders,HP-04,7,,,,",
    "pos_oms_orders,HP-04,07,,,,",
    "pos_oms_orders,HP-05,7.5,,,,",
)


@dataclass(frozen=True)
class World:
    """A project of one stream, which compares in the org's base currency, and a data folder that it has been run on:
    `acme` delivered both sides and says its currency, `solo` one side, `blank` both sides and no currency."""

    project: Path
    data: Path
    target: str
    environment: dict[str, str]

    def told(self, *arguments: str, code: int) -> list[Found]:
        return told(
            self.project, self.data, "--target", self.target, *arguments, code=code, environment=self.environment
        )


def deliver(data: Path, org: str, feed: str, *files: Path) -> None:
    folder = data / "inbox" / org / feed
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)


def deliver_all(data: Path) -> None:
    """What the orgs of the world deliver."""
    harbour = EXTRACTS / "harbour_pine"
    deliver(data, "acme", "pos/orders", harbour / "pos/orders/pos_2026-03-01.csv")
    deliver(data, "acme", "oms/orders", harbour / "oms/orders/oms_2026-03-01.csv")
    deliver(data, "blank", "pos/orders", harbour / "pos/orders/pos_2026-03-02.csv")
    deliver(data, "blank", "oms/orders", harbour / "oms/orders/oms_2026-03-02.csv")
    deliver(data, "solo", "pos/orders", *(EXTRACTS / "cedar_books/pos/orders").iterdir())
    broken = data / "inbox" / "acme" / "oms" / "orders" / "broken.csv"
    broken.write_text("colour,size\nred,1\n", encoding="utf-8")
    policies = data / "inbox" / "acme" / "tieout" / "policies" / "policies.csv"
    policies.parent.mkdir(parents=True)
    policies.write_text("\n".join([*POLICIES, ""]), encoding="utf-8")


def make_project(folder: Path) -> Path:
    project = core_project(folder)
    text = (project / REGISTRY).read_text(encoding="utf-8")
    assert text.count("    pos_oms_orders:\n      ladders:") == 1
    replace(
        project,
        REGISTRY,
        "    pos_oms_orders:\n      ladders:",
        "    pos_oms_orders:\n      defaults: {price_basis: BASE}\n      ladders:",
    )
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, for both engines."""
    return make_project(tmp_path_factory.mktemp("core") / "project")


@pytest.fixture(scope="module", params=in_one_worker("validate"))
def world(
    request: pytest.FixtureRequest,
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    lasting_database: NewDatabase,
) -> World:
    """Built once an engine; nothing in here changes it."""
    data = tmp_path_factory.mktemp(request.param)
    folder = Folder(data, request.param, lasting_database(request.param))
    deliver_all(folder.root)
    done = folder.start(AS_OF, TIEOUT_PROJECT_DIR=str(project))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return World(project, folder.root, request.param, folder.environment)


def test_what_a_run_was_built_from(world: World) -> None:
    found = world.told(code=1)
    assert [one["message"] for one in pick(found, code="warehouse")] == []
    # No project fault: what was built stands.
    assert {one["code"] for one in found} == {
        "feed-not-arrived",
        "file-failed",
        "policy-contradiction",
        "policy-rejected",
        "policy-unused",
        "reference-unknown",
    }
    file = f"{world.data}/archive/acme/tieout/policies/policies.csv"
    of_policies = {(one["line"], one["severity"], one["code"]) for one in pick(found, file=file)}
    assert of_policies == {
        (3, "fault", "policy-contradiction"),
        (4, "fault", "policy-contradiction"),
        (5, "warning", "policy-unused"),
        (6, "warning", "policy-unused"),
        (7, "fault", "policy-rejected"),
        (8, "fault", "policy-rejected"),
        (9, "fault", "policy-rejected"),
        (12, "fault", "policy-rejected"),
    }
    said = {one["line"]: one["message"] for one in pick(found, file=file)}
    assert "'web_orders'" in said[5]
    assert STREAM in said[5]
    assert "'HP-77'" in said[6]
    assert "HOURLY, DAILY" in said[7]
    assert "'WEEKLY'" in said[7]
    assert "no stream" in said[8]
    assert "price_abs_minor" in said[9]
    # Without a base currency pairs are measured in the source's: that is no fault.
    assert not pick(found, code="policy-unresolved")


def test_arrivals(world: World) -> None:
    # Nobody is about to run a stream: what has not come is told, and keeps nothing from running.
    late = pick(world.told(code=1), code="feed-not-arrived")
    assert [(one["severity"], one["org"]) for one in late] == [("warning", "solo")]
    late = pick(world.told("--stream", STREAM, code=1), code="feed-not-arrived")
    assert [(one["severity"], one["org"], one["stream"]) for one in late] == [("fault", "solo", STREAM)]
    assert late[0]["file"] == REGISTRY
    assert late[0]["line"] == line_of(world.project, REGISTRY, "target: oms/orders")
    assert f"{world.data}/inbox/solo/oms/orders/" in late[0]["message"]
    assert not pick(world.told("--stream", STREAM, "--org", "acme", code=1), code="feed-not-arrived")
    nobody = pick(world.told("--org", "nobody", code=1), code="feed-not-arrived")
    assert any("'nobody' has delivered nothing" in one["message"] for one in nobody)
    failed = pick(world.told(code=1), code="file-failed")
    assert [(one["file"], one["org"]) for one in failed] == [
        (f"{world.data}/failed/acme/oms/orders/broken.csv", "acme")
    ]
    assert "broken.csv.reason.txt" in failed[0]["message"]


def test_only_the_orgs_that_a_stream_names(world: World, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(world.project, project, ignore=shutil.ignore_patterns("target"))
    head = "    pos_oms_orders:\n      defaults: {price_basis: BASE}\n"
    replace(project, REGISTRY, head, f"{head}      orgs: [acme, ghost]\n")
    found = World(project, world.data, world.target, world.environment).told("--stream", STREAM, code=1)
    assert {one["org"] for one in found} <= {"acme", "ghost", None}
    missing = pick(found, code="feed-not-arrived")
    assert [(one["org"], one["line"]) for one in missing] == [("ghost", line_of(project, REGISTRY, "orgs: [acme"))]
    assert not pick(found, code="policy-unresolved")


def test_columns_that_were_declared_later(world: World, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(world.project, project, ignore=shutil.ignore_patterns("target"))
    column = "          - name: location_id\n"
    replace(
        project,
        SOURCES,
        column,
        "          - name: till_number\n            description: The till.\n"
        f"            config: {{meta: {{type: text, required: true}}}}\n{column}",
    )
    found = World(project, world.data, world.target, world.environment).told(code=1)
    delivered = pick(found, code="column-not-delivered")
    assert {one["org"] for one in delivered} == {"acme", "blank"}
    assert all("'oms/orders'" in one["message"] and "till_number" in one["message"] for one in delivered)
    for one in delivered:
        assert '"columns"' in Path(one["file"]).read_text(encoding="utf-8").splitlines()[one["line"] - 1]


def test_before_anything_is_built(project: Path, data_dir: Path) -> None:
    """Files that lie in the inbox will have arrived when the run begins."""
    deliver_all(data_dir)
    late = pick(told(project, data_dir, "--stream", STREAM, code=1), code="feed-not-arrived")
    assert [one["org"] for one in late] == ["solo"]
    deliver(data_dir, "solo", "oms/orders", EXTRACTS / "harbour_pine/oms/orders/oms_2026-03-03.csv")
    assert not pick(told(project, data_dir, "--stream", STREAM, code=0), severity="fault")


def test_a_landing_that_cannot_be_read(project: Path, data_dir: Path) -> None:
    batch = data_dir / "landing" / "tieout" / "policies" / "acme" / "aaaabbbbcccc"
    batch.mkdir(parents=True)
    (batch / "manifest.json").write_text("no JSON", encoding="utf-8")
    assert pick(told(project, data_dir, code=1), code="landing-unreadable", severity="fault")
    fields = {"system": "tieout", "feed": "policies", "org_id": "acme", "source_file": "p.csv", "batch_id": batch.name}
    times = dict.fromkeys(("received_at", "landed_at"), "2026-03-03T06:00:00.000000Z")
    (batch / "manifest.json").write_text(json.dumps({**fields, **times, "header_lines": 1}), encoding="utf-8")
    (batch / "records.parquet").write_text("no Parquet", encoding="utf-8")
    assert pick(told(project, data_dir, code=1), code="landing-unreadable", severity="fault")


def test_a_warehouse_that_cannot_be_asked(world: World, tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_text("no database", encoding="utf-8")
    environment = {**world.environment, "TIEOUT_PG_PORT": "1"}
    found = told(world.project, tmp_path, "--target", world.target, code=1, environment=environment)
    assert [one["severity"] for one in pick(found, code="warehouse")] == ["fault"]


def test_for_people(world: World) -> None:
    done = tieout_validate(
        world.project, world.data, "--target", world.target, "--org", "acme", environment=world.environment
    )
    assert done.exit_code == 1
    assert f"{world.data}/archive/acme/tieout/policies/policies.csv:3: fault [policy-contradiction]" in done.stdout
    assert "This cannot run as it is: " in done.stdout


def test_a_stream_that_was_not_built_yet_has_no_policies_yet() -> None:
    project = load(ROOT)
    built = Built(counterparties={"pos_orders": {("acme", "S1")}}, policies={("acme", "bookings"): []})
    assert list(check_resolved(project, built, [STREAM], ["price_abs_minor"], org=None)) == []
    built = replace_fields(built, policies={("other", STREAM): []})
    (fault,) = check_resolved(project, built, [STREAM], ["price_abs_minor"], org=None)
    assert "no policy governs counterparty S1 of org 'acme'" in fault.message
