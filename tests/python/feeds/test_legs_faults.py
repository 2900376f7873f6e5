"""A wrong call of `canonical_legs` says every fault at once: while dbt parses, and what only the feed tells."""

import os
import re
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from tests.python.feeds.odd_feeds import odd_project

PARSED = {
    "every_argument": (
        (
            "{{ canonical_legs(feed='odd/nothing', columns={'id_parts': 'line', 'activity_id': 'line', 'colour': 'red',"
            " 'order_ref': {'a': 1}, 'version': ['a', 'b'], 'currency': 'ccy'}, legs=["
            "{'amount': 'total', 'suffix': 'x', 'sign': 2, 'optional': 1}, {'amount': 7, 'kind': 'LEVY', 'wage': 1},"
            " {'amount': 'total', 'suffix': 'Fee'}, 'fee']) }}"
        ),
        [
            "feed: 'odd/nothing' is not registered",
            "makes the model's name 'legs_odd__nothing', but the file is 'legs_odd__lines'",
            "columns: 'event_at' is missing",
            "columns: give either activity_id or id_parts; got both",
            "columns: 'id_parts' takes a list of columns; got 'line'",
            "columns: 'colour' is none that a leg takes",
            "columns: 'order_ref' takes a column, or a list",
            "columns: 'version' takes one column",
            "legs[0].suffix: the first leg has the id of its record; got 'x'",
            "legs[0].sign: allowed are 1 and -1; got '2'",
            "legs[0].optional: allowed is true",
            "legs[1]: 'wage' is no part of a leg",
            "legs[1].amount: give an amount column",
            "legs[1].kind: allowed are CHARGE, REFUND",
            "legs[1].suffix: give lower-case letters",
            "legs[2].kind: only the first leg takes the kind of its record",
            "legs[2].suffix: give lower-case letters, digits and underscores, for each leg others; got 'Fee'",
            "legs[3]: give {'amount'",
        ],
    ),
    "no_mapping_and_no_list": (
        "{{ canonical_legs(feed='odd/lines', columns='line', legs={'amount': 'total'}) }}",
        ["columns: give a mapping", "legs: give a list of one or more"],
    ),
}
COMPILED = {
    "columns_of_another_kind": (
        (
            "{{ canonical_legs(feed='odd/lines', columns={'id_parts': ['line', 'nothing'], 'currency': 'line',"
            " 'event_at': 'kind_of', 'order_ref': ['number', ['total', 'ccy']]},"
            " legs=[{'amount': ['total', '-number']}]) }}"
        ),
        [
            "columns: 'id_parts' is mapped to 'nothing', which is no column of feed 'odd/lines' that it can take",
            "columns: 'currency' is mapped to 'line'",
            "columns: 'event_at' is mapped to 'kind_of'",
            "columns: 'order_ref' is mapped to 'total'",
            "legs[0].amount: 'number' is no amount of feed 'odd/lines'; there are total",
        ],
    ),
    "a_feed_that_tells_no_kind": (
        (
            "{{ canonical_legs(feed='odd/digits', columns={'activity_id': 'id', 'currency': 'ccy', 'event_at': 'id'},"
            " legs=[{'amount': 'value'}]) }}"
        ),
        ["columns: 'event_at' is mapped to 'id'", "legs[0].kind: feed 'odd/digits' has no kind_columns"],
    ),
}


def message(folder: Path, sql: str, command: str) -> str:
    """What dbt says of a project whose only legs are these."""
    project = odd_project(folder / "project")
    name = "legs_odd__digits" if "odd/digits" in sql else "legs_odd__lines"
    canonical = project / "models" / "canonical"
    canonical.mkdir()
    (canonical / f"{name}.sql").write_text(sql, encoding="utf-8")
    arguments = ["--project-dir", str(project), "--profiles-dir", str(project), "--log-path", str(folder / "logs")]
    os.environ["TIEOUT_DUCKDB_PATH"] = str(folder / "w.duckdb")
    try:
        selected = ["--select", name] if command == "compile" else []
        result = dbtRunner().invoke(
            ["--quiet", command, *selected, *arguments, "--target-path", str(folder / "target")]
        )
    finally:
        del os.environ["TIEOUT_DUCKDB_PATH"]
    assert not result.success
    found = getattr(result.result, "results", None) or []
    return str(result.exception or "") + " ".join(str(one.message) for one in found)


@pytest.mark.parametrize(("case", "command"), [*((c, "parse") for c in PARSED), *((c, "compile") for c in COMPILED)])
def test_all_faults_at_once(tmp_path: Path, case: str, command: str) -> None:
    sql, faults = (PARSED if command == "parse" else COMPILED)[case]
    text = message(tmp_path, sql, command)
    assert "canonical_legs in legs_odd__" in text, text
    assert not [fault for fault in faults if fault not in text], text
    assert len(re.findall(r"^\s+- ", text, flags=re.MULTILINE)) == len(faults), text
