"""Defines the errors that end a run of a sync, or reject one item."""

from platform_api.work.errors import Failed


class RunFailed(Failed):
    """Reports that the run cannot go on; the message says why. With `restart` the next run begins the list anew."""

    def __init__(self, message: str, *, restart: bool = False) -> None:
        super().__init__(message)
        self.restart = restart


class ItemRejected(Exception):
    """Reports that an item cannot be stored; the message says why, `column` which value is at fault."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
