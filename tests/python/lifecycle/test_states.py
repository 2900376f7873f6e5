"""What becomes of an exception, given what was delivered and decided: see `stories` for the given and the when."""

import pytest

from tests.python.lifecycle.stories import FUZZ, INJECTION
from tests.python.lifecycle.world import DAYS, LAST, Lives

OPEN, ASSIGNED, PENDING, REOPENED = "OPEN", "ASSIGNED", "PENDING_APPROVAL", "REOPENED"
MATCHED_LATE, SELF_CLEARED, EXPLAINED = "RESOLVED MATCHED_LATE", "RESOLVED SELF_CLEARED", "RESOLVED EXPLAINED"
ADJUSTED, WRITTEN_OFF, FORCED, EXCLUDED = (
    f"RESOLVED {how}" for how in ("ADJUSTED", "WRITTEN_OFF", "FORCE_MATCHED", "EXCLUDED")
)
NONE = "-"

# org, record and anomaly: the state after each day
STATES: dict[tuple[str, str, str], list[str]] = {
    ("late", "A", "MISSING_OMS"): [OPEN, OPEN, *[MATCHED_LATE] * 5],
    ("corrected", "A", "PRICE_MISMATCH"): [OPEN, SELF_CLEARED, REOPENED, *[SELF_CLEARED] * 4],
    ("worked", "A", "MISSING_OMS"): [OPEN, ASSIGNED, EXPLAINED, EXPLAINED, REOPENED, ADJUSTED, ADJUSTED],
    ("explained", "A", "PRICE_MISMATCH"): [OPEN, EXPLAINED, EXPLAINED, EXPLAINED, *[REOPENED] * 3],
    ("limits", "A", "MISSING_OMS"): [OPEN, *[WRITTEN_OFF] * 6],
    ("limits", "B", "MISSING_OMS"): [OPEN, *[PENDING] * 6],
    ("two_people", "A", "MISSING_OMS"): [OPEN, PENDING, PENDING, *[WRITTEN_OFF] * 4],
    ("rejected", "A", "MISSING_OMS"): [OPEN, PENDING, OPEN, PENDING, *[ASSIGNED] * 3],
    ("grown", "A", "PRICE_MISMATCH"): [OPEN, WRITTEN_OFF, WRITTEN_OFF, REOPENED, *[EXPLAINED] * 3],
    ("grown_while_pending", "A", "PRICE_MISMATCH"): [OPEN, PENDING, *[OPEN] * 5],
    ("forced", "A", "MISSING_OMS"): [OPEN, FORCED, FORCED, REOPENED, *[FORCED] * 3],
    ("forced", "B", "MISSING_POS"): [OPEN, *[FORCED] * 6],
    ("forced", "B", "CONFLICT_OMS"): [NONE, NONE, NONE, OPEN, *[FORCED] * 3],
    ("forced_by_two", "A", "MISSING_OMS"): [OPEN, PENDING, PENDING, *[FORCED] * 4],
    ("forced_by_two", "B", "MISSING_POS"): [OPEN, OPEN, OPEN, *[FORCED] * 4],
    ("forced_and_rejected", "A", "MISSING_OMS"): [OPEN, PENDING, *[OPEN] * 5],
    ("forced_and_rejected", "B", "MISSING_POS"): [OPEN] * 7,
    ("excluded", "A", "MISSING_OMS"): [OPEN, *[EXCLUDED] * 6],
    ("excluded", "X", "PRICE_MISMATCH"): [OPEN, OPEN, *[EXCLUDED] * 5],
    # decided on the other anomaly of the same pair
    ("excluded", "X", "STATUS_MISMATCH"): [OPEN, OPEN, *[EXCLUDED] * 5],
    ("waits", "A", "MISSING_OMS"): [OPEN, OPEN, OPEN, *[FORCED] * 4],
    ("waits", "V", "MISSING_OMS"): [OPEN] * 7,
    ("two_pins", "A", "MISSING_OMS"): [OPEN, *[FORCED] * 6],
    ("two_pins", "B", "MISSING_POS"): [OPEN, FORCED, *[REOPENED] * 5],
    ("two_pins", "C", "MISSING_POS"): [OPEN, OPEN, *[FORCED] * 5],
    ("revoked", "A", "MISSING_OMS"): [OPEN, FORCED, *[REOPENED] * 5],
    ("revoked", "B", "MISSING_POS"): [OPEN, FORCED, *[REOPENED] * 5],
    ("pending_and_reopened", "A", "MISSING_OMS"): [OPEN, PENDING, PENDING, *[FORCED] * 4],
    ("pending_and_reopened", "B", "MISSING_POS"): [OPEN, OPEN, OPEN, *[FORCED] * 4],
    ("withdrawn", "A", "MISSING_OMS"): [OPEN, WRITTEN_OFF, OPEN, *[WRITTEN_OFF] * 4],
    ("taken_back", "A", "MISSING_OMS"): [OPEN, FORCED, *[REOPENED] * 5],
    ("taken_back", "B", "MISSING_POS"): [OPEN, FORCED, *[REOPENED] * 5],
    ("taken_back", "C", "MISSING_OMS"): [OPEN, *[FORCED] * 6],
    ("taken_back", "D", "MISSING_POS"): [OPEN, *[FORCED] * 6],
    ("replaced", "A", "MISSING_OMS"): [OPEN, EXPLAINED, *[FORCED] * 5],
    ("replaced", "B", "MISSING_POS"): [OPEN, OPEN, *[FORCED] * 5],
    ("replaced", "C", "MISSING_OMS"): [OPEN, PENDING, *[EXCLUDED] * 5],
    ("twice", "A", "MISSING_OMS"): [OPEN] * 7,
    ("contradicting", "A", "MISSING_OMS"): [OPEN, *[EXPLAINED] * 6],
    ("contradicting", "B", "MISSING_OMS"): [OPEN, *[ASSIGNED] * 6],
    ("fuzzed", "A", "MISSING_OMS"): [OPEN, OPEN, *[EXPLAINED] * 5],
    # alone; a lower limit asks for a second person; a higher one takes nobody's word back
    ("moved", "A", "MISSING_OMS"): [OPEN, WRITTEN_OFF, PENDING, *[WRITTEN_OFF] * 4],
    ("moved", "B", "MISSING_OMS"): [OPEN, PENDING, *[OPEN] * 5],
    ("moved", "C", "MISSING_OMS"): [OPEN, PENDING, PENDING, PENDING, *[WRITTEN_OFF] * 3],
    ("graded", "low", "MISSING_OMS"): [OPEN] * 7,
    ("graded", "medium", "MISSING_OMS"): [OPEN] * 7,
    ("graded", "high", "MISSING_OMS"): [OPEN] * 7,
    ("graded", "critical", "MISSING_OMS"): [OPEN] * 7,
    ("graded", "later", "MISSING_OMS"): [*[NONE] * 5, OPEN, OPEN],
    ("trends", "A", "MISSING_OMS"): [OPEN, *[MATCHED_LATE] * 6],
    ("trends", "M", "PRICE_MISMATCH"): [OPEN, OPEN, *[SELF_CLEARED] * 5],
    ("trends", "Z", "MISSING_OMS"): [NONE, NONE, NONE, OPEN, *[EXPLAINED] * 3],
}

