"""Reading the figures from the published copy and the records of runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import clock, runs
from orchestration.data_dir import DataDir
from orchestration.decisions import published
from orchestration.errors import UsageError
from orchestration.listings import exposure
from orchestration.page.figures import (
    Absorbed,
    Age,
    Balances,
    BaseExposure,
    Budget,
    Counterparty,
    Day,
    Figures,
    Group,
    Headline,
    OpenState,
    Payout,
    PayoutGroup,
    Rejects,
    Scope,
    Stake,
    TopException,
)
from orchestration.publish import DUCKDB_FILE, current
from orchestration.runs import RunRecord

# Marts that every published copy has; those of a stream may be missing.
NEEDED = (
    *("reconciliation_results", "exceptions", "rejected_records", "control_totals"),
    *("daily_trends", "exception_ageing", "counterparty_scorecard"),
    *("absorption_budgets", "proposed_entries"),
)
PAYOUTS, PAYOUTS_STREAM = "payout_tie_out", "ecommerce_payouts"

OPEN = "state <> 'RESOLVED'"
# What makes a result: an exception of the same one concerns the same money.
RESULT = (
    "org_id, stream, ladder, result, source_system, source_activity_id, target_system, target_activity_id,"
    " source_file, source_row_number, target_file, target_row_number"
)

TOP = 10
WORST = 10
# A copy that is swapped while it is read is read again, so often.
ATTEMPTS = 5


def read(data_dir: Path, scope: Scope) -> Figures:
    """Read the published copy, all of it from one version.

    Raises:
        UsageError: nothing is published, the copy cannot be read, or it holds no such org or stream.
    """
    published(data_dir)
    data = DataDir.at(data_dir)
    for _ in range(ATTEMPTS):
        version = current(data)
        if version is None:
            continue
        try:
            with duckdb.connect(str(version / DUCKDB_FILE), read_only=True) as connection:
                figures = _read(Source(connection, scope), data)
        except duckdb.Error as error:
            if version == current(data):
                raise UsageError(
                    f"The published copy in {data_dir} cannot be read: {error}. `tieout run` writes it anew."
                ) from error
            continue
        if version == current(data):
            return figures
    raise UsageError(f"{data_dir} is published anew faster than it can be read. Try again when no run is on its way.")


class Source:
    """The published copy, narrowed to an org and a stream."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, scope: Scope) -> None:
        self.connection = connection
        self.scope = scope
        found = self.rows("select table_name from information_schema.tables where table_schema = 'marts'")
        self.marts = {name for (name,) in found}

    def rows(self, query: str, *, stream: bool = True) -> list[tuple[Any, ...]]:
        """Rows of a query; `{scope}` in it becomes the condition on `org_id` and, unless told not to, `stream`."""
        conditions, values = ["true"], []
        for column, wanted in (("org_id", self.scope.org), ("stream", self.scope.stream if stream else None)):
            if wanted is not None:
                conditions.append(f"{column} = ?")
                values.append(wanted)
        asked = "{scope}" in query
        query = query.replace("{scope}", " and ".join(conditions))
        return self.connection.execute(query, values if asked else []).fetchall()


def _read(source: Source, data: DataDir) -> Figures:
    missing = [mart for mart in NEEDED if mart not in source.marts]
    if missing:
        raise UsageError(
            f"The published copy has no {', '.join(missing)}: an older Tieout wrote it. Type `tieout run` first."
        )
    done = _latest(data)
    headline = _headline(source, done, _latest(data, done.target) if done else None)
    orgs = _orgs(source)
    _check(source, orgs, headline.streams)
    exponents = _exponents(source, done)
    return Figures(
        scope=source.scope,
        orgs=[source.scope.org] if source.scope.org else orgs,
        headline=headline,
        exponents=exponents,
        groups=_groups(source),
        days=_days(source),
        open_state=_open_state(source),
        stakes=_stakes(source),
        base_exposures=_base_exposures(source),
        ages=_ages(source),
        top=_top(source, exponents),
        counterparties=_counterparties(source),
        counterparty_count=_counterparty_count(source),
        absorbed=_absorbed(source),
        payouts=_payouts(source),
        untied=_untied(source),
        balances=_balances(source),
        rejects=_rejects(source),
        rejected_count=source.rows("select count(*) from marts.rejected_records where {scope}", stream=False)[0][0],
    )


def _latest(data: DataDir, target: str | None = None) -> RunRecord | None:
    """The newest run that published, on any engine, for there is one published copy; given a target, the newest run on
    it that came to an answer, published or not. Replays do not count."""
    for file in sorted(data.runs.glob("*.json"), reverse=True):
        record = runs.load(data, file.stem)
        if record is None or record.summary is None or record.replay:
            continue
        if record.summary["published"] if target is None else record.target == target:
            return record
    return None


