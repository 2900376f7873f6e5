"""The named faults: what is done to an otherwise right world, how often, and what Tieout must say to it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One named fault."""

    name: str
    # At what it is done: an order, a payout, a bank statement, or a file.
    grain: str
    # How often among a million orders; payouts, statements and files are few, so they get a plain count instead.
    share: int
    count: int
    # Where it can be done; blank: everywhere.
    systems: tuple[str, ...]
    # What must be found: anomaly codes; blank: nothing, the case is right and must pass.
    anomalies: tuple[str, ...]
    what: str


ITEMISED = ("shopify", "stripe", "adyen", "paypal", "amazon")
WITH_REFERENCE = ("shopify", "stripe", "adyen", "paypal")

FAULTS: tuple[Fault, ...] = (
    # ---- orders and their charges
    Fault("order_without_payment", "order", 400, 2, (), ("MISSING_PAYMENT",), "an order marked paid that no processor knows"),
    Fault("payment_without_order", "order", 400, 2, (), ("MISSING_ORDER",), "a charge whose order is not in the export"),
    Fault("charge_amount", "order", 400, 2, (), ("PRICE_MISMATCH",), "the charge has another amount than the order"),
    Fault("charge_currency", "order", 150, 1, ("stripe",), ("CURRENCY_MISMATCH",), "the charge is in another currency than the order"),
    Fault("fee_off", "order", 400, 2, ("shopify", "stripe", "adyen", "paypal", "square"), ("FEE_VARIANCE",), "the fee is not the contracted one"),
    Fault("refund_without_order", "order", 250, 1, ("shopify", "stripe", "adyen", "paypal"), ("REFUND_WITHOUT_ORDER",), "a refund that names no order of the shop"),
    Fault("chargeback_open", "order", 250, 2, ("stripe", "adyen", "paypal"), ("CHARGEBACK_OPEN",), "a chargeback that was never won back"),
    Fault("chargeback_reversed", "order", 250, 1, ("stripe", "adyen", "paypal"), (), "a chargeback that was won back"),
    Fault("settled_twice", "order", 200, 1, ("stripe", "adyen"), ("SETTLED_TWICE",), "one payment settled in two payouts"),
    Fault("duplicate_row", "order", 200, 1, ("stripe",), ("DUPLICATE_STRIPE",), "the same row twice in one file"),
    Fault("extra_decimals", "order", 60, 1, ("stripe",), ("REJECTED_STRIPE|MISSING_PAYMENT", "GROUP_INCOMPLETE|PAYOUT_DOES_NOT_ADD_UP"), "an amount with more decimals than its currency"),
    Fault("split_payment", "order", 200, 1, ("stripe",), (), "an order paid in two charges that add up to it"),
    Fault("gift_card_order", "order", 200, 1, (), (), "an order paid by gift card: no processor sees it"),
    Fault("voided_order", "order", 200, 1, (), (), "an order that was voided before it was paid"),
    Fault("cash_sale", "order", 200, 1, ("square",), (), "a cash sale at the till, in no deposit and in no shop order"),
    Fault("excel_order_ids", "order", 100, 1, ("adyen",), (), "the payment reference of an order in the export damaged by Excel"),
    # ---- payouts
    Fault("payout_line_missing", "payout", 0, 5, ITEMISED, ("PAYOUT_DOES_NOT_ADD_UP", "MISSING_PAYMENT"), "a line of a payout is not in the file"),
    Fault("payout_total_off", "payout", 0, 4, ("shopify", "stripe", "adyen", "amazon"), ("PAYOUT_DOES_NOT_ADD_UP",), "the payout is not the sum of its lines"),
    Fault("payout_header_missing", "payout", 0, 1, ("shopify",), ("MISSING_PAYOUT",), "lines name a payout that is not in the export"),
    Fault("unmapped_type", "payout", 0, 3, ("stripe", "adyen", "amazon"), ("GROUP_INCOMPLETE|PAYOUT_DOES_NOT_ADD_UP",), "a line of a kind that nobody has mapped"),
    Fault("deposit_missing", "payout", 0, 5, ("shopify", "stripe", "adyen", "paypal", "square"), ("MISSING_DEPOSIT",), "a payout that never reached the bank"),
    Fault("deposit_differs", "payout", 0, 4, WITH_REFERENCE, ("PRICE_MISMATCH",), "the bank received another amount than was paid out"),
    Fault("deposit_without_payout", "payout", 0, 3, ("stripe", "adyen", "paypal"), ("UNEXPECTED_DEPOSIT",), "a deposit of a processor that paid nothing out"),
    Fault("reserve_held_and_released", "payout", 0, 3, ("stripe", "adyen"), (), "a reserve held in one payout and released in another"),
    Fault("negative_payout", "payout", 0, 2, ("shopify", "stripe"), (), "a payout that the bank was debited for"),
    Fault("balance_carried", "payout", 0, 1, ("adyen",), (), "a negative batch, carried to the next one"),
    Fault("payout_failed_retried", "payout", 0, 1, ("stripe",), (), "a payout that failed; the next one carries its money"),
    Fault("manual_payout", "payout", 0, 2, ("stripe",), (), "a payout without an item list"),
    Fault("currency_conversion", "payout", 0, 1, ("paypal",), (), "a balance changed from one currency to another"),
    Fault("bank_text_bare", "payout", 0, 3, ("shopify", "stripe"), (), "a deposit whose text names no reference"),
    # ---- bank statements
    Fault("statement_does_not_continue", "statement", 0, 2, ("camt", "mt940", "bai2"), ("SOURCE_DOES_NOT_ADD_UP",), "a statement that does not open with the last one's closing balance"),
    Fault("statement_arithmetic", "statement", 0, 2, ("camt", "mt940"), ("SOURCE_DOES_NOT_ADD_UP",), "opening balance and movements do not give the closing balance"),
    Fault("control_total", "statement", 0, 1, ("bai2",), ("SOURCE_DOES_NOT_ADD_UP",), "the control total of an account is wrong"),
    Fault("sequence_gap", "statement", 0, 1, ("camt",), ("SOURCE_DOES_NOT_ADD_UP",), "a number is missing in the sequence of statements"),
    Fault("pending_entry", "statement", 0, 1, ("camt",), (), "an entry that is pending in one statement and booked in the next"),
    # ---- files
    Fault("duplicate_delivery", "file", 0, 1, ("stripe",), (), "a file delivered again under another name"),
    Fault("overlapping_export", "file", 0, 1, ("shopify",), (), "an export whose range overlaps another one's"),
    Fault("late_file", "file", 0, 1, ("stripe",), (), "a file that comes with the second delivery"),
    Fault("changed_reexport", "file", 0, 1, ("shopify",), (), "an order exported again, with a later state, in the second delivery"),
    Fault("dialects", "file", 0, 1, (), (), "byte order marks, UTF-16, CRLF, renamed and reordered headers"),
)

BY_NAME = {fault.name: fault for fault in FAULTS}


def chosen(text: str) -> tuple[Fault, ...]:
    """The faults that `--faults` names: `all`, `none`, or a list with commas."""
    if text == "all":
        return FAULTS
    names = [name.strip() for name in text.split(",") if name.strip() and name.strip() != "none"]
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        raise ValueError(f"--faults does not know {', '.join(unknown)}; it knows all, none, {', '.join(BY_NAME)}.")
    return tuple(fault for fault in FAULTS if fault.name in names)
