"""Adyen: one settlement detail report a batch; unsigned debit and credit columns, and the payout is a row itself."""

from itertools import count

from examples.payouts.clock import calendar
from examples.payouts.ledger import Account, scrambled
from examples.payouts.money import share, text
from examples.payouts.records import Line, Payout
from examples.payouts.sink import Text, cell, names

COLUMNS = names(
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,"
    "Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,"
    "Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),"
    "Payment Method Variant,Modification Merchant Reference,Batch Number,Reserved4,Reserved5,Reserved6,"
    "Reserved7,Reserved8,Reserved9,Reserved10"
)
# Columns move and are appended from one batch to the next.
MOVED = [*COLUMNS[:8], "Modification Merchant Reference", *COLUMNS[8:21], *COLUMNS[22:], "Booking Date", "Store"]
TYPES = {
    "CHARGE": "Settled",
    "REFUND": "Refunded",
    "CHARGEBACK": "Chargeback",
    "CHARGEBACK_REVERSAL": "ChargebackReversed",
    "RESERVE_HOLD": "DepositCorrection",
    "RESERVE_RELEASE": "DepositCorrection",
    "ADJUSTMENT": "InvoiceDeduction",
    "FEE": "Fee",
    "UNMAPPED": "HarbourLevy",
    "PAYOUT": "MerchantPayout",
    "ROLLING_BALANCE": "Balancetransfer",
}


class Adyen(Account):
    """One merchant account, with its own sequence of batches."""

    system = "adyen"
    lag = 1
    bank_days = (1, 2)
    party = "ADYEN N.V."
    file_has_total = True

    def __init__(self, *given, merchant: str, zone: str, word: str, first_batch: int) -> None:
        self.zone_name = zone
        super().__init__(*given)
        self.merchant, self.word = merchant, word
        self.batches = count(first_batch)
        self.folder = self.world.root / self.org / "adyen" / "settlement_details"
        self.written = 0

    def line_id(self, kind: str) -> str:
        return "QX" + scrambled(self.number(), 14)

    def new_payment_ref(self) -> str:
        return "85" + scrambled(self.number(), 14, "0123456789")

    def payout_ids(self, day: int) -> tuple[str, str]:
        transfer = f"TX{scrambled(self.number(), 11, '0123456789')}XT"
        batch = next(self.batches)
        return str(batch), f"{transfer} batch {batch}, {self.merchant}"

    def refund(self, charge: Line, amount: int, at: int) -> Line:
        return self.follow("REFUND", charge, -amount, at, 10)

    def unexpected(self, payout: Payout) -> None:
        """A transfer under the number of a batch that does not exist; the sequence of batches goes on."""
        before = self.batches
        self.batches = count(int(payout.id) + 900)
        super().unexpected(payout)
        self.batches = before

    def special_fault(self, name: str, payout: Payout) -> bool:
        if name != "balance_carried":
            return False
        self.add(payout, "ADJUSTMENT", -(payout.amount + self.odd_amount()))
        payout.deposit = "none"
        payout.status = "carried"
        owed = -payout.amount
        following = int(payout.id) + 1
        at = self.instant(payout.closed)
        payout.lines.append(Line("ROLLING_BALANCE", at, f"to batch {following}", owed, local_day=payout.closed))
        payout.amount = 0
        self.book(Line("ROLLING_BALANCE", at + 3600, f"from batch {payout.id}", -owed))
        return True

    def write(self, payout: Payout) -> None:
        self.written += 1
        # batches are numbered by merchant account, and paid out by currency
        payout.other_ids += [f"{self.merchant} {payout.id} {self.currency}", f"{self.merchant} {payout.id}"]
        payout.other_ids.append(payout.reference.split(",")[0])
        columns = MOVED if self.world.has("dialects") and self.written % 5 == 3 else COLUMNS
        payout.file = f"settlement_detail_report_batch_{payout.id}.csv"
        file = Text(self.folder / payout.file)
        file.write(",".join(columns) + "\n")
        at = self.instant(payout.closed)
        rows = [line for line in payout.lines if not line.hidden]
        if payout.status != "carried":
            rows.append(Line("PAYOUT", at + 300, payout.reference, -payout.amount))
        for line in rows:
            values = self.values(line, payout)
            file.write(",".join([values.get(name, "") for name in columns]) + "\n")
        file.close()

    def values(self, line: Line, payout: Payout) -> dict[str, str]:
        """One journal line of a batch."""
        money = self.currency
        values = {
            "Company Account": "HarbourPine",
            "Merchant Account": self.merchant,
            "Psp Reference": line.payment_ref,
            "Merchant Reference": line.order_ref.removeprefix("#"),
            "Payment Method": line.method,
            "Creation Date": self.zone.local(line.at),
            "TimeZone": self.word,
            "Type": TYPES[line.kind],
            "Modification Reference": cell(line.id),
            "Net Currency": money,
            "Payment Method Variant": line.method,
            "Batch Number": payout.id,
            "Booking Date": self.zone.local(line.at),
        }
        if line.payment_ref:
            side = "Gross Credit (GC)" if line.amount > 0 else "Gross Debit (GC)"
            values |= {"Gross Currency": money, side: text(abs(line.amount), money), "Exchange Rate": "1"}
        side = "Net Credit (NC)" if line.net > 0 else "Net Debit (NC)"
        values[side] = text(abs(line.net), money)
        if line.fee and line.kind == "CHARGE" and line.method == "visa":
            # the parts of the same fee, as interchange-plus-plus shows them
            interchange, scheme = share(line.fee, 500_000), share(line.fee, 200_000)
            values["Interchange (NC)"] = text(interchange, money)
            values["Scheme Fees (NC)"] = text(scheme, money)
            values["Markup (NC)"] = text(line.fee - interchange - scheme, money)
        elif line.fee:
            values["Commission (NC)"] = text(line.fee, money)
        return values

    def close(self, day: int) -> None:
        if self.pays_on(day) and self.pending:
            # the gateway's fee for each transaction, once a batch
            today = calendar(day)
            waiting = sum(1 for line in self.open if line.kind == "CHARGE")
            if waiting:
                name = f"Transaction Fees {today:%B} {today.day} {today.year}"
                self.book(Line("FEE", self.instant(day), name, -6 * waiting))
        super().close(day)
