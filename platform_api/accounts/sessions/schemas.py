"""Defines the JSON of a user's own sign-ins."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from platform_api.accounts.sessions.service import OwnSignIn


class SignInRead(BaseModel):
    """Shows one sign-in of the caller on the web pages."""

    id: UUID
    created_at: datetime
    last_used_at: datetime = Field(description="To within five minutes")
    expires_at: datetime
    user_agent: str = Field(description="The beginning of what the browser called itself; empty when unknown")
    address: str = Field(description="The network address it was made from; empty when unknown")
    is_current: bool = Field(description="Whether this request was made with it")

    @classmethod
    def of(cls, own: OwnSignIn) -> Self:
        row = own.sign_in
        return cls(
            id=row.id,
            created_at=row.created_at,
            last_used_at=row.last_used_at or row.created_at,
            expires_at=row.expires_at,
            user_agent=row.user_agent,
            address=row.address,
            is_current=own.is_current,
        )
