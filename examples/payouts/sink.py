"""Files of an inbox: opened when their first row comes, one of a series at a time."""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from examples.payouts.clock import calendar


def names(text: str) -> list[str]:
    """The columns of a header."""
    return text.split(",")


def cell(text: str) -> str:
    """A field of a CSV, in quotes where it needs them."""
    if "," in text or '"' in text or "\n" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


class Text:
    """One text file."""

    def __init__(self, path: Path, encoding: str = "utf-8", newline: str = "\n") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file: TextIO = path.open("w", encoding=encoding, newline=newline, buffering=1 << 18)

    def write(self, text: str) -> None:
        """Append text; its line ends become the file's."""
        self._file.write(text)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class Series:
    """The files of one feed and account, one for each period; rows come in the order of their days."""

    def __init__(self, name: Callable[[int, int], str], folder: Path, start: int, length: int) -> None:
        # name(first day, last day) of a period; a length of 0 is a calendar month
        self.name, self.folder, self.start, self.length = name, folder, start, length
        self.period: tuple[int, int] | None = None
        self.number = 0
        self.files: list[Path] = []
        self._file: Text | None = None
        # what a period's file begins with, and how it is encoded
        self.header: Callable[[int], str] = lambda _: ""
        self.dialect: Callable[[int], tuple[str, str]] = lambda _: ("utf-8", "\n")
        self.folder_of: Callable[[int], Path] = lambda _: self.folder

    def span(self, day: int) -> tuple[int, int]:
        """First and last day of the period that a day is in."""
        if self.length:
            first = self.start + (day - self.start) // self.length * self.length
            return first, first + self.length - 1
        today = calendar(day)
        first = day - today.day + 1
        later = calendar(first + 31)
        return first, first + 30 - later.day + 1

    def at(self, day: int) -> Text:
        """The file of a day."""
        span = self.span(day)
        if self._file is None or span != self.period:
            self.close()
            self.period = span
            self.number += 1
            encoding, newline = self.dialect(self.number)
            path = self.folder_of(self.number) / self.name(*span)
            self._file = Text(path, encoding, newline)
            self.files.append(path)
            self._file.write(self.header(self.number))
        return self._file

    def close(self) -> None:
        """Finish the open file."""
        if self._file is not None:
            self._file.close()
            self._file = None
