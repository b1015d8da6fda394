"""Defines the bodies of the log of calls and of the month's budget."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from platform_api.core.http.openapi import JsonText
from platform_api.integrations.schemas import ApiResponse


class LoggedCallRead(BaseModel):
    """Describes a call by its metadata only."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    created_at: datetime
    integration_id: str
    connection_id: int
    app_id: int | None = Field(description="The app that called, if any")
    user_id: int | None = Field(description="Null when a script of an installed app's owner called")
    run_id: int | None
    method: str
    endpoint: str
    status_code: int
    ok: bool
    elapsed_ms: int


class LoggedCallPage(BaseModel):
    count: int
    next: str | None
    previous: str | None
    results: list[LoggedCallRead]


class Usage(BaseModel):
    """Counts the calls of the current calendar month (UTC); `calls_per_month` is null without a budget."""

    month: str
    calls: int
    calls_per_month: int | None


class BudgetWrite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    calls_per_month: Annotated[int | None, Field(ge=0, le=2**62)]


class StreamedAnswer(BaseModel):
    """Describes what a service answered to one of many calls, and what became of the call."""

    api_data: Any
    api_response: ApiResponse
    invocation_id: str | None
    outcome: str
    business_ok: bool | None
    may_have_executed: bool


class ParallelAnswer(StreamedAnswer):
    """Describes the answer to one of many calls; `ok` is false for one that was not made."""

    connection_id: int | str | None
    organization_id: int | str | None


class ParallelRead(BaseModel):
    """Holds the answers in the order of `data_list`, and how many calls each connection made."""

    responses: list[ParallelAnswer]
    connections_used: dict[str, int]


class ParallelForConnectionRead(BaseModel):
    """Holds the answers in the order of `data_list`."""

    responses: list[ParallelAnswer]
    connection_id: str


class ParallelProgress(BaseModel):
    """Describes a call that has ended; `index` is its place in `data_list`."""

    index: int
    total: int
    completed: int
    connection_id: int | str | None
    organization_id: int | str | None
    response: StreamedAnswer


class ParallelEnd(BaseModel):
    """Describes the end of a stream of calls."""

    completed: Literal[True]
    total_processed: int


class ParallelEvent(BaseModel):
    """Describes the event of one call; the data are JSON."""

    data: Annotated[str, JsonText(ParallelProgress)]


class ParallelEndEvent(BaseModel):
    """Describes the last event; the data are JSON."""

    data: Annotated[str, JsonText(ParallelEnd)]
