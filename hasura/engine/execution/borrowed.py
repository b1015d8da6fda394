"""Uses a connection that is not the engine's own: its transaction and settings are the caller's."""

from collections.abc import Sequence
from typing import Any

from hasura.engine import exact_json
from hasura.engine.execution.connections import HeldConnection


class BorrowedConnection(HeldConnection):
    """Runs statements on a caller's connection and prepares nothing on it.

    The driver keeps the statements, under its own names. The owner may have JSON decoded to bytes, to text or to
    objects; here it is bytes again.
    """

    async def fetch_json(self, sql: str, arguments: Sequence[object]) -> bytes:
        return _as_json(await self.raw.fetchval(sql, *arguments))

    async def fetch_json_of_each(self, sql: str, arguments: Sequence[Sequence[object]]) -> list[bytes]:
        return [_as_json(value) for (value,) in await self.raw.fetchmany(sql, arguments)]

    async def fetch_rows(self, sql: str, arguments: Sequence[object]) -> list[Any]:
        """Returns all rows of a statement whose columns are JSON."""
        return [[_as_json(value) for value in row] for row in await self.raw.fetch(sql, *arguments)]


def _as_json(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else exact_json.dumps(value)
