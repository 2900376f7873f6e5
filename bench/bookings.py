"""What the bookings stream costs: a day of bookings that comes in 24 hourly deliveries, and the daily run after it.

The day's events are spread evenly over the hours and over the suppliers, of whom every other one is reconciled hourly.
A set-up run has the policies, the rates and a small day before; then each hour's files are delivered and run with
`--mode hourly`, and at last the daily run judges what is left, with nothing new to land.
"""

import json
import shutil
import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from bench.measuring import GIGABYTE, BenchError, Measured, Run, Target, deliver, measure, say, tell, tieout

STREAM = "bookings"
ORG = "northlight_stays"
EVENTS = 2_000_000
# With fewer some hour has no file.
FEWEST = 1_000
SUPPLIERS = 300
HOURS = 24
DAY = date(2026, 3, 10)
# The day before has a twentieth of the events.
SMALL = 20

MAX_LAST_TO_SECOND = 1.5
MAX_TO_REFERENCE = 3.0
MAX_BYTES = 6 * GIGABYTE

# Euros for one, and decimals.
CURRENCIES = {
    "EUR": ("1", 2),
    "USD": ("0.925", 2),
    "GBP": ("1.165", 2),
    "JPY": ("0.0062", 0),
    "CHF": ("1.05", 2),
    "SEK": ("0.089", 2),
}
# Of 1,000 sales; what is left is plain, and so is every refund. A late one and a new version come an hour later.
KINDS = {
    "missing_supplier": 5,
    "missing_aggregator": 3,
    "price": 5,
    "status": 3,
    "skew": 3,
    "attribute": 3,
    "twice": 1,
    "version": 30,
    "late": 50,
}
ANOMALIES = {
    "missing_supplier": "MISSING_SUPPLIER",
    "missing_aggregator": "MISSING_AGGREGATOR",
    "price": "PRICE_MISMATCH",
    "status": "STATUS_MISMATCH",
    "skew": "TIMESTAMP_SKEW",
    "attribute": "ATTRIBUTE_MISMATCH",
    "twice": "DUPLICATE_SUPPLIER",
}
COLUMNS = (
    "activity_id, supplier_id, activity_type, amount, currency, status, version, event_time, order_ref, guest_name, "
    "nights, check_in"
)

# Suppliers by number; every twentieth round of all suppliers takes back what the round before sold, so that a refund
# has its sale's supplier and amount.
EVENTS_SQL = """
create or replace table events as
with numbered as (
    select
        i,
        '{prefix}' || lpad(cast(i as varchar), 9, '0') as activity_id,
        i % {suppliers} as supplier,
        i * {hours} // {events} as hour,
        timestamp '{day}' + to_seconds(cast(i * 86400 // {events} as integer)) as event_time,
        (i // {suppliers}) % 20 = 19 as is_refund,
        case when (i // {suppliers}) % 20 = 19 then i - {suppliers} else i end as sale,
        hash(i, {seed}) % 1000 as chance
    from range({events}) as numbers (i)
),

kinds as (
    select
        numbered.*,
        case when is_refund or {plain} then 'plain' {cases} else 'plain' end as kind
    from numbered
)

select
    kinds.* replace (case when kind in ('version', 'late') and hour = {hours} - 1 then 'plain' else kind end as kind),
    currencies.currency,
    currencies.exponent,
    currencies.rate,
    case when supplier % 12 < 6 then currencies.currency else 'EUR' end as sold_in,
    3000 + hash(sale, {seed} + 1) % 60000 as minor,
    1 + hash(sale, {seed} + 2) % 9 as nights,
    'Guest ' || hash(sale, {seed} + 3) % 100000 as guest_name,
    date '{day}' + cast(20 + hash(sale, {seed} + 4) % 100 as integer) as check_in
from kinds
inner join currencies
    on kinds.supplier % 6 = currencies.place
"""

