"""From what was asked for and what the files hold to what is compared. What nobody said is guessed from the headers, in
so many words; what could be two things is refused, and so is what is not there, all of it in one message."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from orchestration.errors import UsageError
from orchestration.landing.feed_texts import DATE_SHAPES, MOST_ID_PARTS
from orchestration.landing.header import normalise
from orchestration.quick.look import Ids, Look, Moments, Numbers
from orchestration.quick.options import LEFT, NOTHING, RIGHT, SIDES, Options, by_side, decimals
from orchestration.quick.plan import (
    DEFAULT,
    GIVEN,
    GUESSED,
    LEFT_OUT,
    NO_CURRENCY,
    Marks,
    Plan,
    Said,
    SidePlan,
    Times,
)

# Names as headers are compared, the plainest first; within a tier none is better than another.
IDS = (
    *("id", "order_id", "transaction_id", "activity_id", "booking_id", "payment_id", "invoice_id", "record_id"),
    *("reference", "ref", "order_reference", "booking_reference", "payment_reference", "key", "uuid", "guid"),
    *("order_number", "order_no", "transaction_number", "invoice_number", "invoice_no", "booking_number", "number"),
)
ID_ENDS = ("_id", "_no", "_nr", "_number", "_ref", "_reference", "_key", "_uuid")
AMOUNTS = (
    (
        *("total", "amount", "gross", "total_amount", "amount_total", "order_total", "order_amount", "grand_total"),
        *("gross_amount", "transaction_amount", "payment_amount", "invoice_total"),
    ),
    ("price", "total_price", "value", "sum"),
)
CURRENCIES = (("currency", "currency_code", "ccy", "iso_currency", "order_currency", "transaction_currency"),)
STATUSES = (
    ("status", "state", "order_status"),
    ("payment_status", "transaction_status", "booking_status", "status_code"),
)
TIMES = (
    (
        *("created_at", "timestamp", "event_at", "event_time", "occurred_at", "datetime", "date_time", "created"),
        *("transaction_time", "order_time"),
    ),
    (
        *("date", "time", "day", "order_date", "transaction_date", "booking_date", "event_date", "value_date"),
        *("created_date", "booked_at", "paid_at"),
    ),
)

# What dbt does not take as text, wherever it stands.
TEMPLATE_MARKS = ("{{", "{%", "{#")

# What has fewer different values than this share of its records names groups of records, not records.
LEAST_DISTINCT = Decimal("0.5")

# In this order people read what is compared.
MONEY = "amount"
ORDER = ("on", MONEY, "currency", "status", "time")

Shared = Callable[[Sequence[str], Sequence[str]], int]


@dataclass(frozen=True)
class Side:
    """One file's columns by their names as headers are compared; `twice` are those that more than one column has."""

    look: Look
    columns: Mapping[str, str]
    twice: frozenset[str]

    @classmethod
    def of(cls, look: Look) -> "Side":
        names = [normalise(header) for header in look.headers]
        columns = {name: header for name, header in zip(names, look.headers, strict=True) if names.count(name) == 1}
        columns.pop("", None)
        return cls(look, columns, frozenset(name for name in names if names.count(name) > 1))

    @property
    def named(self) -> str:
        """The side and its file, as faults speak of it."""
        return f"{self.look.label} ({self.look.name})"

    def find(self, given: str, option: str, faults: list[str]) -> str | None:
        """The header that a name means; a fault where none does, or more than one."""
        name = normalise(given)
        if name in self.twice:
            faults.append(f"{option}: {self.named} has the column {given!r} more than once.")
        elif name not in self.columns:
            there = ", ".join(self.look.headers)
            faults.append(f"{option}: {self.named} has no column {given!r}. It has {there}.")
        return self.columns.get(name)


@dataclass(frozen=True)
class Pick:
    """What was decided on one subject: a header for each side, or none."""

    left: str | None
    right: str | None
    origin: str
    why: str = ""

    @property
    def is_whole(self) -> bool:
        return self.left is not None and self.right is not None


ABSENT = Pick(None, None, LEFT_OUT)


def make_plan(
    options: Options,
    left: Look,
    right: Look,
    *,
    shared: Shared,
    exponents: Mapping[str, int],
    delimiters: tuple[str | None, str | None] = (None, None),
) -> Plan:
    """Settle what is compared. `shared` counts the keys that both files have under columns of each; `exponents` are the
    currencies that there are.

    Raises:
        UsageError: with every fault and every guess that was refused.
    """
    return _Planner(options, Side.of(left), Side.of(right), shared, exponents).plan(delimiters)


