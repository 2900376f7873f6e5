"""The answer key: what must be found, what every payout comes to, and every order's way to the bank."""

import csv
from pathlib import Path

from examples.payouts.catalogue import BY_NAME
from examples.payouts.clock import iso
from examples.payouts.records import Entry, Line, Order, Payout
from examples.payouts.sink import names

FINDINGS = names("org_id,anomaly,system,id,other_ids,amount_minor,currency,fault,expected,file")
PAYOUTS = names(
    "org_id,system,payout_id,currency,payout_date,gross_minor,refunds_minor,fees_minor,chargebacks_minor,"
    "reserves_minor,adjustments_minor,net_minor,payout_minor,deposit_id,deposit_minor,difference_minor,state,"
    "other_ids,file,fault,expected"
)
ORDERS = names(
    "org_id,order_name,order_id,ordered_minor,currency,charge_system,charge_id,payment_ref,charge_minor,"
    "charge_currency,payout_id,payout_date,deposit_id,deposit_date,state"
)
COLUMN_OF = {
    "CHARGE": "gross",
    "REFUND": "refunds",
    "FEE": "fees",
    "FEE_TAX": "fees",
    "CHARGEBACK": "chargebacks",
    "CHARGEBACK_REVERSAL": "chargebacks",
    "RESERVE_HOLD": "reserves",
    "RESERVE_RELEASE": "reserves",
}


def legs(line: Line) -> list[tuple[str, int]]:
    """The kinds and signed amounts of a line, as legs."""
    if line.parts is not None:
        return [(kind, amount) for _, _, _, amount, kind in line.parts]
    found = [(line.kind, line.amount)] if line.amount else []
    return [*found, ("FEE", -line.fee)] if line.fee else found


class Key:
    """Writes the three files of the key as the world goes on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._files = []
        self.findings = self._open(folder / "findings.csv", FINDINGS)
        self.payouts = self._open(folder / "payouts.csv", PAYOUTS)
        self.orders = self._open(folder / "orders.csv", ORDERS)
        self.counts: dict[str, int] = {}
        self.states: dict[str, int] = {}
        self.injected: dict[str, int] = {}
        self.leg_count = 0

    def _open(self, path: Path, header: list[str]):
        file = path.open("w", encoding="utf-8", newline="", buffering=1 << 18)
        self._files.append(file)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        return writer

    def inject(self, fault: str) -> None:
        """Count a fault that was done."""
        assert fault in BY_NAME, fault
        self.injected[fault] = self.injected.get(fault, 0) + 1

    def finding(
        self,
        org: str,
        anomaly: str,
        system: str,
        id_: str,
        amount: int | None,
        currency: str,
        fault: str,
        others: tuple[str, ...] | list[str] = (),
        file: str = "",
    ) -> None:
        """One expected exception. An anomaly `A|B` may be called either; `?A` may be found, but need not."""
        expected = "may" if anomaly.startswith("?") else "must"
        code = anomaly.removeprefix("?")
        others = " ".join(dict.fromkeys(other.replace(" ", "_") for other in others if other and other != id_))
        self.findings.writerow([org, code, system, id_, others, amount, currency, fault, expected, file])
        if expected == "must":
            first = code.split("|")[0]
            self.counts[first] = self.counts.get(first, 0) + 1

    def order(self, org: str, order: Order | None, line: Line | None, payout: Payout | None, system: str) -> None:
        """The way of one charge, or of an order without any; `order` is None where the shop does not know it."""
        known = [order.name, order.id, order.total, order.currency] if order else ["", "", "", ""]
        charge = [system, line.id, line.payment_ref, line.amount] if line else ["", "", "", ""]
        if payout is None:
            way = ["", "", "", "", "", "OPEN" if line else "NO_PAYMENT"]
        else:
            deposited = payout.deposit_minor is not None
            way = [
                payout.currency,
                payout.id,
                iso(payout.day),
                payout.deposit_id,
                iso(payout.deposit_day) if deposited else "",
                "DEPOSITED" if deposited else "PAID_OUT",
            ]
        self.orders.writerow([org, *known, *charge, *way])

    def payout(self, payout: Payout, state: str = "") -> None:
        """One payout with what its visible lines come to."""
        sums = dict.fromkeys(("gross", "refunds", "fees", "chargebacks", "reserves", "adjustments"), 0)
        for line in payout.lines:
            if line.hidden or line.unreadable or line.kind == "UNMAPPED":
                continue
            for kind, amount in legs(line):
                sums[COLUMN_OF.get(kind, "adjustments")] += amount
                self.leg_count += 1
        net = sum(sums.values())
        deposit = payout.deposit_minor
        if not state:
            if payout.manual:
                state = "NOT_ITEMISABLE"
            elif payout.status == "carried":
                state = "TIED_OUT"
            elif net != payout.amount:
                state = "LINES_DO_NOT_ADD_UP"
            elif payout.status == "failed":
                state = "TIED_OUT|IN_TRANSIT"
            elif deposit is None:
                state = "DEPOSIT_MISSING" if payout.deposit == "missing" else "IN_TRANSIT"
            else:
                state = "TIED_OUT" if deposit == payout.amount else "DEPOSIT_DIFFERS"
        difference = 0
        if state == "LINES_DO_NOT_ADD_UP":
            difference = payout.amount - net
        elif state == "DEPOSIT_DIFFERS":
            assert deposit is not None
            difference = payout.amount - deposit
        first = state.split("|")[0]
        self.states[first] = self.states.get(first, 0) + 1
        self.payouts.writerow(
            [
                payout.org,
                payout.system,
                payout.id,
                payout.currency,
                iso(payout.day),
                *sums.values(),
                net,
                payout.amount,
                payout.deposit_id,
                deposit,
                difference,
                state,
                " ".join(other.replace(" ", "_") for other in payout.other_ids if other),
                payout.file,
                payout.fault,
                # a batch that is carried to the next one has no payout, or one of nothing
                "may" if payout.status == "carried" else "must",
            ]
        )

    def unexpected(self, org: str, entry: Entry, currency: str) -> None:
        """A deposit that nothing explains."""
        anomaly = BY_NAME[entry.fault].anomalies[0]
        # what is behind a comma is not part of the reference
        names = (entry.reference, entry.reference.split(",")[0])
        self.finding(org, anomaly, "bank", entry.id, entry.amount, currency, entry.fault, names)

    def close(self) -> None:
        """Finish the files."""
        for file in self._files:
            file.close()
