"""The inbox as a whole: what is new, what is known, what fails, what is left alone; and the kill -9 at any moment."""

import gzip
import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orchestration.dagster_sensors import Seen, look
from orchestration.data_dir import DataDir
from orchestration.errors import BusyError, UsageError
from orchestration.failed_files import failed_files
from orchestration.landing import LandingReport, batch, land_inbox, latest_received_at, load_feeds, read_manifests
from orchestration.landing import inbox as landing_inbox
from orchestration.landing.batch import batch_id, publish_batch
from orchestration.landing.errors import LandingError
from orchestration.landing.files import reason_path
from orchestration.landing.inbox import read_delivery
from orchestration.landing.lock import landing_lock
from orchestration.landing.reading import Reading
from orchestration.landing.text import RawFile

from .conftest import AS_OF, HEADER, PROJECT, Inbox, order

FILE = f"{HEADER}\n{order(1)}\nbroken\n"
POLICIES = "stream,grace_minutes\npos_oms_orders,{}\n"
LARGE = ("acme/pos/orders/a", "acme/pos/orders/b")


def test_the_report_counts(inbox: Inbox):
    inbox.put(FILE)
    inbox.put(FILE, "again.csv")
    inbox.put(f"{HEADER}\n{order(2)}\n", org="beta")
    inbox.put("nonsense", "bad.csv")
    report = inbox.land()
    assert report.as_dict() == {"batches": 2, "rows": 2, "rejected": 1, "redelivered": 1, "failed_files": 1}
    assert [(file.file, file.outcome) for file in report.files] == [
        ("acme/pos/orders/again.csv", "landed"),
        ("acme/pos/orders/bad.csv", "failed"),
        ("acme/pos/orders/orders.csv", "redelivered"),
        ("beta/pos/orders/orders.csv", "landed"),
    ]
    assert report.files[1].moved_to == "failed/acme/pos/orders/bad.csv"
    assert inbox.land().files == []


def test_the_batch_is_laid_out_as_promised(inbox: Inbox):
    inbox.put(FILE)
    inbox.land()
    manifest = inbox.manifest()
    folder = inbox.data / "landing/pos/orders/acme" / manifest["batch_id"]
    assert Path(manifest.pop("path")) == folder
    assert sorted(p.name for p in folder.iterdir()) == ["manifest.json", "records.parquet", "rejects.parquet"]
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    assert (manifest["received_at"], manifest["connector"]) == ("2026-02-01T12:00:00.000000Z", "inbox")
    assert latest_received_at(inbox.data) == AS_OF
    assert not (inbox.data / "landing/.tmp").exists()


def test_a_batch_id_is_twelve_characters_of_base32():
    assert batch_id("acme", "pos/orders", "0" * 64) == "rmghstcgrh7s"
    assert batch_id("acme", "pos/orders", "0" * 64, 1) != batch_id("acme", "pos/orders", "0" * 64)


def test_an_id_that_another_delivery_has_is_refused(inbox: Inbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batch, "batch_id", lambda *parts: "a" * 12)
    inbox.put(FILE)
    inbox.land()
    inbox.put(f"{HEADER}\n{order(2)}\n", "other.csv")
    inbox.put(FILE, org="beta")
    assert [file.outcome for file in inbox.land().files] == ["failed", "failed"]
    assert inbox.manifest()["source_file"] == "orders.csv"
    reasons = [path.read_text() for path in inbox.data.glob("failed/**/*.reason.txt")]
    assert all("belongs to another one already: orders.csv of acme, pos/orders" in reason for reason in reasons)
    inbox.put(FILE, "again.csv")
    assert inbox.land().redelivered == 1


def test_a_delivery_under_another_name_or_packed_is_the_same(inbox: Inbox):
    inbox.put(FILE)
    inbox.land()
    inbox.put(gzip.compress(FILE.encode()), "other.csv.gz")
    inbox.put(FILE)
    report = inbox.land(AS_OF + timedelta(days=1))
    assert (report.batches, report.redelivered) == (0, 2)
    identity = inbox.manifest()["batch_id"][:8]
    names = sorted(p.name for p in (inbox.data / "archive/acme/pos/orders").iterdir())
    assert names == sorted(["orders.csv", f"orders.{identity}.csv", "other.csv.gz"])
    inbox.put(FILE, org="beta")
    assert inbox.land().batches == 1


