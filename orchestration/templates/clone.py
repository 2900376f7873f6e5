"""Cloning a template into a stream of one's own: everything is made and checked first, then written at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import UsageError
from orchestration.project import load_streams
from orchestration.templates import registry
from orchestration.templates.declared import Template, load_templates, unknown
from orchestration.templates.files import models_of_clone, seeds_of_clone, source_of
from orchestration.templates.names import Names, length_faults, name_faults, names_of_clone, taken_faults
from orchestration.templates.page import page_of_clone
from orchestration.templates.writing import write_all

REGISTRY = Path(registry.FILE)


@dataclass(frozen=True)
class Clone:
    """What a clone came to."""

    stream: str
    template: str
    orgs: tuple[str, ...]
    # What the template calls its ladders and marts, and what the clone does.
    ladders: Mapping[str, str]
    marts: Mapping[str, str]
    written: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def page(self) -> str:
        return f"docs/streams/{self.stream}.md"

    @property
    def next_steps(self) -> list[str]:
        """What to do now."""
        own = f"Policies and rules that name {self.template} do not govern {self.stream}: deliver them under its name."
        twice = (
            f"{self.template} goes on judging the same records. Name its orgs (`orgs` in {registry.FILE}), or take it"
            " out, where one answer is enough."
        )
        page = f"{self.page} says how to change a tolerance, add a step and work what it finds."
        return [f"tieout validate --stream {self.stream}", "tieout run", own, twice, page]

    def to_json(self) -> dict[str, Any]:
        """The clone as JSON takes it."""
        return {
            "stream": self.stream,
            "template": self.template,
            "orgs": list(self.orgs),
            "ladders": dict(self.ladders),
            "marts": dict(self.marts),
            "page": self.page,
            "written": list(self.written),
            "changed": list(self.changed),
            "next": self.next_steps,
        }


def clone(project: Path, stream: str, template: str, orgs: Sequence[str] = ()) -> Clone:
    """Clone a template into the stream `stream` of the project, which serves `orgs`, or all where none are named.

    Raises:
        UsageError: it cannot be done; the message lists every fault, and nothing has been written.
    """
    templates = load_templates(project)
    faults = [*name_faults(stream), *_org_faults(orgs)]
    if template not in templates:
        raise _refused(stream, [*faults, unknown(template, templates)])
    text = _read(project / REGISTRY)
    streams = yaml.safe_load(text)["vars"]["streams"]
    body = streams[template]
    source = source_of(project, template, load_streams(project)[template].marts)
    names = names_of_clone(template, body, source.models, stream)
    if not name_faults(stream):
        faults += [*length_faults(names, source.models), *taken_faults(project, streams, names, source.models)]
    if faults:
        raise _refused(stream, faults)
    return _write(project, templates[template], names, text, tuple(orgs))


def _write(project: Path, template: Template, names: Names, text: str, orgs: tuple[str, ...]) -> Clone:
    """Make the files of a clone of which nothing is in the way, and write them."""
    body = yaml.safe_load(text)["vars"]["streams"][template.name]
    marts = tuple(body.get("marts") or ())
    source = source_of(project, template.name, marts)
    new = models_of_clone(project, source, names)
    new[Path("docs") / "streams" / f"{names.stream}.md"] = page_of_clone(project, template, names, orgs)
    changed = {path: (_read(project / path), after) for path, after in seeds_of_clone(project, names).items()}
    # The registry last: until it names the stream nothing asks for its models.
    changed[REGISTRY] = (text, registry.with_clone(text, names, orgs, template.policy))
    write_all(project, new, changed)
    return Clone(
        stream=names.stream,
        template=template.name,
        orgs=orgs,
        ladders={ladder: names.of(ladder) for ladder in body["ladders"]},
        marts={mart: names.of(mart) for mart in marts},
        written=tuple(sorted(path.as_posix() for path in new)),
        changed=tuple(sorted(path.as_posix() for path in changed)),
    )


def _org_faults(orgs: Sequence[str]) -> list[str]:
    """What is wrong with the orgs: each is the name of a folder of the inbox."""
    faults = [
        f"{org!r} is no org: give the name of its folder in the inbox, without blanks around it, '/' or a dot in front"
        for org in orgs
        if org != org.strip() or not org.isprintable() or not org or "/" in org or org.startswith(".")
    ]
    return faults + [f"the org {org!r} is named twice" for org in sorted({org for org in orgs if orgs.count(org) > 1})]


def _refused(stream: str, faults: list[str]) -> UsageError:
    listed = "\n".join(f"  - {fault}" for fault in faults)
    return UsageError(f"The stream {stream!r} cannot be made, and nothing has been written:\n{listed}")


def _read(file: Path) -> str:
    return file.read_bytes().decode("utf-8")
