"""The text grammar is the same on every engine: one run of odd texts, each in a record of its own."""

import pytest

from tests.python.laws.conftest import BOTH, MakeFolder
from tests.python.laws.harness import check
from tests.python.oracle import Delivery
from tests.python.oracle.answer import currencies
from tests.python.oracle.deliveries import OMS, POLICIES, POS
from tests.python.oracle.make import NOON, at, delivered, oms, policy, pos
from tests.python.oracle.policies import MAXIMA
from tests.python.oracle.text import BLANKS

DAY = at("03-02 20:00")

AMOUNTS = (
    *(
        "0",
        "-0",
        "+0.00",
        "00",
        "1",
        "+1.5",
        "-1.50",
        "0001.10",
        "1.100",
        "1.1000000000000000000000",
        "1.101",
        "1.",
        ".1",
    ),
    *("", " ", "1e2", "1E2", "0x10", "NaN", "inf", "-inf", "1,5", "1 000", "1_000", "--1", "+-1", "1-", "$1", "1.2.3"),
    *(
        "9999999999999999.99",
        "-9999999999999999.99",
        "10000000000000000.00",
        "99999999999999999999",
        "０",
        "١",
        "1\u00a0",
    ),
    *("0" * 40 + "7", "1" + "0" * 40, "1." + "0" * 40, "1." + "0" * 40 + "1", "\u22125", "1\u200b", "true", "null"),
)
# Around the first and the last moment that every engine and Python can say.
EDGES = (
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "0001-01-01T00:59:59.999+01", "0001-01-01T01:00+01:00"),
    *("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "9999-12-31T23:00-01:00", "9999-12-31T22:59:59.9999999-01"),
    *("0000-12-31T23:59:59Z", "0000-12-31T23:59:59-01:00", "10000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999"),
)
TIMES = (
    *("2026-03-02T12:00:00Z", "2026-03-02 12:00", "2026-03-02T12:00:00.1Z", "2026-03-02T12:00:00.123456Z"),
    *("2026-03-02T12:00:00.1234569Z", "2026-03-02T12:00:00.123456789Z", "2026-03-02T12:00:00.1234567890Z"),
    *("2026-03-02T12:00:00.999999999Z", "2026-03-02T12:00:00.", "2026-03-02T12:00:00,5Z", "2026-03-02T12:00:00 Z"),
    *("2026-03-02T12:00:00+00:00", "2026-03-02T12:00:00-0030", "2026-03-02T12:00:00+14", "2026-03-02T12:00+05:30"),
    *("2026-03-02T12:00:00+5", "2026-03-02T12:00:00+05:3", "2026-03-02T12:00:00+05:60", "2026-03-02T12:00:00 +01:00"),
    *(
        "2026-03-02T12",
        "2026-03-02",
        "20260302T120000Z",
        "2026-3-2T12:00:00Z",
        "2026-03-02t12:00:00z",
        "2026-03-02T12:00z",
    ),
    *(
        "2026-03-02T24:00:00Z",
        "2026-03-02T23:59:59Z",
        "2026-03-02T23:59:60Z",
        "2026-03-02T12:60:00Z",
        "2026-03-02  12:00",
    ),
    *(
        "2026-02-29T12:00:00Z",
        "2024-02-29T12:00:00Z",
        "1900-02-29T12:00:00Z",
        "2000-02-29T12:00:00Z",
        "2026-04-31T12:00:00Z",
    ),
    *("2026-00-10T12:00:00Z", "2026-13-10T12:00:00Z", "2026-01-00T12:00:00Z", "1969-12-31T23:59:59.999999Z"),
    *(
        "1970-01-01T00:00:00Z",
        "2026-03-02T00:10:00+00:30",
        "2026-03-01T23:50:00-00:30",
        "infinity",
        "now",
        "today",
        "epoch",
    ),
    *(
        "",
        "12:00",
        "2026-03-02T12:00:00 UTC",
        "2026-03-02T12:00:00[UTC]",
        "Mon, 02 Mar 2026 12:00:00",
        "1772452800",
        "２026-03-02T12:00:00Z",
    ),
    *(
        "2026-061T12:00:00Z",
        "2026-W10-1T12:00:00Z",
        "+2026-03-02T12:00:00Z",
        "-2026-03-02T12:00:00Z",
        "12026-03-02T12:00:00Z",
    ),
    *("2026-03-02T12:00:00+14:00", "2026-03-02T12:00:00-14", "2026-03-02T12:00:00+14:01", "2026-03-02T12:00:00-1459"),
    *("2026-03-02T12:00:00+15:00", "2026-03-02T12:00:00+23:59", "2026-03-02T12:00-24:00", "2026-03-02T12:00-0000"),
    *EDGES,
)
INTEGERS = (
    *("0", "-0", "+1", "-1", "007", "999999999999999999", "-999999999999999999", "1000000000000000000", "0" * 30 + "1"),
    *("1.0", "1e2", "", "1 2", "0x1", "１", "9" * 30, "one", "1\u2007", "\ufeff1"),
)
CURRENCIES = ("usd", " USD ", "Usd", "US", "USDD", "XXY", "840", "", "U SD", "u\u017fd", "eur", "XXX", "\u20ac")
STATUSES = (
    "PAID",
    "paid",
    " pAiD\u00a0",
    "PA\u0130D",
    "PA\u0131D",
    "payed",
    "UNKNOWN",
    "unknown",
    "BOOKED",
    "",
    "OPEN\u200b",
)
LIMITS = [
    (field, str(maximum + more)) for field, maximum in MAXIMA.items() for more in (0, 1, -maximum - 1, 10**17 - maximum)
]
DECIMALS = (
    *("0.01", "0.000000001", "0.0000000001", "1", "+0.5", "1e-2", "1%", ".5", "0.5000000000000", "", "0.0100000000"),
    *("0.0100000001", "0" * 20 + "1.5" + "0" * 20, "1000000000", "-0.0", "-0.000", "1.", "1.1.1", "1_000", "1,5"),
)


