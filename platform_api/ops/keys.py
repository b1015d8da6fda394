"""Re-encrypts every encrypted value of the database with the first of SECRET_KEYS, beside a running platform.

A value is replaced only while it is still the one that was read (compare and set): tokens that the platform renews
meanwhile stay as they are. Each batch is a transaction of its own, and finished values are skipped, so a
rotation that was interrupted is simply started again.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Table, select, tuple_, update

from platform_api.core.crypto import Sealed, Vault
from platform_api.core.database import Database
from platform_api.models import metadata

_BATCH = 200
# A value that changed during the first pass was probably encrypted by a process that has the new key already.
_MAX_PASSES = 5


@dataclass(slots=True)
class Rotation:
    """Counts what a rotation did and what is left."""

    rotated: int = 0
    by_key: Counter[int | None] = field(default_factory=Counter)
    """How many values there are by the number of their key, counted from 1; None: none of the keys decrypts them."""

    @property
    def left(self) -> int:
        """Returns how many values are not encrypted with the first key."""
        return sum(count for number, count in self.by_key.items() if number != 1)

    @property
    def unreadable(self) -> int:
        return self.by_key[None]


def sealed_columns() -> Iterator[Column[Any]]:
    """Yields every column that holds encrypted values."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Sealed):
                yield column


async def rotate(database: Database, vault: Vault) -> Rotation:
    """Re-encrypts what an old key encrypted, then counts the values again."""
    rotation = Rotation()
    for _ in range(_MAX_PASSES):
        for column in sealed_columns():
            await _rotate_column(database, vault, column, rotation)
        rotation.by_key = await count(database, vault)
        if rotation.left == rotation.unreadable:
            break
    return rotation


async def count(database: Database, vault: Vault) -> Counter[int | None]:
    """Counts the encrypted values by the number of the key that decrypts them."""
    counts: Counter[int | None] = Counter()
    for column in sealed_columns():
        async for batch in _batches(database, column):
            counts.update(vault.key_number(sealed) for _, sealed in batch)
    return counts


async def _rotate_column(database: Database, vault: Vault, column: Column[Any], rotation: Rotation) -> None:
    table = _table(column)
    # Keep the time: the value itself did not change, only its key.
    unchanged = {name: table.c[name] for name in ("updated_at",) if name in table.c}
    async for batch in _batches(database, column):
        async with database.transaction() as session:
            for key, sealed in batch:
                if vault.key_number(sealed) in (1, None):
                    continue
                changed = await session.execute(
                    update(table)
                    .where(_key(table) == key, column == sealed)
                    .values({column.name: vault.rotate(sealed), **unchanged})
                )
                rotation.rotated += changed.rowcount  # type: ignore[attr-defined]  # an UPDATE's result has it


async def _batches(database: Database, column: Column[Any]) -> AsyncIterator[Sequence[tuple[Any, bytes]]]:
    """Yields batches of values that are present, with their primary keys and in the order of these."""
    table = _table(column)
    after: Any = None
    while True:
        statement = select(*table.primary_key.columns, column).where(column.is_not(None))
        if after is not None:
            statement = statement.where(_key(table) > after)
        async with database.transaction() as session:
            rows = (await session.execute(statement.order_by(*table.primary_key.columns).limit(_BATCH))).all()
        batch = [(tuple(row[:-1]), row[-1]) for row in rows]
        yield batch
        if len(batch) < _BATCH:
            return
        after = batch[-1][0]


def _key(table: Table) -> Any:
    return tuple_(*table.primary_key.columns)


def _table(column: Column[Any]) -> Table:
    assert isinstance(column.table, Table)
    return column.table
