"""Declarations: every fault by name and all at once, no secret in a file or in a message, and kinds found by name."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from orchestration.cli import main
from orchestration.landing import connectors
from orchestration.landing.connectors import ConnectorDeclarationError, kinds, load_connectors
from tests.python.connectors.conftest import ROOT
from tests.python.pipeline.conftest import MINI

PINNED = "sftp.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000000"
GOOD: dict[str, Any] = {
    "kind": "sftp",
    "org": "acme",
    "host": "sftp.example.com",
    "user": "tieout",
    "auth": {"password": "${ACME_PASSWORD}"},
    "known_hosts": [PINNED],
    "files": [{"from": "/out/orders/*.csv", "feed": "pos/orders"}],
}


def project(folder: Path, *declared: dict[str, Any] | str) -> Path:
    """A project with connectors `c0`, `c1`, ..."""
    (folder / "connectors").mkdir()
    (folder / "models").symlink_to(MINI / "models")
    for name in ("dbt_project.yml", "profiles.yml", "macros"):
        (folder / name).symlink_to(MINI / name)
    for number, body in enumerate(declared):
        text = body if isinstance(body, str) else yaml.safe_dump(body, sort_keys=False)
        (folder / f"connectors/c{number}.yml").write_text(text)
    return folder


def faults(folder: Path, *declared: dict[str, Any] | str) -> list[str]:
    with pytest.raises(ConnectorDeclarationError) as refused:
        load_connectors(project(folder, *declared))
    return refused.value.faults


def test_a_project_without_connectors_has_none(tmp_path: Path) -> None:
    assert load_connectors(MINI) == {}
    assert load_connectors(project(tmp_path)) == {}


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    (connector,) = load_connectors(project(tmp_path, GOOD)).values()
    assert (connector.name, connector.where) == ("c0", "tieout@sftp.example.com:22")
    assert (connector.poll_every.total_seconds(), connector.retries) == (300, 3)
    assert (connector.limit.total_seconds(), connector.silence.total_seconds()) == (600, 60)
    (rule,) = connector.settings.rules
    assert (rule.org_id, rule.feed, rule.after, rule.stable_for.total_seconds()) == ("acme", "pos/orders", "keep", 10)
    assert [secret.variable for secret in connector.secrets] == ["ACME_PASSWORD"]


def test_known_hosts_may_be_a_file_of_the_project(tmp_path: Path) -> None:
    folder = project(tmp_path, {**GOOD, "known_hosts": "connectors/known_hosts"})
    (folder / "connectors/known_hosts").write_text(f"# checked by telephone\n{PINNED}\n")
    assert load_connectors(folder)["c0"].settings.known_hosts == f"{PINNED}\n"


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    bad = {
        **GOOD,
        **{"host": "user@host", "port": 70000, "known_hosts": None, "colour": "red", "retries": -1, "org": "../up"},
        **{"limit": "0 seconds", "silence": "long"},
        **{"poll_every": "often", "timeouts": {"connect": "soon", "total": "1 hour"}},
        "pgp": {"key_file": str(tmp_path / "key.asc"), "word": "x"},
        "files": [
            {"from": "/out/../etc/*", "feed": "pos/order", "after": "burn"},
            {"from": "/out/*/*.csv", "feed": "pos/orders", "after": "move"},
            {"from": "/a/*.csv", "feed": "pos/orders", "after": "move", "to": "/out/done"},
            {"from": "/b/*", "feed": "pos/orders", "done_marker": "{nme}.ok", "stable_for": "1 minute"},
            {"from": "/c/*", "feed": "pos/orders", "org": "north.part"},
        ],
    }
    told = "\n".join(faults(tmp_path, bad, {"kind": "carrier_pigeon"}, "- a\n- list\n", "a: [", {**GOOD, "auth": {}}))
    for fault in (
        "c0.yml: host: must be a host name or address, without user or port, given 'user@host'",
        "c0.yml: port: must be a whole number from 1 to 65535, given 70000",
        "c0.yml: known_hosts: must be the path",
        "c0.yml: colour: is no key here; allowed are kind, org,",
        "c0.yml: retries: must be a whole number from 0 to 10, given -1",
        "c0.yml: org: must be an org",
        "c0.yml: poll_every: must be a whole number and its unit",
        "c0.yml: limit: must be longer than nothing, given '0 seconds'",
        "c0.yml: silence: must be a whole number and its unit",
        "c0.yml: timeouts.connect: must be a whole number and its unit",
        "c0.yml: timeouts.total: is no key here",
        "c0.yml: pgp.word: is no key here",
        "c0.yml: pgp.key_file: must be a file outside of the project's folder",
        "c0.yml: files[0].from: must be a path of files",
        "c0.yml: files[0].feed: must be a declared feed (pos/orders), given 'pos/order'",
        "c0.yml: files[0].after: must be one of keep, move, delete, given 'burn'",
        "c0.yml: files[1].to: must be given where `after` is move",
        "c0.yml: files[2].to: must be a folder that no entry reads from (/out/*/*.csv does), given '/out/done'",
        "c0.yml: files[3].done_marker: must be a name in the same folder",
        "c0.yml: files[3].stable_for: must be left out where there is a `done_marker`",
        "c0.yml: files[4].org: must be no name of an upload under way",
        "c1.yml: kind: must be one of sftp, given 'carrier_pigeon'",
        "c2.yml: must be a mapping of keys",
        "c3.yml: not readable as YAML (line 1)",
        "c4.yml: auth.password: must be given as ${NAME}, or `key`",
    ):
        assert fault in told, told


@pytest.mark.parametrize(
    "changes",
    [
        {"auth": {"password": "hunter2-very-secret"}},
        {"auth": {"key": "hunter2-very-secret"}},
        {"auth": {"password": "pre${ACME}hunter2-very-secret"}},
        {"pgp": {"passphrase": "hunter2-very-secret"}},
    ],
)
def test_a_secret_in_a_file_is_refused_and_not_repeated(tmp_path: Path, changes: dict[str, Any]) -> None:
    (told,) = faults(tmp_path, {**GOOD, **changes})
    assert "a secret never stands in a file" in told
    assert "hunter2" not in told


def test_a_file_named_yaml_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "connectors/acme.yaml").write_text(yaml.safe_dump(GOOD))
    with pytest.raises(ConnectorDeclarationError, match=r"rename the file to acme\.yml"):
        load_connectors(folder)


def test_validate_tells_the_faults_with_their_lines(tmp_path: Path) -> None:
    bad = yaml.safe_dump({**GOOD, "port": "x", "auth": {"password": "hunter2"}}, sort_keys=False)
    folder = project(tmp_path, bad, GOOD)
    result = CliRunner().invoke(
        main,
        ["validate", "--json", "--data-dir", str(tmp_path / "data")],
        env={"TIEOUT_PROJECT_DIR": str(folder), "ACME_PASSWORD": ""},
    )
    found = [fault for fault in json.loads(result.stdout) if fault["code"].startswith("connector")]
    lines = bad.splitlines()
    assert [(fault["code"], fault["file"], fault["line"]) for fault in found] == [
        ("connector", "connectors/c0.yml", lines.index("  password: hunter2") + 1),
        ("connector", "connectors/c0.yml", lines.index("port: x") + 1),
        ("connector-secret", "connectors/c1.yml", 1),
    ]
    assert "hunter2" not in result.stdout


def test_wrong_usage_is_told_before_anything_is_touched(tmp_path: Path) -> None:
    folder = project(tmp_path, {**GOOD, "port": 0})
    data = tmp_path / "data"
    for command in (["run"], ["land"], ["connectors", "list"], ["connectors", "check", "c0"]):
        result = CliRunner().invoke(main, [*command, "--data-dir", str(data)], env={"TIEOUT_PROJECT_DIR": str(folder)})
        assert (result.exit_code, "c0.yml: port: must be" in result.stderr) == (2, True), result.output
        assert not data.exists()
    (folder / "connectors/c0.yml").write_text(yaml.safe_dump(GOOD))
    for command in (["land", "nope"], ["connectors", "check", "nope"]):
        result = CliRunner().invoke(main, [*command, "--data-dir", str(data)], env={"TIEOUT_PROJECT_DIR": str(folder)})
        assert (result.exit_code, "There is no connector 'nope'. Connectors: c0." in result.stderr) == (2, True)
        assert not data.exists()


def test_the_kind_of_the_documentation_is_found_by_its_name_and_works(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worked example of docs/connectors.md: a log, of whose records nobody knows a size or a time."""
    page = (ROOT / "docs/connectors.md").read_text()
    code = next(block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "kinds/log.py" in block)
    declared = next(block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "kind: log" in block)
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds/log.py").write_text(code)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path / "kinds")])
    assert kinds.kind_names() == ("log", "sftp")
    folder = tmp_path / "project"
    folder.mkdir()
    log = tmp_path / "orders.log"
    project(folder, declared.replace("/var/log/shop/orders.jsonl", str(log)))

    monkeypatch.setattr("orchestration.landing.connectors.taking.FIRST_WAIT", 0.01)
    monkeypatch.setattr("orchestration.landing.connectors.taking.JITTER", 0.01)
    assert connectors.fetch(data_dir, folder)[0].error == f"{log} is not there yet"
    log.write_text('{"order_id": "A1"}\n{"order_id": "A2"}\n{"order_id": "A')
    assert connectors.pending(data_dir, folder, "c0").ready == (str(log),)
    assert connectors.fetch(data_dir, folder)[0].files == ["acme/pos/orders/orders-2.jsonl"]
    assert connectors.fetch(data_dir, folder)[0].files == []
    inbox = data_dir / "inbox/acme/pos/orders"
    assert (inbox / "orders-2.jsonl").read_text() == '{"order_id": "A1"}\n{"order_id": "A2"}\n'
    (inbox / "orders-2.jsonl").unlink()
    with log.open("a") as more:
        more.write('3"}\n')
    _landed(data_dir)
    assert connectors.fetch(data_dir, folder)[0].files == ["acme/pos/orders/orders-3.jsonl"]
    assert (inbox / "orders-3.jsonl").read_text() == '{"order_id": "A3"}\n'


def _landed(data: Path) -> None:
    """What landing would have written down."""
    from orchestration.landing.connectors.ledger import State, open_ledger

    with open_ledger(data, "c0") as ledger:
        for taken in ledger.of_state(State.ARRIVED):
            ledger.landed(taken, "landed")
