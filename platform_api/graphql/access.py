"""From a caller to a GraphQL session: which role, and which organizations' rows.

x-hasura-role               app_{id}, or app_{id}_span for an owner's script that reaches every install
x-hasura-organization-id    the organization acted in; new rows belong to it
x-hasura-organization-ids   span role only: every organization reached
x-hasura-user-id            the user; no permission depends on it
"""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from hasura.engine.session import Session
from hasura.permissions import (
    ORGANIZATION_VARIABLE,
    ORGANIZATIONS_VARIABLE,
    array_literal,
    organization_role,
    span_role,
)
from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Scope
from platform_api.apps.access import get_usable_app, installed_organization_ids, is_owners_script
from platform_api.core.errors import BadRequest, Forbidden
from platform_api.core.types import AppId

ROLE_VARIABLE = "x-hasura-role"
USER_VARIABLE = "x-hasura-user-id"


async def graphql_session(
    session: AsyncSession, actor: Actor, app_reference: int | str | None, *, for_clients: bool = False
) -> Session:
    """The GraphQL session of `actor` on an app, by default the one the token is bound to.

    `for_clients`: numbers are answered as the app says for GraphQL clients.
    Raises `NotFound` for an app the caller cannot see, `Forbidden` when they may not use it.
    """
    actor.require_scope(Scope.DATA)
    reference = actor.app_id if app_reference is None else app_reference
    if reference is None:
        raise BadRequest(
            "the token is not bound to an app; use /api/apps/{app}/v1/graphql, with the app's id or slug"
        )
    app = await get_usable_app(session, actor, reference)
    variables = {ORGANIZATION_VARIABLE: str(actor.organization_id), USER_VARIABLE: str(actor.user_id)}
    stringify = for_clients and app.stringify_numbers
    if not is_owners_script(actor, app):
        return _session(organization_role(app.id), variables, stringify=stringify)
    reached = await installed_organization_ids(session, AppId(app.id))
    reaching = {**variables, ORGANIZATIONS_VARIABLE: array_literal(reached)}
    return _session(span_role(app.id), reaching, stringify=stringify)


def app_of(session: Session) -> str:
    """The id of the app that a session is on."""
    return session.role.removeprefix("app_").removesuffix("_span")


def narrow(session: Session, requested: Mapping[str, str]) -> Session:
    """The session with what the client asked for in `x-hasura-*` headers, as far as that takes rights away.

    `requested` has lower-case names. A span session may ask for fewer organizations, or for the app's ordinary role
    in one of them. Anything that would widen or move the session raises `Forbidden`; variables without a meaning
    here are ignored.
    """
    if not requested:
        return session
    organizations = _reached(session)
    variables = dict(session.variables)
    role = requested.get(ROLE_VARIABLE, session.role)
    if role not in (session.role, session.role.removesuffix("_span")):
        raise Forbidden(f"the role {role!r} is not open to this token; it has the role {session.role!r}")
    if (chosen := requested.get(ORGANIZATION_VARIABLE)) is not None:
        if chosen not in organizations:
            raise Forbidden(f"organization {chosen!r} is not open to this token")
        variables[ORGANIZATION_VARIABLE] = chosen
    if (several := requested.get(ORGANIZATIONS_VARIABLE)) is not None:
        wanted = several.strip().removeprefix("{").removesuffix("}").split(",")
        if not organizations.issuperset(item.strip() for item in wanted):
            raise Forbidden(f"organizations {several!r} are not all open to this token")
        if ORGANIZATIONS_VARIABLE in variables:
            variables[ORGANIZATIONS_VARIABLE] = array_literal(int(item) for item in wanted)
    if role != session.role:
        variables.pop(ORGANIZATIONS_VARIABLE, None)
    return _session(role, variables, stringify=session.stringify_numeric_types)


def _session(role: str, variables: Mapping[str, str], *, stringify: bool) -> Session:
    # An app's role reaches its own tables only, so their names are clear without the app's prefix.
    prefix = role.removesuffix("_span") + "_"
    return Session(
        role=role,
        variables={**variables, ROLE_VARIABLE: role},
        root_prefix=prefix,
        stringify_numeric_types=stringify,
    )


def _reached(session: Session) -> set[str]:
    several = session.variables.get(ORGANIZATIONS_VARIABLE)
    if several is None:
        return {session.variables[ORGANIZATION_VARIABLE]}
    return set(several.strip("{}").split(","))
