"""The dbt project that a run works with: where it lies and what it declares."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import UsageError
from orchestration.yaml_text import read_yaml

PROJECT_DIR_VARIABLE = "TIEOUT_PROJECT_DIR"
SETTINGS = "dbt_project.yml"


@dataclass(frozen=True)
class Stream:
    """A stream as `dbt_project.yml` declares it."""

    name: str
    ladders: dict[str, Any]
    # Marts of its own, beside those of all streams.
    marts: tuple[str, ...] = ()

    @property
    def systems(self) -> tuple[str, str] | None:
        """Source and target system, where one ladder makes them plain."""
        if len(self.ladders) != 1:
            return None
        (ladder,) = self.ladders.values()
        return tuple(str(ladder.get(side, side)).split("/")[0] for side in ("source", "target"))


def project_dir() -> Path:
    """The folder of `dbt_project.yml`: `TIEOUT_PROJECT_DIR`, else the repository that holds this package.

    Raises:
        UsageError: there is no `dbt_project.yml`.
    """
    given = os.environ.get(PROJECT_DIR_VARIABLE)
    folder = Path(given).expanduser().resolve() if given else Path(__file__).resolve().parents[1]
    if not (folder / SETTINGS).is_file():
        hint = f"{PROJECT_DIR_VARIABLE} says so" if given else f"set {PROJECT_DIR_VARIABLE} to the folder that has one"
        raise UsageError(f"There is no dbt_project.yml in {folder} ({hint}).")
    return folder


def read_settings(folder: Path) -> dict[str, Any]:
    """What `dbt_project.yml` says.

    Raises:
        UsageError: it is no YAML, or no mapping.
    """
    file = folder / SETTINGS
    try:
        settings = read_yaml(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not readable YAML: {error}") from error
    if not isinstance(settings, dict):
        raise UsageError(f"{file} must be a mapping.")
    return settings


def load_streams(folder: Path) -> dict[str, Stream]:
    """The declared streams by name, in the order of their declaration.

    Raises:
        UsageError: `dbt_project.yml` cannot be read or does not declare `vars: streams:` as a mapping of
            streams to their ladders.
    """
    file = folder / SETTINGS
    variables = read_settings(folder).get("vars") or {}
    declared = variables.get("streams") or {} if isinstance(variables, dict) else variables
    if not isinstance(declared, dict):
        raise UsageError(f"{file}: `vars: streams:` must map a stream's name to its ladders.")
    streams = {}
    for name, body in declared.items():
        ladders = body.get("ladders") if isinstance(body, dict) else None
        if not isinstance(ladders, dict) or not all(isinstance(ladder, dict) for ladder in ladders.values()):
            raise UsageError(
                f"{file}: stream {name!r} must have `ladders:`, each with its source, target, checks and steps;"
                f" given is {body!r}."
            )
        marts = body.get("marts") or []
        if not isinstance(marts, list) or not all(isinstance(mart, str) for mart in marts):
            raise UsageError(f"{file}: stream {name!r}: `marts:` must be a list of models; given is {marts!r}.")
        streams[name] = Stream(name, ladders, tuple(marts))
    return streams


def check_stream(folder: Path, name: str) -> Stream:
    """The stream of that name.

    Raises:
        UsageError: no such stream; the message lists those there are.
    """
    streams = load_streams(folder)
    if name not in streams:
        raise UsageError(f"There is no stream {name!r}. Streams: {', '.join(streams) or 'none'}.")
    return streams[name]


def shares_records(folder: Path, name: str) -> bool:
    """Whether another stream judges records that a stream judges too: built alone, one of the two would be behind the
    records, and its books would not close."""
    feeds = feeds_of_streams(folder)
    own = feeds.pop(name)
    return any(own & others for others in feeds.values())


def feeds_of_streams(folder: Path) -> dict[str, set[str]]:
    """The feeds (`system/feed`) whose records each stream judges."""
    settings = read_settings(folder)
    entities = (settings.get("vars") or {}).get("entities") or {}

    def feeds(stream: Stream) -> set[str]:
        sides = {str(ladder.get(side)) for ladder in stream.ladders.values() for side in ("source", "target")}
        return {feed for side in sides for feed in (entities.get(side) or {}).get("feeds", [side])}

    return {name: feeds(stream) for name, stream in load_streams(folder).items()}