HISTORIES: dict[tuple[str, str, str], list[tuple[object, ...]]] = {
    ("corrected", "A", "PRICE_MISMATCH"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "CLOSED", "tieout", None, "RESOLVED", "SELF_CLEARED", None),
        (3, "REOPENED", "tieout", None, "REOPENED", None, None),
        (4, "CLOSED", "tieout", None, "RESOLVED", "SELF_CLEARED", None),
    ],
    ("worked", "A", "MISSING_OMS"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "ASSIGN", "ann", None, "ASSIGNED", None, "bea"),
        (2, "COMMENT", "bea", None, "ASSIGNED", None, "bea"),
        (3, "EXPLAIN", "bea", None, "RESOLVED", "EXPLAINED", "bea"),
        (4, "COMMENT", "carl", None, "RESOLVED", "EXPLAINED", "bea"),
        (5, "REOPEN", "ann", None, "REOPENED", None, "bea"),
        (6, "ADJUST", "bea", None, "RESOLVED", "ADJUSTED", "bea"),
    ],
    ("explained", "A", "PRICE_MISMATCH"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "EXPLAIN", "ann", None, "RESOLVED", "EXPLAINED", None),
        # its cause goes: it stays settled as people settled it
        (3, "CLOSED", "tieout", None, "RESOLVED", "EXPLAINED", None),
        (5, "REOPENED", "tieout", None, "REOPENED", None, None),
    ],
    ("limits", "A", "MISSING_OMS"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "WRITE_OFF", "ann", None, "RESOLVED", "WRITTEN_OFF", None),
    ],
    ("two_people", "A", "MISSING_OMS"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "WRITE_OFF", "ann", None, "PENDING_APPROVAL", None, None),
        (3, "APPROVE", "ann", "actor: who_proposes_cannot_approve", "PENDING_APPROVAL", None, None),
        (3, "APPROVE", "ANN", "actor: who_proposes_cannot_approve", "PENDING_APPROVAL", None, None),
        (4, "APPROVE", "bob", None, "RESOLVED", "WRITTEN_OFF", None),
    ],
    ("rejected", "A", "MISSING_OMS"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "WRITE_OFF", "ann", None, "PENDING_APPROVAL", None, None),
        (3, "REJECT", "bob", None, "OPEN", None, None),
        (4, "ASSIGN", "ann", None, "ASSIGNED", None, "bea"),
        (4, "WRITE_OFF", "bea", None, "PENDING_APPROVAL", None, "bea"),
        (5, "REJECT", "bea", None, "ASSIGNED", None, "bea"),
    ],
    ("grown", "A", "PRICE_MISMATCH"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "WRITE_OFF", "ann", None, "RESOLVED", "WRITTEN_OFF", None),
        (3, "AMOUNT_CHANGED", "tieout", None, "RESOLVED", "WRITTEN_OFF", None),
        (4, "AMOUNT_CHANGED", "tieout", None, "REOPENED", None, None),
        (5, "EXPLAIN", "ann", None, "RESOLVED", "EXPLAINED", None),
        (6, "AMOUNT_CHANGED", "tieout", None, "RESOLVED", "EXPLAINED", None),
    ],
    ("forced", "A", "MISSING_OMS"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "FORCE_MATCH", "ann", None, "RESOLVED", "FORCE_MATCHED", None),
        (2, "CLOSED", "tieout", None, "RESOLVED", "FORCE_MATCHED", None),
        (4, "REOPENED", "tieout", None, "REOPENED", None, None),
        (5, "CLOSED", "tieout", None, "RESOLVED", "FORCE_MATCHED", None),
    ],
    ("revoked", "A", "MISSING_OMS"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "FORCE_MATCH", "ann", None, "RESOLVED", "FORCE_MATCHED", None),
        (2, "CLOSED", "tieout", None, "RESOLVED", "FORCE_MATCHED", None),
        (3, "REOPEN", "ann", None, "REOPENED", None, None),
        (3, "REOPENED", "tieout", None, "REOPENED", None, None),
    ],
    ("twice", "A", "MISSING_OMS"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "COMMENT", "ann", None, "OPEN", None, None),
        (3, "COMMENT", "ann", None, "OPEN", None, None),
    ],
    ("contradicting", "B", "MISSING_OMS"): [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (2, "ASSIGN", "ann", None, "ASSIGNED", None, "bea"),
        (2, "ASSIGN", "ann", "event_id: another_decision_has_it", "ASSIGNED", None, "bea"),
    ],
}

