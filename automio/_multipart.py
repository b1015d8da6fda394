"""Reads the `files` argument of a multipart request, in the forms that `requests` and `httpx` accept."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from automio._exchange import FilePart

FileContent = bytes | str | BinaryIO
FileValue = FileContent | tuple[str | None, FileContent] | tuple[str | None, FileContent, str | None]
Files = Mapping[str, FileValue] | Iterable[tuple[str, FileValue]]


def file_parts(files: Files) -> tuple[FilePart, ...]:
    """Returns the parts of `{"field": open file}`, `{"field": (name, content, type)}` or a list of such pairs."""
    pairs = files.items() if isinstance(files, Mapping) else files
    return tuple(_part(field, value) for field, value in pairs)


def _part(field: str, value: FileValue) -> FilePart:
    name: str | None
    content: Any
    content_type: str | None
    match value:
        case (name, content, content_type):
            pass
        case (name, content):
            content_type = None
        case tuple():
            raise TypeError(
                f"files[{field!r}] has {len(value)} parts; it must be (name, content) or (name, content, type)."
            )
        case _:
            name, content, content_type = None, value, None
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes | bytearray):
        return FilePart(field, name or field, bytes(content), content_type)
    return _open_file(field, name, content, content_type)


def _open_file(field: str, name: str | None, content: Any, content_type: str | None) -> FilePart:
    if not hasattr(content, "read"):
        raise TypeError(
            f"files[{field!r}] is a {type(content).__name__}; pass bytes, text or a file opened with 'rb'."
        )
    path = getattr(content, "name", None)
    name = name or (os.path.basename(path) if isinstance(path, str) else field)  # noqa: PTH119 (any text, not a path)
    if not _is_seekable(content) or content.tell() != 0:
        # Read into memory: the request may have to be sent twice, and this file cannot be read again from here.
        return FilePart(field, name, _as_bytes(field, content.read()), content_type)
    _as_bytes(field, content.read(0))
    return FilePart(field, name, content, content_type)


def _is_seekable(content: Any) -> bool:
    seekable = getattr(content, "seekable", None)
    return bool(seekable and seekable())


def _as_bytes(field: str, content: Any) -> bytes:
    if not isinstance(content, bytes):
        raise TypeError(f"files[{field!r}] was opened in text mode; open it with 'rb'.")
    return content
