"""Authenticates credentials. Every refusal says what is wrong with the credential, never whose it is."""

from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor, ActorKind
from platform_api.accounts.models import Membership, Organization, Role, Scope, SignIn, Token, TokenKind, User
from platform_api.accounts.sessions.use import note_use
from platform_api.accounts.tokens import digest_of, is_well_formed
from platform_api.core.errors import Forbidden, Unauthenticated
from platform_api.core.types import OrganizationId, TokenId, UserId

_CHALLENGE = {"WWW-Authenticate": "App-Token"}
_SCHEMES = ("app-token", "bearer")
_ALL_SCOPES = frozenset(Scope)
# The database's clock judges, since it also set the end: processes may disagree about the time.
_HAS_EXPIRED = Token.expires_at <= func.now()


@dataclass(frozen=True, slots=True)
class Runner:
    """Represents a sandbox runner of this installation, authenticated by a runner token."""

    token_id: TokenId
    name: str


class SessionEnded(Unauthenticated):
    """Reports that the sign-in of the cookie has ended, or never was."""

    code = "session_ended"


class TokenExpired(Unauthenticated):
    """Reports that the token's time is over."""

    code = "token_expired"


class TokenRevoked(Unauthenticated):
    """Reports that the token was revoked, or belonged to a run that has ended."""

    code = "token_revoked"


class NoOrganization(Forbidden):
    """Reports that the signed-in user is a member of no organization."""

    code = "no_organization"


class NotYourOrganization(Forbidden):
    """Reports that the caller may not act in the organization that the request names."""

    code = "not_your_organization"


def unauthenticated(message: str, kind: type[Unauthenticated] = Unauthenticated) -> Unauthenticated:
    """Returns a 401 error with the challenge that clients expect."""
    return kind(message, headers=_CHALLENGE)


def no_longer_member() -> Unauthenticated:
    """Returns the 401 error of a caller whose membership has ended."""
    return unauthenticated("the token's user is no longer a member of its organization")


def read_authorization(header: str | None) -> str:
    """Returns the token in an `Authorization` header. Raises Unauthenticated when it has no well-formed token."""
    scheme, _, secret = (header or "").strip().partition(" ")
    secret = secret.strip()
    if scheme.startswith("amt_") and not secret:
        raise unauthenticated(
            "the token has no scheme before it: send `Authorization: App-Token <token>`, or `Bearer <token>`"
        )
    if not scheme or secret in ("", "None", "null"):
        raise unauthenticated("the token is missing: send `Authorization: App-Token <token>` (APP_TOKEN)")
    if scheme.lower() not in _SCHEMES:
        raise unauthenticated("the token is malformed: the scheme must be `App-Token` or `Bearer`")
    if not is_well_formed(secret):
        raise unauthenticated("the token is malformed: a token starts with `amt_`; check that it was copied whole")
    return secret