REFUSED: dict[str, list[tuple[str, str]]] = {
    "two_people": [
        ("two_people-2", "actor: who_proposes_cannot_approve"),
        ("two_people-3", "actor: who_proposes_cannot_approve"),
    ],
    "grown_while_pending": [("grown_while_pending-2", "action: nothing_to_approve")],
    "forced_by_two": [("forced_by_two-2", "actor: who_proposes_cannot_approve")],
    "forced_and_rejected": [("forced_and_rejected-3", "action: nothing_to_approve")],
    "pending_and_reopened": [("pending_and_reopened-2", "action: not_resolved")],
    "withdrawn": [("withdrawn-5", "action: nothing_to_approve")],
    "taken_back": [("taken_back-5", "action: nothing_to_approve")],
    "waits": [("waits-2", "target_activity_id: no_live_record")],
    "contradicting": [
        ("both", "event_id: another_decision_has_it"),
        ("early", "event_id: another_decision_has_it"),
    ],
    "fuzzed": sorted(
        [(name, reason) for name, (_, _, reason) in FUZZ.items()]
        + [(name, "exception_id: unknown_exception") for name in ("unknown", "injected-id", "of-another-org")]
        + [("no-exception", "exception_id: missing_value"), ("too-late", "action: not_while_resolved")]
    ),
}


