"""Serves files by path over HTTP, as the published client from 0.5 on calls them."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import DelegatedDataActorDep
from platform_api.apps.access import get_usable_app
from platform_api.apps.models import App
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep, after_commit, release_connection
from platform_api.core.errors import BadRequest, Unprocessable
from platform_api.core.http.dependencies import SettingsDep
from platform_api.core.types import AppId
from platform_api.files import service
from platform_api.files.access import organization_to_store_for
from platform_api.files.by_path.public_urls import opened, public_url_of
from platform_api.files.by_path.schemas import FileAtPath, FileAtPathDeleted, FileStoredAtPath, FileToPathFromUrl
from platform_api.files.downloads import CONTENT, RangeHeaders, file_response
from platform_api.files.lifespan import FilesDep
from platform_api.files.links import OpenedLink
from platform_api.files.models import File
from platform_api.files.names import base_name
from platform_api.files.paths import Place, check_path
from platform_api.files.uploads.bodies import form_schema, read_body
from platform_api.files.uploads.content_types import check_content_type
from platform_api.files.uploads.fetching import DEADLINE_SECONDS, FetchFailed, describe, parse_url
from platform_api.files.uploads.form import UploadForm
from platform_api.files.uploads.intake import Described
from platform_api.integrations.lifespan import CallerDep
from platform_api.integrations.outgoing.caller import DownloadFailed

router = APIRouter(prefix="/apps/{app}/files", tags=["files"])
"""Comes before the router of files, whose `{file_id}` would match the words."""

PublicHeader = Annotated[
    bool | None,
    Header(alias="X-File-Public", description="Whether everybody with its address may read it; absent: as it was"),
]
PathQuery = Annotated[str | None, Query(max_length=2000, description="As it was stored, such as `exports/a.csv`")]
PublicUrlQuery = Annotated[str | None, Query(max_length=4000, description="A `public_url` of the file, in its place")]
_TRUE = frozenset({"true", "1", "yes", "on"})


@router.post(
    "/upload/",
    status_code=201,
    summary="Store a file by its path",
    openapi_extra=form_schema(
        path={"type": "string", "description": "Absent: the part's file name"},
        overwrite={"type": "boolean", "description": "Replaces the file that is there"},
    ),
)
async def upload_to_path(
    request: Request,
    actor: DelegatedDataActorDep,
    session: SessionDep,
    files: FilesDep,
    settings: SettingsDep,
    app: AppReference,
    is_public: PublicHeader = None,
) -> FileStoredAtPath:
    """Stores a new file, or with `overwrite` the new content of the one that is there; 409 without it."""
    found = await get_usable_app(session, actor, app)
    form = UploadForm(request.headers.get("content-type", ""), read_body(request))
    organization_id = await organization_to_store_for(session, actor, found, requested=None)
    await release_connection(session)

    def described() -> Described:
        path = form.fields.get("path") or base_name(form.filename or "")
        if not path:
            raise BadRequest("the file has no path; give one in the field `path`", field="path")
        overwrite = form.fields.get("overwrite", "").lower() in _TRUE
        declared = form.content_type
        # The client sends every file that it has only the bytes of as these.
        kind = None if declared in (None, "", "application/octet-stream") else check_content_type(declared or "")
        return _described(path, kind, overwrite=overwrite, is_public=is_public)

    file = await files.intake.receive(actor, AppId(found.id), organization_id, form.chunks(), described)
    return FileStoredAtPath.of(file, public_url_of(file, files.links, settings), form.filename)


@router.post("/upload-from-url/", status_code=201, summary="Store a file from a URL by its path")
async def upload_to_path_from_url(
    actor: DelegatedDataActorDep,
    session: SessionDep,
    files: FilesDep,
    caller: CallerDep,
    settings: SettingsDep,
    app: AppReference,
    body: FileToPathFromUrl,
    is_public: PublicHeader = None,
) -> FileStoredAtPath:
    """Fetches from the public internet only, within the limits of other files, and 300 seconds."""
    found = await get_usable_app(session, actor, app)
    organization_id = await organization_to_store_for(session, actor, found, requested=None)
    url = parse_url(body.url)
    path = None if body.path is None else check_path(body.path)
    await release_connection(session)
    try:
        async with caller.download(url, deadline_seconds=DEADLINE_SECONDS) as download:

            def described() -> Described:
                fetched = describe(download, name=None, content_type=None)
                place = path or fetched.name
                return _described(place, fetched.content_type, overwrite=body.overwrite, is_public=is_public)

            file = await files.intake.receive(actor, AppId(found.id), organization_id, download.chunks, described)
    except DownloadFailed as error:
        raise FetchFailed(f"url: {error}") from error
    return FileStoredAtPath.of(file, public_url_of(file, files.links, settings), base_name(url.path))


@router.get("/download/", summary="Return where the content of a file can be downloaded")
async def find_file_at_path(
    actor: DelegatedDataActorDep,
    session: SessionDep,
    files: FilesDep,
    settings: SettingsDep,
    app: AppReference,
    path: PathQuery = None,
    public_url: PublicUrlQuery = None,
) -> FileAtPath:
    """Returns `public_url`, which anybody can open for 300 seconds, or while the file is public."""
    found = await get_usable_app(session, actor, app)
    if public_url is not None:
        file = await _file_of_url(session, actor, found, opened(public_url, files.links, settings))
    elif path is not None:
        file = await service.get_file_at(session, actor, found, check_path(path))
    else:
        raise Unprocessable("path: name the file by its `path`, or by its `public_url`", field="path")
    return FileAtPath.of(file, public_url_of(file, files.links, settings))


@router.get(
    "/download-binary/",
    summary="Download the content of a file by its public address",
    response_class=Response,
    responses=CONTENT,
)
async def download_by_public_url(
    actor: DelegatedDataActorDep,
    session: SessionDep,
    files: FilesDep,
    settings: SettingsDep,
    app: AppReference,
    public_url: Annotated[str, Query(max_length=4000, description="A `public_url` of a file that the caller reads")],
) -> Response:
    found = await get_usable_app(session, actor, app)
    file = await _file_of_url(session, actor, found, opened(public_url, files.links, settings))
    await release_connection(session)
    return await file_response(files.store, file, RangeHeaders(None, None), limit=files.downloads)


@router.delete("/delete/", summary="Delete a file by its path; its addresses stop working")
async def delete_file_at_path(
    actor: DelegatedDataActorDep,
    session: SessionDep,
    files: FilesDep,
    app: AppReference,
    path: Annotated[str, Query(min_length=1, max_length=2000, description="As it was stored")],
) -> FileAtPathDeleted:
    found = await get_usable_app(session, actor, app)
    file = await service.get_file_at(session, actor, found, check_path(path))
    await service.delete_file(session, actor, found, file.id)

    async def remove_object() -> None:
        files.sweeper.loop.wake()

    after_commit(session, remove_object)
    return FileAtPathDeleted.of(file)


def _described(path: str, content_type: str | None, *, overwrite: bool, is_public: bool | None) -> Described:
    checked = check_path(path)
    return Described(base_name(checked), content_type, Place(checked, overwrite=overwrite, is_public=is_public))


async def _file_of_url(session: AsyncSession, actor: Actor, app: App, link: OpenedLink) -> File:
    """Returns the file of an address, which the caller must reach without it too. Raises NotFound."""
    return await service.get_file(session, actor, app, link.file_id)
