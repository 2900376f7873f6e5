"""The machine fails while a file lands: the run stops with one message, nothing is lost and nothing half landed."""

import gzip
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.landing import LandingError

from .conftest import AS_OF, HEADER, PROJECT, Inbox, order

# A limit on a file's size fails every longer write, as a full disk would, for Python and the engine alike.
LIMITED = """
import resource, sys
from datetime import datetime
from orchestration.errors import TieoutError
from orchestration.landing import land_inbox
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
try:
    land_inbox(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]))
except TieoutError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def land_limited(inbox: Inbox, limit: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LIMITED, str(inbox.data), str(PROJECT), AS_OF.isoformat(), str(limit)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)


def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    names = HEADER.split(",")
    pq.write_table(pa.table({name: [f"{name}{i}" for i in range(3000)] for name in names}), sink)
    return sink.getvalue().to_pybytes()


ROWS = "\n".join([HEADER, *(order(i) for i in range(3000))]) + "\n"
JSON = "".join(
    f'{{"order_id":{i},"store_id":"S","status":"p","currency":"EUR","total":1,"created_at":"c","updated_at":"u"}}\n'
    for i in range(3000)
)
FILES = {
    "clean.csv": ROWS.encode(),
    "bad.csv": (ROWS + "bad\n").encode(),
    "quoted.csv": (ROWS + 'b"ad\n').encode(),
    "packed.csv.gz": gzip.compress(ROWS.encode()),
    "cp1252.csv": (ROWS + order(3000, status="é")).encode("cp1252"),
    "lines.jsonl": JSON.encode(),
    "rows.parquet": parquet(),
}


@pytest.mark.parametrize(("name", "limit"), [("clean.csv", 0), *((name, 20_000) for name in FILES)])
def test_a_full_disk_stops_the_run_and_loses_nothing(inbox: Inbox, name: str, limit: int):
    inbox.put(FILES[name], name)
    result = land_limited(inbox, limit)
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stderr == ""
    assert f"Landing stopped: landing inbox/acme/pos/orders/{name} failed: " in result.stdout
    assert inbox.tree() == [f"inbox/acme/pos/orders/{name}"]
    assert inbox.land().rows >= 3000
    assert inbox.tree()[0] == f"archive/acme/pos/orders/{name}"


def test_what_landed_before_is_kept(inbox: Inbox):
    inbox.put(f"{HEADER}\n{order(1)}\n", "a.csv")
    inbox.put(ROWS, "b.csv")
    assert land_limited(inbox, 20_000).returncode == 1
    assert inbox.manifest()["source_file"] == "a.csv"
    assert (inbox.data / "inbox/acme/pos/orders/b.csv").exists()
    assert inbox.land().batches == 1


def test_a_reason_that_cannot_be_written_leaves_the_file(inbox: Inbox):
    inbox.put("nonsense")
    (inbox.data / "failed").write_text("no folder")
    with pytest.raises(LandingError, match=r"landing inbox/acme/pos/orders/orders\.csv failed: "):
        inbox.land()
    assert (inbox.data / "inbox/acme/pos/orders/orders.csv").exists()


@pytest.mark.parametrize("place", ["landing", "landing/pos", "archive"])
def test_a_folder_that_cannot_be_made(inbox: Inbox, place: str):
    source = inbox.put(ROWS)
    (inbox.data / place).parent.mkdir(parents=True, exist_ok=True)
    (inbox.data / place).write_text("no folder")
    with pytest.raises(LandingError, match="The file stays in the inbox"):
        inbox.land()
    assert source.exists()
    (inbox.data / place).unlink()
    inbox.land()
    assert not source.exists()
    assert inbox.manifest()["record_count"] == 3000