def test_every_exception_lives_as_told(lives: Lives) -> None:
    assert {key: lives.states(*key) for key in sorted(lives.ids)} == dict(sorted(STATES.items()))


@pytest.mark.parametrize("key", HISTORIES, ids="-".join)
def test_a_history_is_in_order(lives: Lives, key: tuple[str, str, str]) -> None:
    assert lives.history(*key) == HISTORIES[key]


def test_what_is_refused_is_told_with_the_reason(lives: Lives) -> None:
    assert lives.days[LAST].rejects == REFUSED


def test_refused_decisions_are_counted_and_everything_balances(lives: Lives) -> None:
    counted = lives.folder.published(
        "select count(*) from marts.rejected_records where feed = 'tieout/exception_events'"
    )
    assert counted == [(sum(map(len, REFUSED.values())),)]
    assert lives.folder.published("select count(*) from marts.control_totals where not holds") == [(0,)]
    assert [seen.run.summary["laws"]["failed"] for seen in lives.days.values()] == [0] * LAST


def test_a_partner_that_comes_later_ends_the_refusal(lives: Lives) -> None:
    late, never = (("waits-1", "target_activity_id: no_live_record"), ("waits-2", "target_activity_id: no_live_record"))
    assert [lives.refused(day, "waits") for day in (1, 2, 3, 4)] == [[], [late, never], [late, never], [never]]


def test_what_people_write_is_kept_as_it_is(lives: Lives) -> None:
    assert lives.folder.published(
        "select reason from marts.exception_history where org_id = 'fuzzed' and action = 'COMMENT'"
    ) == [(INJECTION,)]


def test_an_id_of_another_org_says_nothing_about_it(lives: Lives) -> None:
    exception_id = lives.ids[("limits", "A", "MISSING_OMS")]
    assert lives.folder.published(
        "select org_id, action, refusal, state, resolution from marts.exception_history"
        f" where exception_id = '{exception_id}' order by org_id, event_number"
    ) == [
        ("fuzzed", "EXPLAIN", "exception_id: unknown_exception", None, None),
        ("limits", "OPENED", None, "OPEN", None),
        ("limits", "WRITE_OFF", None, "RESOLVED", "WRITTEN_OFF"),
    ]
    found = f"select org_id from marts.exceptions where exception_id = '{exception_id}'"
    assert lives.folder.published(found) == [("limits",)]


def test_a_comeback_is_counted_under_the_same_id(lives: Lives) -> None:
    """That the ids stay is held by `Lives.look` on every day."""
    counts = {
        org_id: [lives.exception(day, org_id, "A", anomaly)["reopen_count"] for day in range(1, LAST + 1)]
        for org_id, anomaly in (
            ("corrected", "PRICE_MISMATCH"),
            ("grown", "PRICE_MISMATCH"),
            ("grown_while_pending", "PRICE_MISMATCH"),
            ("worked", "MISSING_OMS"),
            ("revoked", "MISSING_OMS"),
        )
    }
    assert counts == {
        "corrected": [0, 0, 1, 1, 1, 1, 1],
        "grown": [0, 0, 0, 1, 1, 1, 1],
        "grown_while_pending": [0] * 7,
        "worked": [0, 0, 0, 0, 1, 1, 1],
        # people and the run say the same at once
        "revoked": [0, 0, 1, 1, 1, 1, 1],
    }


def test_a_comment_does_not_move_the_end(lives: Lives) -> None:
    ended = [lives.exception(day, "worked", "A") for day in range(3, LAST + 1)]
    times = [DAYS[2], DAYS[2], None, DAYS[5], DAYS[5]]
    assert [one["closed_at"] for one in ended] == [time and time.replace(tzinfo=None) for time in times]
    assert ended[1]["last_event_at"] == DAYS[3].replace(tzinfo=None)
    gone = lives.exception(LAST, "excluded", "A")
    assert gone["closed_at"] == DAYS[1].replace(tzinfo=None)


def test_who_works_it_and_who_proposed(lives: Lives) -> None:
    columns = ("owner", "proposed_resolution", "proposed_by", "resolution")
    seen = [tuple(lives.exception(day, "rejected", "A")[name] for name in columns) for day in range(1, 6)]
    assert seen == [
        (None, None, None, None),
        (None, "WRITTEN_OFF", "ann", None),
        (None, None, None, None),
        ("bea", "WRITTEN_OFF", "bea", None),
        ("bea", None, None, None),
    ]
