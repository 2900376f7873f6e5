"""The world: its orgs with their shops, processors and banks, and its days, one after the other."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

from examples.payouts.bank import Bank
from examples.payouts.catalogue import BY_NAME, Fault
from examples.payouts.clock import DAY, business_after, day_number
from examples.payouts.faults import Schedule
from examples.payouts.fees import Contracts
from examples.payouts.formats import ALL
from examples.payouts.key import Key
from examples.payouts.ledger import Account
from examples.payouts.processors.adyen import Adyen
from examples.payouts.processors.amazon import Amazon
from examples.payouts.processors.paypal import Activity, PayPal, Settlement
from examples.payouts.processors.shopify import ShopifyPayments
from examples.payouts.processors.square import Square
from examples.payouts.processors.stripe import Stripe
from examples.payouts.records import Order, Payout
from examples.payouts.shop import Shop

# A small merchant in Germany, and one whose bank has not delivered yet.
SMALL_ORG, LATE_ORG = "pier_four", "late_lane"


@dataclass(frozen=True)
class Plan:
    """What world to make."""

    orders: int
    days: int
    seed: int
    faults: tuple[Fault, ...]
    org: str = "harbour_pine"
    start: date = date(2026, 1, 1)
    # only the main org
    alone: bool = False


class World:
    """Everything that happens, written as it happens: memory holds only what is not settled yet."""

    def __init__(self, plan: Plan, out: Path, key: Path) -> None:
        if plan.days < 14 or plan.orders < 20:
            raise ValueError(f"--days must be at least 14 and --orders 20, not {plan.days} and {plan.orders}.")
        self.plan, self.org = plan, plan.org
        self.root, self.second = out, out.with_name(out.name + "_second")
        self.start = day_number(plan.start)
        self.last = self.start + plan.days - 1
        # Amazon's settlement period, and the days that an export covers
        self.cycle = 14 if plan.days >= 42 else 7
        self.period = 7 if plan.days >= 42 else 14
        self.grace_days = self.cycle + 2
        # the last day on which a fault is still overdue at the end
        self.fault_until = self.last - self.grace_days - 5
        self.random = Random(plan.seed)
        self.contracts = Contracts()
        self.key = Key(key)
        self.key_folder = key
        self.accounts: list[Any] = []
        self.banks: list[Bank] = []
        self.shops: list[tuple[Shop, int]] = []
        self.payouts: dict[int, Payout] = {}
        self._account_number = 0
        per_day = plan.orders / plan.days
        first, last = int(per_day * 1), int(per_day * (self.fault_until - self.start))
        self.schedule = Schedule(plan.faults, plan.orders, first, max(last, first + 2), self.random)
        self.formats: list[Any] = []
        self.build()

    # ---- the cast

    def build(self) -> None:
        """The orgs with their accounts and shops."""
        org = self.org
        usd, cards = self.bank("bai2", org, "000123456789", "USD"), self.bank("chase", org, "000987654321", "USD")
        eur, euro = (
            self.bank("camt", org, "DE02100100109307118603", "EUR"),
            self.bank("mt940", org, "NL91ABNA0417164300", "EUR"),
        )
        yen = self.bank("ofx", org, "7654321", "JPY")

        east, tokyo, berlin = "America/New_York", "Asia/Tokyo", "Europe/Berlin"
        shopify_us = ShopifyPayments(self, org, "USD", usd, zone=east, shop="US")
        shopify_jp = ShopifyPayments(self, org, "JPY", yen, zone=tokyo, shop="JP")
        stripe_us, stripe_eu, stripe_jp = (
            Stripe(self, org, money, bank) for money, bank in (("USD", usd), ("EUR", eur), ("JPY", yen))
        )
        adyen_eu = Adyen(self, org, "EUR", eur, merchant="HARBOURPINE_EU", zone=berlin, word="CET", first_batch=501)
        adyen_jp = Adyen(self, org, "JPY", yen, merchant="HARBOURPINE_JP", zone=tokyo, word="JST", first_batch=2001)
        paypal_us, paypal_eu = PayPal(self, org, "USD", cards), PayPal(self, org, "EUR", euro)
        Settlement(self, org, [paypal_us, paypal_eu])
        amazon = Amazon(self, org, "USD", cards, marketplace="Amazon.com", first_settlement=26_100_000_001)
        square = Square(self, org, "USD", cards)

        us = [(shopify_us, 8), (stripe_us, 4), (paypal_us, 3), (amazon, 3), (square, 3)]
        shop_us = Shop(self, org, "US", "USD", east, us)
        shop_us.foreign = stripe_eu
        shop_eu = Shop(self, org, "EU", "EUR", berlin, [(adyen_eu, 5), (stripe_eu, 2), (paypal_eu, 3)])
        shop_jp = Shop(self, org, "JP", "JPY", tokyo, [(shopify_jp, 4), (stripe_jp, 3), (adyen_jp, 3)])
        self.shops = [(shop_us, 55), (shop_eu, 27), (shop_jp, 13)]
        if not self.plan.alone:
            self.build_others()

    def build_others(self) -> None:
        """A small org with decimal commas, and one without a bank."""
        bank = self.bank("sparkasse", SMALL_ORG, "DE21500500009876543210", "EUR")
        money: list[tuple[Account, int]] = [
            (Activity(self, SMALL_ORG, "EUR", bank), 3),
            (Stripe(self, SMALL_ORG, "EUR", bank, headers=False), 1),
            (
                Amazon(
                    self, SMALL_ORG, "EUR", bank, marketplace="Amazon.de", first_settlement=18_400_000_001, comma=True
                ),
                2,
            ),
        ]
        self.shops.append((Shop(self, SMALL_ORG, "PF", "EUR", "Europe/Berlin", money), 4))
        late = ShopifyPayments(self, LATE_ORG, "USD", None, zone="America/New_York", shop="LL", narrow=True)
        self.shops.append((Shop(self, LATE_ORG, "LL", "USD", "America/New_York", [(late, 1)]), 1))

    def bank(self, name: str, org: str, account: str, currency: str) -> Bank:
        """A bank account and its statements' format."""
        length = {"camt": 1 if self.period == 7 else 7, "bai2": 1, "mt940": 7, "ofx": 7}.get(name, 0)
        stem = f"{name}_{currency}" if name not in ("chase", "sparkasse") else account[-4:]
        # weeks begin on Monday, and no account has two days in one BAI2 file
        monday = self.start - (self.start + 3) % 7
        writer = ALL[name](self.root / org / "bank" / "statement", stem, monday, length)
        self.formats.append(writer)
        return Bank(self, org, account, currency, writer)

    def account_number(self) -> int:
        """A number for each account, so that their ids differ."""
        self._account_number += 1
        return self._account_number

    def has(self, fault: str) -> bool:
        """Whether a fault is wanted."""
        return fault in self.schedule.names

    # ---- the days

    def run(self) -> dict[str, Any]:
        """Live through all days and write the summary."""
        plan = self.plan
        shops = [shop for shop, weight in self.shops for _ in range(weight)]
        span, number = plan.days * DAY, 0
        for day in range(self.start, self.last + 1):
            end = (day - self.start + 1) * plan.orders // plan.days
            while number < end:
                at = self.start * DAY + number * span // plan.orders + self.random.randrange(20)
                fault = self.schedule.of_order.get(number, "")
                shop = shops[self.random.randrange(len(shops))]
                if fault:
                    shop = self.shop_for(fault)
                shop.sell(at, fault)
                number += 1
            # in the west of Greenwich the day before is over only now
            self.close(day - 1)
        self.close(self.last)
        for bank in self.banks:
            bank.close(self.last + 1)
        return self.finish()

    def shop_for(self, fault: str) -> Shop:
        """A shop of the main org where a fault can be done."""
        systems = BY_NAME[fault].systems
        own = [shop for shop, _ in self.shops if shop.org == self.org and shop.takes(systems)]
        if fault == "charge_currency":
            own = [shop for shop in own if shop.foreign is not None]
        return own[self.random.randrange(len(own))]

    def close(self, day: int) -> None:
        """The end of a day in every zone: processors close it, then the banks."""
        for account in self.accounts:
            account.close(day)
        for bank in self.banks:
            bank.close(day)

    def next_business(self, day: int) -> int:
        """The business day after a day."""
        return business_after(day, 1)

    # ---- payouts on their way

    def open_payout(self, payout: Payout) -> None:
        """Remember a payout until the bank has it."""
        self.payouts[id(payout)] = payout

    def resolve(self, payout: Payout) -> None:
        """A payout has come to its end: into the key with it and its orders."""
        del self.payouts[id(payout)]
        if not payout.headless:
            self.key.payout(payout)
        self.ways(payout)
        payout.lines = []

    # ---- faults

    def payout_fault(self, account: Account, day: int) -> str:
        """The fault of an account's next payout."""
        if account.org != self.org or not self.start + 3 <= day <= self.fault_until:
            return ""
        return self.schedule.payout(account.system, f"{account.system} {account.currency}")

    def give_back(self) -> None:
        """The last fault could not be done where it was its turn."""
        self.schedule.give_back()

    def statement_fault(self, bank: Bank, day: int) -> str:
        """The fault of a bank's next statement."""
        if bank.org != self.org or not self.start + 3 <= day <= self.fault_until:
            return ""
        return self.schedule.statement(bank.writer.name)

    def statement_finding(self, bank: Bank, fault: str, file: str, amount: int, names: list[str]) -> None:
        """What Tieout must find in a statement."""
        for code in BY_NAME[fault].anomalies:
            money = bank.currency
            shown = 700 if fault == "control_total" else None if fault == "sequence_gap" else amount
            self.key.finding(bank.org, code, "bank", file, shown, money, fault, names, file)

    def order_finding(
        self, org: str, code: str, order: Order, amount: int, fault: str, others: list[str] | None = None
    ) -> None:
        """What Tieout must find in an order; an order is known by its name, with or without its mark, and by its id."""
        names = [order.name.removeprefix("#"), order.id, *(others or [])]
        self.key.finding(org, code, "shopify", order.name, amount, order.currency, fault, names)

    # ---- the end

    def finish(self) -> dict[str, Any]:
        """Write what is still open, the policies and the summary."""
        for account in self.accounts:
            account.finish()
        for shop, _ in self.shops:
            shop.finish()
        for writer in self.formats:
            writer.finish()
        states = {LATE_ORG: "FEED_LATE"}
        for payout in list(self.payouts.values()):
            self.resolve_open(payout, states.get(payout.org, ""))
        for account in [*self.accounts, *(a for s in self.accounts if isinstance(s, Settlement) for a in s.accounts)]:
            for line in getattr(account, "open", []):
                if line.kind == "CHARGE":
                    self.key.order(account.org, line.order, line, None, account.system)
        self.deliveries()
        self.policies()
        self.key.close()
        return self.summary()

    def resolve_open(self, payout: Payout, state: str) -> None:
        """A payout that the bank does not have at the end."""
        self.payouts.pop(id(payout))
        if not payout.headless:
            self.key.payout(payout, state)
        self.ways(payout)

    def ways(self, payout: Payout) -> None:
        """The orders of a payout, as far as its file tells them."""
        for line in payout.lines:
            if line.kind != "CHARGE":
                continue
            order = line.order if line.order and line.order.fault != "payment_without_order" else None
            if line.hidden or line.unreadable:
                self.key.order(payout.org, order, None, None, "")
            else:
                self.key.order(payout.org, order, line, payout, payout.system)

    def deliveries(self) -> None:
        """The faults of whole files, as far as the world was large enough to show them."""
        folder = self.root / self.org / "stripe" / "payout_reconciliation"
        files = sorted(folder.glob("*_USD_*.csv")) or sorted(folder.glob("*.csv"))
        if self.has("duplicate_delivery") and files:
            shutil.copyfile(files[0], folder / f"resent_{files[0].name}")
            self.key.inject("duplicate_delivery")
        if any(shop.export.overlapped for shop, _ in self.shops):
            self.key.inject("overlapping_export")
        if (self.second / self.org / "stripe").exists():
            self.key.inject("late_file")
        if self.has("dialects"):
            self.key.inject("dialects")

    def policies(self) -> None:
        """How long a record may wait: an order at Amazon waits for the end of a settlement period."""
        for org in sorted({shop.org for shop, _ in self.shops}):
            folder = self.root / org / "tieout" / "policies"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "policies_payouts.csv").write_text(
                "stream,counterparty_id,price_abs_minor,price_pct,skew_seconds,grace_minutes,valid_from\n"
                f"ecommerce_payouts,,0,0,,{self.grace_days * 1440},\n",
                encoding="utf-8",
            )

    def summary(self) -> dict[str, Any]:
        """What was made, also as `summary.json` in the key."""
        as_of = (self.last + 2) * DAY + 6 * 3600
        summary = {
            "org": self.org,
            "orders": self.plan.orders,
            "days": self.plan.days,
            "seed": self.plan.seed,
            "as_of": _instant(as_of),
            "first_as_of": _instant(as_of - 3600) if self.second.exists() else _instant(as_of),
            "second_delivery": self.second.exists(),
            "files": sum(1 for path in self.root.rglob("*") if path.is_file()),
            "payout_legs": self.key.leg_count,
            "faults": dict(sorted(self.key.injected.items())),
            "findings": dict(sorted(self.key.counts.items())),
            "payouts": dict(sorted(self.key.states.items())),
        }
        (self.key_folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        return summary


def _instant(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def make(plan: Plan, out: Path, key: Path) -> dict[str, Any]:
    """Write a world and its key; the summary."""
    second = out.with_name(out.name + "_second")
    if second.exists():
        shutil.rmtree(second)
    return World(plan, out, key).run()
