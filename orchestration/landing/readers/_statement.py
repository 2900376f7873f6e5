"""What all bank readers have in common: rows of the feed `bank/statement`, and which physical lines they claim."""

from collections.abc import Mapping

from orchestration.landing.feeds import Feed
from orchestration.landing.readers._sink import Sink
from orchestration.landing.reading import Reading, Target
from orchestration.landing.text import PlainText

AMOUNTS = ("amount", "counted_amount")
LONGEST_TEXT = 1 << 16  # characters of one text; a remittance text has a few hundred


class Statements:
    """A sink that knows the statement that its rows belong to, and writes amounts with the decimal mark that the feed
    promises for the org and account.
    """

    def __init__(self, form: str, plain: PlainText, feed: Feed, target: Target) -> None:
        self._sink = Sink(form, plain, feed, target)
        self._feed, self._org = feed, target.org_id
        self._common: dict[str, str | None] = {}
        self._mark = "."
        self._claimed = 0  # the last physical line that a row has claimed
        self.index = 0
        self.entries = 0
        self.blank, self.header = self._sink.blank, self._sink.header

    def __enter__(self) -> "Statements":
        self._sink.__enter__()
        return self

    def __exit__(self, *fault: object) -> None:
        self._sink.__exit__(*fault)  # type: ignore[arg-type]

    @property
    def reading(self) -> Reading:
        return self._sink.reading

    def rest_is_structure(self, physical_lines: int) -> None:
        """Counts every line that no row claims and that is not blank as structure."""
        sink = self._sink
        rest = physical_lines - sink.record_lines - sink.reject_lines - sink.blank_lines - sink.header_lines
        assert rest >= 0, f"{-rest} lines are claimed twice"
        sink.header(rest)

    def begin(self, **common: str | None) -> None:
        """A further statement; `common` are the columns that all its rows share."""
        self.index += 1
        self.entries = 0
        self._common = {**common, "statement_index": str(self.index)}
        self._mark = self._feed.decimal_mark_of(self._org, common.get("account"))

    def row(self, record_type: str, values: Mapping[str, str | None], lines: int = 1) -> None:
        """A row of the statement."""
        row = {**self._common, **values, "record_type": record_type}
        if record_type == "entry":
            self.entries += 1
            row["entry_index"] = str(self.entries)
        if self._mark != ".":
            for name in AMOUNTS:
                text = row.get(name)
                row[name] = text.replace(".", self._mark) if text else text
        self._sink.record(row, lines)

    def reject(self, line: int, span: int, reason: str, raw: str, lines: int | None = None) -> None:
        """What cannot be read."""
        self._sink.reject(line, span, reason, raw, lines)

    def claim(self, first: int, last: int) -> int:
        """How many of these lines no row has claimed yet; for formats in which rows may share a line."""
        fresh = max(0, last - max(first, self._claimed + 1) + 1)
        self._claimed = max(self._claimed, last)
        return fresh


def nothing(text: str | None) -> str | None:
    """A reference, None where the bank says that there is none."""
    bare = (text or "").strip()
    return None if bare.upper() in ("", "NONREF", "NOTPROVIDED", "NOTAVAILABLE", "NOREF") else bare
