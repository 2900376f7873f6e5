"""Matches by hand and exclusions: what becomes of the results."""

from tests.python.lifecycle.world import DAYS, LAST, Lives

OK = ("ok", "ok", "by_order_id", "MATCHED", "", "")


def forced(source: str, target: str) -> tuple[str, ...]:
    return (source, target, "pinned", "MATCHED", "FORCE_MATCHED", "")


def missing(source: str | None = None, target: str | None = None) -> tuple[str | None, ...]:
    side, system = ("TARGET", "OMS") if source else ("SOURCE", "POS")
    return (source, target, "unmatched", f"MISSING_{side}", "", f"MISSING_{system}")


def excluded(source: str | None = None, target: str | None = None) -> tuple[str | None, ...]:
    return (source, target, "pinned", "EXCLUDED", "EXCLUDED_BY_HAND", "")


def test_records_with_different_ids_are_matched_and_stay_so_with_new_versions(lives: Lives) -> None:
    conflict = (None, "B", "by_order_id", "AMBIGUOUS", "", "CONFLICT_OMS")
    assert [lives.results(day, "forced") for day in range(1, 6)] == [
        [missing("A"), OK, missing(target="B")],
        [forced("A", "B"), OK],
        [forced("A", "B"), OK],
        # nobody knows which of the two contents is meant
        [missing("A"), OK, conflict, conflict],
        [forced("A", "B"), OK],
    ]
    amounts = lives.folder.published(
        "select source_amount_minor, target_amount_minor, difference_minor from marts.reconciliation_results"
        " where org_id = 'forced' and step = 'pinned'"
    )
    assert amounts == [(5000, 5050, -50)]


def test_from_the_limit_on_nothing_is_matched_before_a_second_person_agrees(lives: Lives) -> None:
    apart = [missing("A"), OK, missing(target="B")]
    together = [forced("A", "B"), OK]
    assert [lives.results(day, "forced_by_two") for day in (2, 3, 4, LAST)] == [apart, apart, together, together]
    assert [lives.results(day, "pending_and_reopened") for day in (2, 3, 4)] == [apart, apart, together]
    assert [lives.results(day, "forced_and_rejected") for day in (2, 3, 4, LAST)] == [apart] * 4


def test_what_is_taken_out_is_excluded_and_counted(lives: Lives) -> None:
    wrong = ("X", "X", "by_order_id", "MISMATCHED", "", "PRICE_MISMATCH,STATUS_MISMATCH")
    assert [lives.results(day, "excluded") for day in (1, 2, 3, LAST)] == [
        [missing("A"), wrong, OK],
        [excluded("A"), wrong, OK],
        *[[excluded("A"), excluded("X"), OK, excluded(target="X")]] * 2,
    ]


def test_a_pin_waits_for_its_partner(lives: Lives) -> None:
    waiting = [missing("A"), missing("V"), OK]
    assert [lives.results(day, "waits") for day in (2, 3, 4)] == [waiting, waiting, [forced("A", "B"), *waiting[1:]]]


def test_of_two_pins_on_a_record_the_later_one_counts(lives: Lives) -> None:
    assert [lives.results(day, "two_pins") for day in (2, 3, LAST)] == [
        [forced("A", "B"), OK, missing(target="C")],
        *[[forced("A", "C"), OK, missing(target="B")]] * 2,
    ]


def test_reopening_revokes_a_pin(lives: Lives) -> None:
    apart = [missing("A"), OK, missing(target="B")]
    assert [lives.results(day, "revoked") for day in (2, 3, LAST)] == [[forced("A", "B"), OK], apart, apart]


def test_a_past_day_has_the_pins_known_then(lives: Lives) -> None:
    """A replay publishes nothing; its hash is that of the day."""
    for day in (2, 4):
        replayed = lives.folder.run(DAYS[day - 1])
        assert replayed.summary["replay"]
        assert replayed.results_hash == lives.days[day].run.results_hash
        assert replayed.summary["streams"] == lives.days[day].run.summary["streams"]


def test_a_full_refresh_changes_nothing(lives: Lives) -> None:
    def everything() -> dict[str, list[tuple[object, ...]]]:
        marts = ("exceptions", "exception_history", "rejected_records", "daily_trends", "exception_ageing")
        return {mart: sorted(lives.folder.published(f"from marts.{mart}"), key=repr) for mart in marts}

    before = everything()
    done = lives.folder.start(DAYS[-1], "--full-refresh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'"results_hash": "{lives.days[LAST].run.results_hash}"' in done.stdout
    assert everything() == before
