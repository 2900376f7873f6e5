"""Fixtures that all tests share, and the rule that nothing is skipped where it counts."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python.core_project import core_project
from tests.python.examples.reconciled import Reconciled, reconcile
from tests.python.laws.harness import NewDatabase, Server
from tests.python.postgres_server import running

# Variables that decide what a run does; a developer's own must not decide what a test sees.
FOREIGN = ("TIEOUT_DATA_DIR", "TIEOUT_TARGET", "TIEOUT_PROJECT_DIR", "TIEOUT_SCHEMA_PREFIX", "TIEOUT_DUCKDB_PATH")


# Else every process that a test starts compiles Tieout anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test without the developer's settings."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@contextlib.contextmanager
def unchanged(folder: Path, *but: str) -> Iterator[None]:
    """What many tests read and none may change, or others would see what it did: every file of a folder but for those
    below some folders of it."""

    def stands() -> dict[str, tuple[int, int]]:
        files = (file for file in folder.rglob("*") if file.relative_to(folder).parts[0] not in but)
        return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()}

    before = stands()
    yield
    after = stands()
    changed = sorted(file for file in before.keys() | after.keys() if before.get(file) != after.get(file))
    assert not changed, f"a test changed what others read: {changed}"


@pytest.fixture(scope="session")
def first_stream_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project with one stream, for tests that look at no other; nobody changes it, so that dbt parses it once."""
    project = core_project(tmp_path_factory.mktemp("core") / "project")
    with unchanged(project, "target", "logs"):
        yield project


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconciled]:
    """The examples after their run; tests that take them are `of_the_examples`."""
    made = reconcile(tmp_path_factory.mktemp("examples") / "data")
    with unchanged(made.data, "logs", ".tmp"):
        yield made


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A real server from the wheel."""
    with running() as (server, _):
        yield server


@pytest.fixture(scope="session")
def lasting_database(request: pytest.FixtureRequest) -> NewDatabase:
    """As `new_database`, for what several tests share."""

    def make(target: str) -> dict[str, str]:
        return request.getfixturevalue("postgres_server").new_database() if target == "postgres" else {}

    return make


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> Iterator[NewDatabase]:
    """What runs on an engine are told of it: on Postgres an empty database, which goes with the test."""
    with contextlib.ExitStack() as made:

        def make(target: str) -> dict[str, str]:
            if target != "postgres":
                return {}
            server: Server = request.getfixturevalue("postgres_server")
            variables = server.new_database()
            made.callback(server.drop_database, variables)
            return variables

        yield make


@pytest.fixture
def postgres_database(new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An empty database that is the Postgres target of this process; returns its variables."""
    variables = new_database("postgres")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of an `xdist_group` on one worker, so that what they share is made once. pytest-xdist 3.8 puts the
    group where pytest 9.2 does not look any more."""
    if not getattr(config.option, "loadgroup", False):
        return
    from _pytest.nodeid import coerce_node_id

    for item in items:
        groups = sorted(str(mark.args[0]) for mark in item.iter_markers("xdist_group"))
        if groups and "@" not in item.nodeid:
            item._id = coerce_node_id(f"{item.nodeid}@{'_'.join(groups)}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI a skipped test is a failed one: nobody reads the list of skips there."""
    outcome = yield
    report = outcome.get_result()
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = (
            f"Skipped in CI: {report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr}"
        )


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """A whole file that skips itself fails in CI as well."""
    outcome = yield
    report = outcome.get_result()
    if os.environ.get("CI") and report.skipped:
        report.outcome = "failed"
        report.longrepr = (
            f"Skipped in CI: {report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr}"
        )
