"""Defines the JSON of files by path."""

from typing import Self

from pydantic import BaseModel, Field

from platform_api.files.models import File

_BUCKET = "files"


def _key_of(file: File) -> str:
    return f"apps/{file.app_id}/organizations/{file.organization_id}/{file.path or file.name}"


class FileToPathFromUrl(BaseModel):
    """Names a URL whose content the platform fetches and stores."""

    url: str = Field(min_length=1, max_length=4000, description="http:// or https://, on the public internet")
    path: str | None = Field(default=None, max_length=2000, description="Absent: the name in the response or the URL")
    overwrite: bool = False


class FileAtPath(BaseModel):
    """Tells where a file is, and where its content can be downloaded."""

    bucket_name: str
    path: str
    object_key: str = Field(description="Unique on this platform")
    size: int = Field(description="In bytes")
    public_url: str = Field(description="Opens it without a token: for 300 seconds, or as long as it is public")

    @classmethod
    def of(cls, file: File, public_url: str) -> Self:
        return cls(
            bucket_name=_BUCKET,
            path=file.path or file.name,
            object_key=_key_of(file),
            size=file.size,
            public_url=public_url,
        )


class FileStoredAtPath(FileAtPath):
    """Tells where a file was stored."""

    content_type: str
    original_filename: str

    @classmethod
    def of(cls, file: File, public_url: str, original_filename: str | None = None) -> Self:
        at_path = FileAtPath.of(file, public_url)
        name = original_filename or file.name
        return cls(**at_path.model_dump(), content_type=file.content_type, original_filename=name)


class FileAtPathDeleted(BaseModel):
    """Tells which file was deleted."""

    bucket_name: str
    path: str
    object_key: str
    detail: str

    @classmethod
    def of(cls, file: File) -> Self:
        path = file.path or file.name
        detail = f"the file {path} was deleted"
        return cls(bucket_name=_BUCKET, path=path, object_key=_key_of(file), detail=detail)
