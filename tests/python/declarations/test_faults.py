"""A wrong declaration fails at parse with one message: the model, each argument, what is allowed and what was given.

dbt stops at the first model that does not parse, so a case is a model; each has as many faults as it can hold.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

from orchestration.errors import UsageError
from orchestration.project import load_streams
from tests.python.declarations.project import ROOT, copy, registry, write, write_registry

LADDER: dict[str, Any] = {
    "source": "pos/orders",
    "target": "oms/orders",
    "checks": ["currency_equality"],
    "steps": ["by_id", "by_guess"],
}


@dataclass(frozen=True)
class Case:
    """A model, what the registry says of its ladder and of its stream, and the pieces of the message: one inner list a
    fault."""

    model: str
    sql: str
    faults: list[list[str]]
    ladder: dict[str, Any] = field(default_factory=dict)
    stream: dict[str, Any] = field(default_factory=dict)


# A rule across records that is declared well.
RULE: dict[str, Any] = {
    "records": "pos/orders",
    "anomaly": "REFUND_TWICE",
    "others_by": ["order_ref"],
    "forbids": "other.version < record.version",
    "says": "is not well.",
}
STEP = "{{ reconcile(ladder='orders', match=one_to_one(on=['activity_id'])) }}"

CASES = {
    "every_argument_of_a_step": Case(
        "orders__by_luck",
        "{{ reconcile(ladder='orders', match=one_to_one(on=['activity_id', 'colour'],"
        " within={'event_at': '15 fortnights'}, max_pairs=-1), on_match='id_mismatch') }}",
        [
            ["orders__by_luck", "steps are", "orders__by_id, orders__by_guess"],
            ["match.on", "'colour'", "activity_id, version, counterparty_id", "carries"],
            ["match.within", "'<n> seconds|minutes|hours|days'", "'15 fortnights'"],
            ["match.max_pairs", "1 or more", "'-1'"],
            ["on_match", "capitals", "'ID_MISMATCH'", "'id_mismatch'"],
        ],
    ),
    "values_of_the_wrong_kind": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_one(on='activity_id', within='15 minutes', max_pairs='many'),"
        " on_match=7) }}",
        [
            ["match.on", "list", "'activity_id'"],
            ["match.within", "{'event_at'", "'15 minutes'"],
            ["match.max_pairs", "whole number", "'many'"],
            ["on_match", "capitals", "'7'"],
        ],
    ),
    "windows_that_are_none": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_one(on=[], within={'received_at': '15 minutes'}, max_pairs=0)) }}",
        [["match.on", "one or more", "'[]'"], ["match.within", "event_at", "received_at"], ["match.max_pairs", "'0'"]],
    ),
    "a_window_of_nothing": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_one(on=['activity_id'], within={'event_at': '0 minutes'})) }}",
        [["match.within.event_at", "n of 1 or more", "'0 minutes'"]],
    ),
    "a_window_of_business_days_that_ends_before_it_begins": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_one(on=['activity_id'],"
        " within={'business_date': '5 to 0 business days'}, calendar='bank holidays')) }}",
        [
            ["match.within.business_date", "'0 to 5 business days'", "'5 to 0 business days'"],
            ["match.calendar", "seed `holidays`", "'bank holidays'"],
        ],
    ),
    "groups_that_cannot_be_added": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=many_to_one(on=['batch_ref'], sum_of='net',"
        " once_per=['colour', 'batch_id'])) }}",
        [
            ["match.on", "'batch_ref'", "carries"],
            ["match.sum_of", "amount_minor or net_minor", "'net'"],
            ["match.on", "currency", "never added"],
            ["match.once_per", "'colour'", "allowed are"],
        ],
    ),
    "a_sum_that_the_ladder_does_not_keep": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_many(on=['currency'], sum_of='net_minor')) }}",
        [["match.sum_of", "'net_minor'", "carries"]],
    ),
    "pairs_that_are_neither_wanted_nor_not": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_many(on=['currency'], pairs='yes')) }}",
        [["match.pairs", "true or false", "'yes'"]],
    ),
    "pairs_that_a_sum_of_something_else_judges": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=many_to_one(on=['currency'], sum_of='net_minor', pairs=true)) }}",
        [["match.sum_of", "'net_minor'", "carries"], ["match.pairs", "leave out sum_of and once_per"]],
    ),
    "codes_of_a_ladder": Case(
        "orders__by_id",
        STEP,
        [
            ["ladder 'orders'", "check 'price_tolerance'", "capitals", "'too much'"],
            ["ladder 'orders'", "absent", "source and target", "'both': 'MISSING'"],
        ],
        {"checks": [{"price_tolerance": "too much"}], "absent": {"both": "MISSING"}},
    ),
    "a_search_for_subsets_without_bounds": Case(
        "orders__by_id",
        STEP,
        [
            ["subset.many", "source or target", "'both'"],
            ["subset.on", "currency", "'['activity_id']'"],
            ["subset.max_pool", "2 to 40", "'5000'"],
            ["subset.max_size", "2 to 4", "'9'"],
            ["subset.lambda_max", "up to 1", "'2'"],
            ["subset.tolerance", "not known"],
        ],
        {
            "subset": {
                "enabled": True,
                "many": "both",
                "on": ["activity_id"],
                "max_pool": 5000,
                "max_size": 9,
                "lambda_max": 2,
                "tolerance": 5,
            }
        },
    ),
    "reversals_that_are_none": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=reversal_pairs(side='both', on=['activity_id'],"
        " between={'colour': ['A', 'A']}, sum_of='net', without=['batch_ref'])) }}",
        [
            ["match.side", "source or target", "'both'"],
            ["match.on", "currency", "never added"],
            ["match.sum_of", "amount_minor or net_minor", "'net'"],
            ["match.between", "two values", "colour"],
            ["match.without", "'batch_ref'", "carries"],
        ],
    ),
    "records_of_a_ladder_that_are_left_out_or_late": Case(
        "orders__by_id",
        STEP,
        [
            ["ladder 'orders'", "excluded", "{when: condition, reason: CODE}", "'source'", "no reason"],
            ["ladder 'orders'", "one_system", "several systems", "'True'"],
        ],
        {"excluded": {"source": {"when": "true", "reason": "no reason"}}, "one_system": True},
    ),
    "a_misspelt_constructor": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_too_one(on=['activity_id'])) }}",
        [["match", "one_to_one(on=['activity_id'])", "no match rule made"]],
    ),
    "a_text_for_a_match_rule": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match='activity_id', on_match='lower') }}",
        [["match", "one_to_one(on=['activity_id'])", "got 'activity_id'"], ["on_match", "'lower'"]],
    ),
    "an_unknown_ladder": Case(
        "orders__by_id",
        "{{ reconcile(ladder='order', match=one_to_one(on=['activity_id']), on_match='') }}",
        [["ladder", "'order'", "vars.streams", "orders"], ["on_match", "''"]],
    ),
    "every_key_of_a_ladder": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_one(on=['activity_id'])) }}",
        [
            ["ladder 'orders'", "source", "'<system>/<entity>'", "got 'pos'"],
            ["ladder 'orders'", "target", "'erp/orders'", "pos/orders, oms/orders"],
            ["ladder 'orders'", "check 'price_tolerence'", "currency_equality, price_tolerance"],
            ["ladder 'orders'", "steps", "at least one"],
            ["ladder 'orders'", "carries 'colour'", "allowed are", "order_ref"],
        ],
        {"source": "pos", "target": "erp/orders", "checks": ["price_tolerence"], "steps": [], "carries": ["colour"]},
    ),
    "half_a_pair": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_one(on=['activity_id'], max_pairs=1.5)) }}",
        [["match.max_pairs", "whole number", "'1.5'"]],
    ),
    "a_side_that_is_missing": Case(
        "orders__by_id", STEP, [["ladder 'orders'", "source", "'<system>/<entity>'", "got 'None'"]], {"source": None}
    ),
    "texts_for_lists": Case(
        "orders__by_id",
        STEP,
        [
            ["ladder 'orders'", "checks", "list", "'price_tolerance'"],
            ["ladder 'orders'", "steps", "list", "'by_id'"],
            ["ladder 'orders'", "carries", "list", "'order_ref'"],
        ],
        {"checks": "price_tolerance", "steps": "by_id", "carries": "order_ref"},
    ),
    "names_that_stand_twice": Case(
        "orders__by_id",
        STEP,
        [
            ["ladder 'orders'", "steps", "'by_id'", "twice"],
            ["ladder 'orders'", "checks", "'price_tolerance'", "twice"],
        ],
        {"steps": ["by_id", "by_id"], "checks": ["price_tolerance", "price_tolerance"]},
    ),
    "a_ladder_and_a_step_at_once": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_one(on=['colour'])) }}",
        [["check 'price_tolerence'"], ["match.on", "'colour'"]],
        {"checks": ["price_tolerence"]},
    ),
    "an_anomaly_that_a_check_has": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=one_to_one(on=['activity_id']), on_match='CURRENCY_MISMATCH') }}",
        [["on_match", "'CURRENCY_MISMATCH'", "check"]],
    ),
    "the_verdict_on_a_faulty_ladder": Case(
        "orders__unmatched",
        "{{ unmatched(ladder='orders') }}",
        [["ladder 'orders'", "check 'price_tolerence'"]],
        {"checks": ["price_tolerence"]},
    ),
    "the_verdict_on_an_unknown_ladder": Case(
        "orders__unmatched", "{{ unmatched(ladder='order') }}", [["ladder", "'order'", "vars.streams", "orders"]]
    ),
    "attributes_that_cannot_be_compared": Case(
        "orders__by_id",
        STEP,
        [
            ["attributes", "'colour'", "source 'pos/orders'", "vars.attributes", "canonical columns"],
            ["attributes", "'colour'", "target 'oms/orders'"],
            [
                "attributes.description",
                "'looks_like'",
                "equal, trimmed, case_blind, similar, numeric_within, date_within",
            ],
            ["attributes.fee_minor", "'numeric_within'", "a limit, a number of 0 or more", "'-1'"],
            ["attributes.net_minor", "'numeric_within'", "a limit", "'None'"],
            ["attributes.order_ref", "'similar'", "no limit", "'3'"],
            ["attributes.payment_ref", "blank", "fails or passes", "'ignored'"],
            ["attributes.payment_ref", "'tolerance'", "compare, limit, blank"],
        ],
        {
            "checks": ["currency_equality", "attribute_equality"],
            "attributes": {
                "colour": "equal",
                "description": "looks_like",
                "fee_minor": {"compare": "numeric_within", "limit": -1},
                "net_minor": "numeric_within",
                "order_ref": {"compare": "similar", "limit": 3},
                "payment_ref": {"compare": "equal", "blank": "ignored", "tolerance": 1},
            },
        },
    ),
    "attributes_that_are_no_mapping": Case(
        "orders__by_id",
        STEP,
        [
            ["attributes", "must map", "{guest_name: similar}", "'['description']'"],
            ["attributes", "attribute_equality", "both or neither"],
        ],
        {"checks": ["attribute_equality"], "attributes": ["description"]},
    ),
    "attributes_without_their_check": Case(
        "orders__by_id",
        STEP,
        [["attributes", "attribute_equality", "both or neither"]],
        {"attributes": {"description": "equal"}},
    ),
    "a_check_without_its_attributes": Case(
        "orders__by_id",
        STEP,
        [["attributes", "attribute_equality", "both or neither"]],
        {"checks": ["attribute_equality"]},
    ),
    "a_window_of_no_hours": Case(
        "orders__by_id",
        STEP,
        [["hourly_window", "stream 'orders'", "whole number of hours, 1 or more", "'0'"]],
        stream={"hourly_window": 0},
    ),
    "a_window_in_words": Case(
        "orders__by_id",
        STEP,
        [["hourly_window", "stream 'orders'", "whole number of hours", "'2 days'"]],
        stream={"hourly_window": "2 days"},
    ),
    "orgs_that_are_no_list": Case(
        "orders__by_id",
        STEP,
        [["stream 'orders'", "orgs", "list of one or more org ids", "'acme'"]],
        stream={"orgs": "acme"},
    ),
    "orgs_that_are_none": Case(
        "orders__by_id", STEP, [["stream 'orders'", "orgs", "leave it out to serve every org"]], stream={"orgs": None}
    ),
    "orgs_that_are_no_texts": Case(
        "orders__by_id",
        STEP,
        [
            ["stream 'orders'", "orgs", "texts", "'7'"],
            ["stream 'orders'", "orgs", "texts", "' '"],
            ["stream 'orders'", "orgs", "'acme' twice"],
        ],
        stream={"orgs": ["acme", 7, " ", "acme"]},
    ),
    "modes_of_groups": Case(
        "orders__by_id",
        "{{ reconcile(ladder='orders', match=many_to_one(on=['currency', 'version'], sum_of='amount_minor')) }}",
        [
            ["stream 'orders'", "hourly_window", "one_to_one", "many_to_one"],
            ["match.on", "activity_id or counterparty_id", "hourly_window"],
        ],
        stream={"hourly_window": 48},
    ),
    "rules_across_records": Case(
        "orders_rules",
        "{{ consistency(stream='orders') }}",
        [
            ["'refunds'", "tolerance is not known", "records, anomaly, where, others_by, among, needs, forbids, says"],
            ["'refunds'", "a side of a ladder of the stream", "'web/orders'"],
            ["'refunds'", "code in capitals", "'too late'"],
            ["'refunds'", "others_by", "list", "'order_ref'"],
            ["'refunds'", "among", "all or live", "'some'"],
            ["'refunds'", "needs or as forbids", "one of the two"],
            ["'refunds'", "says", "'None'"],
            ["'Sales!'", "small letters"],
            ["'Sales!'", "others_by", "'colour'", "no canonical column", "activity_id"],
            ["'Sales!'", "needs or as forbids"],
        ],
        stream={
            "consistency": {
                "refunds": {
                    "records": "web/orders",
                    "anomaly": "too late",
                    "others_by": "order_ref",
                    "among": "some",
                    "tolerance": 1,
                },
                "Sales!": {**RULE, "others_by": ["colour"], "needs": "true"},
            }
        },
    ),
    "two_rules_of_one_anomaly": Case(
        "orders_rules",
        "{{ consistency(stream='orders') }}",
        [["'one'", "'REFUND_TWICE'", "another rule"], ["'other'", "'REFUND_TWICE'", "another rule"]],
        stream={"consistency": {"one": RULE, "other": RULE}},
    ),
    "a_stream_without_rules": Case(
        "orders_rules", "{{ consistency(stream='orders') }}", [["'orders'", "no consistency rules", "vars.streams"]]
    ),
    "a_rule_that_is_none": Case(
        "orders_rules",
        "{{ consistency(stream='orders') }}",
        [
            ["'nothing'", "a side of a ladder", "'None'"],
            ["'nothing'", "code in capitals", "'None'"],
            ["'nothing'", "others_by", "'None'"],
            ["'nothing'", "needs or as forbids"],
            ["'nothing'", "says", "'None'"],
        ],
        stream={"consistency": {"nothing": None}},
    ),
    "a_canonical_model": Case(
        "pos_orders",
        "{{ canonical(feed='pos/sales', entity='sales', activity_type='ORDER', columns={'activity_id': 'order_id',"
        " 'colour': 'hue', 'currency': 'currency', 'amount': 'total'}) }}",
        [
            ["feed", "'pos/sales'", "vars.feeds", "pos/orders, oms/orders"],
            ["columns", "'status' is missing", "required are activity_id, status"],
            ["columns", "'event_at' is missing"],
            ["columns", "'colour'", "allowed are", "counterparty_id"],
            ["entity", "'sales'", "'pos_sales'", "'pos_orders'"],
        ],
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's macros and settings, with nothing but one ladder declared."""
    folder = copy(tmp_path_factory.mktemp("faults") / "project", parts=("macros",))
    settings = registry(folder)
    settings["on-run-start"] = []
    settings["vars"]["streams"] = {"orders": {"ladders": {"orders": LADDER}}}
    write_registry(folder, settings)
    return folder


