"""The page and its parts: figures in, HTML out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from orchestration.page import plots, words
from orchestration.page.figures import BaseExposure, Budget, Figures, Group, Headline, Payout, TopException
from orchestration.page.markup import Column, Html, element, join, stacked, table, text
from orchestration.page.series import Rate, Trend, trends
from orchestration.page.style import STYLE
from orchestration.summary import JUDGED

# Trends of so many streams at most, those with the most records.
MOST_TRENDS = 8
# Fewer days than this make no trend.
FEWEST_DAYS = 2
PROMISED = ("TIED_OUT", "LINES_DO_NOT_ADD_UP", "DEPOSIT_MISSING", "DEPOSIT_DIFFERS", "NOT_ITEMISABLE")

# Nothing may be loaded from anywhere and nothing may run.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(figures: Figures) -> str:
    """The whole page."""
    about = " · ".join(name for name in (*_whose(figures), figures.scope.stream) if name)
    when = words.moment(figures.headline.as_of) if figures.headline.as_of else "unknown time"
    parts = [
        _head(figures, about),
        _match_rates(figures),
        _trends(figures),
        _top(figures),
        _ageing(figures),
        _counterparties(figures),
        _absorbed(figures),
        _payouts(figures),
        _control_totals(figures),
        _rejects(figures),
        _foot(figures),
    ]
    title = f"Reconciliation report, {about + ', ' if about else ''}{when}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="color-scheme" content="light">\n'
        f"{element('title', title)}\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _whose(figures: Figures) -> list[str]:
    """The orgs of the page's title; many are only counted."""
    return figures.orgs if len(figures.orgs) <= 3 else [words.count(len(figures.orgs), "org")]


def _section(title: str, *content: object, note: object = None) -> Html:
    """A part of the page under its heading."""
    return element("section", element("h2", title), *([element("p", note, class_="note")] if note else []), *content)


# The head ----------------------------------------------------------------------------------------------------------


def _head(figures: Figures, about: str) -> Html:
    headline = figures.headline
    return element(
        "header",
        element("p", "Tieout", class_="brand"),
        element("h1", "Reconciliation report"),
        element("p", about, class_="about") if about else "",
        _verdict(headline),
        _tiles(figures),
    )


def _verdict(headline: Headline) -> Html:
    """Do the books close, as of when."""
    when = words.moment(headline.as_of) if headline.as_of else "an unknown time"
    only = f" That run reconciled {headline.only_stream} only." if headline.only_stream else ""
    if headline.closed:
        told = "Every record and every amount of every file is accounted for." + only
        return element(
            "div",
            element("p", "✓ The books closed.", class_="state"),
            element("p", f"As of {when}. {told}"),
            class_="verdict good",
        )
    failed = words.moment(headline.failed_as_of) if headline.failed_as_of else "an unknown time"
    return element(
        "div",
        element("p", "✗ The books did not close.", class_="state"),
        element("p", f"The latest run, as of {failed}, failed. Nothing of it is shown."),
        element("ul", *(element("li", failure) for failure in headline.failures)),
        element("p", f"All figures below are as of {when}, when the books closed last.{only}"),
        class_="verdict bad",
    )


def _tiles(figures: Figures) -> Html:
    """The few numbers to know."""
    rows, matched = _judged(figures.groups)
    state = figures.open_state
    tiles = [_tile("Match rate", words.share(matched, rows), f"{matched:,} of {words.count(rows, 'record')} compared")]
    details = [f"{state.overdue:,} overdue" if state.overdue else "none overdue"]
    if state.unowned:
        details.append(f"{state.unowned:,} without an owner")
    if state.awaiting_approval:
        details.append(f"{state.awaiting_approval:,} waiting for approval")
    tiles.append(
        _tile("Open exceptions", f"{state.count:,}", ", ".join(details) if state.count else "nothing to settle")
    )
    if state.count:
        tiles.append(_stake_tile(figures))
    if figures.payouts:
        due = sum(group.payouts for group in figures.payouts if group.state in PROMISED)
        tied = sum(group.payouts for group in figures.payouts if group.state == "TIED_OUT")
        tiles.append(_tile("Payouts tied out", f"{tied:,} of {due:,}", "to the last cent, of those that are due"))
    held, broken = _held(figures, "books")
    tiles.append(
        _tile(
            "Control totals", f"{held:,} of {held + broken:,}", "hold: what went in is what came out", bad=bool(broken)
        )
    )
    laws = figures.headline.laws
    if laws:
        failed = laws.get("failed", 0)
        passed = laws.get("passed", 0)
        tiles.append(_tile("Laws", f"{passed:,} of {passed + failed:,}", "kept by the latest run", bad=bool(failed)))
    return element("ul", *tiles, class_="tiles")


