"""Plans changes of tables: checks and renders them exactly as they would be executed, and looks at the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.core.errors import TooManyRequests, Unavailable, driver_error, sqlstate_of
from platform_api.core.types import AppId, OrganizationId
from platform_api.tables.ddl.changes import define_table
from platform_api.tables.ddl.rendering import Statement
from platform_api.tables.names import check_table_name
from platform_api.tables.plans.checks import NO_ROWS, Finding, Size, check_rows, measure, reading_rows
from platform_api.tables.plans.failing_rows import rules_of
from platform_api.tables.plans.locks import Effect, Lock, Work
from platform_api.tables.plans.uses import Departure, Use, UseFinders
from platform_api.tables.relationships import incoming_references
from platform_api.tables.repository import get_table
from platform_api.tables.schemas import TableCreate, TableEdit
from platform_api.tables.service import (
    PreparedEdit,
    check_is_possible,
    prepare_edit,
    read_definitions,
    statements_of_new,
)

MAX_PLANS = 2
"""Of one organization at the same time: they read whole tables."""
_MAX_MEASURE = "2s"
_NO_ID = 0


@dataclass(frozen=True, slots=True)
class PlannedStatement:
    """Holds a statement and its effect."""

    statement: Statement
    effect: Effect


@dataclass(frozen=True, slots=True)
class Plan:
    """Holds what a change would do. `revision` is None for a new table."""

    table: str
    revision: str | None
    statements: Sequence[PlannedStatement]
    size: Size = NO_ROWS
    findings: Sequence[Finding] = ()
    uses: Sequence[Use] = ()

    @property
    def lock(self) -> Lock:
        """Returns the strongest lock."""
        order = list(Lock)
        return max((planned.effect.lock for planned in self.statements), key=order.index, default=Lock.NONE)

    @property
    def rewrites(self) -> bool:
        """Returns whether every row is written anew."""
        return any(planned.effect.work is Work.REWRITE for planned in self.statements)


async def plan_new_table(session: AsyncSession, app_id: AppId, data: TableCreate) -> Plan:
    """Returns the plan of a new table. Raises as `create_table` does."""
    check_table_name(data.name)
    present = await read_definitions(session, app_id)
    check_is_possible(present, data)
    definition = define_table(_NO_ID, app_id, data, others=present)
    return Plan(data.name, None, _with_effects(statements_of_new(_NO_ID, definition, present), is_new_table=True))


async def plan_edit(
    session: AsyncSession, actor: Actor, app_id: AppId, data: TableEdit, *, use_finders: UseFinders
) -> Plan:
    """Returns the plan of a change. Raises as `edit_table` does, before it would execute anything."""
    edit = await prepare_edit(session, app_id, data)
    await _limit_plans(session, actor.organization_id)
    uses = [
        *(Use(use.column, "permission", use.name) for use in edit.permissions.uses),
        *await use_finders.find(session, actor, Departure.of(edit.table, edit.change)),
    ]
    size, findings = await _look_at_rows(session, edit, actor)
    return Plan(
        edit.table.name,
        edit.change.before.digest,
        _with_effects(edit.statements, is_new_table=False),
        size,
        findings,
        uses,
    )


async def uses_of_table(
    session: AsyncSession, actor: Actor, app_id: AppId, name: str, *, use_finders: UseFinders
) -> list[Use]:
    """Returns what uses a table, and would miss it. Raises NotFound."""
    table = await get_table(session, app_id, name)
    definitions = await read_definitions(session, app_id)
    referring = [
        Use(None, "reference", f"{other.name}.{reference.column}")
        for other, reference in incoming_references(table.id, definitions)
        if other.name != table.name
    ]
    departure = Departure(table, definitions[table.id], (), is_table_gone=True, is_deletion=True)
    return [*referring, *await use_finders.find(session, actor, departure)]


def _with_effects(statements: Iterable[Statement], *, is_new_table: bool) -> list[PlannedStatement]:
    # Local: with it comes Alembic, which a start has no need of.
    from platform_api.tables.plans.effects import effect_of

    return [
        PlannedStatement(statement, effect_of(statement.element, is_new_table=is_new_table))
        for statement in statements
    ]


async def _look_at_rows(session: AsyncSession, edit: PreparedEdit, actor: Actor) -> tuple[Size, list[Finding]]:
    tables = {table_id: definition.physical.table for table_id, definition in edit.before.items()}
    try:
        async with reading_rows(session):
            await session.execute(select(func.set_config("statement_timeout", _MAX_MEASURE, True)))
            size = await measure(session, edit.change.before.physical.table)
            findings = await check_rows(session, rules_of(edit.change, tables_before=tables), actor)
            return size, findings
    except DBAPIError as error:
        if sqlstate_of(driver_error(error)) in ("55P03", "57014"):
            raise Unavailable(
                f"table {edit.table.name!r} is locked by another transaction, so its rows cannot be looked at; "
                "try again in a moment"
            ) from error
        raise


async def _limit_plans(session: AsyncSession, organization_id: OrganizationId) -> None:
    """Raises `TooManyRequests` while the organization makes `MAX_PLANS` plans."""
    for slot in range(MAX_PLANS):
        lock = func.pg_try_advisory_xact_lock(func.hashtext(f"automio.table_plan.{slot}"), organization_id)
        if await session.scalar(select(lock)):
            return
    raise TooManyRequests(f"{MAX_PLANS} plans are being made in your organization; try again", retry_after=1)
