"""The errors that a user can cause or can act on: shown as one message, never as a traceback."""

import errno


class TieoutError(Exception):
    """A run cannot go on. The message says what was found, what was expected and what to do."""

    exit_code = 1


class UsageError(TieoutError):
    """What was asked for, or how this project is configured, cannot work (exit code 2)."""

    exit_code = 2


class RunTimeoutError(TieoutError):
    """The run was stopped because it took longer than it may."""


class BusyError(UsageError):
    """Somebody else holds the data folder, the landing or the warehouse's file. `holder` says who, in words that go on
    after "waiting for"."""

    def __init__(self, message: str, holder: str = "another run") -> None:
        super().__init__(message)
        self.holder = holder


class PublishError(TieoutError):
    """The published copy could not be written; the one before it is still in place."""


# What the system says when the machine cannot do what it was asked for. Other errors of files are mistakes in the code.
_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOMEM),
    *(errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNREFUSED),
}
# The same of engines, by name, so that none has to be imported to ask.
_ENGINES = ("_duckdb", "duckdb", "psycopg2")
_OF_ENGINES = {"OperationalError", "InterfaceError", "IOException", "FatalException", "OutOfMemoryException"}


def of_machine(error: Exception) -> str | None:
    """What to tell of an error that is nobody's mistake in the code: the system or an engine could not do what it was
    asked for, because of a full disk, missing permissions, a lost server. None for other errors."""
    is_engine = type(error).__module__.split(".")[0] in _ENGINES
    said_by_engine = is_engine and _OF_ENGINES.intersection(kind.__name__ for kind in type(error).__mro__)
    if not said_by_engine and not (isinstance(error, OSError) and error.errno in _MACHINE):
        return None
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "") or type(error).__name__
    return (
        f"The machine or the warehouse failed: {reason}\nUsual causes are a full disk, missing permissions, too little"
        " memory and a server that went away. Nothing is half done: mend that and run again; the next run carries on."
    )
