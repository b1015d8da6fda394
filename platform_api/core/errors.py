"""Defines the errors that the control plane answers, and how they look on the wire: `{"detail": str}`.

    PlatformError               500
    ├── BadRequest              400
    ├── Unauthenticated         401
    ├── NotEnoughCredits        402
    ├── Forbidden               403
    ├── NotFound                404
    ├── Conflict                409
    ├── TooLarge                413
    ├── Unprocessable           422
    ├── TooManyRequests         429
    └── Unavailable             503
        └── DatabaseUnavailable 503 (also a ConnectionError)

A domain derives its own from these, next to the service that raises them.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import asyncpg
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

log = structlog.stdlib.get_logger()


class PlatformError(Exception):
    """Carries a message for the caller. `status_code` is what HTTP callers see."""

    status_code: ClassVar[int] = 500
    code: ClassVar[str] = ""
    """Tells programs apart what has the same status; sent beside `detail` where it is not empty."""

    def __init__(
        self, message: str, *, headers: Mapping[str, str] | None = None, extra: Mapping[str, Any] | None = None
    ) -> None:
        """Sends `extra` beside `detail`, for programs that act on the error."""
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


class BadRequest(PlatformError):
    """Answers 400: the request makes no sense here, whatever its fields say."""

    status_code = 400


class Unauthenticated(PlatformError):
    """Answers 401: the credential is missing, invalid or expired; the message says which."""

    status_code = 401


class NotEnoughCredits(PlatformError):
    """Answers 402: the organization has no credits left for this."""

    status_code = 402


class Forbidden(PlatformError):
    """Answers 403: the caller is known and may not do this."""

    status_code = 403


class NotFound(PlatformError):
    """Answers 404: it does not exist, or the caller may not see it. The two look the same to the caller."""

    status_code = 404


class Conflict(PlatformError):
    """Answers 409: the request does not fit the present state; the message says what stands in its way."""

    status_code = 409


class TooLarge(PlatformError):
    """Answers 413: the request, or something in it, exceeds a size limit."""

    status_code = 413


class Unprocessable(PlatformError):
    """Answers 422: the request is well-formed, but a field's value is not acceptable."""

    status_code = 422


class TooManyRequests(PlatformError):
    """Answers 429: the caller should wait; `retry_after` is in seconds."""

    status_code = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


class Unavailable(PlatformError):
    """Answers 503: something the platform needs is not available now; the same request may be sent again."""

    status_code = 503


class DatabaseUnavailable(Unavailable, ConnectionError):
    """Answers 503: PostgreSQL is restarting, overloaded or not reachable."""

    def __init__(self) -> None:
        super().__init__("the database cannot be reached at the moment; try again", headers={"Retry-After": "1"})


class ErrorBody(BaseModel):
    """Says what went wrong, with what, and what would be right, in one sentence."""

    detail: str


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "Refused, with the reason"}
}
"""Describes the refusals of every operation in OpenAPI."""


def error_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None, extra: Mapping[str, Any] | None = None
) -> JSONResponse:
    """Returns an answer in the one shape of errors."""
    return JSONResponse({"detail": detail, **(extra or {})}, status_code=status, headers=dict(headers or {}))


_PLACES = (("body",), ("query",), ("path",), ("header",))


def describe_validation_errors(errors: Sequence[Mapping[str, Any]]) -> str:
    """Makes one readable sentence of pydantic's list of errors; names five at most."""
    parts = []
    for error in errors[:5]:
        # The first item says where (body, query, path); a JSON error's location is a character offset.
        loc = error["loc"][1:] if error["loc"][:1] in _PLACES else error["loc"]
        place = ".".join(str(item) for item in loc)
        message = str(error["msg"]).removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        if error["type"] == "json_invalid":
            message, place = f"the body is not valid JSON ({error.get('ctx', {}).get('error', 'syntax error')})", ""
        elif error["type"] == "missing" and not place:
            message = "a JSON body is required" if error["loc"][:1] == ("body",) else message
        parts.append(f"{place}: {message}" if place else message)
    if len(errors) > 5:
        parts.append(f"and {len(errors) - 5} more")
    return "; ".join(parts)


async def _platform_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PlatformError)
    if error.status_code >= 500:
        log.error("request.failed", error=type(error).__name__, detail=error.message)
    code = {"code": error.code} if error.code else {}
    return error_response(error.status_code, error.message, error.headers, {**code, **error.extra})


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        if error.status_code == 404:
            detail = f"there is nothing at {request.url.path}"
        elif error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "")
            detail = f"{request.method} is not possible at {request.url.path}; allowed: {allowed}"
    return error_response(error.status_code, str(detail), error.headers)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_response(422, describe_validation_errors(error.errors()))


async def _database_error(request: Request, error: Exception) -> Response:
    """Answers driver errors that nobody translated: 503 if it is temporary, 409 if a constraint is violated."""
    if isinstance(error, IntegrityError):
        log.warning("request.integrity_error", error=str(error.orig))
        return error_response(409, "the change contradicts what is stored already (a unique or reference rule)")
    if _is_unstorable_value(error):
        return error_response(422, "a value is out of range or holds characters that cannot be stored")
    if is_temporary(error):
        log.error("request.database_unavailable", error=str(error))
        return error_response(503, "the database cannot do this at the moment; try again", {"Retry-After": "1"})
    log.error("request.database_error", exc_info=error)
    return await unexpected_error(request, error)


def _is_unstorable_value(error: Exception) -> bool:
    """Recognizes what cannot be stored: an id beyond the integer range, a NUL, half a surrogate pair."""
    cause = _driver_error(error)
    return isinstance(cause, asyncpg.DataError) or _sqlstate(cause).startswith("22")


def is_temporary(error: Exception) -> bool:
    """Recognizes what a retry may solve: a lost connection, an exhausted pool, a conflict with another statement."""
    if isinstance(error, PoolTimeoutError | OperationalError | InterfaceError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # Classes: connection exception, transaction rollback, resources, lock not available, operator intervention.
    return _sqlstate(_driver_error(error)).startswith(("08", "40", "53", "55P03", "57"))


def _driver_error(error: Exception) -> BaseException | None:
    return error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else None


def _sqlstate(error: BaseException | None) -> str:
    return str(getattr(error, "sqlstate", None) or "")


async def unexpected_error(request: Request, error: Exception) -> Response:
    """Answers a fault of ours: no internals, only the id under which the log tells more."""
    request_id = request.scope.get("state", {}).get("request_id", "unknown")
    return error_response(500, f"an unexpected error happened; its request id is {request_id}")


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of `app` answer `{"detail": str}`."""
    app.add_exception_handler(PlatformError, _platform_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(PoolTimeoutError, _database_error)
    app.add_exception_handler(Exception, unexpected_error)
