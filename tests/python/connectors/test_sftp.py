"""SFTP against OpenSSH's own server: what is new comes once, whole, and from the host that was meant."""

import gc
import os
import socket
import time
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest
import yaml

from orchestration import clock
from orchestration.alerts.connectors import standings
from orchestration.landing import connectors, land_inbox
from orchestration.landing.connectors import looking, taking
from orchestration.landing.connectors.kinds import sftp
from orchestration.landing.connectors.ledger import open_ledger
from orchestration.landing.connectors.protocol import LimitError
from tests.python.connectors.conftest import AS_OF, World, orders
from tests.python.connectors.server import (
    ACCOUNT,
    LOOPBACK,
    OpenSsh,
    free_port,
    known_hosts,
    line_to,
    new_key,
    password_server,
)


def test_a_new_file_comes_once_and_the_batch_says_where_from(world: World) -> None:
    file = world.put("out/day1.csv", orders("A1", "A2"), mtime=1_772_000_000)
    fetched = world.fetch()
    assert (fetched.files, fetched.error, fetched.problems) == (["acme/pos/orders/day1.csv"], None, [])
    assert world.inbox() == ["acme/pos/orders/day1.csv"]
    assert world.land().batches == 1
    (manifest,) = world.manifests()
    assert (manifest["connector"], manifest["source_file"]) == ("acme", "day1.csv")
    assert manifest["remote"] == {
        "path": str(file),
        "size": file.stat().st_size,
        "modified_at": "2026-02-25T06:13:20Z",
    }
    assert world.fetch().files == []
    assert world.land().files == []
    assert world.there() == ["out/day1.csv"]


def test_a_dropped_file_is_the_same_batch_and_says_what_it_always_said(world: World, tmp_path: Path) -> None:
    world.put("out/day1.csv", orders("A1", "A2"))
    world.fetch()
    world.land()
    (fetched,) = world.manifests()
    other = World(tmp_path / "other", world.project, world.remote, world.connector)
    inbox = other.data / "inbox/acme/pos/orders"
    inbox.mkdir(parents=True)
    (inbox / "day1.csv").write_text(orders("A1", "A2"))
    other.land()
    (dropped,) = other.manifests()
    assert dropped["connector"] == "inbox"
    assert "remote" not in dropped
    for name in ("connector", "remote", "landed_at", "path"):
        fetched.pop(name, None)
        dropped.pop(name, None)
    assert fetched == dropped
    files = [sorted(path for path in root.rglob("landing/*/*/*/*/*.parquet")) for root in (world.data, other.data)]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_other_bytes_under_the_same_name_are_another_delivery(world: World) -> None:
    world.put("out/day.csv", orders("A1"), mtime=1_772_000_000)
    world.fetch()
    world.land()
    world.put("out/day.csv", orders("A1", "A2"), mtime=1_772_000_000)  # as old as the first: its size tells
    world.fetch()
    assert world.land().batches == 1
    world.put("out/day.csv", orders("A1", "A3"), mtime=1_771_000_000)  # older than both: its time tells
    world.fetch()
    assert world.land().batches == 1
    world.put("out/day.csv", orders("A1", "A3"), mtime=1_773_000_000)  # only touched: landing knows the bytes
    world.fetch()
    report = world.land()
    assert (report.batches, report.redelivered) == (0, 1)


def test_a_second_version_waits_until_the_first_has_landed(world: World) -> None:
    world.put("out/day.csv", orders("A1"), mtime=1_772_000_000)
    world.fetch()
    world.put("out/day.csv", orders("A2"), mtime=1_772_000_001)
    fetched = world.fetch()
    assert fetched.files == []
    assert [waiting.why for waiting in fetched.waiting] == ["its earlier version has not landed yet"]
    world.land()
    assert world.fetch().files == ["acme/pos/orders/day.csv"]