def _tile(title: str, value: object, detail: object, *, bad: bool = False) -> Html:
    return element(
        "li",
        element("span", title, class_="what"),
        element("span", value, class_="value"),
        element("span", detail, class_="detail"),
        class_="tile bad" if bad else "tile",
    )


def _stake_tile(figures: Figures) -> Html:
    """Exposure: in the base currency where it is known, and always as it stands."""
    shown = [words.money(stake.amount_minor, stake.currency, figures.exponents) for stake in figures.stakes]
    if figures.base_exposures:
        values = [_base_text(each, figures) for each in figures.base_exposures]
        return _tile("Money at stake", stacked(values), "; ".join(shown) + ", each record once")
    if not shown:
        return _tile("Money at stake", words.NOTHING, "no amount is known")
    return _tile("Money at stake", stacked(shown), "in open exceptions, each record once")


def _base_text(each: BaseExposure, figures: Figures) -> str:
    amount = words.money(each.amount_minor, each.currency, figures.exponents)
    unknown = f" and {each.unknown:,} without a rate" if each.unknown else ""
    return f"{amount}{f' ({each.org_id})' if len(figures.base_exposures) > 1 else ''}{unknown}"


def _judged(groups: Iterable[Group]) -> tuple[int, int]:
    """Rows that can be judged, and those of them that matched."""
    found = [group for group in groups if group.result in JUDGED]
    return sum(group.rows for group in found), sum(group.rows for group in found if group.result == "MATCHED")


def _held(figures: Figures, of_what: str) -> tuple[int, int]:
    found = [each for each in figures.balances if each.of_what == of_what]
    return sum(each.held for each in found), sum(each.broken for each in found)


# Match rates -------------------------------------------------------------------------------------------------------


def _match_rates(figures: Figures) -> Html:
    by_stream: dict[tuple[str, str], list[Group]] = defaultdict(list)
    for group in figures.groups:
        by_stream[group.org_id, group.stream].append(group)
    if not by_stream:
        return _section("Match rate", element("p", "There are no records yet."))
    many = _many(figures)
    asked = [figures.scope.stream] if figures.scope.stream else figures.headline.streams
    silent = [name for name in asked if name not in {stream for _, stream in by_stream}]
    note = (
        "Matched, of the records that can be compared. Those still waiting for the other side, surplus copies and"
        " excluded ones are not counted."
    )
    return _section(
        "Match rate",
        table(
            "Records by stream",
            [
                Column("Stream", "head"),
                *(Column(name, "number") for name in ("Match rate", "Compared", "Matched", "Differ", "Missing")),
                *(Column(name, "number") for name in ("Ambiguous", "Waiting")),
            ],
            [
                [_under(stream, org if many else None), *_row_counts(found)]
                for (org, stream), found in by_stream.items()
            ],
        ),
        table(
            "Money by stream and currency",
            [
                Column("Stream", "head"),
                Column("Currency"),
                Column("Match rate", "number"),
                *(Column(name, "number money") for name in ("Compared", "Matched", "Not matched")),
            ],
            [
                [_under(stream, org if many else None), currency, *cells]
                for (org, stream), found in by_stream.items()
                for currency, cells in _money_rows(found, figures.exponents)
            ],
        ),
        element("p", f"No records yet in {', '.join(silent)}.", class_="aside") if silent else "",
        note=note,
    )


def _many(figures: Figures) -> bool:
    """Whether rows must say which org they are of."""
    return len(figures.orgs) > 1


def _under(name: object, *details: str | None) -> object:
    """What names a row, with what else tells it from others below."""
    below = [detail for detail in details if detail]
    if not below:
        return name
    return join((element("span", name, class_="line"), element("span", " · ".join(below), class_="line below")))


