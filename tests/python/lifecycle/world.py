"""Many small stories that share the runs of one data folder: what is delivered and decided on each day, and what people
then see. An org is a story, so that they cannot meet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from orchestration.decisions import COLUMNS
from tests.python.laws.harness import Folder, Run
from tests.python.oracle.deliveries import OMS, POLICIES, POS, Delivery
from tests.python.oracle.make import NOON, at, delivered, oms, policy, pos, stamp

DECISIONS = "tieout/exception_events"
DAYS = [at(f"03-{day:02d} 20:00") for day in (3, 4, 5, 6, 7, 8)] + [at("04-03 20:00")]
LAST = len(DAYS)

Row = dict[str, str]
Exception_ = dict[str, Any]
# Activity id and anomaly of an exception, perhaps after another org, or an id as it is.
About = tuple[str, ...] | str


@dataclass(frozen=True)
class Decision:
    """What somebody decides on a day, about the exception of a record or about any id."""

    action: str
    about: About
    fields: Mapping[str, str]


@dataclass
class Story:
    """What an org delivers and decides, by day."""

    org_id: str
    records: dict[tuple[int, str], list[Row]] = field(default_factory=dict)
    decisions: dict[int, list[Decision]] = field(default_factory=dict)
    files: list[Delivery] = field(default_factory=list)
    number: int = 0

    def pos(self, day: int, order_id: str, total: str = "50.00", **fields: str) -> None:
        """A POS record of a day; a later one of the same id takes its place."""
        row = pos(order_id, total=total, updated_at=stamp(datetime.fromisoformat(NOON) + timedelta(days=day)), **fields)
        self.records.setdefault((day, POS), []).append(row)

    def oms(self, day: int, order_id: str, total: str = "50.00", **fields: str) -> None:
        """An OMS record of a day; a later one of the same id takes its place."""
        row = oms(order_id, order_total=total, **{"revision": str(day), **fields})
        self.records.setdefault((day, OMS), []).append(row)

    def pair(self, day: int, order_id: str, total: str = "50.00") -> None:
        """A sale that both sides agree on."""
        self.pos(day, order_id, total)
        self.oms(day, order_id, total)

    def policy(self, day: int, **fields: str) -> None:
        """All policies that are said on a day."""
        self.files.append(Delivery(POLICIES, DAYS[day - 1], (policy(**fields),), ("stream", *fields)))

    def decides(self, day: int, action: str, about: About, by: str = "ann", **fields: str) -> None:
        """A decision that comes in with a day's run."""
        self.number += 1
        given = {
            "event_id": f"{self.org_id}-{self.number}",
            "actor": by,
            "decided_at": stamp(DAYS[day - 1] - timedelta(hours=8) + timedelta(minutes=self.number)),
            "reason": "because",
            **fields,
        }
        self.decisions.setdefault(day, []).append(Decision(action, about, given))

    def forces(self, day: int, about: About, source: str, target: str, **fields: str) -> None:
        """A match by hand of a POS order and an OMS order."""
        ids = {"source_activity_id": source, "target_activity_id": target}
        systems = {"source_system": "pos", "target_system": "oms"}
        self.decides(day, "FORCE_MATCH", about, ladder="pos_oms_orders", **ids, **systems, **fields)

    def excludes(self, day: int, about: About, **fields: str) -> None:
        """A record taken out by hand."""
        self.decides(day, "EXCLUDE", about, ladder="pos_oms_orders", **fields)

    def deliveries(self, day: int) -> Iterator[Delivery]:
        """The records and policies that come in with a day's run."""
        for (due, feed), rows in self.records.items():
            if due == day:
                yield delivered(feed, DAYS[day - 1], rows)
        yield from (file for file in self.files if file.received_at == DAYS[day - 1])


@dataclass
class Seen:
    """What people see after a day's run, by org."""

    run: Run
    exceptions: dict[str, list[Exception_]]
    rejects: dict[str, list[tuple[str, str]]]
    results: dict[str, list[tuple[Any, ...]]]