SIDES_SQL = """
create or replace table aggregator as
select
    events.* replace (hour + case when versions.version = 2 then 1 else 0 end as hour),
    versions.version,
    minor + case when versions.version = 2 then minor // 10 else 0 end as billed
from events
inner join (values (1), (2)) as versions (version)
    on versions.version = 1 or events.kind = 'version'
where kind <> 'missing_aggregator';

create or replace table supplier as
select
    events.* replace (hour + case when versions.version = 2 or kind = 'late' then 1 else 0 end as hour),
    versions.version,
    minor + case when versions.version = 2 then minor // 10 when kind = 'price' then minor * 2 // 5 else 0 end as billed
from events
inner join (values (1), (2), (3)) as versions (version)
    on versions.version = 1 or (versions.version = 2 and kind = 'version') or (versions.version = 3 and kind = 'twice')
where kind <> 'missing_supplier';
"""

# Amounts that are sold in euros are the supplier's at the day's rate, to the cent.
AGGREGATOR_SQL = """
select
    activity_id,
    'S' || lpad(cast(supplier as varchar), 3, '0') as supplier_id,
    case when is_refund then 'REFUND' else 'SALE' end as activity_type,
    printf(
        if(exponent = 0 and sold_in = currency, '%.0f', '%.2f'),
        if(is_refund, -1, 1) * if(sold_in = currency, billed / pow(10, exponent), billed * rate / pow(10, exponent))
    ) as amount,
    sold_in as currency,
    case when is_refund then 'refunded' when version = 2 then 'amended' else 'booked' end as status,
    version,
    strftime(event_time, '%Y-%m-%dT%H:%M:%SZ') as event_time,
    'R' || '{prefix}' || sale as order_ref,
    guest_name,
    nights,
    check_in
from aggregator
where hour = {hour}
"""

SUPPLIER_SQL = """
select
    activity_id,
    'S' || lpad(cast(supplier as varchar), 3, '0') as supplier_id,
    case when is_refund then 'REFUND' else 'SALE' end as activity_type,
    printf(if(exponent = 0, '%.0f', '%.2f'), if(is_refund, -1, 1) * billed / pow(10, exponent)) as amount,
    currency,
    case
        when is_refund then 'refunded' when kind = 'status' then 'cancelled' when version = 2 then 'amended'
        else 'confirmed'
    end as status,
    if(version = 3, 1, version) as version,
    strftime(
        event_time - to_seconds(cast(if(kind = 'skew', 1800, hash(sale, {seed} + 5) % 60) as integer)),
        '%Y-%m-%dT%H:%M:%SZ'
    ) as event_time,
    'R' || '{prefix}' || sale as order_ref,
    upper(guest_name) as guest_name,
    nights + if(kind = 'attribute', 1, 0) as nights,
    check_in
from supplier
where hour = {hour}
"""


@dataclass
class Bookings:
    """What was measured of the bookings stream."""

    events: int
    records: int
    megabytes: float
    references: list[Measured] = field(default_factory=list)
    setup: Run | None = None
    hourly: list[Run] = field(default_factory=list)
    daily: Run | None = None
    # Seconds from landing to the published verdict of each hourly run, with how many records it had.
    lags: list[tuple[float, int]] = field(default_factory=list)

    @property
    def reference(self) -> Measured:
        """The faster one of the two around the runs."""
        return min(self.references, key=lambda one: one.seconds)

    @property
    def last_to_second(self) -> float:
        """How much dearer the last hour is than the second."""
        return self.hourly[-1].measured.seconds / self.hourly[1].measured.seconds

    def targets(self) -> list[Target]:
        """The limits."""
        if self.daily is None:
            return []
        peak = max(run.measured.peak_bytes for run in [*self.hourly, self.daily])
        ratio = self.daily.measured.seconds / self.reference.seconds
        return [
            Target("bookings, 24th hourly run / 2nd", self.last_to_second, MAX_LAST_TO_SECOND),
            Target("bookings, daily run / their reference", ratio, MAX_TO_REFERENCE),
            Target("peak memory of any run of bookings", peak / GIGABYTE, MAX_BYTES / GIGABYTE, " GB"),
        ]