def _row_counts(groups: Sequence[Group]) -> list[str]:
    rows: Counter[str] = Counter()
    for group in groups:
        rows[group.result] += group.rows
    judged, matched = _judged(groups)
    missing = rows["MISSING_SOURCE"] + rows["MISSING_TARGET"]
    counts = (judged, matched, rows["MISMATCHED"], missing, rows["AMBIGUOUS"], rows["PENDING"])
    return [words.share(matched, judged), *(f"{number:,}" for number in counts)]


def _money_rows(groups: Sequence[Group], exponents: Mapping[str, int]) -> list[tuple[str, list[str]]]:
    """One row a currency; debits and credits do not cancel out over results."""
    found = []
    for currency in sorted({group.currency for group in groups if group.currency and group.result in JUDGED}):
        mine = [group for group in groups if group.currency == currency and group.result in JUDGED]
        matched = sum(abs(group.amount_minor) for group in mine if group.result == "MATCHED")
        judged = sum(abs(group.amount_minor) for group in mine)
        amounts = [words.money(amount, currency, exponents) for amount in (judged, matched, judged - matched)]
        found.append((currency, [words.share(matched, judged), *amounts]))
    return found


# Trends ------------------------------------------------------------------------------------------------------------


def _trends(figures: Figures) -> Html:
    until = figures.headline.as_of.date() if figures.headline.as_of else None
    found = [trend for trend in trends(figures.days, until) if trend.rows or trend.movements]
    if not found:
        return Html("")
    weight: Counter[tuple[str, str]] = Counter()
    for group in figures.groups:
        weight[group.org_id, group.stream] += group.rows
    largest = sorted(found, key=lambda trend: (-weight[trend.org_id, trend.stream], trend.org_id, trend.stream))
    shown = largest[:MOST_TRENDS]
    hidden = len(found) - len(shown)
    note = "The last 90 days. Match rates are by business date, exceptions by the day of the run."
    if hidden:
        note += f" Of {len(found):,} streams the {len(shown)} with the most records; marts.daily_trends has them all."
    many = _many(figures)
    return _section("Trends", *(_trend(trend, number, many) for number, trend in enumerate(shown, 1)), note=note)


def _trend(trend: Trend, number: int, many: bool) -> Html:
    """The three plots of a stream, and what they show as figures."""
    name = f"{trend.org_id}, {trend.stream}" if many else trend.stream
    plots_of = [_rate_plot(trend, f"p{number}r"), *_exception_plots(trend, f"p{number}")]
    return element("div", element("h3", name), element("div", *plots_of, class_="plots"), class_="trend")


def _figure(title: str, drawing: str, said: str, detail: Html | str = "") -> Html:
    return element("figure", element("figcaption", element("strong", title), " ", said), Html(drawing), detail)


def _rate_plot(trend: Trend, name: str) -> Html:
    days = [rate.day for rate in trend.rows]
    if len(days) < FEWEST_DAYS:
        said = f"{_percent(trend.rows[-1])} on {words.day(days[-1])}." if days else "Nothing could be compared yet."
        return element("div", element("strong", "Match rate."), f" {said} A trend needs two days.", class_="few")
    lowest = min(trend.rows, key=lambda rate: rate.hundredths)
    said = (
        f"{_percent(trend.rows[-1])} of rows on {words.day(days[-1])}; lowest {_percent(lowest)} on"
        f" {words.day(lowest.day)}." + (" Rates of the seven days up to each day." if trend.weekly else "")
    )
    money = {currency: rates for currency, rates in trend.money.items() if len(rates) >= FEWEST_DAYS}
    drawn = dict(sorted(money.items(), key=lambda item: (-len(item[1]), item[0]))[: len(plots.LINES)])
    alt = f"Line chart: match rate of {trend.stream} from {words.day(days[0])} to {words.day(days[-1])}. {said}"
    columns = [Column("Day", "head"), Column("Rows", "number")]
    columns += [Column(f"Money, {currency}", "number") for currency in drawn]
    of = {currency: {rate.day: rate for rate in rates} for currency, rates in drawn.items()}
    rows = [
        [words.day(rate.day), _percent(rate), *(_percent(of[currency].get(rate.day)) for currency in drawn)]
        for rate in trend.rows
    ]
    drawing = plots.match_rate(trend.rows, drawn, name=name, alt=alt)
    return _figure("Match rate.", drawing, said, _as_table("Match rate by day", columns, rows))


def _percent(rate: Rate | None) -> str:
    return words.share(rate.hundredths, 10_000) if rate else words.NOTHING


