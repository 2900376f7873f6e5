"""The clone's own page: the template's, under the clone's names, without what is said of cloning."""

import re
from collections.abc import Sequence
from pathlib import Path

from orchestration.templates.declared import Template
from orchestration.templates.names import Names
from orchestration.templates.renaming import in_markdown

# A section of the template's page that a clone has no use for.
OF_TEMPLATES = "### A clone of your own"


def page_of_clone(project: Path, template: Template, names: Names, orgs: Sequence[str]) -> str:
    """The text of `docs/streams/<stream>.md`. Without a page of the template it is the beginning alone."""
    beginning = _beginning(template, names, orgs)
    file = project / template.page
    if not file.is_file():
        return beginning
    text = file.read_text(encoding="utf-8")
    sections = text[text.index("\n## ") :] if "\n## " in text else ""
    sections = re.sub(rf"\n{OF_TEMPLATES}\n.*?(?=\n##+ |\Z)", "", sections, flags=re.S)
    # What the template's page links beside itself lies in another folder from here.
    sections = re.sub(r"\]\((?=[a-zA-Z_]+\.md)", "](../templates/", sections)
    return beginning + _of_org(in_markdown(sections, names), orgs)


def _of_org(text: str, orgs: Sequence[str]) -> str:
    """The commands of a page for an org that the clone serves."""
    plain = [org for org in orgs if re.fullmatch(r"[A-Za-z0-9_-]+", org)]
    return text.replace("inbox/acme", f"inbox/{plain[0]}") if plain else text


def _beginning(template: Template, names: Names, orgs: Sequence[str]) -> str:
    """What the clone is, which org it serves, and where its parts are."""
    serves = f"It serves {_listed(orgs)} and no other org" if orgs else "It serves every org whose feeds arrive"
    own = [
        ("sides, checks, steps, orgs, thresholds", f"`vars.streams.{names.stream}` of `dbt_project.yml`"),
        ("steps, left-overs, findings and their descriptions", f"`models/reconciliations/{names.stream}/`"),
        ("marts of its own, where it has any", f"`models/marts/{names.stream}/`"),
    ]
    called = [(f"`{old}`", f"`{new}`") for old, new in names.new.items()]
    shared = "Staging and the canonical schema are shared with the template; what is below is its own, to be changed."
    govern = f"Policies and rules that name `{template.name}` do not govern it"
    lines = [f"# {names.stream}: {template.title}", ""]
    lines += [f"A clone of the template [{template.name}](../templates/{template.name}.md). {template.question}", ""]
    lines += [f"{serves} (`orgs` in `dbt_project.yml`). {shared}", "", *_table(("what", "where"), own), ""]
    lines += [*_table(("in the template", "here"), called), ""]
    lines += [f"{govern}: deliver them with `{names.stream}` in the column `stream`.", ""]
    return "\n".join(lines)


def _table(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"| {left} | {right} |" for left, right in (head, ("---", "---"), *rows)]


def _listed(orgs: Sequence[str]) -> str:
    return ", ".join(f"`{org}`" for org in orgs)
