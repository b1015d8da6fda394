"""Turns the operations of a resource into blocking and awaitable methods.

    class ActionsOperations(Resource):
        @operation
        def run_status(self, run_id: int) -> Call[ActionRunStatusResponse]: ...

    class Actions(ActionsOperations, SyncResource): ...         # .run_status(5) -> ActionRunStatusResponse
    class AsyncActions(ActionsOperations, AsyncResource): ...   # await .run_status(5)

Signature, documentation and logic are written once; type checkers see the right return type on both classes.
"""

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from automio._connection_memory import ConnectionMemory
from automio._exchange import Batch, Call, EventSource, Exchange, Steps
from automio._settings import Settings

if TYPE_CHECKING:
    from automio._async_driver import AsyncDriver
    from automio._sync_driver import SyncDriver

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(kw_only=True)
class Context:
    """Holds shared state of one client's resources; `client` is that client, which plugin code sees as `api`."""

    settings: Settings
    memory: ConnectionMemory
    strict_exit: bool = False
    client: Any = None


class Resource:
    """Represents a group of operations that share one client's settings and driver."""

    _driver: Any

    def __init__(self, driver: Any, context: Context) -> None:
        self._driver = driver
        self._context = context

    @property
    def _settings(self) -> Settings:
        return self._context.settings

    @property
    def _memory(self) -> ConnectionMemory:
        return self._context.memory


class SyncResource(Resource):
    """Represents a resource with blocking operations."""

    _driver: "SyncDriver"


class AsyncResource(Resource):
    """Represents a resource with operations that are awaited."""

    _driver: "AsyncDriver"


class operation(Generic[P, T]):  # noqa: N801 (used as a decorator)
    """Decorates methods that describe an exchange; calling the method on a client runs the exchange."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Exchange[T] | Steps[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: SyncResource, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, resource: AsyncResource, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, resource: Any, owner: type) -> Any:
        return self if resource is None else _bound(self.describe, resource, resource._driver.run)


class stream_operation(Generic[P, T]):  # noqa: N801 (used as a decorator)
    """Decorates methods that describe a stream; calling the method returns an iterator over its items."""

    def __init__(self, describe: Callable[Concatenate[Any, P], EventSource[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: SyncResource, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, resource: AsyncResource, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, resource: Any, owner: type) -> Any:
        return self if resource is None else _bound(self.describe, resource, resource._driver.stream)


class pages_operation(Generic[P, T]):  # noqa: N801 (used as a decorator)
    """Decorates methods that describe a list in pages; calling the method iterates over all items."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[Batch[T]]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: SyncResource, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, resource: AsyncResource, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, resource: Any, owner: type) -> Any:
        return self if resource is None else _bound(self.describe, resource, resource._driver.pages)


def _bound(describe: Callable[..., Any], resource: Resource, run: Callable[[Any], Any]) -> Callable[..., Any]:
    def method(*arguments: Any, **keywords: Any) -> Any:
        return run(describe(resource, *arguments, **keywords))

    functools.update_wrapper(method, describe)
    # For `help()` and `inspect.signature()`, which show the parameters without `self`.
    method.__wrapped__ = MethodType(describe, resource)  # type: ignore[attr-defined]  # functions take attributes
    return method
