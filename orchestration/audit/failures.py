"""Why a run failed, in the four classes that the audit keeps, and what to do about each."""

import errno
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from orchestration.errors import BusyError, RunTimeoutError, UsageError
from orchestration.redaction import redacted

INPUT, CONFIGURATION, LAW, ENGINE = "INPUT", "CONFIGURATION", "LAW", "ENGINE"
CRASHED, TIMEOUT = "CRASHED", "TIMEOUT"

# What engines and dbt say: of a machine or a server that is not there, of a value that does not fit, of a project that
# does not hold together, and of the machine in other words. The first that speaks counts: a value and a column may be
# called anything, "timeout" too, so that the machine is believed at once only where it names its own trouble.
_TIMED_OUT = r"\b(?:timed out|timeout expired|(?:connect|connection|lock|read|socket|i/o) timeout)\b"
_SAYS = (
    (
        ENGINE,
        (
            r"no space left on device|disk full|\bio error:|out of memory error|lock on file|deadlock detected"
            r"|connection (?:refused|reset|timed out)|connection to server|server closed the connection"
            r"|terminating connection|could not connect to"
        ),
    ),
    (
        INPUT,
        (
            r"conversion error|invalid input (?:syntax|value)|could not convert|out of range|division by zero|overflow"
            r"|constraint error|violates (?:not-null|unique|check|foreign key) constraint|value too long"
        ),
    ),
    (
        CONFIGURATION,
        (
            r"compilation error|parsing error|dependency error|enforced contract|binder error|catalog error"
            r"|parser error|syntax error|does not exist|more than one row returned by a subquery"
            r"|invalid input error|is undefined"
        ),
    ),
    (
        ENGINE,
        (
            r"no space left|out of memory|io error|could not (?:connect|open|write|extend)|connection to"
            rf"|server closed|deadlock|{_TIMED_OUT}"
        ),
    ),
)
# What a message quotes is somebody's value or name, and says nothing of the machine.
_QUOTED = re.compile(r"'[^'\n]*'" + r'|"[^"\n]*"')


WHAT_TO_DO = {
    INPUT: "A delivered value broke a model. Find the file and row that the message names, or the rows of the model's"
    " input that do not fit; correct the delivery or the feed's declaration, and run again.",
    CONFIGURATION: "The project or the request cannot work as it is. Mend what the message names (`tieout validate`"
    " lists all faults), and run again.",
    LAW: "The books did not close, and nothing was published. Run the query that the message names: its rows are what"
    " does not add up. Do not publish by hand; mend the cause and run again.",
    ENGINE: "The machine or the warehouse failed, not the data: no space, no memory, no connection, or the process was"
    " ended. Mend that and run again; the next run carries on from what was done.",
}
# What to do about a failure of which more is known than its class.
WHAT_TO_DO_ABOUT = {
    TIMEOUT: "Nothing was published. See in `tieout audit steps RUN_ID` where the time went. Run again, which carries"
    " on from what was done, or raise `timeout` in the stream's YAML.",
}
CRASH_MESSAGE = (
    "The process ended without saying how: it was killed, the machine went down, or there was no room to write it down."
)
MOST_LETTERS = 4_000

# Trouble of the machine that passes by itself: the same may well go right a little later. A full disk and a lack of
# memory do not pass; a word of them outweighs the others.
_PASSES = re.compile(
    r"could not connect|cannot be reached|connection (?:refused|reset|to server|already closed|not open|timed? out)"
    rf"|server closed|terminating connection|connection has been closed|broken pipe|{_TIMED_OUT}"
    r"|lock on file|deadlock detected|could not serialize access|too many (?:clients|connections)"
    r"|the database system is (?:starting up|shutting down|in recovery)|temporarily unavailable",
    re.IGNORECASE,
)
_STAYS = re.compile(
    r"no space left|disk full|out of memory|authentication failed|no password supplied|role .* does not exist"
    r"|database .* does not exist|statement timeout",
    re.IGNORECASE,
)
_PASSING_ERRNOS = {
    *(errno.EAGAIN, errno.EIO, errno.ETIMEDOUT, errno.ESTALE, errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED),
    *(errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EPIPE, errno.EBUSY),
}


@dataclass(frozen=True)
class RunFailure:
    """Why a run failed: one of the four classes, what failed by name, and the message."""

    failure_class: str
    failure_code: str
    failure_message: str

    def to_json(self) -> dict[str, str]:
        """As a run's record keeps it."""
        return asdict(self)


def of_node(kind: str, status: str, text: str) -> str:
    """The class of a node of the build that did not end well: a test that found rows is a law or a gate."""
    if kind == "test" and status == "fail":
        return LAW
    return _said(text)


def _said(text: str) -> str:
    """The class that a message of an engine or of dbt tells; what nobody knows is the machine's."""
    plain = _QUOTED.sub("''", text)
    return next((cause for cause, said in _SAYS if re.search(said, plain, re.IGNORECASE)), ENGINE)


def passes(error: BaseException) -> bool:
    """Whether what broke a part of a run off is trouble of the machine that may be over a little later, such as a
    server that starts again. Bad data, bad configuration and broken laws never are; nor is what somebody else holds,
    which is waited for where it is asked for."""
    chain = list(_chain(error))
    if not isinstance(error, Exception) or isinstance(error, RunTimeoutError | BusyError):
        return False
    if any(_STAYS.search(str(one)) for one in chain):
        return False
    return any(
        (isinstance(one, OSError) and one.errno in _PASSING_ERRNOS)
        or isinstance(one, ConnectionError | TimeoutError)
        or ({"OperationalError", "InterfaceError"}.intersection(kind.__name__ for kind in type(one).__mro__))
        or (_PASSES.search(str(one)) and _said(str(one)) == ENGINE)
        for one in chain
    )


def text_passes(cause: str, text: str) -> bool:
    """The same of a node of the build, by its class and message."""
    return cause == ENGINE and not _STAYS.search(text) and bool(_PASSES.search(text))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was made from."""
    one: BaseException | None = error
    for _ in range(10):
        if one is None:
            return
        yield one
        one = one.__cause__


def what_to_do(failure: RunFailure) -> str:
    """What to do about a failed run, in words for whoever is on call."""
    return WHAT_TO_DO_ABOUT.get(failure.failure_code) or WHAT_TO_DO[failure.failure_class]


def of_error(error: BaseException) -> RunFailure:
    """The class of what broke a run off outside of dbt."""
    name = TIMEOUT if isinstance(error, RunTimeoutError) else type(error).__name__
    text = redacted(str(error) or name)[:MOST_LETTERS]
    # Somebody else holds what is needed: the request is right, and will work later.
    is_wrong = isinstance(error, UsageError) and not isinstance(error, BusyError)
    return RunFailure(CONFIGURATION if is_wrong else ENGINE, name, text)


def crash() -> RunFailure:
    """A run that left no word of its end."""
    return RunFailure(ENGINE, CRASHED, CRASH_MESSAGE)


def worst(found: list[tuple[str, str, str]]) -> RunFailure:
    """One class for a build in which several nodes failed, each given as class, name and message: a law may be broken
    only because a model before it was."""
    order = (CONFIGURATION, INPUT, ENGINE, LAW)
    cause, name, _ = min(found, key=lambda failure: order.index(failure[0]))
    return RunFailure(cause, name, "\n".join(message for _, _, message in found)[:MOST_LETTERS])
