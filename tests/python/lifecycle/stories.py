"""The stories: what is given, and when who decides what. The tests say what must come of them."""

from collections.abc import Callable

from tests.python.lifecycle.world import Story

MISSING = ("A", "MISSING_OMS")
PRICE = ("A", "PRICE_MISMATCH")

# What is wrong with a decision, by its event id: what it says, and why it is refused.
FUZZ: dict[str, tuple[str, dict[str, str], str]] = {
    "bad-time": ("EXPLAIN", {"decided_at": "yesterday"}, "decided_at: unreadable_time"),
    "no-such-day": ("EXPLAIN", {"decided_at": "2026-02-30T12:00:00Z"}, "decided_at: unreadable_time"),
    "huge-reason": ("EXPLAIN", {"reason": "x" * 20_000}, "reason: too_long"),
    "blank-reason": ("EXPLAIN", {"reason": " \t "}, "reason: missing_value"),
    "nobody": ("EXPLAIN", {"actor": ""}, "actor: missing_value"),
    "long-name": ("EXPLAIN", {"actor": "y" * 201}, "actor: too_long"),
    "unknown-action": ("DELETE", {}, "action: unknown_action"),
    "injected-action": ("EXPLAIN' or '1'='1", {}, "action: unknown_action"),
    "no-action": ("", {}, "action: missing_value"),
    "negative": ("WRITE_OFF", {"amount_minor": "-1"}, "amount_minor: below_minimum"),
    "not-whole": ("WRITE_OFF", {"amount_minor": "1.5"}, "amount_minor: unreadable_integer"),
    "too-much": ("WRITE_OFF", {"amount_minor": "1" + "0" * 30}, "amount_minor: unreadable_integer"),
    "no-amount": ("WRITE_OFF", {}, "amount_minor: missing_value"),
    "understated": ("WRITE_OFF", {"amount_minor": "4999"}, "amount_minor: less_than_the_exception"),
    "to-nobody": ("ASSIGN", {"assignee": " "}, "assignee: missing_value"),
    "nothing-to-approve": ("APPROVE", {}, "action: nothing_to_approve"),
    "nothing-to-reject": ("REJECT", {}, "action: nothing_to_approve"),
    "not-resolved": ("REOPEN", {}, "action: not_resolved"),
    "no-ladder": ("EXCLUDE", {"source_activity_id": "A"}, "ladder: unknown_ladder"),
    "unknown-ladder": ("EXCLUDE", {"source_activity_id": "A", "ladder": "'; drop"}, "ladder: unknown_ladder"),
    "nothing-named": ("EXCLUDE", {"ladder": "pos_oms_orders"}, "source_activity_id: missing_value"),
    "half-named": (
        "FORCE_MATCH",
        {"source_activity_id": "A", "ladder": "pos_oms_orders"},
        "target_activity_id: missing_value",
    ),
    "not-there": (
        "FORCE_MATCH",
        {"source_activity_id": "A", "target_activity_id": "%' or 1=1 --", "ladder": "pos_oms_orders"},
        "target_activity_id: no_live_record",
    ),
    "wrong-side": (
        "EXCLUDE",
        {"target_activity_id": "A", "ladder": "pos_oms_orders"},
        "source_activity_id: no_live_record",
    ),
}
INJECTION = 'Robert\'); drop table marts.exceptions; -- "{{ 1/0 }}"\nand a second line, Zoë ≠ ☃'


def late(story: Story) -> None:
    story.pos(1, "A")
    story.oms(3, "A")


def corrected(story: Story) -> None:
    story.pos(1, "A", "10.00")
    for day, total in enumerate(("10.50", "10.00", "10.70", "10.00"), start=1):
        story.oms(day, "A", total)


def worked(story: Story) -> None:
    story.pos(1, "A")
    story.decides(2, "ASSIGN", MISSING, assignee="bea")
    story.decides(2, "COMMENT", MISSING, by="bea")
    story.decides(3, "EXPLAIN", MISSING, by="bea")
    story.decides(4, "COMMENT", MISSING, by="carl")
    story.decides(5, "REOPEN", MISSING)
    story.decides(6, "ADJUST", MISSING, by="bea")


def explained(story: Story) -> None:
    """Explained, gone, and back."""
    story.pos(1, "A", "10.00")
    story.oms(1, "A", "10.50")
    story.decides(2, "EXPLAIN", PRICE)
    story.oms(3, "A", "10.00")
    story.oms(5, "A", "10.50")


def limits(story: Story) -> None:
    """One unit below the limit, and the limit."""
    for order_id, total in (("A", "99.99"), ("B", "100.00")):
        story.pos(1, order_id, total)
        story.decides(2, "WRITE_OFF", (order_id, "MISSING_OMS"), amount_minor=total.replace(".", ""))


