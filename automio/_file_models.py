"""Defines files of an app and their metadata."""

from dataclasses import dataclass
from datetime import datetime

from automio._decode import WireModel


@dataclass(frozen=True, kw_only=True)
class File(WireModel):
    """Describes a file of an app. `size` is in bytes; `sha256` is the hash of the content, in hexadecimal."""

    id: int
    name: str
    content_type: str
    size: int
    sha256: str
    app_id: int | None = None
    organization_id: int | None = None
    created_by: int | None = None
    run_id: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FileLink(WireModel):
    """Describes a URL that opens a file without a token until `expires_at`, or until the file is deleted."""

    url: str
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FileUsage(WireModel):
    """Counts the organization's files and bytes beside its quota; `file_bytes` is the limit for one file."""

    files: int
    bytes: int
    quota_bytes: int
    file_bytes: int
    content_types: tuple[str, ...] = ()