def dbt(command: str, folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Have dbt parse or compile a project in this process; returns what it has to say against it, '' for nothing."""
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data))
    result = dbtRunner().invoke(
        [
            *("--quiet", "--no-use-colors", "--no-partial-parse", "--no-version-check", "--no-write-json"),
            *(command, *arguments, "--project-dir", str(folder), "--profiles-dir", str(folder), "--target", "duckdb"),
            *("--target-path", str(data / "target"), "--log-path", str(data / "logs")),
        ]
    )
    assert result.success == (result.exception is None)
    return "" if result.exception is None else str(result.exception)


@pytest.mark.parametrize("name", CASES)
def test_one_message_lists_every_fault(
    name: str, project: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    settings = registry(project)
    settings["vars"]["streams"]["orders"] = {"ladders": {"orders": {**LADDER, **case.ladder}}, **case.stream}
    write_registry(project, settings)
    file = f"models/{case.model}.sql"
    write(project, file, case.sql)
    try:
        message = dbt("parse", project, data_dir, monkeypatch)
    finally:
        (project / file).unlink()
    listed = re.findall(r"^\s+- (.*)$", message, flags=re.MULTILINE)
    assert f"in {case.model} cannot be used as declared:" in message, message
    assert len(listed) == len(case.faults), message
    for pieces in case.faults:
        assert any(all(piece in line for piece in pieces) for line in listed), (pieces, message)


@pytest.mark.parametrize(
    ("streams", "faults"),
    [
        ({"empty": None}, [["stream 'empty'", "ladders", "'None'"]]),
        ({"empty": {}}, [["stream 'empty'", "ladders"]]),
        ({"listed": {"ladders": ["orders"]}}, [["stream 'listed'", "ladders", "orders"]]),
        (
            {"one": {"ladders": {"orders": None, "sales": LADDER}}, "two": {"ladders": {"sales": LADDER}}},
            [["ladder 'orders'", "'None'"], ["ladder 'sales'", "stream 'one'", "stream 'two'"]],
        ),
    ],
)
def test_what_is_no_stream(
    streams: dict[str, Any], faults: list[list[str]], tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(tmp_path / "project", parts=("macros",))
    settings = registry(folder)
    settings["on-run-start"] = []
    settings["vars"]["streams"] = streams
    write_registry(folder, settings)
    write(folder, "models/orders__by_id.sql", STEP)
    with pytest.raises(UsageError, match=f"stream {next(iter(streams))!r} must have `ladders:`"):
        load_streams(folder)
    message = dbt("parse", folder, data_dir, monkeypatch)
    listed = re.findall(r"^\s+- (.*)$", message, flags=re.MULTILINE)
    assert "vars.streams of dbt_project.yml cannot be used as declared:" in message, message
    assert len(listed) == len(faults), message
    for pieces, line in zip(faults, listed, strict=True):
        assert all(piece in line for piece in pieces), message


def test_a_mapping_to_what_no_feed_has(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy(tmp_path / "project")
    model = folder / "models" / "canonical" / "oms_orders.sql"
    sql = model.read_text(encoding="utf-8")
    for right, wrong in (
        ("'status': 'state'", "'status': 'sate'"),
        ("'amount': 'order_total'", "'amount': 'revision'"),
    ):
        assert right in sql
        sql = sql.replace(right, wrong)
    model.write_text(sql, encoding="utf-8")
    message = dbt("compile", folder, data_dir, monkeypatch, "--select", "oms_orders")
    assert "canonical in oms_orders cannot be used as declared:" in message, message
    assert "'status' is mapped to 'sate', which is no column of feed 'oms/orders'" in message
    assert "there are order_id, location_id, state" in message
    assert "'amount' is mapped to 'revision', which is no amount of feed 'oms/orders'" in message


def test_the_project_as_it_is_has_no_fault(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dbt("parse", copy(tmp_path / "project"), data_dir, monkeypatch) == ""


def test_no_macro_knows_a_system() -> None:
    """Systems stand in declarations; in macros only in comments and in the examples of messages."""
    systems = {feed.split("/")[0] for feed in registry(ROOT)["vars"]["feeds"]} - {"tieout"}
    word = re.compile(rf"(?<![a-z])({'|'.join(sorted(systems))})(?![a-z])", re.IGNORECASE)
    found = []
    for macro in sorted((ROOT / "macros").rglob("*.sql")):
        code = re.sub(r"\{#.*?#\}", "", macro.read_text(encoding="utf-8"), flags=re.DOTALL)
        code = re.sub(r"such as '[^']*'", "", code)
        found += [f"{macro.name}: {line.strip()}" for line in code.splitlines() if word.search(line)]
    assert systems
    assert not found