def test_a_file_that_still_grows_is_left_until_two_looks_agree(world: World) -> None:
    world.declare(files={"stable_for": "40 seconds"})  # longer than a fetch waits
    file = world.put("out/big.csv", orders("A1"))
    first = world.fetch()
    assert first.files == []
    assert "not yet the same for 40 seconds" in first.waiting[0].why
    _pass_seconds(world, 41)
    file.write_text(orders("A1", "A2"))
    assert world.fetch().files == []
    _pass_seconds(world, 41)
    assert world.fetch().files == ["acme/pos/orders/big.csv"]
    assert (world.data / "inbox/acme/pos/orders/big.csv").read_text() == orders("A1", "A2")


def _pass_seconds(world: World, seconds: int) -> None:
    """Let the looks so far lie further back."""
    with open_ledger(world.data, "acme") as ledger:
        ledger._connection.execute("update seen set since = since - ?", (seconds,))
        ledger._connection.commit()


def test_what_is_stable_soon_is_waited_for(world: World) -> None:
    world.declare(files={"stable_for": "1 second"})
    world.put("out/day.csv", orders("A1"))
    began = time.monotonic()
    assert world.fetch().files == ["acme/pos/orders/day.csv"]
    assert time.monotonic() - began >= 1


def test_a_done_marker_says_when_a_file_is_whole(world: World) -> None:
    world.declare(files={"done_marker": "{stem}.ok", "stable_for": None, "from": f"{world.remote}/out/*"})
    world.put("out/a.csv", orders("A1"), mtime=1_772_000_000)
    world.put("out/b.csv", orders("B1"), mtime=1_772_000_000)
    world.put("out/b.ok", "", mtime=1_772_000_005)
    fetched = world.fetch()
    assert fetched.files == ["acme/pos/orders/b.csv"]
    assert [waiting.why for waiting in fetched.waiting] == ["its done-marker a.ok is not there yet"]
    world.land()
    # The next delivery under way, and the marker of the last one still there.
    world.put("out/b.csv", orders("B1", "B2"), mtime=1_772_000_010)
    assert "older than the file" in world.fetch().waiting[-1].why
    os.utime(world.remote / "out/b.ok", (1_772_000_020, 1_772_000_020))
    assert world.fetch().files == ["acme/pos/orders/b.csv"]


def test_an_unknown_host_is_refused_with_its_fingerprint_and_what_to_do(world: World, server: OpenSsh) -> None:
    world.put("out/day.csv", orders("A1"))
    world.declare(known_hosts=f"elsewhere.example {server.known_hosts.split(' ', 1)[1]}")
    error = world.fetch().error or ""
    key = asyncssh.read_public_key(server.host_key.with_name("host_key.pub"))
    assert f"the host key of {LOOPBACK}:{server.port} is unknown" in error
    assert key.get_fingerprint() in error
    assert server.known_hosts in error  # the line to add once it is checked
    assert world.inbox() == []


def test_a_changed_host_key_is_refused(world: World, server: OpenSsh, tmp_path: Path) -> None:
    world.put("out/day.csv", orders("A1"))
    old = new_key(tmp_path, "old")
    world.declare(known_hosts=known_hosts(server.port, old))
    error = world.fetch().error or ""
    assert "has CHANGED" in error
    assert asyncssh.read_public_key(old.with_name("old.pub")).get_fingerprint() in error
    assert asyncssh.read_public_key(server.host_key.with_name("host_key.pub")).get_fingerprint() in error
    # One of another algorithm, of which the server has none.
    asyncssh.generate_private_key("ecdsa-sha2-nistp256").write_public_key(tmp_path / "other.pub")
    world.declare(known_hosts=known_hosts(server.port, tmp_path / "other"))
    assert "has CHANGED" in (world.fetch().error or "")
    assert world.inbox() == []


