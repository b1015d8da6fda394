"""Defines requests to and answers of the platform: GraphQL, actions, runs, tags, cache entries, pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from automio._decode import WireModel, as_integer, as_list, as_object, as_text

RunStatus = Literal["pending", "running", "completed", "failed", "stopped"]

T = TypeVar("T")


@dataclass(frozen=True)
class GraphQLRequest:
    """Describes a GraphQL document and its variables."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """Returns the JSON body, without fields that are None."""
        body: dict[str, Any] = {"query": self.query}
        if self.variables is not None:
            body["variables"] = dict(self.variables)
        if self.operation_name is not None:
            body["operationName"] = self.operation_name
        return body


@dataclass(frozen=True, kw_only=True)
class GraphQLError:
    """Describes one error of a GraphQL reply, with its path (list indexes as numbers or text) and extensions."""

    message: str
    locations: list[Any] = field(default_factory=list)
    path: list[str | int] = field(default_factory=list)
    extensions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str | None:
        """Returns Hasura's code, for example `validation-failed`."""
        code = self.extensions.get("code")
        return code if isinstance(code, str) else None

    @classmethod
    def from_wire(cls, payload: Any) -> "GraphQLError":
        source = as_object(payload)
        return cls(
            message=str(source.get("message", payload)),
            locations=as_list(source.get("locations")),
            path=as_list(source.get("path")),
            extensions=as_object(source.get("extensions")),
        )


@dataclass(frozen=True)
class GraphQLResponse:
    """Describes a GraphQL reply; `errors` is None when there are none."""

    data: Any = None
    errors: list[GraphQLError] | None = None
    extensions: Mapping[str, Any] | None = None

    @classmethod
    def from_wire(cls, payload: Any) -> "GraphQLResponse":
        source = as_object(payload)
        errors = [GraphQLError.from_wire(item) for item in as_list(source.get("errors"))]
        return cls(data=source.get("data"), errors=errors or None, extensions=source.get("extensions"))


@dataclass(frozen=True, kw_only=True)
class Tag(WireModel):
    """Describes a label on the rows of a table."""

    name: str
    id: int | None = None
    color: str | None = None
    count: int | None = None
    organization_id: int | None = None
    collection_name: str | None = None
    description: str | None = None
    created_at: datetime | None = field(default=None, metadata={"key": "createdAt"})
    updated_at: datetime | None = field(default=None, metadata={"key": "updatedAt"})

    def __getitem__(self, key: str) -> Any:
        """Returns a field by name: in the published client tags are dictionaries, so `tag["id"]` works here, too."""
        return self.raw[key]


@dataclass(frozen=True, kw_only=True)
class Action(WireModel):
    """Describes a script of an app that can be run."""

    name: str
    id: int | None = None
    slug: str | None = None
    action_type: str | None = None
    description: str | None = None
    table_name: str | None = None
    is_mine: bool | None = None
    can_view_code: bool | None = None
    required_confirmation: bool | None = None
    code: str | None = None
    input_schema: Any = None
    is_public: bool | None = None
    organization: int | None = None
    table: int | None = None
    app: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ActionRunResponse(WireModel):
    """Describes an accepted run: use `run_id` for its status and `task_id` for its log lines."""

    run_id: int
    task_id: str
    run_number: int


@dataclass(frozen=True, kw_only=True)
class ActionRunStatusResponse(WireModel):
    """Describes the state of a run. `progress` is 0 to 100, `result` the script's value."""

    status: str
    error: str | None = None
    logs: str | None = None
    progress: int | None = None
    result: Any = None

    @property
    def is_finished(self) -> bool:
        """Tells whether the run has ended, whether it succeeded or not."""
        return self.status in ("completed", "failed", "stopped")


@dataclass(frozen=True)
class CacheEntry:
    """Describes a cached value with its time to live: `ttl` in seconds, -1 when it does not expire."""

    key: str
    value: Any
    ttl: int
    exists: bool = True


@dataclass(frozen=True)
class Page(Generic[T]):
    """Describes one page of a list; `count` is the number of items on all pages."""

    count: int
    next: str | None
    previous: str | None
    results: Sequence[T]

    @classmethod
    def from_wire(cls, payload: Any, read: Callable[[Any], T]) -> "Page[T]":
        source = as_object(payload)
        results = [read(item) for item in as_list(source.get("results"))]
        count = as_integer(source.get("count"))
        return cls(
            count=len(results) if count is None else count,
            next=as_text(source.get("next")),
            previous=as_text(source.get("previous")),
            results=results,
        )
