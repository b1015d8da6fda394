"""Defines the errors of jobs.

JobFailed       the job fails, with this message as its reason
└── TableRefused  the engine does not know the table as it is described
LineRejected    one line is rejected
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from platform_api.work.errors import Failed


class JobFailed(Failed):
    """Reports that the job fails; the message is for the person who sent the file.

    `line` and `column` say where in the file the fault is, from 1, where it is in one place; `format` is what is
    known of the file nevertheless.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        format: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.format = format
        self.line = line
        self.column = column


class TableRefused(JobFailed):
    """Reports that the engine does not know the table, or not as it is described."""


class LineRejected(Exception):
    """Reports that a line cannot be imported; the message says why."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
