"""Actions over HTTP (contract §10)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import ActorDep, BuildActorDep, RunActorDep
from platform_api.actions import service
from platform_api.actions.access import get_action
from platform_api.actions.keyed_runs import find_run, run_once
from platform_api.actions.models import Action
from platform_api.actions.parameters import ActionReference
from platform_api.actions.schemas import ActionCreate, ActionRead, ActionUpdate, RunRequest
from platform_api.apps.models import App
from platform_api.apps.parameters import AppQuery
from platform_api.core.database import SessionDep
from platform_api.core.http.pagination import NamedOrder, SearchQuery, WholeOrPartDep, link_to_next
from platform_api.idempotency.parameters import IdempotencyKeyHeader
from platform_api.runs.schemas import RunStarted

router = APIRouter(prefix="/actions", tags=["actions"])


@router.get("/", summary="List the actions of an app")
async def list_actions(
    actor: ActorDep,
    session: SessionDep,
    request: Request,
    response: Response,
    listing: WholeOrPartDep,
    app: AppQuery = None,
    search: SearchQuery = None,
    order: NamedOrder = "created_at",
) -> list[ActionRead]:
    """Returns the whole list, or with `cursor` or `limit` a part; the header `Link` has the URL of the next one."""
    part = await service.list_actions(session, actor, app, search=search, order=order, window=listing)
    response.headers.update(link_to_next(request, part))
    return [ActionRead.of(described) for described in part.items]


@router.post("/", status_code=201, summary="Create an action")
async def create_action(actor: BuildActorDep, session: SessionDep, body: ActionCreate) -> ActionRead:
    action, app = await service.create_action(session, actor, body)
    return await _read(session, actor, action, app)


@router.get("/{action}/", summary="Return an action, with its code where the caller may read it")
async def read_action(
    actor: ActorDep, session: SessionDep, action: ActionReference, app: AppQuery = None
) -> ActionRead:
    found, owner = await get_action(session, actor, action, app=app)
    return await _read(session, actor, found, owner)


@router.patch("/{action}/", summary="Change an action; fields that are left out keep their values")
async def update_action(
    actor: BuildActorDep, session: SessionDep, action: ActionReference, body: ActionUpdate, app: AppQuery = None
) -> ActionRead:
    found, owner = await service.update_action(session, actor, action, body, app=app)
    return await _read(session, actor, found, owner)


@router.delete("/{action}/", status_code=204, summary="Delete an action; its runs stay")
async def delete_action(
    actor: BuildActorDep, session: SessionDep, action: ActionReference, app: AppQuery = None
) -> None:
    await service.delete_action(session, actor, action, app=app)


@router.post("/{action}/run/", summary="Start an action")
async def run_action(
    actor: RunActorDep,
    session: SessionDep,
    action: ActionReference,
    body: RunRequest | None = None,
    app: AppQuery = None,
    idempotency_key: IdempotencyKeyHeader = None,
) -> RunStarted:
    """Returns the run that was started; with a key that was sent before, the run that was started then."""
    run = await run_once(session, actor, action, body or RunRequest(), app=app, key=idempotency_key)
    return RunStarted.of(run)


@router.get("/{action}/run-request/", summary="Return the run that a request with a key has started")
async def find_run_of_key(
    actor: RunActorDep,
    session: SessionDep,
    action: ActionReference,
    request_key: Annotated[str, Query(max_length=255, description="What was sent as `Idempotency-Key`")],
    app: AppQuery = None,
) -> RunStarted:
    """Starts nothing. Answers 404 for a key that is not known, whose request may still be under way."""
    return RunStarted.of(await find_run(session, actor, action, key=request_key, app=app))


async def _read(session: AsyncSession, actor: Actor, action: Action, app: App) -> ActionRead:
    return ActionRead.of(await service.describe_action(session, actor, action, app))
