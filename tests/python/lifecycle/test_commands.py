"""The commands: they check before they write, what they write is a delivery, and the next run takes it."""

import csv
import io
import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestration.cli import main
from orchestration.decisions import COLUMNS, Decision, check
from orchestration.errors import UsageError
from tests.python.laws.harness import Folder
from tests.python.lifecycle.world import DAYS, Story

# One worker, which makes the desk once.
pytestmark = pytest.mark.xdist_group("desk")

DECIDING = (
    "assign",
    "comment",
    "explain",
    "adjust",
    "write-off",
    "force-match",
    "exclude",
    "approve",
    "reject",
    "reopen",
)


class Desk:
    """A published data folder of an org in which something of everything is wrong."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.root = folder, folder.root

    def tieout(self, *arguments: str) -> Result:
        command = [*arguments, "--data-dir", str(self.root)]
        return CliRunner().invoke(main, ["exceptions", *command])

    def decide(self, action: str, exception_id: str, *arguments: str, by: str = "ann") -> Result:
        return self.tieout(action, exception_id, "--by", by, "--reason", "because", *arguments)

    def refuse(self, action: str, exception_id: str, *arguments: str, by: str = "ann") -> str:
        """What a command says that must not write anything."""
        before = self.inbox()
        done = self.decide(action, exception_id, *arguments, by=by)
        assert (done.exit_code, done.stdout) == (2, ""), done.output
        assert self.inbox() == before
        assert "Traceback" not in done.stderr
        return done.stderr

    def inbox(self) -> list[Path]:
        return sorted(path for path in (self.root / "inbox").rglob("*") if path.is_file())

    def listed(self, *arguments: str) -> list[str]:
        """The records of the listed exceptions, in order."""
        found = json.loads(self.tieout("list", "--json", *arguments).stdout)
        return [one["explanation"].split(" ")[1] for one in found]

    def id_of(self, record: str) -> str:
        """The id of a record's first exception."""
        query = (
            "select exception_id from marts.exceptions"
            f" where coalesce(source_activity_id, target_activity_id) = '{record}' order by anomaly"
        )
        return self.folder.published(query)[0][0]

    def state(self, record: str) -> tuple[str, str | None, str | None]:
        """State, resolution and owner of a record's first exception."""
        query = f"select state, resolution, owner from marts.exceptions where exception_id = '{self.id_of(record)}'"
        return self.folder.published(query)[0]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, first_stream_alone: Path) -> Desk:
    folder = Folder(tmp_path_factory.mktemp("desk") / "data", "duckdb", {"TIEOUT_PROJECT_DIR": str(first_stream_alone)})
    story = Story("acme")
    story.pair(1, "ok", "1.00")
    for order_id, total in (("A", "50.00"), ("big", "500.00"), ("E", "30.00"), ("F", "20.00"), ("X", "10.00")):
        story.pos(1, order_id, total)
    story.pos(1, "M", "40.00")
    story.oms(1, "M", "40.50")
    story.oms(1, "G", "21.00")
    other = Story("zenith")
    other.pair(1, "ok", "1.00")
    other.pos(1, "Z", "70.00", store_id="S7")
    for one in (story, other):
        for delivery in one.deliveries(1):
            folder.put(one.org_id, delivery)
    folder.run(DAYS[0])
    return Desk(folder)


@pytest.mark.parametrize("action", DECIDING)
def test_who_and_why_must_be_said(action: str) -> None:
    text = CliRunner().invoke(main, ["exceptions", action, "--help"]).output
    for option in ("--by", "--reason", "--data-dir", "--json"):
        assert option in text
    done = CliRunner().invoke(main, ["exceptions", action, "0" * 32, "--by", "ann"])
    assert done.exit_code == 2
    assert "Missing option '--reason'" in done.stderr


@pytest.mark.parametrize("action", [*DECIDING, "show"])
def test_nothing_is_published_yet(tmp_path: Path, action: str) -> None:
    words = [] if action == "show" else ["--by", "ann", "--reason", "because"]
    words += ["--to", "bea"] if action == "assign" else []
    done = CliRunner().invoke(main, ["exceptions", action, "0" * 32, "--data-dir", str(tmp_path), *words])
    assert done.exit_code == 2
    assert "Nothing is published" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_list_shows_the_largest_first_and_filters(desk: Desk) -> None:
    everything = ["big", "Z", "A", "E", "G", "F", "X", "M"]
    assert desk.listed() == everything
    assert desk.listed("--limit", "2") == everything[:2]
    assert desk.listed("--org", "zenith") == ["Z"]
    assert desk.listed("--stream", "pos_oms_orders", "--org", "acme") == [one for one in everything if one != "Z"]
    assert desk.listed("--stream", "no_such_stream") == []
    assert desk.listed("--anomaly", "price_mismatch") == ["M"]
    assert desk.listed("--severity", "medium") == ["big"]
    assert desk.listed("--min-amount-minor", "5000") == ["big", "Z", "A"]
    assert desk.listed("--min-age-days", "1") == []
    assert desk.listed("--owner", "nobody") == []
    assert desk.listed("--state", "resolved") == []
    assert desk.listed("--state", "all") == everything
    assert desk.listed("--org", "' or 1=1 --") == []


