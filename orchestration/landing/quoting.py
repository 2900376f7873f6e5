"""Whether every quote of a CSV file stands where one may: proved from the bytes, without a reader's help."""

import mmap
import re

from orchestration.landing.text import PlainText


def quotes_are_whole(plain: PlainText, delimiter: str) -> bool:
    """Whether each quote opens a field, closes one, or is one of two inside it.

    One pass in the regular expression engine, which never goes back: no field is remembered, whatever the size of the
    file.
    """
    edge = b"[" + re.escape(delimiter).encode() + rb"\r\n]"
    field = rb"(?:(?<=" + edge + rb')|\A)"[^"]*+(?:""[^"]*+)*+"(?=' + edge + rb"|\Z)"
    whole = re.compile(rb'(?:[^"]++|' + field + rb")*+\Z")
    with plain.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return whole.match(content) is not None
