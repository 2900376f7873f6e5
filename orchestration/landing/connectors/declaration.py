"""Connectors as data: `connectors/<name>.yml` at the project's root, read whole, with all faults at once."""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from orchestration.durations import ALLOWED, parse_duration
from orchestration.errors import UsageError
from orchestration.landing.connectors.kinds import kind_names, kind_of
from orchestration.landing.connectors.limits import LIMIT, SILENCE, Limit
from orchestration.landing.connectors.naming import printable
from orchestration.landing.connectors.protocol import ConnectorError
from orchestration.landing.feeds import load_feeds
from orchestration.landing.files import is_ignored
from orchestration.redaction import redacted, remember_secret

FOLDER = "connectors"
COMMON_KEYS = ("kind", "org", "poll_every", "retries", "limit", "silence", "pgp")
PGP_KEYS = ("key", "key_file", "passphrase")
POLL_EVERY = timedelta(minutes=5)
RETRIES, MOST_RETRIES = 3, 10

NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
# An org is a folder of the inbox.
ORG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NOTHING = object()


class ConnectorDeclarationError(UsageError):
    """Declared connectors cannot work; the message lists every fault of every file."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("The connectors have faults:\n" + "\n".join(f"  * {fault}" for fault in faults))


@dataclass(frozen=True)
class Secret:
    """A value that only the environment knows; what is kept and shown is the variable's name."""

    variable: str

    @property
    def is_set(self) -> bool:
        return bool(os.environ.get(self.variable))

    def value(self) -> str:
        """The value.

        Raises:
            ConnectorError: the variable is not set.
        """
        found = os.environ.get(self.variable)
        if not found:
            raise ConnectorError(f"The environment variable {self.variable} is not set. Set it where tieout runs.")
        return found

    def text_or_file(self, begins: str) -> str:
        """The value, or the content of the file that it names, when it does not itself begin like a key.

        Raises:
            ConnectorError: the variable is not set, or names no file that can be read.
        """
        found = self.value()
        if found.lstrip().startswith(begins):
            return found
        try:
            return Path(found.strip()).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise ConnectorError(
                f"The environment variable {self.variable} holds neither a key (a text that begins with {begins!r})"
                " nor the path of a file that can be read."
            ) from None


@dataclass(frozen=True)
class Pgp:
    """How what arrives is decrypted: with a key, whose passphrase may be needed, or with a passphrase alone."""

    key: Secret | None = None
    key_file: Path | None = None
    passphrase: Secret | None = None


@dataclass(frozen=True)
class Connector:
    """One declared connector. `settings` are its kind's own; `where` says in words what it reads from."""

    name: str
    kind: str
    declared_in: str
    org_id: str = ""
    where: str = ""
    feeds: tuple[str, ...] = ()
    settings: Any = None
    poll_every: timedelta = POLL_EVERY
    retries: int = RETRIES
    limit: timedelta = LIMIT
    silence: timedelta = SILENCE
    # The time of the call at hand; None: what begins now has all of it.
    time: Limit | None = None
    pgp: Pgp | None = None
    secrets: tuple[Secret, ...] = field(default=(), repr=False)

    def timed(self) -> "Connector":
        """The same, with its time running from now on."""
        return replace(self, time=Limit(self.limit, self.silence))

    def redacted(self, text: str) -> str:
        """A text for people, without any value of the connector's secrets."""
        for value in sorted((os.environ.get(secret.variable, "") for secret in self.secrets), key=len, reverse=True):
            if len(value) > 3:
                text = text.replace(value, "***")
        return redacted(printable(text))


