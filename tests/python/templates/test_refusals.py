"""What `tieout new stream` refuses: one message with every fault, and nothing is written unless all is well."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from orchestration.cli import main
from orchestration.errors import UsageError
from orchestration.project import load_streams
from orchestration.templates import clone
from tests.python.declarations.project import copy
from tests.python.templates.world import CASES, with_templates

Tree = dict[str, bytes]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the whole project, which the command writes into."""
    folder = with_templates(copy(tmp_path / "project"))
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(folder))
    return folder


def tree(folder: Path) -> Tree:
    """Every file below a folder with its bytes, folders and hidden files as well."""
    found = {}
    for path in sorted(folder.rglob("*")):
        found[path.relative_to(folder).as_posix()] = path.read_bytes() if path.is_file() else b"/"
    return found


def new_stream(name: str, template: str, *orgs: str, arguments: Sequence[str] = ()) -> Result:
    """Type the command."""
    named = [word for org in orgs for word in ("--org", org)]
    return CliRunner().invoke(main, ["new", "stream", name, "--from", template, *named, *arguments])


@pytest.mark.parametrize(
    ("name", "template", "orgs", "faults"),
    [
        ("Acme", "payouts", ("a/b", "acme", "acme"), [
            ["2 to 41 small letters", "'Acme'"],
            ["'a/b'", "folder in the inbox"],
            ["'acme' is named twice"],
            ["no template 'payouts'", "pos_oms_orders, ecommerce_payouts, bookings"],
        ]),
        ("x", "bookings", ("",), [["2 to 41", "'x'"], ["''", "no org"]]),
        ("yes", "bookings", (), [["YAML", "'yes'"]]),
        ("a" * 42, "bookings", (" acme",), [["2 to 41"], ["' acme'"]]),
        ("bookings", "bookings", (".hidden",), [
            ["'.hidden'"],
            ["there is a stream 'bookings'"],
            ["there is a ladder 'bookings'", "stream 'bookings'"],
            ["model 'bookings__by_activity_id'", "models/reconciliations/bookings/"],
            ["model 'bookings__unmatched'"],
            ["model 'bookings_consistency'"],
            ["there is models/reconciliations/bookings already"],
        ]),
        ("orders_to_charges", "pos_oms_orders", (), [
            ["ladder 'orders_to_charges'", "stream 'ecommerce_payouts'"],
            ["model 'orders_to_charges__unmatched'"],
        ]),
        ("exceptions", "pos_oms_orders", (), [["there is models/reconciliations/exceptions already"]]),
        ("the_payouts_of_all_the_shops_of_acme", "ecommerce_payouts", (), [["may have 22 characters", "of 36"]]),
    ],
)  # fmt: skip
def test_all_faults_in_one_message(
    name: str, template: str, orgs: tuple[str, ...], faults: list[list[str]], project: Path
) -> None:
    before = tree(project)
    done = new_stream(name, template, *orgs)
    assert done.exit_code == 2
    listed = [line for line in done.stderr.splitlines() if line.startswith("  - ")]
    assert "nothing has been written" in done.stderr
    assert len(listed) == len(faults), done.stderr
    for pieces in faults:
        assert any(all(piece in line for piece in pieces) for line in listed), (pieces, done.stderr)
    assert tree(project) == before


def test_a_clone_stands_in_the_way_of_the_next_one(project: Path) -> None:
    assert new_stream("acme_orders", "pos_oms_orders", "acme").exit_code == 0
    before = tree(project)
    done = new_stream("acme_orders", "bookings", "acme")
    assert done.exit_code == 2
    assert "there is a stream 'acme_orders' already" in done.stderr
    assert tree(project) == before