def _exception_plots(trend: Trend, name: str) -> list[Html]:
    """Opened and closed, and what stayed open; in words where there is only one day."""
    opened = sum(each.opened for each in trend.movements)
    closed = sum(each.closed for each in trend.movements)
    cleared = sum(each.self_cleared for each in trend.movements)
    left = trend.standings[-1].open_count if trend.standings else 0
    if not trend.movements:
        told = f" None was opened or closed in these days. Open at the end: {left:,}."
        return [element("div", element("strong", "Exceptions."), told, class_="few")]
    first, last = trend.movements[0].day, trend.movements[-1].day
    said = f"{opened:,} opened, {closed:,} closed by people or rules, {cleared:,} cleared by themselves."
    if len(trend.movements) < FEWEST_DAYS:
        told = f" All on {words.day(first)}: {said} Open at the end: {left:,}. A trend shows after runs on two days."
        return [element("div", element("strong", "Exceptions."), told, class_="few")]
    most = max(trend.standings, key=lambda standing: standing.open_count)
    moved = _figure(
        "Exceptions opened and closed.",
        plots.movement(
            trend.movements,
            name=f"{name}m",
            alt=f"Bar chart: exceptions of {trend.stream} by day, {words.day(first)} to {words.day(last)}. {said}",
        ),
        said,
        _as_table(
            "Exceptions by day; closed is by people or rules",
            [
                Column("Day", "head"),
                *(Column(title, "number") for title in ("Opened", "Closed", "Self-cleared")),
            ],
            [
                [words.day(each.day), f"{each.opened:,}", f"{each.closed:,}", f"{each.self_cleared:,}"]
                for each in trend.movements
            ],
        ),
    )
    said = f"{left:,} at the end; most {most.open_count:,} on {words.day(most.day)}."
    stayed = _figure(
        "Open at the end of the day.",
        plots.open_count(
            trend.standings,
            name=f"{name}o",
            alt=f"Step chart: open exceptions of {trend.stream} at the end of each day. {said}",
        ),
        said,
        _as_table(
            "Open exceptions by day",
            [Column("Day", "head"), Column("Open", "number")],
            [[words.day(each.day), f"{each.open_count:,}"] for each in trend.standings],
        ),
    )
    return [moved, stayed]


def _as_table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> Html:
    """What a plot shows, for who wants the figures or cannot see it."""
    return element("details", element("summary", "Show the figures"), table(caption, columns, rows))


# Exceptions --------------------------------------------------------------------------------------------------------


def _top(figures: Figures) -> Html:
    total = figures.open_state.count
    if not figures.top:
        return _section("Exceptions", element("p", "None is open."))
    shown = len(figures.top)
    title = "Open exceptions" if shown == total else f"The {shown} largest of {total:,} open exceptions"
    mixed = not figures.base_exposures and len(figures.stakes) > 1
    how = " Currencies are compared by their units, because no rate to a base currency is known." if mixed else ""
    more = "" if shown == total else join((" ", element("code", "tieout exceptions list"), " shows the others."))
    many = _many(figures)
    return _section(
        title,
        element("ol", *(_exception(item, figures, many) for item in figures.top), class_="exceptions"),
        note=join((f"The largest amount first.{how}", more)),
    )


def _exception(item: TopException, figures: Figures, many: bool) -> Html:
    """One exception: what, how much, why, what to do and where to look."""
    facts = [item.org_id if many else None, item.stream, item.anomaly, f"open {words.count(item.age_days, 'day')}"]
    if item.due_at:
        facts.append(f"due {words.day(item.due_at)}")
    facts.append(f"owner {item.owner}" if item.owner else "no owner")
    if item.state not in ("OPEN", "ASSIGNED"):
        facts.append(words.in_words(item.state))
    facts.append(f"id {item.exception_id[:12]}")
    overdue = element("span", "overdue", class_="chip overdue") if item.is_overdue else ""
    level = item.severity if item.severity in words.SEVERITIES else "LOW"
    places = [
        element("span", f"{file}, row {row}" if row else file, class_="place")
        for file, row in (
            (item.source_file, item.source_row_number),
            (item.target_file, item.target_row_number),
            (item.rejected_file, item.rejected_row_number),
        )
        if file
    ]
    return element(
        "li",
        element(
            "p",
            element("span", words.money(item.amount_minor, item.currency, figures.exponents), class_="amount"),
            element("strong", item.title),
            element("span", words.severity(item.severity), class_=f"chip {level.lower()}"),
            overdue,
            class_="line1",
        ),
        element("p", item.explanation, class_="why"),
        element("p", element("strong", "Next: "), item.next_action, class_="next"),
        element("p", element("strong", "Look at: "), join(places, "; "), class_="where") if places else "",
        element("p", join((element("span", fact) for fact in facts if fact), " · "), class_="facts"),
    )


