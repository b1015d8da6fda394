"""Defines syncs on the wire, and the stored declaration of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    StringConstraints,
    field_validator,
    model_serializer,
    model_validator,
)

from platform_api.core.http.pagination import Envelope
from platform_api.integrations.definitions.pagination import PagingKeys
from platform_api.schedules.schemas import STORED, Schedule
from platform_api.syncs.models import Sync, SyncRun, SyncRunState
from platform_api.syncs.paths import Path

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=63)]
Word = Annotated[str, Field(min_length=1, max_length=100)]
ConnectionId = Annotated[int, Field(ge=1, le=2**63 - 1)]
RESERVED_NAMES = frozenset({"preview"})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SyncRequest(_Strict):
    """Describes the call that returns a page of the list; what pages and cursors need is added to `params`."""

    method: Literal["GET", "POST"] = "GET"
    endpoint: Annotated[str, Field(min_length=1, max_length=500)]
    params: dict[Word, JsonValue] = {}
    headers: dict[Word, str] = {}
    data: JsonValue = None


class SyncPagination(PagingKeys):
    """Says how the list is paged. `single`: one page. `after`: by the incremental parameter, until nothing is new."""

    style: Literal["link", "cursor", "page", "offset", "single", "after"]
    parameter: Word | None = None
    size_parameter: Word | None = None


class Mapped(_Strict):
    """Maps a column to the value at `path`, with `default` where there is none; or to the constant `value`."""

    path: Path | None = None
    default: JsonValue = None
    value: JsonValue = None

    @model_serializer(mode="wrap")
    def _as_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        # A declaration that was read may be sent again: a path beside `"value": null` would be two sources.
        dumped: dict[str, JsonValue] = handler(self)
        return {name: value for name, value in dumped.items() if name in self.model_fields_set}

    @model_validator(mode="after")
    def _has_one_source(self) -> "Mapped":
        given = self.model_fields_set
        if ("path" in given) == ("value" in given) or self.path == "":
            raise ValueError("give either a path (with or without a default) or a constant value")
        if "value" in given and "default" in given:
            raise ValueError("a constant value takes no default")
        return self


class Incremental(_Strict):
    """Describes the value that an incremental run begins after.

    It is taken from the items (the largest, or the last one) or from the answer (the last), and sent as `parameter`,
    less `overlap`: seconds for a time, a number for a number. `initial` is sent by the first run.
    """

    parameter: Word
    source: Literal["item", "answer"] = "item"
    path: Path
    take: Literal["largest", "last"] = "largest"
    initial: str | int | float | None = None
    overlap: Annotated[float, Field(ge=0, le=10**9)] = 0


class Tombstones(_Strict):
    """Says when a row is deleted, and what then happens to it.

    `path`: an item is deleted when its value at this path is one of `values` (without them: any but null and false).
    `absent`: rows that a full run does not see are deleted. `column`: a boolean set to true, or a timestamptz set to
    now, instead of deleting the row.
    """

    path: Path | None = None
    values: Annotated[list[str | int | bool], Field(min_length=1, max_length=50)] | None = None
    absent: bool = False
    column: Word | None = None

    @model_validator(mode="after")
    def _says_when(self) -> "Tombstones":
        if not self.path and not self.absent:
            raise ValueError("say when an item is deleted: by a path, or when it is absent in a full run")
        if self.values is not None and not self.path:
            raise ValueError("values are compared with the value at a path; give the path")
        return self


class Limits(_Strict):
    """Limits one run."""

    pages: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    items: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000_000
    seconds: Annotated[int, Field(ge=1, le=24 * 3600)] = 3600


class Declaration(_Strict):
    """Declares what is read, where it is stored, and when."""

    integration_id: Annotated[str, Field(max_length=100)]
    connection_ids: Annotated[list[ConnectionId], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="null: all that the app may use"
    )
    request: SyncRequest
    pagination: SyncPagination | None = Field(default=None, description="null: as declared by the integration")
    items: Path = Field(
        default="",
        description="Path of the list in the answer; empty: the answer is the list. `*`: the values of an"
        " object, `?`: the one list there is",
    )
    table: Annotated[str, Field(min_length=1, max_length=63)]
    mapping: Annotated[dict[Word, Path | Mapped], Field(min_length=1, max_length=500)] = Field(
        description="For each column of the table: a path in the item, or {path, default} or {value}"
    )
    key: Annotated[list[Word], Field(min_length=1, max_length=16)] = Field(
        description="Columns of a unique key of the table, by which items find their rows"
    )
    mode: Literal["full", "incremental"] = "full"
    incremental: Incremental | None = None
    tombstones: Tombstones | None = None
    schedule: Schedule | None = Field(default=None, description="null: only when it is started")
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _check_consistency(self) -> "Declaration":
        if (self.mode == "incremental") != (self.incremental is not None):
            raise ValueError("`incremental` and mode incremental belong together: give both or neither")
        if self.tombstones is not None and self.tombstones.absent and self.mode != "full":
            raise ValueError("tombstones.absent needs the whole list: use mode full, or mark deleted items by a path")
        if self.pagination is not None and self.pagination.style == "after" and self.incremental is None:
            raise ValueError("pagination.style after pages by the incremental parameter: use mode incremental")
        if empty := [name for name, source in self.mapping.items() if source == ""]:
            raise ValueError(f"mapping.{empty[0]}: the path is empty; give the path of a value in the item")
        return self

    @property
    def sources(self) -> Mapping[str, Mapped]:
        """Returns the mapping in its long form."""
        return {
            name: Mapped(path=source) if isinstance(source, str) else source for name, source in self.mapping.items()
        }

    @property
    def sweeps(self) -> bool:
        """Returns true if rows that a full walk does not see are tombstoned."""
        return self.tombstones is not None and self.tombstones.absent


def stored_declaration(stored: Mapping[str, Any]) -> Declaration:
    """Returns a declaration as it was accepted, even if it would be refused now. Raises ValidationError."""
    return Declaration.model_validate(stored, context=STORED)


class SyncWrite(Declaration):
    """Describes a sync to create, or to replace as a whole."""

    name: Name
    enabled: bool = True

    @field_validator("name")
    @classmethod
    def _refuse_reserved(cls, value: str) -> str:
        if value in RESERVED_NAMES:
            raise ValueError(f"{value!r} is reserved; choose another name")
        return value

    def declaration(self) -> Declaration:
        """Returns the part that is stored unchanged."""
        return Declaration.model_validate(
            self.model_dump(mode="json", exclude={"name", "enabled"}, exclude_unset=True)
        )


class SyncPreviewWrite(Declaration):
    """Describes a declaration to try; `connection_id` chooses the connection, by default the first it would use."""

    connection_id: ConnectionId | None = None


class Rejection(BaseModel):
    """Describes an item that could not be stored. `item` is its place in the page, from 1."""

    page: int
    item: int
    key: str | None = None
    column: str | None = None
    reason: str


class SyncPreviewRead(BaseModel):
    """Shows the first items of the first page, mapped; nothing is stored."""

    connection_id: int
    items: int = Field(description="Number of items of the page")
    rows: list[dict[str, Any]]
    deleted: int
    rejected: list[Rejection]
    has_next: bool


class SyncRunRead(BaseModel):
    """Shows a run for one connection. `seen` counts items, `rejections` are the first of those that were rejected."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    connection_id: int
    state: SyncRunState
    kind: str | None
    pages: int
    seen: int
    inserted: int
    updated: int
    deleted: int
    rejected: int
    rejections: list[Rejection]
    error: str | None
    planned_at: datetime | None = Field(description="The first time of the schedule that it counts for")
    ticks: int = Field(description="Times of the schedule that it counts for; 0: it was started by hand")
    missed: int = Field(description="Those of them that had no run of their own")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class SyncCheckpointRead(BaseModel):
    """Shows how far a connection is: the incremental value, and the kind of a walk that has not come to its end."""

    connection_id: int
    cursor: JsonValue
    unfinished: str | None


