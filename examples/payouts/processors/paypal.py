"""PayPal: the settlement report (several record types, CR/DR marks, implied decimals) and the activity download."""

from examples.payouts.clock import DAY, calendar, iso
from examples.payouts.ledger import Account, scrambled
from examples.payouts.money import implied, share, text
from examples.payouts.records import Line, Payout
from examples.payouts.sink import Series, Text, names

BODY = names(
    "Transaction ID,Invoice ID,PayPal Reference ID,PayPal Reference ID Type,Transaction Event Code,"
    "Transaction Initiation Date,Transaction Completion Date,Transaction Debit or Credit,"
    "Gross Transaction Amount,Gross Transaction Currency,Fee Debit or Credit,Fee Amount,Fee Currency,"
    "Custom Field,Consumer ID,Payment Tracking ID,Store ID,Bank Reference ID,Credit Transactional Fee,"
    "Credit Promotional Fee,Credit Term"
)
CODES = {
    "CHARGE": "T0006",
    "REFUND": "T1107",
    "CHARGEBACK": "T1201",
    "CHARGEBACK_REVERSAL": "T1202",
    "FEE": "T0106",
    "CURRENCY_CONVERSION": "T0200",
    "UNMAPPED": "T2299",
    "PAYOUT": "T0400",
}
ACTIVITY = (
    "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,Transaction ID,Reference Txn ID,Invoice Number,Balance,"
    "Balance Impact"
)
TYPES = {"CHARGE": "Express Checkout Payment", "REFUND": "Payment Refund", "PAYOUT": "General Withdrawal"}
MERCHANT = "HPMERCHANT01"


class PayPal(Account):
    """A balance in one currency, emptied to the bank at the end of every day (Pacific time)."""

    system = "paypal"
    zone_name = "America/Los_Angeles"
    lag = 0
    bank_days = (1, 3)
    party = "PAYPAL"
    file_has_total = True

    def line_id(self, kind: str) -> str:
        return scrambled(self.number(), 17)

    def new_payment_ref(self) -> str:
        return ""

    def charge(self, order, amount, at, payment_ref=""):
        line = super().charge(order, amount, at)
        # a payment is known by its transaction
        line.payment_ref = line.id
        return line

    def payout_ids(self, day: int) -> tuple[str, str]:
        number = self.number()
        return scrambled(number, 17), str(1_040_000_000_000 + number)

    def chargeback(self, charge: Line, at: int) -> Line:
        """The fee of a chargeback is a line of its own, about the chargeback."""
        line = self.follow("CHARGEBACK", charge, -charge.amount, at)
        self.book(Line("FEE", at + 1, self.line_id("FEE"), -2000, parent=line.id))
        return line

    def chargeback_reversal(self, charge: Line, at: int) -> Line:
        return self.follow("CHARGEBACK_REVERSAL", charge, charge.amount, at)

    def pays_on(self, day: int) -> bool:
        return True

    def take(self, day: int) -> list[Line]:
        """The lines of a day; what the balance does not cover waits until it does."""
        lines = super().take(day)
        if sum(line.net for line in lines) > 0:
            return lines
        for line in lines:
            if line.net < 0:
                line.at += DAY
                self.book(line)
        return [line for line in lines if line.net >= 0]

    def instant(self, day: int) -> int:
        return self.zone.start(day) + DAY - 1

    # the balance in the other currency
    sibling: "PayPal | None" = None

    def special_fault(self, name: str, payout: Payout) -> bool:
        if name != "currency_conversion" or self.sibling is None:
            return False
        out = self.odd_amount()
        at = self.zone.start(payout.closed + 1) + 9 * 3600
        convert(self, self.sibling, at, out, share(out, 900_000))
        return True


