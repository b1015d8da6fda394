"""Serves the caller's own sign-ins over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Request

from platform_api.accounts.dependencies import CREDENTIALS, UserIdDep, session_cookie_of
from platform_api.accounts.sessions import service
from platform_api.accounts.sessions.schemas import SignInRead
from platform_api.core.database import SessionDep

router = APIRouter(prefix="/sessions", tags=["accounts"])


@router.get("/", summary="List the caller's own sign-ins, newest first", dependencies=CREDENTIALS)
async def list_sessions(request: Request, session: SessionDep, user_id: UserIdDep) -> list[SignInRead]:
    own = await service.list_sign_ins(session, user_id, cookie=session_cookie_of(request))
    return [SignInRead.of(item) for item in own]


@router.delete(
    "/others/",
    status_code=204,
    summary="Sign out everywhere else: end the caller's other sign-ins",
    dependencies=CREDENTIALS,
)
async def delete_other_sessions(request: Request, session: SessionDep, user_id: UserIdDep) -> None:
    await service.end_other_sign_ins(session, user_id, cookie=session_cookie_of(request))


@router.delete(
    "/{session_id}/", status_code=204, summary="Sign out one of the caller's own sign-ins", dependencies=CREDENTIALS
)
async def delete_own_session(session: SessionDep, user_id: UserIdDep, session_id: UUID) -> None:
    await service.end_sign_in(session, user_id, session_id)
