"""Defines what is told of a call that was made with a key."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from platform_api.integrations.schemas import ApiResponse


class ResultFileRead(BaseModel):
    """Describes an answer that is not text."""

    download_path: str
    content_type: str
    size: int = Field(description="In bytes")


class InvocationRead(BaseModel):
    """Describes a call that was made with a key, as it is known now."""

    invocation_id: str
    integration_id: str
    is_under_way: bool
    outcome: str | None = Field(description="`succeeded`, `failed` or `unknown`; null while it is under way")
    business_ok: bool | None = Field(description="Null when nobody knows")
    may_have_executed: bool
    api_data: Any
    api_response: ApiResponse | None = Field(description="Null when it is not there, or was too large to keep")
    result_file: ResultFileRead | None
    created_at: datetime
    ended_at: datetime | None
