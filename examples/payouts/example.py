"""The committed small world of `make run`; `python -m examples.payouts.example` writes it anew."""

import shutil
import tempfile
from datetime import date
from pathlib import Path

from examples.payouts.catalogue import chosen
from examples.payouts.world import Plan, make

FAULTS = "order_without_payment,charge_amount,fee_off,payout_line_missing,deposit_missing,chargeback_open"
# Ends so that the examples' clock, 2026-03-03T06:00:00Z, is its end.
PLAN = Plan(orders=48, days=28, seed=11, faults=chosen(FAULTS), start=date(2026, 2, 2), alone=True)
EXTRACTS = Path(__file__).resolve().parents[1] / "extracts"


def main() -> None:
    """Write the example over what is there; its key stays out of the extracts."""
    with tempfile.TemporaryDirectory() as folder:
        inbox = Path(folder) / "inbox"
        print(make(PLAN, inbox, Path(folder) / "key"))
        for part in sorted((inbox / PLAN.org).iterdir()):
            target = EXTRACTS / PLAN.org / part.name
            if part.name != "tieout" and target.exists():
                shutil.rmtree(target)
            shutil.copytree(part, target, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
