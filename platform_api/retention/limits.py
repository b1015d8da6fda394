"""Defines how much of an app's history is kept."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from platform_api.core.settings import MAX_DAYS, Settings

_MAX = 2**31 - 1


def _limit(description: str, *, le: int = _MAX) -> int | None:
    value: int | None = Field(default=None, ge=1, le=le, description=description)
    return value


def _days(description: str) -> int | None:
    return _limit(description, le=MAX_DAYS)


class _Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeptRuns(_Limits):
    """Limits the runs of an app that have ended, of each organization. Null: as much as the installation keeps."""

    days: int | None = _days("Days that a run is kept after it was started")
    count: int | None = _limit("Runs that are kept of each organization that uses the app, the newest ones")
    megabytes: int | None = _limit(
        "Size of their events, results and errors, as stored, of each organization that uses the app"
    )


class KeptLogs(_Limits):
    """Limits the logs of an app's runs, of each organization. The lines go before the runs do."""

    days: int | None = _days("Days that a log is kept after its run was started")
    megabytes: int | None = _limit(
        "Size of all logs of an organization that uses the app; those of its newest runs are kept"
    )


class KeptCalls(_Limits):
    """Limits the log of the app's calls to integrations, by the organization whose connection is called."""

    days: int | None = _days("Days that an entry is kept")
    count: int | None = _limit("Entries that are kept of each organization, the newest ones")


class RetentionLimits(_Limits):
    """Says how much of an app's history is kept; null: as much as the installation keeps."""

    runs: KeptRuns = KeptRuns()
    logs: KeptLogs = KeptLogs()
    calls: KeptCalls = KeptCalls()

    def within(self, ceiling: "RetentionLimits") -> "RetentionLimits":
        """Returns the limits that apply: in each case the lower one."""
        own, highest = self.model_dump(), ceiling.model_dump()
        return RetentionLimits.model_validate(
            {kind: {name: _lower(own[kind][name], highest[kind][name]) for name in own[kind]} for kind in own}
        )


def stored_limits(stored: Mapping[str, Mapping[str, Any]]) -> RetentionLimits:
    """Returns limits as they were accepted; more days than can be counted back are as many as can be."""
    return RetentionLimits.model_validate(
        {
            kind: {name: min(value, MAX_DAYS) if name == "days" else value for name, value in limits.items()}
            for kind, limits in stored.items()
        }
    )


def _lower(own: int | None, ceiling: int | None) -> int | None:
    return min((value for value in (own, ceiling) if value is not None), default=None)


def ceiling_of(settings: Settings) -> RetentionLimits:
    """Returns what the installation keeps of each app; null is without a limit, which the settings write as 0."""
    return RetentionLimits(
        runs=KeptRuns(
            days=settings.runs_days or None,
            count=settings.runs_count or None,
            megabytes=settings.runs_megabytes or None,
        ),
        logs=KeptLogs(days=settings.run_logs_days or None, megabytes=settings.run_logs_megabytes or None),
        calls=KeptCalls(days=settings.integration_call_log_days, count=settings.integration_call_log_count or None),
    )
