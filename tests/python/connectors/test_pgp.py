"""Files that come encrypted: decrypted on their way, or among the failed with the reason."""

from pathlib import Path

import pytest

from tests.python.connectors.conftest import World, orders

pysequoia = pytest.importorskip("pysequoia")

# A key of nobody, which guards nothing: pysequoia reads keys with a passphrase, and makes none. This one has
# `correct horse`.
LOCKED = Path(__file__).with_name("locked_key.asc")


@pytest.fixture
def key(world: World, monkeypatch: pytest.MonkeyPatch) -> "pysequoia.Tsk":
    """A key that the connector has, without a passphrase."""
    made = pysequoia.Tsk.generate(user_id="acme <acme@example.com>")
    monkeypatch.setenv("ACME_PGP", str(made))
    world.declare(pgp={"key": "${ACME_PGP}"}, files={"from": f"{world.remote}/out/*", "after": "delete"})
    return made


def encrypted(key: "pysequoia.Tsk", text: str, *, armor: bool = False) -> bytes:
    return bytes(pysequoia.encrypt(text.encode(), recipients=[key.extract_certificate()], armor=armor))


def test_files_are_decrypted_on_their_way(world: World, key: "pysequoia.Tsk") -> None:
    world.put("out/a.csv.pgp", encrypted(key, orders("A1")))
    world.put("out/b.csv.asc", encrypted(key, orders("B1"), armor=True))
    assert sorted(world.fetch().files) == ["acme/pos/orders/a.csv", "acme/pos/orders/b.csv"]
    assert (world.data / "inbox/acme/pos/orders/a.csv").read_text() == orders("A1")
    assert list((world.data / "connectors/.parts/acme").iterdir()) == []
    assert world.land().batches == 2
    assert world.there() == []
    assert [manifest["remote"]["path"][-9:] for manifest in world.manifests()] == ["a.csv.pgp", "b.csv.asc"]


def test_what_does_not_decrypt_is_among_the_failed_with_its_reason(world: World, key: "pysequoia.Tsk") -> None:
    whole = encrypted(key, orders(*(f"A{number}" for number in range(20_000))))
    other = pysequoia.Tsk.generate(user_id="other <other@example.com>")
    bad = {
        "cut.csv.pgp": whole[: len(whole) // 2],
        "altered.csv.pgp": whole[:-20] + bytes(20),
        "other.csv.pgp": encrypted(other, orders("A1")),
        "plain.csv": orders("A1").encode(),
        "empty.csv.pgp": b"",
    }
    for name, content in bad.items():
        world.put(f"out/{name}", content)
    world.put("out/good.csv.pgp", encrypted(key, orders("G1")))
    fetched = world.fetch()
    assert fetched.error is None
    assert fetched.files == ["acme/pos/orders/good.csv"]
    assert len(fetched.failed) == len(bad)
    failed = world.data / "failed/acme/pos/orders"
    for name, content in bad.items():
        assert (failed / name).read_bytes() == content
        reason = (failed / f"{name}.reason.txt").read_text()
        assert f"{world.remote}/out/{name}" in reason
        assert "does not decrypt" in reason
        assert "Stack backtrace" not in reason
    assert world.land().batches == 1
    assert world.there() == []
    assert world.fetch().failed == []


def test_a_locked_key_needs_its_passphrase_and_no_file_is_at_fault(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = pysequoia.Tsk.from_bytes(LOCKED.read_bytes())
    (tmp_path / "key.asc").write_bytes(LOCKED.read_bytes())
    monkeypatch.setenv("ACME_PASSPHRASE", "wrong horse")
    world.declare(
        pgp={"key_file": str(tmp_path / "key.asc"), "passphrase": "${ACME_PASSPHRASE}"},
        files={"from": f"{world.remote}/out/*"},
    )
    world.put("out/a.csv.gpg", encrypted(locked, orders("A1")))
    fetched = world.fetch()
    assert "The PGP key cannot be used" in (fetched.error or "")
    assert "wrong horse" not in (fetched.error or "")
    assert fetched.failed == []
    monkeypatch.setenv("ACME_PASSPHRASE", "correct horse")
    assert world.fetch().files == ["acme/pos/orders/a.csv"]


def test_a_passphrase_alone_may_be_the_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_PASSPHRASE", "correct horse")
    world.declare(pgp={"passphrase": "${ACME_PASSPHRASE}"}, files={"from": f"{world.remote}/out/*"})
    world.put("out/a.csv.gpg", bytes(pysequoia.encrypt(orders("A1").encode(), passwords=["correct horse"])))
    world.put("out/b.csv.gpg", bytes(pysequoia.encrypt(orders("A1").encode(), passwords=["other horse"])))
    fetched = world.fetch()
    assert fetched.files == ["acme/pos/orders/a.csv"]
    assert [failed.file for failed in fetched.failed] == ["acme/pos/orders/b.csv.gpg"]
