"""What stands in the values of a batch as they were written, not in what the reader believes it read: the figures that
prove a reading of CSV right."""

from dataclasses import dataclass

import duckdb

from orchestration.landing.engine import identifier, literal
from orchestration.landing.header import HeaderMap
from orchestration.landing.reading import Target


@dataclass(frozen=True)
class Found:
    """Line breaks in all values (CR LF is one), delimiters in all of them and in those of the row that has most, and
    whether any value holds a quote."""

    breaks: int
    delimiters: int
    most_delimiters: int
    quotes: bool


def look_at_values(
    connection: duckdb.DuckDBPyConnection, target: Target, header: HeaderMap, delimiter: str = ","
) -> Found:
    """One scan of the written records. The values of a row are looked at as one text, which costs a sixth of looking
    at each: a mark stands between them, so that no two make a line break or a delimiter together."""
    mark, between = literal(delimiter), 30 if delimiter == chr(31) else 31
    row = connection.execute(
        f"""
        select
            coalesce(sum(case when contains(said, chr(10)) or contains(said, chr(13)) then
                strlen(said) - strlen(replace(said, chr(10), '')) - strlen(replace(said, chr(13), ''))
                + strlen(replace(said, chr(13) || chr(10), 'x')) else 0 end), 0),
            coalesce(sum(strlen(said) - strlen(replace(said, {mark}, ''))), 0),
            coalesce(max(strlen(said) - strlen(replace(said, {mark}, ''))), 0),
            coalesce(bool_or(contains(said, '"')), false)
        from (
            select concat_ws(chr({between}), {", ".join(_columns(header))}) as said
            from read_parquet({literal(str(target.records))})
        ) as written"""
    ).fetchone()
    breaks, delimiters, most, quotes = row or (0, 0, 0, False)
    return Found(int(breaks), int(delimiters), int(most), bool(quotes))


def may_swallow(
    connection: duckdb.DuckDBPyConnection, target: Target, header: HeaderMap, delimiter: str, fields: int
) -> bool:
    """Whether a value goes over lines and holds delimiters enough for a whole line of the file: then a closing quote
    may be missing, and good lines may stand in it as text."""
    mark = literal(delimiter)
    swallows = " or ".join(
        f"((contains({column}, chr(10)) or contains({column}, chr(13)))"
        f" and strlen({column}) - strlen(replace({column}, {mark}, '')) >= {fields - 1})"
        for column in _columns(header)
    )
    query = f"select coalesce(bool_or({swallows}), false) from read_parquet({literal(str(target.records))})"
    return connection.execute(query).fetchone() != (False,)


def _columns(header: HeaderMap) -> list[str]:
    """The written columns that hold what was delivered."""
    names = [name for name, position in header.sources if position is not None]
    return [identifier(name) for name in names + [name for _, name in header.extras]]
