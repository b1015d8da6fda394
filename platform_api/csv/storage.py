"""Stores, reads and deletes files in pieces."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import IO
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.database import Database
from platform_api.core.types import OrganizationId
from platform_api.csv.models import CsvFile, CsvPiece

PIECE_BYTES = 512 * 1024


async def create_file(
    session: AsyncSession, organization_id: OrganizationId, *, name: str, content_type: str
) -> CsvFile:
    """Creates an empty file."""
    file = CsvFile(organization_id=organization_id, name=name, content_type=content_type)
    session.add(file)
    await session.flush()
    return file


async def append(session: AsyncSession, file_id: UUID, content: bytes) -> None:
    """Appends to a file. The job's fence ensures that there is one writer at a time."""
    number = await session.scalar(
        update(CsvFile)
        .where(CsvFile.id == file_id)
        .values(pieces=CsvFile.pieces + 1, size=CsvFile.size + len(content))
        .returning(CsvFile.pieces)
        .execution_options(synchronize_session=False)
    )
    if number is not None:
        await session.execute(insert(CsvPiece).values(file_id=file_id, number=number - 1, content=content))


async def copy_to(database: Database, file_id: UUID, target: IO[bytes]) -> bool:
    """Writes a file's content to `target`, a transaction per piece. Returns False when the file was deleted."""
    async with database.transaction() as session:
        pieces = await session.scalar(select(CsvFile.pieces).where(CsvFile.id == file_id))
    if pieces is None:
        return False
    async for content in read(database, file_id, pieces):
        target.write(content)
    target.seek(0)
    return True


async def read(database: Database, file_id: UUID, pieces: int) -> AsyncIterator[bytes]:
    """Yields the content piece by piece."""
    for number in range(pieces):
        async with database.transaction() as session:
            statement = select(CsvPiece.content).where(CsvPiece.file_id == file_id, CsvPiece.number == number)
            content: bytes | None = await session.scalar(statement)
        if content is None:
            return
        yield content


async def delete_old_files(session: AsyncSession, *, older_than: timedelta) -> int:
    """Deletes files of that age and keeps their jobs; returns the number of files."""
    deleted = await session.execute(
        delete(CsvFile)
        .where(CsvFile.created_at < func.now() - older_than)
        .returning(CsvFile.id)
        .execution_options(synchronize_session=False)
    )
    return len(deleted.all())