def two_people(story: Story) -> None:
    story.pos(1, "A", "500.00")
    story.decides(2, "WRITE_OFF", MISSING, amount_minor="50000")
    story.decides(3, "APPROVE", MISSING, by="ann")
    story.decides(3, "APPROVE", MISSING, by=" ANN ")
    story.decides(4, "APPROVE", MISSING, by="bob")


def rejected(story: Story) -> None:
    story.pos(1, "A", "500.00")
    story.decides(2, "WRITE_OFF", MISSING, amount_minor="50000")
    story.decides(3, "REJECT", MISSING, by="bob")
    story.decides(4, "ASSIGN", MISSING, assignee="bea")
    story.decides(4, "WRITE_OFF", MISSING, by="bea", amount_minor="50000")
    # takes it back herself
    story.decides(5, "REJECT", MISSING, by="bea")


def grown(story: Story) -> None:
    """More than was given up."""
    story.pos(1, "A", "10.00")
    story.oms(1, "A", "10.50")
    story.decides(2, "WRITE_OFF", PRICE, amount_minor="50")
    story.oms(3, "A", "10.40")
    story.oms(4, "A", "10.80")
    story.decides(5, "EXPLAIN", PRICE)
    story.oms(6, "A", "10.90")


def grown_while_pending(story: Story) -> None:
    story.pos(1, "A", "1000.00")
    story.oms(1, "A", "1200.00")
    story.decides(2, "WRITE_OFF", PRICE, amount_minor="20000")
    story.oms(3, "A", "1300.00")
    story.decides(4, "APPROVE", PRICE, by="bob")


def forced(story: Story) -> None:
    """Matched by hand; then a new version, a conflict, and its end."""
    story.pos(1, "A", "50.00")
    story.oms(1, "B", "50.10")
    story.forces(2, MISSING, "A", "B")
    story.oms(3, "B", "50.20")
    story.oms(4, "B", "50.30")
    story.oms(4, "B", "50.40")
    story.oms(5, "B", "50.50")


def forced_by_two(story: Story) -> None:
    story.pos(1, "A", "500.00")
    story.oms(1, "B", "510.00")
    story.forces(2, MISSING, "A", "B")
    story.decides(3, "APPROVE", MISSING, by="Ann")
    story.decides(4, "APPROVE", MISSING, by="bob")


def forced_and_rejected(story: Story) -> None:
    story.pos(1, "A", "500.00")
    story.oms(1, "B", "510.00")
    story.forces(2, MISSING, "A", "B")
    story.decides(3, "REJECT", MISSING, by="bob")
    story.decides(4, "APPROVE", MISSING, by="carl")


def excluded(story: Story) -> None:
    """A record without a counterpart, and a pair in which two things are wrong."""
    story.pos(1, "A")
    story.pos(1, "X", "10.00")
    story.oms(1, "X", "12.00", state="cancelled")
    story.excludes(2, MISSING, source_activity_id="A")
    story.excludes(3, ("X", "PRICE_MISMATCH"), source_activity_id="X", target_activity_id="X")


def waits(story: Story) -> None:
    """Matched with a record that comes later, and with one that never comes."""
    story.pos(1, "A")
    story.pos(1, "V", "70.00")
    story.forces(2, MISSING, "A", "B")
    story.forces(2, ("V", "MISSING_OMS"), "V", "never")
    story.oms(4, "B", "50.10")


def two_pins(story: Story) -> None:
    story.pos(1, "A", "50.00")
    story.oms(1, "B", "50.10")
    story.oms(1, "C", "50.20")
    story.forces(2, MISSING, "A", "B")
    story.forces(3, ("C", "MISSING_POS"), "A", "C")


def revoked(story: Story) -> None:
    story.pos(1, "A", "50.00")
    story.oms(1, "B", "50.10")
    story.forces(2, MISSING, "A", "B")
    story.decides(3, "REOPEN", MISSING)


def pending_and_reopened(story: Story) -> None:
    """A refused decision has no effect: what is proposed cannot be reopened, and stays proposed."""
    story.pos(1, "A", "500.00")
    story.oms(1, "B", "510.00")
    story.forces(2, MISSING, "A", "B")
    story.decides(3, "REOPEN", MISSING, by="carl")
    story.decides(4, "APPROVE", MISSING, by="bob")


def withdrawn(story: Story) -> None:
    """Who gave something up alone can be refused, and agreed with, by somebody else."""
    story.pos(1, "A")
    story.decides(2, "WRITE_OFF", MISSING, amount_minor="5000")
    story.decides(3, "REJECT", MISSING, by="bob")
    story.decides(4, "WRITE_OFF", MISSING, amount_minor="5000")
    story.decides(5, "APPROVE", MISSING, by="bob")
    story.decides(6, "REJECT", MISSING, by="carl")


