"""Compares a row with the rule of a role, part by part; what the role sees itself is asked of the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from hasura.engine import exact_json
from hasura.engine.session import Session
from hasura.permissions import ORGANIZATION_VARIABLE, canonical_condition
from platform_api.accounts.actor import Actor
from platform_api.accounts.viewing import view_as
from platform_api.apps.models import App
from platform_api.core.database import release_connection
from platform_api.core.errors import NotFound
from platform_api.graphql.access import USER_VARIABLE, graphql_session
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.graphql.rows.answers import data_of
from platform_api.graphql.rows.selection import Where, row_id_of
from platform_api.graphql.visibility.conditions import where_of
from platform_api.tables.definition import TableDefinition
from platform_api.tables.models import AppTable
from platform_api.tables.permissions.repository import find_permission
from platform_api.tables.permissions.rights import own_columns
from platform_api.tables.permissions.rules import Definitions, read_rule
from platform_api.tables.permissions.words import in_words
from platform_api.tables.service import read_definitions


@dataclass(frozen=True, slots=True)
class RulePart:
    """Holds a part of a rule that must hold with all others, and whether the row meets it."""

    words: str
    rule: Mapping[str, Any]
    is_met: bool


@dataclass(frozen=True, slots=True)
class Visibility:
    """Holds whether a row is visible to somebody, and why."""

    is_visible: bool
    reason: str
    parts: Sequence[RulePart] = ()
    hidden_columns: Sequence[str] = ()


async def explain_visibility(
    session: AsyncSession, backend: GraphQLBackend, actor: Actor, app: App, table: AppTable, row_id: str, target: str
) -> Visibility:
    """Returns whether `target`, a role or a member by user id, sees a row of the organization, and why.

    Raises `NotFound` for a row or a member that the organization does not have, `MissingRole` for who builds not.
    """
    viewer = await view_as(session, actor, target)
    this_row: Where = {"id": {"_eq": row_id_of(row_id, field="row_id")}}
    caller = await graphql_session(session, actor, app.id)
    await release_connection(session)
    if not (await _matches(backend, caller, table.definition, [this_row]))[0]:
        raise NotFound(f"your organization has no row {row_id} in table {table.name!r}")
    stored = await find_permission(session, table, viewer.role)
    if stored is None:
        return Visibility(True, f"the role {viewer.role} is not limited on this table")
    read = stored.content.read
    if not read.allowed:
        return Visibility(False, f"the role {viewer.role} may not read any row of this table")
    viewing = await graphql_session(session, viewer, app.id)
    definitions = await read_definitions(session, table.app_id)
    await release_connection(session)
    parts = await _compare(backend, caller, viewing, this_row, read.rule, table.id, definitions)
    is_visible = (await _matches(backend, viewing, table.definition, [this_row]))[0]
    visible = own_columns(read.columns, table.definition)
    hidden = [column.name for column in table.definition.columns if column.name not in visible]
    return Visibility(is_visible, _reason(is_visible, parts), parts, hidden)


async def _compare(
    backend: GraphQLBackend,
    caller: Session,
    viewing: Session,
    this_row: Where,
    rule: Mapping[str, Any],
    table_id: int,
    definitions: Definitions,
) -> list[RulePart]:
    """Returns the parts of the rule, and which of them the row meets for the one who is `viewing`."""
    conjuncts = _conjuncts(rule)
    nodes = [read_rule(part, table_id, definitions, path="read.rule") for part in conjuncts]
    variables = {name: viewing.variables[name] for name in (USER_VARIABLE, ORGANIZATION_VARIABLE)}
    conditions: list[Where] = [{"_and": [this_row, where_of(node, variables)]} for node in nodes]
    met = await _matches(backend, caller, definitions[table_id], conditions)
    return [RulePart(in_words(node), part, is_met) for node, part, is_met in zip(nodes, conjuncts, met, strict=True)]


def _reason(is_visible: bool, parts: Sequence[RulePart]) -> str:
    if is_visible:
        return "the row meets the rule" if parts else "there is no rule: every row is visible"
    unmet = " and ".join(part.words for part in parts if not part.is_met)
    return f"the row does not meet: {unmet}" if unmet else "the engine does not know the newest rule yet; try again"


def _conjuncts(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    canonical = canonical_condition(rule)
    if list(canonical) == ["_and"]:
        return list(canonical["_and"])
    return [canonical] if canonical else []


async def _matches(
    backend: GraphQLBackend, caller: Session, definition: TableDefinition, conditions: Sequence[Where]
) -> list[bool]:
    """Returns whether there is a row that meets it, for each condition."""
    if not conditions:
        return []
    table = definition.physical.table  # checked when it was made: letters, digits, underscores
    parameters = ", ".join(f"$w{number}: {table}_bool_exp!" for number in range(len(conditions)))
    fields = " ".join(
        f"r{number}: {table}(where: $w{number}, limit: 1) {{ id }}" for number in range(len(conditions))
    )
    variables = {f"w{number}": condition for number, condition in enumerate(conditions)}
    body = exact_json.dumps({"query": f"query ({parameters}) {{ {fields} }}", "variables": variables})
    data = data_of((await backend.execute(body, caller)).body, doing="read")
    return [bool(data[f"r{number}"]) for number in range(len(conditions))]