def _ageing(figures: Figures) -> Html:
    if not figures.ages:
        return Html("")
    rows = []
    for bucket in words.buckets_in_order(age.bucket for age in figures.ages):
        mine = [age for age in figures.ages if age.bucket == bucket]
        levels: Counter[str] = Counter()
        money: Counter[str] = Counter()
        for age in mine:
            levels[age.severity] += age.open_count
            if age.currency:
                money[age.currency] += age.amount_minor
        rows.append(
            [
                words.bucket(bucket),
                f"{sum(age.open_count for age in mine):,}",
                f"{sum(age.overdue_count for age in mine):,}",
                *(f"{levels[name]:,}" for name in words.SEVERITIES),
                stacked(words.money(money[currency], currency, figures.exponents) for currency in sorted(money)),
            ]
        )
    return _section(
        "Ageing of open exceptions",
        table(
            "Open exceptions by age",
            [
                Column("Open for", "head"),
                Column("Open", "number"),
                Column("Overdue", "number"),
                *(Column(name.capitalize(), "number") for name in words.SEVERITIES.values()),
                Column("Amounts", "number money"),
            ],
            rows,
        ),
        note="A record with two problems stands in two exceptions, each with its amount; above, under money at stake,"
        " it counts once.",
    )


# Counterparties, payouts -------------------------------------------------------------------------------------------


def _counterparties(figures: Figures) -> Html:
    if not figures.counterparty_count:
        return Html("")
    all_of_them = words.count(figures.counterparty_count, "counterparty", "counterparties")
    if not figures.counterparties:
        return _section("Counterparties", element("p", f"{all_of_them}, and every record agrees."))
    many = _many(figures)
    rows = [
        [
            _under(item.counterparty_id or "(none named)", item.stream, item.org_id if many else None),
            item.currency or words.NOTHING,
            words.share(item.matched_count, item.judged_count),
            *(f"{number:,}" for number in (item.judged_count, item.mismatched_count, item.missing_count)),
            *(f"{number:,}" for number in (item.late_count, item.open_count)),
            words.money(item.open_minor, item.currency, figures.exponents),
        ]
        for item in figures.counterparties
    ]
    return _section(
        "Counterparties to talk to",
        table(
            "Counterparties with the most records that do not agree",
            [
                Column("Counterparty", "head"),
                Column("Currency"),
                *(Column(name, "number") for name in ("Match rate", "Compared", "Differ", "Missing", "Late")),
                *(Column(name, "number") for name in ("Open",)),
                Column("Money in them", "number money"),
            ],
            rows,
        ),
        note=f"Of {all_of_them} those with the most records that do not agree, by currency.",
    )


def _used(budget: Budget) -> int:
    return budget.by_tolerance_minor + budget.by_rule_minor


def _absorbed(figures: Figures) -> Html:
    """What tolerance and rules let pass, against the budgets, and what is accepted for a time."""
    absorbed = figures.absorbed
    if not (absorbed.budgets or absorbed.written_off or absorbed.accepted):
        return Html("")
    many = _many(figures)
    flagged = f", {absorbed.flagged:,} of them flagged to be looked at" if absorbed.flagged else ""
    told = (
        f"{words.count(absorbed.written_off, 'difference')} written off by rules{flagged};"
        f" {words.count(absorbed.accepted, 'open exception')} on the list of accepted differences."
    )
    rows = [
        [
            _under(item.counterparty_id or "(none named)", item.rule_id, item.org_id if many else None),
            item.month,
            *(
                words.money(minor, item.currency, figures.exponents)
                for minor in (item.budget_minor, item.by_tolerance_minor, item.by_rule_minor)
            ),
            words.share(min(_used(item), item.budget_minor or 0), item.budget_minor or 0),
            f"{item.over_budget_count:,}",
        ]
        for item in absorbed.budgets
    ]
    if not rows:
        return _section("Settled without anybody", element("p", told))
    return _section(
        "Settled without anybody",
        element("p", told),
        table(
            "Budgets of which the least is left",
            [
                Column("Counterparty, rule", "head"),
                Column("Month"),
                *(Column(name, "number money") for name in ("Budget", "By tolerance", "By rule")),
                *(Column(name, "number") for name in ("Used", "Over it")),
            ],
            rows,
        ),
        note="Tolerance and rules together may let pass no more than the budget of a counterparty and month.",
    )


