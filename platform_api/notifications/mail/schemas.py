"""Mail on the wire (contract §12)."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from platform_api.notifications.mail.models import MailState

MAX_BODY_LENGTH = 256 * 1024


class NotifyMe(BaseModel):
    """A mail to oneself."""

    model_config = ConfigDict(extra="ignore")

    subject: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    text: str | None = Field(default=None, max_length=MAX_BODY_LENGTH, description="Made from `html` when absent")
    html: str | None = Field(default=None, max_length=MAX_BODY_LENGTH, description="Made from `text` when absent")

    @field_validator("subject")
    @classmethod
    def _one_line(cls, subject: str) -> str:
        # Whatever ends a line somewhere could begin another header.
        if not subject.isprintable():
            raise ValueError("must be one line without control characters")
        return subject

    @field_validator("text", "html")
    @classmethod
    def _storable(cls, body: str | None) -> str | None:
        return None if body is None else body.replace("\x00", "\ufffd")


class NotifyMeReply(BaseModel):
    """What became of the mail."""

    success: Literal[True] = True
    id: int
    state: MailState
    recipient: str
    message: str


class MailRead(BaseModel):
    """A mail in a list."""

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
    """A whole mail."""

    html: str


class MailPage(BaseModel):
    """The contract's pagination envelope."""

    count: int
    next: str | None
    previous: str | None
    results: list[MailRead]
