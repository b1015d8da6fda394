"""Defines the bodies of the log of calls and of the month's budget."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


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