async def authenticate_token(
    session: AsyncSession, secret: str, *, organization: str | None = None, may_work_for: bool = False
) -> Actor:
    """Returns the actor of an app or run token. Raises Unauthenticated, Forbidden.

    `organization` (id or slug) chooses another organization of the user; that needs the scope `account`. With
    `may_work_for`, a script that works for every install names by it the one that it works for: whoever takes such
    an actor asks `reached_organization_ids` whether it may.
    """
    statement = (
        select(Token, _HAS_EXPIRED, User, Membership.role)
        .outerjoin(User, User.id == Token.user_id)
        # tenancy: the caller's own membership is what this establishes
        .outerjoin(
            Membership,
            (Membership.user_id == Token.user_id) & (Membership.organization_id == Token.organization_id),
        )
        .where(Token.digest == digest_of(secret))
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise unauthenticated("the token is unknown to this platform")
    token, has_expired, user, role = row
    _require_active_token(token, has_expired=has_expired)
    if token.kind is TokenKind.RUNNER:
        raise Forbidden("a runner token is for sandbox runners only")
    if user is None or not user.is_active or role is None or token.organization_id is None:
        raise no_longer_member()
    actor = Actor(
        kind=ActorKind.RUN_TOKEN if token.kind is TokenKind.RUN else ActorKind.APP_TOKEN,
        user_id=user.id,
        organization_id=token.organization_id,
        role=role,
        scopes=frozenset(Scope(scope) for scope in token.scopes),
        is_operator=user.is_operator,
        app_id=token.app_id,
        run_id=token.run_id,
        token_id=token.id,
        reaches_installs=token.reaches_installs,
    )
    if organization is None:
        return actor
    if may_work_for and actor.reaches_installs and organization.isdecimal() and len(organization) < 10:
        return replace(actor, works_for=OrganizationId(int(organization)))
    return await _act_in(session, actor, organization)


async def authenticate_runner(session: AsyncSession, secret: str) -> Runner:
    """Returns the runner of a runner token. Raises Unauthenticated, Forbidden."""
    row = (await session.execute(select(Token, _HAS_EXPIRED).where(Token.digest == digest_of(secret)))).one_or_none()
    if row is None:
        raise unauthenticated("the token is unknown to this platform")
    token, has_expired = row
    _require_active_token(token, has_expired=has_expired)
    if token.kind is not TokenKind.RUNNER:
        raise Forbidden("this needs a runner token")
    return Runner(token.id, token.name)


async def find_signed_in_user(session: AsyncSession, cookie: str) -> User | None:
    """Returns the active user of a sign-in that has not ended; None when there is none."""
    user: User | None = await session.scalar(
        select(User)
        .join(SignIn, SignIn.user_id == User.id)
        .where(SignIn.digest == digest_of(cookie), SignIn.expires_at > func.now(), User.is_active)
    )
    return user


async def authenticate_session(session: AsyncSession, cookie: str, *, organization: str | None = None) -> Actor:
    """Returns the actor of a signed-in user, in `organization` or else in the one they joined first."""
    user = await find_signed_in_user(session, cookie)
    if user is None:
        raise unauthenticated("the sign-in has ended; sign in again", SessionEnded)
    first = (
        select(Membership.organization_id, Membership.role)
        .where(Membership.user_id == user.id)
        .order_by(Membership.created_at, Membership.organization_id)
        .limit(1)
    )
    row = (await session.execute(first)).one_or_none()
    if row is None:
        raise NoOrganization("you are not a member of any organization; ask an owner to add you")
    actor = signed_in_actor(user, row.organization_id, row.role)
    if organization is not None:
        actor = await _act_in(session, actor, organization)
    await note_use(session, actor, cookie)
    return actor


def signed_in_actor(user: User, organization_id: OrganizationId, role: Role) -> Actor:
    """Returns a user who has signed in on the web pages, acting in an organization in which they have `role`."""
    return Actor(
        kind=ActorKind.SESSION,
        user_id=user.id,
        organization_id=organization_id,
        role=role,
        scopes=_ALL_SCOPES,
        is_operator=user.is_operator,
    )


def _require_active_token(token: Token, *, has_expired: bool | None) -> None:
    if token.revoked_at is not None:
        ended_run = token.kind is TokenKind.RUN
        message = "the token's run has ended" if ended_run else "the token has been revoked"
        raise unauthenticated(message, TokenRevoked)
    if token.expires_at is not None and has_expired:
        expired_at = token.expires_at.isoformat(timespec="seconds")
        raise unauthenticated(f"the token expired at {expired_at}", TokenExpired)


async def _act_in(session: AsyncSession, actor: Actor, organization: str) -> Actor:
    """Returns `actor` acting in another organization of the same user. Raises Forbidden."""
    chosen = await _own_membership(session, actor.user_id, organization)
    if chosen is None or (chosen[0] != actor.organization_id and Scope.ACCOUNT not in actor.scopes):
        raise NotYourOrganization(f"this credential cannot act in organization {organization}")
    organization_id, role = chosen
    return replace(actor, organization_id=organization_id, role=role)


async def _own_membership(
    session: AsyncSession, user_id: UserId, organization: str
) -> tuple[OrganizationId, Role] | None:
    matches = Organization.slug == organization
    if organization.isdecimal() and len(organization) < 10:
        matches = Organization.id == int(organization)
    statement = (
        select(Membership.organization_id, Membership.role)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.user_id == user_id, matches)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row.organization_id, row.role)
