"""Finds what uses a column or a table that a change drops or renames."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from platform_api.accounts.actor import Actor
from platform_api.apps.models import SourceFile
from platform_api.apps.source import latest_version
from platform_api.core.types import AppId
from platform_api.tables.ddl.changes import Change
from platform_api.tables.definition import TableDefinition
from platform_api.tables.models import AppTable

MAX_FILES = 50
MAX_USES = 50
"""Of one kind, so that a plan stays readable."""

UseKind = Literal[
    "index",
    "unique",
    "reference",
    "source",
    "permission",
    "view",
    "others_views",
    "draft",
    "sync",
    "others_syncs",
    "action",
    "schedule",
]


@dataclass(frozen=True, slots=True)
class Use:
    """Names one use. `column` is None for a use of the table itself.

    `id` is that of what uses it, where it has one; `parent` is what it belongs to, such as the action of a schedule.
    Of others' things, which the caller may not see, `name` is their number.
    """

    column: str | None
    kind: UseKind
    name: str
    line: int | None = None
    id: int | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Departure:
    """Holds the names that will not be there any more: of columns, and with `is_table_gone` that of their table."""

    table: AppTable
    definition: TableDefinition
    columns: Sequence[str]
    is_table_gone: bool
    is_deletion: bool = False
    """What knows the table by its id follows when it is only renamed."""

    @classmethod
    def of(cls, table: AppTable, change: Change) -> "Departure":
        """Returns what goes with a change of a table."""
        return cls(table, change.before, columns_that_go(change), change.before.name != change.after.name)

    @property
    def words(self) -> Mapping[str, str | None]:
        """Maps the words by which code and documents name what goes to its column; None for the table itself."""
        words: dict[str, str | None] = {column: column for column in self.columns}
        if self.is_table_gone:
            words |= {self.definition.name: None, self.definition.physical.table: None}
        return words

    def is_mentioned_in(self, *parts: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """Returns the condition that a text, or a JSON document as text, contains one of the words."""
        return func.concat_ws(" ", *parts).regexp_match(rf"\m({'|'.join(self.words)})\M")

    def columns_in(self, document: object) -> list[str | None]:
        """Returns what goes and is a key or a text of a JSON document; None for the table itself."""
        found = set(_words_of(document))
        return list(dict.fromkeys(column for word, column in self.words.items() if word in found))


FindUses: TypeAlias = Callable[[AsyncSession, Actor, Departure], Awaitable[Sequence[Use]]]
"""Returns what a domain has that uses the columns or the table; only called when something goes."""


@dataclass(frozen=True, slots=True)
class UseFinders:
    """Finds all uses of what goes. `finders` are those of the domains above tables."""

    finders: Sequence[FindUses]

    async def find(self, session: AsyncSession, actor: Actor, departure: Departure) -> list[Use]:
        """Returns the uses that the caller may know of."""
        if not departure.words:
            return []
        uses = [*_uses_in_table(departure), *await _uses_in_source(session, departure)]
        for find in self.finders:
            uses += (await find(session, actor, departure))[:MAX_USES]
        return uses


def columns_that_go(change: Change) -> list[str]:
    """Returns the columns that will not be there under their name."""
    remaining = {column.name for column in change.after.columns} - set(change.renamed_columns.values())
    return [column.name for column in change.before.columns if column.name not in remaining]


def _uses_in_table(departure: Departure) -> Iterator[Use]:
    """Yields the keys and references of the table that contain the columns."""
    definition = departure.definition
    for column in departure.columns:
        for key in definition.unique:
            if column in key.columns:
                yield Use(column, "unique", ", ".join(key.columns))
        for index in definition.indexes:
            if column in index.columns:
                yield Use(column, "index", ", ".join(index.columns))
        if (reference := definition.reference(column)) is not None:
            yield Use(column, "reference", reference.object_relationship)


async def _uses_in_source(session: AsyncSession, departure: Departure) -> list[Use]:
    """Returns the files of the app's latest source that mention what goes, as a word."""
    app_id = AppId(departure.table.app_id)
    version = await latest_version(session, app_id)
    if version is None:
        return []
    statement = select(SourceFile.digest, SourceFile.content).where(
        SourceFile.app_id == app_id,
        SourceFile.digest.in_(set(version.manifest.values())),
        departure.is_mentioned_in(SourceFile.content),
    )
    contents = {row.digest: row.content for row in await session.execute(statement.limit(MAX_FILES))}
    uses = [
        Use(column, "source", path, line)
        for path, digest in sorted(version.manifest.items())
        if digest in contents
        for word, column in departure.words.items()
        if (line := _line_of(contents[digest], word)) is not None
    ]
    return uses[: MAX_FILES * 2]


def _line_of(content: str, word: str) -> int | None:
    match = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", content)
    return None if match is None else content.count("\n", 0, match.start()) + 1


def _words_of(document: object) -> Iterator[str]:
    """Yields the keys and the words of the texts of a JSON document."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            yield str(key)
            yield from _words_of(value)
    elif isinstance(document, list):
        for item in document:
            yield from _words_of(item)
    elif isinstance(document, str):
        yield from re.findall(r"\w+", document)
