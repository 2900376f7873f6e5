"""The errors that a user can cause or can act on: shown as one message, never as a traceback."""


class TieoutError(Exception):
    """A run cannot go on. The message says what was found, what was expected and what to do."""

    exit_code = 1


class UsageError(TieoutError):
    """What was asked for, or how this project is configured, cannot work (exit code 2)."""

    exit_code = 2


class BusyError(UsageError):
    """Somebody else holds the data folder, the landing or the warehouse's file. `holder` says who, in words that go on
    after "waiting for"."""

    def __init__(self, message: str, holder: str = "another run") -> None:
        super().__init__(message)
        self.holder = holder


class PublishError(TieoutError):
    """The published copy could not be written; the one before it is still in place."""
