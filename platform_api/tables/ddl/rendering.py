"""Renders a change of a table as a list of statements: a plan shows the same list that a change executes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import ExecutableDDLElement

if TYPE_CHECKING:
    from alembic.operations import Operations

_dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """Holds one statement of a change, and its text as PostgreSQL gets it."""

    element: ExecutableDDLElement
    sql: str


def render(work: "Callable[[Operations], None]") -> list[Statement]:
    """Returns the statements that `work` would execute, in their order; nothing is connected to."""
    # Local: a start needs none of it.
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    statements: list[Statement] = []

    def record(element: Any, *_: Any, **__: Any) -> None:
        assert isinstance(element, ExecutableDDLElement)
        statements.append(Statement(element, str(element.compile(dialect=_dialect)).strip()))

    connection = sa.create_mock_engine("postgresql+asyncpg://", record)
    work(Operations(MigrationContext.configure(connection)))  # type: ignore[arg-type]  # it only calls `execute`
    return statements


async def execute(connection: AsyncConnection, statements: Sequence[Statement]) -> None:
    """Executes statements on this connection, inside its transaction."""
    for statement in statements:
        await connection.execute(statement.element)
