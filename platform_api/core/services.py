"""Keeps the parts of a running application, typed: each domain provides its parts under their class when it starts.

A domain with one part provides that part itself; one with several that belong together, or with one that may have
another class (a `Protocol`), provides a small frozen dataclass of them. Endpoints get a part as a dependency
(`Annotated[Gateway, Depends(provided(Gateway))]`) or, where every microsecond counts, from `services_of(request)`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

T = TypeVar("T")


class ServiceMissing(LookupError):
    """Says that a part was asked for which nothing has provided (yet)."""


class ServiceProvidedTwice(ValueError):
    """Says that a part was provided under a class that has one already."""


class Services:
    """Holds the parts of one application by their class."""

    def __init__(self) -> None:
        self._parts: dict[type[Any], Any] = {}

    def provide(self, part: T) -> T:
        """Keeps `part` under its own class and returns it. Raises ServiceProvidedTwice."""
        kind = type(part)
        if kind in self._parts:
            raise ServiceProvidedTwice(f"{kind.__qualname__} has been provided already")
        self._parts[kind] = part
        return part

    def find(self, kind: type[T]) -> T | None:
        """Returns the part of this class, or None when the installation has none."""
        part: T | None = self._parts.get(kind)
        return part

    def __getitem__(self, kind: type[T]) -> T:
        """Returns the part of this class. Raises ServiceMissing."""
        try:
            part: T = self._parts[kind]
        except KeyError:
            message = f"nothing has provided {kind.__qualname__}; the lifespan that does must come before its users"
            raise ServiceMissing(message) from None
        return part


def services_of(connection: HTTPConnection) -> Services:
    """Returns the parts of the application that serves this request or WebSocket."""
    services: Services = connection.app.state.services
    return services


def provided(kind: type[T]) -> Callable[[HTTPConnection], Awaitable[T]]:
    """Returns a FastAPI dependency: the application's part of this class."""

    # A coroutine: FastAPI runs plain functions in a thread, which costs more than the look-up.
    async def get(connection: HTTPConnection) -> T:
        return services_of(connection)[kind]

    return get
