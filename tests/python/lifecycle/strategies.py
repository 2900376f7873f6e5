"""Stories of rules: what an org says of its exceptions, and what a run then does by itself. The tests say what must
come of them."""

from collections.abc import Callable

from tests.python.lifecycle.world import DAYS, Story
from tests.python.oracle.deliveries import Delivery

RULES, ACCEPTED, RATES = "tieout/resolution_rules", "tieout/accepted_differences", "tieout/fx_rates"
RULE_COLUMNS = (
    *("rule_id", "stream", "anomaly", "counterparty_id", "from_minor", "below_minor"),
    *("classification", "strategy", "budget_minor", "valid_from"),
)
ACCEPTED_COLUMNS = (
    *("acceptance_id", "stream", "anomaly", "counterparty_id", "activity_id", "below_minor"),
    *("owner", "reason", "valid_from", "valid_to"),
)
STREAM = "pos_oms_orders"
PRICE, MISSING = "PRICE_MISMATCH", "MISSING_OMS"


def say(story: Story, day: int, feed: str, columns: tuple[str, ...], *rows: dict[str, str]) -> None:
    """A delivery of rules or accepted differences."""
    blank = dict.fromkeys(columns, "")
    story.files.append(Delivery(feed, DAYS[day - 1], tuple({**blank, **row} for row in rows), columns))


def rule(story: Story, day: int, strategy: str = "AUTO", **fields: str) -> None:
    """A rule about small differences of price, unless told otherwise."""
    given = {"rule_id": "small", "anomaly": PRICE, "classification": "OK", "strategy": strategy}
    limits = {"below_minor": "100", "budget_minor": "100"} if strategy.startswith("AUTO") else {}
    say(story, day, RULES, RULE_COLUMNS, {**given, **limits, **fields})


def accept(story: Story, day: int, **fields: str) -> None:
    """An accepted difference of prices in March, unless told otherwise."""
    given = {"acceptance_id": "till", "stream": STREAM, "anomaly": PRICE, "owner": "ann", "reason": "coin rounding"}
    say(
        story,
        day,
        ACCEPTED,
        ACCEPTED_COLUMNS,
        {**given, "valid_from": "2026-03-01", "valid_to": "2026-03-31", **fields},
    )


def differs(story: Story, day: int, order_id: str, by: str, **fields: str) -> None:
    """A pair of which the OMS says so much more, on a day of its own."""
    story.pos(day, order_id, "10.00", **fields)
    stores = {"location_id": fields["store_id"]} if "store_id" in fields else {}
    story.oms(day, order_id, f"{10 + float(by):.2f}", **stores)


def auto(story: Story) -> None:
    """Two differences of which the budget covers one, until it is raised."""
    rule(story, 1)
    differs(story, 1, "A", "0.50")
    differs(story, 1, "B", "0.60")
    rule(story, 3, budget_minor="110")


def by_store(story: Story) -> None:
    """Each counterparty has a budget of its own."""
    rule(story, 1, strategy="AUTO_FLAG")
    differs(story, 1, "A", "0.90")
    differs(story, 1, "B", "0.90", store_id="S2")


def unclear(story: Story) -> None:
    """A rule about everything small still touches only clear differences."""
    rule(story, 1, anomaly="", below_minor="100000", budget_minor="100000")
    story.pos(1, "A", "10.00", status="REFUNDED")
    story.oms(1, "A", "10.50")
    story.pos(1, "B", "1.00")
    differs(story, 1, "C", "0.50")


def touched(story: Story) -> None:
    """What people have taken up is theirs; a comment takes nothing up."""
    for order_id in ("A", "B"):
        differs(story, 1, order_id, "0.20")
    story.decides(2, "ASSIGN", ("A", PRICE), assignee="bea")
    story.decides(2, "COMMENT", ("B", PRICE))
    rule(story, 3)


def grows(story: Story) -> None:
    """More than was written off is another question, and for people."""
    rule(story, 1)
    differs(story, 1, "A", "0.20")
    story.oms(3, "A", "10.30")
    story.decides(5, "WRITE_OFF", ("A", PRICE), amount_minor="30")


def corrected(story: Story) -> None:
    """The correction comes after the rule has written the difference off, and goes again."""
    rule(story, 1)
    differs(story, 1, "A", "0.20")
    story.oms(2, "A", "10.00")
    story.oms(4, "A", "10.20")


def taken_up(story: Story) -> None:
    """Somebody takes up again what a rule has written off."""
    rule(story, 1)
    differs(story, 1, "A", "0.20")
    story.decides(2, "REOPEN", ("A", PRICE))


