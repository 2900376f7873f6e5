"""How right Tieout is on a world whose answer is known: `python -m examples.payouts.score --data-dir DIR --key KEY`.

Compares the published marts with the key and writes docs/accuracy.md: precision and recall by rows and by money, for
each anomaly, and the state of every payout. Ends with 1 if anything was missed, wrongly reported or judged otherwise.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

STREAM = "ecommerce_payouts"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "accuracy.md"
# Thousandths of a US cent for a minor unit, so that money of all currencies can be added; the example's own rates.
WORTH = {"USD": 1000, "EUR": 1080, "JPY": 650}
PARTS = ("gross", "refunds", "fees", "chargebacks", "reserves", "adjustments", "net", "payout")
# Where the records that an exception names are found again, with everything that they are called.
NAMES = {
    "processor_legs": ("order_ref", "payment_ref", "batch_ref"),
    "processor_payouts": ("payment_ref", "batch_ref"),
    "shop_orders": ("order_ref", "payment_ref"),
    "bank_entries": ("payment_ref", "batch_ref"),
}


def worth(amount: int | None, currency: str | None) -> int:
    """An amount's weight."""
    return abs(amount or 0) * WORTH.get(currency or "", 0)


def dollars(weight: int) -> str:
    """A weight in US dollars, rounded to whole ones."""
    return f"{(weight + 50_000) // 100_000:,}"


def token(text: str) -> str:
    """A name as it can be compared: without the mark of an order number and blanks."""
    return text.strip().removeprefix("#").replace(" ", "_").upper()


def parts_of(id_: str) -> set[str]:
    """An activity's id and what it is put together of: a leg's suffix, a bank entry's account and reference."""
    return {token(id_), *(token(part) for part in id_.split(":"))}


@dataclass
class Finding:
    """One line of the key."""

    org: str
    codes: tuple[str, ...]
    names: frozenset[str]
    weight: int
    must: bool
    fault: str
    text: str
    found: bool = False


@dataclass
class Reported:
    """One open exception."""

    org: str
    code: str
    names: set[str]
    weight: int
    explanation: str
    ids: str
    finding: Finding | None = None


@dataclass
class Score:
    """Counts of one anomaly, in rows and in money."""

    expected: list[Finding] = field(default_factory=list)
    right: list[Reported] = field(default_factory=list)
    wrong: list[Reported] = field(default_factory=list)

    @property
    def missed(self) -> list[Finding]:
        return [finding for finding in self.expected if not finding.found]

    def row(self) -> list[str]:
        """Expected, found, missed, wrong, recall and precision by rows and by money."""
        found = [finding for finding in self.expected if finding.found]
        return [
            f"{len(self.expected):,}",
            f"{len(found):,}",
            f"{len(self.missed):,}",
            f"{len(self.wrong):,}",
            share(len(found), len(self.expected)),
            share(sum(f.weight for f in found), sum(f.weight for f in self.expected)),
            share(len(self.right), len(self.right) + len(self.wrong)),
            share(sum(r.weight for r in self.right), sum(r.weight for r in [*self.right, *self.wrong])),
            dollars(sum(f.weight for f in self.expected)),
        ]


def share(part: int, whole: int) -> str:
    """A percentage with two decimals, rounded down, so that 100 is all of it; a dash of nothing."""
    if not whole:
        return "–"
    basis = part * 10_000 // whole
    return f"{basis // 100}.{basis % 100:02d} %"


def read_key(con: duckdb.DuckDBPyConnection, key: Path) -> list[Finding]:
    """The findings of the key."""
    rows = con.execute(
        """select org_id, anomaly, coalesce(id, ''), coalesce(other_ids, ''), amount_minor, currency, expected, fault,
            coalesce(file, '')
        from read_csv(?, header = true, all_varchar = true)""",
        [str(key / "findings.csv")],
    ).fetchall()
    found = []
    for org, anomaly, id_, others, amount, currency, expected, fault, file in rows:
        names = frozenset(token(name) for name in [id_, *others.split(), file] if name)
        weight = worth(int(amount) if amount else None, currency)
        text = f"{id_ or others} ({fault})"
        found.append(Finding(org, tuple(anomaly.split("|")), names, weight, expected == "must", fault, text))
    return found


