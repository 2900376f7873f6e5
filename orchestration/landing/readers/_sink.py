"""Where a reader's records and rejects go: two Parquet files, written batch by batch, and the account of the lines."""

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.landing.feeds import Feed
from orchestration.landing.reading import Reading, Target
from orchestration.landing.text import PlainText

ROWS = 8192  # rows kept as Python objects before they become an Arrow batch
GROUP = 12  # Arrow batches of one row group
OPTIONS: dict[str, Any] = {"compression": "lz4", "version": "2.6"}

REJECTS = {
    "_row_number": pa.int64(),
    "_line_number": pa.int64(),
    "_line_span": pa.int64(),
    "_reason": pa.string(),
    "_raw": pa.string(),
}


class Sink:
    """Takes a file's records and rejects in the order of the file; use it as a context manager, then take its
    `reading`.
    """

    def __init__(self, form: str, plain: PlainText, feed: Feed, target: Target) -> None:
        self._form, self._plain, self._columns = form, plain, feed.column_names
        fields = {name: pa.string() for name in feed.column_names}
        self._records = _Table(target.records, {**fields, "_row_number": pa.int64()}, target)
        self._rejects = _Table(target.rejects, REJECTS, target)
        self.header_lines = self.blank_lines = self.reject_lines = self.record_lines = 0

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._records.close()
        self._rejects.close()

    @property
    def records(self) -> int:
        """Records so far."""
        return self._records.rows

    @property
    def rejects(self) -> int:
        """Rejects so far."""
        return self._rejects.rows

    def record(self, values: Mapping[str, str | None], lines: int = 1) -> None:
        """A record, by declared column (what is left out is None), and how many physical lines it claims."""
        self.record_lines += lines
        self._records.add({**values, "_row_number": self._records.rows + self._rejects.rows + 1})

    def reject(self, line_number: int, line_span: int, reason: str, raw: str, lines: int | None = None) -> None:
        """A record that cannot be read: its first physical line, how many it covers, why, and its text. `lines` where
        it claims fewer than it covers, because another record shares them.
        """
        self.reject_lines += line_span if lines is None else lines
        values = (self.records + self.rejects + 1, line_number, line_span, reason, raw)
        self._rejects.add(dict(zip(REJECTS, values, strict=True)))

    def header(self, lines: int = 1) -> None:
        """Lines of structure, which become no record."""
        self.header_lines += lines

    def blank(self, lines: int = 1) -> None:
        """Blank lines."""
        self.blank_lines += lines

    @property
    def reading(self) -> Reading:
        """What was read, once the sink is closed."""
        return Reading(
            format=self._form,
            columns=self._columns,
            records=self.records,
            rejects=self.rejects,
            encoding=self._plain.encoding,
            header_lines=self.header_lines,
            physical_lines=self._plain.counts.lines,
            # Negative where several records stand on one line: records and these together are the records' lines.
            record_line_breaks=self.record_lines - self.records,
            reject_lines=self.reject_lines,
            blank_lines=self.blank_lines,
        )


class _Table:
    """One Parquet file: rows come one by one, a few thousand are held, the target's constants are added."""

    def __init__(self, path: Any, fields: Mapping[str, pa.DataType], target: Target) -> None:
        self._fields = dict(fields)
        word = pa.dictionary(pa.int32(), pa.string())
        constants: dict[str, tuple[pa.DataType, Any]] = {
            "_org_id": (word, target.org_id),
            "_feed": (word, target.feed),
            "_batch_id": (word, target.batch_id),
            "_source_file": (word, target.source_file),
            "_received_at": (pa.timestamp("us"), datetime.fromisoformat(target.received_at)),
        }
        self._absent = dict.fromkeys(self._fields)
        self._in_order = itemgetter(*self._fields)
        self._constants = [(kind, value) for kind, value in constants.values()]
        kinds = {**self._fields, **{name: kind for name, (kind, _) in constants.items()}}
        self._schema = pa.schema(list(kinds.items()))
        self._writer = pq.ParquetWriter(path, self._schema, **OPTIONS)
        self._rows: list[Mapping[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []
        self.rows = 0

    def add(self, row: Mapping[str, Any]) -> None:
        self.rows += 1
        self._rows.append(row)
        if len(self._rows) >= ROWS:
            self._pack()

    def _pack(self) -> None:
        rows, count = self._rows, len(self._rows)
        # Every row is given all the columns before it is taken apart: both are done without a step of Python a value.
        whole = [{**self._absent, **row} for row in rows]
        unknown = set().union(*whole) - self._fields.keys()
        if unknown:
            raise KeyError(f"no declared columns: {sorted(unknown)}")
        values = zip(*map(self._in_order, whole), strict=True)
        columns = [pa.array(column, kind) for column, kind in zip(values, self._fields.values(), strict=True)]
        for kind, value in self._constants:
            constant = pa.array([value], kind)
            columns.append(constant.take(pa.repeat(pa.scalar(0, pa.int32()), count)))
        self._batches.append(pa.record_batch(columns, schema=self._schema))
        self._rows = []
        if len(self._batches) >= GROUP:
            self._write()

    def _write(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._batches, self._schema))
        self._batches = []

    def close(self) -> None:
        if self._rows:
            self._pack()
        if self._batches:
            self._write()
        self._writer.close()