def tolerated(story: Story) -> None:
    """Tolerance lets three differences pass of which the budget covers two, until it is raised."""
    story.policy(1, price_abs_minor="100")
    rule(story, 1, strategy="ESCALATE", budget_minor="120")
    for order_id, by in (("A", "0.50"), ("B", "0.60"), ("C", "0.70")):
        differs(story, 1, order_id, by)
    rule(story, 3, strategy="ESCALATE", budget_minor="180")


def shared(story: Story) -> None:
    """What tolerance lets pass leaves that much less to write off."""
    story.policy(1, price_abs_minor="60")
    rule(story, 1)
    differs(story, 1, "A", "0.60")
    differs(story, 1, "B", "0.70")


def rule_first(story: Story) -> None:
    """What a rule has written off leaves that much less for tolerance, on a later day too."""
    story.policy(1, price_abs_minor="60")
    rule(story, 1)
    differs(story, 1, "A", "0.70")
    differs(story, 2, "B", "0.60")


def shrinks(story: Story) -> None:
    """Another amount than was written off makes the entry wrong, a smaller one too."""
    rule(story, 1)
    differs(story, 1, "A", "0.40")
    story.oms(2, "A", "10.10")


def grows_into(story: Story) -> None:
    """What is at stake when it is decided says how many people it takes, not what it was once."""
    rule(story, 1, strategy="MANUAL", from_minor="1000")
    differs(story, 1, "A", "5.00")
    story.oms(2, "A", "60.00")
    story.decides(3, "EXPLAIN", ("A", PRICE))


def turned_down(story: Story) -> None:
    """What a second person refused stays refused when the rule ends that asked for one."""
    rule(story, 1, strategy="MANUAL", anomaly="MISSING_")
    for order_id in ("A", "B"):
        story.pos(1, order_id, "5.00")
    story.decides(2, "EXPLAIN", ("A", MISSING))
    story.excludes(2, ("B", MISSING), source_activity_id="B")
    for order_id in ("A", "B"):
        story.decides(3, "REJECT", (order_id, MISSING), by="bob")
    rule(story, 5, strategy="ESCALATE", anomaly="MISSING_")


def alone(story: Story) -> None:
    """What one person settled alone a second one may refuse."""
    for order_id in ("A", "B"):
        story.pos(1, order_id, "5.00")
    story.decides(2, "EXPLAIN", ("A", MISSING))
    story.excludes(2, ("B", MISSING), source_activity_id="B")
    for order_id in ("A", "B"):
        story.decides(3, "REJECT", (order_id, MISSING), by="bob")


def excluded_before(story: Story) -> None:
    """A rule that comes alone, with nothing else new, asks for a second person, and the books close."""
    story.pos(1, "A", "5.00")
    story.excludes(2, ("A", MISSING), source_activity_id="A")
    rule(story, 3, strategy="MANUAL", anomaly="MISSING_")
    story.decides(5, "APPROVE", ("A", MISSING), by="bob")


def small_exception(story: Story) -> None:
    """A small exception of a large record: taking the record out takes two people as well."""
    rule(story, 1, strategy="MANUAL", below_minor="1000")
    differs(story, 1, "A", "0.50")
    story.excludes(2, ("A", PRICE), source_activity_id="A", target_activity_id="A")


def converted(story: Story) -> None:
    """Rules and budgets count in the base currency."""
    story.policy(1, base_currency="EUR")
    rate = {"date": "2026-03-02", "from_currency": "NOK", "to_currency": "EUR", "rate": "0.1", "source": "test"}
    say(story, 1, RATES, tuple(rate), rate)
    rule(story, 1, below_minor="60", budget_minor="90")
    for order_id, by in (("A", "4.00"), ("B", "5.00"), ("C", "6.00")):
        story.pos(1, order_id, "10.00", currency="NOK")
        story.oms(1, order_id, f"{10 + float(by):.2f}", currency="NOK")


def unconverted(story: Story) -> None:
    """What no rate converts no rule writes off."""
    story.policy(1, base_currency="EUR")
    rule(story, 1, anomaly="", below_minor="100000", budget_minor="100000")
    story.pos(1, "A", "10.00", currency="NOK")
    story.oms(1, "A", "10.50", currency="NOK")


def foreign(story: Story) -> None:
    """An org decides about another org's exception: its own has none of that id, and the other one's rules go on."""
    story.decides(2, "EXPLAIN", ("auto", "B", PRICE))


