"""Marks of amounts, implied decimals, shapes of dates, times in parts, blanks filled from above and kinds from codes:
each text is read the same on every engine, or refused with its reason.
"""

from typing import Any

import pytest

from tests.python.feeds import odd_feeds as odd
from tests.python.feeds.conftest import MakeFeedFolder
from tests.python.feeds.folder import FeedFolder
from tests.python.laws.conftest import in_one_worker


@pytest.fixture(scope="module", params=in_one_worker("odd-texts"))
def read(
    request: pytest.FixtureRequest, make_feed_folder: MakeFeedFolder, tmp_path_factory: pytest.TempPathFactory
) -> FeedFolder:
    """All odd texts, landed and staged once an engine."""
    folder = make_feed_folder(odd.odd_project(tmp_path_factory.mktemp("odd") / "project"), request.param)
    for org, feed, cases, mark in (
        ("o", "amounts", odd.AMOUNTS, ";"),
        ("german", "amounts", odd.GERMAN, ";"),
        ("o", "digits", odd.DIGITS, ","),
    ):
        lines = [mark.join([str(n), ccy, text]) for n, (ccy, text) in enumerate(cases)]
        folder.put(f"{org}/odd/{feed}/a.csv", "\n".join([mark.join(["id", "ccy", "value"]), *lines, ""]))
    folder.put("other/odd/digits/a.csv", "id,ccy,value,note\n1,,100,\n2,EUR,100,a note\n")
    times = ["id,american,booked_on,day,clock,zone,universal,tokyo"]
    times += [f"a{n},{text},,2026-03-04,12:00,,," for n, text in enumerate(odd.AMERICAN)]
    times += [f"d{n},,{text},2026-03-04,12:00,,," for n, text in enumerate(odd.DAYS)]
    times += [f"p{n},,,{','.join(parts)},," for n, parts in enumerate(odd.PARTS)]
    times += [
        "z1,,,2026-03-04,12:00,,2026-03-04 12:00:00,2026-03-04 12:00:00",
        "z2,,,2026-03-04,12:00,,2026-03-04T12:00Z,",
    ]
    folder.put("o/odd/times/a.csv", "\n".join([*times, ""]))
    folder.put("o/odd/lines/a.csv", odd.LINES)
    wholes = [";".join(parts) for parts in odd.WHOLES]
    folder.put("o/odd/wholes/a.csv", "\n".join(["store;till;number", *wholes, ""]))
    assert folder.land().failed_files == 0
    folder.build("staging", "leg_kinds", "zone_aliases", "currencies")
    return folder


def reasons(folder: FeedFolder, feed: str, org: str = "o") -> dict[str, str]:
    """Why records are rejects, by their id."""
    query = f"select record_id, reasons from staging.rejected_odd__{feed} where org_id = '{org}'"
    return dict(folder.rows(query))


@pytest.mark.parametrize(
    ("org", "feed", "cases"),
    [("o", "amounts", odd.AMOUNTS), ("german", "amounts", odd.GERMAN), ("o", "digits", odd.DIGITS)],
)
def test_amounts(read: FeedFolder, org: str, feed: str, cases: dict[tuple[str, str], Any]) -> None:
    query = f"select id, value_minor, is_valid from staging.stg_odd__{feed} where org_id = '{org}'"
    refused = reasons(read, feed, org)
    found = {}
    for number, minor, is_valid in read.rows(query):
        assert is_valid == (number not in refused)
        found[list(cases)[int(number)]] = minor if is_valid else refused[number].split(": ")[1].split(";")[0]
    assert found == cases


def test_what_is_refused_is_shown_as_delivered(read: FeedFolder) -> None:
    query = (
        "select value from staging.rejected_odd__amounts where org_id = 'o' and reasons = 'value: unreadable_amount'"
    )
    assert sorted(row[0] for row in read.rows(query)) == sorted(
        text for (_, text), answer in odd.AMOUNTS.items() if answer == "unreadable_amount"
    )
    query = "select value from staging.rejected_odd__times where reasons = 'happened_at: unknown_time_zone'"
    assert sorted(read.rows(query)) == [("2026-03-04 12:00 IST",), ("2026-03-04 12:00 Mars/Olympus",)]


def test_times(read: FeedFolder) -> None:
    rows = read.rows("select id, american, is_valid from staging.stg_odd__times where id like 'a%'")
    found = {list(odd.AMERICAN)[int(number[1:])]: str(at) if fine else None for number, at, fine in rows}
    assert found == odd.AMERICAN
    rows = read.rows("select id, booked_on, is_valid from staging.stg_odd__times where id like 'd%'")
    assert {list(odd.DAYS)[int(n[1:])]: str(day) if fine else None for n, day, fine in rows} == odd.DAYS


def test_a_column_has_a_zone_of_its_own(read: FeedFolder) -> None:
    rows = read.rows("select id, universal, tokyo from staging.stg_odd__times where id like 'z%' order by id")
    assert [(number, str(universal), str(tokyo)) for number, universal, tokyo in rows] == [
        ("z1", "2026-03-04 12:00:00", "2026-03-04 03:00:00"),
        ("z2", "2026-03-04 12:00:00", "None"),
    ]


def test_blanks_mean_what_the_feed_says(read: FeedFolder) -> None:
    query = "select id, ccy, value_minor, note from staging.stg_odd__digits where org_id = 'other' order by id"
    assert read.rows(query) == [("1", "JPY", 1, "it's nothing"), ("2", "EUR", 100, "a note")]
    query = "select distinct note from staging.stg_odd__digits where org_id = 'o'"
    assert read.rows(query) == [("none given",)]


def test_times_in_parts(read: FeedFolder) -> None:
    refused = reasons(read, "times")
    found: dict[tuple[str, str, str], Any] = {}
    for number, at, day, local, fine in read.rows(
        "select id, happened_at, business_date, local_at, is_valid from staging.stg_odd__times where id like 'p%'"
    ):
        texts = tuple(str(value).rstrip("0") if "." in str(value) else str(value) for value in (at, day, local))
        found[list(odd.PARTS)[int(number[1:])]] = texts if fine else refused[number]
    assert found == odd.PARTS


def test_ids_of_several_columns(read: FeedFolder) -> None:
    rows = read.rows("select row_number, whole, is_valid from staging.stg_odd__wholes")
    assert {list(odd.WHOLES)[number - 1]: whole for number, whole, _ in rows} == odd.WHOLES
    assert all(is_valid == (whole is not None) for _, whole, is_valid in rows)
    refused = read.rows(
        "select record_id, column_name, value, reasons from staging.rejected_odd__wholes order by row_number"
    )
    assert refused == [(None, "whole", "a c", "whole: missing_id"), (None, "whole", "a b", "whole: missing_id")]


def test_blanks_filled_from_above_and_kinds(read: FeedFolder) -> None:
    refused = reasons(read, "lines")
    found: dict[str, Any] = {}
    for number, ccy, total, sold_at, continues, kind, fine in read.rows(
        "select line, ccy, total_minor, sold_at, is_continuation, kind, is_valid from staging.stg_odd__lines"
    ):
        found[number] = (ccy, total, str(sold_at), continues, kind) if fine else refused[number]
    assert found == odd.LINES_READ
    values = dict(read.rows("select record_id, value from staging.rejected_odd__lines"))
    assert values["9"] == "nothing | item | "
