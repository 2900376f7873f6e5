"""From delivered statements to entries, references and balances: real runs on both engines."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from tests.python.laws.conftest import BOTH, make_folder  # noqa: F401
from tests.python.laws.harness import Folder

from .test_bai2 import WHOLE as BAI2
from .test_camt053 import entry as camt_entry
from .test_camt053 import statement_of
from .test_mt940 import WHOLE as MT940

FIRST, SECOND = datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 3, 21, tzinfo=UTC)

# What a bank's text says, and which payout that is.
TEXTS = (
    ("TX90011223344XT BATCH 57, HARBOURPINE_EU", "adyen", "TX90011223344XT batch 57"),
    ("tx90011223344xt batch 58, harbourpine_eu", "adyen", "TX90011223344XT batch 58"),
    ("SEPA/TX 90011223344XT   BATCH 59 HARBOUR", "adyen", "TX90011223344XT batch 59"),
    ("TX900112\n23344XT BATCH 60, HARBOURPINE", "adyen", "TX90011223344XT batch 60"),
    ("TX90011223344XT BA\nTCH 61", "adyen", "TX90011223344XT batch 61"),
    ("TX90011223344XT BATC", "adyen", "TX90011223344XT"),
    ("ADYEN N.V. SETTLEMENT", "adyen", None),
    ("STRIPE TRANSFER ST-K4J7", "stripe", "ST-K4J7"),
    ("STRIPE TRANSFER ST-K\n4J8", "stripe", "ST-K4J8"),
    ("Stripe Payments UK Ltd", "stripe", None),
    ("166?00GUTSCHRIFT?20SHOPIFY TRANSFER ST-P9Q2ABC?21DE?32SHOPIFY", "shopify", "ST-P9Q2ABCDE"),
    ("PAYPAL TRANSFER 1040000000123", "paypal", "1040000000123"),
    ("PAYPAL TRANSFER 10400000\n00124", "paypal", "1040000000124"),
    ("AMAZON EDI PYMNTS 26100000001", "amazon", "26100000001"),
    ("SQUARE INC 260311P2", "square", None),
    ("RENT TIMES SQUARE 12", "other", None),
    ("PINSTRIPE LTD INVOICE 9", "other", None),
    ("ST ANDREWS GOLF 1234", "other", None),
)
GERMAN = (
    '"Auftragskonto";"Buchungstag";"Valutadatum";"Verwendungszweck";"Betrag";"Waehrung";"Info"\n'
    '"DE21500500009876543210";"11.03.2026";"12.03.2026";"STRIPE TRANSFER ST-G1G2";"1.234,56";"EUR";"Umsatz gebucht"\n'
    '"DE21500500009876543210";"11.03.2026";"12.03.2026";"MIETE";"-80,00";"EUR";"Umsatz gebucht"\n'
    '"DE21500500009876543210";"12.03.2026";"12.03.2026";"SPAETER";"5,00";"EUR";"Umsatz vorgemerkt"\n'
)
CHASE = (
    "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #\n"
    "CREDIT,03/11/2026,PAYPAL TRANSFER 1040000000999,72.15,ACH_CREDIT,1072.15,,\n"
    "DEBIT,03/12/2026,SERVICE,-15.00,FEE,1057.15,,\n"
)
FLAGS = (
    "Date,IBAN,Label,Amount,Currency,D/C\n2026-03-11,X1,A,33.50,EUR,D\n2026-03-11,X1,B,7.00,EUR,C\n"
    "2026-03-11,X1,C,1.00,EUR,?\n"
)
PAIR = (
    "Date,IBAN,Label,Debit,Credit,Currency\n2026-03-11,X2,A,4.50,,EUR\n2026-03-11,X2,B,-2.00,,EUR\n"
    "2026-03-11,X2,C,,9.00,EUR\n"
)


def texts_as_mt940() -> str:
    """A statement with one entry a text."""
    lines = "".join(f":61:2603110311C{n},00NTRFNONREF//T{n}\n:86:{text}\n" for n, (text, _, _) in enumerate(TEXTS, 1))
    total = sum(range(1, len(TEXTS) + 1))
    return f":20:S\n:25:TEXTS\n:28C:1\n:60F:C260310EUR0,\n{lines}:62F:C260311EUR{total},\n-\n"


def put(folder: Folder, org: str, name: str, content: str) -> None:
    """Deliver a statement."""
    path = folder.root / "inbox" / org / "bank" / "statement" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def rows(folder: Folder, query: str) -> list[tuple[Any, ...]]:
    """What the target's warehouse says."""
    if folder.target == "duckdb":
        with duckdb.connect(str(folder.root / "warehouse.duckdb"), read_only=True) as warehouse:
            return warehouse.execute(query).fetchall()
    import psycopg2

    names = ("host", "port", "user", "password", "database")
    where = {name: folder.environment[f"TIEOUT_PG_{name.upper()}"] for name in names}
    connection = psycopg2.connect(dbname=where.pop("database"), **where)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("target", BOTH)
