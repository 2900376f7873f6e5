"""Ten days of orgs in which everything happens that can turn a verdict around."""

from tests.python.oracle.deliveries import OMS, POLICIES, POS, Delivery
from tests.python.oracle.make import at, delivered, oms, policy, pos

DAYS = [at(f"03-{day:02d} 20:00") for day in range(1, 11)]

Row = dict[str, str]


def noon(day: int, clock: str = "12:00:00") -> str:
    """A time of one of the days, as feeds write it."""
    return f"2026-03-{day:02d}T{clock}Z"


class Diary:
    """Collects what an org delivers, day by day: one file a feed and day unless `apart`."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], list[Row]] = {}
        self._apart: list[Delivery] = []

    def pos(self, day: int, order_id: str, **fields: str) -> None:
        """A POS record, received on a day."""
        self._rows.setdefault((day, POS), []).append(pos(order_id, **fields))

    def oms(self, day: int, order_id: str, **fields: str) -> None:
        """An OMS record, received on a day."""
        self._rows.setdefault((day, OMS), []).append(oms(order_id, **fields))

    def policies(self, day: int, *rows: Row) -> None:
        """All policies that are said on a day."""
        self._apart.append(delivered(POLICIES, DAYS[day - 1], rows))

    def apart(self, day: int, feed: str, *rows: Row) -> None:
        """A file of its own."""
        self._apart.append(delivered(feed, DAYS[day - 1], rows))

    def deliveries(self) -> list[Delivery]:
        """Everything, as deliveries."""
        return [delivered(feed, DAYS[day - 1], rows) for (day, feed), rows in self._rows.items()] + self._apart


def sale(total: str, when: str) -> tuple[Row, Row]:
    """The fields of one sale on the two sides."""
    return (
        {"total": total, "created_at": when, "updated_at": when},
        {"order_total": total, "placed_at": when, "modified_at": when},
    )


def acme() -> list[Delivery]:
    """The org that everything happens to. Each sale has an amount of its own, so that its story stays its own."""
    diary = Diary()
    late(diary)
    rivals(diary)
    keys(diary)
    timers(diary)
    tolerances(diary)
    corrections(diary)
    copies(diary)
    return diary.deliveries()


def late(diary: Diary) -> None:
    """A counterpart that comes two days late, on either side."""
    source, target = sale("11.00", noon(1))
    diary.pos(1, "late-oms", **source)
    diary.oms(3, "late-oms", **target)
    source, target = sale("11.50", noon(1))
    diary.oms(1, "late-pos", **target)
    diary.pos(4, "late-pos", **source)


def rivals(diary: Diary) -> None:
    """A match of step 2 that a late rival makes ambiguous, and that is a match again when the rival finds its own."""
    source, target = sale("12.00", noon(2))
    diary.pos(2, "rival-1", **source)
    diary.oms(2, "rival-2", **target)
    diary.oms(4, "rival-3", **target)
    diary.pos(6, "rival-3", **source)
    # A chain: the second rival reaches only the first one's counterpart.
    diary.pos(2, "chain-1", **sale("12.50", noon(2))[0])
    diary.oms(2, "chain-2", **sale("12.50", noon(2, "12:10:00"))[1])
    diary.pos(5, "chain-3", **sale("12.50", noon(2, "12:25:00"))[0])
    diary.oms(7, "chain-4", **sale("12.50", noon(2, "12:40:00"))[1])
    diary.pos(9, "chain-2", **sale("12.50", noon(2, "12:10:00"))[0])
    # Step 1: contents that contradict each other at one version, against a pair that stood; a higher version ends it.
    source, target = sale("13.00", noon(2))
    diary.pos(2, "conflict", **source)
    diary.oms(2, "conflict", **target)
    diary.oms(3, "conflict", **{**target, "order_total": "13.51"})
    diary.apart(4, OMS, oms("conflict", **{**target, "order_total": "13.02"}))
    diary.apart(4, OMS, oms("conflict", **{**target, "state": "cancelled"}))
    diary.oms(6, "conflict", **target, revision="2")
    # A conflict whose one content comes again, alone: the later receipt decides.
    source, target = sale("13.50", noon(2))
    diary.pos(3, "again", **source)
    diary.pos(3, "again", **{**source, "status": "VOIDED"})
    diary.oms(3, "again", **target)
    diary.pos(6, "again", **source)
    # A match of step 2 whose true counterparts then come, one by one.
    source, target = sale("14.00", noon(2))
    diary.pos(2, "true-1", **source)
    diary.oms(2, "true-2", **target)
    diary.oms(5, "true-1", **target)
    diary.pos(8, "true-2", **source)


def keys(diary: Diary) -> None:
    """Updates that change a key of step 2: an amount, a store, a time, each way and back."""
    source, target = sale("15.00", noon(2))
    diary.pos(2, "key-1", **source)
    diary.oms(2, "key-2", **target)
    diary.pos(4, "key-1", **{**source, "total": "15.01", "updated_at": noon(4)})
    diary.oms(6, "key-2", **{**target, "order_total": "15.01"}, revision="2")
    diary.pos(7, "key-1", **{**source, "total": "15.01", "store_id": "S2", "updated_at": noon(7)})
    diary.pos(9, "key-1", **{**source, "total": "15.01", "updated_at": noon(9)})
    source, target = sale("15.50", noon(3))
    diary.pos(3, "time-1", **source)
    diary.oms(3, "time-2", **{**target, "placed_at": noon(3, "12:15:00")})
    diary.oms(5, "time-2", **{**target, "placed_at": noon(3, "12:15:00.000001")}, revision="2")
    diary.oms(8, "time-2", **{**target, "placed_at": noon(3, "11:45:00")}, revision="3")
    # An update that comes after a newer one changes nothing.
    source, target = sale("15.75", noon(3))
    diary.pos(3, "old", **source)
    diary.oms(3, "old", **target, revision="3")
    diary.oms(5, "old", **{**target, "order_total": "1.00"}, revision="2")


def timers(diary: Diary) -> None:
    """Grace windows that end on, before and after a run, some of them days later."""
    for number, clock in enumerate(("18:59:59", "19:00:00", "19:00:00.000001", "19:59:00")):
        diary.pos(3, f"timer-{number}", **sale(f"16.0{number}", noon(3, clock))[0])
        diary.oms(3, f"timer-oms-{number}", **sale(f"16.1{number}", noon(3, clock))[1])
    diary.pos(3, "patient", **sale("16.50", noon(3))[0], store_id="S9")
    diary.oms(8, "patient", **sale("16.50", noon(3))[1], location_id="S9")
    diary.pos(3, "in vain", **sale("16.60", noon(3))[0], store_id="S9")


def tolerances(diary: Diary) -> None:
    """Policies that change and change back; periods; a contradiction; a mistake."""
    diary.pos(1, "price", **sale("17.00", noon(1))[0])
    diary.oms(1, "price", **sale("17.03", noon(1))[1])
    diary.pos(1, "price-s2", **sale("17.50", noon(1))[0], store_id="S2")
    diary.oms(1, "price-s2", **sale("17.53", noon(1))[1], location_id="S2")
    diary.pos(2, "skew", **sale("17.70", noon(2))[0])
    diary.oms(2, "skew", **sale("17.70", noon(2, "12:20:00"))[1])
    for day in (4, 5):
        diary.pos(5, f"period-{day}", **sale(f"18.0{day}", noon(day))[0], store_id="S3")
        diary.oms(5, f"period-{day}", **sale(f"18.1{day}", noon(day))[1], location_id="S3")
    patient = policy(counterparty_id="S9", grace_minutes="7200")
    loose = (policy(price_abs_minor="5"), patient)
    strict = (policy(price_abs_minor="0", skew_seconds="1800"), patient)
    diary.policies(2, patient)
    diary.policies(3, *loose)
    diary.policies(4, *loose)
    diary.policies(5, *strict)
    diary.policies(6, policy(counterparty_id="S3", price_pct="0.01", valid_from="2026-03-05"))
    # As on day 3, to the byte: it counts again, because it differs from the last one.
    diary.policies(7, *loose)
    diary.policies(8, policy(price_abs_minor="1"), policy(price_abs_minor="2"), policy(stream="", counterparty_id="S1"))
    diary.policies(9, policy(counterparty_id="S9", grace_minutes="20000"), policy(price_abs_minor="2"))
    diary.policies(10, policy(counterparty_id="S9", grace_minutes=""), policy(price_abs_minor="3"))


def corrections(diary: Diary) -> None:
    """Rejects of all kinds, and their corrections."""
    source, target = sale("19.00", noon(2))
    diary.pos(2, "reject", **source)
    diary.oms(2, "reject", **{**target, "order_total": "nineteen"})
    diary.oms(4, "reject", **target)
    source, target = sale("19.10", noon(2))
    diary.pos(2, "stale", **source)
    diary.oms(2, "stale", **target)
    diary.oms(3, "stale", **{**target, "order_total": "19.123"}, revision="2")
    diary.oms(5, "stale", **target, revision="2")
    source, target = sale("19.20", noon(2))
    diary.pos(2, "stale-pos", **source)
    diary.oms(2, "stale-pos", **target)
    diary.pos(6, "stale-pos", **{**source, "updated_at": "soon"})
    diary.pos(7, "stale-pos", **{**source, "updated_at": noon(7)})
    # A match of step 2 goes stale too.
    source, target = sale("19.30", noon(2))
    diary.pos(2, "stale-1", **source)
    diary.oms(2, "stale-2", **target)
    diary.oms(4, "stale-2", **{**target, "location_id": ""}, revision="2")
    # The same is told again after what could not be read, in step 1 and in step 2.
    source, target = sale("19.60", noon(2))
    diary.pos(2, "stale-again", **source)
    diary.oms(2, "stale-again", **target)
    diary.oms(3, "stale-again", **target, revision="one")
    diary.oms(5, "stale-again", **target)
    source, target = sale("19.70", noon(2))
    diary.pos(2, "stale-again-1", **source)
    diary.oms(2, "stale-again-2", **target)
    diary.oms(4, "stale-again-2", **target, revision="1.0")
    diary.pos(5, "stale-again-1", **{**source, "updated_at": "soon"})
    diary.oms(6, "stale-again-2", **target)
    diary.pos(7, "stale-again-1", **source)
    # A match of two ids, one of which the other side has too and could not read.
    source, target = sale("19.80", noon(2))
    diary.pos(2, "twin-1", **source)
    diary.oms(2, "twin-2", **target)
    diary.pos(3, "twin-2", **{**source, "total": "1,5"})
    # The reject comes when the record is missing already, and is never corrected.
    diary.pos(3, "reject late", **sale("19.40", noon(3))[0])
    diary.oms(6, "reject late", **{**sale("19.40", noon(3))[1], "currency": "XXY"})
    diary.oms(7, "", **sale("19.50", noon(3))[1])


def copies(diary: Diary) -> None:
    """Copies inside a delivery and across deliveries; more of them later; copies of what is superseded."""
    source, target = sale("20.00", noon(2))
    for _ in range(2):
        diary.pos(2, "copies", **source)
    diary.oms(2, "copies", **target)
    for day in (4, 6):
        diary.pos(day, "copies", **source)
        diary.oms(day, "copies", **target)
    for _ in range(3):
        diary.pos(7, "copies", **source)
    diary.pos(8, "copies", **{**source, "updated_at": noon(8)})


def late_feed(first_day: int) -> list[Delivery]:
    """An org whose OMS delivers nothing before a day: first a header alone, then the records."""
    diary = Diary()
    for day in (1, 2, 3):
        diary.pos(day, f"order-{day}", **sale(f"{day}.00", noon(day))[0])
    diary.apart(first_day, OMS)
    for day in (1, 2):
        diary.oms(first_day + 2, f"order-{day}", **sale(f"{day}.00", noon(day))[1])
    return diary.deliveries()


def everything() -> dict[str, list[Delivery]]:
    """The orgs of the story."""
    return {"acme": acme(), "late-feed": late_feed(4)}
