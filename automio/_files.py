"""Provides `api.files`: store, list, read and link files of the configured app."""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

from automio._exceptions import InvalidReply
from automio._exchange import Batch, Call, Reply, Request, Steps, numbered
from automio._file_models import File, FileLink, FileUsage
from automio._json import encode_json
from automio._models import Page
from automio._multipart import file_parts
from automio._operation import AsyncResource, Resource, SyncResource, operation, pages_operation
from automio._replies import raise_for_status, read_json, read_nothing
from automio._settings import app_in_path

_SEGMENT_BYTES = 8 * 1024 * 1024
_TRANSFER_TIMEOUT = 150.0
_FETCH_TIMEOUT = 330.0

FileSource = str | os.PathLike[str] | bytes | BinaryIO
FileTarget = str | os.PathLike[str] | BinaryIO


class FilesOperations(Resource):
    """Manages files of the configured app that belong to the token's organization."""

    @operation
    def upload(self, source: FileSource, name: str | None = None, content_type: str | None = None) -> Steps[File]:
        """Stores a file: a path, bytes, or a file opened with 'rb', which is sent as it is read.

        `name` is required for bytes; for files it defaults to their own name. `content_type` is detected by default.
        Raises ApiError with status 413 when the file is too large or the quota is used up, UnprocessableEntity for a
        name or type that is not allowed. Scripts in the sandbox can send at most 32 MB.
        """
        with _opened(source) as (content, own_name):
            if not (name := name or own_name):
                raise ValueError("upload() needs a `name` for bytes and for files without one.")
            form = {"name": name} | ({} if content_type is None else {"content_type": content_type})
            request = Request(
                method="POST",
                path=self._path(),
                form=form,
                files=file_parts({"file": (name, content, content_type)}),
                timeout=_TRANSFER_TIMEOUT,
            )
            file: File = yield Call(request, _read_file)
        return file

    @operation
    def upload_from_url(self, url: str, name: str | None = None, content_type: str | None = None) -> Call[File]:
        """Asks the platform to download a file from the public internet and store it; waits until it is stored.

        Name and type default to those of the URL and its answer. Raises UnprocessableEntity when the download fails
        or the URL is not allowed, for example an address inside the platform's network.
        """
        body = {"url": url, "name": name, "content_type": content_type}
        request = Request(
            method="POST", path=self._path("from-url/"), content=encode_json(body), timeout=_FETCH_TIMEOUT
        )
        return Call(request, _read_file)

    @pages_operation
    def list(
        self, name_prefix: str | None = None, content_type: str | None = None, per_page: int = 100
    ) -> Call[Batch[File]]:
        """Yields the app's files, newest first; a page is fetched when it is needed.

        `name_prefix` is the beginning of the names, `content_type` a type such as `image/png`, or `image/*`.
        """
        all_filters = {"name_prefix": name_prefix, "content_type": content_type, "per_page": str(per_page)}
        filters = {key: value for key, value in all_filters.items() if value is not None}

        def page(number: int) -> Call[Page[File]]:
            parameters = {**filters, "page": str(number)}
            request = Request(method="GET", path=self._path(), parameters=parameters, repeatable=True)
            return Call(request, lambda reply: Page.from_wire(read_json(reply), File.from_wire))

        return numbered(page)

    @operation
    def get(self, file: File | int) -> Call[File]:
        """Returns the metadata of a file; raises NotFound for an unknown id."""
        return Call(Request(method="GET", path=self._path(file), repeatable=True), _read_file)

    @operation
    def read(self, file: File | int) -> Steps[bytes]:
        """Returns the content of a file as bytes; `download` needs less memory."""
        metadata: File = yield self._get(file)
        parts: list[bytes] = []
        yield from self._segments(metadata, parts.append)
        return b"".join(parts)

    @operation
    def download(self, file: File | int, to: FileTarget) -> Steps[File]:
        """Writes the content of a file to `to`: a path, a directory, or a file open for writing.

        The content is fetched in parts and checked against its hash; a path exists only once it is complete. Returns
        the file's metadata.
        """
        metadata: File = yield self._get(file)
        with _writer(to, metadata) as write:
            yield from self._segments(metadata, write)
        return metadata

    @operation
    def link(self, file: File | int, expires_in: int = 3600) -> Call[FileLink]:
        """Creates a link that opens the file without a token, with the URL in `.url`.

        The link expires after `expires_in` seconds (at most 7 days), or when the file is deleted.
        """
        request = Request(
            method="POST",
            path=self._path(file, "link/"),
            content=encode_json({"expires_in": expires_in}),
            repeatable=True,
        )
        return Call(request, lambda reply: FileLink.from_wire(read_json(reply)))

    @operation
    def rename(self, file: File | int, name: str) -> Call[File]:
        """Renames a file; its content and type do not change."""
        request = Request(method="PATCH", path=self._path(file), content=encode_json({"name": name}), repeatable=True)
        return Call(request, _read_file)

    @operation
    def delete(self, file: File | int) -> Call[None]:
        """Deletes a file and every link to it; raises NotFound for an unknown id."""
        return Call(Request(method="DELETE", path=self._path(file)), read_nothing)

    @operation
    def usage(self) -> Call[FileUsage]:
        """Returns the storage used by the organization's files, in all apps, and its quota."""
        request = Request(method="GET", path=self._path("usage/"), repeatable=True)
        return Call(request, lambda reply: FileUsage.from_wire(read_json(reply)))

    def _path(self, file: File | int | str = "", rest: str = "") -> str:
        base = f"/api/apps/{app_in_path(self._settings.require_app_id())}/files/"
        if isinstance(file, str):
            return base + file
        return f"{base}{int(file.id if isinstance(file, File) else file)}/{rest}"

    def _get(self, file: File | int) -> Call[File]:
        return Call(Request(method="GET", path=self._path(file), repeatable=True), _read_file)

    def _segments(self, file: File, write: Callable[[bytes], Any]) -> Steps[None]:
        """Passes the content to `write` in parts, each small enough for the sandbox's broker and to be retried."""
        digest = hashlib.sha256()
        for start in range(0, file.size, _SEGMENT_BYTES):
            content = yield self._segment(file, start, min(start + _SEGMENT_BYTES, file.size))
            digest.update(content)
            write(content)
        if digest.hexdigest() != file.sha256:
            raise InvalidReply(f"The content of file {file.id} arrived damaged.", hint="Read it again.")

    def _segment(self, file: File, start: int, end: int) -> Call[bytes]:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Range": f"bytes={start}-{end - 1}"}
        request = Request(
            method="GET",
            path=self._path(file, "content/"),
            headers=headers,
            repeatable=True,
            timeout=_TRANSFER_TIMEOUT,
        )

        def read(reply: Reply) -> bytes:
            raise_for_status(reply)
            if len(reply.body) != end - start:
                raise InvalidReply(f"File {file.id}: {len(reply.body)} bytes arrived instead of {end - start}.")
            return reply.body

        return Call(request, read)


