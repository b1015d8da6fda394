"""Maps a caller to a GraphQL session: its role, and the organizations whose rows it reaches.

x-hasura-role               app_{id}; app_{id}_span for an owner's script that reaches every install; app_{id}_member
                            for a member, where the app limits what members may do
x-hasura-organization-id    the organization acted in; new rows belong to it
x-hasura-organization-ids   span role only: every organization reached
x-hasura-user-id            the user; rules of limited roles compare with it
x-hasura-limits             limited roles only: differs whenever their limits do, so that no session outlives a change
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from hasura.engine.session import Session
from hasura.permissions import (
    ORGANIZATION_VARIABLE,
    ORGANIZATIONS_VARIABLE,
    array_literal,
    limited_role,
    organization_role,
    span_role,
)
from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Scope
from platform_api.apps.access import get_usable_app, is_owners_script, reached_organization_ids, require_delegation
from platform_api.core.errors import BadRequest, Forbidden
from platform_api.core.types import AppId
from platform_api.tables.permissions.repository import limits_revision

ROLE_VARIABLE = "x-hasura-role"
USER_VARIABLE = "x-hasura-user-id"
LIMITS_VARIABLE = "x-hasura-limits"


async def graphql_session(
    session: AsyncSession, actor: Actor, app_reference: int | str | None, *, for_clients: bool = False
) -> Session:
    """Returns the GraphQL session of `actor` on an app, by default the app that the token is bound to.

    With `for_clients`, numbers are encoded as the app's `stringify_numbers` says. Raises `NotFound` for an app that
    the caller cannot see, `Forbidden` for one they may not use.
    """
    actor.require_scope(Scope.DATA)
    reference = actor.app_id if app_reference is None else app_reference
    if reference is None:
        raise BadRequest(
            "the token is not bound to an app; use /api/apps/{app}/v1/graphql, with the app's id or slug"
        )
    app = await get_usable_app(session, actor, reference)
    require_delegation(actor, app)
    user_id = actor.viewed_user_id or actor.user_id
    tenant = str(actor.organization_id)
    variables = {ORGANIZATION_VARIABLE: tenant, USER_VARIABLE: str(user_id)}
    stringify = for_clients and app.stringify_numbers
    limits = await limits_revision(session, actor, AppId(app.id))
    if limits is not None:
        limited = {**variables, LIMITS_VARIABLE: limits}
        return _session(limited_role(app.id, actor.role), limited, tenant=tenant, stringify=stringify)
    if not is_owners_script(actor, app):
        return _session(organization_role(app.id), variables, tenant=tenant, stringify=stringify)
    reached = await reached_organization_ids(session, actor, app)
    if actor.works_for is not None:
        narrowed = {**variables, ORGANIZATION_VARIABLE: str(actor.works_for)}
        return _session(organization_role(app.id), narrowed, tenant=tenant, stringify=stringify)
    spanning = {**variables, ORGANIZATIONS_VARIABLE: array_literal(reached)}
    return _session(span_role(app.id), spanning, tenant=tenant, stringify=stringify)


def app_of(session: Session) -> str:
    """Returns the id of a session's app."""
    return session.role.split("_")[1]


def is_limited(session: Session) -> bool:
    """Returns whether the app limits what the session's role may do."""
    return LIMITS_VARIABLE in session.variables


def narrow(session: Session, requested: Mapping[str, str]) -> Session:
    """Returns the session narrowed to what the client requests in `x-hasura-*` headers.

    `requested` has lower-case names. A span session may request fewer organizations, or the app's ordinary role in
    one of them. A limited session that names the ordinary role keeps its own, which is what it has of it. Raises
    `Forbidden` for anything that would widen or move the session; ignores unknown variables.
    """
    if not requested:
        return session
    organizations = _reachable(session)
    variables = dict(session.variables)
    role, ordinary = requested.get(ROLE_VARIABLE, session.role), organization_role(int(app_of(session)))
    if role not in (session.role, ordinary):
        raise Forbidden(f"the role {role!r} is not open to this token; it has the role {session.role!r}")
    if is_limited(session):
        role = session.role
    if (chosen := requested.get(ORGANIZATION_VARIABLE)) is not None:
        if chosen not in organizations:
            raise Forbidden(f"organization {chosen!r} is not open to this token")
        variables[ORGANIZATION_VARIABLE] = chosen
    if (listed := requested.get(ORGANIZATIONS_VARIABLE)) is not None:
        chosen_ids = listed.strip().removeprefix("{").removesuffix("}").split(",")
        if not organizations.issuperset(item.strip() for item in chosen_ids):
            raise Forbidden(f"organizations {listed!r} are not all open to this token")
        if ORGANIZATIONS_VARIABLE in variables:
            variables[ORGANIZATIONS_VARIABLE] = array_literal(int(item) for item in chosen_ids)
    if role != session.role:
        variables.pop(ORGANIZATIONS_VARIABLE, None)
    return _session(role, variables, tenant=session.tenant, stringify=session.stringify_numeric_types)


def _session(role: str, variables: Mapping[str, str], *, tenant: str | None, stringify: bool) -> Session:
    # An app's role reaches only its own tables, so their names are unambiguous without the app's prefix.
    named = {**variables, ROLE_VARIABLE: role}
    session = Session(role=role, variables=named, stringify_numeric_types=stringify, tenant=tenant)
    return replace(session, root_prefix=f"{organization_role(int(app_of(session)))}_")


def _reachable(session: Session) -> set[str]:
    listed = session.variables.get(ORGANIZATIONS_VARIABLE)
    if listed is None:
        return {session.variables[ORGANIZATION_VARIABLE]}
    return set(listed.strip("{}").split(","))
