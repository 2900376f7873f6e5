"""SFTP: files of remote folders, over asyncssh.

What is new is told by name, size and time of change against the connector's book, never by "newer than the last one".
The host key must be one that the declaration pins. Names that a server gives are bytes of a stranger: one that is no
plain name in its folder is never used as a path.
"""

import asyncio
import fnmatch
import posixpath
import re
import stat
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchestration.landing.connectors.declaration import Connector, Said, Secret
from orchestration.landing.connectors.limits import Limit
from orchestration.landing.connectors.naming import mark_of
from orchestration.landing.connectors.protocol import (
    ChangedError,
    ConnectorError,
    Declared,
    LimitError,
    Listing,
    Offer,
    OfferError,
    UnreachableError,
)
from orchestration.landing.files import is_ignored, split_ending

if TYPE_CHECKING:
    import asyncssh

KEYS = ("host", "port", "user", "auth", "known_hosts", "timeouts", "files")
AUTH_KEYS = ("password", "key", "passphrase")
TIMEOUT_KEYS = ("connect", "answer")
FILE_KEYS = ("from", "org", "feed", "stable_for", "done_marker", "after", "to")
KEEP, MOVE, DELETE = "keep", "move", "delete"
STABLE_FOR = timedelta(seconds=10)
CONNECT_TIMEOUT, ANSWER_TIMEOUT = timedelta(seconds=20), timedelta(seconds=60)

HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
KNOWN_HOST_LINE = re.compile(r"(@(cert-authority|revoked)\s+)?\S+\s+(ssh|ecdsa|sk)-\S+\s+\S+.*")
# Asked for at a time, and how many of these are on their way: enough for a fast line to a far place, little memory.
BLOCK, ON_THEIR_WAY = 256 * 1024, 16
GOODBYE_SECONDS = 5.0
_WILD = re.compile(r"[*?\[]")

Result = TypeVar("Result")


@dataclass(frozen=True)
class Rule:
    """One entry of `files`. `path` is a remote path whose parts may be globs."""

    path: str
    org_id: str
    feed: str
    stable_for: timedelta
    done_marker: str
    after: str
    to: str

    def marker_of(self, name: str) -> str:
        """The name of a file's done-marker."""
        return self.done_marker.replace("{name}", name).replace("{stem}", split_ending(name)[0])

    @property
    def own_marker(self) -> bool:
        """Whether every file has a marker of its own, which goes with it."""
        return "{" in self.done_marker


@dataclass(frozen=True)
class Settings:
    """What an SFTP connector declares. `known_hosts` are the lines themselves."""

    host: str
    port: int
    user: str
    password: Secret | None
    key: Secret | None
    passphrase: Secret | None
    known_hosts: str
    connect_timeout: timedelta
    answer_timeout: timedelta
    rules: tuple[Rule, ...]


def declare(said: Said) -> Declared:
    """Read the declaration of an SFTP connector."""
    host = said.text("host", "a host name or address, without user or port", required=True, form=HOST)
    port = said.number("port", 1, 65535, 22)
    user = said.text("user", "the account's name", required=True)
    auth = said.below("auth")
    password = key = passphrase = None
    if auth is None:
        said.fault("auth", "given: {password: ${NAME}} or {key: ${NAME}}, named after environment variables")
    else:
        auth.only(*AUTH_KEYS)
        password, key, passphrase = (auth.secret(name) for name in AUTH_KEYS)
        if "password" not in auth.data and "key" not in auth.data:
            auth.fault("password", "given as ${NAME}, or `key`")
        if passphrase and not key:
            auth.fault("passphrase", "left out where there is no `key`")
    timeouts = said.below("timeouts") or Said({}, said.file, "timeouts.", said.faults, said.world)
    timeouts.only(*TIMEOUT_KEYS)
    org = str(said.data.get("org") or "")
    rules = tuple(_rule(entry, org) for entry in said.entries("files"))
    _check_moves(said, rules)
    settings = Settings(
        *(host, port, user, password, key, passphrase),
        _known_hosts(said),
        timeouts.span("connect", CONNECT_TIMEOUT),
        timeouts.span("answer", ANSWER_TIMEOUT),
        rules,
    )
    return Declared(settings, f"{user}@{host}:{port}", tuple(dict.fromkeys(rule.feed for rule in rules)))


