"""Structured logs: one JSON object a line in `DATA/logs/tieout.jsonl`, without secrets and card numbers (see
`redaction`).

Every line has `time` (UTC), `level`, `event`, and what is known of where it belongs: `run_id`, `org`, `stream`, `step`.
Any process may write at any time: a line is one write at the end of the file. Whoever opens the file finds it too
large moves it aside; the others notice and open the new one, as they do when logrotate moves it. A log that cannot be
written never stops what is logged.
"""

import fcntl
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestration.errors import UsageError
from orchestration.redaction import redacted, redacted_value, remember_secret

LOGGER = "tieout"
FOLDER, FILE = "logs", "tieout.jsonl"
# How large a file grows, and how many are kept beside the one that is written.
MAX_BYTES_VARIABLE = "TIEOUT_LOG_MAX_BYTES"
MAX_BYTES = 20_000_000
KEPT = 5
# `json`: the same lines on standard error as well, for a service manager or a container to collect.
STDERR_VARIABLE = "TIEOUT_LOG"
# What stands in every line, in this order and even where nothing is known of it.
PLACES = ("run_id", "org", "stream", "step")
# No text of a line is longer: an engine may quote a statement of a megabyte.
MOST_LETTERS = 10_000

_context: ContextVar[MappingProxyType[str, Any]] = ContextVar("tieout_log", default=MappingProxyType({}))
_opening = threading.Lock()


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON. Nothing that it writes was not redacted first."""

    def format(self, record: logging.LogRecord) -> str:
        given = getattr(record, "fields", None) or {}
        known = {**_context.get(), **given}
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "level": record.levelname,
            "event": redacted(record.getMessage()),
            **{name: _short(redacted_value(known.get(name))) for name in PLACES},
        }
        for name, value in known.items():
            if name not in line:
                line[redacted(name)] = _short(redacted_value(value, name))
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            line.setdefault("message", _short(redacted(error)))
            line["traceback"] = _short(redacted("".join(traceback.format_exception(error))))
        return json.dumps(line, ensure_ascii=False, default=lambda value: redacted(value))


def _short(value: Any) -> Any:
    """A text cut at its end; of what is longer the beginning says what it is."""
    if isinstance(value, str):
        # What is no UTF-8 (a file's odd name) must not keep the line from being written.
        value = value.encode("utf-8", errors="backslashreplace").decode("utf-8")
        return value if len(value) <= MOST_LETTERS else value[:MOST_LETTERS] + "..."
    return value


class _Quiet(logging.Handler):
    """A handler of which nobody hears when it cannot write: a full disk must not stop a run over its log."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        return


class _FileHandler(_Quiet, WatchedFileHandler):
    pass


class _StderrHandler(_Quiet, logging.StreamHandler):
    """Standard error as it is when a line is written: tests and services put another in its place."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def log_file(root: Path) -> Path:
    """Where the log of a data folder lies."""
    return root / FOLDER / FILE


def open_in(root: Path) -> None:
    """Log into a data folder from now on; doing it again changes nothing.

    Raises:
        UsageError: the environment says no size.
    """
    logger = logging.getLogger(LOGGER)
    file = log_file(root)
    with _opening:
        logger.setLevel(logging.INFO)
        # What others do with the root logger (dbt, Dagster) is theirs: their handlers know nothing of redaction.
        logger.propagate = False
        wants_stderr = os.environ.get(STDERR_VARIABLE, "").strip().lower() == "json"
        for handler in list(logger.handlers):
            stale = isinstance(handler, _FileHandler) and Path(handler.baseFilename) != file.absolute()
            if stale or (isinstance(handler, _StderrHandler) and not wants_stderr):
                logger.removeHandler(handler)
                handler.close()
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            _move_aside(file)
            if not any(isinstance(handler, _FileHandler) for handler in logger.handlers):
                _add(logger, _FileHandler(file, encoding="utf-8", delay=True))
        if wants_stderr and not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
            _add(logger, _StderrHandler())


def _add(logger: logging.Logger, handler: logging.Handler) -> None:
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)


def _most_bytes() -> int:
    said = os.environ.get(MAX_BYTES_VARIABLE, "").strip() or str(MAX_BYTES)
    if not said.isdecimal() or not int(said):
        raise UsageError(f"{MAX_BYTES_VARIABLE} must be a whole number of bytes, such as {MAX_BYTES}, given {said!r}.")
    return int(said)


def _move_aside(file: Path) -> None:
    """Give a file that has grown too large a number, and forget the oldest; one process at a time."""
    limit = _most_bytes()
    if not file.is_file() or file.stat().st_size < limit:
        return
    with (file.parent / f".{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.is_file() or file.stat().st_size < limit:
            return
        for number in range(KEPT, 0, -1):
            older = file.with_name(f"{FILE}.{number}")
            newer = file if number == 1 else file.with_name(f"{FILE}.{number - 1}")
            if newer.is_file():
                newer.replace(older)


@contextmanager
def context(**places: Any) -> Iterator[None]:
    """Say of every line within where it belongs: `run_id`, `org`, `stream`, `step`, or any other field."""
    token = _context.set(MappingProxyType({**_context.get(), **places}))
    try:
        yield
    finally:
        _context.reset(token)


def info(event: str, **fields: Any) -> None:
    """Log something that went as it should. `event` is a short name in snake case, the same every time."""
    _log(logging.INFO, event, fields)


def warning(event: str, **fields: Any) -> None:
    """Log something that somebody should look at, though the work goes on."""
    _log(logging.WARNING, event, fields)


def error(event: str, caught: BaseException | None = None, **fields: Any) -> None:
    """Log a failure; with what was caught, its traceback."""
    _log(logging.ERROR, event, fields, caught)


def _log(level: int, event: str, fields: dict[str, Any], caught: BaseException | None = None) -> None:
    logger = logging.getLogger(LOGGER)
    # Before anybody opened a log there is none: the last resort of `logging` would print the bare event.
    if logger.handlers:
        logger.log(level, "%s", event, extra={"fields": fields}, exc_info=caught)


__all__ = [
    "JsonFormatter",
    "context",
    "error",
    "info",
    "log_file",
    "open_in",
    "redacted",
    "redacted_value",
    "remember_secret",
    "warning",
]
