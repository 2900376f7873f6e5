"""Feed declarations: what `models/staging/<system>/_<system>__sources.yml` says of each feed, as typed values.

The only place in Python that knows the declarations' spelling. Adding a feed adds YAML, never code.
"""

import codecs
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from orchestration.landing.errors import FeedDeclarationError
from orchestration.landing.expected import Expected, read_expected
from orchestration.landing.feed_texts import (
    COLUMN_TEXT_KEYS,
    FEED_TEXT_KEYS,
    check_defaults,
    check_formats,
    check_texts,
)
from orchestration.landing.header import normalise
from orchestration.yaml_text import read_yaml

COLUMN_TYPES = ("id", "text", "currency", "amount", "time", "date", "integer", "decimal")
KINDS = ("records", "state")
ROLE_KEYS = ("id_column", "version_column", "counterparty_column", "event_column")
FEED_KEYS = (
    "kind",
    "time_zone",
    "decimal_mark",
    "grouping_mark",
    "delimiters",
    "encodings",
    "header_within",
    "ragged_ends",
    "readers",
    *ROLE_KEYS,
    *FEED_TEXT_KEYS,
    "expected",
    "overrides",
)
COLUMN_KEYS = ("type", "required", "aliases", "currency", "minimum", "maximum", *COLUMN_TEXT_KEYS)
NUMBER_TYPES = ("integer", "decimal", "amount")
OVERRIDE_KEYS = (
    "org_id",
    "counterparty_id",
    "time_zone",
    "decimal_mark",
    "grouping_mark",
    "formats",
    "aliases",
    "defaults",
    "values",
    "expected",
)
DEFAULT_DELIMITERS = (",", ";", "\t", "|")
DEFAULT_ENCODINGS = ("utf-8", "cp1252")
FARTHEST_HEADER = 100  # lines
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Column:
    """One declared column; its aliases are as written, not yet normalised."""

    name: str
    type: str = "text"
    required: bool = False
    aliases: tuple[str, ...] = ()
    currency: str | None = None
    minimum: int | float | None = None  # staging rejects a smaller value
    maximum: int | float | None = None  # and a larger one
    description: str = ""


@dataclass(frozen=True)
class Override:
    """What one org (or one counterparty of it) does differently; None where it does not."""

    org_id: str
    counterparty_id: str | None = None
    time_zone: str | None = None
    decimal_mark: str | None = None
    grouping_mark: str | None = None
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)  # of columns that the org's files do not have
    expected: Expected | None = None  # when the org delivers


@dataclass(frozen=True)
class Feed:
    """One feed of one system, as declared in `declared_in` (a path relative to the project)."""

    system: str
    name: str
    columns: tuple[Column, ...]
    declared_in: str
    kind: str = "records"
    time_zone: str = "UTC"
    decimal_mark: str = "."
    grouping_mark: str = ""
    delimiters: tuple[str, ...] = DEFAULT_DELIMITERS
    encodings: tuple[str, ...] = DEFAULT_ENCODINGS
    header_within: int = 1  # lines among which the header is; those before it are a preamble
    ragged_ends: bool = False  # a CSV line may stop before its last columns, or go on with empty fields
    readers: tuple[str, ...] = ()  # tried by content before CSV and JSON Lines
    id_column: str | None = None
    version_column: str | None = None
    counterparty_column: str | None = None
    event_column: str | None = None
    expected: Expected | None = None  # when a delivery is due; None: nobody waits for one
    overrides: tuple[Override, ...] = ()
    description: str = ""

    @property
    def key(self) -> str:
        """`system/feed`, the feed's name in texts."""
        return f"{self.system}/{self.name}"

    @property
    def relation(self) -> str:
        """`system__feed`, its table in the schema `landing`."""
        return f"{self.system}__{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def org_aliases(self, org_id: str) -> dict[str, tuple[str, ...]]:
        """The header aliases that this org's overrides add, by column."""
        found: dict[str, tuple[str, ...]] = {}
        for override in self.overrides:
            if override.org_id == org_id and override.counterparty_id is None:
                for column, aliases in override.aliases.items():
                    found[column] = (*found.get(column, ()), *aliases)
        return found

    def org_values(self, org_id: str) -> dict[str, str]:
        """What stands in columns that this org's files do not have, by column."""
        found: dict[str, str] = {}
        for override in self.overrides:
            if override.org_id == org_id and override.counterparty_id is None:
                found.update(override.values)
        return found

    def expected_of(self, org_id: str) -> Expected | None:
        """When this org's deliveries are due: as the last override of it says, else as the feed says."""
        own = [override.expected for override in self.overrides if override.org_id == org_id and override.expected]
        return own[-1] if own else self.expected

    def decimal_mark_of(self, org_id: str, counterparty_id: str | None) -> str:
        """The decimal mark of an org and counterparty, as staging takes it to be: the last override that applies."""
        mark = self.decimal_mark
        for override in self.overrides:
            if override.org_id == org_id and override.counterparty_id in (None, counterparty_id):
                mark = override.decimal_mark or mark
        return mark