def world(events: int, work: Path, seed: int = 7) -> Path:
    """A folder with the inboxes `before` and `h00` to `h23` and the answer, unless an earlier go has left it."""
    folder = work / "bookings" / str(events)
    if (folder / "key.json").exists():
        return folder
    say(f"generating {events:,} bookings")
    shutil.rmtree(folder, ignore_errors=True)
    with duckdb.connect() as con:
        con.execute("create table currencies (place integer, currency varchar, rate decimal(18, 9), exponent integer)")
        con.executemany(
            "insert into currencies values (?, ?, ?, ?)",
            [[place, name, rate, exponent] for place, (name, (rate, exponent)) in enumerate(CURRENCIES.items())],
        )
        _terms(folder / "before" / ORG)
        before = max(1, events // SMALL)
        _make(con, before, "P", DAY - timedelta(days=1), seed, plain=True)
        _write(con, folder / "before" / ORG, "P", seed, range(HOURS))
        _make(con, events, "B", DAY, seed, plain=False)
        records = sum(_count(con, f"select count(*) from {side}") for side in ("aggregator", "supplier"))
        for hour in range(HOURS):
            _write(con, folder / f"h{hour:02}" / ORG, "B", seed, [hour])
        key = _key(con) | {"records": records, "before": before}
    (folder / "key.json").write_text(json.dumps(key, indent=2) + "\n", encoding="utf-8")
    return folder


def _make(con: duckdb.DuckDBPyConnection, events: int, prefix: str, day: date, seed: int, *, plain: bool) -> None:
    """Tables `aggregator` and `supplier` of a day."""
    cases, above = [], 0
    for kind, share in KINDS.items():
        above += share
        cases.append(f"when chance < {above} then '{kind}'")
    given = {"events": events, "prefix": prefix, "day": day, "seed": seed, "suppliers": SUPPLIERS, "hours": HOURS}
    con.execute(EVENTS_SQL.format(**given, plain=str(plain).lower(), cases=" ".join(cases)))
    con.execute(SIDES_SQL)


def _write(con: duckdb.DuckDBPyConnection, inbox: Path, prefix: str, seed: int, hours: Iterable[int]) -> None:
    """The files of both sides of some hours."""
    among = ", ".join(map(str, hours))
    for side, sql in (("aggregator", AGGREGATOR_SQL), ("supplier", SUPPLIER_SQL)):
        feed = inbox / side / "activities"
        feed.mkdir(parents=True)
        query = sql.format(prefix=prefix, seed=seed, hour="any_hour").replace("= any_hour", f"in ({among})")
        con.execute(f"copy ({query}) to '{feed / 'activities.csv'}' (header, delimiter ',')")


def _terms(inbox: Path) -> None:
    """Policies, every other supplier hourly, and the rates of both days."""
    policies = ["stream,counterparty_id,mode,base_currency,price_abs_minor,price_pct,skew_seconds,grace_minutes"]
    policies.append("bookings,,DAILY,EUR,50,0.002,900,120")
    policies += [f"bookings,S{number:03},HOURLY,,,,," for number in range(0, SUPPLIERS, 2)]
    rates = ["date,from_currency,to_currency,rate,source"]
    for day in (DAY - timedelta(days=1), DAY):
        rates += [f"{day},{name},EUR,{rate},bench" for name, (rate, _) in CURRENCIES.items() if name != "EUR"]
    for feed, lines in (("policies", policies), ("fx_rates", rates)):
        file = inbox / "tieout" / feed / f"{feed}.csv"
        file.parent.mkdir(parents=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return con.execute(query).fetchall()[0][0]


def _key(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """The answer after the daily run, of the day alone."""
    kinds = dict(con.execute("select kind, count(*) from events group by kind").fetchall())
    anomalies = {code: kinds[kind] for kind, code in ANOMALIES.items() if kinds.get(kind)}
    refunds = """select count(*) from events as refunds inner join events as sales on refunds.sale = sales.i
        where refunds.is_refund and sales.kind = 'missing_supplier'"""
    missing = "'missing_supplier', 'missing_aggregator'"
    return {
        "kinds": kinds,
        "anomalies": anomalies,
        "refunds_without_sale": _count(con, refunds),
        "hourly_pairs": _count(con, f"select count(*) from events where supplier % 2 = 0 and kind not in ({missing})"),
    }


def check_hourly(data: Path, key: dict[str, object]) -> None:
    """After the last hourly run: every pair of hourly suppliers is judged, nothing of the others.

    Raises:
        BenchError: they differ.
    """
    with duckdb.connect(str(data / "published" / "tieout.duckdb"), read_only=True) as con:
        told = con.execute(
            f"""select
                count(*) filter (where result in ('MATCHED', 'MISMATCHED') and is_hourly),
                count(*) filter (where result not in ('PENDING', 'DUPLICATE') and not is_hourly)
            from (
                select result, cast(right(counterparty_id, 3) as integer) % 2 = 0 as is_hourly
                from marts.reconciliation_results
                where stream = '{STREAM}' and business_date >= date '{DAY}'
            )"""
        ).fetchall()[0]
    if told != (key["hourly_pairs"], 0):
        wanted = (key["hourly_pairs"], 0)
        raise BenchError(f"pairs of hourly suppliers, verdicts on others: expected {wanted}; published are {told}")


def check(data: Path, key: dict[str, object], run: Run) -> None:
    """Hold the daily run's answer against the key.

    Raises:
        BenchError: they differ.
    """
    with duckdb.connect(str(data / "published" / "tieout.duckdb"), read_only=True) as con:
        told = dict(
            con.execute(
                f"""select anomalies, count(*) from marts.reconciliation_results
                where stream = '{STREAM}' and anomalies <> '' group by anomalies"""
            ).fetchall()
        )
        refunds = con.execute(
            "select count(*) from marts.exceptions where anomaly = 'REFUND_WITHOUT_SALE' and state = 'OPEN'"
        ).fetchall()[0][0]
    counts = run.summary["streams"][STREAM]
    if told != key["anomalies"]:
        raise BenchError(f"anomalies differ: expected {key['anomalies']}, published are {told}")
    if refunds != key["refunds_without_sale"]:
        raise BenchError(f"refunds without a sale: expected {key['refunds_without_sale']}, published are {refunds}")
    if counts["pending"] or counts["ambiguous"]:
        raise BenchError(f"nothing should be pending or ambiguous after the daily run: {counts}")


def lags(data: Path, run: Run) -> list[tuple[float, int]]:
    """Seconds from the landing of each batch of a run's deliveries to the end of the run, with its records."""
    record = json.loads((data / "runs" / f"{run.summary['run_id']}.json").read_text(encoding="utf-8"))
    ended = datetime.fromisoformat(record["ended_at"])
    found = []
    for file in (data / "landing").glob(f"*/activities/{ORG}/*/manifest.json"):
        manifest = json.loads(file.read_text(encoding="utf-8"))
        if manifest["received_at"] == record["as_of"]:
            waited = ended - datetime.fromisoformat(manifest["landed_at"])
            found.append((waited.total_seconds(), manifest["record_count"]))
    return found


def percentile(weighted: list[tuple[float, int]], share: float) -> float:
    """The value below which this share of all records lies."""
    left = share * sum(weight for _, weight in weighted)
    for value, weight in sorted(weighted):
        left -= weight
        if left <= 0:
            return value
    return 0.0


def go(events: int, work: Path) -> Bookings:
    """Measure the reference, the day hour by hour, the daily run, and the reference again, and check the answer."""
    folder = world(events, work)
    key = json.loads((folder / "key.json").read_text(encoding="utf-8"))
    size = sum(file.stat().st_size for hour in folder.glob("h*") for file in hour.rglob("*.csv"))
    found = Bookings(events, key["records"], size / 1e6)
    data, logs = work / "bookings_data", work / "logs"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    logs.mkdir(exist_ok=True)
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)

    def reference() -> None:
        out = work / "bookings_reference.duckdb"
        rates = folder / "before" / ORG / "tieout" / "fx_rates" / "fx_rates.csv"
        command = [sys.executable, "-m", "bench.bookings_reference", str(folder / "h*" / ORG), str(rates), str(out)]
        found.references.append(measure(command, logs / "bookings_reference"))
        out.unlink()
        tell("bookings reference", found.references[-1])

    def run(what: str, mode: str, clock: timedelta) -> Run:
        one = tieout(data, (midnight + clock).isoformat(), logs / what.replace(" ", "_"), mode)
        tell(what, one.measured)
        return one

    reference()
    deliver(folder / "before", data)
    found.setup = run("bookings set-up", "daily", timedelta(minutes=30))
    for hour in range(HOURS):
        deliver(folder / f"h{hour:02}", data)
        found.hourly.append(run(f"bookings hour {hour + 1}", "hourly", timedelta(hours=hour + 1, minutes=5)))
        found.lags += lags(data, found.hourly[-1])
    check_hourly(data, key)
    found.daily = run("bookings daily", "daily", timedelta(hours=26, minutes=30))
    check(data, key, found.daily)
    reference()
    return found


def report(found: Bookings) -> list[str]:
    """The section of the page."""
    if found.daily is None:
        return []
    hours = [one.measured for one in found.hourly]
    middle = statistics.median(one.seconds for one in hours)
    ratio = found.daily.measured.seconds / found.reference.seconds
    second, last = found.hourly[1], found.hourly[-1]
    p50, p95 = percentile(found.lags, 0.5), percentile(found.lags, 0.95)
    names = second.nodes.keys() | last.nodes.keys()
    grown = sorted(names, key=lambda name: second.nodes.get(name, 0) - last.nodes.get(name, 0))[:5]
    dearest = sorted(found.daily.nodes.items(), key=lambda item: -item[1])[:8]

    def line(what: str, one: Measured, ratio: str = "") -> str:
        seconds, cores, peak = one.seconds, one.core_seconds, one.peak_bytes / GIGABYTE
        return f"| {what} | {seconds:.1f} | {cores:.1f} | {peak:.2f} | {ratio} |"

    def told(numbers: Iterable[float]) -> str:
        return ", ".join(f"{number:.1f}" for number in numbers)

    def phases(run: Run) -> str:
        timings = {name: seconds for name, seconds in run.timings.items() if name not in ("total", "load")}
        return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in timings.items())

    return [
        "## Bookings: a day in 24 hourly deliveries",
        "",
        f"{found.events:,} booking events of a day and {SUPPLIERS} suppliers, {found.records:,} records of both",
        f"sides in {found.megabytes:.0f} MB of CSV; every other supplier is hourly. After a set-up run (policies,",
        "rates, a small day before) each hour's two files are run with `--mode hourly`, then one daily run judges",
        "all that is left. After the last hourly run and after the daily one the answer was checked against the",
        "generator's key. The reference (`bench/bookings_reference.py`) reads the whole day; the daily run finds",
        "it landed, and half of it judged.",
        "",
        "| what | seconds | of cores | peak memory, GB | |",
        "|---|---|---|---|---|",
        line("reference: the whole day in one script", found.reference, "1"),
        line("2nd hourly run", hours[1]),
        line("24th hourly run", hours[-1], f"{found.last_to_second:.2f} x the 2nd"),
        line("daily run", found.daily.measured, f"{ratio:.2f} x reference"),
        "",
        f"All hourly runs, in seconds: {told(one.seconds for one in hours)}; the median is {middle:.1f}.",
        f"In seconds of cores, which others on the machine do not lengthen: {told(one.core_seconds for one in hours)}.",
        f"Their peak memory is {max(one.peak_bytes for one in hours) / GIGABYTE:.2f} GB. From the landing of a record",
        f"of an hourly supplier to its published verdict: p50 {p50:.1f} s, p95 {p95:.1f} s.",
        "Records of the others wait for the daily run, as their policy says.",
        "",
        f"Of the 2nd hourly run {phases(second)}; of the 24th {phases(last)};",
        f"of the daily run {phases(found.daily)}.",
        "What grew most from the 2nd to the 24th, in seconds: "
        + ", ".join(f"`{name}` {second.nodes.get(name, 0):.1f} to {last.nodes.get(name, 0):.1f}" for name in grown)
        + ".",
        f"The dearest parts of the daily run: {', '.join(f'`{name}` {seconds:.1f}' for name, seconds in dearest)}.",
        "",
    ]
