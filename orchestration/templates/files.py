"""The files of a clone: each made from the file of the template that holds the same, under the clone's names."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestration.templates.names import Names
from orchestration.templates.renaming import in_sql, in_yaml

STEPS = Path("models") / "reconciliations"
MARTS = Path("models") / "marts"


@dataclass(frozen=True)
class Source:
    """What a template is made of, as files of the project."""

    # Its folder: steps, left-overs, findings, declarations, unit tests.
    folder: tuple[Path, ...]
    # Marts of its own, and the declarations that describe them.
    marts: tuple[Path, ...]
    declarations: tuple[Path, ...]

    @property
    def models(self) -> list[str]:
        """The names of its models, marts included."""
        return [file.stem for file in (*self.folder, *self.marts) if file.suffix == ".sql"]


def source_of(project: Path, template: str, marts: Sequence[str]) -> Source:
    """What the template `template` is made of, whose own marts are `marts`."""
    of_marts = {file.stem: file for file in sorted((project / MARTS).rglob("*.sql"))}
    return Source(
        folder=tuple(file for file in sorted((project / STEPS / template).rglob("*")) if file.is_file()),
        marts=tuple(of_marts[mart] for mart in marts if mart in of_marts),
        declarations=tuple(sorted((project / MARTS).rglob("*.yml"))),
    )


def models_of_clone(project: Path, source: Source, names: Names) -> dict[Path, str]:
    """The text of each model and declaration of the clone, by its path in the project."""
    made = {}
    for file in source.folder:
        inner = file.relative_to(project / STEPS / names.template)
        text = file.read_text(encoding="utf-8")
        renamed = in_sql(text, names) if file.suffix == ".sql" else in_yaml(text, names)
        made[STEPS / names.stream / inner.with_name(_file_name(inner.name, names))] = renamed
    for file in source.marts:
        made[MARTS / names.stream / f"{names.of(file.stem)}.sql"] = in_sql(file.read_text(encoding="utf-8"), names)
    entries = _entries(source.declarations, [file.stem for file in source.marts])
    if entries:
        head = f"version: 2\n\n# The marts of the stream {names.stream} alone.\n\nmodels:\n"
        made[MARTS / names.stream / f"_{names.stream}__marts.yml"] = in_yaml(head + "\n".join(entries), names)
    return made


def seeds_of_clone(project: Path, names: Names) -> dict[Path, str]:
    """The text of each seed that says something of the template's stream, with the same said of the clone's behind
    it."""
    made = {}
    for file in sorted((project / "seeds").glob("*.csv")):
        text = file.read_text(encoding="utf-8")
        rows = list(csv.reader(io.StringIO(text)))
        if not rows or "stream" not in rows[0]:
            continue
        place = rows[0].index("stream")
        own = [row for row in rows[1:] if len(row) > place and row[place] == names.template]
        if own:
            buffer = io.StringIO()
            csv.writer(buffer, lineterminator="\n").writerows(
                [*row[:place], names.stream, *row[place + 1 :]] for row in own
            )
            made[file.relative_to(project)] = text + ("" if text.endswith("\n") else "\n") + buffer.getvalue()
    return made


def _file_name(name: str, names: Names) -> str:
    """A file's name under the clone's names: `_bookings.yml`, `bookings__by_id.sql`."""
    stem, dot, ending = name.partition(".")
    lead = stem[: len(stem) - len(stem.lstrip("_"))]
    return f"{lead}{names.of(stem.lstrip('_'))}{dot}{ending}"


def _entries(declarations: Sequence[Path], models: Sequence[str]) -> list[str]:
    """The text of what declarations say of models, in the order of the models."""
    found = {}
    for file in declarations:
        text = file.read_text(encoding="utf-8")
        root = yaml.compose(text)
        lines = text.splitlines(keepends=True)
        listed = next((value for key, value in root.value if key.value == "models"), None)
        for node in listed.value if listed is not None else ():
            name = next(value.value for key, value in node.value if key.value == "name")
            if name in models:
                first, last = node.start_mark.line, node.end_mark.line
                # Where a node ends the next one begins; what stands above that belongs to it.
                while last > first + 1 and not lines[last - 1].strip().strip("-").partition("#")[0]:
                    last -= 1
                found[name] = "".join(lines[first:last])
    return [found[name] for name in models if name in found]
