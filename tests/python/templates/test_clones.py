"""A clone of each template builds at once, says of its org what the template says, and is a stream of its own: what a
user edits changes it alone, and the laws hold all the same. On every engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from orchestration.cli import main
from tests.python.declarations.project import ROOT
from tests.python.laws.harness import Folder, NewDatabase
from tests.python.templates.world import (
    AS_OF,
    BEFORE,
    CASES,
    EDITED,
    OTHER_ORG,
    Case,
    anomalies,
    deliver,
    deliver_examples,
    deliver_late,
    exceptions,
    project_of,
    results,
    run,
)

TARGETS = [pytest.param("duckdb"), pytest.param("postgres", marks=pytest.mark.postgres)]

Rows = list[tuple[Any, ...]]


def clone(project: Path, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Type the command, as a user would."""
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(project))
    typed = ["new", "stream", case.clone, "--from", case.template, "--org", case.org]
    done = CliRunner().invoke(main, typed)
    assert done.exit_code == 0, done.output


def edit(project: Path, case: Case) -> None:
    """Add a step to the clone, and widen a tolerance in the registry where no policy of the org says otherwise."""
    file = project / "dbt_project.yml"
    text = file.read_text(encoding="utf-8")
    here = text.index(f"    {case.clone}:\n")
    head, entry = text[:here], text[here:]
    if case.edited_policy is None:
        assert "price_abs_minor: 0\n" in entry
        entry = entry.replace("price_abs_minor: 0\n", "price_abs_minor: 1000000\n", 1)
    file.write_text(head + entry, encoding="utf-8")
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    steps = settings["vars"]["streams"][case.clone]["ladders"][case.ladder]["steps"]
    old = steps[-1]
    # The copy's registry is written one step a line.
    place = file.read_text(encoding="utf-8").index(f"        {case.ladder}:\n")
    text = file.read_text(encoding="utf-8")
    before, after = text[:place], text[place:]
    file.write_text(before + after.replace(f"- {old}\n", f"- {old}\n          - {case.step}\n", 1), encoding="utf-8")
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert settings["vars"]["streams"][case.clone]["ladders"][case.ladder]["steps"] == [*steps, case.step]
    model = project / "models" / "reconciliations" / case.clone / f"{case.ladder}__{case.step}.sql"
    model.write_text(f"{{{{ reconcile(ladder='{case.ladder}', match={case.rule}) }}}}\n", encoding="utf-8")


def marts_of(folder: Folder, prefix: str, org: str) -> dict[str, Rows]:
    """The rows of the marts of a payout stream, by the template's name of each."""
    return {
        mart: sorted(folder.published(f"select * from marts.{prefix}{mart} where org_id = '{org}'"), key=repr)
        for mart in ("payout_tie_out", "fee_analysis", "order_trace")
    }


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("template", CASES)
def test_a_clone_builds_and_is_edited(
    template: str,
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    new_database: NewDatabase,
    dbt: Callable[..., str],
) -> None:
    case = CASES[template]
    project = project_of(tmp_path / "project", template)
    clone(project, case, monkeypatch)
    folder = Folder(tmp_path / "data", target, {**new_database(target), "TIEOUT_PROJECT_DIR": str(project)})

    deliver_examples(folder, case)
    if target == "duckdb":
        # What comes a run later is worked off on top of what is there, as any delivery is.
        run(folder, BEFORE)
        assert results(folder, case.clone) == results(folder, case.template, case.org)
    deliver_late(folder, case)
    run(folder, AS_OF)
    said = results(folder, case.template, case.org)
    assert said
    assert results(folder, case.clone) == said, "the clone says of its org what the template says"
    assert results(folder, case.template, OTHER_ORG), "the template serves the other org, the clone does not"
    assert exceptions(folder, case.clone, case.org) == exceptions(folder, case.template, case.org)
    assert folder.published(f"select distinct org_id from marts.exceptions where stream = '{case.clone}'") == [
        (case.org,)
    ]
    if template == "ecommerce_payouts":
        assert marts_of(folder, f"{case.clone}_", case.org) == marts_of(folder, "", case.org)
        assert not any(marts_of(folder, f"{case.clone}_", OTHER_ORG).values())
    scopes = folder.published(
        f"select distinct org_id from marts.control_totals where scope like '{case.ladder}%' and of_what = 'books'"
    )
    assert scopes == [(case.org,)]

    if template == "pos_oms_orders" and target == "duckdb":
        # The template's unit tests come along, and hold whatever orgs the clone names.
        told = dbt(project, folder, "test", "--select", f"path:models/reconciliations/{case.clone},test_type:unit")
        assert "4 unit tests" in told, told
        assert "Completed successfully" in told, told

    whole, found = results(folder, case.template), anomalies(folder, case.clone)
    assert found[case.tolerated], "the example has something that the wider tolerance lets pass"
    edit(project, case)
    if case.edited_policy:
        deliver(folder, case.org, "tieout/policies", "edited.csv", case.edited_policy)
    for feed, text in case.delivered.items():
        deliver(folder, case.org, feed, "one_step_more.csv", text)
    run(folder, EDITED)
    assert not anomalies(folder, case.clone)[case.tolerated], "the wider tolerance lets them pass"
    assert results(folder, case.template) == whole, "the template's own verdicts stay"
    handed = folder.published(
        f"select count(*) from marts.control_totals where scope like '% -> {case.ladder}__{case.step}' and holds"
    )
    assert handed[0][0] > 0, "the new step takes what the one before it left"
    pairs = folder.published(
        "select source_activity_id, target_activity_id, stream from marts.reconciliation_results"
        f" where step = '{case.step}' and source_activity_id is not null and target_activity_id is not null"
    )
    if case.says:
        assert (*case.says, case.clone) in pairs
    assert {stream for *_, stream in pairs} <= {case.clone}


def test_every_shipped_stream_is_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(ROOT))
    done = CliRunner().invoke(main, ["templates", "list", "--json"])
    streams = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["streams"]
    listed = yaml.safe_load(done.output)
    assert {row["template"] for row in listed} == set(CASES) <= set(streams)
    assert all((ROOT / row["page"]).is_file() and row["title"] and row["required_feeds"] for row in listed)