def test_a_key_that_is_not_let_in(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", new_key(tmp_path, "wrong").read_text())
    assert "does not let" in (world.fetch().error or "")
    monkeypatch.setenv("ACME_KEY", "certainly no key")
    error = world.fetch().error or ""
    assert "ACME_KEY holds neither a key" in error
    assert "certainly" not in error
    monkeypatch.delenv("ACME_KEY")
    assert "The environment variable ACME_KEY is not set" in (world.fetch().error or "")


def test_a_key_may_lie_in_a_file_and_have_a_passphrase(
    world: World, server: OpenSsh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = asyncssh.read_private_key(server.user_key)
    # Of the forms with a passphrase this is the one that needs no further library.
    key.write_private_key(tmp_path / "locked", "pkcs8-pem", passphrase="open sesame")
    monkeypatch.setenv("ACME_KEY", str(tmp_path / "locked"))
    monkeypatch.setenv("ACME_PASSPHRASE", "open sesame")
    world.declare(auth={"key": "${ACME_KEY}", "passphrase": "${ACME_PASSPHRASE}"})
    world.put("out/day.csv", orders("A1"))
    assert world.fetch().files == ["acme/pos/orders/day.csv"]
    monkeypatch.setenv("ACME_PASSPHRASE", "open barley")
    error = world.fetch().error or ""
    assert "cannot be used" in error
    assert "barley" not in error


def test_a_password_lets_in(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("out/day.csv", orders("A1"))
    with password_server(tmp_path, world.remote) as server:
        world.declare(
            user=ACCOUNT,
            port=server.port,
            auth={"password": "${ACME_PASSWORD}"},
            known_hosts=server.known_hosts,
            files={"from": "/out/*.csv"},
        )
        monkeypatch.setenv("ACME_PASSWORD", "open barley")
        error = world.fetch().error or ""
        assert f"does not let {ACCOUNT} in with the password declared" in error
        assert "barley" not in error
        monkeypatch.setenv("ACME_PASSWORD", "open sesame")
        assert world.fetch().files == ["acme/pos/orders/day.csv"]


def test_a_cut_line_is_taken_up_again_at_its_byte(world: World, server: OpenSsh) -> None:
    content = os.urandom(6_000_000)
    world.put("out/big.csv", content)
    with line_to(server.port) as line:
        world.declare(port=line.port, known_hosts=server.known_hosts.replace(str(server.port), str(line.port)))
        line.breaks_after = 3_500_000
        error = world.fetch().error or ""
        assert "broke off" in error
        assert world.inbox() == []
        (part,) = (world.data / "connectors/.parts/acme").iterdir()
        kept = part.stat().st_size
        assert 2_500_000 < kept < 3_500_000
        assert part.read_bytes() == content[:kept]
        assert world.fetch().files == ["acme/pos/orders/big.csv"]
        # The second connection brought the rest, and not the whole.
        assert line.passed[-1] < len(content) - kept + 400_000
    assert (world.data / "inbox/acme/pos/orders/big.csv").read_bytes() == content
    assert list((world.data / "connectors/.parts/acme").iterdir()) == []


def test_a_cut_line_is_tried_again_by_itself(world: World, server: OpenSsh) -> None:
    content = os.urandom(2_000_000)
    world.put("out/big.csv", content)
    with line_to(server.port) as line:
        known = server.known_hosts.replace(str(server.port), str(line.port))
        world.declare(port=line.port, known_hosts=known, retries=2)
        line.breaks_after = 1_000_000
        assert world.fetch().files == ["acme/pos/orders/big.csv"]
        assert len(line.passed) == 2
    assert (world.data / "inbox/acme/pos/orders/big.csv").read_bytes() == content


def test_a_server_that_falls_silent_is_not_waited_for_longer_than_said(
    world: World, server: OpenSsh, caplog: pytest.LogCaptureFixture
) -> None:
    content = os.urandom(1_000_000)
    world.put("out/big.csv", content)
    with line_to(server.port) as line:
        known = server.known_hosts.replace(str(server.port), str(line.port))
        world.declare(port=line.port, known_hosts=known, timeouts={"connect": "10 seconds", "answer": "1 second"})
        line.falls_silent_after = 500_000
        assert "did not answer within 1 seconds" in (world.fetch().error or "")
        assert world.fetch().files == ["acme/pos/orders/big.csv"]
    assert (world.data / "inbox/acme/pos/orders/big.csv").read_bytes() == content
    with socket.create_server((LOOPBACK, 0)) as mute:  # it takes the call and never says a word
        world.declare(port=mute.getsockname()[1], timeouts={"connect": "1 second"})
        error = world.fetch().error or ""
    assert "cannot be reached: no answer within 1 seconds" in error
    # Of the many questions that were under way nobody reads a trace each.
    gc.collect()
    assert caplog.messages == []


def test_a_server_that_trickles_or_is_dead_holds_a_run_no_longer_than_said(world: World, server: OpenSsh) -> None:
    content = os.urandom(4_000_000)
    world.put("out/big.csv", content)
    with line_to(server.port) as line:
        known = server.known_hosts.replace(str(server.port), str(line.port))
        world.declare(port=line.port, known_hosts=known, retries=3, silence="3 seconds")
        line.falls_silent_after = 300_000
        began = time.monotonic()
        assert "nothing came for 3 seconds, its `silence`" in (world.fetch().error or "")
        assert time.monotonic() - began < 20
        # It answers each question in time, and would take much longer.
        world.declare(limit="5 seconds", silence="1 minute")
        line.pause = 0.2
        began = time.monotonic()
        assert "stopped after 5 seconds, its `limit`" in (world.fetch().error or "")
        assert time.monotonic() - began < 9
        (part,) = (world.data / "connectors/.parts/acme").iterdir()
        kept = part.stat().st_size
        assert 0 < kept < len(content)
        assert part.read_bytes() == content[:kept]
        line.pause = 0.0
        world.declare(limit="10 minutes")
        assert world.fetch().files == ["acme/pos/orders/big.csv"]
    assert (world.data / "inbox/acme/pos/orders/big.csv").read_bytes() == content
    with socket.create_server((LOOPBACK, 0)) as mute:  # it takes each call and never says a word
        world.declare(port=mute.getsockname()[1], silence="2 seconds")
        began = time.monotonic()
        assert "cannot be reached: no answer within" in (world.fetch().error or "")
        assert time.monotonic() - began < 15


def test_a_kind_that_fails_unforeseen_stops_no_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connector: connectors.Connector) -> None:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr("orchestration.landing.connectors.kinds.sftp.connect", broken)
    assert "nobody foresaw: KeyError: 'nobody foresaw this'" in (world.fetch().error or "")
    assert "KeyError" in (connectors.pending(world.data, world.project, "acme").error or "")
    assert not connectors.check(world.data, world.project, "acme").ok


def test_what_changed_since_the_cut_is_read_anew(world: World, server: OpenSsh) -> None:
    world.put("out/big.csv", b"x" * 3_000_000)
    with line_to(server.port) as line:
        world.declare(port=line.port, known_hosts=server.known_hosts.replace(str(server.port), str(line.port)))
        line.breaks_after = 1_500_000
        assert "broke off" in (world.fetch().error or "")
        other = b"y" * 3_000_001
        world.put("out/big.csv", other)
        assert world.fetch().files == ["acme/pos/orders/big.csv"]
    assert (world.data / "inbox/acme/pos/orders/big.csv").read_bytes() == other


def test_a_server_that_is_down_is_told_and_changes_nothing(world: World) -> None:
    port = free_port()
    world.declare(port=port, retries=1)
    fetched = world.fetch()
    assert f"{LOOPBACK}:{port} cannot be reached" in (fetched.error or "")
    assert fetched.lapses() == [f"Connector acme: {fetched.error}"]
    assert connectors.pending(world.data, world.project, "acme").error == fetched.error


@pytest.mark.parametrize(("after", "left"), [("keep", ["out/a.csv"]), ("move", ["done/2026/a.csv"]), ("delete", [])])
def test_after_landing_and_not_before(world: World, after: str, left: list[str]) -> None:
    world.declare(files={"after": after, **({"to": f"{world.remote}/done/2026"} if after == "move" else {})})
    world.put("out/a.csv", orders("A1"))
    world.fetch()
    assert world.there() == ["out/a.csv"]
    world.land()
    assert world.there() == left
    assert world.fetch().files == []
    # What is the same but has come again, after the server had it no longer, is looked at again.
    if after == "delete":
        world.put("out/a.csv", orders("A2"))
        assert world.fetch().files == ["acme/pos/orders/a.csv"]


def test_what_cannot_be_read_is_done_with_as_well(world: World) -> None:
    world.declare(files={"after": "delete"})
    world.put("out/a.csv", b"\x00\x01\x02 no such file")
    world.fetch()
    assert world.land().failed_files == 1
    assert world.there() == []


def test_markers_go_with_their_files_and_nothing_is_overwritten(world: World) -> None:
    world.declare(
        files={
            **{"after": "move", "to": f"{world.remote}/done", "stable_for": None},
            "done_marker": "{name}.done",
        }
    )
    for number in (1, 2):
        world.put("out/a.csv", orders(f"A{number}"), mtime=1_772_000_000 + number)
        world.put("out/a.csv.done", "", mtime=1_772_000_010)
        world.fetch()
        world.land()
    there = world.there()
    assert len(there) == 4
    assert {"done/a.csv", "done/a.csv.done"} < set(there)


def test_a_marker_goes_though_its_file_has_gone_before(world: World) -> None:
    """Killed between the two, or somebody took the file away: the marker would speak for the next one."""
    world.declare(files={"after": "delete", "stable_for": None, "done_marker": "{name}.done"})
    file = world.put("out/a.csv", orders("A1"), mtime=1_772_000_000)
    world.put("out/a.csv.done", "", mtime=1_772_000_001)
    world.fetch()
    file.unlink()
    world.land()
    assert world.there() == []


def test_a_file_that_its_server_cannot_move_is_told_and_stays_with_its_marker(world: World) -> None:
    """Also where the server says that something is not there: that is not the file, but the folder for it."""
    files = {"after": "move", "stable_for": None, "done_marker": "{name}.done"}
    # Linux says of a folder that is to be made there: no such file.
    world.declare(files={**files, "to": "/proc/done"})
    world.put("out/a.csv", orders("A1"), mtime=1_772_000_000)
    world.put("out/a.csv.done", "", mtime=1_772_000_001)
    world.fetch()
    with pytest.raises(AssertionError, match="was taken, but"):
        world.land()
    assert world.there() == ["out/a.csv", "out/a.csv.done"]
    world.declare(files={**files, "to": f"{world.remote}/done"})
    world.land()
    assert world.there() == ["done/a.csv", "done/a.csv.done"]


def test_what_was_taken_out_of_the_inbox_by_hand_is_told_and_kept_at_its_server(world: World) -> None:
    world.declare(files={"after": "delete"})
    world.put("out/a.csv", orders("A1"))
    world.fetch()
    (world.data / "inbox/acme/pos/orders/a.csv").unlink()
    with pytest.raises(AssertionError, match="was taken out of the inbox"):
        world.land()
    assert world.land().files == []
    assert world.there() == ["out/a.csv"]
    assert world.fetch().files == []
    world.put("out/a.csv", orders("A1", "A2"))
    assert world.fetch().files == ["acme/pos/orders/a.csv"]


def test_what_took_a_files_name_in_the_inbox_does_not_count_for_it(world: World) -> None:
    world.declare(files={"after": "delete"})
    world.put("out/a.csv", orders("A1"))
    world.fetch()
    (world.data / "inbox/acme/pos/orders/a.csv").write_text(orders("D1", "D2"))
    with pytest.raises(AssertionError, match="or changed there, by hand"):
        world.land()
    assert [(one["connector"], one["record_count"]) for one in world.manifests()] == [("inbox", 2)]
    # Its own bytes have landed nowhere.
    assert world.there() == ["out/a.csv"]


def test_a_newer_file_of_the_same_name_is_not_deleted(world: World) -> None:
    world.declare(files={"after": "delete"})
    world.put("out/a.csv", orders("A1"))
    world.fetch()
    world.put("out/a.csv", orders("A1", "A2"))
    world.land()
    assert world.there() == ["out/a.csv"]
    assert world.fetch().files == ["acme/pos/orders/a.csv"]


def test_a_server_that_is_down_after_landing_is_told_later(world: World, server: OpenSsh) -> None:
    world.declare(files={"after": "delete"})
    world.put("out/a.csv", orders("A1"))
    world.fetch()
    world.declare(port=free_port())
    with pytest.raises(AssertionError, match="not yet moved or deleted there"):
        world.land()
    # Alerts read it from the book.
    (standing,) = standings(world.data, world.project)
    assert "not yet moved or deleted there" in standing.wrong["parts"][0]
    world.declare(port=server.port)
    world.land()
    assert world.there() == []
    assert next(standings(world.data, world.project)).wrong == {"whole": [], "parts": []}


def test_folders_may_be_globs_and_one_that_is_missing_keeps_nothing_back(world: World) -> None:
    world.put("out/de/a.csv", orders("A1"))
    world.put("out/fr/a.csv", orders("A2"))
    world.put("out/fr/.hidden.csv", orders("A3"))
    world.put("out/fr/up.csv.filepart", orders("A4"))
    world.connector["files"].append({"from": f"{world.remote}/nowhere/*.csv", "feed": "pos/orders"})
    world.connector["files"][0]["from"] = f"{world.remote}/out/*/*"
    folder = world.project / "connectors/acme.yml"
    folder.write_text(yaml.safe_dump(world.connector))
    fetched = world.fetch()
    assert len(fetched.files) == 2
    assert "acme/pos/orders/a.csv" in fetched.files
    assert [text for text in fetched.problems if "nowhere cannot be listed" in text]
    assert world.land().batches == 2


def test_a_folder_or_a_file_that_cannot_be_read_keeps_no_other_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir, read = asyncssh.SFTPClient.scandir, asyncssh.SFTPClientFile.read
    refused: list[bytes] = []

    def listed(client: asyncssh.SFTPClient, path: bytes) -> object:
        if path.endswith(b"/a"):
            raise asyncssh.SFTPPermissionDenied("not for you")
        return scandir(client, path)

    async def bytes_of(file: asyncssh.SFTPClientFile, *given: int) -> object:
        if refused and (await file.stat()).size == len(orders("B1", "B2")):
            raise asyncssh.SFTPFailure("input/output error")
        return await read(file, *given)

    monkeypatch.setattr(asyncssh.SFTPClient, "scandir", listed)
    monkeypatch.setattr(asyncssh.SFTPClientFile, "read", bytes_of)
    world.declare(files={"from": f"{world.remote}/out/*/*.csv"})
    world.put("out/a/a.csv", orders("A1"), mtime=1_772_000_000)
    world.put("out/b/b.csv", orders("B1", "B2"), mtime=1_772_000_001)
    world.put("out/c/c.csv", orders("C1"), mtime=1_772_000_002)
    refused.append(b"b.csv")
    fetched = world.fetch()
    assert (fetched.files, fetched.error) == (["acme/pos/orders/c.csv"], None)
    assert [text.rpartition("/out/")[2] for text in fetched.problems] == [
        "a cannot be listed: not for you",
        "b/b.csv: cannot be read there: input/output error",
    ]
    refused.clear()
    assert world.fetch().files == ["acme/pos/orders/b.csv"]


def test_names_of_a_stranger_stay_in_their_folder(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * 250 + ".csv"
    for name in ("plain.csv", "new\nline.csv", "bell\x07.csv", "c:\\autoexec.csv", "-rf.csv", long):
        world.put(f"out/{name}", orders(f"of {name[:5]!r}"))
    names = [b"../../escape.csv", b"/etc/absolute.csv", b"in/side.csv", b"nul\0.csv", b"\xff\xfe.csv", b".."]
    monkeypatch.setenv("ACME_PASSWORD", "open sesame")
    with password_server(tmp_path, world.remote, names) as server:
        world.declare(
            user=ACCOUNT,
            port=server.port,
            auth={"password": "${ACME_PASSWORD}"},
            known_hosts=server.known_hosts,
            files={"from": "/out/*"},
        )
        fetched = world.fetch()
    assert fetched.error is None
    assert len(fetched.problems) == 5
    assert all("which is refused" in text for text in fetched.problems)
    names_here = [Path(file).name for file in world.inbox()]
    assert len(names_here) == 6
    assert {"plain.csv", "new_line.csv", "bell_.csv", "c__autoexec.csv", "-rf.csv"} < set(names_here)
    assert all(file.startswith("acme/pos/orders/") for file in world.inbox())
    assert world.land().batches == 6
    assert not [path for path in tmp_path.rglob("*escape*") if path.is_file()]


def test_two_files_of_one_name_stand_side_by_side(world: World) -> None:
    dropped = world.data / "inbox/acme/pos/orders/day.csv"
    dropped.parent.mkdir(parents=True)
    dropped.write_text(orders("D1"))
    world.put("out/day.csv", orders("A1"))
    (file,) = world.fetch().files
    assert file != "acme/pos/orders/day.csv"
    assert file.endswith(".csv")
    assert dropped.read_text() == orders("D1")
    assert world.land().batches == 2
    assert sorted(manifest["connector"] for manifest in world.manifests()) == ["acme", "inbox"]


def test_a_place_in_the_inbox_that_is_used_again_is_the_later_ones(world: World) -> None:
    """The book of the first does not know yet that its file has landed: its process was killed before."""
    other = {**world.connector, "files": [{**world.connector["files"][0], "from": f"{world.remote}/other/*.csv"}]}
    (world.project / "connectors/zeta.yml").write_text(yaml.safe_dump(other))
    for name, folder, order in (("zeta", "other", "Z1"), ("acme", "out", "A1")):
        world.put(f"{folder}/day.csv", orders(order))
        (fetched,) = connectors.fetch(world.data, world.project, [name])
        assert fetched.files == ["acme/pos/orders/day.csv"]
        land_inbox(world.data, world.project, AS_OF, origins=connectors.arrived(world.data))
    assert sorted(manifest["connector"] for manifest in world.manifests()) == ["acme", "zeta"]
    assert world.land().files == []
    assert [row["in_inbox"] for row in connectors.listing(world.data, world.project)] == [0, 0]


def test_pending_says_what_would_come_and_a_look_of_it_counts(world: World) -> None:
    world.declare(files={"stable_for": "2 minutes"}, poll_every="10 minutes")
    world.put("out/day.csv", orders("A1"))
    first = connectors.pending(world.data, world.project, "acme")
    assert (first.ready, first.waiting) == ((), (str(world.remote / "out/day.csv"),))
    # Between two polls the server is not asked.
    world.put("out/other.csv", orders("A2"))
    assert connectors.pending(world.data, world.project, "acme") == first
    _pass_seconds(world, 121)
    second = connectors.pending(world.data, world.project, "acme", force=True)
    assert second.ready == (str(world.remote / "out/day.csv"),)
    assert second.waiting == (str(world.remote / "out/other.csv"),)
    assert second.fingerprint
    assert world.fetch().files == ["acme/pos/orders/day.csv"]
    assert connectors.pending(world.data, world.project, "acme", force=True).fingerprint == ""


def test_a_look_is_over_before_a_tick_is(world: World, server: OpenSsh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster ends a tick after a minute; what a fetch may take is no measure."""
    for number in range(300):
        world.put(f"out/{number:0100}.csv", "")
    monkeypatch.setattr(looking, "LOOK_SILENCE", timedelta(seconds=2))
    with line_to(server.port) as line:
        known = server.known_hosts.replace(str(server.port), str(line.port))
        world.declare(port=line.port, known_hosts=known)
        line.falls_silent_after = 20_000
        began = time.monotonic()
        found = connectors.pending(world.data, world.project, "acme", force=True)
        assert "nothing came for 2 seconds" in (found.error or "")
        assert time.monotonic() - began < 15
        # Nor does a fetch wait for longer than it says.
        world.declare(silence="2 seconds")
        line.falls_silent_after = 20_000
        assert "nothing came for 2 seconds, its `silence`" in (world.fetch().error or "")
        world.declare(silence="1 minute")
        # It answers, and has more to tell than there is time for: that is no trouble of the connector's.
        monkeypatch.setattr(looking, "LOOK", timedelta(seconds=1))
        line.pause = 0.6
        found = connectors.pending(world.data, world.project, "acme", force=True)
        assert (found.ready, found.fingerprint) == ((), "")
        assert "longer to list what it has than the 1 second of a look" in (found.error or "")
        assert time.monotonic() - began < 25
        (standing,) = standings(world.data, world.project)
        assert standing.wrong == {"whole": [], "parts": []}
        line.pause = 0.0
        monkeypatch.setattr(looking, "LOOK", timedelta(seconds=20))
        assert len(connectors.pending(world.data, world.project, "acme", force=True).ready) == 300


def test_a_look_that_asked_nobody_says_nothing_of_how_a_connector_stands(
    world: World, server: OpenSsh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else people are told that it works again while a fetch still hangs there."""
    world.declare(port=free_port())
    error = world.fetch().error
    with taking.at_work(world.data, "acme"):
        assert connectors.pending(world.data, world.project, "acme", force=True).error is None
    assert [one.wrong for one in standings(world.data, world.project)] == [{"whole": [error], "parts": []}]
    # One that saw only a part does not say that what was left behind is not any more.
    world.connector["files"].append({"from": f"{world.remote}/nowhere/*.csv", "feed": "pos/orders"})
    (world.project / "connectors/acme.yml").write_text(yaml.safe_dump({**world.connector, "port": server.port}))
    (problem,) = world.fetch().problems

    def too_long(*given: object) -> None:
        raise LimitError("too long")

    monkeypatch.setattr(sftp.Session, "list", too_long)
    for _ in range(2):
        assert "longer to list" in (connectors.pending(world.data, world.project, "acme", force=True).error or "")
        assert [one.wrong for one in standings(world.data, world.project)] == [{"whole": [], "parts": [problem]}]


def test_check_logs_in_and_changes_nothing(world: World, server: OpenSsh) -> None:
    world.declare(files={"stable_for": "2 minutes"})
    world.put("out/day.csv", orders("A1"))
    found = connectors.check(world.data, world.project, "acme")
    assert found.ok
    assert found.about["logged_in"] == f"{server.user}@{LOOPBACK}:{server.port}"
    assert found.about["host_key"].startswith("SHA256:")
    assert [one["what"] for one in found.not_yet] == [str(world.remote / "out/day.csv")]
    assert list(world.data.iterdir()) == []
    (listed,) = connectors.listing(world.data, world.project)
    assert (listed["connector"], listed["taken"], listed["fetched_at"]) == ("acme", 0, None)
    world.declare(files={"stable_for": "0 seconds"})
    assert [one["bytes"] for one in connectors.check(world.data, world.project, "acme").would_fetch] == [
        len(orders("A1"))
    ]
    world.fetch()
    (listed,) = connectors.listing(world.data, world.project)
    assert (listed["taken"], listed["in_inbox"]) == (1, 1)
    assert clock.from_text(listed["fetched_at"])


def test_a_full_disk_is_this_machines_fault_and_nothing_is_left_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("out/day.csv", orders("A1"))
    monkeypatch.setattr("orchestration.landing.connectors.taking.ROOM", 1 << 60)
    error = world.fetch().error or ""
    assert "Make room and run again" in error
    monkeypatch.undo()
    assert not list((world.data / "connectors/.parts/acme").iterdir())