@pytest.mark.parametrize("breaks", ["hardlink_to", "replace"])
def test_what_goes_wrong_while_writing_leaves_nothing(
    breaks: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fourth file cannot be put in its place; the registry cannot be replaced."""
    before = tree(project)
    whole, calls = getattr(Path, breaks), []

    def fails(self: Path, target: Path) -> object:
        calls.append(target)
        if len(calls) == 4 or Path(target).name == "dbt_project.yml":
            raise OSError(28, "No space left on device")
        return whole(self, target)

    monkeypatch.setattr(Path, breaks, fails)
    with pytest.raises(UsageError, match=r"No space left on device.*Nothing of it is left"):
        clone(project, "acme_stays", "bookings", ("acme",))
    assert calls
    assert tree(project) == before


def test_what_somebody_else_changed_meanwhile_is_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = project / "dbt_project.yml"
    whole = os.link

    def meanwhile(*arguments: str) -> None:
        registry.write_text(registry.read_text(encoding="utf-8") + "# somebody's\n", encoding="utf-8")
        whole(*arguments)

    monkeypatch.setattr(os, "link", meanwhile)
    with pytest.raises(UsageError, match=r"dbt_project.yml has changed"):
        clone(project, "acme_orders", "pos_oms_orders")
    assert "# somebody's" in registry.read_text(encoding="utf-8")
    assert "acme_orders" not in load_streams(project)
    assert not (project / "docs" / "streams").exists()


@pytest.mark.parametrize("template", CASES)
def test_the_registry_keeps_every_line(template: str, project: Path) -> None:
    """All that was there stands as it stood, comments too; the clone is data like the template's."""
    file = project / "dbt_project.yml"
    before = file.read_text(encoding="utf-8")
    assert new_stream("acme_own", template, "acme", "o'brien: co").exit_code == 0
    after = file.read_text(encoding="utf-8")
    start, end = after.index("    acme_own:\n"), after.index("models:\n  tieout:")
    assert after[:start] + after[end:] == before
    streams = yaml.safe_load(after)["vars"]["streams"]
    assert list(streams)[-1] == "acme_own"
    assert streams["acme_own"]["orgs"] == ["acme", "o'brien: co"]
    said, own = streams[template], streams["acme_own"]
    assert {**own["defaults"], **(said.get("defaults") or {})} == own["defaults"]
    pairs = zip(said["ladders"].items(), own["ladders"].items(), strict=True)
    for (old, ladder), (new, cloned) in pairs:
        assert new == ("acme_own" if old == template else f"acme_own_{old}")
        assert cloned == ladder
    assert after.count("# PayPal names the payout") == (2 if template == "ecommerce_payouts" else 1)


@pytest.mark.parametrize("template", CASES)
def test_what_is_written(template: str, project: Path) -> None:
    """Everything is under the clone's names, is described, and is well-formed; without an org it serves all."""
    from yamllint import linter
    from yamllint.config import YamlLintConfig

    before = tree(project)
    done = new_stream("acme_own", template, arguments=["--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    after = tree(project)
    written = {path for path in after if path not in before and after[path] != b"/"}
    assert written == set(said["written"])
    assert {path for path in before if before[path] != after[path]} == set(said["changed"])
    assert "orgs" not in yaml.safe_load(after["dbt_project.yml"])["vars"]["streams"]["acme_own"]
    body = load_streams(project)[template]
    # Only its page and the comment above its entry still speak of the template.
    old = [template, *body.ladders, *body.marts] if template != "bookings" else ["'bookings'", "bookings__"]
    for path in written - {said["page"]}:
        # A name of the clone ends in the template's.
        text = re.sub(r"acme_own_[a-z_]+", "", after[path].decode("utf-8"))
        assert not [name for name in old if name in text], path
    config = YamlLintConfig((Path(__file__).resolve().parents[3] / ".yamllint").read_text(encoding="utf-8"))
    for path in {path for path in (*written, *said["changed"]) if path.endswith(".yml")}:
        assert not [str(fault) for fault in linter.run(after[path].decode("utf-8"), config)], path
    described = {
        entry["name"]: entry
        for path in written
        if path.endswith(".yml")
        for entry in yaml.safe_load(after[path]).get("models", [])
    }
    models = {Path(path).stem for path in written if path.endswith(".sql")}
    assert set(described) == models
    assert all(entry["description"] and entry["columns"] for entry in described.values())
    assert all(len(model) <= 63 for model in models)
    assert not [
        path for path in written if path.endswith(".sql") for line in after[path].split(b"\n") if len(line) > 160
    ]
    page = after[said["page"]].decode("utf-8")
    assert "A clone of your own" not in page
    for section in ("## Specification", "## Onboarding", "## Runbook", "### Change a tolerance", "### Add a step"):
        assert section in page
    assert "models/reconciliations/acme_own/acme_own_" in page
    assert f"models/reconciliations/{template}/" not in page
    assert f"_{template}.yml" not in page


def test_a_page_speaks_of_its_org(project: Path) -> None:
    assert new_stream("acme_own", "pos_oms_orders", "globex").exit_code == 0
    page = (project / "docs/streams/acme_own.md").read_text(encoding="utf-8")
    assert "mydata/inbox/globex/pos/orders" in page
    assert "inbox/acme" not in page


@pytest.mark.parametrize("key", ["streams", "pos_oms_orders"])
def test_a_registry_in_braces_is_told(key: str, project: Path) -> None:
    file = project / "dbt_project.yml"
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    streams = settings["vars"]["streams"]
    inline = json.dumps(streams if key == "streams" else streams[key])
    rest = yaml.safe_dump({"vars": {name: said for name, said in settings["vars"].items() if name != "streams"}})
    indent = "" if key == "streams" else "\n    pos_oms_orders:"
    file.write_text(f"name: tieout\n{rest}  streams:{indent} {inline}\n", encoding="utf-8")
    before = tree(project)
    done = new_stream("acme_own", "pos_oms_orders")
    assert done.exit_code == 2
    assert "in braces" in done.stderr
    assert tree(project) == before


def test_the_rows_of_seeds_come_along(project: Path) -> None:
    before = (project / "seeds/status_pairs.csv").read_text(encoding="utf-8")
    assert new_stream("acme_own", "bookings", "acme").exit_code == 0
    own = "acme_own,CANCELLED,REFUNDED\nacme_own,REFUNDED,CANCELLED\n"
    assert (project / "seeds/status_pairs.csv").read_text(encoding="utf-8") == before + own


def test_a_template_that_is_none(project: Path) -> None:
    (project / "templates/bookings.yml").write_text(
        "title: 7\nquestion: x\nfeeds: [pos]\npolicy: {}\n", encoding="utf-8"
    )
    (project / "templates/odd.yml").write_text("name: x\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["templates", "list"])
    assert done.exit_code == 2
    for piece in ("templates/bookings.yml: title", "templates/bookings.yml: feeds", "templates/odd.yml: give the keys"):
        assert piece in done.stderr
