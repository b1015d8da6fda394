"""Finds out who is calling: the FastAPI dependencies `ActorDep` for tenants, `RunnerDep` for the runner protocol."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from platform_api.accounts.actor import Actor
from platform_api.accounts.authentication import (
    Runner,
    authenticate_runner,
    authenticate_session,
    authenticate_token,
    find_signed_in_user,
    read_authorization,
    unauthenticated,
)
from platform_api.accounts.models import Role, Scope
from platform_api.accounts.sessions.known_browsers import known_browser_cookie, read_known_browser
from platform_api.accounts.sessions.places import place_of_address
from platform_api.accounts.sessions.sign_in import Browser
from platform_api.accounts.tokens import digest_of
from platform_api.accounts.viewing import VIEW_AS_HEADER, refuse_changes_of_viewer, view_as
from platform_api.core.database import SessionDep
from platform_api.core.errors import Forbidden, PlatformError, Unavailable
from platform_api.core.http.live_events import Reader
from platform_api.core.http.origins import is_own_origin
from platform_api.core.services import services_of
from platform_api.core.settings import Settings
from platform_api.core.types import UserId
from platform_api.core.watchers import AccessChanges

SESSION_COOKIE = "automio_session"
KNOWN_BROWSER_COOKIE = "automio_browser"
_KNOWN_BROWSER_DAYS = 365
ORGANIZATION_HEADER = "X-Organization-Id"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

_authorization = APIKeyHeader(
    name="Authorization",
    scheme_name="token",
    description="`App-Token <token>` or `Bearer <token>`",
    auto_error=False,
)
_cookie = APIKeyCookie(name=SESSION_COOKIE, scheme_name="session", description="Web sign-in", auto_error=False)

CREDENTIALS = [Security(_authorization), Security(_cookie)]
"""Of an endpoint that finds its caller by itself (`actor_of_request`): how OpenAPI shows what it takes."""


ActingInHeader = Annotated[
    str | None,
    Header(
        alias=ORGANIZATION_HEADER,
        max_length=63,
        description="Acts in another organization of the user (id or slug); needs the scope `account`. In rows and"
        " files, the installer that a script of an app's owner works for",
    ),
]


class ForeignPage(Forbidden):
    """Reports a change with a sign-in that another site's page requested."""

    code = "foreign_page"


async def current_actor(
    request: Request,
    session: SessionDep,
    authorization: Annotated[str | None, Security(_authorization)],
    cookie: Annotated[str | None, Security(_cookie)],
    acting_in: ActingInHeader = None,
) -> Actor:
    """Returns the caller, by their token, or on our own pages by the sign-in cookie. A token wins over a cookie."""
    return await actor_of_request(request, session, organization=acting_in)


OrganizationQuery = Annotated[
    str | None,
    Query(
        alias="organization",
        max_length=63,
        description="As the header X-Organization-Id, which wins: an EventSource cannot send headers",
    ),
]


async def _streaming_actor(
    request: Request,
    session: SessionDep,
    authorization: Annotated[str | None, Security(_authorization)],
    cookie: Annotated[str | None, Security(_cookie)],
    acting_in: ActingInHeader = None,
    organization: OrganizationQuery = None,
) -> Actor:
    """Returns the caller of an event stream, which may name the organization in its query."""
    return await actor_of_request(request, session, organization=organization if acting_in is None else acting_in)


async def _delegated_actor(
    request: Request,
    session: SessionDep,
    authorization: Annotated[str | None, Security(_authorization)],
    cookie: Annotated[str | None, Security(_cookie)],
    acting_in: ActingInHeader = None,
) -> Actor:
    """Returns the caller; an owner's script may name the organization that it works for, as `works_for`."""
    return await actor_of_request(request, session, organization=acting_in, may_work_for=True)


async def actor_of_request(
    request: Request, session: AsyncSession, *, organization: str | None, may_work_for: bool = False
) -> Actor:
    """Returns the caller of `request`, who acts in `organization`, by default in that of their credential.

    With a sign-in, `X-Automio-View-As` narrows the caller to what somebody else may read.
    """
    if (authorization := request.headers.get("authorization")) is not None:
        if VIEW_AS_HEADER in request.headers:
            raise Forbidden(f"{VIEW_AS_HEADER} is for sign-ins; a token has its own rights")
        secret = read_authorization(authorization)
        return await authenticate_token(session, secret, organization=organization, may_work_for=may_work_for)
    if cookie := request.cookies.get(SESSION_COOKIE):
        refuse_cross_site(request)
        refuse_changes_of_viewer(request)
        actor = await authenticate_session(session, cookie, organization=organization)
        target = request.headers.get(VIEW_AS_HEADER)
        return actor if target is None else await view_as(session, actor, target)
    raise unauthenticated("the token is missing: send `Authorization: App-Token <token>` (APP_TOKEN)")


async def find_caller(request: Request, session: AsyncSession) -> UserId | None:
    """Returns the user who is calling; None without a credential, and where the sign-in has ended.

    They need not be a member of any organization, as somebody who left the last one. Raises Unauthenticated for a
    token that does not work, and Forbidden for one without the scope `account`.
    """
    if (authorization := request.headers.get("authorization")) is not None:
        actor = await authenticate_token(session, read_authorization(authorization))
        actor.require_scope(Scope.ACCOUNT)
        return actor.user_id
    if cookie := request.cookies.get(SESSION_COOKIE):
        refuse_cross_site(request)
        refuse_changes_of_viewer(request)
        user = await find_signed_in_user(session, cookie)
        return None if user is None else user.id
    return None


