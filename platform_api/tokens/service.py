"""Creates, lists and revokes tokens for their owners."""

from dataclasses import replace

from sqlalchemy import ColumnElement, func, literal, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Membership, Role, Scope, Token, TokenKind
from platform_api.accounts.schemas import TokenCreate
from platform_api.accounts.service import get_organization, role_in
from platform_api.accounts.tenancy import visible_organization_ids
from platform_api.accounts.tokens import IssuedToken, issue_app_token, issue_runner_token
from platform_api.apps.access import get_usable_app
from platform_api.core.errors import Forbidden, NotFound, Unprocessable
from platform_api.core.paging import Orders, Part, Window, contains, read_items
from platform_api.core.types import OrganizationId, TokenId

_ORDERS = Orders("tokens", Token.id, created_at=Token.id, name=func.lower(Token.name))
# Written out, because the planner proves the condition of `ix_tokens_listed` from it; from a parameter it cannot.
_IS_LISTED = Token.kind != literal_column("'run'")


async def create_token(session: AsyncSession, actor: Actor, data: TokenCreate) -> IssuedToken:
    """Creates a token for the caller, with no more scopes than the caller has, or one for a runner."""
    if data.expires_at is not None and not await session.scalar(select(literal(data.expires_at) > func.now())):
        raise Unprocessable("expires_at: must lie in the future", field="expires_at")
    if data.kind is TokenKind.RUNNER:
        actor.require_operator()
        return await issue_runner_token(session, name=data.name, expires_at=data.expires_at)
    bearer = await _act_in(session, actor, data.organization_id)
    if excess := sorted(set(data.scopes) - actor.scopes):
        lacking = ", ".join(excess)
        raise Forbidden(f"a new token cannot have more scopes than yours, which lacks: {lacking}", field="scopes")
    if actor.app_id is not None and data.app is None:
        raise Forbidden(
            f"this token is bound to app {actor.app_id}; name that app for the new token too", field="app"
        )
    app_id = None if data.app is None else (await get_usable_app(session, bearer, data.app)).id
    return await issue_app_token(
        session,
        organization_id=bearer.organization_id,
        user_id=actor.user_id,
        scopes=data.scopes,
        name=data.name,
        app_id=app_id,
        expires_at=data.expires_at,
    )


async def list_tokens(
    session: AsyncSession,
    actor: Actor,
    *,
    organization: str | None = None,
    search: str | None,
    order: str,
    window: Window,
) -> Part[Token]:
    """Returns a part of the tokens that the caller manages; `search` looks in names and the first characters.

    Managed are their own tokens, those of members as owner, runner tokens as operator. Raises NotFound when the
    caller is no member of `organization`.
    """
    statement = select(Token).where(_manageable(actor), _IS_LISTED)
    within: object = ""
    if organization is not None:
        chosen, _ = await get_organization(session, actor, organization)
        within = chosen.id
        statement = statement.where(
            Token.organization_id == chosen.id
        )  # tenancy: the caller's own, by the line above
    if search:
        statement = statement.where(contains(search, Token.name, Token.hint))
    return await read_items(session, statement, _ORDERS.of(order, within=within), window)


async def revoke_token(session: AsyncSession, actor: Actor, token_id: TokenId) -> Token:
    """Revokes a token for good; revoking it again changes nothing. Raises NotFound."""
    statement = select(Token).where(_manageable(actor), Token.kind != TokenKind.RUN, Token.id == token_id)
    token: Token | None = await session.scalar(statement)
    if token is None:
        raise NotFound(f"there is no token {token_id}")
    return await end_token(session, token)


async def end_token(session: AsyncSession, token: Token) -> Token:
    """Revokes a token that the caller may manage."""
    if token.revoked_at is None:
        token.revoked_at = await session.scalar(select(func.now()))
        await session.flush()
    return token


async def list_every_token(session: AsyncSession) -> list[Token]:
    """Returns the app and runner tokens of the whole installation, for an operator at the database."""
    return list(await session.scalars(select(Token).where(Token.kind != TokenKind.RUN).order_by(Token.id)))


async def _act_in(session: AsyncSession, actor: Actor, organization_id: int | None) -> Actor:
    """Returns the caller acting in another of their organizations. Raises NotFound, Forbidden."""
    if organization_id in (None, actor.organization_id):
        return actor
    target = OrganizationId(organization_id)
    actor.require_scope(Scope.ACCOUNT)
    role = await role_in(session, user_id=actor.user_id, organization_id=target)
    if role is None:
        raise NotFound(f"there is no organization {target}")
    return replace(actor, organization_id=target, role=role)


def _manageable(actor: Actor) -> ColumnElement[bool]:
    visible = Token.organization_id.in_(visible_organization_ids(actor, across=True))
    # tenancy: narrows what is visible further, to the organizations the caller owns
    owned = select(Membership.organization_id).where(
        Membership.user_id == actor.user_id, Membership.role == Role.OWNER
    )
    # tenancy: narrows what is visible further
    mine = visible & or_(Token.user_id == actor.user_id, Token.organization_id.in_(owned))
    if actor.is_viewing and actor.role is not Role.OWNER:
        # tenancy: narrows what is visible further, to what somebody who owns nothing would manage
        mine = visible & (Token.user_id == actor.user_id)
    return or_(mine, Token.kind == TokenKind.RUNNER) if actor.is_operator else mine