def test_the_list_as_csv_and_as_text(desk: Desk) -> None:
    rows = list(csv.DictReader(io.StringIO(desk.tieout("list", "--csv").stdout)))
    assert [row["exception_id"] for row in rows] == [
        one["exception_id"] for one in json.loads(desk.tieout("list", "--json").stdout)
    ]
    assert {"severity", "state", "owner", "due_at", "amount_minor", "source_row_number"} <= set(rows[0])
    assert desk.tieout("list", "--csv", "--org", "nobody").stdout == ""
    text = desk.tieout("list", "--anomaly", "PRICE_MISMATCH").stdout
    assert desk.id_of("M") in text
    assert "0.50 USD" in text
    assert "No exceptions." in desk.tieout("list", "--org", "nobody").stdout


def test_show_by_the_beginning_of_an_id(desk: Desk) -> None:
    found = json.loads(desk.tieout("show", desk.id_of("A")[:8].upper(), "--json").stdout)
    assert (found["source_activity_id"], found["state"]) == ("A", "OPEN")
    assert [event["action"] for event in found["history"]] == ["OPENED"]
    text = desk.tieout("show", desk.id_of("A")).stdout
    assert "MISSING_OMS" in text


def test_an_id_must_be_one(desk: Desk) -> None:
    assert "There is no exception ffffffffffff." in desk.refuse("comment", "f" * 12)
    assert "give at least its first 6 characters" in desk.refuse("comment", "abc")
    assert "give at least its first 6 characters" in desk.refuse("comment", "' or 1=1"[:5])
    assert "There is no exception" in desk.refuse("comment", "%' or 1=1 --")


def test_the_beginning_of_two_ids_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """No two ids begin alike here, so any beginning may be tried."""
    monkeypatch.setattr("orchestration.decisions.SHORTEST_ID", 0)
    assert "Several exceptions begin with" in desk.refuse("comment", "")


