"""Defines the JSON of an organization's usage."""

from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from platform_api.core.settings import Settings
from platform_api.files.service import MAX_FILES
from platform_api.usage.service import OrganizationUsage


class Amount(BaseModel):
    """Tells how much is used, and how much may be; `limit` is null without one."""

    used: int
    limit: int | None


class DayRead(BaseModel):
    """Counts one day (UTC); null for a day so long ago, before so much else, that it is not counted."""

    model_config = ConfigDict(from_attributes=True)

    day: date
    runs: int | None
    failed_runs: int | None
    calls: int | None
    failed_calls: int | None


class UsageRead(BaseModel):
    """Tells what an organization uses."""

    calls_this_month: Amount = Field(description="Calls to integrations in the calendar month (UTC), and the budget")
    file_bytes: Amount
    files: Amount
    rows: Amount = Field(description="Rows of the organization's apps, with those of installers; an estimate")
    tables: Amount
    members: Amount
    days: list[DayRead] = Field(description="The last 30 days, today last")

    @classmethod
    def of(cls, usage: OrganizationUsage, settings: Settings) -> Self:
        return cls(
            calls_this_month=Amount(used=usage.calls.calls, limit=usage.calls.budget),
            file_bytes=Amount(used=usage.files.bytes, limit=settings.files_quota_bytes),
            files=Amount(used=usage.files.files, limit=MAX_FILES),
            rows=Amount(used=usage.stored.rows, limit=None),
            tables=Amount(used=usage.stored.tables, limit=None),
            members=Amount(used=usage.members, limit=None),
            days=[DayRead.model_validate(day) for day in usage.days],
        )
