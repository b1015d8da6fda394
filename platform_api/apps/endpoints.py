"""Serves apps over HTTP (contract §11), with their source tree and installs."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.dependencies import ActorDep, BuildActorDep
from platform_api.accounts.models import Role, Scope
from platform_api.apps import installs, service, source
from platform_api.apps.access import get_buildable_app, get_own_app, get_readable_app, get_source_readable_app
from platform_api.apps.access_summary import access_digest, summarize_access
from platform_api.apps.models import App, SourceVersion
from platform_api.apps.parameters import AppReference
from platform_api.apps.schemas import (
    AccessSummary,
    Application,
    ApplicationPage,
    ApplicationUpdate,
    ApplicationWrite,
    AppListing,
    InstallerRead,
    InstallRead,
    InstallUpdate,
    InstallWrite,
    SourceChange,
    SourceDiff,
    SourceRead,
    SourceVersionRead,
    SourceWrite,
)
from platform_api.apps.source_tree import compare, unified_diff
from platform_api.core.database import SessionDep
from platform_api.core.http.dependencies import SettingsDep
from platform_api.core.http.pagination import ListingDep, NamedOrder, SearchQuery

router = APIRouter(prefix="/apps", tags=["apps"])


@router.get("/", summary="List the apps of the caller's organization and those it installed")
async def list_apps(
    actor: ActorDep,
    session: SessionDep,
    settings: SettingsDep,
    listing: ListingDep,
    show: Annotated[AppListing, Query(description="Which apps")] = AppListing.USABLE,
    search: SearchQuery = None,
    order: NamedOrder = "created_at",
) -> ApplicationPage:
    part = await service.list_apps(session, actor, show=show, search=search, order=order, window=listing.window)
    return ApplicationPage(
        **listing.links(part),
        results=[Application.of(described, public_url=settings.public_url) for described in part.items],
    )


@router.post("/", status_code=201, summary="Create an app")
async def create_app(
    actor: BuildActorDep, session: SessionDep, settings: SettingsDep, body: ApplicationWrite
) -> Application:
    return Application.of(await service.create_app(session, actor, body), public_url=settings.public_url)


@router.get("/{app}/", summary="Return an app")
async def get_app(actor: ActorDep, session: SessionDep, settings: SettingsDep, app: AppReference) -> Application:
    found = await get_readable_app(session, actor, app)
    return Application.of(await service.describe_app(session, actor, found), public_url=settings.public_url)


@router.put("/{app}/", summary="Change an app; fields that are left out keep their values")
async def update_app(
    actor: BuildActorDep, session: SessionDep, settings: SettingsDep, app: AppReference, body: ApplicationUpdate
) -> Application:
    return Application.of(await service.update_app(session, actor, app, body), public_url=settings.public_url)


@router.get("/{app}/source/", summary="Return the source tree, the latest or a given version")
async def get_source(
    actor: ActorDep,
    session: SessionDep,
    app: AppReference,
    version: Annotated[int | None, Query(ge=1, description="The latest when absent")] = None,
) -> SourceRead:
    found = await get_source_readable_app(session, actor, app)
    return await _source(session, await source.get_version(session, found.id, version))


@router.post("/{app}/source/", status_code=201, summary="Save a whole source tree as the next version")
async def save_source(
    response: Response, actor: BuildActorDep, session: SessionDep, app: AppReference, body: SourceWrite
) -> SourceVersionRead:
    found = await get_buildable_app(session, actor, app)
    version, is_new = await source.save_tree(
        session,
        found,
        body.files,
        base_version=body.base_version,
        author_id=actor.user_id,
        message=body.message,
    )
    response.status_code = 201 if is_new else 200
    return SourceVersionRead.model_validate(version)


@router.patch("/{app}/source/", status_code=201, summary="Save changes to the latest source tree as the next version")
async def change_source(
    response: Response, actor: BuildActorDep, session: SessionDep, app: AppReference, body: SourceChange
) -> SourceVersionRead:
    found = await get_buildable_app(session, actor, app)
    version, is_new = await source.apply_changes(
        session,
        found,
        body.changes,
        base_version=body.base_version,
        author_id=actor.user_id,
        message=body.message,
    )
    response.status_code = 201 if is_new else 200
    return SourceVersionRead.model_validate(version)


@router.get("/{app}/source/versions/", summary="List the versions of the source tree, newest first")
async def list_source_versions(
    actor: ActorDep,
    session: SessionDep,
    app: AppReference,
    before: Annotated[int | None, Query(ge=1, description="Only versions before this number")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[SourceVersionRead]:
    found = await get_source_readable_app(session, actor, app)
    versions = await source.list_versions(session, found.id, before=before, limit=limit)
    return [SourceVersionRead.model_validate(version) for version in versions]


@router.get("/{app}/source/diff/", summary="Compare two versions of the source tree")
async def diff_source(
    actor: ActorDep,
    session: SessionDep,
    app: AppReference,
    from_version: Annotated[int, Query(alias="from", ge=0, description="0: the empty tree")],
    to_version: Annotated[int | None, Query(alias="to", ge=1, description="The latest when absent")] = None,
) -> SourceDiff:
    found = await get_source_readable_app(session, actor, app)
    after = await source.get_version(session, found.id, to_version)
    before = {} if from_version == 0 else await _files(session, found, from_version)
    files = await source.load_files(session, after)
    return SourceDiff(
        from_version=from_version,
        to_version=after.number,
        diff=unified_diff(before, files),
        **asdict(compare(before, files)),
    )


@router.get("/{app}/access/", summary="Summarize what an app works with, before it is installed")
async def get_access(actor: ActorDep, session: SessionDep, app: AppReference) -> AccessSummary:
    found = await get_readable_app(session, actor, app)
    described = await service.describe_app(session, actor, found)
    access = await summarize_access(session, found)
    return AccessSummary.of(described, access, digest=access_digest(access))


@router.post("/{app}/install/", status_code=201, summary="Install an app for the caller's organization (owners)")
async def install_app(actor: ActorDep, session: SessionDep, app: AppReference, body: InstallWrite) -> InstallRead:
    actor.require_scope(Scope.BUILD)
    actor.require_role(Role.OWNER)
    return InstallRead.model_validate(
        await installs.install_app(session, actor, app, accepted_digest=body.access_digest)
    )


@router.get("/{app}/install/", summary="Return the install of an app in the caller's organization")
async def get_install(actor: ActorDep, session: SessionDep, app: AppReference) -> InstallRead:
    return InstallRead.model_validate(await installs.get_install(session, actor, app))


@router.patch("/{app}/install/", summary="Suspend or resume an install (owners)")
async def update_install(actor: ActorDep, session: SessionDep, app: AppReference, body: InstallUpdate) -> InstallRead:
    actor.require_scope(Scope.BUILD)
    actor.require_role(Role.OWNER)
    return InstallRead.model_validate(await installs.set_install_status(session, actor, app, body.status))


@router.delete("/{app}/install/", status_code=204, summary="Uninstall an app (owners)")
async def uninstall_app(actor: ActorDep, session: SessionDep, app: AppReference) -> None:
    actor.require_scope(Scope.BUILD)
    actor.require_role(Role.OWNER)
    await installs.uninstall_app(session, actor, app)


@router.get("/{app}/installs/", summary="List the organizations that installed an app of the caller's organization")
async def list_installers(actor: BuildActorDep, session: SessionDep, app: AppReference) -> list[InstallerRead]:
    found = await get_own_app(session, actor, app)
    return [
        InstallerRead.of(install, organization)
        for install, organization in await installs.list_installers(session, found)
    ]


async def _files(session: AsyncSession, app: App, number: int) -> dict[str, str]:
    return await source.load_files(session, await source.get_version(session, app.id, number))


async def _source(session: AsyncSession, version: SourceVersion) -> SourceRead:
    shown = SourceVersionRead.model_validate(version)
    return SourceRead(files=await source.load_files(session, version), **shown.model_dump())
