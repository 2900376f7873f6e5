"""What the machine or an engine cannot do is told in one message; mistakes in the code keep their traceback."""

import errno
from pathlib import Path

import duckdb
import psycopg2.errors
import pytest

from orchestration.dbt_build import read_outcome
from orchestration.errors import TieoutError, of_machine
from orchestration.selection import read_manifest


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        PermissionError(errno.EACCES, "Permission denied"),
        duckdb.IOException("IO Error: Could not write file: No space left on device"),
        duckdb.TransactionException("Failed to commit: No space left on device"),
        psycopg2.errors.DiskFull("could not extend file: No space left on device"),
        psycopg2.OperationalError("server closed the connection unexpectedly"),
    ],
)
def test_the_machine_failed(error: Exception) -> None:
    told = of_machine(error)
    assert told is not None
    assert str(error).split(":")[0] in told
    assert "the next run carries on" in told


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file"),
        duckdb.BinderException("Binder Error: no such column"),
        psycopg2.ProgrammingError("syntax error"),
        ValueError("no space left on device"),
    ],
)
def test_the_code_failed(error: Exception) -> None:
    assert of_machine(error) is None


def test_what_a_full_disk_cut_short_is_no_manifest_and_no_result(tmp_path: Path) -> None:
    """dbt writes neither of them whole or not at all."""
    for text in ("", '{"nodes": {'):
        for name in ("manifest.json", "run_results.json"):
            (tmp_path / name).write_text(text)
        assert read_manifest(tmp_path / "manifest.json") is None
        with pytest.raises(TieoutError, match="the disk is full, or dbt was ended"):
            read_outcome(tmp_path)
