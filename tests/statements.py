"""Counting the statements of one piece of work, and of nothing that goes on beside it in the same process."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from platform_api.core.database import Database


@dataclass(slots=True)
class Statements:
    """How many statements have run so far."""

    count: int = 0


# A request that is called without a socket runs in its caller's context, and so do the tasks that it starts; loops of
# the platform were started in another one.
_counting: ContextVar[Statements | None] = ContextVar("counting", default=None)


@contextmanager
def counted_statements(database: Database) -> Iterator[Statements]:
    """Counts the statements that the body runs through SQLAlchemy, itself or in tasks that it starts."""
    statements = Statements()

    def count(*_: Any) -> None:
        if _counting.get() is statements:
            statements.count += 1

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    token = _counting.set(statements)
    try:
        yield statements
    finally:
        _counting.reset(token)
        event.remove(engine, "before_cursor_execute", count)
