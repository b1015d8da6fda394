"""Defines what runners send and get over HTTP."""

from pydantic import BaseModel, ConfigDict, Field

from platform_api.runs.runner_schemas import MAX_WAIT_SECONDS, Isolation, RunnerId


class LanguageServerClaim(BaseModel):
    """Asks for language servers to run."""

    model_config = ConfigDict(extra="ignore")

    runner_id: RunnerId
    isolation: Isolation
    slots: int = Field(ge=1, le=64)
    limit: int = Field(ge=1, le=64)
    wait_seconds: float = Field(default=0, ge=0, le=MAX_WAIT_SECONDS, allow_inf_nan=False)


class LanguageServerClaims(BaseModel):
    """Lists the language servers that the runner holds now, by id."""

    servers: list[int]
