"""Defines every error that the client raises.

    AutomioError
    ├── ConfigurationError              (also ValueError)
    ├── TransportError                  no usable answer arrived
    │   ├── ConnectionFailed            (also ConnectionError)
    │   ├── RequestTimeout              (also TimeoutError)
    │   ├── StreamInterrupted
    │   └── InvalidReply
    ├── ApiError                        the platform answered with an error status
    │   ├── BadRequest                  400
    │   ├── Unauthorized                401
    │   ├── NotEnoughCredits            402
    │   ├── Forbidden                   403
    │   │   └── IntegrationAccessDeniedError
    │   ├── NotFound                    404
    │   │   └── IntegrationNotFound
    │   ├── Conflict                    409
    │   ├── UnprocessableEntity         422
    │   ├── RateLimited                 429
    │   └── ServerError                 500 and above
    ├── GraphqlException
    ├── IntegrationHasNoConnections
    ├── CallFailed                      the third-party service answered with an error status
    ├── CsvJobFailed                    an import or export failed
    ├── CacheUnavailable                (also ConnectionError)
    └── PluginError
        ├── PluginNotFound              (also ImportError)
        ├── ModuleHashMismatch          (also ImportError)
        └── CapabilityNotImplemented    (also AttributeError)

Each has `status`, `detail`, `code`, `fields`, `request_id` and `hint`; those that do not apply are None, or empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automio._csv_models import CsvExport, CsvImport
    from automio._integration_models import ApiResponse
    from automio._models import GraphQLError


@dataclass(frozen=True)
class FieldError:
    """Says what is wrong with one value of a request; `path` is dotted, such as `columns.0.type`."""

    path: str
    message: str


class AutomioError(Exception):
    """Serves as the base class of all errors of this client.

    `status` is the HTTP status, `detail` the platform's message, `code` what kind of error it is, for programs,
    `fields` the values that are at fault, `request_id` its `X-Request-Id` (quote it when you ask for help), `hint`
    the next step.
    """

    status: int | None = None
    detail: str | None = None
    code: str | None = None
    fields: Sequence[FieldError] = ()
    request_id: str | None = None
    hint: str | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword arguments are lost by the default reduction; a run's error crosses process boundaries.
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(kind: type[AutomioError], message: str, attributes: Mapping[str, Any]) -> AutomioError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(attributes)
    return error


class ConfigurationError(AutomioError, ValueError):
    """Reports that a setting is missing or invalid; the message names the variable, the hint says what to set."""


class TransportError(AutomioError):
    """Reports that no usable answer arrived; the platform may or may not have acted on the request."""


class ConnectionFailed(TransportError, ConnectionError):
    """Reports that the connection could not be opened, or it broke before an answer arrived."""


class RequestTimeout(TransportError, TimeoutError):
    """Reports that no answer arrived within the time limit."""


class StreamInterrupted(TransportError):
    """Reports that a stream of events broke and could not be resumed."""


class InvalidReply(TransportError):
    """Reports that the answer was not what the contract promises, for example HTML from a proxy instead of JSON."""

    def __init__(
        self, message: str, *, status: int | None = None, request_id: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.request_id = request_id


class ApiError(AutomioError):
    """Reports that the platform answered with an error status. `body` is the parsed answer, or its text."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        detail: str | None = None,
        code: str | None = None,
        fields: Sequence[FieldError] = (),
        request_id: str | None = None,
        hint: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.detail = detail
        self.code = code
        self.fields = tuple(fields)
        self.request_id = request_id
        self.body = body
        self.headers = dict(headers or {})


class BadRequest(ApiError):
    """Reports 400: the request is malformed."""


class Unauthorized(ApiError):
    """Reports 401: the token is missing, wrong, expired or revoked."""


class NotEnoughCredits(ApiError):
    """Reports 402: the organization's credits are used up."""


class Forbidden(ApiError):
    """Reports 403: the token is valid but may not do this."""


class IntegrationAccessDeniedError(Forbidden):
    """Reports 403 of an integration call: the platform refused the call, the service never received it."""


class NotFound(ApiError):
    """Reports 404: there is no such thing, or the token may not see it."""


class IntegrationNotFound(NotFound):
    """Reports 404: the platform has no integration with this id."""


class Conflict(ApiError):
    """Reports 409: the request does not fit the current state, for example a name that is taken."""


class UnprocessableEntity(ApiError):
    """Reports 422: the request is well-formed but a value in it is invalid."""


class RateLimited(ApiError):
    """Reports 429: too many requests; the `Retry-After` header, if any, is in `headers`."""


class ServerError(ApiError):
    """Reports 500 and above: the platform, or something in front of it, failed."""


class GraphqlException(AutomioError):
    """Reports that a GraphQL document failed; `errors` holds every error with its path and extensions.

    `code` is Hasura's code of the first error, for example `constraint-violation`.
    """

    def __init__(self, message: str, errors: "Sequence[GraphQLError]" = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)
        self.code = next((error.code for error in self.errors), None)


class IntegrationHasNoConnections(AutomioError):
    """Reports that the integration exists, but no account is connected and activated for this app."""


class CallFailed(AutomioError):
    """Reports that a third-party service answered with an error status, in methods that return items only.

    `response` is the service's answer.
    """

    def __init__(self, response: "ApiResponse") -> None:
        super().__init__(f"The service answered {response.status_code} at {response.url}: {response.text[:200]}")
        self.response = response


class CsvJobFailed(AutomioError):
    """Reports that an import or export failed while `wait` was waiting for it; `job.error` has the reason."""

    def __init__(self, job: "CsvImport | CsvExport") -> None:
        super().__init__(f"{type(job).__name__} {job.id} failed: {job.error or 'no reason was given'}")
        self.job = job


class CacheUnavailable(AutomioError, ConnectionError):
    """Reports that the Redis server of local development cannot be reached."""


class PluginError(AutomioError):
    """Reports that a plugin cannot be invoked. Errors raised by a plugin's own code pass through unchanged."""


class PluginNotFound(PluginError, ImportError):
    """Reports that no plugin implements this interface for this integration here."""


class ModuleHashMismatch(PluginError, ImportError):
    """Reports that plugin code from the platform or the cache does not match its hash; it was not run."""


class CapabilityNotImplemented(PluginError, AttributeError):
    """Reports that the plugin has no function with the name of this capability."""


ApiException = ApiError
"""The published client's name for `ApiError`."""

ERRORS_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    402: NotEnoughCredits,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: UnprocessableEntity,
    429: RateLimited,
}
