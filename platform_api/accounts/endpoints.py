"""Serves accounts over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from platform_api.accounts import service
from platform_api.accounts.dependencies import (
    SESSION_COOKIE,
    AccountActorDep,
    ActorDep,
    UserIdDep,
    browser_of,
    refuse_cross_site,
    session_cookie_of,
    set_session_cookie,
)
from platform_api.accounts.models import Role
from platform_api.accounts.schemas import (
    Me,
    MemberAdd,
    MemberOrder,
    MemberPage,
    MemberRead,
    MemberUpdate,
    MeUpdate,
    OrganizationCreate,
    OrganizationRead,
    OrganizationUpdate,
    PasswordChange,
    SignInRequest,
    UserCreate,
    UserPage,
    UserRead,
    UserUpdate,
)
from platform_api.accounts.sessions import sign_in
from platform_api.core.database import SessionDep
from platform_api.core.http.dependencies import DatabaseDep, SettingsDep
from platform_api.core.http.pagination import PartDep, SearchQuery
from platform_api.core.types import UserId

router = APIRouter(tags=["accounts"])

OrganizationReference = Annotated[str, Path(description="Id or slug of the organization", max_length=63)]


@router.get("/me/", summary="Return the caller's user, organization, role and scopes")
async def me(actor: ActorDep, session: SessionDep) -> Me:
    user = await service.load_user(session, actor.user_id)
    organization = await service.load_organization(session, actor.organization_id)
    return Me.of(actor, user, organization)


@router.patch("/me/", summary="Change the caller's name")
async def update_me(actor: AccountActorDep, session: SessionDep, body: MeUpdate) -> Me:
    user = await service.load_user(session, actor.user_id)
    user.name = body.name
    return Me.of(actor, user, await service.load_organization(session, actor.organization_id))


@router.post("/me/password/", status_code=204, summary="Change the caller's password; ends their other sign-ins")
async def change_password(
    request: Request, actor: AccountActorDep, session: SessionDep, body: PasswordChange
) -> None:
    user = await service.load_user(session, actor.user_id)
    kept = session_cookie_of(request)
    await service.change_password(
        session, user, current=body.current_password, new=body.new_password, kept_cookie=kept
    )


@router.post("/sessions/", summary="Sign in on the web pages (sets a cookie)")
async def create_session(
    request: Request,
    response: Response,
    session: SessionDep,
    database: DatabaseDep,
    settings: SettingsDep,
    body: SignInRequest,
) -> UserRead:
    if "origin" in request.headers:
        refuse_cross_site(request)
    browser = browser_of(request)
    user, secret = await sign_in.sign_in(
        session,
        database,
        email=body.email,
        password=body.password,
        browser=browser,
        days=settings.session_days,
    )
    set_session_cookie(response, secret, settings, browser=browser, email=user.email)
    return UserRead.model_validate(user)


@router.delete("/sessions/current/", status_code=204, summary="Sign out")
async def delete_session(request: Request, response: Response, session: SessionDep) -> None:
    if secret := request.cookies.get(SESSION_COOKIE):
        refuse_cross_site(request)
        await sign_in.sign_out(session, secret)
    response.delete_cookie(SESSION_COOKIE)


@router.get("/organizations/", summary="List the caller's organizations, oldest first")
async def list_organizations(
    actor: ActorDep,
    session: SessionDep,
    search: SearchQuery = None,
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many")] = 100,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Only those with a larger id")] = 0,
) -> list[OrganizationRead]:
    found = await service.list_organizations(session, actor, search=search, limit=limit, after=after)
    return [OrganizationRead.of(*membership) for membership in found]


@router.post("/organizations/", status_code=201, summary="Create an organization, with the caller as its owner")
async def create_organization(user_id: UserIdDep, session: SessionDep, body: OrganizationCreate) -> OrganizationRead:
    # By the user alone: somebody who left their last organization makes the next one here.
    organization = await service.create_organization(session, name=body.name, slug=body.slug, owner_id=user_id)
    return OrganizationRead.of(organization, Role.OWNER)


@router.get("/organizations/{organization}/", summary="Return one of the caller's organizations")
async def get_organization(
    actor: ActorDep, session: SessionDep, organization: OrganizationReference
) -> OrganizationRead:
    return OrganizationRead.of(*await service.get_organization(session, actor, organization))


@router.patch("/organizations/{organization}/", summary="Rename an organization (owners)")
async def update_organization(
    actor: AccountActorDep, session: SessionDep, organization: OrganizationReference, body: OrganizationUpdate
) -> OrganizationRead:
    found = await service.get_managed_organization(session, actor, organization)
    found.name = body.name
    return OrganizationRead.of(found, Role.OWNER)


@router.get("/organizations/{organization}/members/", summary="List the members of an organization")
async def list_members(
    actor: AccountActorDep,
    session: SessionDep,
    organization: OrganizationReference,
    listing: PartDep,
    search: SearchQuery = None,
    order: MemberOrder = "created_at",
) -> MemberPage:
    found, _ = await service.get_organization(session, actor, organization)
    part = await service.list_members(session, found, search=search, order=order, window=listing.window)
    return MemberPage(**listing.links(part), results=[MemberRead.of(*member) for member in part.items])


@router.post("/organizations/{organization}/members/", status_code=201, summary="Add a member (owners)")
async def add_member(
    actor: AccountActorDep, session: SessionDep, organization: OrganizationReference, body: MemberAdd
) -> MemberRead:
    found = await service.get_managed_organization(session, actor, organization)
    added = await service.add_member(
        session, found, email=body.email, role=body.role, name=body.name, password=body.password
    )
    return MemberRead.of(*added)


@router.patch("/organizations/{organization}/members/{user_id}/", summary="Change a member's role (owners)")
async def change_role(
    actor: AccountActorDep,
    session: SessionDep,
    organization: OrganizationReference,
    user_id: int,
    body: MemberUpdate,
) -> MemberRead:
    found = await service.get_managed_organization(session, actor, organization)
    return MemberRead.of(*await service.change_role(session, found, user_id=UserId(user_id), role=body.role))


@router.delete(
    "/organizations/{organization}/members/me/", status_code=204, summary="Remove oneself: leave an organization"
)
async def leave_organization(
    actor: AccountActorDep, session: SessionDep, organization: OrganizationReference
) -> None:
    found, _ = await service.get_organization(session, actor, organization)
    await service.remove_member(session, found, user_id=actor.user_id)


@router.delete(
    "/organizations/{organization}/members/{user_id}/", status_code=204, summary="Remove a member (owners)"
)
async def remove_member(
    actor: AccountActorDep, session: SessionDep, organization: OrganizationReference, user_id: int
) -> None:
    found = await service.get_managed_organization(session, actor, organization)
    await service.remove_member(session, found, user_id=UserId(user_id))


@router.post("/users/", status_code=201, summary="Create a user (operators of the installation)")
async def create_user(actor: AccountActorDep, session: SessionDep, body: UserCreate) -> UserRead:
    actor.require_operator()
    user = await service.create_user(
        session, email=body.email, password=body.password, name=body.name, is_operator=body.is_operator
    )
    return UserRead.model_validate(user)


@router.get("/users/", summary="List every user of the installation (operators)")
async def list_users(
    actor: AccountActorDep,
    session: SessionDep,
    listing: PartDep,
    search: SearchQuery = None,
    order: MemberOrder = "created_at",
) -> UserPage:
    actor.require_operator()
    part = await service.list_users(session, search=search, order=order, window=listing.window)
    return UserPage(**listing.links(part), results=[UserRead.model_validate(user) for user in part.items])


@router.patch("/users/{user_id}/", summary="Change a user, set a new password or deactivate them (operators)")
async def update_user(actor: AccountActorDep, session: SessionDep, user_id: int, body: UserUpdate) -> UserRead:
    actor.require_operator()
    return UserRead.model_validate(await service.update_user(session, UserId(user_id), body))