def test_state_that_comes_back_counts(inbox: Inbox):
    def deliver(minutes: int, day: int) -> tuple[int, int]:
        inbox.put(POLICIES.format(minutes), f"day{day}.csv", feed="tieout/policies")
        report = inbox.land(AS_OF + timedelta(days=day))
        return report.batches, report.redelivered

    assert [deliver(m, day) for day, m in enumerate([60, 60, 30, 60, 60, 30, 60])] == [
        (1, 0), (0, 1), (1, 0), (1, 0), (0, 1), (1, 0), (1, 0)
    ]  # fmt: skip
    manifests = read_manifests(inbox.data)
    assert len({m["batch_id"] for m in manifests}) == 5
    assert len({m["content_sha256"] for m in manifests}) == 2


def test_state_in_one_landing_keeps_the_order_of_the_names(inbox: Inbox):
    for name, minutes in (("a.csv", 60), ("b.csv", 30), ("c.csv", 60)):
        inbox.put(POLICIES.format(minutes), name, feed="tieout/policies")
    assert inbox.land().batches == 3
    assert [m["source_file"] for m in read_manifests(inbox.data)] == ["a.csv", "b.csv", "c.csv"]


def test_the_feed_with_most_bytes_is_read_first(inbox: Inbox, monkeypatch: pytest.MonkeyPatch):
    """And the files of one feed in the order of their names, whatever their sizes; the report is in that of all."""
    one = f"{HEADER}\n{order(1)}\n"
    inbox.put(one, "a.csv", org="a_small_one")
    inbox.put(one, "a.csv")
    inbox.put(f"{HEADER}\n" + "".join(f"{order(n)}\n" for n in range(2, 60)), "b.csv")
    inbox.put(POLICIES.format(5), "a.csv", feed="tieout/policies")
    read: list[str] = []
    land = landing_inbox._Landing.land
    monkeypatch.setattr(landing_inbox, "PARALLEL", 1)
    monkeypatch.setattr(
        landing_inbox._Landing, "land", lambda self, file, scratch: read.append(file.shown) or land(self, file, scratch)
    )
    report = inbox.land()
    assert read == [f"{path}.csv" for path in (*LARGE, "a_small_one/pos/orders/a", "acme/tieout/policies/a")]
    assert [outcome.file for outcome in report.files] == sorted(read)


def test_files_that_are_no_deliveries_stay(inbox: Inbox):
    for name in (".hidden.csv", "a.csv.part", "b.csv.tmp", "c.csv~", "d.csv.filepart"):
        inbox.put(FILE, name)
    assert inbox.land().files == []
    assert len(list((inbox.data / "inbox/acme/pos/orders").iterdir())) == 5


def test_strange_places(inbox: Inbox):
    inbox.put(FILE, feed="pos/ordres")
    inbox.put(FILE, feed="pos/orders/deeper")
    (inbox.data / "inbox/loose.csv").write_text(FILE)
    (inbox.data / "inbox/acme/pos/orders").mkdir(parents=True, exist_ok=True)
    (inbox.data / "inbox/acme/pos/orders/link.csv").symlink_to("/etc/hostname")
    assert inbox.land().failed_files == 4
    reasons = {p.name: p.read_text() for p in inbox.data.glob("failed/**/*.reason.txt")}
    assert "neither higher nor deeper" in reasons["loose.csv.reason.txt"]
    assert "a link" in reasons["link.csv.reason.txt"]
    assert (inbox.data / "failed/acme/pos/orders/link.csv").is_symlink()
    misspelt = inbox.data / "failed/acme/pos/ordres/orders.csv.reason.txt"
    assert "<org>/pos/orders/" in misspelt.read_text()


@pytest.mark.parametrize(
    "org", ["Acme & Co", "Ünïcode 店", "a..b", "it's", 'q"uote', "gl*b[1]?", "-rf", "%2e%2e", "new\nline", "C:\\x"]
)
def test_orgs_with_odd_names(inbox: Inbox, org: str):
    inbox.put(FILE, "fi'le [1]*.csv", org=org)
    assert inbox.land().batches == 1
    assert inbox.records(meta=True)[0]["_org_id"] == org
    assert inbox.manifest()["org_id"] == org
    assert (inbox.data / "archive" / org / "pos/orders/fi'le [1]*.csv").exists()


