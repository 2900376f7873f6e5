"""How verdicts hear of late feeds: from the run by the environment, whatever an org is called and however many they
are."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.health import late
from orchestration.landing.expected import LateFeed
from tests.python import small_project

DUE, CAME = datetime(2026, 3, 2, 6, tzinfo=UTC), datetime(2026, 3, 1, 6, 0, 0, 5, tzinfo=UTC)
ODD = "o'dd; {{ x }} \\ ü"
# Of a side whose records come from four feeds of two systems; one feed is no part of it.
SIDE = ["a/x", "a/y", "b/x", "b/y"]
FOUND = [
    LateFeed("acme", "a/x", DUE, CAME, 60),
    LateFeed("acme", "a/y", DUE, DUE, 60),
    LateFeed("acme", "b/y", DUE, DUE, 60),
    LateFeed("bolt", "c/x", DUE, None, 60),
    LateFeed(ODD, "b/x", DUE, None, 60),
]
SINCE = "select org_id, {}last_received_at from late.{} order by all"
GOOD = {"org": "acme", "feed": "a/x", "last_received_at": None}
BAD = [
    *(None, 5, {}, {**GOOD, "org": ""}, {**GOOD, "org": 5}, {**GOOD, "feed": "a"}, {**GOOD, "feed": None}),
    *({**GOOD, "last_received_at": given} for given in ("", 5, "now", "2026-03-01", "2026-03-01T06:00:00Z' or '")),
]


def test_the_variables_hold_all_however_many() -> None:
    assert late.variables([]) == {late.VARIABLE: "[]"}
    many = [LateFeed(f"org{number}", "a/x", DUE, CAME, 60) for number in range(5_000)]
    parts = late.variables(many)
    assert len(parts) > 1
    assert all(len(f"{name}={part}") < 128 * 1024 for name, part in parts.items())
    assert list(parts)[:2] == [late.VARIABLE, f"{late.VARIABLE}_2"]
    told = json.loads("".join(parts.values()))
    assert [one["org"] for one in told] == [one.org_id for one in many]
    assert told[0] == {"org": "org0", "feed": "a/x", "last_received_at": "2026-03-01T06:00:00.000005Z"}


def test_a_side_hears_of_its_own_late_feeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of dbt in which every macro says what it makes of what is told, in parts that cut values in two."""
    monkeypatch.setattr(late, "LONGEST", 70)
    project = tmp_path / "project"
    small_project.lay_out(project, "late")
    models = {
        "since": f"{{{{ _late_since({{'one_system': false}}, _late_feeds_of({{'feeds': {SIDE}}})) }}}}",
        "since_by_system": f"{{{{ _late_since({{'one_system': true}}, _late_feeds_of({{'feeds': {SIDE}}})) }}}}",
        "nobody": "select {{ _late_feeds_of({'feeds': ['c/y']}) | length }} as late",
        "faults": "\nunion all\n".join(
            f"select {number} as number, {{{{ _late_feeds_faults({given!r}) | length }}}} as faults"
            for number, given in enumerate([[GOOD], "[]", GOOD, None, *([GOOD, one] for one in BAD)])
        ),
    }
    for name, model in models.items():
        (project / "models" / f"{name}.sql").write_text(model, encoding="utf-8")
    parts = late.variables(FOUND)
    assert len(parts) > 5
    small_project.build(project, "duckdb", {"TIEOUT_DATA_DIR": str(project), **parts})
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as warehouse:
        never, came, due = (moment.replace(tzinfo=None) for moment in (datetime(1, 1, 1, tzinfo=UTC), CAME, DUE))
        assert warehouse.execute(SINCE.format("", "since")).fetchall() == [("acme", came), (ODD, never)]
        assert warehouse.execute(SINCE.format("system, ", "since_by_system")).fetchall() == [
            *(("acme", "a", came), ("acme", "b", due), (ODD, "b", never)),
        ]
        assert warehouse.execute("from late.nobody").fetchall() == [(0,)]
        found = warehouse.execute("select faults from late.faults order by number").fetchall()
        assert [faults for (faults,) in found] == [0, *[1] * (3 + len(BAD))]
