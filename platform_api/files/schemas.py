"""Defines the JSON of files."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from platform_api.core.settings import Settings

MAX_LINK_SECONDS = 7 * 86400


class FileRead(BaseModel):
    """Describes a file, without its content."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    app_id: int
    organization_id: int
    name: str
    content_type: str
    size: int = Field(description="In bytes")
    sha256: str = Field(description="Of the content, in hexadecimal digits")
    created_by: int | None = Field(description="Id of the user")
    run_id: int | None = Field(description="The run whose script stored it")
    created_at: datetime
    updated_at: datetime


class FilePage(BaseModel):
    """Holds one page of files in the contract's pagination envelope."""

    count: int
    next: str | None
    previous: str | None
    results: list[FileRead]


class FileFromUrl(BaseModel):
    """Names a URL whose content the platform fetches and stores."""

    url: str = Field(min_length=1, max_length=4000, description="http:// or https://, on the public internet")
    name: str | None = Field(
        default=None, max_length=1000, description="When absent, taken from the response or the URL"
    )
    content_type: str | None = Field(default=None, max_length=200)
    for_organization: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="For an owner's script: another organization it works for"
    )


class FileRename(BaseModel):
    """Gives a file a new name."""

    name: str = Field(max_length=1000)


class FileLinkWrite(BaseModel):
    """Sets how long a link works."""

    expires_in: int = Field(default=3600, ge=1, le=MAX_LINK_SECONDS, description="In seconds; at most 7 days")


class FileLinkRead(BaseModel):
    """Holds a link that opens the file without a token until it expires or the file is deleted."""

    url: str
    expires_at: datetime


class FileUsage(BaseModel):
    """Tells how much the organization stores in all its apps, and its limits."""

    files: int
    bytes: int
    quota_bytes: int
    file_bytes: int = Field(description="Maximum size of one file, in bytes")
    content_types: list[str] = Field(description="Content types that may be stored")

    @classmethod
    def of(cls, *, files: int, size: int, settings: Settings) -> Self:
        return cls(
            files=files,
            bytes=size,
            quota_bytes=settings.files_quota_bytes,
            file_bytes=settings.files_max_bytes,
            content_types=list(settings.files_content_types),
        )