def test_a_name_that_is_not_utf8_fails_alone(inbox: Inbox):
    inbox.put(FILE)
    inbox.put(FILE, os.fsdecode(b"caf\xe9.csv"))
    report = inbox.land()
    assert (report.batches, report.failed_files) == (1, 1)


def test_a_failed_name_that_is_taken(inbox: Inbox):
    for _ in range(3):
        inbox.put("nonsense")
        inbox.land()
    names = sorted(p.name for p in (inbox.data / "failed/acme/pos/orders").iterdir() if not p.name.endswith(".txt"))
    assert names == ["orders.2.csv", "orders.3.csv", "orders.csv"]


def test_names_of_any_length_land_fail_and_come_again(inbox: Inbox):
    """A file system's names have 255 bytes, and the mark, the reason and the marker's ending come on top."""
    for name in ("x" * 251 + ".csv", "ü" * 125 + ".csv", "y." + "z" * 250):
        for _ in range(3):
            inbox.put("nonsense", name)
            assert inbox.land().failed_files == 1
    for number, name in enumerate(("x" * 251 + ".csv", "x" * 250 + "y.csv", "ü" * 124 + ".csv.gz")):
        for outcome in ("batches", "redelivered", "redelivered"):
            inbox.put(gzip.compress(f"{HEADER}\n{order(number)}\n".encode()), name)
            assert getattr(inbox.land(), outcome) == 1
    assert [path for path in inbox.data.glob("inbox/**/*") if path.is_file()] == []
    failed = list(failed_files(DataDir(inbox.data)))
    assert len(failed) == 9
    assert all("Found:" in reason_path(inbox.data / "failed" / one.path).read_text() for one in failed)
    assert look(inbox.data / "inbox", Seen(), AS_OF)[0] == []
    inbox.put(FILE, "x" * 251 + ".csv")
    assert look(inbox.data / "inbox", Seen(), AS_OF)[0] == []


def test_a_file_that_is_replaced_while_its_batch_is_written_stays_and_lands(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
):
    path, newer = inbox.put(FILE), f"{HEADER}\n{order(7)}\n{order(8)}\n"

    def published(*given: object) -> None:
        publish_batch(*given)
        path.write_text(newer)
        monkeypatch.undo()

    monkeypatch.setattr(landing_inbox, "publish_batch", published)
    (file,) = inbox.land().files
    assert (file.outcome, file.moved_to) == ("landed", None)
    assert path.read_text() == newer
    assert inbox.land().rows == 2
    assert len(read_manifests(inbox.data)) == 2


@pytest.mark.parametrize("content", [FILE, "nonsense"])
@pytest.mark.parametrize("does", ["goes away", "grows"])
def test_a_file_that_somebody_is_at_is_left_to_him_and_the_others_land(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, content: str, does: str
):
    path = inbox.put(content, "a.csv")
    inbox.put(f"{HEADER}\n{order(2)}\n", "b.csv")

    def read(raw: RawFile, *given: object) -> Reading:
        if raw.path == path:
            path.unlink() if does == "goes away" else path.write_text(FILE + "\n")
        return read_delivery(raw, *given)

    monkeypatch.setattr(landing_inbox, "read_delivery", read)
    report = inbox.land()
    assert [file.outcome for file in report.files] == ["busy", "landed"]
    assert list(inbox.data.glob("failed/**/*.csv")) == []
    monkeypatch.undo()
    assert inbox.land().batches == (does == "grows")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_no_reader_of_a_file_that_goes_away_stops_the_landing(inbox: Inbox, monkeypatch: pytest.MonkeyPatch, name: str):
    """Each says it in words of its own, and the engine in none of the system's."""
    path = inbox.put("{}", name)
    inbox.put(FILE, "b.csv")

    def read(raw: RawFile, *given: object) -> Reading:
        if raw.path == path:
            path.unlink()
        return read_delivery(raw, *given)

    monkeypatch.setattr(landing_inbox, "read_delivery", read)
    assert [file.outcome for file in inbox.land().files] == ["busy", "landed"]


