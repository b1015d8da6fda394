"""Why a whole job, or one of its lines, cannot be done.

JobFailed       the job ends as failed, with this as its reason
LineRejected    one line is left out
"""

from platform_api.work.errors import Failed


class JobFailed(Failed):
    """Nothing more can be done; the message is for the person who sent the file."""


class LineRejected(Exception):
    """A line cannot be imported; the message says why."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
