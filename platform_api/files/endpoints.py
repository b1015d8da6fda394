"""Serves application files over HTTP, and the download by link."""

import re
import time
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from platform_api.accounts.dependencies import DataActorDep, DelegatedDataActorDep
from platform_api.apps.access import get_usable_app
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep, after_commit, release_connection
from platform_api.core.errors import BadRequest
from platform_api.core.http.dependencies import SettingsDep
from platform_api.core.http.pagination import PageDep
from platform_api.core.types import AppId, FileId, OrganizationId
from platform_api.files import service
from platform_api.files.access import organization_to_store_for
from platform_api.files.downloads import CONTENT, RangeHeaders, file_response
from platform_api.files.lifespan import FilesDep
from platform_api.files.names import base_name, check_name
from platform_api.files.schemas import (
    FileFromUrl,
    FileLinkRead,
    FileLinkWrite,
    FilePage,
    FileRead,
    FileRename,
    FileUsage,
)
from platform_api.files.uploads.bodies import form_schema, read_body
from platform_api.files.uploads.content_types import check_content_type
from platform_api.files.uploads.fetching import DEADLINE_SECONDS, FetchFailed, describe, parse_url
from platform_api.files.uploads.form import UploadForm
from platform_api.files.uploads.intake import Described
from platform_api.integrations.lifespan import CallerDep
from platform_api.integrations.outgoing.caller import DownloadFailed

router = APIRouter(prefix="/apps/{app}/files", tags=["files"])
link_router = APIRouter(prefix="/files", tags=["files"])

UPLOAD_PATH = re.compile(r"(?:/api)?/apps/[^/]+/files(?:/upload)?/?")
"""Where bodies may be as large as files."""
FORM_BYTES = 64 * 1024
"""What a form may have beside the file."""

FileReference = Annotated[int, Path(ge=1, le=2**63 - 1)]


_FORM = form_schema(
    name={"type": "string", "description": "Absent: the part's file name"},
    content_type={"type": "string", "description": "Absent: the part's type"},
)


def _range_headers(
    request: Request,
    range_: Annotated[str | None, Header(alias="Range", max_length=200, description="One range of bytes")] = None,
    if_range: Annotated[str | None, Header(alias="If-Range", max_length=200)] = None,
) -> RangeHeaders:
    return RangeHeaders(range_, if_range, is_head=bool(request.scope.get("is_head")))


RangeHeadersDep = Annotated[RangeHeaders, Depends(_range_headers)]


@router.post("/", status_code=201, summary="Store a file", openapi_extra=_FORM)
async def upload(
    request: Request,
    actor: DelegatedDataActorDep,
    session: SessionDep,
    files: FilesDep,
    app: AppReference,
    for_organization: Annotated[
        int | None,
        Query(ge=1, le=2**31 - 1, description="For an owner's script: another organization it works for"),
    ] = None,
) -> FileRead:
    found = await get_usable_app(session, actor, app)
    form = UploadForm(request.headers.get("content-type", ""), read_body(request))
    requested = None if for_organization is None else OrganizationId(for_organization)
    organization_id = await organization_to_store_for(session, actor, found, requested=requested)
    await release_connection(session)
    file = await files.intake.receive(
        actor, AppId(found.id), organization_id, form.chunks(), lambda: _described(form)
    )
    return FileRead.model_validate(file)


@router.post("/from-url/", status_code=201, summary="Store a file from a URL")
async def upload_from_url(
    actor: DelegatedDataActorDep,
    session: SessionDep,
    files: FilesDep,
    caller: CallerDep,
    app: AppReference,
    body: FileFromUrl,
) -> FileRead:
    found = await get_usable_app(session, actor, app)
    requested = None if body.for_organization is None else OrganizationId(body.for_organization)
    organization_id = await organization_to_store_for(session, actor, found, requested=requested)
    url = parse_url(body.url)
    name = None if body.name is None else check_name(body.name)
    declared = None if body.content_type is None else check_content_type(body.content_type)
    await release_connection(session)
    try:
        async with caller.download(url, deadline_seconds=DEADLINE_SECONDS) as download:
            file = await files.intake.receive(
                actor,
                AppId(found.id),
                organization_id,
                download.chunks,
                lambda: describe(download, name=name, content_type=declared),
            )
    except DownloadFailed as error:
        raise FetchFailed(f"url: {error}") from error
    return FileRead.model_validate(file)