class Settlement:
    """The settlement reports of one PayPal account: a file a day with all its currencies."""

    def __init__(self, world, org: str, accounts: list[PayPal]) -> None:
        self.world, self.accounts = world, accounts
        self.folder = world.root / org / "paypal" / "settlement"
        self.days: dict[int, list[Payout]] = {}
        for account, sibling in zip(accounts, reversed(accounts), strict=True):
            account.sibling = sibling
            world.accounts.remove(account)
            account.write = self.collect  # type: ignore[method-assign]
        world.accounts.append(self)

    def collect(self, payout: Payout) -> None:
        """Remember a currency's payout for the file of its day."""
        payout.file = self.name(payout.closed)
        self.days.setdefault(payout.closed, []).append(payout)

    @staticmethod
    def name(day: int) -> str:
        """The name of the file of a day, which is made on the next one."""
        return f"STL-{iso(day + 1).replace('-', '')}.01.009.CSV"

    def close(self, day: int) -> None:
        """Close the day of every currency, then write the report."""
        for account in self.accounts:
            account.close(day)
        payouts = self.days.pop(day, [])
        if payouts:
            self.write(day, payouts)

    def write(self, day: int, payouts: list[Payout]) -> None:
        """One report. Its footers count every movement, whether its line is there or not."""
        zone = self.accounts[0].zone

        def stamp(at: int) -> str:
            return zone.with_offset(at).replace("-", "/", 2)

        start, end = zone.start(day), zone.start(day + 1) - 1
        file = Text(
            self.folder / self.name(day), "utf-8-sig" if self.world.has("dialects") and day % 7 == 0 else "utf-8"
        )
        file.write(f'"RH",{stamp(end + 8000)},"A","{MERCHANT}",009,\n"FH",01\n')
        file.write(f'"SH",{stamp(start)},{stamp(end)},"{MERCHANT}",""\n')
        file.write(",".join(['"CH"', *(f'"{name}"' for name in BODY)]) + "\n")
        footers, rows = [], 0
        for payout in payouts:
            credits = debits = fee_credits = fee_debits = 0
            lines = [*payout.lines, Line("PAYOUT", end, payout.id, -payout.amount)]
            for line in sorted(lines, key=lambda line: line.at):
                credits += max(line.amount, 0)
                debits += max(-line.amount, 0)
                fee_debits += max(line.fee, 0)
                fee_credits += max(-line.fee, 0)
                rows += 1
                if not line.hidden:
                    file.write(self.row(line, payout, stamp(line.at)))
            money = payout.currency
            totals = [implied(total, money) for total in (credits, debits, fee_credits, fee_debits)]
            # every balance begins and ends the day at nothing
            footers.append(",".join([f'"{money}"', *totals, *['"CR",0'] * 6]))
        counts = [len(payout.lines) + 1 for payout in payouts]
        for code in ("SF", "RF"):
            for footer, number in zip(footers, counts, strict=True):
                file.write(f'"{code}",{footer},{number}\n')
            file.write(f'"{"SC" if code == "SF" else "RC"}",{rows}\n')
        file.write('"FF",01\n')
        file.close()

    @staticmethod
    def row(line: Line, payout: Payout, at: str) -> str:
        """One movement."""
        money = payout.currency
        order = line.order_ref.removeprefix("#")
        fee = ('"DR"' if line.fee > 0 else '"CR"', implied(line.fee, money)) if line.fee else ('""', "")
        cells = [
            '"SB"',
            f'"{line.id}"',
            f'"{order}"',
            f'"{line.parent}"',
            '"TXN"' if line.parent else '""',
            f'"{CODES[line.kind]}"',
            at,
            at,
            '"CR"' if line.amount > 0 else '"DR"',
            implied(line.amount, money),
            f'"{money}"',
            *fee,
            f'"{money if line.fee else ""}"',
            f'"{order}"',
            '"C1"' if order else '""',
            '""',
            '""',
            f'"{payout.reference if line.kind == "PAYOUT" else ""}"',
            "",
            "",
            "",
        ]
        return ",".join(cells) + "\n"

    def finish(self) -> None:
        """Every day's file is closed already."""


def convert(source: PayPal, target: PayPal, at: int, out: int, back: int) -> None:
    """Change money of one balance into another currency: a pair of lines that name each other."""
    parent = source.line_id("CURRENCY_CONVERSION")
    source.book(Line("CURRENCY_CONVERSION", at, source.line_id("CURRENCY_CONVERSION"), -out, parent=parent))
    target.book(Line("CURRENCY_CONVERSION", at, target.line_id("CURRENCY_CONVERSION"), back, parent=parent))


class Activity(PayPal):
    """A small merchant's PayPal, who downloads the activity instead of the settlement report."""

    def __init__(self, *given) -> None:
        super().__init__(*given)
        world = self.world
        self.rows = Series(
            lambda first, last: f"Download_{iso(first)}.CSV",
            world.root / self.org / "paypal" / "activity",
            world.start,
            world.period,
        )
        self.rows.header = lambda _: ",".join(f'"{name}"' for name in ACTIVITY.split(",")) + "\n"
        self.rows.dialect = lambda number: ("utf-8-sig", "\r\n")

    def write(self, payout: Payout) -> None:
        file = self.rows.at(payout.closed)
        payout.file = self.rows.files[-1].name
        end = self.zone.start(payout.closed + 1) - 1
        balance = 0
        lines = sorted(payout.lines, key=lambda line: line.at)
        for line in [*lines, Line("PAYOUT", end, payout.id, -payout.amount)]:
            balance += line.net
            if not line.hidden:
                file.write(self.activity(line, balance))

    def activity(self, line: Line, balance: int) -> str:
        """One row of the download."""
        money = self.currency
        day = calendar(self.zone.day(line.at))
        cells = [
            f"{day:%m/%d/%Y}",
            self.zone.clock(line.at),
            "PST" if self.zone.offset(line.at) == -8 * 3600 else "PDT",
            "" if line.kind == "PAYOUT" else "Ann Example",
            TYPES[line.kind],
            "Completed",
            money,
            text(line.amount, money),
            text(-line.fee, money),
            text(line.net, money),
            line.id,
            line.parent,
            line.order_ref.removeprefix("#"),
            text(balance, money),
            "Credit" if line.net > 0 else "Debit",
        ]
        return ",".join(f'"{value}"' for value in cells) + "\n"

    def finish(self) -> None:
        self.rows.close()