def manual(story: Story) -> None:
    """Two people, whatever the amount and whatever they decide."""
    rule(story, 1, strategy="MANUAL", anomaly="MISSING_", classification="SUSPICIOUS")
    for order_id in ("A", "B", "C"):
        story.pos(1, order_id, "0.10")
    story.decides(2, "EXPLAIN", ("A", MISSING))
    story.decides(2, "WRITE_OFF", ("B", MISSING), amount_minor="10")
    story.excludes(2, ("C", MISSING), source_activity_id="C")
    for order_id in ("A", "B", "C"):
        story.decides(3, "APPROVE", (order_id, MISSING))
        story.decides(4, "APPROVE", (order_id, MISSING), by="bob")


def accepted(story: Story) -> None:
    """One is covered, one is too large, one is another record, and the entry ends."""
    rule(story, 1, below_minor="1000", budget_minor="100000", counterparty_id="S2", stream=STREAM)
    accept(story, 1, below_minor="100")
    accept(story, 1, acceptance_id="one", activity_id="X", counterparty_id="S2")
    differs(story, 1, "A", "0.50")
    differs(story, 1, "B", "1.50")
    differs(story, 1, "X", "2.50", store_id="S2")
    differs(story, 1, "Y", "2.50", store_id="S2")
    accept(story, 4, valid_to="2026-03-01")


def classified(story: Story) -> None:
    """The narrower rule counts, and the seed where the org says nothing."""
    for order_id, total, store in (("A", "10.00", "S1"), ("B", "100.00", "S1"), ("C", "10.00", "S2")):
        story.pos(1, order_id, total, store_id=store)
    differs(story, 1, "P", "5.00")
    story.pos(1, "T", "10.00", created_at="2026-03-02T12:30:00Z")
    story.oms(1, "T", "10.00")
    rule(
        story,
        2,
        rule_id="large",
        strategy="ESCALATE",
        anomaly="MISSING_",
        from_minor="10000",
        classification="SUSPICIOUS",
    )
    rule(
        story,
        2,
        rule_id="store",
        strategy="MANUAL",
        anomaly="",
        stream=STREAM,
        counterparty_id="S2",
        classification="OK",
    )


BAD_RULES: dict[str, tuple[dict[str, str], str]] = {
    "stream": ({"stream": "orders"}, "stream: unknown_stream"),
    "store": ({"counterparty_id": "S1"}, "counterparty_id: counterparty_without_stream"),
    "code": ({"anomaly": "PRICE_MISSMATCH"}, "anomaly: unknown_anomaly"),
    "short": ({"anomaly": "PRICE_MISMATC"}, "anomaly: unknown_anomaly"),
    "long": ({"anomaly": "PRICE_MISMATCHES"}, "anomaly: unknown_anomaly"),
    "class": ({"classification": "FINE"}, "classification: not_ok_pending_or_suspicious"),
    "how": ({"strategy": "AUTOMATIC"}, "strategy: unknown_strategy"),
    "endless": ({"below_minor": ""}, "below_minor: missing_value"),
    "boundless": ({"budget_minor": ""}, "budget_minor: missing_value"),
    "empty": ({"from_minor": "100"}, "below_minor: not_above_from_minor"),
    "negative": ({"budget_minor": "-1"}, "budget_minor: below_minimum"),
    "": ({}, "rule_id: missing_value"),
}


def refused(story: Story) -> None:
    """Every rule is wrong in its own way, and so are the accepted differences; nothing of them counts."""
    usual = {"anomaly": PRICE, "classification": "OK", "strategy": "AUTO", "below_minor": "100", "budget_minor": "100"}
    rows = [{"rule_id": name, **usual, **fields} for name, (fields, _) in BAD_RULES.items()]
    twice = [{"rule_id": "twice", **usual}, {"rule_id": "twice", **usual, "budget_minor": "200"}]
    say(story, 1, RULES, RULE_COLUMNS, *rows, *twice)
    accept(story, 1, acceptance_id="backwards", valid_to="2026-02-01")
    accept(story, 2, acceptance_id="nobody", owner="")
    accept(story, 3, acceptance_id="undated", valid_to="")
    differs(story, 1, "A", "0.50")


STORIES: tuple[Callable[[Story], None], ...] = (
    *(auto, by_store, unclear, touched, grows, corrected, taken_up, tolerated, shared, rule_first, shrinks),
    *(grows_into, turned_down, alone, excluded_before, small_exception, manual, accepted, classified),
    *(converted, unconverted, foreign),
    refused,
)


def everything() -> list[Story]:
    """All stories, each an org of its name, with a sale that agrees."""
    told = []
    for tell in STORIES:
        story = Story(tell.__name__)
        story.pair(1, "ok", "1.00")
        tell(story)
        told.append(story)
    return told
