"""Stripe: itemised payout reconciliation (positive fees, `net = gross - fee`) and itemised payouts."""

from examples.payouts.clock import business_after, calendar, iso
from examples.payouts.ledger import Account, scrambled
from examples.payouts.money import text
from examples.payouts.records import Entry, Line, Payout
from examples.payouts.sink import Series, names

LINES = names(
    "automatic_payout_id,automatic_payout_effective_at,balance_transaction_id,created,available_on,currency,"
    "gross,fee,net,reporting_category,source_id,description,customer_facing_amount,customer_facing_currency,"
    "charge_id,payment_intent_id,payment_method_type,payment_metadata[order_id],trace_id,trace_id_status"
)
PAYOUTS = (
    "payout_id,effective_at,currency,gross,fee,net,reporting_category,balance_transaction_id,description,"
    "payout_expected_arrival_date,payout_status,payout_reversed_at,payout_type,payout_description,payout_destination_id,"
    "trace_id,trace_id_status"
)
CATEGORIES = {
    "CHARGE": "charge",
    "REFUND": "refund",
    "CHARGEBACK": "dispute",
    "CHARGEBACK_REVERSAL": "dispute_reversal",
    "RESERVE_HOLD": "risk_reserved_funds",
    "RESERVE_RELEASE": "risk_reserved_funds",
    "ADJUSTMENT": "other_adjustment",
    "FEE": "fee",
    "UNMAPPED": "harbour_levy",
}
PREFIXES = {"CHARGE": "ch", "REFUND": "re", "CHARGEBACK": "dp", "CHARGEBACK_REVERSAL": "dp"}
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"


