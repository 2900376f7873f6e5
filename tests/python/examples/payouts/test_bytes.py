"""The same seed gives the same bytes; another one others. The committed example is what the command makes."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from examples.payouts.__main__ import main
from examples.payouts.catalogue import chosen
from examples.payouts.example import FAULTS, PLAN
from examples.payouts.world import Plan, make

EXTRACTS = Path(__file__).resolve().parents[4] / "examples" / "extracts"
FEEDS = ("shopify", "stripe", "adyen", "paypal", "amazon", "square", "bank")


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes(world, tmp_path):
    made = world("all")
    again = tmp_path / "inbox"
    make(Plan(2000, 60, 7, chosen("all")), again, tmp_path / "key")
    assert contents(again) == contents(made.out)
    assert contents(tmp_path / "inbox_second") == contents(made.second)
    assert contents(tmp_path / "key") == contents(made.key)
    make(Plan(2000, 60, 8, chosen("all")), tmp_path / "other", tmp_path / "other_key")
    assert contents(tmp_path / "other") != contents(made.out)


def test_the_committed_example_is_what_the_command_makes(tmp_path):
    make(PLAN, tmp_path / "inbox", tmp_path / "key")
    for system in FEEDS:
        assert contents(tmp_path / "inbox" / PLAN.org / system) == contents(EXTRACTS / PLAN.org / system), system
    made = tmp_path / "inbox" / PLAN.org / "tieout" / "policies" / "policies_payouts.csv"
    assert made.read_bytes() == (EXTRACTS / PLAN.org / "tieout" / "policies" / made.name).read_bytes()
    assert PLAN.faults == chosen(FAULTS)


def test_the_committed_example_is_small():
    sizes = [
        path.stat().st_size for system in FEEDS for path in (EXTRACTS / PLAN.org / system).rglob("*") if path.is_file()
    ]
    assert sum(sizes) < 200_000
    formats = {path.suffix for path in (EXTRACTS / PLAN.org / "bank" / "statement").iterdir()}
    assert {".xml", ".sta", ".bai"} <= formats


def test_a_larger_world_of_another_start(tmp_path, capsys):
    out = tmp_path / "inbox"
    main(["--orders", "300", "--days", "20", "--start", "2026-05-04", "--alone", "--out", str(out)])
    assert '"orders": 300' in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {"harbour_pine"}
    assert date(2026, 5, 4).isoformat() in " ".join(path.name for path in out.rglob("*"))


def test_wrong_arguments_are_explained(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--orders", "3", "--out", str(tmp_path / "inbox")])
    assert "--days must be at least 14 and --orders 20" in capsys.readouterr().err