class SyncRead(BaseModel):
    """Shows a sync, how far it is and its latest run for each connection."""

    id: int
    name: str
    app: int
    organization: int
    user: int = Field(description="The user whose rights its runs have: who created it or changed it last")
    enabled: bool
    declaration: Declaration
    next_run_at: datetime | None
    next_runs: list[datetime] = Field(description="The next times of its schedule, five at most")
    problem: str | None = Field(description="Why it was not started when it was due")
    checkpoints: list[SyncCheckpointRead]
    runs: list[SyncRunRead]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(
        cls,
        sync: Sync,
        declaration: Declaration,
        *,
        next_runs: Sequence[datetime],
        problem: str | None,
        checkpoints: list[SyncCheckpointRead],
        runs: Sequence[SyncRun],
    ) -> Self:
        return cls(
            id=sync.id,
            name=sync.name,
            app=sync.app_id,
            organization=sync.organization_id,
            user=sync.user_id,
            enabled=sync.is_enabled,
            declaration=declaration,
            next_run_at=sync.next_run_at,
            next_runs=list(next_runs),
            problem=problem,
            checkpoints=checkpoints,
            runs=[SyncRunRead.model_validate(run) for run in runs],
            created_at=sync.created_at,
            updated_at=sync.updated_at,
        )


class SyncSelection(_Strict):
    """Chooses a connection; null: all of the sync's."""

    connection_id: ConnectionId | None = None


class BackfillWrite(SyncSelection):
    """Reads the list again from `start` (null: from the beginning); until it is complete the checkpoint stays."""

    start: str | int | float | None = None


class SyncPage(Envelope):
    results: list[SyncRead]
