"""Why a run failed, in the four classes that the audit keeps, and what to do about each."""

import re
from dataclasses import asdict, dataclass

from orchestration.errors import BusyError, UsageError

INPUT, CONFIGURATION, LAW, ENGINE = "INPUT", "CONFIGURATION", "LAW", "ENGINE"
CRASHED = "CRASHED"

# What engines and dbt say: of the machine, of a project that does not hold together, and of a value that does not fit.
# The first that speaks counts.
_SAYS = (
    (
        ENGINE,
        (
            r"no space left|out of memory|io error|could not (?:connect|open|write|extend)"
            r"|connection (?:refused|reset|to)|server closed|terminating connection|timed? ?out"
            r"|lock on file|deadlock|disk full"
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
)


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
CRASH_MESSAGE = (
    "The process ended without saying how: it was killed, the machine went down, or there was no room to write it down."
)
MOST_LETTERS = 4_000


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
    return next((cause for cause, said in _SAYS if re.search(said, text, re.IGNORECASE)), ENGINE)


def of_error(error: BaseException) -> RunFailure:
    """The class of what broke a run off outside of dbt."""
    name = type(error).__name__
    text = (str(error) or name)[:MOST_LETTERS]
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