class Stripe(Account):
    """The balance of one Stripe account in one currency, paid out every business day."""

    system = "stripe"
    bank_days = (0, 1)
    party = "STRIPE"

    def __init__(self, *given, headers: bool = True) -> None:
        super().__init__(*given)
        world, money = self.world, self.currency
        root = world.root / self.org / "stripe"
        self.rows = Series(
            lambda first, last: f"Itemised_payout_reconciliation_{money}_{iso(first)}_to_{iso(last)}_UTC.csv",
            root / "payout_reconciliation",
            0,
            0,
        )
        odd = lambda number: world.has("dialects") and number == 2  # noqa: E731
        self.columns = lambda number: LINES[::-1] if odd(number) else LINES
        self.rows.header = lambda number: ",".join(self.columns(number)) + "\n"
        self.rows.dialect = lambda number: ("utf-16", "\r\n") if odd(number) and money == "USD" else ("utf-8", "\n")
        if world.has("late_file") and money == "EUR" and headers:
            late = world.second / self.org / "stripe" / "payout_reconciliation"
            self.rows.folder_of = lambda number: late if number == 1 else self.rows.folder
        self.payouts = None
        if headers:
            self.payouts = Series(
                lambda first, last: f"Itemised_payouts_{money}_{iso(first)}_to_{iso(last)}_UTC.csv",
                root / "payouts",
                0,
                0,
            )
            self.payouts.header = lambda _: PAYOUTS + "\n"

    def line_id(self, kind: str) -> str:
        return f"txn_3{scrambled(self.number(), 14, DIGITS)}"

    def new_payment_ref(self) -> str:
        return f"pi_3{scrambled(self.number(), 14, DIGITS)}"

    def payout_ids(self, day: int) -> tuple[str, str]:
        number = self.number()
        return f"po_1{scrambled(number, 14, DIGITS)}", f"ST-{scrambled(number, 8)}"

    def payout_day(self, day: int) -> int:
        return business_after(day, 1)

    def dispute_fee(self) -> int:
        return 1500 if self.currency == "JPY" else 2000 if self.currency == "EUR" else 1500

    def close(self, day: int) -> None:
        if calendar(day).day == 2:
            # Stripe's own bill, about no payment
            amount = 399 if self.currency == "JPY" else 1000
            self.book(Line("FEE", self.instant(day), self.line_id("FEE"), -amount))
        super().close(day)

    def special_fault(self, name: str, payout: Payout) -> bool:
        if name == "payout_failed_retried":
            payout.status, payout.deposit = "failed", "none"
            at = self.instant(payout.closed + 4)
            back = self.book(Line("ADJUSTMENT", at, self.line_id("ADJUSTMENT"), payout.amount, code="payout_reversal"))
            back.parent = payout.id
            return True
        if name in ("manual_payout", "payout_without_lines") and self.payouts is not None:
            self.beside(payout, name)
            return True
        return False

    def beside(self, beside: Payout, fault: str) -> None:
        """One more payout, of money that no order of the shops is about; Stripe tells no lines of it."""
        id_, reference = self.payout_ids(beside.closed)
        amount = 40_000 + self.odd_amount() * 3
        payout = Payout(self.org, self.system, id_, self.currency, beside.closed, beside.day, amount, [], reference)
        payout.manual, payout.fault = fault == "manual_payout", fault
        payout.other_ids.append(reference)
        self.write(payout)
        if not payout.manual:
            self.report(payout)
        self.deliver(payout)

    def unexpected(self, payout: Payout) -> None:
        assert self.bank is not None
        amount = 90_000 + self.odd_amount() * 7
        entry = Entry(business_after(payout.day, 1), amount, self.party, self.payout_ids(0)[1])
        entry.fault = "deposit_without_payout"
        self.bank.expect(entry)

    def write(self, payout: Payout) -> None:
        if payout.lines:
            file = self.rows.at(payout.closed)
            payout.file = self.rows.files[-1].name
            for line in payout.lines:
                if not line.hidden:
                    row = self.row(line, payout, self.rows.number)
                    for _ in range(line.copies):
                        file.write(row)
        if self.payouts is not None:
            self.payouts.at(payout.closed).write(self.payout_row(payout))

    def row(self, line: Line, payout: Payout, number: int) -> str:
        """One balance transaction."""
        money = self.currency
        # one decimal more than any currency here has; the row still adds up
        more = ("." if money == "JPY" else "") + "5" if line.unreadable else ""
        charge = line.payment_ref.replace("pi_3", "ch_3")
        order = line.order_ref.removeprefix("#")
        values = {
            "automatic_payout_id": payout.id,
            "automatic_payout_effective_at": f"{iso(payout.day)} 00:00:00",
            "balance_transaction_id": line.id,
            "created": self.zone.local(line.at),
            "available_on": f"{iso(line.local_day + (self.lag if line.kind == 'CHARGE' else 0))} 00:00:00",
            "currency": money if number == 2 else money.lower(),
            "gross": text(line.amount, money) + more,
            "fee": text(line.fee, money),
            "net": text(line.net, money) + more,
            "reporting_category": line.code or CATEGORIES[line.kind],
            "source_id": line.parent
            if line.code
            else charge
            if line.kind == "CHARGE"
            else line.id.replace("txn_", PREFIXES[line.kind] + "_")
            if line.kind in PREFIXES
            else "",
            "description": self.description(line, order),
            "customer_facing_amount": text(line.amount, money) if order else "",
            "customer_facing_currency": money.lower() if order else "",
            "charge_id": charge,
            "payment_intent_id": line.payment_ref,
            "payment_method_type": line.method,
            "payment_metadata[order_id]": order,
            "trace_id": payout.reference,
            "trace_id_status": "supported",
        }
        return ",".join([values[name] for name in self.columns(number)]) + "\n"

    @staticmethod
    def description(line: Line, order: str) -> str:
        """What Stripe writes about a line."""
        if line.kind == "CHARGE":
            return f"Order {order}" if order else ""
        if line.kind == "REFUND":
            return '"REFUND FOR CHARGE, on request"'
        return {"CHARGEBACK": "Chargeback withdrawal", "FEE": "Billing - usage fee"}.get(line.kind, "")

    def payout_row(self, payout: Payout) -> str:
        """One payout: money sent to the bank is positive."""
        money = self.currency
        amount = text(payout.amount, money)
        failed = payout.status == "failed"
        status = "failed" if failed else "in_transit" if payout.day > self.world.last else "paid"
        cells = [
            payout.id,
            f"{iso(payout.day)} 00:00:00",
            money.lower(),
            amount,
            text(0, money),
            amount,
            "payout",
            payout.id.replace("po_1", "txn_1"),
            "STRIPE PAYOUT",
            f"{iso(payout.day)} 00:00:00",
            status,
            f"{iso(business_after(payout.day, 2))} 09:00:00" if failed else "",
            "bank_account",
            "MANUAL PAYOUT" if payout.manual else "STRIPE PAYOUT",
            f"ba_1HarbourPine{money}",
            payout.reference,
            "supported",
        ]
        return ",".join(cells) + "\n"

    def finish(self) -> None:
        self.rows.close()
        if self.payouts is not None:
            self.payouts.close()
