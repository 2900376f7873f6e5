"""The errors that a user can cause or can act on: shown as one message, never as a traceback."""


class TieoutError(Exception):
    """A run cannot go on. The message says what was found, what was expected and what to do."""

    exit_code = 1


class UsageError(TieoutError):
    """What was asked for, or how this project is configured, cannot work (exit code 2)."""

    exit_code = 2


class RunTimeoutError(TieoutError):
    """The run was stopped because it took longer than it may."""


class BusyError(UsageError):
    """Another run holds the data folder."""


class PublishError(TieoutError):
    """The published copy could not be written; the one before it is still in place."""
