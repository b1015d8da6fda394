"""Defines the errors of jobs.

JobFailed       the job fails, with this message as its reason
LineRejected    one line is rejected
"""

from platform_api.work.errors import Failed


class JobFailed(Failed):
    """Reports that the job fails; the message is for the person who sent the file."""


class LineRejected(Exception):
    """Reports that a line cannot be imported; the message says why."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
