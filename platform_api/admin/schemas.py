"""Defines the JSON of the installation's health."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from platform_api.admin.service import InstallationHealth


class RunnerRead(BaseModel):
    """Shows a runner that was active within the last day."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    is_present: bool = Field(description="Active within the last minute")
    isolation: str
    slots: int | None = Field(description="How many runs it executes at once, as far as it has shown")
    held: int = Field(description="Runs that it works on")
    seen_at: datetime


class QueueRead(BaseModel):
    """Shows the queue of runs over all organizations."""

    model_config = ConfigDict(from_attributes=True)

    waiting: int = Field(description="Runs that wait for a runner; 10000 stands for 10000 or more")
    held: int = Field(description="Runs that runners work on")
    oldest_waiting_seconds: float | None = Field(description="How long the oldest waits; null: none waits")


class StorageRead(BaseModel):
    """Shows what is stored; the disk is that of application files, null where they are elsewhere."""

    model_config = ConfigDict(from_attributes=True)

    database_bytes: int
    files_free_bytes: int | None
    files_total_bytes: int | None


class InstallationHealthRead(BaseModel):
    """Shows an operator how the installation does. It holds no secret and nothing of any organization."""

    status: Literal["ok", "unavailable"]
    parts: dict[str, str] = Field(description="`ok` or `unavailable`, as in `/health`")
    configured_isolation: str
    versions: dict[str, str]
    runners: list[RunnerRead]
    queue: QueueRead
    storage: StorageRead

    @classmethod
    def of(cls, health: InstallationHealth, parts: dict[str, Any], *, configured_isolation: str) -> Self:
        """Returns the report; `parts` is what the checks of `/health` answered."""
        words = {name: answer for name, answer in parts.items() if isinstance(answer, str)}
        return cls(
            status="unavailable" if "unavailable" in words.values() else "ok",
            parts=words,
            configured_isolation=configured_isolation,
            versions=health.versions,
            runners=[RunnerRead.model_validate(runner) for runner in health.runners],
            queue=QueueRead.model_validate(health.queue),
            storage=StorageRead.model_validate(health.storage),
        )
