"""Answers errors in one shape: `{"detail": str, "code": str, "fields": [{"path", "message"}], "request_id": str}`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from platform_api.core.errors import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    NotEnoughCredits,
    NotFound,
    PlatformError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unprocessable,
    driver_error,
    is_temporary,
    sqlstate_of,
)
from platform_api.core.http.validation import MAX_FIELD_ERRORS, describe_validation_errors, field_errors

log = structlog.stdlib.get_logger()

_KINDS: Sequence[type[PlatformError]] = (
    PlatformError,
    BadRequest,
    Unauthenticated,
    NotEnoughCredits,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    Unprocessable,
    TooManyRequests,
    Unavailable,
)
_CODES = {kind.status_code: kind.code for kind in _KINDS}
"""The code of each status, for refusals that no error of the platform stands behind."""


class ErrorField(BaseModel):
    """Says what is wrong with one value of a request."""

    path: str = Field(
        description="Dotted, as forms name it, such as `columns.0.type`; a query parameter's name; empty for the body"
    )
    message: str


class ErrorBody(BaseModel):
    """Says what went wrong, with what, and what would be right. Some errors have more keys for programs."""

    model_config = ConfigDict(extra="allow")

    detail: str = Field(description="One sentence for people")
    code: str = Field(description="For programs: what kind of error it is; stable")
    fields: list[ErrorField] = Field(
        max_length=MAX_FIELD_ERRORS, description="The values that are at fault; empty where it is none of them"
    )
    request_id: str = Field(description="As in the header `X-Request-Id`: under it the platform's log tells more")


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "Refused, with the reason"},
    "5XX": {"model": ErrorBody, "description": "The platform, or something it needs, failed"},
}
"""Describes what every operation may answer besides its result in OpenAPI."""


def error_response(
    scope: Scope,
    status: int,
    detail: str,
    *,
    code: str | None = None,
    fields: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """Returns an answer in the one shape of errors; `code` is by default that of the status."""
    content = {
        **(extra or {}),
        "detail": detail,
        "code": code or _code_of(status),
        "fields": [asdict(field) for field in fields[:MAX_FIELD_ERRORS]],
        "request_id": request_id_of(scope),
    }
    return JSONResponse(content, status_code=status, headers=dict(headers or {}))


def answer_of(scope: Scope, error: PlatformError, *, extra: Mapping[str, Any] | None = None) -> JSONResponse:
    """Returns the answer of an error of the platform, with `extra` beside what the error brings."""
    return error_response(
        scope,
        error.status_code,
        error.message,
        code=error.code,
        fields=error.fields,
        headers=error.headers,
        extra={**error.extra, **(extra or {})},
    )


def request_id_of(scope: Scope) -> str:
    """Returns the id that `RequestContextMiddleware` gave the request."""
    request_id: str = scope.get("state", {}).get("request_id", "unknown")
    return request_id


def _code_of(status: int) -> str:
    if status in _CODES:
        return _CODES[status]
    try:
        return HTTPStatus(status).name.lower()
    except ValueError:
        return "refused"


async def _platform_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PlatformError)
    if error.status_code >= 500:
        log.error("request.failed", error=type(error).__name__, detail=error.message)
    return answer_of(request.scope, error)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        if error.status_code == 404:
            detail = f"there is nothing at {request.url.path}"
        elif error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "")
            detail = f"{request.method} is not possible at {request.url.path}; allowed: {allowed}"
    return error_response(request.scope, error.status_code, str(detail), headers=error.headers)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    fields = field_errors(errors, error.body)
    return error_response(request.scope, 422, describe_validation_errors(errors), fields=fields)


async def _database_error(request: Request, error: Exception) -> Response:
    """Answers driver errors that nobody translated: 503 if it is temporary, 409 if a constraint is violated."""
    if isinstance(error, IntegrityError):
        log.warning("request.integrity_error", error=str(error.orig))
        detail = "the change contradicts what is stored already (a unique or reference rule)"
        return error_response(request.scope, 409, detail)
    if _is_unstorable_value(error):
        detail = "a value is out of range or holds characters that cannot be stored"
        return error_response(request.scope, 422, detail)
    if is_temporary(error):
        log.error("request.database_unavailable", error=str(error))
        detail = "the database cannot do this at the moment; try again"
        return error_response(request.scope, 503, detail, headers={"Retry-After": "1"})
    log.error("request.database_error", exc_info=error)
    return await unexpected_error(request, error)


def _is_unstorable_value(error: Exception) -> bool:
    """Recognizes what cannot be stored: an id beyond the integer range, a NUL, half a surrogate pair."""
    cause = driver_error(error)
    return isinstance(cause, asyncpg.DataError) or sqlstate_of(cause).startswith("22")


async def unexpected_error(request: Request, error: Exception) -> Response:
    """Answers a fault of ours: no internals, only the id under which the log tells more."""
    detail = f"an unexpected error happened; its request id is {request_id_of(request.scope)}"
    return error_response(request.scope, 500, detail)


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of `app` answer in the shape of `ErrorBody`."""
    app.add_exception_handler(PlatformError, _platform_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(PoolTimeoutError, _database_error)
    app.add_exception_handler(Exception, unexpected_error)