def _headline(source: Source, done: RunRecord | None, latest: RunRecord | None) -> Headline:
    """The verdict. The copy may be newer than the newest record, for a moment: a run publishes before it says so."""
    (seen,) = source.rows(
        "select max(moment) from (select max(last_event_at) as moment from marts.exceptions"
        " union all select max(last_received_at) from marts.reconciliation_results"
        " union all select max(received_at) from marts.rejected_records)"
    )[0]
    as_of = _moment(done.as_of) if done else None
    if as_of is None or (seen is not None and seen > as_of):
        return Headline(True, seen, None, None, [], None, _streams(done), None)
    failed = latest if latest and latest.summary and latest.summary["failures"] else None
    told = failed or done
    return Headline(
        closed=failed is None,
        as_of=as_of,
        run_id=done.run_id if done else None,
        failed_as_of=_moment(failed.as_of) if failed else None,
        failures=list(failed.summary["failures"]) if failed and failed.summary else [],
        laws=dict(told.summary["laws"]) if told and told.summary else None,
        streams=_streams(done),
        only_stream=done.stream if done else None,
    )


def _streams(record: RunRecord | None) -> list[str]:
    return list(record.facts["streams"]) if record and record.facts else []


def _moment(text: str) -> datetime:
    """A time of a record as the marts have it: UTC, without saying so."""
    return clock.from_text(text).replace(tzinfo=None)


def _orgs(source: Source) -> list[str]:
    """Every org that anything is known of."""
    marts = ("reconciliation_results", "exceptions", "rejected_records", "control_totals")
    union = " union ".join(f"select org_id from marts.{mart}" for mart in marts)
    return [org for (org,) in source.rows(f"select org_id from ({union}) where org_id is not null order by 1")]


def _check(source: Source, orgs: Sequence[str], declared: Sequence[str]) -> None:
    """Refuse an org or a stream that nobody knows."""
    scope = source.scope
    if scope.org is not None and scope.org not in orgs:
        raise UsageError(f"There is no org {scope.org!r} in the published copy. {_known(orgs)}")
    if scope.stream is not None:
        found = source.rows("select stream from marts.reconciliation_results union select stream from marts.exceptions")
        streams = sorted({*declared, *(stream for (stream,) in found)})
        if scope.stream not in streams:
            raise UsageError(f"There is no stream {scope.stream!r} in the published copy. {_known(streams)}")


def _known(names: Sequence[str]) -> str:
    return f"Known: {', '.join(names)}." if names else "It holds none."


def _exponents(source: Source, done: RunRecord | None) -> dict[str, int]:
    """Decimals of every currency, as the run knew them."""
    known: dict[str, int] = {}
    if PAYOUTS in source.marts:
        known |= dict(source.rows("select distinct currency, exponent from marts.payout_tie_out"))
    return known | (done.facts["exponents"] if done and done.facts else {})


def _groups(source: Source) -> list[Group]:
    found = source.rows(
        "select org_id, stream, result, coalesce(source_currency, target_currency), count(*),"
        " sum(coalesce(source_amount_minor, target_amount_minor, 0)) from marts.reconciliation_results"
        " where {scope} group by 1, 2, 3, 4 order by 1, 2, 3, 4"
    )
    return [Group(*row[:4], int(row[4]), int(row[5])) for row in found]


def _days(source: Source) -> list[Day]:
    found = source.rows(
        "select org_id, stream, day, currency, judged_count, matched_count, judged_minor, matched_minor, opened_count,"
        " closed_count, self_cleared_count, open_count from marts.daily_trends"
        " where {scope} and day is not null order by org_id, stream, day, currency"
    )
    return [Day(*row[:4], *(int(number or 0) for number in row[4:])) for row in found]


def _open_state(source: Source) -> OpenState:
    (row,) = source.rows(
        "select count(*), count(*) filter (where is_overdue), count(*) filter (where owner is null),"
        " count(*) filter (where state = 'PENDING_APPROVAL'), max(age_days) from marts.exceptions"
        f" where {{scope}} and {OPEN}"
    )
    return OpenState(*row)


def _once(amount: str) -> str:
    """The open exceptions as a subquery in which each result stands once, with the largest of its amounts."""
    return (
        f"(select {RESULT}, currency, base_currency, max(abs({amount})) as amount from marts.exceptions"
        f" where {{scope}} and {OPEN} group by {RESULT}, currency, base_currency)"
    )


def _stakes(source: Source) -> list[Stake]:
    found = source.rows(
        f"select currency, count(*), sum(amount) from {_once('amount_minor')}"
        " where currency is not null and amount is not null group by currency order by count(*) desc, currency"
    )
    return [Stake(currency, results, int(amount)) for currency, results, amount in found]


def _base_exposures(source: Source) -> list[BaseExposure]:
    found = source.rows(
        "select org_id, base_currency, sum(amount), count(*) filter (where amount is null)"
        f" from {_once('exposure_base_minor')} where base_currency is not null"
        " group by org_id, base_currency having count(amount) > 0 order by org_id, base_currency"
    )
    return [BaseExposure(org, currency, int(amount), unknown) for org, currency, amount, unknown in found]