def test_a_file_that_could_not_be_moved_counts_as_landed_once(inbox: Inbox, monkeypatch: pytest.MonkeyPatch):
    inbox.put(FILE, "a.csv")
    inbox.put(FILE, "b.csv")
    report = LandingReport()

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(landing_inbox, "move", full)
    with pytest.raises(LandingError, match="No space left"):
        inbox.land(report=report)
    assert (report.batches, report.rows) == (1, 1)
    monkeypatch.undo()
    inbox.land(report=report)
    assert report.as_dict() == {"batches": 1, "rows": 1, "rejected": 1, "redelivered": 1, "failed_files": 0}
    assert [(file.file[-5:], file.outcome) for file in report.files] == [("a.csv", "landed"), ("b.csv", "redelivered")]


def test_org_aliases_serve_their_org_only(inbox: Inbox, tmp_path: Path):
    project = tmp_path / "project"
    source = project / "models/staging/pos/_pos__sources.yml"
    source.parent.mkdir(parents=True)
    text = (PROJECT / "models/staging/pos/_pos__sources.yml").read_text()
    override = "overrides: [{org_id: acme, aliases: {order_id: [Bestell-Nr]}}]"
    source.write_text(text.replace("kind: records\n", f"kind: records\n              {override}\n"))
    for org in ("acme", "beta"):
        inbox.put(f"{HEADER}\n{order(1)}\n".replace("order_id", "bestell nr"), org=org)
    report = land_inbox(inbox.data, project, AS_OF, load_feeds(project))
    assert [file.outcome for file in report.files] == ["landed", "failed"]


def test_progress_is_told(inbox: Inbox):
    inbox.put(FILE)
    inbox.put(FILE, "b.csv")
    calls: list[tuple[str, str, int, int]] = []
    inbox.land(on_progress=lambda *call: calls.append(call))
    assert calls[-1] == ("landing", "acme/pos/orders/orders.csv", 2 * len(FILE), 2 * len(FILE))
    assert [call[2] for call in calls] == sorted(call[2] for call in calls)


def test_an_as_of_without_a_zone_is_refused(inbox: Inbox):
    with pytest.raises(UsageError, match="time zone"):
        inbox.land(datetime(2026, 1, 1))  # noqa: DTZ001


def test_two_landings_at_once(inbox: Inbox):
    inbox.put(FILE)
    with landing_lock(inbox.data), pytest.raises(BusyError, match="Another landing"):
        inbox.land()
    assert inbox.land().batches == 1


LANDING = """
import sys
from datetime import datetime
from orchestration.landing import batch, land_inbox
land_inbox(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]))
"""


@pytest.mark.parametrize(
    "point",
    [
        "after-hash",
        "after-records",
        "before-rename",
        "after-rename",
        "after-archive",
        "before-rename:2",
        "after-rename:3",
    ],
)
def test_kill_9_and_again_ends_in_the_same_state(tmp_path: Path, point: str):
    def fill(inbox: Inbox) -> Inbox:
        inbox.put(FILE)
        inbox.put(f"{HEADER}\n{order(2)}\n", "second.csv")
        inbox.put(POLICIES.format(60), "a.csv", feed="tieout/policies")
        inbox.put(POLICIES.format(30), "b.csv", feed="tieout/policies")
        inbox.put(POLICIES.format(60), "c.csv", feed="tieout/policies")
        return inbox

    def state(inbox: Inbox) -> tuple[list[str], list[dict[str, object]]]:
        # Feeds land side by side; within one the order counts.
        manifests = [{k: v for k, v in m.items() if k not in ("landed_at", "path")} for m in read_manifests(inbox.data)]
        return inbox.tree(), sorted(manifests, key=lambda m: (m["system"], m["feed"]))

    calm, hit = fill(Inbox(tmp_path / "calm")), fill(Inbox(tmp_path / "hit"))
    calm.land()
    command = [sys.executable, "-c", LANDING, str(hit.data), str(PROJECT), AS_OF.isoformat()]
    killed = subprocess.run(command, cwd=PROJECT, env=os.environ | {"TIEOUT_CRASH_AT": point}, check=False)
    assert killed.returncode == -signal.SIGKILL
    for manifest in read_manifests(hit.data):
        assert len(list(Path(manifest["path"]).iterdir())) == 3
    hit.land()
    assert state(hit) == state(calm)
