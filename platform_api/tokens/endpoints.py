"""Serves tokens over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from platform_api.accounts.dependencies import AccountActorDep
from platform_api.accounts.schemas import TokenCreate, TokenCreated, TokenOrder, TokenPage, TokenRead
from platform_api.accounts.tokens import IssuedToken
from platform_api.core.database import SessionDep
from platform_api.core.http.pagination import PartDep, SearchQuery
from platform_api.core.types import TokenId
from platform_api.tokens import service

router = APIRouter(tags=["accounts"])


def _created(issued: IssuedToken) -> TokenCreated:
    shown = TokenRead.model_validate(issued.token)
    return TokenCreated(token=issued.secret, **shown.model_dump())


@router.get("/tokens/", summary="List the tokens that the caller may manage")
async def list_tokens(
    actor: AccountActorDep,
    session: SessionDep,
    listing: PartDep,
    search: SearchQuery = None,
    order: TokenOrder = "created_at",
    organization: Annotated[
        str | None, Query(description="Id or slug: only tokens of this organization", max_length=63)
    ] = None,
) -> TokenPage:
    part = await service.list_tokens(
        session, actor, organization=organization, search=search, order=order, window=listing.window
    )
    return TokenPage(**listing.links(part), results=[TokenRead.model_validate(token) for token in part.items])


@router.post("/tokens/", status_code=201, summary="Create a token; the reply shows its secret once")
async def create_token(actor: AccountActorDep, session: SessionDep, body: TokenCreate) -> TokenCreated:
    return _created(await service.create_token(session, actor, body))


@router.delete("/tokens/{token_id}/", summary="Revoke a token")
async def revoke_token(actor: AccountActorDep, session: SessionDep, token_id: int) -> TokenRead:
    return TokenRead.model_validate(await service.revoke_token(session, actor, TokenId(token_id)))