def read_exceptions(con: duckdb.DuckDBPyConnection, warehouse: Path) -> list[Reported]:
    """The open exceptions of the stream, each with all names of its records."""
    rows = con.execute(
        """select exception_id, org_id, anomaly, currency, amount_minor, explanation,
            coalesce(source_activity_id, ''), coalesce(target_activity_id, '')
        from published.marts.exceptions where stream = ? and state = 'OPEN' order by exception_id""",
        [STREAM],
    ).fetchall()
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    if warehouse.exists():
        con.execute(f"attach '{warehouse}' as warehouse (read_only)")
        con.execute(
            """create temp table asked as
            select org_id, unnest([source_activity_id, target_activity_id]) as activity_id
            from published.marts.exceptions where stream = ? and state = 'OPEN'""",
            [STREAM],
        )
        con.execute("create temp table wanted as select distinct * from asked where activity_id is not null")
        for table, columns in NAMES.items():
            for org, id_, *others in con.execute(
                f"""select records.org_id, records.activity_id, {", ".join(f"records.{name}" for name in columns)}
                from warehouse.canonical.{table} as records
                inner join wanted using (org_id, activity_id)"""
            ).fetchall():
                names[org, id_].update(token(name) for name in others if name)
    reported = []
    for _, org, anomaly, currency, amount, explanation, source, target in rows:
        mine = {name for id_ in (source, target) if id_ for name in parts_of(id_)}
        for id_ in (source, target):
            mine |= names.get((org, id_), set())
        text = explanation or ""
        reported.append(
            Reported(org, anomaly, mine, worth(amount, currency), text, " / ".join(filter(None, (source, target))))
        )
    return reported


def compare(findings: list[Finding], reported: list[Reported]) -> dict[str, Score]:
    """Join exceptions to findings by org, anomaly and any name that both have."""
    index: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    of_files = [finding for finding in findings if finding.codes[0] == "SOURCE_DOES_NOT_ADD_UP"]
    scores: dict[str, Score] = defaultdict(Score)
    for finding in findings:
        if finding.must:
            scores[finding.codes[0]].expected.append(finding)
        for code in finding.codes:
            for name in finding.names:
                index[finding.org, code, name].append(finding)
    for exception in reported:
        matches = [
            finding for name in exception.names for finding in index.get((exception.org, exception.code, name), [])
        ]
        if not matches and exception.code == "SOURCE_DOES_NOT_ADD_UP":
            # the file stands in the sentence
            said = exception.explanation.upper()
            matches = [f for f in of_files if f.org == exception.org and any(n in said for n in f.names if "." in n)]
        if not matches:
            scores[exception.code].wrong.append(exception)
            continue
        for finding in matches:
            finding.found = True
        best = min(matches, key=lambda finding: (not finding.must, finding.text))
        if best.must:
            scores[best.codes[0]].right.append(exception)
    return scores


@dataclass
class Payouts:
    """How the payouts compare."""

    states: Counter[tuple[str, str]]
    faults: list[str]
    parts: Counter[str]
    total: int


def compare_payouts(con: duckdb.DuckDBPyConnection, key: Path) -> Payouts:
    """Join payouts by id or, where the file has none, by day, currency and amount."""
    columns = ", ".join(f"cast({part}_minor as bigint) as {part}_minor" for part in (*PARTS, "deposit"))
    expected = con.execute(
        f"""select org_id, system, payout_id, currency, payout_date, {columns}, state, expected,
            coalesce(other_ids, '') as others
        from read_csv(?, header = true, all_varchar = true)""",
        [str(key / "payouts.csv")],
    )
    wanted = [dict(zip([c[0] for c in expected.description or []], row, strict=True)) for row in expected.fetchall()]
    published = con.execute(
        f"""select org_id, system, payout_id, currency, cast(payout_date as varchar) as payout_date, {columns},
            state
        from published.marts.payout_tie_out"""
    )
    given = [dict(zip([c[0] for c in published.description or []], row, strict=True)) for row in published.fetchall()]
    lookup: dict[tuple, list[dict[str, Any]]] = defaultdict(list)
    for row in given:
        for name in names_of(row, [row["payout_id"]]):
            lookup[name].append(row)
    states: Counter[tuple[str, str]] = Counter()
    parts: Counter[str] = Counter()
    faults: list[str] = []
    used: set[int] = set()
    for row in wanted:
        match = next(
            (
                found
                for name in names_of(row, [row["payout_id"], *row["others"].split()])
                for found in lookup.get(name, [])
                if id(found) not in used
            ),
            None,
        )
        if match is None:
            if row["expected"] == "must":
                states[row["state"], "(absent)"] += 1
                faults.append(f"{row['org_id']} {row['system']} {row['payout_id']}: {row['state']} expected, absent")
            continue
        used.add(id(match))
        right = match["state"] in row["state"].split("|")
        state = match["state"] if right else row["state"].split("|")[0]
        states[state, match["state"]] += 1
        if not right:
            faults.append(
                f"{row['org_id']} {row['system']} {row['payout_id']}: {row['state']} expected, {match['state']} found"
            )
        for part in (*PARTS, "deposit"):
            if row[f"{part}_minor"] != match[f"{part}_minor"]:
                parts[part] += 1
    for row in given:
        if id(row) not in used:
            states["(none)", row["state"]] += 1
            faults.append(f"{row['org_id']} {row['system']} {row['payout_id']}: {row['state']} found, none expected")
    return Payouts(states, faults, parts, len(wanted))


