"""How a run of a sync ends early."""

from platform_api.work.errors import Failed


class RunFailed(Failed):
    """The run cannot go on; the message says why. `restart`: the next run begins the list anew."""

    def __init__(self, message: str, *, restart: bool = False) -> None:
        super().__init__(message)
        self.restart = restart


class ItemRejected(Exception):
    """An item cannot be stored; the message says why, `column` which value is at fault."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
