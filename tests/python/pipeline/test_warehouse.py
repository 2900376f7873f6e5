"""How a warehouse is opened to be read."""

from pathlib import Path

import pytest

from orchestration.errors import UsageError
from orchestration.warehouse import MEMORY_VARIABLE, scratch_connection


def test_a_memory_that_is_no_size_is_told_with_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY_VARIABLE, "plenty")
    with pytest.raises(UsageError, match=f"{MEMORY_VARIABLE}: 'plenty' is no size of memory, such as 4GB"):
        scratch_connection(tmp_path)
    monkeypatch.setenv(MEMORY_VARIABLE, "500MB")
    with scratch_connection(tmp_path) as connection:
        assert connection.execute("select current_setting('memory_limit')").fetchone() == ("476.8 MiB",)