def odd_texts() -> dict[str, list[Delivery]]:
    """One org a kind of text. A twin in the other system shows how times, amounts and statuses were read."""

    def org(field: str, texts: tuple[str, ...], *, feed: str = POS) -> list[Delivery]:
        made = [(f"{number:03d}", text) for number, text in enumerate(texts)]
        sources = [pos(i, **({field: t} if feed == POS else {})) for i, t in made]
        targets = [oms(i, **({field: t} if feed == OMS else {})) for i, t in made]
        return [delivered(POS, DAY, sources), delivered(OMS, DAY, targets)]

    exponents = currencies()
    fractions = [(code, "7." + "5" * exponents[code]) for code in exponents if exponents[code]]
    plain = [(code, "7") for code in exponents]
    codes = [
        pos(f"{c}-{a}", currency=c, total=a) for c, a in [*fractions, *[(c, a + "5") for c, a in fractions], *plain]
    ]
    blanks = [(blank, f"{blank}id {ord(blank):04x}{blank}") for blank in BLANKS if blank not in "\r\n"]
    inside = [f"in{blank}side {ord(blank):04x}" for blank in BLANKS if blank not in "\r\n"]
    marks = ["\u200b", "\u2060", "\u180e", "\u001f", "\u200e"]
    ids = [
        *[i for _, i in blanks],
        *inside,
        *[f"{m}mark {ord(m):04x}{m}" for m in marks],
        "a",
        "A",
        "é",
        "e\u0301",
        "'",
        '"q"',
        "a,b",
    ]
    return {
        "amounts": org("total", AMOUNTS),
        "times": org("created_at", TIMES),
        "edges": [
            *org("created_at", EDGES),
            delivered(POLICIES, DAY, [policy(grace_minutes=str(MAXIMA["grace_minutes"]))]),
        ],
        "versions": org("updated_at", TIMES),
        "integers": org("revision", INTEGERS, feed=OMS),
        "currencies": org("currency", CURRENCIES),
        "statuses": org("status", STATUSES),
        "codes": [delivered(POS, DAY, codes), delivered(OMS, DAY, [])],
        "ids": [delivered(POS, DAY, [pos(i) for i in ids]), delivered(OMS, DAY, [oms(i.strip(BLANKS)) for i in ids])],
        "decimals": [
            *[
                delivered(feed, DAY, [row])
                for feed, row in ((POS, pos()), (OMS, oms(order_total="10.01", placed_at=NOON)))
            ],
            delivered(
                POLICIES,
                DAY,
                [policy(counterparty_id=f"S{n}", price_pct=t) for n, t in enumerate(DECIMALS)]
                + [policy(counterparty_id=f"T{n}", valid_from=t[:10]) for n, t in enumerate(TIMES)]
                + [policy(counterparty_id=f"L{n}", **{f: t}) for n, (f, t) in enumerate(LIMITS)],
            ),
        ],
    }


@pytest.mark.parametrize("target", BOTH)
def test_odd_texts_read_the_same_everywhere(make_folder: MakeFolder, target: str) -> None:
    folder = make_folder(target)
    cases = odd_texts()
    folder.put_all(cases, DAY)
    check(folder, cases, DAY, folder.run(DAY), show=len(cases))