async def current_user_id(request: Request, session: SessionDep) -> UserId:
    """Returns the user who is calling, as `find_caller` does. Raises Unauthenticated when there is none."""
    user_id = await find_caller(request, session)
    if user_id is None:
        raise unauthenticated("this needs a sign-in, or a token with the scope `account`")
    return user_id


def still_allowed(
    request: Request,
    actor: Actor,
    scope: Scope,
    *,
    check: Callable[[AsyncSession, Actor], Awaitable[object]] | None = None,
) -> Reader:
    """Returns what asks again who is calling: a stream outlasts tokens, memberships and sign-ins.

    `check` raises an error of the platform where the caller may no longer see what is streamed.
    """

    async def may_read(session: AsyncSession) -> bool:
        try:
            caller = await actor_of_request(request, session, organization=str(actor.organization_id))
            if check is not None:
                await check(session, caller)
        except Unavailable:
            raise
        except PlatformError:
            return False
        return caller.has_scope(scope)

    changes = services_of(request)[AccessChanges]
    return Reader(may_read, lambda wake: changes.watching(wake, token_digest_of(request.headers)))


def token_digest_of(headers: Mapping[str, str]) -> str:
    """Returns the SHA-256 in hex of the token that a request is made with; empty for a sign-in."""
    authorization = headers.get("authorization")
    return "" if authorization is None else digest_of(read_authorization(authorization)).hex()


def place_of(request: Request) -> str:
    """Returns what limits count the client's network address as."""
    return place_of_address(_address_of(request))


def browser_of(request: Request) -> Browser:
    """Returns where a request comes from."""
    known = read_known_browser(services_of(request)[Settings], request.cookies.get(KNOWN_BROWSER_COOKIE))
    return Browser(_address_of(request), request.headers.get("user-agent", ""), known)


def _address_of(request: Request) -> str:
    """Returns the client's network address; behind one of TRUSTED_PROXIES, the one that the proxy reports."""
    return request.client.host if request.client is not None else ""


def session_cookie_of(request: Request) -> str | None:
    """Returns the cookie of the sign-in that a request was made with; None for one with a token, which wins."""
    return None if "authorization" in request.headers else request.cookies.get(SESSION_COOKIE)


def set_session_cookie(response: Response, secret: str, settings: Settings, *, browser: Browser, email: str) -> None:
    """Gives the browser the sign-in; scripts in a page cannot read it, other sites cannot post with it.

    A second cookie tells later that the account of `email` was signed in to in this browser.
    """
    known = known_browser_cookie(settings, browser.known, email)
    days = {SESSION_COOKIE: (secret, settings.session_days), KNOWN_BROWSER_COOKIE: (known, _KNOWN_BROWSER_DAYS)}
    for name, (value, max_days) in days.items():
        response.set_cookie(
            name,
            value,
            max_age=max_days * 86400,
            httponly=True,
            samesite="lax",
            secure=settings.is_public_url_secure,
        )


def refuse_cross_site(request: Request) -> None:
    """Raises Forbidden for a change that another site's page requests: browsers send the cookie along there too."""
    if request.method in _SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    if origin is None:
        is_own = request.headers.get("sec-fetch-site") == "same-origin"
    else:
        public_url = services_of(request)[Settings].public_url
        is_own = is_own_origin(origin, host=request.headers.get("host"), public_url=public_url)
    if not is_own:
        raise ForeignPage("a sign-in may change things from this platform's own pages only; use a token elsewhere")


async def current_runner(
    session: SessionDep, authorization: Annotated[str | None, Security(_authorization)]
) -> Runner:
    """Returns the sandbox runner that is calling."""
    return await authenticate_runner(session, read_authorization(authorization))


ActorDep = Annotated[Actor, Depends(current_actor)]
DelegatedActorDep = Annotated[Actor, Depends(_delegated_actor)]
"""As ActorDep; an owner's script may name the organization that it works for."""
RunnerDep = Annotated[Runner, Depends(current_runner)]
UserIdDep = Annotated[UserId, Depends(current_user_id)]
"""May see and change what belongs to the user alone, in no organization."""


def _actor_with(scope: Scope, role: Role, *, caller: Callable[..., Awaitable[Actor]] = current_actor) -> object:
    async def actor_with(actor: Annotated[Actor, Depends(caller)]) -> Actor:
        actor.require_scope(scope)
        actor.require_role(role)
        return actor

    return Depends(actor_with)


DataActorDep = Annotated[Actor, _actor_with(Scope.DATA, Role.MEMBER)]
"""May read and write rows and the cache, call integrations."""
DelegatedDataActorDep = Annotated[Actor, _actor_with(Scope.DATA, Role.MEMBER, caller=_delegated_actor)]
"""As DataActorDep; an owner's script may name the organization that it works for."""
RunActorDep = Annotated[Actor, _actor_with(Scope.RUN, Role.MEMBER)]
"""May start and follow runs."""
DataStreamActorDep = Annotated[Actor, _actor_with(Scope.DATA, Role.MEMBER, caller=_streaming_actor)]
"""As DataActorDep, of an event stream."""
RunStreamActorDep = Annotated[Actor, _actor_with(Scope.RUN, Role.MEMBER, caller=_streaming_actor)]
"""As RunActorDep, of an event stream."""
BuildActorDep = Annotated[Actor, _actor_with(Scope.BUILD, Role.BUILDER)]
"""May create and change apps, tables, actions, integrations."""
AccountActorDep = Annotated[Actor, _actor_with(Scope.ACCOUNT, Role.MEMBER)]
"""May manage organizations, members and tokens, as far as the role in each allows."""
