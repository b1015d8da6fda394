"""Defines the JSON of documents."""

from datetime import datetime
from typing import Annotated, Self

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from platform_api.core.http.pagination import Envelope
from platform_api.core.types import AppId, UserId
from platform_api.documents.models import Document

MAX_VIEW_BYTES = 64 * 1024
MAX_DRAFT_BYTES = 512 * 1024


def _at_most(max_bytes: int) -> AfterValidator:
    def check(content: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            written = orjson.dumps(content)
        except orjson.JSONEncodeError as error:
            raise ValueError("it holds characters that are no Unicode text, or numbers beyond 64 bits") from error
        if len(written) > max_bytes:
            raise ValueError(f"it has {len(written):,} bytes as JSON; at most {max_bytes:,} are allowed")
        if b"\\u0000" in written:
            raise ValueError("it holds the character U+0000, which cannot be stored; remove it")
        return content

    return AfterValidator(check)


ViewContent = Annotated[dict[str, JsonValue], _at_most(MAX_VIEW_BYTES)]
DraftContent = Annotated[dict[str, JsonValue], _at_most(MAX_DRAFT_BYTES)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")
]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class ViewWrite(BaseModel):
    """Creates a view."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    is_shared: bool = Field(default=False, description="All members see it, and builders may change it")
    content: ViewContent = Field(
        description="The console's keys: `where` and `order` as in GraphQL, `group`, `hidden`, `widths`, `columns`"
    )


class ViewEdit(BaseModel):
    """Changes a view; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    base_revision: int = Field(ge=1, description="The revision that was changed; 409 when it is not the newest")
    name: Name | None = None
    is_shared: bool | None = None
    content: ViewContent | None = None


class ViewRead(BaseModel):
    """Describes a view."""

    id: int
    name: str
    is_shared: bool
    is_own: bool = Field(description="The caller made it")
    owner_id: UserId
    content: dict[str, JsonValue]
    revision: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: Document, reader: UserId) -> Self:
        return cls(
            id=document.id,
            name=document.name,
            is_shared=document.is_shared,
            is_own=document.owner_id == reader,
            owner_id=document.owner_id,
            content=document.content,
            revision=document.revision,
            created_at=document.created_at,
            updated_at=document.updated_at,
        )


class ViewPage(Envelope):
    results: list[ViewRead]


class DraftWrite(BaseModel):
    """Keeps a draft: a new one, or the next revision of the one with this subject."""

    model_config = ConfigDict(extra="forbid")

    app: int | str | None = Field(default=None, description="The app that it belongs to; null: the organization")
    subject: Subject = Field(description="What it is a draft of, for instance `code/main.py`")
    base_revision: int = Field(ge=0, description="The revision that was continued; 0 for a new draft")
    content: DraftContent


class DraftRead(BaseModel):
    """Describes a draft without its content."""

    id: int
    app_id: AppId | None
    subject: str
    revision: int
    created_at: datetime
    updated_at: datetime


class WholeDraftRead(DraftRead):
    """Describes a draft with its content."""

    content: dict[str, JsonValue]

    @classmethod
    def of(cls, document: Document) -> Self:
        return cls(**draft_of(document).model_dump(), content=document.content)


class DraftPage(Envelope):
    results: list[DraftRead]


def draft_of(document: Document) -> DraftRead:
    """Returns the description of a draft."""
    return DraftRead(
        id=document.id,
        app_id=document.app_id,
        subject=document.name,
        revision=document.revision,
        created_at=document.created_at,
        updated_at=document.updated_at,
    )
