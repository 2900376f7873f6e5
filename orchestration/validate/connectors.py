"""The declarations of connectors, as fetching judges them, with the lines of what it refuses; and the secrets that the
environment does not hold."""

import re
from collections.abc import Collection, Iterator

from orchestration.landing.connectors.declaration import World, declared_files, read_connectors
from orchestration.validate.faults import WARNING, Fault
from orchestration.validate.loaded import Project
from orchestration.validate.marked import read

OF_KEY = re.compile(r"(?P<file>[^:]+): (?P<key>[\w.\[\]]+): (?P<said>.*)", re.DOTALL)


def check(project: Project, feeds: Collection[str] | None) -> Iterator[Fault]:
    """All that is wrong with `connectors/*.yml`; with `feeds` unknown (their declarations have faults) these are not
    held against them."""
    files = declared_files(project.folder)
    connectors, faults = read_connectors(World(project.folder, feeds), files)
    for text in faults:
        yield _located(project, text)
    for path in files:
        if path.suffix == ".yml":
            # What is no YAML is told above; here it is about keys that hide one another.
            _, found = read(project.folder, path.relative_to(project.folder).as_posix())
            yield from (fault for fault in found if fault.code == "yaml-key-twice")
    for connector in connectors.values():
        for secret in connector.secrets:
            if not secret.is_set:
                message = (
                    f"connector '{connector.name}': the environment variable {secret.variable} is not set here. Where"
                    " tieout runs without it the connector brings nothing."
                )
                yield Fault("connector-secret", message, connector.declared_in, severity=WARNING)


def _located(project: Project, text: str) -> Fault:
    file, _, rest = text.partition(": ")
    found = OF_KEY.match(text)
    if not found:
        return Fault("connector", f"{rest}. Nothing runs until it is mended.", file)
    document, _ = read(project.folder, file)
    line = 1
    if document.node is not None:
        path = [int(part) if part.isdigit() else part for part in re.findall(r"[A-Za-z_]\w*|\d+", found["key"])]
        line = document.line(*path)
    return Fault("connector", f"{rest}. Nothing runs until it is mended.", file, line)