def _out_by(item: Payout) -> int:
    """What the mart calls the difference; where nothing came, all of the payout."""
    return item.payout_minor or 0 if item.state == "DEPOSIT_MISSING" else item.difference_minor


def _payouts(figures: Figures) -> Html:
    if not figures.payouts:
        return Html("")
    many = _many(figures)
    states = [
        [
            _under(group.system, group.org_id if many else None),
            words.payout_state(group.state),
            f"{group.payouts:,}",
            words.money(group.payout_minor, group.currency, figures.exponents),
            words.money(group.deposit_minor, group.currency, figures.exponents),
        ]
        for group in figures.payouts
    ]
    untied = [
        [
            _under(item.payout_id, item.system, item.org_id if many else None),
            words.day(item.payout_date) if item.payout_date else words.NOTHING,
            words.payout_state(item.state),
            words.money(item.payout_minor, item.currency, figures.exponents),
            words.money(item.deposit_minor, item.currency, figures.exponents),
            words.money(_out_by(item), item.currency, figures.exponents),
        ]
        for item in figures.untied
    ]
    money = [Column("Paid out", "number money"), Column("In the bank", "number money")]
    return _section(
        "Payouts",
        table(
            "Payouts that do not tie out",
            [
                Column("Payout", "head"),
                Column("Date"),
                Column("State"),
                *money,
                Column("Out by", "number money"),
            ],
            untied,
        )
        if untied
        else element("p", "Every payout that is due equals its lines and reached the bank."),
        table(
            "All payouts by processor",
            [Column("Processor", "head"), Column("State"), Column("Payouts", "number"), *money],
            states,
        ),
        note="A payout ties out when its lines add up to it and the bank received the same, to the last cent.",
    )


# Proof -------------------------------------------------------------------------------------------------------------


def _control_totals(figures: Figures) -> Html:
    if not figures.balances:
        return _section("Control totals", element("p", "There are none yet."))
    titles = {"books": "The books: nothing is lost", "file": "What files say of themselves"}
    tables = []
    for of_what in sorted({each.of_what for each in figures.balances}):
        rows = [
            [
                words.balance(each.balance),
                f"{each.held:,}",
                element("strong", f"{each.broken:,}", class_="alarm") if each.broken else "0",
            ]
            for each in figures.balances
            if each.of_what == of_what
        ]
        columns = [Column("What must equal", "head"), Column("Hold", "number"), Column("Do not", "number")]
        tables.append(table(titles.get(of_what, of_what), columns, rows))
    note = "What went in against what came out, counted in rows, lines and money."
    if figures.scope.stream:
        note += " Of all streams, for they share their files."
    if _held(figures, "file")[1]:
        note += " A file that contradicts itself is an exception; the books still close."
    return _section("Control totals", element("div", *tables, class_="pair"), note=note)


def _rejects(figures: Figures) -> Html:
    if not figures.rejects:
        return _section("Rejected records", element("p", "None: every record of every file could be used."))
    many = _many(figures)
    note = f"{words.count(figures.rejected_count, 'record')} could not be used, and did not get lost either."
    if figures.scope.stream:
        note += " Of all streams, for they share their files."
    return _section(
        "Rejected records",
        table(
            "Rejected records by reason",
            [
                Column("Reason", "head"),
                Column("Feed"),
                Column("Records", "number"),
                Column("Files", "number"),
            ],
            [
                [
                    _under(words.reason(each.reason), each.org_id if many else None),
                    each.feed,
                    f"{each.records:,}",
                    f"{each.files:,}",
                ]
                for each in figures.rejects
            ],
        ),
        note=note,
    )


def _foot(figures: Figures) -> Html:
    run = f"Run {figures.headline.run_id}. " if figures.headline.run_id else ""
    return element(
        "footer",
        element("p", text(f"{run}All times are UTC. Amounts of different currencies are never added.")),
    )
