"""Runs the statements of a plan in order, those that are alike in one round trip.

Statements with the same SQL follow each other in `update_<table>_many`, and in documents that repeat a root field
under many aliases. The driver can send them one behind the other without waiting for the answers. To PostgreSQL they
stay statements of their own: each sees what those before it changed, has its own triggers and checks its constraints
when it ends. One `update ... from unnest(...)` in their place would be faster still, and wrong wherever that can be
noticed: row triggers would see other rows, two rows could swap unique values, and rows would be locked in another
order.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import asyncpg

from hasura.engine.execution.connections import MAX_PIPELINED_BYTES, HeldConnection
from hasura.engine.plan import Plan, PreviousResult, SqlStep, Statement, Variables, bind
from hasura.engine.session import Session
from hasura.engine.sql.database_errors import CONNECTION_LOST, translate

# More would save little, and no other request is served while they are bound.
_MAX_ALIKE = 100


class Planned(NamedTuple):
    """Holds a statement, the step that it is of, and the number of that step."""

    number: int
    step: SqlStep
    statement: Statement


Batch = tuple[Planned, ...]


def batches(plan: Plan) -> tuple[Batch, ...]:
    """Returns a plan's statements in order; those in one batch have the same SQL and take no results of others."""
    planned = [
        Planned(number, step, statement)
        for number, step in enumerate(plan.steps)
        if isinstance(step, SqlStep)
        for statement in step.statements
    ]
    return tuple(
        alike[start : start + _MAX_ALIKE]
        for alike in (tuple(group) for _, group in groupby(planned, _likeness))
        for start in range(0, len(alike), _MAX_ALIKE)
    )


def _likeness(planned: Planned) -> object:
    """Returns what is equal for statements that may run together: as any may have failed, their places agree."""
    statement = planned.statement
    stands_alone = statement.place is not None or any(
        isinstance(source, PreviousResult) for source in statement.parameters
    )
    return object() if stands_alone else (statement.sql, planned.step.error_path)


async def run_batch(
    held: HeldConnection, batch: Batch, variables: Variables, session: Session, results: Sequence[list[bytes]]
) -> None:
    """Appends the value of each statement to the results of its step. Raises EngineError."""
    _, step, statement = batch[0]
    bound = [bind(item.statement, variables, session.variables, results[item.number]) for item in batch]
    values: list[bytes] = []
    try:
        for arguments in _parts(bound):
            if len(arguments) == 1:
                values.append(await held.fetch_json(statement.sql, arguments[0]))
            else:
                values += await held.fetch_json_of_each(statement.sql, arguments)
    except asyncpg.PostgresError as exc:
        raise translated(exc, step.place_of(statement, variables)) from exc
    for item, value in zip(batch, values, strict=True):
        results[item.number].append(value)


def _parts(bound: list[list[object]]) -> Iterator[list[list[object]]]:
    """Yields the arguments in order, as many at once as the driver may be given."""
    part: list[list[object]] = []
    size = 0
    for arguments in bound:
        more = _bytes_of(arguments)
        if part and size + more > MAX_PIPELINED_BYTES:
            yield part
            part, size = [], 0
        part.append(arguments)
        size += more
    yield part


def _bytes_of(arguments: list[object]) -> int:
    """Returns at most how long they are on the wire."""
    return sum(_bytes_of_one(argument) for argument in arguments)


def _bytes_of_one(argument: object) -> int:
    if isinstance(argument, tuple):
        return 32 + sum(_bytes_of_one(member) for member in argument)
    if isinstance(argument, str):
        return 16 + (len(argument) if argument.isascii() else 4 * len(argument))
    return 32


def translated(exc: asyncpg.PostgresError, place: str) -> Exception:
    """Returns what to raise in place of what the driver raised."""
    # A lost connection arrives as a PostgresError too; it is not the statement's fault.
    return exc if isinstance(exc, CONNECTION_LOST) else translate(exc, place)
