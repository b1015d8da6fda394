"""Defines the engine's errors, in Hasura's vocabulary.

    EngineError                    anything the engine refuses or that went wrong while it served a request
    ├── ValidationFailed           the document or its variables do not fit the role's schema
    ├── ParseFailed                a value or document has the wrong form
    ├── PermissionDenied           the role may not do this
    ├── AccessDenied               the caller is not who the request needs
    ├── NotExists / AlreadyExists  a metadata call names something missing / something that is there
    ├── NotSupported               a valid request for something this engine does not do
    └── Unexpected                 a fault of ours

Codes are Hasura's, verbatim: clients compare them. The same error has two renderings, one for GraphQL endpoints
and one for the metadata and query APIs.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class EngineError(Exception):
    """Carries a refusal: Hasura's `code`, the JSON `path` it concerns, the HTTP status of non-GraphQL endpoints.

    `path` is written as Hasura writes it: `$.selectionSet.author.args.where`; build it with `json_path`.
    `internal` is shown to admins only (or never), as configured where the error is rendered.
    """

    code = "unexpected"
    status = 400

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        path: str = "$",
        status: int | None = None,
        internal: object = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.internal = internal
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status

    def at(self, path: str) -> "EngineError":
        """Returns this error with another path."""
        self.path = path
        return self

    def under(self, *prefix: str | int) -> "EngineError":
        """Returns this error with its path moved below `prefix`, as when an outer parser calls an inner one."""
        self.path = json_path(*prefix) + self.path[1:]
        return self

    def to_graphql(self, *, include_internal: bool = False) -> dict[str, object]:
        """Returns one entry of a GraphQL response's `errors`."""
        extensions: dict[str, object] = {"path": self.path, "code": self.code}
        if include_internal and self.internal is not None:
            extensions["internal"] = self.internal
        return {"message": self.message, "extensions": extensions}

    def to_graphql_response(self, *, include_internal: bool = False) -> dict[str, object]:
        """Returns a whole GraphQL response body."""
        return {"errors": [self.to_graphql(include_internal=include_internal)]}

    def to_api(self, *, include_internal: bool = False) -> dict[str, object]:
        """Returns the body that the metadata and query APIs answer with."""
        body: dict[str, object] = {"path": self.path, "error": self.message, "code": self.code}
        if include_internal and self.internal is not None:
            body["internal"] = self.internal
        return body


class ValidationFailed(EngineError):
    """Says that the document or its variables do not fit the role's schema."""

    code = "validation-failed"


class ParseFailed(EngineError):
    """Says that a value or document has the wrong form."""

    code = "parse-failed"


class PermissionDenied(EngineError):
    """Says that the role may not do this."""

    code = "permission-denied"


class AccessDenied(EngineError):
    """Says that the caller is not who the request needs."""

    code = "access-denied"


class NotExists(EngineError):
    """Says that a metadata call names something that is missing."""

    code = "not-exists"


class AlreadyExists(EngineError):
    """Says that a metadata call creates something that is there already."""

    code = "already-exists"


class NotSupported(EngineError):
    """Says that a valid request asks for something this engine does not do."""

    code = "not-supported"


class Unexpected(EngineError):
    """Reports a fault of ours; the message shows nothing internal."""

    code = "unexpected"
    status = 500


def bullets(reasons: Sequence[str]) -> str:
    """Returns one reason as it is, several as a list."""
    return reasons[0] if len(reasons) == 1 else "\n".join(f"  • {reason}" for reason in reasons)


def because(reasons: Sequence[str]) -> str:
    """Returns the end of a sentence that gives one reason, or lists several."""
    if len(reasons) == 1:
        return f"because {reasons[0]}"
    return f"for the following reasons:\n{bullets(reasons)}\n"


def refuse_endless_nesting(function: Callable[P, T]) -> Callable[P, T]:
    """Makes a function that walks what a client sent refuse what is nested beyond Python's stack."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except RecursionError:
            raise nested_too_deeply() from None

    return guarded


def nested_too_deeply() -> ValidationFailed:
    """Returns the error for a request that is nested beyond Python's stack."""
    return ValidationFailed("the query or its variables are nested too deeply")


def json_path(*steps: str | int) -> str:
    """Returns a path in Hasura's notation: `$.a.b[0]['odd key']`.

    >>> json_path("args", 0, "odd key")
    "$.args[0]['odd key']"
    """
    return "$" + "".join(_step(step) for step in steps)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    is_plain = step.replace("_", "a").replace("-", "a").isalnum() and not step[0].isdigit()
    return f".{step}" if is_plain else f"['{step}']"


def extend_path(path: str, steps: Sequence[str | int]) -> str:
    """Returns `path` continued by `steps`."""
    return path + json_path(*steps)[1:]
