"""The files of deploy/: linters hold their form, and what they start, name and mount is there."""

import configparser
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from tests.python.deploy.conftest import DEPLOY, ROOT
from tests.python.deploy.tiny_definitions import tiny

BIN = Path(sys.executable).parent
UNITS = sorted((DEPLOY / "systemd").glob("*"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
OURS = ("code", "webserver", "daemon", "tieout")
ENTRYPOINT = "/opt/tieout/deploy/entrypoint.sh"
# Keys of a service in the compose specification, as far as they are used here.
OF_A_SERVICE = {
    *("image", "build", "restart", "init", "read_only", "cap_drop", "security_opt", "tmpfs", "environment", "secrets"),
    *("volumes", "logging", "depends_on", "command", "stop_grace_period", "healthcheck", "ports", "profiles"),
    "entrypoint",
}


def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, arguments)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def programs() -> set[str]:
    """The programs that installing the lock file and the project puts into the environment."""
    wanted = ("tieout", "dagster", "dagster-webserver")
    return {
        entry.name
        for name in wanted
        for entry in importlib.metadata.distribution(name).entry_points
        if entry.group == "console_scripts"
    }


def known_to_tieout(arguments: list[str]) -> None:
    """A command line that `tieout` takes: every word before the options is a command, every option one of its own."""
    from orchestration.cli import main

    command: Any = main
    words = list(arguments)
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_parser(_context(command)).parse_args(list(words))


def _context(command: Any) -> Any:
    import click

    return click.Context(command, info_name="tieout")


# --- the image -----------------------------------------------------------------------------------------------------


def test_the_linter_has_nothing_to_say_of_the_dockerfile() -> None:
    done = run(BIN / "hadolint", "--no-color", DEPLOY / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_image_installs_by_hash_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements.lock" in text
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"python:3.11-slim"}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "dagster-postgres==" in lock, "a server keeps its runs in Postgres"
    (command,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    assert json.loads(command)[0] in programs()


def test_the_image_holds_the_project_and_no_secrets() -> None:
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {"deploy/secrets", "data", ".git", "**/.env"} <= set(left_out)
    needed = ("models", "macros", "seeds", "snapshots", "tests/laws", "tests/generic", "orchestration", "deploy")
    assert not [name for name in needed if name in left_out or name.split("/")[0] in left_out]


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("s3cret $HOME\n")
    show = (sys.executable, "-c", "import os; print(os.environ.get('TIEOUT_PG_PASSWORD'), os.environ.get('OTHER'))")
    told = {"TIEOUT_SECRETS_DIR": str(tmp_path)}
    done = run(DEPLOY / "entrypoint.sh", *show, TIEOUT_PG_PASSWORD_FILE=str(tmp_path / "word"), **told)
    assert done.stdout == "s3cret $HOME None\n"
    # A variable of another's that only ends so is left alone.
    done = run(DEPLOY / "entrypoint.sh", *show, OTHER_FILE="/etc/hostname", **told)
    assert done.stdout == "None None\n"
    done = run(DEPLOY / "entrypoint.sh", *show, TIEOUT_PG_PASSWORD_FILE=str(tmp_path / "gone"), **told)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


# --- compose -------------------------------------------------------------------------------------------------------


def test_the_compose_file_is_well_formed() -> None:
    assert set(COMPOSE) == {"name", "x-tieout", "services", "volumes", "secrets"}
    for name, service in COMPOSE["services"].items():
        assert set(service) <= OF_A_SERVICE, f"{name}: {set(service) - OF_A_SERVICE}"
        assert "image" in service
        for other, condition in service.get("depends_on", {}).items():
            assert other in COMPOSE["services"]
            assert condition == {"condition": "service_healthy"}
            assert "test" in COMPOSE["services"][other]["healthcheck"]
        for mount in service["volumes"]:
            source, target, *mode = mount.split(":")
            assert target.startswith("/")
            assert mode in ([], ["ro"])
            if source.startswith("."):
                assert (DEPLOY / source).exists(), mount
                assert mode == ["ro"]
            else:
                assert source in COMPOSE["volumes"]
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        kind, *check = service.get("healthcheck", {}).get("test", ["CMD", "dagster"])
        assert kind in ("CMD", "CMD-SHELL")
        # A check is started beside the service: it finds the secrets only behind the entrypoint.
        assert name == "postgres" or check[0] in programs() or (check[0] == ENTRYPOINT and check[1] in programs())
        for number in ("interval", "timeout", "start_period"):
            assert re.fullmatch(r"\d+s", service.get("healthcheck", {}).get(number, "1s"))


def test_the_client_reads_the_compose_file_where_it_can() -> None:
    # The client alone, without an engine, where its part for compose is installed; the tests above hold everywhere.
    if shutil.which("docker") and run("docker", "compose", "version").returncode == 0:
        done = run("docker", "compose", "-f", DEPLOY / "compose.yaml", "config", "--quiet")
        assert done.returncode == 0, done.stderr


def test_no_password_stands_in_any_file() -> None:
    for file in sorted(path for path in DEPLOY.rglob("*") if path.is_file()):
        for line in file.read_text(encoding="utf-8").splitlines():
            found = re.match(r"\s*-?\s*\"?(\w*(?:PASSWORD|SECRET|TOKEN)\w*)\"?\s*[:=]\s*(\S*)", line, re.IGNORECASE)
            if found and found[2]:
                allowed = ("/run/secrets/", "{env:", "${", "[postgres_password]")
                assert found[2].startswith(allowed) or found[1] in ("secrets",), f"{file.name}: {line}"


def test_ours_are_locked_down() -> None:
    for name in OURS:
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        if "entrypoint" in service:
            assert service["entrypoint"] == [ENTRYPOINT, "tieout"]
        else:
            assert service.get("command", ["dagster-webserver"])[0] in programs()
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:${TIEOUT_PORT:-3000}:3000"], "the page has no login: it stays on the machine"


# --- units ---------------------------------------------------------------------------------------------------------


def unit(file: Path) -> configparser.RawConfigParser:
    parsed = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(file.read_text(encoding="utf-8"))
    return parsed


@pytest.mark.parametrize("file", SERVICES, ids=lambda file: file.stem)
def test_a_service_starts_what_is_installed(file: Path) -> None:
    parsed = unit(file)
    assert parsed["Service"]["User"] == "tieout"
    assert parsed["Service"]["EnvironmentFile"] == "/etc/tieout/tieout.env"
    words = shlex.split(parsed["Service"]["ExecStart"])
    program = Path(words[0])
    assert program.parent == Path("/opt/tieout/.venv/bin")
    assert program.name in programs()
    if program.name == "tieout":
        known_to_tieout(words[1:])
    for word in words:
        path = word.partition("=")[2]
        if path.startswith("/opt/tieout/"):
            assert (ROOT / path.removeprefix("/opt/tieout/")).is_file(), path
    assert parsed["Service"]["ProtectSystem"] == "strict"
    assert parsed["Service"]["NoNewPrivileges"] == "true"
    if parsed["Service"]["Type"] == "oneshot":
        assert (file.with_suffix(".timer")).is_file()
    else:
        assert parsed["Service"]["Restart"] == "always"
        assert parsed["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.parametrize("file", [file for file in UNITS if file.suffix == ".timer"], ids=lambda file: file.stem)
def test_a_timer_has_a_service(file: Path) -> None:
    parsed = unit(file)
    assert file.with_suffix(".service").is_file()
    assert parsed["Timer"]["Persistent"] == "true"
    assert parsed["Install"]["WantedBy"] == "timers.target"
    assert re.fullmatch(r"(\w{3} )?\*-\*-\* \d\d:\d\d:\d\d", parsed["Timer"]["OnCalendar"])


def test_systemd_has_nothing_to_say_of_the_units(tmp_path: Path) -> None:
    # Where there is systemd; the tests above hold everywhere.
    if shutil.which("systemd-analyze") is None:
        return
    for file in UNITS:
        text = file.read_text(encoding="utf-8").replace("/opt/tieout/.venv/bin", str(BIN))
        (tmp_path / file.name).write_text(text)
    done = run("systemd-analyze", "verify", *sorted(tmp_path.iterdir()))
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in done.stderr, done.stderr


def test_the_log_that_is_turned_over_is_the_one_that_is_written() -> None:
    text = (DEPLOY / "logrotate" / "tieout").read_text(encoding="utf-8")
    assert text.count("{") == text.count("}") == 1
    assert "/var/lib/tieout/data/logs/tieout.jsonl {" in text
    assert "copytruncate" not in text


# --- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.xdist_group("deploy")
def test_dagsters_settings_are_taken(
    dagster_postgres: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in dagster_postgres.items():
        monkeypatch.setenv(name, value)
    shutil.copyfile(DEPLOY / "dagster.yaml", tmp_path / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        kinds = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
        assert all("postgres" in repr(vars(kind)).lower() or "Postgres" in type(kind).__name__ for kind in kinds)
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert instance.get_runs_count() == 0
        done = tiny.execute_in_process(instance=instance)
        assert done.success
        assert [run.run_id for run in instance.get_runs()] == [done.run_id]
    # The daemon finds it as well: it lies in the database.
    with dg.DagsterInstance.from_config(str(tmp_path)) as again:
        assert again.get_runs_count() == 1


def test_a_server_lacks_no_setting_of_a_laptop() -> None:
    server = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    laptop = yaml.safe_load((ROOT / "orchestration" / "dagster.yaml").read_text(encoding="utf-8"))
    assert laptop.keys() - server.keys() == set()
    for name in ("telemetry", "nux", "run_coordinator", "run_retries"):
        assert server[name] == laptop[name], name
    assert server["concurrency"]["pools"] == laptop["concurrency"]["pools"]


# --- what the page says --------------------------------------------------------------------------------------------


def variables_of_the_code() -> set[str]:
    """Every variable of ours that the code or the files of deploy/ name."""
    files = [*(ROOT / "orchestration").rglob("*.py"), ROOT / "profiles.yml"]
    files += [file for file in DEPLOY.rglob("*") if file.is_file()]
    texts = (file.read_text(encoding="utf-8") for file in files)
    found = {name for text in texts for name in re.findall(r"\b(?:TIEOUT|DAGSTER)_[A-Z_]*[A-Z]\b", text)}
    # How tests kill a process at a moment; Dagster's own marks.
    internal = {"TIEOUT_CRASH_AT", "TIEOUT_STOP_AT", "DAGSTER_IS_DEV_CLI", "DAGSTER_DBT_CLI"}
    return {name for name in found - internal if not name.endswith("_FILE") and "CUSTOM_ENV" not in name}


def test_every_variable_is_on_the_page() -> None:
    of_runs = {"TIEOUT_AS_OF", "TIEOUT_RUN_ID", "TIEOUT_MODE"}
    missing = sorted(name for name in variables_of_the_code() - of_runs if f"`{name}`" not in PAGE)
    assert not missing, f"docs/deploy.md does not tell of {missing}"


def test_every_file_is_on_the_page() -> None:
    files = [file.relative_to(ROOT).as_posix() for file in DEPLOY.rglob("*") if file.is_file()]
    told = [name for name in files if name in PAGE or f"{Path(name).parent.as_posix()}/" in PAGE]
    assert sorted(told) == sorted(files)


def test_the_page_names_commands_that_there_are() -> None:
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    for line in re.findall(r"^(?:[\w/.-]*bin/)?tieout (.+)$", shell, re.MULTILINE):
        words = shlex.split(line.partition(" #")[0].partition(" >")[0])
        known_to_tieout(words)