def _ages(source: Source) -> list[Age]:
    found = source.rows(
        "select severity, ageing_bucket, currency, sum(open_count), sum(overdue_count), sum(coalesce(amount_minor, 0))"
        " from marts.exception_ageing where {scope} group by 1, 2, 3 order by 1, 2, 3"
    )
    return [Age(*row[:3], *(int(number) for number in row[3:])) for row in found]


def _top(source: Source, exponents: Mapping[str, int]) -> list[TopException]:
    found = source.rows(
        "select exception_id, org_id, stream, anomaly, title, state, severity, owner, opened_at, due_at, is_overdue,"
        " age_days, currency, amount_minor, explanation, next_action, source_file, source_row_number, target_file,"
        " target_row_number, rejected_file, rejected_row_number from marts.exceptions"
        f" where {{scope}} and {OPEN} order by {exposure(exponents)} desc, exception_id limit {TOP}"
    )
    return [TopException(*row) for row in found]


def _counterparties(source: Source) -> list[Counterparty]:
    found = source.rows(
        "select org_id, stream, counterparty_id, currency, judged_count, matched_count, mismatched_count,"
        " missing_count, late_count, open_count, coalesce(open_minor, 0) from marts.counterparty_scorecard"
        " where {scope} and (judged_count > matched_count or open_count > 0)"
        " order by judged_count - matched_count desc, open_count desc, match_ppm, org_id, stream, counterparty_id,"
        f" currency limit {WORST}"
    )
    return [Counterparty(*row[:-1], int(row[-1])) for row in found]


def _counterparty_count(source: Source) -> int:
    return source.rows(
        "select count(*) from (select distinct org_id, stream, counterparty_id from marts.counterparty_scorecard"
        " where {scope} and (judged_count > 0 or open_count > 0))"
    )[0][0]


def _absorbed(source: Source) -> Absorbed:
    (entries,) = source.rows(
        "select count(*), count(*) filter (where is_flagged) from marts.proposed_entries where {scope} and is_needed"
    )
    (accepted,) = source.rows(
        f"select count(*) from marts.exceptions where {{scope}} and {OPEN} and accepted_by is not null"
    )[0]
    found = source.rows(
        "select org_id, rule_id, counterparty_id, month, currency, budget_minor, by_tolerance_minor, by_rule_minor,"
        " over_budget_count from marts.absorption_budgets where {scope}"
        " order by left_minor / nullif(budget_minor, 0) nulls first, org_id, rule_id, month desc, counterparty_id,"
        f" currency limit {WORST}",
        stream=False,
    )
    budgets = [Budget(*row[:6], *(int(number) for number in row[6:])) for row in found]
    return Absorbed(*entries, accepted, budgets)


def _asks_for_payouts(source: Source) -> bool:
    return PAYOUTS in source.marts and source.scope.stream in (None, PAYOUTS_STREAM)


def _payouts(source: Source) -> list[PayoutGroup]:
    if not _asks_for_payouts(source):
        return []
    found = source.rows(
        "select org_id, system, currency, state, count(*), sum(coalesce(payout_minor, 0)),"
        " sum(coalesce(deposit_minor, 0)) from marts.payout_tie_out where {scope}"
        " group by 1, 2, 3, 4 order by 1, 2, 3, 4",
        stream=False,
    )
    return [PayoutGroup(*row[:4], *(int(number) for number in row[4:])) for row in found]


def _untied(source: Source) -> list[Payout]:
    if not _asks_for_payouts(source):
        return []
    found = source.rows(
        "select org_id, system, payout_id, payout_date, currency, payout_minor, deposit_minor,"
        " coalesce(difference_minor, 0), state from marts.payout_tie_out"
        " where {scope} and state in ('LINES_DO_NOT_ADD_UP', 'DEPOSIT_MISSING', 'DEPOSIT_DIFFERS', 'NOT_ITEMISABLE')"
        " order by greatest(abs(coalesce(difference_minor, 0)), case when state = 'DEPOSIT_MISSING'"
        " then abs(coalesce(payout_minor, 0)) else 0 end) / power(10, exponent) desc, org_id, system, payout_id"
        f" limit {TOP}",
        stream=False,
    )
    return [Payout(*row[:7], int(row[7]), row[8]) for row in found]


def _balances(source: Source) -> list[Balances]:
    found = source.rows(
        "select of_what, balance, count(*) filter (where holds), count(*) filter (where not holds)"
        " from marts.control_totals where {scope} group by 1, 2 order by 1, 2",
        stream=False,
    )
    return [Balances(*row) for row in found]


def _rejects(source: Source) -> list[Rejects]:
    """A record of two reasons counts under both."""
    found = source.rows(
        "select org_id, feed, case when starts_with(part, 'unreadable_record') then 'unreadable_record'"
        " else regexp_replace(part, '^.*: ', '') end as reason, count(*), count(distinct batch_id)"
        " from (select org_id, feed, batch_id, unnest(string_split(coalesce(reasons, ''), '; ')) as part"
        " from marts.rejected_records where {scope})"
        " group by 1, 2, 3 order by 4 desc, 1, 2, 3",
        stream=False,
    )
    return [Rejects(*row) for row in found]