@dataclass
class Lives:
    """The data folder that the stories have lived in, and what was seen after each day."""

    folder: Folder
    days: dict[int, Seen] = field(default_factory=dict)
    ids: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def live(self, stories: Sequence[Story]) -> None:
        """Live through all days."""
        for day in range(1, LAST + 1):
            for story in stories:
                for delivery in story.deliveries(day):
                    self.folder.put(story.org_id, delivery)
                if day in story.decisions:
                    self.folder.put(story.org_id, self.decided(story, day))
            self.days[day] = self.look(self.folder.run(DAYS[day - 1]))

    def decided(self, story: Story, day: int) -> Delivery:
        """What an org decides on a day, as a bulk file."""
        rows = []
        for decision in story.decisions[day]:
            about = decision.about
            if not isinstance(about, str):
                about = self.ids[about if len(about) == 3 else (story.org_id, *about)]
            rows.append({"exception_id": about, "action": decision.action, **decision.fields})
        return Delivery(DECISIONS, DAYS[day - 1], tuple(rows), COLUMNS)

    def look(self, run: Run) -> Seen:
        """What is published now."""
        columns = self.folder.published_columns("exceptions")
        exceptions: dict[str, list[Exception_]] = {}
        for row in self.folder.published("from marts.exceptions order by org_id, anomaly, explanation"):
            one = dict(zip(columns, row, strict=True))
            exceptions.setdefault(one["org_id"], []).append(one)
            for side in ("source", "target"):
                if one[f"{side}_activity_id"] is not None:
                    key = (one["org_id"], one[f"{side}_activity_id"], one["anomaly"])
                    assert self.ids.setdefault(key, one["exception_id"]) == one["exception_id"], "an id has changed"
        rejects: dict[str, list[tuple[str, str]]] = {}
        for org_id, *row in self.folder.published(
            "select org_id, record_id, reasons from marts.rejected_records order by all"
        ):
            rejects.setdefault(org_id, []).append(tuple(row))
        results: dict[str, list[tuple[Any, ...]]] = {}
        for org_id, *row in self.folder.published(
            "select org_id, source_activity_id, target_activity_id, step, result, coalesce(reason, ''), anomalies"
            " from marts.reconciliation_results order by all"
        ):
            results.setdefault(org_id, []).append(tuple(row))
        return Seen(run, exceptions, rejects, results)

    def states(self, org_id: str, order_id: str, anomaly: str = "MISSING_OMS") -> list[str]:
        """Day by day the state of an exception, with its resolution."""
        exception_id, found = self.ids[(org_id, order_id, anomaly)], []
        for seen in self.days.values():
            mine = [one for one in seen.exceptions.get(org_id, []) if one["exception_id"] == exception_id]
            found.append(" ".join(filter(None, (mine[0]["state"], mine[0]["resolution"]))) if mine else "-")
        return found

    def exception(self, day: int, org_id: str, order_id: str, anomaly: str = "MISSING_OMS") -> Exception_:
        """An exception as it stands after a day."""
        exception_id = self.ids[(org_id, order_id, anomaly)]
        (one,) = [one for one in self.days[day].exceptions[org_id] if one["exception_id"] == exception_id]
        return one

    def refused(self, day: int, org_id: str) -> list[tuple[str, str]]:
        """Decisions and records of an org that were refused up to a day, with the reason."""
        return self.days[day].rejects.get(org_id, [])

    def results(self, day: int, org_id: str) -> list[tuple[Any, ...]]:
        """Source id, target id, step, result, reason and anomalies of an org's results after a day."""
        return self.days[day].results[org_id]

    def history(self, org_id: str, order_id: str, anomaly: str = "MISSING_OMS") -> list[tuple[Any, ...]]:
        """The events of an exception at the end: day, action, actor, refusal, state, resolution, owner."""
        rows = self.folder.published(
            "select event_at, action, actor, refusal, state, resolution, owner from marts.exception_history"
            f" where org_id = '{org_id}' and exception_id = '{self.ids[(org_id, order_id, anomaly)]}'"
            " order by event_number"
        )
        numbers = {f"{day:%Y-%m-%d %H:%M}": number for number, day in enumerate(DAYS, start=1)}
        return [(numbers[f"{row[0]:%Y-%m-%d %H:%M}"], *row[1:]) for row in rows]
