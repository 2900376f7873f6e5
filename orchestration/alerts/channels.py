"""Sending to a channel through apprise, and keeping the secrets of its addresses out of everything else.

An address takes its secrets from the environment: `${NAME}`. What stands for a part of an address is quoted as
addresses are; a variable that is the whole address is taken as it is.
"""

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from orchestration.alerts.settings import Delivery
from orchestration.alerts.words import Message, clean

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Stands for a variable while an address is looked at; letters and digits fit into every part of one.
_STAND_IN = re.compile(r"(?:tieoutenv\d+x)+", re.IGNORECASE)
_NAMES_A_SECRET = re.compile(r"token|secret|key|pass|auth|sig|cred|cookie|code", re.IGNORECASE)
_HARMLESS_HEADERS = ("content-type", "accept", "user-agent")
# Shorter ones are words that stand in every text.
_SHORTEST_SECRET = 4
# The log would lose shorter ones, such as a host's name, from texts that have nothing to do with it.
_SHORTEST_REMEMBERED = 8
_MOST_LETTERS = 500


class ChannelError(Exception):
    """A channel cannot be used as it is declared, so that trying again at once is no use."""


class DeliveryError(Exception):
    """A message did not get through this time. The text holds no secret."""


def variables_of(url: str) -> list[str]:
    """The variables that an address takes its secrets from."""
    return VARIABLE.findall(url)


def faults_of(url: str) -> list[str]:
    """What is wrong with an address as it stands in the file. No message repeats it: it may hold a secret."""
    if "$" in VARIABLE.sub("", url):
        return ["has a `$` that begins no variable; a variable is written ${NAME}"]
    if VARIABLE.fullmatch(url):
        return []
    numbers = iter(range(1_000))
    stood_in = VARIABLE.sub(lambda _: f"TIEOUTENV{next(numbers)}X", url)
    with _silenced():
        from apprise.plugins import N_MGR, url_to_dict

        parsed = url_to_dict(stood_in)
    if not parsed:
        return ["is no address that apprise knows, or lacks a part; see docs/alerts.md"]
    return [
        f"holds {what} as it is. Put it into an environment variable and write ${{NAME}} in its place"
        for what in sorted(set(_literal_secrets(parsed, N_MGR[parsed["schema"]])))
    ]


def _literal_secrets(parsed: Mapping[str, Any], plugin: Any) -> Iterator[str]:
    """What of an address is secret and does not come from the environment, by name."""
    declared = {**plugin.template_tokens, **plugin.template_args}
    private = {info.get("map_to") or name for name, info in declared.items() if info.get("private")} | {"password"}
    for name in private:
        if any(not _STAND_IN.fullmatch(text) for text in _texts(parsed.get(name))):
            yield f"its {name.replace('_', ' ')}"
    for name, value in (parsed.get("qsd+") or {}).items():
        if name.lower() not in _HARMLESS_HEADERS and not _STAND_IN.fullmatch(str(value)):
            yield f"the header {name}"
    for part in ("qsd", "qsd-", "qsd:", "params", "payload"):
        for name, value in (parsed.get(part) or {}).items():
            # Headers, which begin with +, have been looked at.
            if _NAMES_A_SECRET.search(name) and not name.startswith("+") and not _STAND_IN.fullmatch(str(value)):
                yield f"the parameter {name.lstrip('-:')}"
    if private == {"password"}:
        # A webhook of no known service: its path may be all that keeps strangers out.
        for segment in str(parsed.get("fullpath") or "").split("/"):
            if _looks_random(unquote(segment)):
                yield "a part of its path that looks like a token"


def _looks_random(text: str) -> bool:
    if _STAND_IN.fullmatch(text):
        return False
    return len(text) >= 24 or (len(text) >= 12 and bool(re.search(r"\d", text)) and bool(re.search(r"[A-Za-z]", text)))


def _texts(value: Any) -> Iterable[str]:
    if value in (None, ""):
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple | set) else [str(value)]


def resolved(url: str) -> str:
    """An address with its secrets.

    Raises:
        ChannelError: a variable is not set.
    """
    missing = [name for name in variables_of(url) if not os.environ.get(name)]
    if missing:
        raise ChannelError(f"The environment does not set {', '.join(dict.fromkeys(missing))}.")
    _keep_out_of_logs(url)
    whole = VARIABLE.fullmatch(url)
    if whole:
        return os.environ[whole[1]].strip()
    return VARIABLE.sub(lambda found: quote(os.environ[found[1]], safe=""), url)


def _keep_out_of_logs(url: str) -> None:
    """Tell the log what is secret of an address, whatever else may print it."""
    from orchestration.logs import remember_secret

    for name in variables_of(url):
        value = os.environ[name].strip()
        if len(value) >= _SHORTEST_REMEMBERED:
            remember_secret(value, quote(value, safe=""))