def test_statements_become_entries_and_balances(make_folder: Any, target: str):  # noqa: F811
    folder = make_folder(target)
    put(folder, "acme", "day1.sta", MT940)
    put(folder, "acme", "texts.sta", texts_as_mt940())
    put(folder, "acme", "usd.bai", BAI2.replace("49,224750", "49,225450"))
    put(folder, "acme", "flags.csv", FLAGS)
    put(folder, "acme", "pair.csv", PAIR)
    put(folder, "harbour_pine", "chase.csv", CHASE)
    put(folder, "pier_four", "german.csv", GERMAN)
    pier = statement_of(camt_entry("1234.56")).replace("DE02100100109307118603", "DE21500500009876543210")
    put(folder, "pier_four", "same_account.xml", pier)
    done = folder.start(FIRST)
    assert done.returncode == 0, done.stdout + done.stderr

    entries = "select description, counterparty_id, batch_ref from canonical.bank_entries where org_id = 'acme'"
    found = rows(folder, f"{entries} and activity_id like 'TEXTS:%' order by row_number")
    assert [list(row[1:]) for row in found] == [wanted for _, *wanted in TEXTS]

    amounts = (
        "select org_id, currency, amount_minor, activity_type, business_date, event_at from canonical.bank_entries"
    )
    german = rows(folder, f"{amounts} where org_id = 'pier_four' order by amount_minor, row_number")
    assert [row[1:4] for row in german] == [("EUR", -8000, "WITHDRAWAL"), *[("EUR", 123456, "DEPOSIT")] * 2]
    assert str(german[0][4]) == "2026-03-11"
    assert german[0][5] == datetime(2026, 3, 12)  # noqa: DTZ001
    us = rows(folder, f"{amounts} where org_id = 'harbour_pine' order by amount_minor")
    assert [row[1:3] for row in us] == [("USD", -1500), ("USD", 7215)]
    marked = rows(folder, f"{amounts} where activity_id like 'X1:%' order by amount_minor")
    assert [row[2] for row in marked] == [-3350, 700]
    pair = rows(folder, f"{amounts} where activity_id like 'X2:%' order by amount_minor")
    assert [row[2] for row in pair] == [-450, -200, 900]

    broken = (
        "select balance, expected, actual, difference, file from (select said.*, batches.source_file as file"
        " from canonical.identities_bank__statement as said inner join landing.batches as batches"
        " on said.batch_id = batches.batch_id) as told where not holds"
    )
    assert rows(folder, f"{broken} order by file, balance, scope") == [
        ("entries", 3, 2, 1, "flags.csv"),
        ("file_total", 225450, 224750, 700, "usd.bai"),
        ("file_total", 224750, 225450, -700, "usd.bai"),
    ]

    # the second day: the first one again in another file and format, a number left out, and sums that do not hold
    again = statement_of(camt_entry("88.40"), number="12").replace("DE02100100109307118603", "NL91ABNA0417164300")
    put(folder, "acme", "again.xml", again)
    later = (
        MT940.replace("12/1", "14/1").replace("2603110311", "2603120312").replace("C260311EUR383,90", "C260312EUR900,")
    )
    put(folder, "acme", "week.sta", MT940 + later.replace("0007", "0009"))
    done = folder.start(SECOND)
    assert done.returncode == 0, done.stdout + done.stderr
    copies = rows(
        folder,
        "select activity_id, count(*) from canonical.bank_entries where org_id = 'acme' group by activity_id "
        "having count(*) > 1 order by activity_id",
    )
    assert [count for _, count in copies] == [3, 2]
    assert copies[0][0] == "NL91ABNA0417164300:2026-03-11:260311-0007:8840"
    assert rows(folder, f"{broken} and file = 'week.sta' order by balance") == [
        ("continuity", 38390, 30000, 8390, "week.sta"),
        ("sequence", 13, 14, -1, "week.sta"),
        ("statement", 90000, 38390, 51610, "week.sta"),
    ]
