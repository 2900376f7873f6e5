"""The command as people type it, in a process of its own."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tests.python import ready


@dataclass(frozen=True)
class Done:
    """What a run of the command gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        assert self.out, self.err[-3000:]
        content: dict[str, Any] = json.loads(self.out)
        return content

    @property
    def results(self) -> Path:
        return Path(self.json["results"])


def arguments(data: Path, left: Path, right: Path, *more: str) -> list[str]:
    return ["quick", "--left", str(left), "--right", str(right), "--data-dir", str(data), *more]


def quick(data: Path, left: Path, right: Path, *more: str, **variables: str) -> Done:
    """Run `tieout quick` and wait for it."""
    done = ready.run(*arguments(data, left, right, *more), env={**os.environ, **variables})
    return Done(done.returncode, done.stdout, done.stderr)


def rows(query: str, file: Path) -> list[tuple[Any, ...]]:
    """Rows of a result file, `{file}` in a query; CSV as texts."""
    form = (
        "read_parquet(?)"
        if file.suffix == ".parquet"
        else "read_csv(?, all_varchar = true, allow_quoted_nulls = false)"
    )
    with duckdb.connect() as connection:
        return connection.execute(query.replace("{file}", form), [str(file)]).fetchall()
