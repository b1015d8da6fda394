"""Defines actions on the wire (contract §10)."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema, field_validator

from platform_api.actions.input_schema import MAX_VALUES
from platform_api.actions.models import ActionType, DescribedAction, Rerun
from platform_api.runs.drafts import MAX_DRAFT_BYTES, MAX_DRAFT_FILES
from platform_api.runs.limits import RunLimits
from platform_api.runs.schemas import RunIds, RunStarted

MAX_EVENT_ROWS = 10_000

ActionSlug = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][-A-Za-z0-9_]*$", max_length=63),
    Field(description="`[A-Za-z_][-A-Za-z0-9_]*`, unique in the app"),
]
Entry = Annotated[str, Field(description="`file.py` or `file.py:function` in the app's source tree", max_length=250)]
Code = Annotated[str, Field(description="Becomes the content of the entry's file, as a new source version")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Description = Annotated[str, Field(max_length=10_000)]
InputSchema = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}],
            "description": f"JSON Schema (draft 2020-12) of `user_input`; at most {MAX_VALUES} values; null: any",
        }
    ),
]


class ActionCreate(BaseModel):
    """Describes a new action."""

    model_config = ConfigDict(extra="ignore")

    name: Name
    app: int | str | None = Field(default=None, description="Id, slug or `<org>/<app>`; the token's app when absent")
    action_type: ActionType = ActionType.USER
    slug: ActionSlug | None = Field(default=None, description="Derived from the name when absent")
    description: Description = ""
    entry: Entry | None = Field(default=None, description="`actions/<slug>.py` when only `code` is given")
    code: Code | None = None
    table: int | str | None = Field(default=None, description="Id or name of the table it works on")
    input_schema: InputSchema = None
    limits: RunLimits | None = None
    allows_retries: bool = Field(
        default=False, description="A run whose runner is lost may be run again from the beginning"
    )
    is_public: bool = Field(default=False, description="Members of organizations that installed the app may start it")
    required_confirmation: bool = False


class ActionUpdate(BaseModel):
    """Changes an action; what is left out stays as it is."""

    model_config = ConfigDict(extra="ignore")

    name: Name | None = None
    action_type: ActionType | None = None
    slug: ActionSlug | None = None
    description: Description | None = None
    entry: Entry | None = None
    code: Code | None = None
    table: int | str | None = None
    input_schema: InputSchema = None
    limits: RunLimits | None = None
    allows_retries: bool | None = None
    is_public: bool | None = None
    required_confirmation: bool | None = None


class ActionRead(BaseModel):
    """Shows an action as the published clients know it, with some more fields."""

    id: int
    name: str
    slug: str
    action_type: ActionType
    description: str
    entry: str
    app: int
    organization: int = Field(description="The organization that owns the app")
    is_mine: bool = Field(description="Whether that is the caller's organization")
    table: int | None
    table_name: str | None
    input_schema: InputSchema
    limits: RunLimits
    allows_retries: bool
    is_public: bool
    required_confirmation: bool
    can_view_code: bool
    code: str | None = Field(description="The entry's file; only when a single action is requested")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, described: DescribedAction) -> Self:
        action = described.action
        return cls(
            id=action.id,
            name=action.name,
            slug=action.slug,
            action_type=action.action_type,
            description=action.description,
            entry=action.entry,
            app=described.app.id,
            organization=described.app.organization_id,
            is_mine=described.is_mine,
            table=action.table_id,
            table_name=described.table_name,
            input_schema=action.input_schema,
            limits=RunLimits(**action.limits),
            allows_retries=action.allows_retries,
            is_public=action.is_public,
            required_confirmation=action.required_confirmation,
            can_view_code=described.can_view_code,
            code=described.code,
            created_at=action.created_at,
            updated_at=action.updated_at,
        )


class RunRequest(BaseModel):
    """Holds what a run is started with; all fields are optional."""

    model_config = ConfigDict(extra="ignore")

    selected_rows: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=MAX_EVENT_ROWS)
    selected_all: bool = False
    filter_params: dict[str, Any] = {}
    user_input: dict[str, Any] = {}
    connection_id: Annotated[str, Field(max_length=200)] | None = None
    language: Literal["python", "javascript"] | None = None
    draft: Annotated[
        dict[str, str | None] | None,
        Field(
            max_length=MAX_DRAFT_FILES,
            description="Files that are not saved, text by path, over the newest version; null: the file is not"
            f" there. For builders; {MAX_DRAFT_BYTES} bytes in all",
        ),
    ] = None

    @field_validator("selected_rows", "filter_params", "user_input", "selected_all", mode="before")
    @classmethod
    def _none_is_nothing(cls, value: object, info: Any) -> object:
        return cls.model_fields[info.field_name].get_default() if value is None else value

    @field_validator("connection_id", mode="before")
    @classmethod
    def _number_is_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    def event(self) -> dict[str, Any]:
        """Returns the event that the script is given."""
        return {
            "user_input": self.user_input,
            "selected_rows": self.selected_rows,
            "selected_all": self.selected_all,
            "filter_params": self.filter_params,
        }


class RunVersion(StrEnum):
    """Lists which version of the source a repeated run executes."""

    SAME = "same"
    """That of the run which it repeats."""
    LATEST = "latest"


class RerunRequest(BaseModel):
    """Says how a run is repeated."""

    model_config = ConfigDict(extra="forbid")

    event: dict[str, Any] | None = Field(default=None, description="The whole new event; absent or null: the same")
    version: RunVersion = RunVersion.SAME


class RerunsRequest(BaseModel):
    """Names the runs that are to be repeated with their events."""

    model_config = ConfigDict(extra="forbid")

    runs: RunIds
    version: RunVersion = RunVersion.SAME


class RunRepeated(BaseModel):
    """Tells what became of the request to repeat one run."""

    run: int
    is_done: bool
    error: str | None = Field(description="Why not")
    new_run: RunStarted | None

    @classmethod
    def of(cls, rerun: Rerun) -> Self:
        new_run = None if rerun.new_run is None else RunStarted.of(rerun.new_run)
        return cls(run=rerun.run_id, is_done=new_run is not None, error=rerun.error, new_run=new_run)


class RerunsResult(BaseModel):
    """Answers for each run by itself, in the order of the request."""

    results: list[RunRepeated]

    @classmethod
    def of(cls, reruns: Sequence[Rerun]) -> Self:
        return cls(results=[RunRepeated.of(rerun) for rerun in reruns])
