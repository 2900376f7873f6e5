"""The score is right itself: perfect marts give 100 per cent, and what is taken away or added is seen."""

from pathlib import Path

import duckdb
import pytest

from examples.payouts.score import main, score, share


def publish(made, folder: Path, without: str = "", extra: str = "", state: str = "") -> Path:
    """Marts that say what the key says, but for exceptions left out, one too many, or payouts judged otherwise."""
    (folder / "published").mkdir(parents=True)
    con = duckdb.connect(folder / "published" / "tieout.duckdb")
    con.execute("create schema marts")
    con.execute(
        """create table marts.exceptions as
        select row_number() over () as exception_id, org_id, 'ecommerce_payouts' as stream,
            split_part(anomaly, '|', 1) as anomaly, 'OPEN' as state, currency,
            cast(amount_minor as bigint) as amount_minor,
            'of file ' || coalesce(file, '') as explanation,
            case anomaly when 'SOURCE_DOES_NOT_ADD_UP' then 'x' else coalesce(id, other_ids) end
                as source_activity_id,
            null as target_activity_id
        from read_csv(?, header = true, all_varchar = true)
        where expected = 'must' and fault || anomaly not like ?""",
        [str(made.key / "findings.csv"), without or "-"],
    )
    if extra:
        con.execute(
            """insert into marts.exceptions values
            (0, 'harbour_pine', 'ecommerce_payouts', ?, 'OPEN', 'USD', 100, '', 'nobody', null)""",
            [extra],
        )
    con.execute(
        """create table marts.payout_tie_out as
        select org_id, system, payout_id, currency, cast(payout_date as date) as payout_date,
            columns('.*_minor')::bigint, split_part(state, '|', 1) as state
        from read_csv(?, header = true, all_varchar = true)""",
        [str(made.key / "payouts.csv")],
    )
    if state:
        con.execute("update marts.payout_tie_out set state = 'IN_TRANSIT' where state = ?", [state])
    con.close()
    return folder


def test_marts_that_say_what_the_key_says_are_perfect(faulty, tmp_path):
    folder, out = publish(faulty, tmp_path / "data"), tmp_path / "page.md"
    assert main(["--data-dir", str(folder), "--key", str(faulty.key), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert "100.00 %" in text
    assert "What is not right" not in text
    assert "| `TIED_OUT` | `TIED_OUT` |" in text


def test_what_is_missed_and_what_is_wrong_is_seen(faulty, tmp_path):
    folder = publish(faulty, tmp_path / "data", "settled_twice%", "FEE_VARIANCE", "NOT_ITEMISABLE")
    scores, payouts, _ = score(folder, faulty.key)
    assert len(scores["SETTLED_TWICE"].missed) == 2
    assert [one.ids for one in scores["FEE_VARIANCE"].wrong] == ["nobody"]
    assert payouts.states["NOT_ITEMISABLE", "IN_TRANSIT"] == 2
    assert len(payouts.faults) == 2
    others = [one for code, one in scores.items() if code not in ("SETTLED_TWICE", "FEE_VARIANCE")]
    assert not any(one.missed or one.wrong for one in others)
    out = tmp_path / "page.md"
    assert main(["--data-dir", str(folder), "--key", str(faulty.key), "--out", str(out)]) == 1
    assert "* missed `SETTLED_TWICE`" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(0, 0, "–"), (1, 3, "33.33 %"), (9999, 10000, "99.99 %"), (2, 2, "100.00 %")]
)
def test_shares_are_never_rounded_up(part, whole, text):
    assert share(part, whole) == text