def _rule(said: Said, org: str) -> Rule:
    said.only(*FILE_KEYS)
    path = said.text("from", "a remote path whose parts may be globs, such as /out/orders/*.csv", required=True)
    if path and (path.endswith("/") or ".." in path.split("/")):
        said.fault("from", "a path of files, not of a folder, and without ..; end it with /* for every file", path)
    own = said.org(required=not org)
    after = said.choice("after", (KEEP, MOVE, DELETE), KEEP)
    to = said.text("to", "a remote folder")
    if (after == MOVE) != bool(to):
        said.fault("to", "given where `after` is move, and nowhere else")
    marker = said.text("done_marker", "a name, such as _SUCCESS, {name}.done or {stem}.ok")
    if "/" in marker or re.search(r"\{(?!name\}|stem\})", marker):
        said.fault("done_marker", "a name in the same folder; {name} and {stem} stand for the file's", marker)
    if marker and said.data.get("stable_for") is not None:
        said.fault("stable_for", "left out where there is a `done_marker`: the marker says when a file is whole")
    return Rule(
        posixpath.normpath(path) if path else "",
        own or org,
        said.feed(),
        said.span("stable_for", STABLE_FOR),
        marker,
        after,
        posixpath.normpath(to) if to else "",
    )


def _check_moves(said: Said, rules: tuple[Rule, ...]) -> None:
    """A file that was moved to where another entry, or its own, finds it would be taken for ever."""
    for number, rule in enumerate(rules):
        for other in rules if rule.to else ():
            folder = posixpath.dirname(other.path).split("/")
            parts = rule.to.split("/")
            if len(folder) == len(parts) and all(fnmatch.fnmatchcase(p, g) for p, g in zip(parts, folder, strict=True)):
                said.fault(f"files[{number}].to", f"a folder that no entry reads from ({other.path} does)", rule.to)


def _known_hosts(said: Said) -> str:
    """The pinned lines: given themselves, or in a file of the project or elsewhere."""
    given = said.data.get("known_hosts")
    allowed = (
        "the path of a known_hosts file, or its lines (as `ssh-keyscan` prints them, checked with who runs the host)"
    )
    if isinstance(given, list) and all(isinstance(line, str) for line in given):
        text = "\n".join(given)
    elif isinstance(given, str) and given.strip():
        text = given
        if len(given.split()) == 1:
            try:
                text = (said.world.project / Path(given.strip()).expanduser()).read_text(encoding="utf-8")
            except (OSError, ValueError):
                said.fault("known_hosts", f"{allowed}; no such file can be read", given)
                return ""
    else:
        said.fault("known_hosts", f"{allowed}; an unpinned host is not trusted")
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    bad = [line for line in lines if not KNOWN_HOST_LINE.fullmatch(line)]
    if bad or not lines:
        said.fault("known_hosts", f"{allowed}; each line is `host key-type key`", bad[0] if bad else "no line")
    return "\n".join(lines) + "\n"


@contextmanager
def connect(connector: Connector) -> Iterator["Session"]:
    """Log in, and out at the end."""
    with asyncio.Runner() as runner:
        # What breaks is raised where it is waited for; that of the questions beside it, a trace each, is nobody's.
        runner.get_loop().set_exception_handler(lambda _, __: None)
        session = Session(connector, runner)
        try:
            session.run(session.open())
            yield session
        finally:
            with suppress(Exception):
                runner.run(session.close())