def test_what_the_next_run_would_refuse_is_not_written(desk: Desk) -> None:
    one, pair = desk.id_of("A"), desk.id_of("M")
    assert "approve is not possible while exception" in desk.refuse("approve", one)
    assert "it is possible in PENDING_APPROVAL, and of what one person" in desk.refuse("reject", one)
    assert "it is possible in RESOLVED." in desk.refuse("reopen", one)
    assert "name the one that it belongs to (--with)" in desk.refuse("force-match", one)
    assert "name the one that it belongs to (--with)" in desk.refuse("force-match", one, "--with", "  ")
    assert "leave --with out" in desk.refuse("force-match", pair, "--with", "other")
    assert "Missing option '--to'" in desk.refuse("assign", one)
    assert "--to is blank" in desk.refuse("assign", one, "--to", " ")
    assert "--to has 201 characters" in desk.refuse("assign", one, "--to", "x" * 201)
    assert "--by is blank" in desk.refuse("comment", one, by=" ")
    assert "--by has 201 characters" in desk.refuse("comment", one, by="x" * 201)
    assert "--reason is blank" in desk.refuse("comment", one, "--reason", "\t")
    assert "--reason has 20,000 characters; at most 10,000" in desk.refuse("comment", one, "--reason", "x" * 20_000)
    assert "-1 is not in the range" in desk.refuse("write-off", one, "--amount-minor", "-1")
    assert "less than the 5000 of exception" in desk.refuse("write-off", one, "--amount-minor", "4999")


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_decision_is_a_delivery_and_the_next_run_takes_it(desk: Desk) -> None:
    """In one go, because each step needs the run before it."""
    ids = {name: desk.id_of(name) for name in ("A", "big", "E", "F", "X", "M", "Z")}
    reason = 'shipped; "late", ask Zoë\nnext week\'); drop table x; --'
    written: dict[str, dict[str, str]] = {}

    def decide(action: str, record: str, *arguments: str, by: str = "ann") -> None:
        done = desk.decide(action, ids[record], "--json", *arguments, by=by)
        assert done.exit_code == 0, done.output
        answer = json.loads(done.stdout)
        file = Path(answer["file"])
        assert answer == {
            "exception_id": ids[record],
            "action": action.upper().replace("-", "_"),
            "file": str(file),
        }
        assert (
            file.parent == desk.root / "inbox" / ("zenith" if record == "Z" else "acme") / "tieout" / "exception_events"
        )
        (row,) = rows_of(file)
        assert tuple(row) == COLUMNS
        assert datetime.fromisoformat(row.pop("decided_at")).tzinfo is not None
        assert len(row.pop("event_id")) == 32
        written[f"{action} {record}"] = {name: value for name, value in row.items() if value}

    decide("assign", "A", "--to", " bea ", "--reason", reason, by=" ann ")
    decide("write-off", "big")
    decide("explain", "E")
    decide("force-match", "F", "--with", "G")
    decide("exclude", "X")
    decide("force-match", "M")
    decide("comment", "Z")
    common = {"actor": "ann", "reason": "because"}
    pinned = {"ladder": "pos_oms_orders", "source_system": "pos"}
    both = {**pinned, "target_system": "oms"}
    forced, left = written.pop("force-match F"), written.pop("exclude X")
    assert written == {
        "assign A": {"exception_id": ids["A"], "action": "ASSIGN", **common, "reason": reason, "assignee": "bea"},
        "write-off big": {"exception_id": ids["big"], "action": "WRITE_OFF", **common, "amount_minor": "50000"},
        "explain E": {"exception_id": ids["E"], "action": "EXPLAIN", **common},
        "force-match M": {
            **{"exception_id": ids["M"], "action": "FORCE_MATCH", **common, **both},
            **{"source_activity_id": "M", "target_activity_id": "M"},
        },
        "comment Z": {"exception_id": ids["Z"], "action": "COMMENT", **common},
    }
    assert (forced["source_activity_id"], forced["target_activity_id"]) == ("F", "G")
    assert (left["ladder"], left["source_system"], left["source_activity_id"]) == ("pos_oms_orders", "pos", "X")
    assert not [path for path in desk.inbox() if path.name.startswith(".")]

    assert desk.state("A") == ("OPEN", None, None), "nothing happens before the next run"
    desk.folder.run(DAYS[1])
    assert desk.inbox() == []
    assert {name: desk.state(name) for name in ids} == {
        "A": ("ASSIGNED", None, "bea"),
        "big": ("PENDING_APPROVAL", None, None),
        "E": ("RESOLVED", "EXPLAINED", None),
        "F": ("RESOLVED", "FORCE_MATCHED", None),
        "X": ("RESOLVED", "EXCLUDED", None),
        "M": ("RESOLVED", "FORCE_MATCHED", None),
        "Z": ("OPEN", None, None),
    }
    assert desk.folder.published("select count(*) from marts.rejected_records") == [(0,)]
    assert desk.listed("--owner", "bea") == ["A"]
    assert desk.listed("--state", "pending-approval") == ["big"]
    history = json.loads(desk.tieout("show", ids["A"], "--json").stdout)["history"]
    assert [(event["action"], event["reason"]) for event in history] == [("OPENED", None), ("ASSIGN", reason)]

    for name in ("ann", "ANN", " Ann "):
        assert "cannot approve it: a second person must" in desk.refuse("approve", ids["big"], by=name)
    assert "is not possible while exception" in desk.refuse("explain", ids["big"])
    assert "is not possible while exception" in desk.refuse("assign", ids["E"], "--to", "bea")
    assert "cannot approve it: a second person must" in desk.refuse("approve", ids["M"], by="ann")
    decide("approve", "big", by="bob")
    decide("approve", "M", by="bob")
    decide("reject", "X", by="bob")
    decide("reopen", "E")
    decide("adjust", "Z")
    desk.folder.run(DAYS[2])
    assert desk.state("big") == ("RESOLVED", "WRITTEN_OFF", None)
    assert desk.state("E") == ("REOPENED", None, None)
    assert desk.state("Z") == ("RESOLVED", "ADJUSTED", None)
    assert desk.state("M") == ("RESOLVED", "FORCE_MATCHED", None)
    assert desk.state("X") == ("REOPENED", None, None)
    assert "is not possible while exception" in desk.refuse("approve", ids["M"], by="carl")
    assert sorted(desk.listed("--state", "reopened")) == ["E", "X"]
    assert desk.folder.published("select count(*) from marts.rejected_records") == [(0,)]
    assert list((desk.root / "archive" / "acme" / "tieout" / "exception_events").rglob("*.csv"))


@pytest.mark.parametrize("result", ["DUPLICATE", "FINDING"])
@pytest.mark.parametrize("action", ["FORCE_MATCH", "EXCLUDE"])
def test_what_is_not_about_a_match_cannot_be_pinned(action: str, result: str) -> None:
    exception = {
        **{"exception_id": "0123456789abcdef", "state": "OPEN", "result": result, "amount_minor": 100},
        **{"source_activity_id": "A1", "target_activity_id": None, "proposed_by": None, "settled_alone_by": None},
    }
    with pytest.raises(UsageError, match="take the record itself"):
        check(exception, Decision(action, "ann", "because", with_activity_id="B1"))
    check(exception, Decision("EXPLAIN", "ann", "because"))