class _Planner:
    """One planning: notes faults and what was said as it goes."""

    def __init__(self, options: Options, left: Side, right: Side, shared: Shared, exponents: Mapping[str, int]) -> None:
        self.options, self.left, self.right, self.shared, self.exponents = options, left, right, shared, exponents
        self.faults: list[str] = []
        self.said: list[Said] = []

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.left, self.right

    def plan(self, delimiters: tuple[str | None, str | None]) -> Plan:
        keys = self.keys()
        amount = self.column("amount", self.options.amount, AMOUNTS, _holds_numbers, "numbers")
        status = self.column("status", self.options.status, STATUSES, lambda look, header: True, "texts")
        time = self.column("time", self.options.time, TIMES, _holds_times, "times")
        marks = self.marks(amount)
        currencies = self.currencies(amount)
        shapes = self.shapes(time)
        if time.is_whole and shapes[0].days_only != shapes[1].days_only and time.origin == GUESSED:
            days = LEFT if shapes[0].days_only else RIGHT
            why = f"{days} has days only and the other side clocks; name them with --time to compare them all the same"
            time, shapes = Pick(None, None, LEFT_OUT, why), (Times(), Times())
        zones = self.zones(shapes)
        minor, exponent = self.price_abs(amount, currencies)
        self.say_all(amount, status, time, shapes, marks, currencies, zones)
        self.check_uses(keys, amount, status, time, currencies)
        if self.faults:
            faults = "\n".join(f"  - {fault}" for fault in self.faults)
            raise UsageError(f"These two files cannot be reconciled as asked:\n{faults}")
        plans = [
            SidePlan(
                system=self.options.names[n],
                headers=side.look.headers,
                key=keys[n],
                delimiter=delimiters[n],
                amount=(amount.left, amount.right)[n] if amount.is_whole else None,
                currency=currencies[n][0],
                currency_code=currencies[n][1],
                status=(status.left, status.right)[n] if status.is_whole else None,
                time=(time.left, time.right)[n] if time.is_whole else None,
                marks=marks[n],
                times=shapes[n],
                time_zone=zones[n],
            )
            for n, side in enumerate(self.sides)
        ]
        return Plan(
            left=plans[0],
            right=plans[1],
            org=self.options.org,
            exponent=exponent,
            price_abs_minor=minor,
            price_pct=self.options.price_pct,
            skew=self.options.skew,
            said=tuple(sorted(self.said, key=lambda said: ORDER.index(said.subject))),
        )

    # The key.

    def keys(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        given = self.options.on
        if given is None:
            found = self.guess_key()
            return ((found,), (self.right.columns[normalise(found)],)) if found else ((), ())
        parts = [by_side(part) for part in given.split(",")]
        if normalise(given) in self.left.columns and normalise(given) in self.right.columns:
            parts = [(given, given)]
        if len(parts) > MOST_ID_PARTS:
            self.faults.append(f"--on {given}: at most {MOST_ID_PARTS} columns.")
        left = [self.left.find(part, "--on", self.faults) for part, _ in parts]
        right = [self.right.find(part, "--on", self.faults) for _, part in parts]
        keys = tuple(h for h in left if h), tuple(h for h in right if h)
        self.say_key(keys, GIVEN, "")
        return keys

    def guess_key(self) -> str | None:
        """The column that both files have and that looks most like an id: shared values, then a plain name, then
        unique and never blank. Two that are equally good are refused."""
        common = [name for name in self.left.columns if name in self.right.columns]
        named = [name for name in common if name in IDS or name.endswith(ID_ENDS)]
        measured = [(name, [side.look.ids(side.columns[name]) for side in self.sides]) for name in named]
        fit = [(name, ids) for name, ids in measured if all(_names_records(one) for one in ids)]
        if not fit:
            self.refuse_key(measured)
            return None
        rows = all(ids.rows for _, both in fit for ids in both)
        ranked = []
        for name, ids in fit:
            overlaps = not rows or self.shared([self.left.columns[name]], [self.right.columns[name]]) > 0
            rank = (not overlaps, name not in IDS, not all(one.is_unique for one in ids))
            ranked.append((rank, name))
        best = min(rank for rank, _ in ranked)
        names = [name for rank, name in ranked if rank == best]
        if len(names) > 1:
            shown = ", ".join(f"{self.left.columns[name]} (--on {self.left.columns[name]})" for name in names)
            self.faults.append(f"on: more than one column could be the key: {shown}. Say which one is with --on.")
            return None
        header = self.left.columns[names[0]]
        why = (
            "; neither file has a blank or repeats one"
            if not best[2]
            else "; some are blank or stand there more than once"
        )
        if best[0]:
            why += "; no value stands in both files"
        self.say_key(((header,), (self.right.columns[names[0]],)), GUESSED, why)
        return header

    def refuse_key(self, measured: list[tuple[str, list[Ids]]]) -> None:
        columns = "; ".join(f"{side.look.label} has {', '.join(side.look.headers)}" for side in self.sides)
        repeating = "; ".join(
            f"{name} has {', '.join(f'{one.distinct} different values in {one.rows} records' for one in ids)}"
            for name, ids in measured
        )
        self.faults.append(
            "on: no column that both files have looks like the id of a record"
            + (f" ({repeating})" if repeating else "")
            + f". Name the key with --on COLUMN, --on LEFT=RIGHT or --on COLUMN,COLUMN; {columns}."
        )

    def say_key(self, keys: tuple[tuple[str, ...], tuple[str, ...]], origin: str, why: str) -> None:
        left, right = (" + ".join(f"`{header}`" for header in key) for key in keys)
        self.said.append(Said("on", origin, _of_both(left, right) + _reason(origin, "--on", why), *map(list, keys)))

    # Columns that are compared.

    def column(
        self,
        subject: str,
        given: str | None,
        tiers: tuple[tuple[str, ...], ...],
        fits: Callable[[Look, str], bool],
        what: str,
    ) -> Pick:
        """The columns of one subject: those that were named, else what the headers suggest."""
        option = f"--{subject}"
        if given is not None:
            wanted = by_side(given)
            if any(name.lower() == NOTHING for name in wanted):
                return Pick(None, None, LEFT_OUT, f"{option} {given} says so")
            left, right = (s.find(name, option, self.faults) for s, name in zip(self.sides, wanted, strict=True))
            return Pick(left, right, GIVEN)
        ranked: list[dict[str, int]] = []
        for side in self.sides:
            ranks = {name: rank for rank, tier in enumerate(tiers) for name in tier if name in side.columns}
            ranked.append({name: rank for name, rank in ranks.items() if fits(side.look, side.columns[name])})
        if subject == MONEY and any(ranked) and not all(ranked):
            # To match without the money that one file tells of would be an answer that only looks right.
            has, lacks = self.sides if ranked[0] else self.sides[::-1]
            shown = ", ".join(has.columns[name] for name in (ranked[0] or ranked[1]))
            self.faults.append(
                f"{subject}: {shown} of {has.named} looks like it, and no column of {lacks.named} does; it has"
                f" {', '.join(lacks.look.headers)}. Say {option} LEFT=RIGHT, or {option} {NOTHING} to compare without."
            )
            return ABSENT
        if not all(ranked):
            return Pick(None, None, LEFT_OUT, self.why_not(ranked, tiers, what))
        common = {name: rank for name, rank in ranked[0].items() if name in ranked[1]}
        chosen: list[str] = []
        for side, ranks in zip(self.sides, (common, common) if common else ranked, strict=True):
            best = [name for name, rank in ranks.items() if rank == min(ranks.values())]
            if len(best) > 1:
                shown = ", ".join(side.columns[name] for name in best)
                where = "both files" if common else f"{side.named}"
                fault = f"{subject}: more than one column of {where} could be it: {shown}. Say which one with {option}"
                self.faults.append(f"{fault} COLUMN, {option} LEFT=RIGHT, or {option} {NOTHING}.")
                if common:
                    return ABSENT
            chosen.append(best[0])
        return Pick(self.left.columns[chosen[0]], self.right.columns[chosen[1]], GUESSED)

    def why_not(self, ranked: list[dict[str, int]], tiers: tuple[tuple[str, ...], ...], what: str) -> str:
        """Why a subject has no column, side by side."""
        reasons = []
        for side, found in zip(self.sides, ranked, strict=True):
            named = [side.columns[name] for tier in tiers for name in tier if name in side.columns]
            if not found and named:
                reasons.append(f"{', '.join(f'`{name}`' for name in named)} of {side.look.label} holds no {what}")
            elif not found:
                reasons.append(f"{side.look.label} has no column of that name")
        return "; ".join(reasons)

    # How amounts are read.

    def marks(self, amount: Pick) -> tuple[Marks, Marks]:
        given = by_side(self.options.decimal_mark) if self.options.decimal_mark else (None, None)
        for mark in given:
            if mark is not None and mark not in (".", ","):
                self.faults.append(
                    f"--decimal-mark {self.options.decimal_mark}: a mark is . or , (LEFT=RIGHT for each side)."
                )
        if not amount.is_whole:
            return Marks(), Marks()
        found = [
            self.marks_of(side, side.look.numbers(header), mark)
            for side, header, mark in zip(self.sides, (amount.left, amount.right), given, strict=True)
            if header
        ]
        return found[0], found[1]

    def marks_of(self, side: Side, numbers: Numbers, given: str | None) -> Marks:
        """The decimal mark of a column, where its texts leave only one."""
        mark = given
        if mark is None and side.look.is_typed and not numbers.comma:
            mark = "."
        if mark is None:
            comma, point = numbers.comma, numbers.point
            if (comma and point) or (not comma and not point and (numbers.either_comma or numbers.either_point)):
                both = (
                    f"{comma} can only have the comma, {point} only the point"
                    if comma
                    else "1.234 and 1,234 can be both"
                )
                self.faults.append(
                    f"amount: the decimal mark of {side.named} cannot be told from its amounts:"
                    f" {both}. Say it with --decimal-mark . or , (LEFT=RIGHT for each side)."
                )
            mark = "," if comma else "."
        grouping = "," if mark == "." else "."
        groups = numbers.has_comma if mark == "." else numbers.has_point
        decorations = ("symbol", "parentheses", "trailing_minus", "unicode_minus")
        return Marks(mark, grouping if groups else "", tuple(d for d in decorations if getattr(numbers, d)))

    def currencies(self, amount: Pick) -> tuple[tuple[str | None, str], tuple[str | None, str]]:
        """Of each side the column that says the currency, and the code that stands for one where there is none."""
        if not amount.is_whole:
            return (None, NO_CURRENCY), (None, NO_CURRENCY)
        given = by_side(self.options.currency) if self.options.currency else (None, None)
        both_alike = "=" not in (self.options.currency or "=")
        found: list[str | None] = []
        codes: list[str | None] = []
        how: list[str] = []
        for side, wanted in zip(self.sides, given, strict=True):
            header, code, word = self.currency_of(side, wanted, both_alike)
            found.append(header)
            codes.append(code)
            how.append(word)
        for n, side in enumerate(self.sides):
            if found[n] is None and codes[n] is None:
                codes[n], how[n] = self.currency_for(side, found[1 - n], codes[1 - n], self.sides[1 - n])
        origin = GIVEN if all(h == GIVEN for h in how) else DEFAULT if DEFAULT in how else GUESSED
        shown = [f"`{header}`" if header else str(code) for header, code in zip(found, codes, strict=True)]
        taken = [header or code for header, code in zip(found, codes, strict=True)]
        why = ""
        if any(code == NO_CURRENCY and header is None for header, code in zip(found, codes, strict=True)):
            why = f"; {NO_CURRENCY} stands for no currency: amounts are compared as plain numbers"
        self.said.append(Said("currency", origin, _of_both(*shown) + _reason(origin, "--currency", why), *taken))
        return (found[0], codes[0] or NO_CURRENCY), (found[1], codes[1] or NO_CURRENCY)

    def currency_of(self, side: Side, wanted: str | None, both_alike: bool) -> tuple[str | None, str | None, str]:
        named = [n for tier in CURRENCIES for n in tier if n in side.columns and self.holds_currencies(side, n)]
        if wanted is not None and normalise(wanted) in side.columns:
            return side.columns[normalise(wanted)], None, GIVEN
        if wanted is not None and wanted.upper() not in self.exponents:
            self.faults.append(
                f"--currency {wanted}: no column of {side.named}, which has"
                f" {', '.join(side.look.headers)}, and no currency of ISO 4217."
            )
            return None, NO_CURRENCY, GIVEN
        if len(named) > 1 and not (wanted is not None and not both_alike):
            shown = ", ".join(side.columns[name] for name in named)
            self.faults.append(
                f"currency: more than one column of {side.named} could be it: {shown}."
                " Say which one with --currency COLUMN or LEFT=RIGHT."
            )
        if wanted is not None and (not named or not both_alike):
            return None, wanted.upper(), GIVEN
        return (side.columns[named[0]], None, GUESSED) if named else (None, None, DEFAULT)

    def holds_currencies(self, side: Side, name: str) -> bool:
        codes = side.look.codes(side.columns[name])
        return not codes or any(code in self.exponents for code in codes)

    def currency_for(
        self, side: Side, other_header: str | None, other_code: str | None, other: Side
    ) -> tuple[str, str]:
        """The currency of a file that says none: the one that all of the other file is in."""
        codes = [other_code] if other_code else list(other.look.codes(other_header)) if other_header else []
        known = [code for code in codes if code in self.exponents]
        if len(known) > 1:
            self.faults.append(
                f"currency: {side.named} has no column of currencies, and"
                f" {other.look.label} has {', '.join(known[:10])}. Say which it is with --currency CODE or LEFT=RIGHT."
            )
        return (known[0], DEFAULT) if known else (NO_CURRENCY, DEFAULT)

    def price_abs(
        self, amount: Pick, currencies: tuple[tuple[str | None, str], tuple[str | None, str]]
    ) -> tuple[int, int]:
        """The limit in minor units, and the decimals of amounts that have no currency."""
        headers = [h for h in (amount.left, amount.right) if h] if amount.is_whole else []
        found = [side.look.numbers(h).decimals for side, h in zip(self.sides, headers, strict=False)]
        plain = min(max([2, decimals(self.options.price_abs), *found]), 6)
        if not amount.is_whole:
            limits = (("--price-abs", self.options.price_abs), ("--price-pct", self.options.price_pct))
            for option, limit in limits:
                if Decimal(limit) != 0:
                    self.faults.append(f"{option} {limit}: there are no amounts to compare.")
            return 0, plain
        if Decimal(self.options.price_abs) == 0:
            return 0, plain
        codes = set()
        for side, (header, code) in zip(self.sides, currencies, strict=True):
            codes |= {c for c in side.look.codes(header) if c in self.exponents} if header else {code}
        exponents = {code: plain if code == NO_CURRENCY else self.exponents[code] for code in sorted(codes)}
        if len(set(exponents.values())) > 1:
            shown = ", ".join(f"{code} {exponent}" for code, exponent in exponents.items())
            self.faults.append(
                f"--price-abs {self.options.price_abs}: the currencies have unlike decimals ({shown}), so that"
                " it would be another limit in each. Use --price-pct, or reconcile them one by one."
            )
            return 0, plain
        exponent = next(iter(exponents.values()), plain)
        minor = Decimal(self.options.price_abs).scaleb(exponent)
        if minor != minor.to_integral_value():
            self.faults.append(
                f"--price-abs {self.options.price_abs}: it has more decimals than {', '.join(exponents)} ({exponent})."
            )
            return 0, plain
        return int(minor), plain

    # How times are read.

    def shapes(self, time: Pick) -> tuple[Times, Times]:
        given = by_side(self.options.date_format) if self.options.date_format else (None, None)
        for shape in given:
            if shape is not None and shape not in DATE_SHAPES:
                self.faults.append(
                    f"--date-format {shape}: allowed are {', '.join(DATE_SHAPES)} (LEFT=RIGHT for each side)."
                )
        if not time.is_whole:
            return Times(), Times()
        found = [
            self.shapes_of(side, side.look.moments(header), shape)
            for side, header, shape in zip(self.sides, (time.left, time.right), given, strict=True)
            if header
        ]
        return found[0], found[1]

    def shapes_of(self, side: Side, moments: Moments, given: str | None) -> Times:
        shapes = []
        if moments.dotted:
            shapes.append("DD.MM.YYYY")
        if moments.year_slashed:
            shapes.append("YYYY/MM/DD")
        if given is not None:
            shapes = [given, *(shape for shape in shapes if shape != given)]
        elif moments.slashed:
            if bool(moments.day_first) == bool(moments.month_first):
                self.faults.append(
                    f"time: {side.named} writes its dates with slashes, and nothing tells whether"
                    " the day or the month stands first. Say it with --date-format DD/MM/YYYY or MM/DD/YYYY."
                )
            shapes.append("DD/MM/YYYY" if moments.day_first else "MM/DD/YYYY")
        return Times(tuple(shapes), days_only=moments.readable > 0 and moments.with_clock == 0)

    def zones(self, shapes: tuple[Times, Times]) -> tuple[str, str]:
        given = by_side(self.options.time_zone) if self.options.time_zone else ("UTC", "UTC")
        for zone in dict.fromkeys(given):
            try:
                ZoneInfo(zone)
            except (KeyError, ValueError, OSError):
                self.faults.append(f"--time-zone {zone}: no zone of the IANA list, such as Europe/Berlin.")
        # A day is a day, wherever it is.
        left, right = ("UTC" if times.days_only else zone for times, zone in zip(shapes, given, strict=True))
        return left, right

    # What is said.

    def say_all(
        self,
        amount: Pick,
        status: Pick,
        time: Pick,
        shapes: tuple[Times, Times],
        marks: tuple[Marks, Marks],
        currencies: tuple[tuple[str | None, str], tuple[str | None, str]],
        zones: tuple[str, str],
    ) -> None:
        written = []
        for side, one in zip(SIDES, marks, strict=True):
            parts = [f"decimal mark {one.decimal}"] if one.decimal != "." else []
            parts += [f"groups marked with {one.grouping}"] if one.grouping else []
            parts += [word.replace("_", " ") for word in one.decorations]
            written += [f"{side} is written with {' and '.join(parts)}"] if parts else []
        self.say_column("amount", amount, "; ".join(written))
        note = "compared as texts without regard to case and blanks around them, no status map is used"
        self.say_column("status", status, note)
        clocks = []
        for side, one, zone in zip(SIDES, shapes, zones, strict=True):
            parts = [f"as {shape}" for shape in one.shapes]
            parts += ["as days, which begin at midnight"] if one.days_only else [f"in {zone} where no offset stands"]
            clocks.append(f"{side} {', '.join(parts)}")
        self.say_column("time", time, "; ".join(clocks))

    def say_column(self, subject: str, pick: Pick, note: str) -> None:
        if not pick.is_whole:
            text = f"not compared ({pick.why})" if pick.why else "not compared"
            self.said.append(Said(subject, LEFT_OUT, text))
            return
        text = _of_both(f"`{pick.left}`", f"`{pick.right}`") + _reason(pick.origin, f"--{subject}", "")
        self.said.append(Said(subject, pick.origin, text + (f"; {note}" if note else ""), pick.left, pick.right))

    def check_uses(
        self,
        keys: tuple[tuple[str, ...], tuple[str, ...]],
        amount: Pick,
        status: Pick,
        time: Pick,
        currencies: tuple[tuple[str | None, str], tuple[str | None, str]],
    ) -> None:
        """A column can be one thing only: landing gives each header to one column of a feed."""
        for n, side in enumerate(self.sides):
            used = [("on", header) for header in keys[n]]
            picks = (("amount", amount), ("status", status), ("time", time))
            used += [(name, header) for name, pick in picks if (header := (pick.left, pick.right)[n])]
            used += [("currency", header)] if (header := currencies[n][0]) else []
            for header in dict.fromkeys(header for _, header in used):
                if any(mark in header for mark in TEMPLATE_MARKS):
                    self.faults.append(
                        f"{side.named}: column {header!r} cannot be used: its name would be a template. Rename it."
                    )
                names = [name for name, other in used if other == header]
                if len(names) > 1:
                    self.faults.append(f"{side.named}: column {header!r} cannot be {' and '.join(names)} at once.")


def _names_records(ids: Ids) -> bool:
    """Whether a column has about as many different values as there are records."""
    return ids.rows == 0 or ids.distinct >= LEAST_DISTINCT * ids.rows


def _holds_numbers(look: Look, header: str) -> bool:
    numbers = look.numbers(header)
    return numbers.filled == 0 or numbers.readable * 2 > numbers.filled


def _holds_times(look: Look, header: str) -> bool:
    moments = look.moments(header)
    return moments.filled == 0 or moments.readable * 2 > moments.filled


def _of_both(left: str, right: str) -> str:
    return f"{left} of both" if left == right else f"{left} of left, {right} of right"


def _reason(origin: str, option: str, why: str) -> str:
    if origin == GIVEN:
        return why
    word = "the default" if origin == DEFAULT else "guessed"
    return f" ({word}; {option} says otherwise{why})"
