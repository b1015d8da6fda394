"""Where the content of files is kept: local disk or an S3-compatible store, behind one small interface.

Reads go piece by piece: a slow reader holds one piece in memory, and no connection to the store. Writes hold a few
parts. What a process that died had written of an object is removed with the object's key (`FileLeftover`), except
the parts of an unfinished multipart upload in S3, which only the bucket's lifecycle rule can find.
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
    """There is no object of this key."""


class ObjectStore(Protocol):
    """Objects by key. Keys are ours, never a user's: lower-case letters, digits and slashes."""

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Stores what `chunks` gives; when this returns, it outlives a loss of power. Raises Unavailable.

        When `chunks` raises, or this is cancelled, there is no object.
        """

    async def read(self, key: str, start: int, end: int) -> bytes:
        """The bytes from `start` up to `end`. Raises ObjectMissing, Unavailable."""

    async def remove(self, key: str) -> None:
        """Removes an object, and what an interrupted writing left of it; nothing happens when there is none."""


def create_store(settings: Settings) -> ObjectStore | None:
    """The store of these settings; None when none is configured."""
    if settings.files_s3_bucket is not None:
        return S3Objects(settings)
    return LocalObjects(settings.files_dir) if settings.files_dir is not None else None


class LocalObjects:
    """Objects as files below a directory that only we may read."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory.resolve()
        self._store = LocalStore(self._directory)

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        await _write(self._store, key, chunks)
        with _translated():
            await anyio.to_thread.run_sync(self._make_durable, key)

    async def read(self, key: str, start: int, end: int) -> bytes:
        with _translated():
            return await _read(self._store, key, start, end)

    async def remove(self, key: str) -> None:
        with _translated():
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
        # Staging files of the library, which a process that was killed left.
        for staged in path.parent.glob(f"{path.name}#*"):
            staged.unlink(missing_ok=True)


class S3Objects:
    """Objects in a bucket."""

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
        with _translated():
            return await _read(self._store, key, start, end)

    async def remove(self, key: str) -> None:
        try:
            with _translated():
                await obstore.delete_async(self._store, key)
        except ObjectMissing:
            pass


async def _write(store: LocalStore | S3Store, key: str, chunks: AsyncIterator[bytes]) -> None:
    try:
        with _translated():
            # Leaving the block with an error gives the object up.
            async with obstore.open_writer_async(
                store, key, buffer_size=_PART_BYTES, max_concurrency=_CONCURRENT_PARTS
            ) as writer:
                async for chunk in _carried(chunks):
                    await writer.write(chunk)
    except _SenderFailed as failure:
        raise failure.error from failure.error.__cause__


class _SenderFailed(Exception):
    """Carries an error of the sender past what is read as an error of the store."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


async def _carried(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
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
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing from error
    except (BaseError, OSError) as error:
        raise Unavailable(
            "the store of files cannot be reached or is full; try again", headers={"Retry-After": "5"}
        ) from error
