"""Names how work on a job ends early.

LeaseLost   another process has the job now, or it was cancelled
Failed      the job itself cannot be done
└── GivenUp it made no progress in too many attempts
"""

from hasura.engine.sql.database_errors import CONNECTION_LOST
from platform_api.core.errors import Conflict, Unavailable, is_temporary


class LeaseLost(Conflict):
    """Reports that the job is not the caller's any more: its lease ran out, it was cancelled, or it has ended."""

    code = "lease_lost"

    def __init__(self, message: str = "the job's lease ran out, it was cancelled or it has ended") -> None:
        super().__init__(message)


class Failed(Exception):
    """Reports that the job cannot be done, now or later; the message is for whoever asked for it."""


class GivenUp(Failed):
    """Reports that too many attempts ended without any progress."""


def may_pass(error: Exception) -> bool:
    """Tells whether the same work may succeed later: the database, or a service that it needs, is unavailable."""
    return isinstance(error, (Unavailable, *CONNECTION_LOST)) or is_temporary(error)
