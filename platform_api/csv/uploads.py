"""Keeps a file that was sent once, for the previews of its choices and for the import."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast
from uuid import UUID

from sqlalchemy import delete, exists, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.database import Database
from platform_api.core.errors import Unprocessable
from platform_api.csv.models import CsvFile, CsvImport
from platform_api.csv.service import UPLOAD_TYPE, Upload, store_file
from platform_api.csv.storage import copy_to

MAX_WAITING = 20
"""Uploads of one organization that no import has used; a newer one takes the place of the oldest."""


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """Holds an upload that is kept, opened for reading."""

    stored: CsvFile
    file: BinaryIO

    @property
    def filename(self) -> str:
        """Returns the name that the file was sent with."""
        return self.stored.name

    @property
    def size(self) -> int:
        """Returns how many bytes it has."""
        return self.stored.size

    async def read(self, size: int = -1, /) -> bytes:
        """Returns the next bytes; none at the end."""
        return self.file.read(size)


async def keep_upload(session: AsyncSession, actor: Actor, upload: Upload, *, max_bytes: int) -> CsvFile:
    """Stores a file for later requests. Raises TooLarge, BadRequest."""
    file = await store_file(session, actor, upload, max_bytes=max_bytes)
    await session.refresh(file)
    waiting = select(CsvFile.id).where(
        visible_to(actor, CsvFile.organization_id),
        CsvFile.content_type == UPLOAD_TYPE,
        not_(exists().where(CsvImport.file_id == CsvFile.id)),
    )
    oldest = waiting.order_by(CsvFile.created_at.desc(), CsvFile.id).offset(MAX_WAITING)
    # tenancy: the selected files are the organization's own
    await session.execute(delete(CsvFile).where(CsvFile.id.in_(oldest)).execution_options(synchronize_session=False))
    return file


@asynccontextmanager
async def open_upload(
    session: AsyncSession, actor: Actor, database: Database, upload_id: UUID
) -> AsyncIterator[StoredUpload]:
    """Opens an upload of the caller's organization. Raises Unprocessable when it is not kept any more."""
    statement = select(CsvFile).where(
        CsvFile.id == upload_id, visible_to(actor, CsvFile.organization_id), CsvFile.content_type == UPLOAD_TYPE
    )
    stored = await session.scalar(statement)
    with tempfile.TemporaryFile() as file:
        if stored is None or not await copy_to(database, stored.id, file):
            raise Unprocessable("upload: the file is no longer kept; send it again", field="upload")
        yield StoredUpload(stored, cast(BinaryIO, file))
