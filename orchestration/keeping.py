"""Files of what was worked out once and need not be in every run: whole or not there, and of this very Python and its
libraries. Whoever may write to their folder may change the project as well."""

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

# Bytes of a SHA-256.
DIGEST = 32


def read(file: Path) -> bytes | None:
    """What a file keeps; none where it is not there, or is of something else, or is not whole."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    stamp, digest, body = content[:DIGEST], content[DIGEST : 2 * DIGEST], content[2 * DIGEST :]
    return body if stamp == _stamp() and digest == hashlib.sha256(body).digest() else None


def write(file: Path, body: bytes) -> None:
    """Write it whole or not at all; where that cannot be done, the next run makes it again."""
    with suppress(OSError):
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".")
        fresh = Path(name)
        try:
            with os.fdopen(handle, "wb") as sink:
                sink.write(_stamp() + hashlib.sha256(body).digest() + body)
            fresh.replace(file)
        finally:
            # On a full disk half a file would take the room that others need.
            fresh.unlink(missing_ok=True)


def _stamp() -> bytes:
    """What is kept depends on beside its source and dbt's version: Python, Jinja and dbt's extensions of it."""
    said = f"{sys.implementation.cache_tag} {sys.hexversion} {version('jinja2')} {version('dbt-common')}"
    return hashlib.sha256(said.encode()).digest()