class Files(FilesOperations, SyncResource):
    """Manages files of the configured app that belong to the token's organization."""


class AsyncFiles(FilesOperations, AsyncResource):
    """Manages files of the configured app that belong to the token's organization."""


def _read_file(reply: Reply) -> File:
    return File.from_wire(read_json(reply))


@contextlib.contextmanager
def _opened(source: FileSource) -> Iterator[tuple[bytes | BinaryIO, str | None]]:
    """Provides the content to upload and the file's own name."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        with path.open("rb") as stream:
            yield stream, path.name
    elif isinstance(source, bytes | bytearray | memoryview):
        yield bytes(source), None
    else:
        name = getattr(source, "name", None)
        yield source, Path(name).name if isinstance(name, str) else None


def _writer(to: FileTarget, file: File) -> AbstractContextManager[Callable[[bytes], Any]]:
    if isinstance(to, str | os.PathLike):
        path = Path(to)
        return _atomic_writer(path / _plain_name(file) if path.is_dir() else path)
    return contextlib.nullcontext(to.write)


@contextlib.contextmanager
def _atomic_writer(path: Path) -> Iterator[Callable[[bytes], Any]]:
    """Provides a writer to a temporary file that is moved to `path` once it is complete."""
    staging = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with staging.open("xb") as stream:
            yield stream.write
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)


def _plain_name(file: File) -> str:
    """Returns the file's name, or a neutral one if the name would lead to another directory."""
    name = file.name
    is_plain = name not in ("", ".", "..") and not any(character in "/\\\0" for character in name)
    return name if is_plain else f"file-{file.id}"
