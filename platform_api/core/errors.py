"""Defines the errors that the control plane answers; `core/http/error_answers.py` puts them on the wire.

    PlatformError               500 internal
    ├── BadRequest              400 bad_request
    ├── Unauthenticated         401 unauthenticated
    ├── NotEnoughCredits        402 not_enough_credits
    ├── Forbidden               403 forbidden
    ├── NotFound                404 not_found
    ├── Conflict                409 conflict
    │   ├── NameTaken           409 name_taken
    │   ├── LimitReached        409 limit_reached
    │   └── StaleVersion        409 stale_version
    ├── BodyTimeout             408 body_timeout
    ├── TooLarge                413 too_large
    ├── Unprocessable           422 validation_failed
    ├── TooManyRequests         429 too_many_requests
    └── Unavailable             503 unavailable
        └── DatabaseUnavailable 503 unavailable (also a ConnectionError)

A domain derives its own from these, next to the service that raises them, with a `code` of their own where a program
would act differently. Codes are part of the contract; docs/reference/errors.md lists them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hasura.database_address import reason_of


@dataclass(frozen=True, slots=True)
class FieldError:
    """Says what is wrong with one value: `path` is dotted (`columns.0.type`), empty for the body as a whole."""

    path: str
    message: str


class PlatformError(Exception):
    """Carries a message for the caller; `status_code` and `code` are what their programs compare."""

    status_code: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        fields: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Sends `extra` beside `detail`, for programs that act on the error.

        `field` is the dotted path of the one value that is at fault, with which the message may begin (`name: …`);
        `fields` are several with a message each.
        """
        super().__init__(message)
        self.message = message
        self.fields = [*fields] if field is None else [FieldError(field, message.removeprefix(f"{field}: ")), *fields]
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


class BadRequest(PlatformError):
    """Answers 400: the request makes no sense here, whatever its fields say."""

    status_code = 400
    code = "bad_request"


class Unauthenticated(PlatformError):
    """Answers 401: the credential is missing, invalid or expired; the message says which."""

    status_code = 401
    code = "unauthenticated"


class NotEnoughCredits(PlatformError):
    """Answers 402: the organization has no credits left for this."""

    status_code = 402
    code = "not_enough_credits"


class Forbidden(PlatformError):
    """Answers 403: the caller is known and may not do this."""

    status_code = 403
    code = "forbidden"


class NotFound(PlatformError):
    """Answers 404: it does not exist, or the caller may not see it. The two look the same to the caller."""

    status_code = 404
    code = "not_found"


class Conflict(PlatformError):
    """Answers 409: the request does not fit the present state; the message says what stands in its way."""

    status_code = 409
    code = "conflict"


class NameTaken(Conflict):
    """Answers 409: the name, slug or id is taken or reserved; `field` says which of them."""

    code = "name_taken"


class LimitReached(Conflict):
    """Answers 409: there are as many as are allowed; one has to be deleted first."""

    code = "limit_reached"


class StaleVersion(Conflict):
    """Answers 409: `base_version` is not the newest version, so that somebody else's change would be lost."""

    code = "stale_version"


class Gone(PlatformError):
    """Answers 410: it was there once."""

    status_code = 410
    code = "gone"


class BodyTimeout(PlatformError):
    """Answers 408: the request's body did not arrive in time."""

    status_code = 408
    code = "body_timeout"


class TooLarge(PlatformError):
    """Answers 413: the request, or something in it, exceeds a size limit."""

    status_code = 413
    code = "too_large"


class Unprocessable(PlatformError):
    """Answers 422: the request is well-formed, but a field's value is not acceptable."""

    status_code = 422
    code = "validation_failed"


class TooManyRequests(PlatformError):
    """Answers 429: the caller should wait; `retry_after` is in seconds."""

    status_code = 429
    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


class Unavailable(PlatformError):
    """Answers 503: something the platform needs is not available now; the same request may be sent again."""

    status_code = 503
    code = "unavailable"


class DatabaseUnavailable(Unavailable, ConnectionError):
    """Answers 503: PostgreSQL is restarting, overloaded or not reachable."""

    def __init__(self, address: str = "") -> None:
        """Takes where the database is, for operators; callers over HTTP are not told."""
        super().__init__("the database cannot be reached at the moment; try again", headers={"Retry-After": "1"})
        self.address = address

    def describe(self) -> str:
        """Returns for operators which database cannot be reached, and why."""
        place = f"the database at {self.address}" if self.address else "the database"
        return f"{place} cannot be reached: {reason_of(self.__cause__)}"


def is_temporary(error: Exception) -> bool:
    """Recognizes what a retry may solve: a lost connection, an exhausted pool, a conflict with another statement."""
    if isinstance(error, PoolTimeoutError | OperationalError | InterfaceError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # Classes: connection exception, transaction rollback, resources, lock not available, operator intervention.
    return sqlstate_of(driver_error(error)).startswith(("08", "40", "53", "55P03", "57"))


def driver_error(error: Exception) -> BaseException | None:
    """Returns what the driver raised below an error of SQLAlchemy; None for other errors."""
    return error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else None


def sqlstate_of(error: BaseException | None) -> str:
    """Returns the SQLSTATE of a driver's error; empty when it has none."""
    return str(getattr(error, "sqlstate", None) or "")
