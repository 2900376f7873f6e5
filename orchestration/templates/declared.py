"""What `templates/<stream>.yml` says of a shipped stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import UsageError
from orchestration.project import load_streams

FOLDER = "templates"
KEYS = ("title", "question", "feeds", "policy")

Value = str | int | float


@dataclass(frozen=True)
class Template:
    """A shipped stream that can be cloned."""

    name: str
    title: str
    question: str
    # Without these the stream has nothing to compare.
    required_feeds: tuple[str, ...]
    optional_feeds: tuple[str, ...]
    # Thresholds and severities of a clone, as the keys of a policy.
    policy: Mapping[str, Value]

    @property
    def page(self) -> str:
        """Its page: specification, mappings, policies, onboarding and runbook."""
        return f"docs/templates/{self.name}.md"

    def listed(self) -> dict[str, Any]:
        """All that is said of the template, for tools."""
        return {
            "template": self.name,
            "title": self.title,
            "question": self.question,
            "required_feeds": list(self.required_feeds),
            "optional_feeds": list(self.optional_feeds),
            "policy": dict(self.policy),
            "page": self.page,
        }

    def shown(self) -> dict[str, str]:
        """The template as a row that people read."""
        can_use = f" and {len(self.optional_feeds)} more" if self.optional_feeds else ""
        return {"template": self.name, "title": self.title, "feeds": ", ".join(self.required_feeds) + can_use}


def load_templates(project: Path) -> dict[str, Template]:
    """The templates of a project by name: those whose stream is there.

    Raises:
        UsageError: a file cannot be read or is no template; the message lists every fault.
    """
    streams = load_streams(project)
    faults: list[str] = []
    found = {}
    for file in sorted((project / FOLDER).glob("*.yml")):
        template = _read(file, faults)
        if template is not None and template.name in streams:
            found[template.name] = template
    if faults:
        raise UsageError("Templates that cannot be used:\n" + "\n".join(f"  - {fault}" for fault in faults))
    return {name: found[name] for name in streams if name in found}


def load_template(project: Path, name: str) -> Template:
    """The template of that name.

    Raises:
        UsageError: no such template; the message lists those there are.
    """
    templates = load_templates(project)
    if name not in templates:
        raise UsageError(unknown(name, templates))
    return templates[name]


def unknown(name: str, templates: Mapping[str, Template]) -> str:
    """What is said of a template that is none."""
    return f"There is no template {name!r}. Templates: {', '.join(templates) or 'none'}."


def _read(file: Path, faults: list[str]) -> Template | None:
    """One file, or None and what is wrong with it."""
    where = f"{FOLDER}/{file.name}"
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        faults.append(f"{where} is not readable YAML: {error}")
        return None
    if not isinstance(said, dict) or set(said) != set(KEYS):
        given = ", ".join(map(str, said)) if isinstance(said, dict) else repr(said)
        faults.append(f"{where}: give the keys {', '.join(KEYS)} and no others; given is {given}")
        return None
    feeds = said["feeds"]
    before = len(faults)
    for key in ("title", "question"):
        if not isinstance(said[key], str):
            faults.append(f"{where}: {key} must be a text; given is {said[key]!r}")
    if not isinstance(feeds, dict) or set(feeds) != {"required", "optional"} or not all(map(_is_texts, feeds.values())):
        faults.append(f"{where}: feeds must be two lists of '<system>/<feed>', required and optional; given is {feeds}")
    if not isinstance(said["policy"], dict):
        faults.append(f"{where}: policy must map keys of a policy to values; given is {said['policy']!r}")
    if len(faults) > before:
        return None
    return Template(
        name=file.stem,
        title=said["title"],
        question=said["question"],
        required_feeds=tuple(feeds["required"]),
        optional_feeds=tuple(feeds["optional"]),
        policy=said["policy"],
    )


def _is_texts(given: Any) -> bool:
    return isinstance(given, list) and all(isinstance(each, str) for each in given)