class Said:
    """A part of a declaration. Reading a key tells what is wrong with it and goes on with something that works."""

    def __init__(self, data: Mapping[Any, Any], file: str, at: str, faults: list[str], world: "World") -> None:
        self.data, self.file, self.at, self.faults, self.world = data, file, at, faults, world
        self.secrets: list[Secret] = []

    def fault(self, key: str, allowed: str, given: Any = _NOTHING) -> None:
        """Tell a fault: where, what is allowed, and what was given where that may be shown."""
        shown = "" if given is _NOTHING else f", given {given!r}"
        self.faults.append(f"{self.file}: {self.at}{key}: must be {allowed}{shown}")

    def only(self, *keys: str) -> None:
        """Tell every key that is none of these."""
        for key in self.data:
            if key not in keys:
                self.faults.append(f"{self.file}: {self.at}{key}: is no key here; allowed are {', '.join(keys)}")

    def text(
        self,
        key: str,
        allowed: str,
        *,
        required: bool = False,
        default: str = "",
        form: re.Pattern[str] | None = None,
    ) -> str:
        """A text of a form; `allowed` says which in words."""
        given = self.data.get(key)
        if given is None:
            if required:
                self.fault(key, f"{allowed}; it is missing")
            return default
        if not isinstance(given, str) or not given.strip() or (form and not form.fullmatch(given)):
            self.fault(key, allowed, given)
            return default
        return given

    def number(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number within bounds."""
        given = self.data.get(key, default)
        if isinstance(given, bool) or not isinstance(given, int) or not low <= given <= high:
            self.fault(key, f"a whole number from {low} to {high}", given)
            return default
        return given

    def span(self, key: str, default: timedelta, *, above_zero: bool = False) -> timedelta:
        """A length of time."""
        if self.data.get(key) is None:
            return default
        try:
            found = parse_duration(self.data[key])
        except ValueError:
            self.fault(key, ALLOWED, self.data[key])
            return default
        if above_zero and not found:
            self.fault(key, "longer than nothing", self.data[key])
            return default
        return found

    def choice(self, key: str, allowed: Collection[str], default: str) -> str:
        """One of some words."""
        given = self.data.get(key, default)
        if given not in allowed:
            self.fault(key, f"one of {', '.join(allowed)}", given)
            return default
        return str(given)

    def secret(self, key: str) -> Secret | None:
        """The variable that holds a secret. One that stands there itself is refused, and not shown."""
        given = self.data.get(key)
        if given is None:
            return None
        found = VARIABLE.fullmatch(given) if isinstance(given, str) else None
        if not found:
            self.fault(
                key,
                "the name of an environment variable as ${NAME}: a secret never stands in a file; take out what stands"
                " there, and change it where it is used if the file was ever shared",
            )
            return None
        secret = Secret(found[1])
        self.secrets.append(secret)
        # Whatever the variable is called: from now on no log of this process shows what it holds.
        remember_secret(os.environ.get(secret.variable))
        return secret

    def below(self, key: str) -> "Said | None":
        """The mapping under a key."""
        given = self.data.get(key)
        if given is None:
            return None
        if not isinstance(given, Mapping):
            self.fault(key, "a mapping of keys")
            return None
        return self._part(given, f"{self.at}{key}.")

    def entries(self, key: str) -> "list[Said]":
        """The mappings of a list, of which there must be one."""
        given = self.data.get(key)
        if not isinstance(given, list) or not given or not all(isinstance(entry, Mapping) for entry in given):
            self.fault(key, "a list with at least one entry, each a mapping of keys")
            return []
        return [self._part(entry, f"{self.at}{key}[{number}].") for number, entry in enumerate(given)]

    def org(self, *, required: bool) -> str:
        """The org that deliveries are of."""
        allowed = "an org (letters, digits, and . _ - inside), the folder of the inbox"
        given = self.text("org", allowed, required=required, form=ORG)
        if given and is_ignored(given):
            self.fault("org", "no name of an upload under way: the inbox passes over such a folder", given)
        return given

    def feed(self) -> str:
        """A declared feed."""
        given = self.text("feed", "a declared feed, <system>/<feed>", required=True)
        if given and self.world.feeds is not None and given not in self.world.feeds:
            self.fault("feed", f"a declared feed ({', '.join(sorted(self.world.feeds)) or 'none is declared'})", given)
        return given

    def _part(self, data: Mapping[Any, Any], at: str) -> "Said":
        part = Said(data, self.file, at, self.faults, self.world)
        part.secrets = self.secrets
        return part


@dataclass(frozen=True)
class World:
    """What declarations are judged against: the project's folder and its feeds, None where these are not known."""

    project: Path
    feeds: Collection[str] | None


def load_connectors(project: Path | str, feeds: Collection[str] | None = None) -> dict[str, Connector]:
    """Every connector of the project by its name, sorted; `feeds` are the declared ones, read where not given.

    Raises:
        ConnectorDeclarationError: with all faults of all files.
    """
    folder = Path(project)
    files = declared_files(folder)
    if not files:
        return {}
    world = World(folder, load_feeds(folder) if feeds is None else feeds)
    found, faults = read_connectors(world, files)
    if faults:
        raise ConnectorDeclarationError(faults)
    return found


def declared_files(project: Path) -> list[Path]:
    """The files of the folder that declare connectors, or mean to."""
    return sorted(
        path
        for path in (project / FOLDER).glob("*")
        if path.suffix in (".yml", ".yaml") and not path.name.startswith((".", "_"))
    )


def read_connectors(world: World, files: Iterable[Path]) -> tuple[dict[str, Connector], list[str]]:
    """The connectors that files declare, and all that is wrong with them: texts `<file>: <key>: <what>`."""
    found: dict[str, Connector] = {}
    faults: list[str] = []
    for path in files:
        file = f"{FOLDER}/{path.name}"
        if path.suffix == ".yaml":
            faults.append(f"{file}: name: must end with .yml; rename the file to {path.stem}.yml")
            continue
        if not NAME.fullmatch(path.stem):
            faults.append(f"{file}: name: must be small letters and digits, with single _ or - between them")
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            # The text around the mark may be a secret's: only where it is, is said.
            faults.append(f"{file}: not readable as YAML{f' (line {mark.line + 1})' if mark else ''}; mend its form")
            continue
        if not isinstance(data, dict):
            faults.append(f"{file}: must be a mapping of keys that begins with `kind:`")
            continue
        said = Said(data, file, "", faults, world)
        before = len(faults)
        connector = _read_one(path.stem, said)
        if connector and len(faults) == before:
            found[path.stem] = connector
    return found, faults


def _read_one(name: str, said: Said) -> Connector | None:
    kinds = kind_names()
    kind = said.data.get("kind")
    if kind not in kinds:
        said.fault("kind", f"one of {', '.join(kinds)}", kind)
        return None
    module = kind_of(str(kind))
    said.only(*COMMON_KEYS, *module.KEYS)
    pgp = _pgp(said)
    org = said.org(required=False)
    declared = module.declare(said)
    return Connector(
        name=name,
        kind=str(kind),
        declared_in=said.file,
        org_id=org,
        where=declared.where,
        feeds=declared.feeds,
        settings=declared.settings,
        poll_every=said.span("poll_every", POLL_EVERY),
        retries=said.number("retries", 0, MOST_RETRIES, RETRIES),
        limit=said.span("limit", LIMIT, above_zero=True),
        silence=said.span("silence", SILENCE, above_zero=True),
        pgp=pgp,
        secrets=tuple(said.secrets),
    )


def _pgp(said: Said) -> Pgp | None:
    part = said.below("pgp")
    if part is None:
        return None
    part.only(*PGP_KEYS)
    key, passphrase = part.secret("key"), part.secret("passphrase")
    path = part.text("key_file", "the path of a key's file outside of the project")
    file = Path(path).expanduser() if path else None
    if file is not None:
        if not file.is_absolute():
            part.fault("key_file", "an absolute path, or one that begins with ~/", path)
        elif file.resolve().is_relative_to(said.world.project.resolve()):
            part.fault("key_file", "a file outside of the project's folder, which git would take in", path)
    if key and file:
        part.fault("key_file", "left out where `key` is given")
    if not any(name in part.data for name in PGP_KEYS):
        part.fault("key", "given, or `key_file`, or `passphrase` for files encrypted with a passphrase alone")
    if find_spec("pysequoia") is None:
        said.fault("pgp", "left out, or the library installed: pip install 'tieout[pgp]'")
    return Pgp(key, file, passphrase)
