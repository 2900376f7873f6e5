r"""JSON Lines, in SQL: one object a line, its numbers kept as the text they were delivered in.

DuckDB's JSON functions read numbers into doubles (12.10 becomes 12.1), so every number outside a string is first made
a string that begins with the escapes of `TAG`, two characters that no sane text begins with; the tag is taken off
again after the value is extracted. The same functions let `NaN`, `Infinity` and a comma before a closing bracket pass;
the text without its strings (the skeleton) shows them.
"""

import duckdb

from orchestration.landing.csv_exact import load_lines
from orchestration.landing.damage import has_marks, reason_sql, shown_sql
from orchestration.landing.engine import connect, literal
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.feeds import Feed
from orchestration.landing.header import map_header
from orchestration.landing.lines import line_batches
from orchestration.landing.reading import Reading, Target, column_list, copy_out, write_rejects
from orchestration.landing.remedies import refuse_unfit
from orchestration.landing.text import PlainText

MOST_KEYS = 2000
NUL = "NUL character"
STRING = r'"(?:[^"\\]|\\.)*"'
NUMBER = r"-?[0-9][0-9eE.+-]*"
TAG = r"\u0001\u0002"


def read_jsonl(plain: PlainText, feed: Feed, target: Target) -> Reading:
    """Read a JSON Lines file into the target's two Parquet files.

    Raises `UnreadableFileError` when no line is an object or a required column is in none of them.
    """
    with connect(target.work_dir, str(target.work_dir / "lines.duckdb")) as connection:
        load_lines(connection, line_batches(plain, 0))
        _judge(connection, damaged=not plain.counts.is_utf8)
        keys = _keys(connection, feed)
        columns = [(c.name, c.required, c.aliases) for c in feed.columns]
        header = map_header(keys, columns, feed.org_aliases(target.org_id))
        header = header.with_constants(feed.org_values(target.org_id))
        refuse_unfit(feed, target.org_id, keys, header)
        connection.execute(
            "create view units as "
            "select *, row_number() over () as row_number from judged where fault is distinct from ''"
        )
        raw = "body" if plain.counts.is_utf8 else shown_sql("body")
        rejects = write_rejects(
            connection,
            target,
            f"select row_number, n as line_number, 1 as line_span, fault as reason, {raw} as raw "
            "from units where fault is not null",
        )
        paths = ", ".join(literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in keys)
        select = column_list(header, [_value(f"v[{i + 1}]") for i in range(len(keys))])
        number = ", row_number as _row_number" if rejects else ""
        records = copy_out(
            connection,
            f"select {select}, {target.constants()}{number} from ("
            f"select row_number, json_extract_string({_tagged('body')}, [{paths}]) as v "
            "from units where fault is null) as records",
            target.records,
        )
        blank = connection.execute("select count(*) from judged where fault = ''").fetchone()
    return Reading(
        format="jsonl",
        columns=keys,
        records=records,
        rejects=rejects,
        encoding=plain.encoding,
        physical_lines=plain.counts.lines,
        reject_lines=rejects,
        blank_lines=int(blank[0]) if blank else 0,
    )


def _judge(connection: duckdb.DuckDBPyConnection, damaged: bool) -> None:
    """Table `judged`: per line its fault, NULL for an object that can be read, '' for a blank line."""
    damage = f"when {has_marks('body')} then {reason_sql('body')}" if damaged else ""
    skeleton = f"regexp_replace(body, {literal(STRING)}, '\"\"', 'g')"
    connection.execute(f"""
        create table judged as
        with valid as (
            select n, body, case
                when trim(body, ' ' || chr(9)) = '' then ''
                {damage}
                when contains(body, chr(0)) then '{NUL}'
                when not json_valid(body) or regexp_matches({skeleton}, '(?i)nan|inf|,\\s*[}}\\]]')
                    then 'not valid JSON'
                when contains(replace(body, '\\\\', ''), '\\u0000') then '{NUL}'
                end as fault
            from lines
        )
        select n, body, case when fault is not null then fault
            when json_type(body) <> 'OBJECT' then 'not a JSON object but of type ' || lower(json_type(body))
            when len(json_keys(body)) <> len(list_distinct(json_keys(body))) then 'a key occurs twice'
            end as fault
        from valid""")
    connection.execute("drop table lines")


def _keys(connection: duckdb.DuckDBPyConnection, feed: Feed) -> tuple[str, ...]:
    """Every key of the readable objects, in the order of first appearance."""
    rows = connection.execute(f"""
        with shapes as (
            select json_keys(body) as keys, min(n) as n from judged where fault is null group by 1
        ), named as (select n, unnest(keys) as key, generate_subscripts(keys, 1) as place from shapes)
        select key from named group by key order by min((n, place)) limit {MOST_KEYS + 1}""").fetchall()
    if len(rows) > MOST_KEYS:
        raise UnreadableFileError(
            f"more than {MOST_KEYS} different keys",
            "the same keys in every object",
            "deliver values as values, not as keys",
        )
    if not rows:
        expected = ", ".join(column.name for column in feed.columns)
        raise UnreadableFileError(
            "no line that is a JSON object with a key",
            f"one JSON object a line with the keys {expected}",
            "deliver one object a line, not one list over many lines (jq -c '.[]' turns the one into the other)",
        )
    return tuple(row[0] for row in rows)


def _tagged(text: str) -> str:
    """`text` with every number outside a string made a tagged string."""
    marked = f"regexp_replace({text}, {literal(f'({STRING})|({NUMBER})')}, '\\1' || chr(1) || '\\2' || chr(1), 'g')"
    bare = f"replace({marked}, chr(1) || chr(1), '')"
    return f"regexp_replace({bare}, chr(1) || '([^' || chr(1) || ']*)' || chr(1), '\"\\\\u0001\\\\u0002\\1\"', 'g')"


def _value(value: str) -> str:
    """An extracted value without tags: of a number itself, and of the numbers inside a list or an object."""
    undone = f"regexp_replace({value}, '\"\\\\u0001\\\\u0002([^\"]*)\"', '\\1', 'g')"
    return (
        f"case when starts_with({value}, chr(1) || chr(2)) then substr({value}, 3) "
        f"when regexp_matches({value}, '^[\\[{{]') and contains({value}, {literal(TAG)}) then {undone} else {value} end"
    )
