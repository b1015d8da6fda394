"""Refuses query parameters that an operation does not have: a misspelt filter would otherwise show everything."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any
from weakref import WeakKeyDictionary

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from platform_api.core.errors import FieldError, Unprocessable

_MAX_REPORTED = 20
_MAX_NAMED = 5
_MAX_NAME_CHARACTERS = 50

_known: WeakKeyDictionary[Callable[..., Any], frozenset[str]] = WeakKeyDictionary()
"""The parameters of each endpoint's function, computed at its first request that has any."""


class UnknownParameter(Unprocessable):
    """Reports a query parameter that the operation does not have."""

    code = "unknown_parameter"


async def refuse_unknown_parameters(request: HTTPConnection) -> None:
    """Raises UnknownParameter, with the closest name that the operation has. Costs nothing without a query."""
    # A browser's preflight has the query of the request that follows.
    if not request.scope["query_string"] or request.scope.get("method") == "OPTIONS":
        return
    route = request.scope["route"]
    assert isinstance(route, APIRoute | APIWebSocketRoute)
    known = _known.get(route.endpoint)
    if known is None:
        known = _known[route.endpoint] = frozenset(_names(route.dependant))
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        fields = [FieldError(name[:_MAX_NAME_CHARACTERS], _hint(name, known)) for name in unknown[:_MAX_REPORTED]]
        message = "; ".join(f"{field.path}: {field.message}" for field in fields[:_MAX_NAMED])
        raise UnknownParameter(message, fields=fields)


def _names(dependant: Dependant) -> Iterator[str]:
    """Yields the query parameters of an endpoint and of what it depends on, as they are sent."""
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            for name, info in model.model_fields.items():
                yield info.alias or name
        else:
            yield field.alias
    for dependency in dependant.dependencies:
        yield from _names(dependency)


def _hint(name: str, known: frozenset[str]) -> str:
    closest = get_close_matches(name[:_MAX_NAME_CHARACTERS], sorted(known), n=1)
    if closest:
        return f"is not a query parameter of this operation; did you mean {closest[0]}?"
    takes = f"has {', '.join(sorted(known))}" if known else "has none"
    return f"is not a query parameter of this operation, which {takes}"
