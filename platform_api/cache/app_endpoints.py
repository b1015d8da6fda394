"""Serves the cache below an app, with errors in the API's shape, as the published client calls it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import DataActorDep
from platform_api.apps.access import get_usable_app
from platform_api.apps.parameters import AppReference
from platform_api.cache.lifespan import Cache
from platform_api.cache.messages import MAX_BODY_BYTES, check_key, read_scoped
from platform_api.cache.schemas import CacheChanged, CachedValue
from platform_api.cache.store import MAX_TTL_SECONDS, CacheScope
from platform_api.core.database import SessionDep, release_connection
from platform_api.core.errors import TooLarge
from platform_api.core.services import provided

router = APIRouter(prefix="/apps/{app}/api-cache", tags=["cache"])

CacheDep = Annotated[Cache, Depends(provided(Cache))]
_SCOPE = {"type": "string", "enum": ["app", "organization"]}
_KEY = {"type": "string", "minLength": 1, "description": "1024 bytes at most"}
_TTL = {"type": ["number", "null"], "minimum": 0, "maximum": MAX_TTL_SECONDS, "description": "In seconds; 0: no end"}


def _body_schema(**more: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": ["scope", "key"], "properties": {"scope": _SCOPE, "key": _KEY, **more}}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.get("/", summary="Read a cached value", response_model=CachedValue, openapi_extra=_body_schema())
async def read_cached(
    request: Request, actor: DataActorDep, session: SessionDep, cache: CacheDep, app: AppReference
) -> Response:
    """Takes the entry's scope and key in the body, as the published client sends them."""
    kind, key, _, _ = read_scoped(await _body(request))
    entry = await cache.store.get(await _scope(session, actor, app, kind), check_key(key))
    body = b'{"value":null,"exists":false}' if entry is None else b'{"value":%s,"exists":true}' % entry.value.encode()
    return Response(body, media_type="application/json")


@router.post("/", summary="Store a value in the cache", openapi_extra=_body_schema(value={}, ttl=_TTL))
async def store_cached(
    request: Request, actor: DataActorDep, session: SessionDep, cache: CacheDep, app: AppReference
) -> CacheChanged:
    kind, key, value, ttl = read_scoped(await _body(request))
    await cache.store.set(await _scope(session, actor, app, kind), check_key(key), value, ttl)
    return CacheChanged(ok=True)


@router.delete("/", summary="Delete a cached value", openapi_extra=_body_schema())
async def delete_cached(
    request: Request, actor: DataActorDep, session: SessionDep, cache: CacheDep, app: AppReference
) -> CacheChanged:
    kind, key, _, _ = read_scoped(await _body(request))
    return CacheChanged(ok=await cache.store.delete(await _scope(session, actor, app, kind), check_key(key)))


async def _scope(session: SessionDep, actor: Actor, app: str, kind: str) -> CacheScope:
    found = await get_usable_app(session, actor, app)
    await release_connection(session)
    return CacheScope(actor.organization_id, found.id if kind == "app" else 0)


async def _body(request: Request) -> bytes:
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"the request is larger than {MAX_BODY_BYTES} bytes")
    return body
