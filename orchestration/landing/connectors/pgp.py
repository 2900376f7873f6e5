"""Deliveries that come encrypted with OpenPGP: from file to file, in bounded memory whatever their size.

The library streams the message and checks that it is whole as it goes; what it wrote of one that turns out broken is
thrown away. It maps the encrypted file into memory, which the system may take back, and keeps about 120 MB of its own.
Signatures inside are not checked: who may deliver is said by the host key and the account.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.landing.connectors.declaration import Pgp
from orchestration.landing.connectors.protocol import ConnectorError

Decrypt = Callable[[Path, Path], None]


class UndecryptableError(Exception):
    """A file that the key does not open; the message says why, in words."""


def decryptor(pgp: Pgp) -> Decrypt:
    """What decrypts one file into another, with the key unlocked already.

    Raises:
        ConnectorError: the key cannot be had or unlocked: no file is at fault.
    """
    import pysequoia

    passphrase = pgp.passphrase.value() if pgp.passphrase else None
    given: dict[str, Any] = {}
    if pgp.key or pgp.key_file:
        key = _key(pgp)
        try:
            given["decryptor"] = pysequoia.Tsk.from_bytes(key).decryptor(passphrase)
        except Exception as error:
            raise ConnectorError(
                f"The PGP key cannot be used ({_first_line(error)}). It must be a secret key"
                f" that the passphrase{'' if passphrase else ' (none is declared)'} unlocks."
            ) from None
    else:
        given["passwords"] = [passphrase]

    def decrypt(source: Path, target: Path) -> None:
        target.unlink(missing_ok=True)
        try:
            pysequoia.decrypt_file(str(source), str(target), **given)
        except BaseException as error:
            target.unlink(missing_ok=True)
            # What the library panics over is no `Exception`; a file must not stop a run.
            if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
                raise
            said = _first_line(error)
            if "No space left" in str(error):
                raise OSError(28, "No space left on device") from None
            raise UndecryptableError(said) from None
        if not target.exists():
            target.touch()

    return decrypt


def _key(pgp: Pgp) -> bytes:
    if pgp.key:
        return pgp.key.text_or_file("-----BEGIN").encode("utf-8")
    assert pgp.key_file
    try:
        return pgp.key_file.read_bytes()
    except OSError as error:
        raise ConnectorError(f"The PGP key's file {pgp.key_file} cannot be read: {error.strerror}.") from None


def _first_line(error: BaseException) -> str:
    """The library adds a stack of its own to each message."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
