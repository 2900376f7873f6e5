"""A message as plain text, Markdown and HTML. Whatever comes from data is made harmless in each of them: a
counterparty's name may hold markup, line breaks and what turns the writing around."""

import hashlib
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

MOST_LETTERS = 400
# What makes anything of text inside a line; what does so at its beginning only never stands there.
_MARKED = re.compile(r"([\\`*_\[\]<>|~&])")
# What calls everybody in Discord, Mattermost and their like. A blank without width after the sign lets it be read.
_CALLS = re.compile(r"(?<![\w.-])@(?=(?:everyone|here|channel|all)\b)", re.IGNORECASE)
# So long a message of several may be. Teams refuses more than 28 KB, with all that goes around the text.
MOST_TOGETHER = 12_000


@dataclass(frozen=True)
class Message:
    """What people read: a title, and blocks: `("p", text)`, `("list", [texts])`, `("code", text)` and
    `("link", words, address)`. Texts are as they are; writing a message out makes them harmless."""

    title: str
    blocks: tuple[tuple[Any, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The message as the spool keeps it: clean already."""
        blocks = [
            [kind, [clean(item) for item in text] if kind == "list" else clean(text), *rest]
            for kind, text, *rest in self.blocks
        ]
        return {"title": self.heading, "blocks": blocks}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Message":
        """The message of a spool's line."""
        return cls(said["title"], tuple(tuple(block) for block in said["blocks"]))

    @property
    def digest(self) -> str:
        """SHA-256 of the title and the plain text."""
        return hashlib.sha256(f"{self.heading}\n{self.written('text')}".encode()).hexdigest()

    @property
    def heading(self) -> str:
        """The title on one line."""
        return clean(self.title, 200)

    def written(self, form: str) -> str:
        """The body in a form: `text`, `markdown` or `html`."""
        return {"text": _text, "markdown": _markdown, "html": _html}[form](self.blocks)

    def heading_in(self, form: str) -> str:
        """The title in a form, for where it is shown like the body."""
        return {"text": _calm, "markdown": _escaped, "html": html.escape}[form](self.heading)


def redacted(text: str) -> str:
    """A text without card numbers and secrets."""
    from orchestration.logs import redacted as without

    return without(text)


def clean(text: Any, most: int = MOST_LETTERS) -> str:
    """A text on one line, without control characters and without what must not be shown; cut where it is too long."""
    # Categories C*: control characters, and invisible ones that turn the writing around.
    visible = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in str(text))
    line = redacted(" ".join(visible.split()))
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def combined(title: str, messages: Sequence[Message], whole: int = 10) -> Message:
    """Several messages as one; of more than `whole`, or of much text, the titles and first lines only, as many as a
    service takes."""
    blocks = tuple(block for message in messages for block in (("p", message.title), *message.blocks))
    if len(messages) <= whole and len(_text(blocks)) <= MOST_TOGETHER:
        return Message(title, blocks)
    lines: list[str] = []
    for message in messages:
        first = next((str(block[1]) for block in message.blocks if block[0] == "p"), "")
        line = clean(f"{message.title}: {first}" if first else message.title)
        if sum(map(len, lines)) + len(line) > MOST_TOGETHER:
            break
        lines.append(line)
    rest = len(messages) - len(lines)
    more = [("p", f"And {rest:,} more; this lists all of them:"), ("code", "tieout alerts list")] if rest else []
    return Message(title, (("list", lines), *more))


def _calm(text: str) -> str:
    """A text on one line that calls nobody."""
    return _CALLS.sub("@\u200b", clean(text))


def _escaped(text: str) -> str:
    """A text on one line as Markdown shows it."""
    return _MARKED.sub(r"\\\1", _calm(text))


def _text(blocks: Iterable[tuple[Any, ...]]) -> str:
    return _joined(blocks, _calm, lambda text: f"    {clean(text)}", lambda words, url: f"{_calm(words)}: {url}")


def _markdown(blocks: Iterable[tuple[Any, ...]]) -> str:
    return _joined(
        blocks,
        _escaped,
        lambda text: "`" + clean(text).replace("`", "'") + "`",
        lambda words, url: f"[{_escaped(words)}]({url})",
    )


def _joined(
    blocks: Iterable[tuple[Any, ...]],
    escaped: Callable[[str], str],
    code: Callable[[str], str],
    link: Callable[[str, str], str],
) -> str:
    parts = []
    before = ""
    for block in blocks:
        kind, text = block[0], block[1]
        if kind == "list":
            written = "\n".join(f"- {escaped(item)}" for item in text)
        elif kind == "code":
            written = code(text)
        elif kind == "link":
            written = link(text, block[2])
        else:
            written = escaped(text)
        # Lists that follow one another are one list.
        parts.append(("\n" if kind == before == "list" else "\n\n" if parts else "") + written)
        before = kind
    return "".join(parts)


def _html(blocks: Iterable[tuple[Any, ...]]) -> str:
    parts = []
    for block in blocks:
        kind, text = block[0], block[1]
        if kind == "list":
            parts.append("<ul>" + "".join(f"<li>{html.escape(clean(item))}</li>" for item in text) + "</ul>")
        elif kind == "code":
            parts.append(f"<pre>{html.escape(clean(text))}</pre>")
        elif kind == "link":
            parts.append(f'<p><a href="{html.escape(block[2])}">{html.escape(clean(text))}</a></p>')
        else:
            parts.append(f"<p>{html.escape(clean(text))}</p>")
    return "\n".join(parts)
