"""The generator: the same bytes from the same seed, and an answer key that a slow check in plain Python agrees with."""

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from examples.generate import CHANGES, KINDS, Size, generate
from tests.python.oracle import Delivery, answer

SIZE = Size(rows=1500, days=3, seed=11)


def deliveries(inbox: Path, received_at: datetime) -> list[Delivery]:
    """The files of an inbox as the oracle takes them; lines with a wrong number of fields are no records."""
    found = []
    for file in sorted(inbox.glob("*/*/*/*.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            header, *rows = csv.reader(lines)
        read = tuple(dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header))
        found.append(Delivery("/".join(file.parts[-3:-1]), received_at, read, tuple(header), file.name))
    return found


def keyed(key: Path) -> Counter[tuple[object, ...]]:
    """The rows of an answer key as a bag."""
    rows = duckdb.sql(
        f"""select step, result, anomalies, source_id, target_id, source_amount, target_amount, ordinal
        from '{key}/key.parquet'"""
    ).fetchall()
    return Counter(rows)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both deliveries of a small extract."""
    root = tmp_path_factory.mktemp("generated")
    generate(SIZE, root / "one", root / "one_key", day2=False)
    generate(SIZE, root / "two", root / "two_key", day2=True)
    return root


@pytest.mark.parametrize("day2", [False, True])
def test_the_key_is_what_the_oracle_answers(generated: Path, day2: bool) -> None:
    known = deliveries(generated / "one", SIZE.first_as_of)
    if day2:
        known += deliveries(generated / "two", SIZE.second_as_of)
    as_of = SIZE.second_as_of if day2 else SIZE.first_as_of
    answered = Counter(
        (
            row.step,
            row.result,
            row.anomalies,
            row.source_activity_id,
            row.target_activity_id,
            row.source_amount_minor,
            row.target_amount_minor,
            row.ordinal,
        )
        for row in answer(SIZE.org, known, as_of).rows
    )
    expected = keyed(generated / ("two_key" if day2 else "one_key"))
    assert answered - expected == Counter()
    assert expected - answered == Counter()


def test_the_summary_counts_the_key(generated: Path) -> None:
    for key in (generated / "one_key", generated / "two_key"):
        summary = json.loads((key / "summary.json").read_text(encoding="utf-8"))
        rows = keyed(key)
        assert summary["results"] == Counter(row[1] for row in rows.elements())
        assert summary["anomalies"] == Counter(a for row in rows.elements() for a in str(row[2]).split(",") if a)


def test_every_kind_and_every_change_is_there(generated: Path) -> None:
    kinds = {kind for (kind,) in duckdb.sql(f"select distinct kind from '{generated}/one_key/key.parquet'").fetchall()}
    assert kinds >= {"plain", *KINDS}
    changes = duckdb.sql(
        f"select distinct kind, change from '{generated}/two_key/key.parquet' where change is not null"
    ).fetchall()
    wanted = {(kind, change) for kind, all_changes in CHANGES.items() for change, _ in all_changes}
    # those of the last hour are too few for a small extract
    assert set(changes) >= {pair for pair in wanted if pair[0] != "in_flight"}


def test_the_same_seed_writes_the_same_bytes(generated: Path, tmp_path: Path) -> None:
    generate(SIZE, tmp_path / "again", tmp_path / "again_key", day2=False)
    generate(Size(SIZE.rows, SIZE.days, 12), tmp_path / "other", tmp_path / "other_key", day2=False)
    for file in sorted((generated / "one").glob("*/*/orders/*.csv")):
        path = file.relative_to(generated / "one")
        assert file.read_bytes() == (tmp_path / "again" / path).read_bytes()
        assert file.read_bytes() != (tmp_path / "other" / path).read_bytes()


def test_the_first_delivery_has_nothing_of_the_second_day(generated: Path) -> None:
    file = generated / "one" / SIZE.org / "pos" / "orders" / "orders_day1.csv"
    with file.open(newline="", encoding="utf-8") as lines:
        created = [row["created_at"] for row in csv.DictReader(lines) if row["created_at"]]
    last = max(datetime.fromisoformat(t) for t in created if "-02-30T" not in t)
    # the second record of a knot may lie a few minutes behind
    assert (last - SIZE.first_as_of.astimezone(UTC)).total_seconds() < 1600


def test_a_size_without_room_for_every_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1000"):
        generate(Size(10, 1, 1), tmp_path / "a", tmp_path / "b", day2=False)
