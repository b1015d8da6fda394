"""Checks the rows of a table against what a change demands: it reads only, and for a limited time."""

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.core.database import as_engine_role, rolled_back
from platform_api.core.errors import driver_error, sqlstate_of
from platform_api.tables.plans.failing_rows import Rule, RuleKind

MAX_COUNT = 10_000
MAX_EXAMPLES = 10
MAX_CHECK_SECONDS = 2.0
MAX_TOTAL_SECONDS = 5.0
_MIN_VERSION = 16
"""PostgreSQL before it cannot say whether a text can be read as another type."""

_CANCELED, _LOCKED = "57014", "55P03"
_NO_CONVERSION = ("42846", "42804")


class CheckState(StrEnum):
    """Tells what is known of the rows."""

    PASSES = "passes"
    FAILS = "fails"
    IMPOSSIBLE = "impossible"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Finding:
    """Holds what a rule says of the rows. `examples` are ids and values of the asking organization only."""

    rule: Rule
    state: CheckState
    message: str
    count: int = 0
    is_exact: bool = True
    examples: Sequence[tuple[UUID, str | None]] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """Holds how large a table is; `rows` up to `MAX_COUNT` are counted, more are estimated."""

    rows: int = 0
    bytes: int = 0
    is_estimate: bool = False


NO_ROWS = Size()


@asynccontextmanager
async def reading_rows(session: AsyncSession) -> AsyncIterator[None]:
    """Runs the block as the owner of the app tables; nothing that it does can write or wait for long."""
    async with rolled_back(session):
        for name, value in (("transaction_read_only", "on"), ("lock_timeout", "1s")):
            await session.execute(sa.select(sa.func.set_config(name, value, True)))
        async with as_engine_role(session):
            yield


_SIZE = sa.text("""
    select greatest(reltuples, 0)::bigint as rows, pg_total_relation_size(oid) as bytes
    from pg_class where oid = to_regclass(:table)
""")


async def measure(session: AsyncSession, table: str) -> Size:
    """Returns how large the table of this PostgreSQL name is."""
    row = (await session.execute(_SIZE, {"table": f'public."{table}"'})).one()
    rows = sa.table(sa.sql.quoted_name(table, True), schema="public")
    first = sa.select(sa.literal(1)).select_from(rows).limit(MAX_COUNT + 1).subquery("first")
    counted = await session.scalar(sa.select(sa.func.count()).select_from(first)) or 0
    if counted <= MAX_COUNT:
        return Size(counted, row.bytes)
    return Size(max(row.rows, counted), row.bytes, is_estimate=True)


async def check_rows(session: AsyncSession, rules: Iterable[Rule], actor: Actor) -> list[Finding]:
    """Returns what each rule says of the rows, within `MAX_TOTAL_SECONDS` for all of them."""
    deadline = time.monotonic() + MAX_TOTAL_SECONDS
    return [await _check(session, rule, actor, deadline) for rule in rules]


async def _check(session: AsyncSession, rule: Rule, actor: Actor, deadline: float) -> Finding:
    seconds = min(MAX_CHECK_SECONDS, deadline - time.monotonic())
    if seconds <= 0:
        return _unchecked(rule, f"there are more checks than {MAX_TOTAL_SECONDS:.0f} s allow")
    version = (await session.connection()).dialect.server_version_info or (0,)
    if int(version[0]) < _MIN_VERSION and rule.conversion is not None:
        return _unchecked(rule, f"this needs PostgreSQL {_MIN_VERSION} or newer")
    try:
        async with session.begin_nested():
            await session.execute(sa.select(sa.func.set_config("statement_timeout", f"{seconds * 1000:.0f}ms", True)))
            return await _look(session, rule, actor)
    except DBAPIError as error:
        return _explain(rule, error, seconds)


async def _look(session: AsyncSession, rule: Rule, actor: Actor) -> Finding:
    if rule.conversion is not None:
        await session.execute(rule.conversion)
    some = rule.failing.limit(MAX_COUNT + 1).subquery("some")
    count = await session.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    if count == 0:
        return Finding(rule, CheckState.PASSES, "every row meets it")
    rows = rule.failing.subquery("failing")
    # tenancy: the owner of the app tables cannot read memberships; the app was just read as visible to the actor
    own = sa.select(rows.c.id, rows.c.value).where(rows.c.organization_id == actor.organization_id)
    if rule.kind is RuleKind.UNIQUE:
        own = own.order_by(rows.c.value)
    examples = [(row.id, row.value) for row in await session.execute(own.limit(MAX_EXAMPLES))]
    shown = min(count, MAX_COUNT)
    return Finding(
        rule, CheckState.FAILS, _message(rule, shown, count > MAX_COUNT), shown, count <= MAX_COUNT, examples
    )


def _explain(rule: Rule, error: DBAPIError, seconds: float) -> Finding:
    state = sqlstate_of(driver_error(error))
    if state == _CANCELED:
        return _unchecked(rule, f"not checked in {seconds:.0f} s")
    if state == _LOCKED:
        return _unchecked(rule, "the table is locked by another transaction")
    if state in _NO_CONVERSION:
        return Finding(rule, CheckState.IMPOSSIBLE, "PostgreSQL cannot convert between these types")
    raise error


def _unchecked(rule: Rule, reason: str) -> Finding:
    return Finding(rule, CheckState.UNCHECKED, reason, is_exact=False)


_FAULTS: dict[RuleKind, tuple[str, str]] = {
    RuleKind.REQUIRED: ("row has no value in {columns}", "rows have no value in {columns}"),
    RuleKind.TYPE: (
        "row has a value in {columns} that cannot be converted",
        "rows have a value in {columns} that cannot be converted",
    ),
    RuleKind.UNIQUE: ("row has the same {columns} as another", "rows have the same {columns} as another"),
    RuleKind.CHOICE: (
        "row has a value in {columns} that is none of the choices",
        "rows have a value in {columns} that is none of the choices",
    ),
    RuleKind.REFERENCE: (
        "row has a value in {columns} that is no id of a row there",
        "rows have a value in {columns} that is no id of a row there",
    ),
}


def _message(rule: Rule, count: int, is_more: bool) -> str:
    one, many = _FAULTS[rule.kind]
    words = (one if count == 1 else many).format(columns=", ".join(rule.columns))
    return f"{'more than ' if is_more else ''}{count:,} {words}"
