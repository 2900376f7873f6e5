"""Where all is well: the project as it ships, before and after a run on its examples; exit codes; and what a finding of
each kind means."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.validate import columns, folders, loaded, macros
from orchestration.validate.dbt_parse import fault_of
from tests.python.declarations.project import ROOT, copy, write
from tests.python.examples.reconciled import Reconciled, of_the_examples
from tests.python.validate.broken import RECONCILIATIONS, REGISTRY, line_of, pick, replace, tieout_validate, told

STREAM = "pos_oms_orders"
PAGE = f"{RECONCILIATIONS}/{STREAM}/_{STREAM}.yml"


def test_the_project_as_it_ships_before_any_run(tmp_path: Path) -> None:
    data = tmp_path / "nothing"
    found = told(ROOT, data, code=0)
    assert {(one["severity"], one["code"]) for one in found} == {("note", "feed-not-arrived")}
    assert not data.exists(), "looking changes nothing"
    of_stream = told(ROOT, data, "--stream", STREAM, code=1)
    assert [(one["severity"], one["code"], one["stream"]) for one in of_stream] == [
        ("fault", "feed-not-arrived", STREAM)
    ]
    assert of_stream[0]["line"] == line_of(ROOT, REGISTRY, f"    {STREAM}:")


@of_the_examples
def test_the_project_as_it_ships_on_its_examples(examples: Reconciled) -> None:
    data = examples.data
    # An example of an org of which only one side has come: its records wait.
    found = told(ROOT, data, code=0)
    assert [(one["severity"], one["code"], one["org"]) for one in found] == [
        ("warning", "feed-not-arrived", "cedar_books")
    ]
    for stream in ("ecommerce_payouts", "bookings"):
        assert told(ROOT, data, "--stream", stream, code=0) == []
    assert told(ROOT, data, "--stream", STREAM, "--org", "harbour_pine", code=0) == []
    done = tieout_validate(ROOT, data, "--org", "northlight_stays", "--stream", "bookings")
    assert done.exit_code == 0
    assert "Nothing is wrong: no faults." in done.stdout
    for what in ("registry", "declarations", "arrivals", "policies"):
        assert re.search(rf"^  {what} .*\d", done.stdout, flags=re.MULTILINE), done.stdout


def test_wrong_usage(data_dir: Path) -> None:
    done = tieout_validate(ROOT, data_dir, "--stream", "web_orders")
    assert done.exit_code == 2
    assert "There is no stream 'web_orders'. Streams: pos_oms_orders, " in done.output
    assert tieout_validate(ROOT, data_dir, "--target", "oracle").exit_code == 2


def test_what_a_group_may_say(tmp_path: Path) -> None:
    project = copy(tmp_path / "project", parts=("models", "macros"))
    page = (project / PAGE).read_text(encoding="utf-8")
    page = re.sub(r" *retention:.*\n", "", page)
    page = re.sub(r"failure_policy:.*", "failure_policy: continue_on_noncritical\n          retention: forever", page)
    head, left_overs = page.split(f"  - name: {STREAM}__unmatched\n")
    left_overs = re.sub(
        rf"      group: {STREAM}\n(      meta:.*\n)?",
        f"      group: {STREAM}\n      meta: {{critical: false}}\n",
        left_overs,
        count=1,
    )
    (project / PAGE).write_text(f"{head}  - name: {STREAM}__unmatched\n{left_overs}", encoding="utf-8")
    assert list(folders.check(loaded.load(project), [STREAM], every=True)) == []
    replace(project, PAGE, "retention: forever", "retention: 400\n          colour: red")
    replace(project, PAGE, "{critical: false}", "{critical: rarely}")
    found = {(fault.line, fault.code) for fault in folders.check(loaded.load(project), [STREAM], every=True)}
    assert found == {(line_of(project, PAGE, text), "group") for text in ("retention: 400", "colour", "rarely")}


def test_columns_against_the_yaml_and_the_warehouse(tmp_path: Path) -> None:
    folder = copy(tmp_path / "project", parts=("models", "macros"))
    pages = "models/canonical/_canonical__payouts.yml"
    replace(folder, REGISTRY, "carries: [payment_ref, batch_ref]", "carries: [payment_ref, batch_ref, entity]")
    text = (folder / pages).read_text(encoding="utf-8")
    start = text.index("  - name: processor_remittances\n")
    described = (
        text[start:].replace("      - *entity\n", "", 1).replace("      - name: entity\n", "      - name: entitee\n", 1)
    )
    (folder / pages).write_text(text[:start] + described, encoding="utf-8")
    project = loaded.load(folder)
    _, known = macros.load(project)
    found = list(columns.check(project, known, ["ecommerce_payouts"]))
    line = line_of(folder, REGISTRY, "batch_ref, entity]")
    assert [(fault.code, fault.line) for fault in found] == [("column-undescribed", line)]
    kept = [column for _, column, _ in columns.wanted(project, known, "ecommerce_payouts")]
    built = {"bank_deposits": [column for column in kept if column != "entity"], "processor_remittances": []}
    late = list(columns.check_built(project, known, ["ecommerce_payouts"], built))
    assert [(fault.code, fault.severity, fault.line) for fault in late] == [("column-not-built", "warning", line)]


def test_dbt_has_the_last_word(tmp_path: Path, data_dir: Path) -> None:
    project = copy(tmp_path / "project")
    write(project, "models/marts/odd.sql", "select 1 as one from {{ ref('nowhere') }}\n")
    found = pick(told(project, data_dir, code=1), severity="fault")
    assert [one["code"] for one in found] == ["dbt-parse"]
    assert found[0]["file"] == "models/marts/odd.sql"
    assert "'nowhere'" in found[0]["message"]


def test_a_message_of_dbt_names_file_and_line() -> None:
    fault = fault_of("Compilation Error in model odd (models/marts/odd.sql)\n  unexpected '}'\n    line 12\n")
    assert (fault.file, fault.line) == ("models/marts/odd.sql", 12)


def test_other_commands_load_nothing_of_it() -> None:
    unwanted = ("dbt", "jinja2", "duckdb", "orchestration.validate")
    code = f"import sys, orchestration.cli; print([name for name in {unwanted} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_code_is_on_the_page() -> None:
    page = (ROOT / "docs" / "validate.md").read_text(encoding="utf-8")
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "orchestration" / "validate").glob("*.py"))
    codes = set(re.findall(r"(?:Fault|_fault)\(\s*\"([a-z-]+)\"", sources))
    codes |= set(re.findall(r", \"([a-z]+-unknown)\"\)", sources)) | {"ladder", "step"}
    assert len(codes) > 20
    assert {code for code in codes if f"`{code}`" not in page} == set()


@pytest.mark.parametrize("text", ["", "name: tieout\n", "- a list\n", "vars: 7\n"])
def test_a_registry_that_says_nothing(text: str, tmp_path: Path, data_dir: Path) -> None:
    project = copy(tmp_path / "project", parts=("macros",))
    (project / REGISTRY).write_text(text, encoding="utf-8")
    assert tieout_validate(project, data_dir, "--json").exit_code == 1
