"""The command line: `python -m examples.payouts --orders 2000 --out inbox`."""

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from examples.payouts.catalogue import FAULTS, chosen
from examples.payouts.world import Plan, make


def main(arguments: list[str] | None = None) -> None:
    """Write a world."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.payouts",
        description="Write one world of payouts as the files of shops, processors and banks, and its answer key.",
    )
    parser.add_argument("--orders", type=int, default=2000, help="orders of all shops together (default 2000)")
    parser.add_argument("--days", type=int, default=60, help="days that they spread over (default 60)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same bytes (default 7)")
    parser.add_argument("--org", default=Plan.org, help=f"org of the main merchant (default {Plan.org})")
    parser.add_argument("--start", type=date.fromisoformat, default=Plan.start, help="first day (default 2026-01-01)")
    parser.add_argument("--alone", action="store_true", help="only the main org")
    parser.add_argument("--out", type=Path, help="inbox to write into")
    parser.add_argument("--key", type=Path, help="folder of the answer key (default: <out>_key)")
    parser.add_argument("--faults", default="all", help="all, none, or names with commas (default all)")
    parser.add_argument("--list-faults", action="store_true", help="name the faults and stop")
    given = parser.parse_args(arguments)
    if given.list_faults:
        for fault in FAULTS:
            print(f"{fault.name:28} {', '.join(fault.anomalies) or 'no finding':52} {fault.what}")
        return
    if given.out is None:
        parser.error("--out is missing: name the inbox to write into.")
    key = given.key or given.out.with_name(given.out.name + "_key")
    try:
        faults = chosen(given.faults)
        plan = Plan(given.orders, given.days, given.seed, faults, given.org, given.start, given.alone)
        summary = make(plan, given.out, key)
    except ValueError as fault:
        parser.error(str(fault))
    json.dump(summary, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
