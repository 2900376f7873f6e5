"""Parquet: typed columns become text without loss. There are no lines, so law 1's line counts are null."""

from pathlib import Path

import duckdb

from orchestration.landing.engine import connect, identifier, literal
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.feeds import Feed
from orchestration.landing.header import map_header
from orchestration.landing.reading import NO_REJECTS, Reading, Target, column_list, copy_out, write_rejects
from orchestration.landing.remedies import refuse_unfit

ROW_NUMBER = "file_row_number"
NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")


def read_parquet(path: Path, feed: Feed, target: Target) -> Reading:
    """Read a Parquet file into the target's two Parquet files. Raises `UnreadableFileError` when it is none or lacks
    a required column.
    """
    source = f"read_parquet({literal(str(path))}, binary_as_string=true, {ROW_NUMBER}=true)"
    with connect(target.work_dir) as connection:
        connection.execute("set timezone = 'UTC'")
        try:
            names = _names(connection, path)
            if ROW_NUMBER in map(str.lower, names):
                raise UnreadableFileError(
                    f"a column {ROW_NUMBER}, a name that the reader needs for itself",
                    "a Parquet file without a column of that name",
                    "rename the column, or leave it out, where the file is made",
                )
            described = connection.execute(f"describe select * exclude ({ROW_NUMBER}) from {source}").fetchall()
            types = {row[0]: row[1] for row in described}
            columns = [(c.name, c.required, c.aliases) for c in feed.columns]
            # Of two columns of one name the engine renames the second: what both claim is told by the file's own names.
            names = names if len(names) == len(types) else tuple(types)
            header = map_header(names, columns, feed.org_aliases(target.org_id))
            header = header.with_constants(feed.org_values(target.org_id))
            refuse_unfit(feed, target.org_id, names, header)
            texts = [as_text(identifier(name), kind) for name, kind in types.items()]
            named = ", ".join(f"{text} as c{i}" for i, text in enumerate(texts))
            struct = ", ".join(f"{identifier(name)} := {identifier(name)}" for name in types)
            connection.execute(
                f"create view texts as select {named}, {ROW_NUMBER} + 1 as row_number, "
                f"to_json(struct_pack({struct}))::varchar as raw "
                f"from {source}"
            )
            nul = " or ".join(f"coalesce(contains(c{i}, chr(0)), false)" for i in range(len(texts)))
            found = connection.execute(f"select count(*) from texts where {nul}").fetchone()
            rejects = int(found[0]) if found else 0
            write_rejects(
                connection,
                target,
                f"select row_number, null as line_number, null as line_span, 'NUL character' as reason, raw from texts "
                f"where {nul}"
                if rejects
                else NO_REJECTS,
            )
            select = column_list(header, [f"c{i}" for i in range(len(texts))])
            number = ", row_number as _row_number" if rejects else ""
            where = f" where not ({nul})" if rejects else ""
            query = f"select {select}, {target.constants()}{number} from texts{where}"
            records = copy_out(connection, query, target.records)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if _is_whole(connection, source):
                raise  # it was the writing that failed
            raise UnreadableFileError(
                f"no readable Parquet file ({str(error).splitlines()[0]})",
                "a whole Parquet file",
                "deliver the file again; a file with another content needs the ending of that content (.csv, .jsonl)",
            ) from error
    return Reading(format="parquet", columns=tuple(types), records=records, rejects=rejects)


def _names(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    """The names of the columns as the file has them: of its schema, written depth first, what stands under the root."""
    rows = connection.execute(f"select name, num_children from parquet_schema({literal(str(path))})").fetchall()
    names: list[str] = []
    inside = 0  # elements of the column before that are still to come
    for name, children in rows[1:]:
        if inside:
            inside -= 1
        else:
            names.append(name)
        inside += children or 0
    return tuple(names)


def _is_whole(connection: duckdb.DuckDBPyConnection, source: str) -> bool:
    """Whether every value of the file can be read."""
    try:
        connection.execute(f"select count(hash(r)) from {source} as r").fetchone()
    except duckdb.Error:
        return False
    return True


def as_text(column: str, kind: str) -> str:
    """An SQL expression for a typed value as text, nothing lost: decimals keep their scale, floats their shortest
    exact form, times are ISO 8601 with `Z` when they have a zone, lists and structures JSON.
    """
    if kind == "VARCHAR":
        return column
    if kind.endswith("]") or kind.startswith(NESTED):
        return f"to_json({column})::varchar"
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"replace(({column} at time zone 'UTC')::varchar, ' ', 'T') || 'Z'"
    if kind.startswith("TIMESTAMP"):
        return f"replace({column}::varchar, ' ', 'T')"
    return f"{column}::varchar"
