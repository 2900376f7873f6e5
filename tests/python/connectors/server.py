"""Servers for the tests: OpenSSH's own on loopback, one that knows passwords, and a line that breaks."""

import asyncio
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

LOOPBACK = "127.0.0.1"
ACCOUNT = "tieout"


def sshd() -> str | None:
    """OpenSSH's server of this machine."""
    found = shutil.which("sshd") or "/usr/sbin/sshd"
    return found if Path(found).is_file() else None


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def new_key(folder: Path, name: str) -> Path:
    """A new key pair; returns the private one's file."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    file = folder / name
    key.write_private_key(file)
    key.write_public_key(folder / f"{name}.pub")
    file.chmod(0o600)
    return file


@dataclass(frozen=True)
class OpenSsh:
    """A server at work: where, its host key, and the key of the account that may log in."""

    folder: Path
    port: int
    host_key: Path
    user_key: Path

    @property
    def user(self) -> str:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name

    @property
    def known_hosts(self) -> str:
        return known_hosts(self.port, self.host_key)


def known_hosts(port: int, host_key: Path) -> str:
    """The line that pins a host key."""
    kind, key = host_key.with_name(f"{host_key.name}.pub").read_text().split()[:2]
    return f"[{LOOPBACK}]:{port} {kind} {key}"


@contextmanager
def open_ssh(folder: Path) -> Iterator[OpenSsh]:
    """Run OpenSSH's server as the current user, with nothing of the machine's own settings."""
    binary = sshd()
    assert binary
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = OpenSsh(folder, free_port(), new_key(folder, "host_key"), new_key(folder, "user_key"))
    shutil.copyfile(folder / "user_key.pub", folder / "authorized_keys")
    config = folder / "sshd_config"
    config.write_text(
        f"""
Port {server.port}
ListenAddress {LOOPBACK}
HostKey {server.host_key}
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
MaxStartups 100
LogLevel ERROR
Subsystem sftp internal-sftp
"""
    )
    # Newer servers shut out whoever fails to log in, as tests do on purpose; older ones do not know the word.
    with_word = folder / "sshd_config_newer"
    with_word.write_text(config.read_text() + "PerSourcePenalties no\n")
    if subprocess.run([binary, "-t", "-f", str(with_word)], capture_output=True, check=False).returncode == 0:
        config = with_word
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([binary, "-D", "-e", "-f", str(config)], stderr=log, stdout=log)
        try:
            _wait_for(server.port, process, folder / "log")
            yield server
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"sshd does not answer: {log.read_text()}")


@dataclass
class Line:
    """A line to a server that breaks, or falls silent, after so many bytes of it, once; `passed` counts what came
    through each connection."""

    port: int
    breaks_after: int | None = None
    falls_silent_after: int | None = None
    # Seconds that every 64 KiB of a file take.
    pause: float = 0.0
    passed: list[int] = field(default_factory=list)


@contextmanager
def line_to(target: int) -> Iterator[Line]:
    """A TCP proxy on loopback."""
    listener = socket.create_server((LOOPBACK, 0))
    line = Line(int(listener.getsockname()[1]))
    ended = threading.Event()

    def pump(source: socket.socket, sink: socket.socket, number: int | None) -> None:
        try:
            while data := source.recv(65536):
                if number is not None:
                    time.sleep(line.pause if line.passed[number] > 50_000 else 0)
                    line.passed[number] += len(data)
                    if line.breaks_after is not None and line.passed[number] >= line.breaks_after:
                        line.breaks_after = None
                        break
                    if line.falls_silent_after is not None and line.passed[number] >= line.falls_silent_after:
                        line.falls_silent_after = None
                        ended.wait(30)
                        break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while not ended.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection((LOOPBACK, target))
            line.passed.append(0)
            for arguments in ((client, server, None), (server, client, len(line.passed) - 1)):
                threading.Thread(target=pump, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield line
    finally:
        ended.set()
        listener.close()


class _Passwords(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (ACCOUNT, "open sesame")


@contextmanager
def password_server(folder: Path, root: Path, names: list[bytes] | None = None) -> Iterator[OpenSsh]:
    """A server in this process that lets the account in with the password `open sesame`. With `names` every folder
    claims to hold these names as well, whatever they are."""
    host_key = new_key(folder, "password_host_key")
    port = free_port()

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]") -> None:
            super().__init__(channel, chroot=str(root).encode())

        async def scandir(self, path: bytes) -> "asyncssh.misc.AsyncIterator[asyncssh.SFTPName]":  # type: ignore[name-defined]
            async for entry in super().scandir(path):
                yield entry
            for name in names or ():
                yield asyncssh.SFTPName(name, b"", asyncssh.SFTPAttrs(size=5, permissions=0o100644, mtime=1, atime=1))

    loop = asyncio.new_event_loop()

    async def serve() -> None:
        await asyncssh.create_server(
            _Passwords, LOOPBACK, port, server_host_keys=[str(host_key)], sftp_factory=Files, allow_scp=False
        )

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    try:
        yield OpenSsh(folder, port, host_key, host_key)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
