"""Defines mail on the wire (contract §12)."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from platform_api.notifications.mail.models import MailState

MAX_BODY_LENGTH = 256 * 1024


class NotifyMe(BaseModel):
    """Describes a mail to oneself."""

    model_config = ConfigDict(extra="ignore")

    subject: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    text: str | None = Field(default=None, max_length=MAX_BODY_LENGTH, description="Derived from `html` when absent")
    html: str | None = Field(default=None, max_length=MAX_BODY_LENGTH, description="Derived from `text` when absent")

    @field_validator("subject")
    @classmethod
    def _one_line(cls, subject: str) -> str:
        # A character that some program takes for a line end could begin another header.
        if not subject.isprintable():
            raise ValueError("must be one line without control characters")
        return subject

    @field_validator("text", "html")
    @classmethod
    def _storable(cls, body: str | None) -> str | None:
        return None if body is None else body.replace("\x00", "\ufffd")


class NotifyMeReply(BaseModel):
    """Reports what was done with the mail."""

    success: Literal[True] = True
    id: int
    state: MailState
    recipient: str
    message: str


class MailRead(BaseModel):
    """Shows a mail in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    recipient: str
    subject: str
    text: str
    state: MailState
    attempts: int
    last_error: str | None
    run_id: int | None = Field(description="The run whose script sent it")
    created_at: datetime
    sent_at: datetime | None


class MailDetail(MailRead):
    """Shows a whole mail."""

    html: str


class MailPage(BaseModel):
    """Holds the contract's pagination envelope."""

    count: int
    next: str | None
    previous: str | None
    results: list[MailRead]