def secrets_of(url: str) -> list[str]:
    """Every text that must never be shown of an address, the longest first."""
    found = set()
    for name in variables_of(url):
        value = os.environ.get(name, "").strip()
        found |= {value, quote(value, safe=""), unquote(value)}
        if "://" in value:
            parts = urlsplit(value)
            pieces = [*parts.path.split("/"), parts.username or "", parts.password or "", parts.hostname or ""]
            pieces += re.split(r"[&=]", parts.query)
            found |= {text for piece in pieces for text in (piece, unquote(piece))}
    return sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)


def scrubbed(text: str, url: str) -> str:
    """A text without the secrets of an address, on one line, and short."""
    for secret in secrets_of(url):
        text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    return clean(text, _MOST_LETTERS)


class Sender:
    """Sends to the addresses of one call; each service is set up once, so that it keeps to the pace it is allowed."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._services: dict[str, Any] = {}

    def service(self, url: str) -> Any:
        """The apprise service of an address.

        Raises:
            ChannelError: a variable is not set, or what is set makes no address.
        """
        if url not in self._services:
            address = resolved(url)
            with _silenced() as said:
                import apprise

                asset = apprise.AppriseAsset(app_id="Tieout", app_desc="Tieout", app_url="", secure_logging=True)
                service = apprise.Apprise.instantiate(address, asset=asset)
            if service is None:
                why = scrubbed("; ".join(said), url)
                raise ChannelError(f"With what the environment says, {url} is no address that can be used. {why}")
            seconds = self._delivery.timeout.total_seconds()
            service.socket_connect_timeout = service.socket_read_timeout = seconds
            self._services[url] = service
        return self._services[url]

    def format_of(self, url: str, wanted: str) -> str:
        """In which form an address takes messages: `text`, `markdown` or `html`. By itself: HTML for
        mail, Markdown for what takes nothing else (Teams), plain text for all others."""
        if wanted != "auto":
            return wanted
        offered = self.service(url).notify_format
        offered = [
            str(getattr(form, "value", form)) for form in (offered if isinstance(offered, tuple) else (offered,))
        ]
        # A service's own Markdown is nobody's standard: plain text is read alike by all that take it.
        return "text" if "text" in offered and offered[0] != "html" else offered[0]

    def send(self, url: str, message: Message, form: str, *, bad: bool) -> None:
        """Send one message; `bad` news are marked as such where the service can. Plain text that is longer than the
        service takes is cut, unless the address says otherwise (`?overflow=`): whole, nobody would get it.

        Raises:
            ChannelError: the channel cannot be used.
            DeliveryError: it did not get through.
        """
        service = self.service(url)
        with _silenced() as said:
            import apprise

            # The usual length stands for none that is known.
            has_limit = service.body_maxlen < apprise.NotifyBase.body_maxlen
            is_cut = form == "text" and has_limit and "overflow_mode" not in vars(service)
            try:
                sent = service.notify(
                    body=message.written(form),
                    title=message.heading_in(form if _shows_title_as_body(service, form) else "text"),
                    notify_type=apprise.NotifyType.WARNING if bad else apprise.NotifyType.INFO,
                    body_format=apprise.NotifyFormat(form),
                    overflow=apprise.OverflowMode.TRUNCATE if is_cut else None,
                )
            except Exception as error:
                # Whatever a service's code trips over is a failed delivery, and one to be tried again.
                raise DeliveryError(scrubbed(f"{type(error).__name__}: {error}", url)) from None
        if not sent:
            raise DeliveryError(scrubbed("; ".join(said) or "The service did not say why.", url))


def _shows_title_as_body(service: Any, form: str) -> bool:
    """Whether markup does in a title what it does in the body: the service puts it there, or reads everything as
    Markdown (Teams)."""
    return service.title_maxlen <= 0 or (form == "markdown" and service.notify_format == form)


class _Kept(logging.Handler):
    """Keeps warnings, and what a socket said, which apprise tells only to who debugs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING or text.startswith("Socket Exception"):
            self.said.append(text)


@contextmanager
def _silenced() -> Iterator[list[str]]:
    """Keep what apprise says from every log: addresses may stand in it. Yields what it warned of."""
    logger = logging.getLogger("apprise")
    before = (logger.handlers[:], logger.propagate, logger.level)
    kept = _Kept()
    logger.handlers, logger.propagate = [kept], False
    logger.setLevel(logging.DEBUG)
    # What carries the requests names hosts and paths.
    carriers = [logging.getLogger(name) for name in ("urllib3", "requests", "requests_oauthlib")]
    levels = [carrier.level for carrier in carriers]
    for carrier in carriers:
        carrier.setLevel(logging.CRITICAL)
    try:
        yield kept.said
    finally:
        logger.handlers, logger.propagate = before[0], before[1]
        logger.setLevel(before[2])
        for carrier, level in zip(carriers, levels, strict=True):
            carrier.setLevel(level)