def reader_names() -> tuple[str, ...]:
    """The readers that a declaration may name: the modules of `landing/readers` that are no helpers (their own names
    begin with `_`).
    """
    folder = Path(__file__).parent / "readers"
    return tuple(sorted(path.stem for path in folder.glob("*.py") if NAME.fullmatch(path.stem)))


def load_feeds(project_dir: Path | str) -> dict[str, Feed]:
    """Every feed of the project by its key `system/feed`, sorted.

    Raises `FeedDeclarationError` with all faults of all files at once, each with file, key, what is allowed and what
    was given.
    """
    project = Path(project_dir)
    feeds: dict[str, Feed] = {}
    faults: list[str] = []
    for path in sorted((project / "models" / "staging").glob("*/_*__sources.yml")):
        relative = path.relative_to(project).as_posix()
        try:
            document = read_yaml(path.read_text(encoding="utf-8")) or {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            faults.append(f"{relative}: not readable as YAML: {' '.join(str(error).split())}")
            continue
        if not isinstance(document, dict) or not isinstance(document.get("sources", []), list):
            faults.append(f"{relative}: `sources` must be a list")
            continue
        for source in document.get("sources", []):
            for feed in _feeds_of_source(source, relative, faults):
                if feed.key in feeds:
                    faults.append(f"{relative}: feed {feed.key} is declared already in {feeds[feed.key].declared_in}")
                feeds[feed.key] = feed
    if faults:
        raise FeedDeclarationError(faults)
    return dict(sorted(feeds.items()))


def _feeds_of_source(source: Any, file: str, faults: list[str]) -> list[Feed]:
    if not isinstance(source, dict) or not isinstance(source.get("tables", []), list):
        faults.append(f"{file}: every source must be a mapping with a list of `tables`")
        return []
    system = str(source.get("name", ""))
    feeds = []
    for table in source.get("tables", []):
        if not isinstance(table, dict):
            faults.append(f"{file}: {system}: every table must be a mapping, given {table!r}")
            continue
        meta = _meta(table)
        if "feed" in meta:
            feeds.append(_Reader(file, system, table, faults).feed(meta["feed"]))
    return feeds


def _meta(node: Mapping[str, Any]) -> dict[str, Any]:
    """`config.meta` of a table or column, `{}` when absent."""
    config = node.get("config")
    meta = config.get("meta") if isinstance(config, dict) else None
    return meta if isinstance(meta, dict) else {}


class _Reader:
    """Reads one feed and notes every fault; what is faulty gets its default so that reading can go on."""

    def __init__(self, file: str, system: str, table: Mapping[str, Any], faults: list[str]) -> None:
        self.system, self.table, self.faults, self.file = system, table, faults, file
        self.name = str(table.get("name", ""))
        self.where = f"{file}: {system}/{self.name}"

    def fault(self, key: str, allowed: str, given: Any) -> None:
        self.faults.append(f"{self.where}: {key}: allowed is {allowed}, given {given!r}")

    def feed(self, meta: Any) -> Feed:
        if not isinstance(meta, dict):
            self.fault("config.meta.feed", "a mapping", meta)
            meta = {}
        for part, name in (("name of the source", self.system), ("name of the table", self.name)):
            if not NAME.fullmatch(name):
                self.fault(part, "lower-case letters, digits and single underscores, a letter first", name)
        relation = f"{self.system}__{self.name}"
        if self.table.get("identifier") != relation:
            self.fault("identifier", relation, self.table.get("identifier"))
        self.unknown_keys("config.meta.feed", meta, FEED_KEYS)
        columns = self.columns()
        check_texts(meta, self.nodes(), self.fault)
        names = {column.name for column in columns}
        roles = {}
        for role in ROLE_KEYS:
            if meta.get(role) is not None and meta[role] not in names:
                self.fault(f"feed.{role}", f"a declared column ({', '.join(sorted(names))})", meta[role])
            roles[role] = meta.get(role)
        return Feed(
            system=self.system,
            name=self.name,
            columns=columns,
            declared_in=self.file,
            kind=self.choice("feed.kind", meta.get("kind", "records"), KINDS),
            time_zone=self.zone("feed.time_zone", meta.get("time_zone", "UTC")),
            decimal_mark=self.decimal_mark("feed.decimal_mark", meta.get("decimal_mark", ".")),
            grouping_mark=self.grouping_mark("feed.grouping_mark", meta.get("grouping_mark", "")),
            delimiters=self.delimiters(meta.get("delimiters", list(DEFAULT_DELIMITERS))),
            encodings=self.encodings(meta.get("encodings", list(DEFAULT_ENCODINGS))),
            header_within=self.header_within(meta.get("header_within", 1), columns),
            ragged_ends=self.flag("feed.ragged_ends", meta.get("ragged_ends", False)),
            readers=self.readers(meta.get("readers", [])),
            expected=read_expected("feed.expected", meta.get("expected"), self.fault),
            overrides=self.overrides(meta.get("overrides", []), names),
            description=str(self.table.get("description", "")),
            **roles,
        )

    def unknown_keys(self, where: str, given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
        for key in given:
            if key not in allowed:
                self.fault(where, f"one of the keys {', '.join(allowed)}", key)

    def nodes(self) -> dict[str, dict[str, Any]]:
        """What the YAML says of each column: name to `config.meta`."""
        given = self.table.get("columns") or []
        return (
            {str(n.get("name", "")): _meta(n) for n in given if isinstance(n, dict)} if isinstance(given, list) else {}
        )

    def columns(self) -> tuple[Column, ...]:
        given = self.table.get("columns") or []
        if not isinstance(given, list) or not given:
            self.fault("columns", "a list of at least one column", given)
            return ()
        columns = [self.column(node) for node in given if isinstance(node, dict)]
        owner: dict[str, str] = {}
        for column in columns:
            if column.name in owner:
                self.fault(f"columns.{column.name}", "a name once", column.name)
            owner[column.name] = column.name
        currencies = {column.name for column in columns if column.type == "currency"}
        for column in columns:
            for alias in column.aliases:
                other = owner.setdefault(normalise(alias), column.name)
                if other != column.name:
                    self.fault(f"columns.{column.name}.aliases", f"a header that column {other} does not claim", alias)
            if column.type == "amount" and column.currency not in currencies:
                allowed = f"a declared column of type currency ({', '.join(sorted(currencies)) or 'there is none'})"
                self.fault(f"columns.{column.name}.currency", allowed, column.currency)
            if column.type != "amount" and column.currency is not None:
                self.fault(f"columns.{column.name}.currency", "only on a column of type amount", column.currency)
        return tuple(columns)

    def column(self, node: Mapping[str, Any]) -> Column:
        name, meta = str(node.get("name", "")), _meta(node)
        where = f"columns.{name}"
        if not NAME.fullmatch(name):
            self.fault("name of a column", "lower-case letters, digits and single underscores, a letter first", name)
        self.unknown_keys(f"{where}.config.meta", meta, COLUMN_KEYS)
        required = self.flag(f"{where}.required", meta.get("required", False))
        minimum = self.limit(f"{where}.minimum", meta.get("minimum"), meta.get("type"))
        maximum = self.limit(f"{where}.maximum", meta.get("maximum"), meta.get("type"))
        if minimum is not None and maximum is not None and minimum > maximum:
            self.fault(f"{where}.maximum", f"no less than the minimum of {minimum}", maximum)
        return Column(
            name=name,
            type=self.choice(f"{where}.type", meta.get("type"), COLUMN_TYPES),
            # What is put together from other columns or has a default is required of the record, not of the header.
            required=required and not meta.get("parts") and meta.get("default") is None,
            aliases=self.texts(f"{where}.aliases", meta.get("aliases", [])),
            currency=meta.get("currency"),
            minimum=minimum,
            maximum=maximum,
            description=str(node.get("description", "")),
        )

    def flag(self, where: str, given: Any) -> bool:
        if not isinstance(given, bool):
            self.fault(where, "true or false", given)
        return given is True

    def header_within(self, given: Any, columns: tuple[Column, ...]) -> int:
        """The header is known by its required columns, so there must be some where it can be on any line but the
        first.
        """
        if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= FARTHEST_HEADER:
            self.fault("feed.header_within", f"a number of lines from 1 to {FARTHEST_HEADER}", given)
            return 1
        if given > 1 and not any(column.required for column in columns):
            self.fault("feed.header_within", "1 where no column is required (nothing else tells the header)", given)
        return given

    def limit(self, where: str, given: Any, column_type: Any) -> int | float | None:
        if given is None:
            return None
        if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
            self.fault(where, "a number", given)
            return None
        if column_type not in NUMBER_TYPES:
            self.fault(where, f"only on a column of type {', '.join(NUMBER_TYPES)}", given)
        return given

    def overrides(self, given: Any, names: set[str]) -> tuple[Override, ...]:
        if not isinstance(given, list):
            self.fault("feed.overrides", "a list", given)
            return ()
        return tuple(self.override(f"feed.overrides[{i}]", node, names) for i, node in enumerate(given))

    def override(self, where: str, node: Any, names: set[str]) -> Override:
        if not isinstance(node, dict):
            self.fault(where, "a mapping", node)
            return Override(org_id="")
        self.unknown_keys(where, node, OVERRIDE_KEYS)
        check_formats(f"{where}.formats", node.get("formats"), self.fault)
        if not isinstance(node.get("org_id"), str) or not node["org_id"]:
            self.fault(f"{where}.org_id", "the org's id as text", node.get("org_id"))
        counterparty = node.get("counterparty_id")
        if counterparty is not None and not isinstance(counterparty, str):
            self.fault(f"{where}.counterparty_id", "an id as text", counterparty)
        aliases = node.get("aliases", {})
        if not isinstance(aliases, dict):
            self.fault(f"{where}.aliases", "a mapping of a declared column to a list of headers", aliases)
            aliases = {}
        if aliases and counterparty is not None:
            self.fault(f"{where}.aliases", "no counterparty_id beside it (a file has one header)", counterparty)
        check_defaults(f"{where}.defaults", node.get("defaults", {}), names, self.fault)
        expected = read_expected(f"{where}.expected", node.get("expected"), self.fault)
        if expected and counterparty is not None:
            self.fault(f"{where}.expected", "no counterparty_id beside it (a file is an org's)", counterparty)
        values = self.values(f"{where}.values", node.get("values", {}), names)
        if values and counterparty is not None:
            self.fault(
                f"{where}.values", "no counterparty_id beside it (a column is there for a whole file)", counterparty
            )
        for column in aliases:
            if column not in names:
                self.fault(f"{where}.aliases", f"a declared column ({', '.join(sorted(names))})", column)
        return Override(
            org_id=str(node.get("org_id", "")),
            counterparty_id=counterparty,
            time_zone=self.zone(f"{where}.time_zone", node["time_zone"]) if "time_zone" in node else None,
            decimal_mark=self.decimal_mark(f"{where}.decimal_mark", node["decimal_mark"])
            if "decimal_mark" in node
            else None,
            grouping_mark=(
                self.grouping_mark(f"{where}.grouping_mark", node["grouping_mark"]) if "grouping_mark" in node else None
            ),
            aliases={str(name): self.texts(f"{where}.aliases.{name}", texts) for name, texts in aliases.items()},
            values=values,
            expected=expected,
        )

    def values(self, where: str, given: Any, names: set[str]) -> dict[str, str]:
        if not isinstance(given, dict) or not all(isinstance(text, str) and text for text in given.values()):
            self.fault(where, "a mapping of a declared column to a text", given)
            return {}
        for column in given:
            if column not in names:
                self.fault(where, f"a declared column ({', '.join(sorted(names))})", column)
        return {str(name): text for name, text in given.items()}

    def choice(self, where: str, given: Any, allowed: tuple[str, ...]) -> str:
        if given not in allowed:
            self.fault(where, f"one of {', '.join(allowed)}", given)
            return allowed[0]
        return str(given)

    def texts(self, where: str, given: Any) -> tuple[str, ...]:
        if not isinstance(given, list) or not all(isinstance(text, str) and text.strip() for text in given):
            self.fault(where, "a list of texts", given)
            return ()
        return tuple(given)

    def zone(self, where: str, given: Any) -> str:
        try:
            ZoneInfo(str(given))
        except (KeyError, ValueError, OSError):
            self.fault(where, "a time zone of the IANA list, such as Europe/Berlin", given)
            return "UTC"
        return str(given)

    def decimal_mark(self, where: str, given: Any) -> str:
        if not isinstance(given, str) or len(given) != 1 or given.isdigit() or given in "+- ":
            self.fault(where, "one character, such as . or ,", given)
            return "."
        return given

    def grouping_mark(self, where: str, given: Any) -> str:
        if not isinstance(given, str) or len(given) > 1 or given.isdigit() or given in ("+", "-"):
            self.fault(where, 'one character, or "" for none', given)
            return ""
        return given

    def delimiters(self, given: Any) -> tuple[str, ...]:
        fine = isinstance(given, list) and given and all(isinstance(d, str) and len(d) == 1 for d in given)
        if not fine or any(d in '"\r\n\0 ' or not d.isascii() or d.isalnum() for d in given):
            self.fault("feed.delimiters", "a list of single ASCII characters, no quote, blank, letter or digit", given)
            return DEFAULT_DELIMITERS
        return tuple(given)

    def encodings(self, given: Any) -> tuple[str, ...]:
        if not isinstance(given, list) or not given:
            self.fault("feed.encodings", "a list of encodings, such as [utf-8, cp1252]", given)
            return DEFAULT_ENCODINGS
        for name in given:
            try:
                known = codecs.lookup(str(name))
                text = known._is_text_encoding  # base64 and the like are codecs, but not of text
            except LookupError:
                text = False
            if not text:
                self.fault("feed.encodings", "encodings that Python knows, such as utf-8, cp1252, latin-1", name)
                return DEFAULT_ENCODINGS
        return tuple(str(name) for name in given)

    def readers(self, given: Any) -> tuple[str, ...]:
        known = reader_names()
        if not isinstance(given, list) or any(name not in known for name in given):
            self.fault("feed.readers", f"a list of {', '.join(known)}", given)
            return ()
        return tuple(given)
