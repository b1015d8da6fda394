"""Defines in-app notifications on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from platform_api.core.http.openapi import JsonText
from platform_api.core.http.pagination import Envelope
from platform_api.notifications.inbox.models import NotificationKind

MAX_ACTIONS = 5
MAX_DATA_BYTES = 16 * 1024


class NotificationAction(BaseModel):
    """Describes a button of a notification."""

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    url: str = Field(max_length=2000, description="http:// or https://, or a path of this platform")

    @field_validator("url")
    @classmethod
    def _leads_to_a_page(cls, url: str) -> str:
        # Browsers leave out tabs and line ends, and take a backslash for a slash.
        if any(character <= " " or character in "\x7f\\" for character in url) or not url.isprintable():
            raise ValueError("must not contain spaces, control characters or backslashes")
        if url.startswith("/") and not url.startswith("//"):
            return url
        try:
            parts = urlsplit(url)
            is_web_page = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            is_web_page = False
        if not is_web_page:
            raise ValueError("must be an http:// or https:// address, or a path that begins with one slash")
        return url


class NotificationWrite(BaseModel):
    """Describes a message to a user."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
    description: str | None = Field(default=None, max_length=4000)
    kind: NotificationKind = NotificationKind.INFO
    data: dict[str, Any] | None = Field(default=None, description="For programs; 16 KB of JSON at most")
    actions: list[NotificationAction] = Field(default=[], max_length=MAX_ACTIONS)
    user_id: int | None = Field(
        default=None,
        ge=1,
        le=2**31 - 1,
        description="Another member of the organization (owners and builders); absent: the token's user",
    )

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str) -> str:
        if not title.isprintable():
            raise ValueError("must be one line without control characters")
        return title

    @field_validator("data")
    @classmethod
    def _is_small(cls, data: dict[str, Any] | None) -> dict[str, Any] | None:
        try:
            size = len(orjson.dumps(data))
        except orjson.JSONEncodeError as error:
            # A TypeError, which pydantic takes for a fault of the program.
            raise ValueError(f"cannot be stored as JSON: {error}") from error
        if size > MAX_DATA_BYTES:
            raise ValueError(f"is larger than {MAX_DATA_BYTES} bytes of JSON")
        return data


class NotificationRead(BaseModel):
    """Shows a notification; unread while `read_at` is null."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    user_id: int
    app_id: int | None = Field(description="The app whose token sent it")
    run_id: int | None = Field(description="The run whose script sent it")
    kind: NotificationKind
    title: str
    description: str | None
    data: dict[str, Any] | None
    actions: list[NotificationAction]
    created_at: datetime
    read_at: datetime | None


class NotificationEvent(BaseModel):
    """Describes an event of the stream; its id is the notification's, to go on after."""

    event: Literal["notification"]
    id: str
    data: Annotated[str, JsonText(NotificationRead)]


class NoContent(BaseModel):
    """Holds nothing."""


class JobsEvent(BaseModel):
    """Describes an event that tells that imports or exports of the reader have changed; read them again."""

    event: Literal["jobs"]
    id: str
    data: Annotated[str, JsonText(NoContent)]


class NotificationPage(Envelope):
    """Holds a part of an inbox."""

    results: list[NotificationRead]


class UnreadCount(BaseModel):
    """Holds how many notifications are unread."""

    unread: int


class MarkedRead(BaseModel):
    """Holds how many notifications were unread before."""

    marked: int
