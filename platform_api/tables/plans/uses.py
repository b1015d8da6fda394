"""Finds what uses a column or a table that a change drops or renames."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.apps.models import SourceFile
from platform_api.apps.source import latest_version
from platform_api.core.types import AppId
from platform_api.tables.ddl.changes import Change
from platform_api.tables.definition import TableDefinition

MAX_FILES = 50

UseKind = Literal["index", "unique", "reference", "source", "permission"]


@dataclass(frozen=True, slots=True)
class Use:
    """Names one use. `column` is None for a use of the table itself."""

    column: str | None
    kind: UseKind
    name: str
    line: int | None = None


def columns_that_go(change: Change) -> list[str]:
    """Returns the columns that will not be there under their name."""
    remaining = {column.name for column in change.after.columns} - set(change.renamed_columns.values())
    return [column.name for column in change.before.columns if column.name not in remaining]


def uses_in_table(definition: TableDefinition, columns: Sequence[str]) -> Iterator[Use]:
    """Yields the keys and references of the table that contain the columns."""
    for column in columns:
        for key in definition.unique:
            if column in key.columns:
                yield Use(column, "unique", ", ".join(key.columns))
        for index in definition.indexes:
            if column in index.columns:
                yield Use(column, "index", ", ".join(index.columns))
        if (reference := definition.reference(column)) is not None:
            yield Use(column, "reference", reference.object_relationship)


async def uses_in_source(session: AsyncSession, app_id: AppId, change: Change) -> list[Use]:
    """Returns the files of the app's latest source that mention what goes, as a word."""
    words: dict[str, str | None] = {column: column for column in columns_that_go(change)}
    if change.before.name != change.after.name:
        words |= {change.before.name: None, change.before.physical.table: None}
    version = await latest_version(session, app_id) if words else None
    if version is None:
        return []
    mentions = SourceFile.content.regexp_match(rf"\m({'|'.join(words)})\M")
    statement = select(SourceFile.digest, SourceFile.content).where(
        SourceFile.app_id == app_id, SourceFile.digest.in_(set(version.manifest.values())), mentions
    )
    contents = {row.digest: row.content for row in await session.execute(statement.limit(MAX_FILES))}
    uses = [
        Use(column, "source", path, line)
        for path, digest in sorted(version.manifest.items())
        if digest in contents
        for word, column in words.items()
        if (line := _line_of(contents[digest], word)) is not None
    ]
    return uses[: MAX_FILES * 2]


def _line_of(content: str, word: str) -> int | None:
    match = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", content)
    return None if match is None else content.count("\n", 0, match.start()) + 1