@router.get("/", summary="List the app's files, newest first")
async def list_files(
    actor: DelegatedDataActorDep,
    session: SessionDep,
    page: PageDep,
    app: AppReference,
    name_prefix: Annotated[str | None, Query(max_length=255, description="What the names begin with")] = None,
    content_type: Annotated[str | None, Query(max_length=130, description="Like `image/png` or `image/*`")] = None,
) -> FilePage:
    found = await get_usable_app(session, actor, app)
    count, files = await service.list_files(
        session,
        actor,
        found,
        name_prefix=name_prefix,
        content_type=content_type,
        page=page.page,
        per_page=page.per_page,
    )
    return FilePage(
        count=count,
        next=page.next_url(count),
        previous=page.previous_url(),
        results=[FileRead.model_validate(file) for file in files],
    )


@router.get("/usage/", summary="Return how much storage the organization's files take and may take")
async def get_usage(actor: DataActorDep, session: SessionDep, settings: SettingsDep, app: AppReference) -> FileUsage:
    await get_usable_app(session, actor, app)
    usage = await service.usage_of(session, actor.organization_id)
    return FileUsage.of(files=usage.files, size=usage.bytes, settings=settings)


@router.get("/{file_id}/", summary="Return a file's name, size and type, without its content")
async def get_file(
    actor: DelegatedDataActorDep, session: SessionDep, app: AppReference, file_id: FileReference
) -> FileRead:
    found = await get_usable_app(session, actor, app)
    return FileRead.model_validate(await service.get_file(session, actor, found, file_id))


@router.patch("/{file_id}/", summary="Rename a file")
async def rename_file(
    actor: DelegatedDataActorDep, session: SessionDep, app: AppReference, file_id: FileReference, body: FileRename
) -> FileRead:
    found = await get_usable_app(session, actor, app)
    return FileRead.model_validate(await service.rename_file(session, actor, found, file_id, name=body.name))


@router.delete("/{file_id}/", status_code=204, summary="Delete a file; its links stop working")
async def delete_file(
    actor: DelegatedDataActorDep, session: SessionDep, files: FilesDep, app: AppReference, file_id: FileReference
) -> None:
    found = await get_usable_app(session, actor, app)
    await service.delete_file(session, actor, found, file_id)

    async def remove_object() -> None:
        files.sweeper.loop.wake()

    after_commit(session, remove_object)


@router.get("/{file_id}/content/", summary="Download a file's content", response_class=Response, responses=CONTENT)
async def download(
    actor: DelegatedDataActorDep,
    session: SessionDep,
    files: FilesDep,
    range_headers: RangeHeadersDep,
    app: AppReference,
    file_id: FileReference,
) -> Response:
    found = await get_usable_app(session, actor, app)
    file = await service.get_file(session, actor, found, file_id)
    await release_connection(session)
    return await file_response(files.store, file, range_headers, limit=files.downloads)


@router.post("/{file_id}/link/", summary="Create a link that opens the file without a token")
async def create_link(
    actor: DelegatedDataActorDep,
    session: SessionDep,
    files: FilesDep,
    settings: SettingsDep,
    app: AppReference,
    file_id: FileReference,
    body: FileLinkWrite | None = None,
) -> FileLinkRead:
    found = await get_usable_app(session, actor, app)
    file = await service.get_file(session, actor, found, file_id)
    expires_at = int(time.time()) + (body or FileLinkWrite()).expires_in
    link = files.links.create(FileId(file.id), expires_at=expires_at)
    # In the query, which is not logged.
    url = f"{settings.public_url}/api/files/?link={quote(link, safe='')}"
    return FileLinkRead(url=url, expires_at=datetime.fromtimestamp(expires_at, UTC))


@link_router.get("/", summary="Download the file behind a link", response_class=Response, responses=CONTENT)
async def open_link(
    session: SessionDep,
    files: FilesDep,
    range_headers: RangeHeadersDep,
    link: Annotated[str, Query(max_length=1000, description="From the link's address")],
) -> Response:
    file = await service.get_linked_file(session, files.links.open(link))
    await release_connection(session)
    return await file_response(files.store, file, range_headers, limit=files.downloads)


def _described(form: UploadForm) -> Described:
    name = form.fields.get("name") or form.filename
    if name is None:
        raise BadRequest("the file has no name; give one in the field `name`, before or after the file", field="name")
    # A browser may send the path on its own machine as the part's file name; the field `name` is taken as it is.
    declared = form.fields.get("content_type") or form.content_type
    return Described(
        name if form.fields.get("name") else base_name(name),
        check_content_type(declared) if declared else None,
    )