def names_of(row: dict[str, Any], ids: list[str]) -> list[tuple]:
    """What a payout can be found by, the surest first."""
    place = (row["org_id"], row["system"], row["currency"])
    sure = [(*place, token(id_)) for id_ in ids if id_]
    return [*sure, (*place, row["payout_date"], row["payout_minor"])]


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first to the right."""
    marks = ["---", *["--:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, marks, *rows])


def page(scores: dict[str, Score], payouts: Payouts, summary: dict[str, Any]) -> str:
    """docs/accuracy.md."""
    named = {code: score for code, score in scores.items() if score.expected or score.wrong}
    total = Score(
        *([one for score in named.values() for one in getattr(score, name)] for name in ("expected", "right", "wrong"))
    )
    header = [
        "anomaly",
        "expected",
        "found",
        "missed",
        "wrongly reported",
        "recall",
        "recall, money",
        "precision",
        "precision, money",
        "expected, USD",
    ]
    rows = [[f"`{code}`", *score.row()] for code, score in sorted(named.items())] + [["all", *total.row()]]
    states = [
        [f"`{expected}`", f"`{found}`", f"{count:,}", "yes" if expected == found else "**no**"]
        for (expected, found), count in sorted(payouts.states.items())
    ]
    days, orders, seed = summary["days"], summary["orders"], summary["seed"]
    injected = sum(summary["faults"].values())
    lines = [
        "# Accuracy",
        "",
        f"How right `{STREAM}` is on a world whose answer is known: {orders:,} orders over {days} days (seed {seed}),",
        f"six processors, six bank accounts, {injected:,} faults of {len(summary['faults'])} kinds.",
        "`python -m examples.payouts` makes it, `python -m examples.payouts.score` compares and writes this page.",
        "",
        "## Exceptions",
        "",
        "Recall: of what had to be found, how much was. Precision: of what was reported, how much was right. Money is",
        "the amount of the record at fault, in US dollars at the example's own rates.",
        "",
        table(header, rows),
        "",
        "## Payouts",
        "",
        f"{payouts.total:,} payouts of the key against `marts.payout_tie_out`.",
        "",
        table(["state expected", "state found", "payouts", "right"], states),
        "",
        "Amounts that differ from the key's, of all payouts: "
        + (", ".join(f"{name} {count:,}" for name, count in sorted(payouts.parts.items())) or "none")
        + ".",
        "",
    ]
    details = [f"* missed `{score_code}`: {one.text}" for score_code, s in sorted(named.items()) for one in s.missed]
    details += [f"* wrongly `{code}`: {one.ids}" for code, s in sorted(named.items()) for one in s.wrong]
    details += [f"* payout: {text}" for text in payouts.faults]
    if details:
        shown = details[:40]
        lines += ["## What is not right", "", *shown, ""]
        if len(details) > len(shown):
            lines += [f"... and {len(details) - len(shown):,} more.", ""]
    return "\n".join(lines)


def score(data_dir: Path, key: Path) -> tuple[dict[str, Score], Payouts, dict[str, Any]]:
    """Compare a data folder with a key."""
    con = duckdb.connect()
    con.execute("set memory_limit = '2GB'")
    con.execute(f"attach '{data_dir / 'published' / 'tieout.duckdb'}' as published (read_only)")
    summary = json.loads((key / "summary.json").read_text(encoding="utf-8"))
    scores = compare(read_key(con, key), read_exceptions(con, data_dir / "warehouse.duckdb"))
    payouts = compare_payouts(con, key)
    con.close()
    return scores, payouts, summary


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m examples.payouts.score", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="data folder of the run")
    parser.add_argument("--key", type=Path, required=True, help="folder of the answer key")
    parser.add_argument("--out", type=Path, default=PAGE, help="page to write (default docs/accuracy.md)")
    given = parser.parse_args(arguments)
    scores, payouts, summary = score(given.data_dir, given.key)
    text = page(scores, payouts, summary)
    given.out.write_text(text, encoding="utf-8")
    print(text)
    return int(bool(payouts.faults) or any(one.missed or one.wrong for one in scores.values()))


if __name__ == "__main__":
    sys.exit(main())
