"""What dbt is spared for its statements is what it would have made."""

import inspect

import pytest
from dbt.adapters.base import relation
from dbt.adapters.contracts import relation as contract
from dbt.adapters.contracts.relation import RelationType
from dbt.adapters.sql import connections
from dbt_common.clients import agate_helper
from dbt_common.utils import deep_merge
from hypothesis import given
from hypothesis import strategies as some

from orchestration import dbt_statements

PLAIN = some.sampled_from([None, True, "text", 1, 0.5, RelationType.View])
# Of one shape at every level: to lay a dictionary over something else dbt refuses.
INNER = some.fixed_dictionaries({}, optional={"a": PLAIN, "c": some.dictionaries(some.sampled_from("xy"), PLAIN)})
SHAPED = some.fixed_dictionaries({}, optional={"a": PLAIN, "b": INNER})


def test_dbt_still_has_what_is_replaced():
    assert "build_type_tester(" in inspect.getsource(agate_helper.table_from_rows)
    assert "import empty_table" in inspect.getsource(connections.SQLConnectionManager.execute)
    assert "deep_merge(" in inspect.getsource(relation.BaseRelation.create_from)
    assert "deep_merge(" in inspect.getsource(contract.FakeAPIObject.incorporate)


@given(some.lists(SHAPED, min_size=1, max_size=4))
def test_plain_dictionaries_are_merged_as_dbt_merges_them(parts: list[dict]):
    before = repr(parts)
    with dbt_statements.dictionaries_merged_quickly():
        assert relation.deep_merge is not deep_merge
        found = relation.deep_merge(*parts)
    assert found == deep_merge(*parts)
    found.setdefault("b", {})["c"] = "changed"
    assert repr(parts) == before, "what was merged is nobody else's"


@pytest.mark.parametrize(
    "parts", [({"a": [1]}, {"a": [2]}), ({"a": {"b": (1,)}}, {"a": {}}), ({"a": 1}, {"a": {}}), ({"a": 1},), ()]
)
def test_all_others_as_dbt_merges_them(parts: tuple[dict, ...]):
    with dbt_statements.dictionaries_merged_quickly():
        assert contract.deep_merge(*parts) == deep_merge(*parts)
    assert contract.deep_merge is deep_merge


def test_results_are_typed_as_they_were():
    rows = [
        {"n": "1", "day": "2026-03-02", "said": "null", "at": "2026-03-02 06:00:00"},
        {"n": "2", "day": "", "said": "x", "at": None},
    ]

    def said() -> list[list[object]]:
        tables = [
            agate_helper.table_from_data_flat(rows, list(rows[0])),
            agate_helper.table_from_rows([list(row.values()) for row in rows], list(rows[0]), ["n"]),
            agate_helper.table_from_rows([list(row.values()) for row in rows], list(rows[0]), []),
            agate_helper.empty_table(),
        ]
        return [
            [[type(kind).__name__ for kind in table.column_types], [tuple(row) for row in table.rows]]
            for table in tables
        ]

    plain = said()
    with dbt_statements.results_kept():
        assert said() == plain
        assert said() == plain
        assert agate_helper.build_type_tester(()) is agate_helper.build_type_tester(())
        assert agate_helper.build_type_tester(["a"]) is not agate_helper.build_type_tester(["b"])
        assert agate_helper.empty_table() is agate_helper.empty_table()
    assert agate_helper.empty_table() is not agate_helper.empty_table()
