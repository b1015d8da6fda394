"""Keeps the content of files on local disk or in an S3-compatible store, behind one small interface.

Reads go piece by piece: a slow reader holds one piece in memory, and no connection to the store. Writes hold a few
parts. What a crashed process wrote of an object is removed under the object's key (`FileLeftover`), except the
parts of an unfinished multipart upload in S3, which only the bucket's lifecycle rule can find.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import anyio.to_thread
import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from platform_api.core.errors import Unavailable
from platform_api.core.settings import Settings

if TYPE_CHECKING:
    from obstore.store import S3Config

PIECE_BYTES = 1024 * 1024
_PART_BYTES = 5 * 1024 * 1024
_CONCURRENT_PARTS = 2


class ObjectMissing(Exception):
    """Reports that the store has no object under a key."""


class ObjectStore(Protocol):
    """Stores objects by key. Keys are generated, never a user's: lower-case letters, digits and slashes."""

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Stores the chunks durably: once this returns they survive a power failure. Raises Unavailable.

        Leaves no object when `chunks` raises or this is cancelled.
        """

    async def read(self, key: str, start: int, end: int) -> bytes:
        """Returns the bytes from `start` up to, not including, `end`. Raises ObjectMissing, Unavailable."""

    async def remove(self, key: str) -> None:
        """Removes an object and any remains of an interrupted write. Does nothing when there is none."""


def create_store(settings: Settings) -> ObjectStore | None:
    """Returns the configured store; None when the settings name none."""
    if settings.files_s3_bucket is not None:
        return S3Objects(settings)
    return LocalObjects(settings.files_dir) if settings.files_dir is not None else None


class LocalObjects:
    """Stores objects as files below a directory that only this user may read."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory.resolve()
        self._store = LocalStore(self._directory)

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        await _write(self._store, key, chunks)
        with _translated_errors():
            await anyio.to_thread.run_sync(self._make_durable, key)

    async def read(self, key: str, start: int, end: int) -> bytes:
        with _translated_errors():
            return await _read(self._store, key, start, end)

    async def remove(self, key: str) -> None:
        with _translated_errors():
            await anyio.to_thread.run_sync(self._remove, key)

    def _make_durable(self, key: str) -> None:
        path = self._directory / key
        for synced in (path, path.parent, self._directory):
            descriptor = os.open(synced, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _remove(self, key: str) -> None:
        path = self._directory / key
        path.unlink(missing_ok=True)
        # Staging files of the library, left behind by a killed process.
        for staged in path.parent.glob(f"{path.name}#*"):
            staged.unlink(missing_ok=True)


class S3Objects:
    """Stores objects in an S3 bucket."""

    def __init__(self, settings: Settings) -> None:
        assert settings.files_s3_bucket is not None
        endpoint, secret = settings.files_s3_endpoint, settings.files_s3_secret_access_key
        config: S3Config = {"bucket": settings.files_s3_bucket, "region": settings.files_s3_region}
        if endpoint is not None:
            config["endpoint"] = endpoint
        if settings.files_s3_access_key_id is not None and secret is not None:
            config["access_key_id"] = settings.files_s3_access_key_id
            config["secret_access_key"] = secret.get_secret_value()
        self._store = S3Store(
            config=config,
            client_options={
                "allow_http": endpoint is not None and endpoint.startswith("http://"),
                "connect_timeout": "5s",
                "timeout": "60s",
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
        )

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        await _write(self._store, key, chunks)

    async def read(self, key: str, start: int, end: int) -> bytes:
        with _translated_errors():
            return await _read(self._store, key, start, end)

    async def remove(self, key: str) -> None:
        try:
            with _translated_errors():
                await obstore.delete_async(self._store, key)
        except ObjectMissing:
            pass


async def _write(store: LocalStore | S3Store, key: str, chunks: AsyncIterator[bytes]) -> None:
    try:
        with _translated_errors():
            # Leaving the block with an error discards the object.
            async with obstore.open_writer_async(
                store, key, buffer_size=_PART_BYTES, max_concurrency=_CONCURRENT_PARTS
            ) as writer:
                async for chunk in _wrapped_chunks(chunks):
                    await writer.write(chunk)
    except _SenderFailed as failure:
        raise failure.error from failure.error.__cause__


class _SenderFailed(Exception):
    """Carries an error of the sender past the handler that takes errors for the store's."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


async def _wrapped_chunks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except Exception as error:
        raise _SenderFailed(error) from error


async def _read(store: LocalStore | S3Store, key: str, start: int, end: int) -> bytes:
    if start >= end:
        # Nothing to read, but the object has to be there.
        await obstore.head_async(store, key)
        return b""
    return bytes(await obstore.get_range_async(store, key, start=start, end=end))


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing from error
    except (BaseError, OSError) as error:
        raise Unavailable(
            "the file store cannot be reached or is full; try again", headers={"Retry-After": "5"}
        ) from error
