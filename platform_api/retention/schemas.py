"""Defines the JSON of what is kept of an app's history."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from platform_api.retention.limits import RetentionLimits
from platform_api.retention.service import Retention


class HistoryRead(BaseModel):
    """Describes what there is of an app's history, of all organizations that use it."""

    runs: int
    run_bytes: int = Field(description="Of events, results and errors, as stored")
    oldest_run_at: datetime | None
    log_bytes: int
    calls: int = Field(description="Entries in the log of calls to integrations")
    oldest_call_at: datetime | None
    deliveries: int = Field(description="Deliveries of webhooks that are remembered, so that each starts one run")


class RetentionRead(BaseModel):
    """Tells how much of an app's history is kept, and how much there is."""

    limits: RetentionLimits = Field(description="As the app says; null: as much as the installation keeps")
    applied: RetentionLimits = Field(description="What applies: in each case the lower one")
    installation: RetentionLimits = Field(
        description="The most that is kept of each organization in any app; null: without a limit"
    )
    history: HistoryRead

    @classmethod
    def of(cls, retention: Retention) -> Self:
        return cls(
            limits=retention.limits,
            applied=retention.limits.within(retention.ceiling),
            installation=retention.ceiling,
            history=HistoryRead.model_validate(retention.history),
        )