class Session:
    """An open SFTP session. Its loop runs only while a method is at work."""

    def __init__(self, connector: Connector, runner: asyncio.Runner) -> None:
        self.settings: Settings = connector.settings
        self.runner = runner
        self.connection: asyncssh.SSHClientConnection | None = None
        self.sftp: Any = None
        self.time = connector.time or Limit(connector.limit, connector.silence)

    @property
    def answer_seconds(self) -> float:
        """How long to wait for the next answer."""
        return self.time.seconds(self.settings.answer_timeout)

    @property
    def connect_seconds(self) -> float:
        """How long to wait to be let in."""
        return self.time.seconds(self.settings.connect_timeout)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do some work on the loop; what the network and the server say becomes our errors."""
        import asyncssh

        try:
            return self.runner.run(work)
        except ConnectorError:
            raise
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.ChannelOpenError) as error:
            raise UnreachableError(f"the connection to {self._place} broke off: {error}") from error
        except asyncssh.SFTPError as error:
            raise ConnectorError(f"{self._place} answers: {error.reason or type(error).__name__}") from error
        except (asyncssh.DisconnectError, ConnectionError) as error:
            raise UnreachableError(f"the connection to {self._place} broke off: {error}") from error
        except TimeoutError as error:
            self.time.check()
            seconds = self.settings.answer_timeout.total_seconds()
            raise UnreachableError(f"{self._place} did not answer within {seconds:.0f} seconds") from error

    @property
    def _place(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"

    async def open(self) -> None:
        """Log in."""
        import asyncssh

        said = self.settings
        client = _client()
        keys = [_private_key(said.key, said.passphrase)] if said.key else None
        try:
            known = asyncssh.import_known_hosts(said.known_hosts)
        except ValueError as error:
            raise ConnectorError(f"known_hosts cannot be read: {error}.") from error
        seconds = self.connect_seconds
        methods = [*(["publickey"] if keys else []), *(["password", "keyboard-interactive"] if said.password else [])]
        try:
            self.connection, _ = await asyncssh.create_connection(
                lambda: client,
                said.host,
                said.port,
                username=said.user,
                password=said.password.value() if said.password else None,
                client_keys=keys,
                preferred_auth=methods,
                known_hosts=known,
                # Nothing of whoever runs this takes part: no configuration, no agent.
                config=None,
                agent_path=None,
                connect_timeout=seconds,
                login_timeout=seconds,
            )
            self.sftp = await _within(self.answer_seconds, self.connection.start_sftp_client(path_encoding=None))
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed) as error:
            raise ConnectorError(await self._of_host_key(client.found or await self._shown(), known, error)) from error
        except (asyncssh.ConnectionLost, ConnectionResetError) as error:
            # A host that has no key of a pinned kind any more may hang up before it shows one.
            shown = await self._shown()
            pinned, cas, *_ = known.match(said.host, "", said.port)
            if shown is None or shown in pinned or cas:
                raise UnreachableError(f"{self._place} hung up before it let anybody in: {error}.") from error
            raise ConnectorError(await self._of_host_key(shown, known, error)) from error
        except asyncssh.PermissionDenied as error:
            by = " and ".join(name for name, given in (("key", said.key), ("password", said.password)) if given)
            raise ConnectorError(
                f"{self._place} does not let {said.user} in with the {by} declared ({error.reason}). Check the account,"
                " and the environment variable that holds the secret."
            ) from error
        except (OSError, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                reason = f"no answer within {max(seconds, 1):.0f} seconds"
            else:
                reason = error.strerror or str(error)
            raise UnreachableError(f"{self._place} cannot be reached: {reason}.") from error
        self.time.came()

    async def _shown(self) -> "asyncssh.SSHKey | None":
        """The host key that the host shows to whoever asks; None where it shows none."""
        import asyncssh

        with suppress(asyncssh.Error, OSError):
            asked = asyncssh.get_server_host_key(self.settings.host, self.settings.port, config=None)
            return await _within(self.connect_seconds, asked)
        return None

    async def _of_host_key(self, found: "asyncssh.SSHKey | None", known: Any, error: Exception) -> str:
        """What to say of a host key that is not pinned: the one found, and what to do."""
        said = self.settings
        if found is None:
            return f"{self._place} and this machine find no common way to talk: {error}."
        pinned, cas, revoked, *_ = known.match(said.host, "", said.port)
        line = found.export_public_key().decode("ascii").split()
        host = said.host if said.port == 22 else f"[{said.host}]:{said.port}"
        shown = f"It shows the {line[0]} key {found.get_fingerprint()}"
        if found in revoked:
            return f"the host key of {self._place} is revoked in known_hosts. {shown}. Nothing was sent to it."
        if pinned or cas:
            was = ", ".join(key.get_fingerprint() for key in pinned) or "a certificate authority's"
            return (
                f"the host key of {self._place} has CHANGED: somebody may be listening in. {shown}; pinned is {was}."
                " Nothing was sent to it. Ask who runs the host, by another way, whether this is its new key; only"
                f" then put this line in the place of the old one in known_hosts: {host} {line[0]} {line[1]}"
            )
        return (
            f"the host key of {self._place} is unknown: known_hosts pins none for it. {shown}. Nothing was sent to it."
            " Ask who runs the host, by another way, whether this is its key; if it is, add this line to known_hosts:"
            f" {host} {line[0]} {line[1]}"
        )

    async def close(self) -> None:
        """Log out."""
        if self.sftp is not None:
            self.sftp.exit()
        if self.connection is not None:
            self.connection.close()
            with suppress(Exception):
                await _within(GOODBYE_SECONDS, self.connection.wait_closed())
            # What still waits for an answer gets none any more.
            self.connection.abort()

    def about(self) -> Mapping[str, str]:
        """Where it is logged in, as whom, and by which host key."""
        assert self.connection is not None
        key = self.connection.get_server_host_key()
        return {
            "logged_in": f"{self.settings.user}@{self._place}",
            "host_key": key.get_fingerprint() if key else "",
            "server": str(self.connection.get_extra_info("server_version") or ""),
        }

    def list(self, latest: Callable[[str], str | None]) -> Listing:
        """The files of all entries; one that several find belongs to the first."""
        return self.run(self._list())

    async def _list(self) -> Listing:
        folders: dict[str, dict[str, Any]] = {}
        found: dict[str, Offer] = {}
        problems: dict[str, None] = {}
        for rule in self.settings.rules:
            for folder in await self._folders(posixpath.dirname(rule.path), folders, problems):
                entries = await self._entries(folder, folders, problems)
                for offer in _offers(rule, folder, entries):
                    found.setdefault(offer.key, offer)
        offers = sorted(found.values(), key=lambda offer: (offer.note["mtime"], offer.key))
        return Listing(offers, list(problems))

    async def _folders(self, path: str, known: dict[str, Any], problems: dict[str, None]) -> Sequence[str]:
        """The folders that a path with globs leads to."""
        if not _WILD.search(path):
            return [path or "."]
        above, last = posixpath.split(path)
        found = []
        for folder in await self._folders(above, known, problems):
            if not _WILD.search(last):
                found.append(posixpath.join(folder, last))
                continue
            entries = await self._entries(folder, known, problems)
            found += [
                posixpath.join(folder, name)
                for name, attrs in entries.items()
                if _matches(name, last) and _type_of(attrs) == stat.S_IFDIR
            ]
        return found

    async def _entries(self, folder: str, known: dict[str, Any], problems: dict[str, None]) -> dict[str, Any]:
        """A folder's names with their attributes, those that are plain names; none of one that cannot be listed, which
        keeps nothing back that lies elsewhere."""
        import asyncssh

        if folder not in known:
            known[folder] = {}
            try:
                async for entry in self._scan(folder):
                    name = _plain(entry.filename)
                    if name is not None:
                        known[folder][name] = entry.attrs
                    elif entry.filename not in (b".", b".."):
                        problem = f"{folder} holds the name {entry.filename!r}, which is refused: names are UTF-8 and"
                        problems[f"{problem} stand in their folder. Rename it there"] = None
            except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection):
                raise
            except asyncssh.SFTPError as error:
                known[folder] = {}
                problems[f"{folder} cannot be listed: {error.reason or type(error).__name__}"] = None
        return known[folder]

    async def _scan(self, folder: str) -> Any:
        scan = self.sftp.scandir(folder.encode("utf-8"))
        while True:
            try:
                entry = await _within(self.answer_seconds, anext(scan))
            except StopAsyncIteration:
                self.time.came()
                return
            self.time.came()
            yield entry

    def fetch(self, offer: Offer, into: Path, tick: Callable[[int], None]) -> None:
        """Bring a file, from the byte on up to which it is there."""
        self.run(self._fetch(offer, into, tick))

    async def _fetch(self, offer: Offer, into: Path, tick: Callable[[int], None]) -> None:
        import asyncssh

        try:
            await self._read(offer, into, tick)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            raise ChangedError("it is no longer there") from None
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection):
            raise
        except asyncssh.SFTPError as error:
            raise OfferError(f"cannot be read there: {error.reason or type(error).__name__}") from error

    async def _read(self, offer: Offer, into: Path, tick: Callable[[int], None]) -> None:
        import asyncssh

        remote = await self._answered(self.sftp.open(offer.key.encode("utf-8"), "rb", encoding=None))
        try:
            await self._unchanged(remote, offer)
            await self._copy(remote, int(offer.size or 0), into, tick)
            await self._unchanged(remote, offer)
        finally:
            with suppress(asyncssh.Error, TimeoutError, LimitError):
                await self._answered(remote.close())

    async def _copy(self, remote: Any, size: int, into: Path, tick: Callable[[int], None]) -> None:
        """Append what is missing, in order, with several reads on their way at once."""
        have = into.stat().st_size if into.exists() else 0
        if have > size:
            into.unlink()
            have = 0
        asked = have
        reads: deque[tuple[int, asyncio.Task[bytes]]] = deque()
        try:
            # Unbuffered: what came stands in the file, whatever comes next.
            with into.open("ab", buffering=0) as out:
                while have < size:
                    while asked < size and len(reads) < ON_THEIR_WAY:
                        length = min(BLOCK, size - asked)
                        reads.append((length, asyncio.ensure_future(remote.read(length, asked))))
                        asked += length
                    length, read = reads.popleft()
                    block = await _within(self.answer_seconds, read)
                    if len(block) != length:
                        raise ChangedError("it became shorter while it was read")
                    written = 0
                    while written < length:
                        written += out.write(memoryview(block)[written:])
                    have += length
                    tick(have)
        finally:
            for _, read in reads:
                read.cancel()
            await asyncio.gather(*(read for _, read in reads), return_exceptions=True)

    async def _unchanged(self, remote: Any, offer: Offer) -> None:
        attrs = await self._answered(remote.stat())
        if version_of(attrs) != offer.version:
            raise ChangedError("it changed while it was looked at")

    async def _answered(self, work: Coroutine[Any, Any, Result]) -> Result:
        answer = await _within(self.answer_seconds, work)
        self.time.came()
        return answer

    def commit(self, offer: Offer) -> bool:
        """Move or delete a file, as its entry says now, with its own marker; a newer one of its name stays."""
        rule = next((rule for rule in self.settings.rules if rule.path == offer.note.get("from")), None)
        if rule is None or rule.after == KEEP:
            return False
        self.run(self._commit(offer, rule))
        return True

    async def _commit(self, offer: Offer, rule: Rule) -> None:
        path = offer.key.encode("utf-8")
        marker = str(offer.note.get("marker") or "").encode("utf-8")
        # It is not there where a crash came after it, or somebody took it away: its marker goes all the same, else it
        # would speak for the next file of the name.
        there = await self._there(path)
        if there is not None:
            if version_of(there) != offer.version:
                return
            await self._away(path, rule, offer)
        if marker and await self._there(marker) is not None:
            await self._away(marker, rule, offer)

    async def _there(self, path: bytes) -> Any | None:
        """The attributes of what lies at a path; None where nothing does."""
        import asyncssh

        try:
            return await self._answered(self.sftp.lstat(path))
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return None

    async def _away(self, path: bytes, rule: Rule, offer: Offer) -> None:
        """Delete or move what lies at a path. A server says that there is no such file of the folder to move it to,
        too: whatever goes wrong here is told."""
        if rule.after == DELETE:
            await self._answered(self.sftp.remove(path))
            return
        folder = rule.to.encode("utf-8")
        await self._answered(self.sftp.makedirs(folder, exist_ok=True))
        name = posixpath.basename(path)
        target = posixpath.join(folder, name)
        number = 0
        while await self._answered(self.sftp.lexists(target)):
            stem, ending = posixpath.splitext(name)
            mark = mark_of(offer.key, offer.version) + (f".{number}" if number else "")
            target = posixpath.join(folder, stem + b"." + mark.encode("ascii") + ending)
            number += 1
        await self._answered(self.sftp.rename(path, target))


async def _within(seconds: float, work: Awaitable[Result]) -> Result:
    """What some work comes to. What it does when it is stopped is not waited for: of a listing that is, asyncssh first
    has the server close the folder, which one that has fallen silent never does.

    Raises:
        TimeoutError: the time is over.
    """
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()
        raise TimeoutError
    return task.result()


def _client() -> Any:
    """A client that remembers the host key that it refused."""
    import asyncssh

    class Client(asyncssh.SSHClient):
        found: asyncssh.SSHKey | None = None

        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
            self.found = key
            return False

    return Client()


def _private_key(secret: Secret, passphrase: Secret | None) -> Any:
    import asyncssh

    text = secret.text_or_file("-----BEGIN")
    try:
        return asyncssh.import_private_key(text, passphrase.value() if passphrase else None)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConnectorError(
            f"The key of the environment variable {secret.variable} cannot be used: {error}. It must be a private key,"
            " in PEM or OpenSSH form, with its `passphrase` where it has one."
        ) from None


def _plain(name: bytes) -> str | None:
    """A name that stands in its folder; None for one that is a path, or is not UTF-8."""
    if not name or name in (b".", b"..") or b"/" in name or b"\0" in name:
        return None
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _matches(name: str, pattern: str) -> bool:
    """Whether a name is meant: a glob finds hidden names only where it begins with a dot itself."""
    return fnmatch.fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))


def _type_of(attrs: Any) -> int:
    """Folder, file, link: as the permissions say; a server that gives none means files."""
    return stat.S_IFMT(attrs.permissions) if attrs.permissions is not None else stat.S_IFREG


def version_of(attrs: Any) -> str:
    """What differs when a file is another one: size and time of change."""
    return f"{attrs.size}:{attrs.mtime}"


def _offers(rule: Rule, folder: str, entries: Mapping[str, Any]) -> Iterator[Offer]:
    """The files of a folder that an entry means."""
    pattern = posixpath.basename(rule.path)
    markers = {rule.marker_of(name) for name in entries} if rule.done_marker else set()
    for name, attrs in entries.items():
        if not _matches(name, pattern) or is_ignored(name) or name in markers:
            continue
        if _type_of(attrs) not in (stat.S_IFREG, 0) or attrs.size is None:
            continue
        path = posixpath.join(folder, name) if folder != "." else name
        marker = rule.marker_of(name) if rule.done_marker else ""
        modified = datetime.fromtimestamp(attrs.mtime or 0, UTC)
        yield Offer(
            key=path,
            version=version_of(attrs),
            org_id=rule.org_id,
            feed=rule.feed,
            name=name,
            size=attrs.size,
            stable_for=rule.stable_for,
            settled=bool(marker),
            waits_for=_missing(entries, marker, attrs) if marker else "",
            commits=rule.after != KEEP,
            remote={"path": path, "size": attrs.size, "modified_at": modified.strftime("%Y-%m-%dT%H:%M:%SZ")},
            note={
                "from": rule.path,
                "mtime": attrs.mtime or 0,
                "marker": posixpath.join(folder, marker) if rule.own_marker else "",
            },
        )


def _missing(entries: Mapping[str, Any], marker: str, attrs: Any) -> str:
    """Why a file's marker does not say yet that it is whole; blank when it does. One that is older than the file is
    that of the delivery before."""
    there = entries.get(marker)
    if there is None:
        return f"its done-marker {marker} is not there yet"
    if (there.mtime or 0) < (attrs.mtime or 0):
        return f"its done-marker {marker} is older than the file: that of the delivery before"
    return ""