def taken_back(story: Story) -> None:
    """A match by hand that one person made alone, refused by another; one that was agreed with stays."""
    story.pos(1, "A", "50.00")
    story.oms(1, "B", "50.10")
    story.forces(2, MISSING, "A", "B")
    story.decides(3, "REJECT", MISSING, by="bob")
    story.pos(1, "C", "60.00")
    story.oms(1, "D", "60.10")
    story.forces(2, ("C", "MISSING_OMS"), "C", "D")
    story.decides(3, "APPROVE", ("C", "MISSING_OMS"), by="bob")
    story.decides(4, "REJECT", ("C", "MISSING_OMS"), by="carl")


def replaced(story: Story) -> None:
    """What is pinned takes the place of what was settled or proposed before."""
    story.pos(1, "A", "50.00")
    story.oms(1, "B", "50.10")
    story.decides(2, "EXPLAIN", MISSING)
    story.forces(3, MISSING, "A", "B")
    story.pos(1, "C", "600.00")
    story.decides(2, "WRITE_OFF", ("C", "MISSING_OMS"), amount_minor="60000")
    story.excludes(3, ("C", "MISSING_OMS"), source_activity_id="C", by="bob")


def twice(story: Story) -> None:
    """The same decision twice in a file, and again in another one."""
    story.pos(1, "A")
    same = {"event_id": "one", "decided_at": "2026-03-04T09:00:00Z", "reason": "said once"}
    story.decides(2, "COMMENT", MISSING, **same)
    story.decides(2, "COMMENT", MISSING, **same)
    story.decides(3, "COMMENT", MISSING, **same)
    story.decides(3, "COMMENT", MISSING, reason="something else")


def contradicting(story: Story) -> None:
    """One event id, two decisions: on two days, and in one file."""
    story.pos(1, "A")
    story.pos(1, "B", "60.00")
    when = {"decided_at": "2026-03-04T09:00:00Z"}
    story.decides(2, "EXPLAIN", MISSING, event_id="early", **when)
    story.decides(3, "REOPEN", MISSING, event_id="early", **when)
    for name in ("bea", "carl"):
        story.decides(2, "ASSIGN", ("B", "MISSING_OMS"), event_id="both", assignee=name, **when)


def fuzzed(story: Story) -> None:
    story.pos(1, "A")
    for name, (action, fields, _) in FUZZ.items():
        story.decides(2, action, MISSING, **{"event_id": name, **fields})
    story.decides(2, "EXPLAIN", "0123456789abcdef0123456789abcdef", event_id="unknown")
    story.decides(2, "EXPLAIN", "'; drop table marts.exceptions; --", event_id="injected-id")
    story.decides(2, "EXPLAIN", ("limits", "A", "MISSING_OMS"), event_id="of-another-org")
    story.decides(2, "EXPLAIN", "", event_id="no-exception")
    story.decides(2, "COMMENT", MISSING, event_id="injection", reason=INJECTION)
    story.decides(3, "EXPLAIN", MISSING, event_id="fine")
    story.decides(4, "ASSIGN", MISSING, event_id="too-late", assignee="bea")


def moved(story: Story) -> None:
    """A limit that goes down and then up."""
    story.pos(1, "A", "50.00")
    story.decides(2, "WRITE_OFF", MISSING, amount_minor="5000")
    for order_id, total in (("B", "500.00"), ("C", "600.00")):
        story.pos(1, order_id, total)
        story.decides(2, "WRITE_OFF", (order_id, "MISSING_OMS"), amount_minor=total.replace(".", ""))
    story.decides(3, "REJECT", ("B", "MISSING_OMS"), by="bob")
    story.policy(3, approval_from_minor="1000")
    story.decides(4, "APPROVE", MISSING, by="bob")
    story.policy(5, approval_from_minor="100000")


def graded(story: Story) -> None:
    for order_id, total in (("low", "99.99"), ("medium", "100.00"), ("high", "1000.00"), ("critical", "10000.00")):
        story.pos(1, order_id, total)
    story.pos(6, "later", "40.00")


def trends(story: Story) -> None:
    """Little enough to count by hand."""
    story.pos(1, "A", "50.00")
    story.pos(1, "M", "10.00")
    story.oms(1, "M", "10.50")
    story.oms(2, "A", "50.00")
    story.oms(3, "M", "10.00")
    story.pos(4, "Z", "7.00")
    story.decides(5, "EXPLAIN", ("Z", "MISSING_OMS"))


STORIES: tuple[Callable[[Story], None], ...] = (
    *(late, corrected, worked, explained, limits, two_people, rejected, grown, grown_while_pending),
    *(forced, forced_by_two, forced_and_rejected, excluded, waits, two_pins, revoked, pending_and_reopened),
    *(withdrawn, taken_back, replaced, twice, contradicting, fuzzed, moved, graded, trends),
)


def everything() -> list[Story]:
    """All stories, each with a sale that agrees, so that both feeds are there from the first day."""
    stories = []
    for tell in STORIES:
        story = Story(tell.__name__)
        story.pair(1, "ok", "1.00")
        tell(story)
        stories.append(story)
    return stories
