"""Serves language servers to runners: which to run, and a WebSocket for each. Only a runner token opens it."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Security, WebSocket
from fastapi.security import APIKeyHeader
from fastapi.websockets import WebSocketDisconnect

from platform_api.accounts.authentication import Runner, authenticate_runner, read_authorization
from platform_api.core.database import Database
from platform_api.core.errors import PlatformError
from platform_api.core.http.sockets import CloseCode
from platform_api.core.http.waiting import signalled_or_hung_up
from platform_api.core.services import services_of
from platform_api.language_server import service
from platform_api.language_server.hub import Hub, RunnerLink
from platform_api.language_server.schemas import LanguageServerClaim, LanguageServerClaims
from platform_api.runs.presence import note_language_servers

router = APIRouter(prefix="/runner/language-servers", tags=["runner"])

_authorization = APIKeyHeader(name="Authorization", scheme_name="token", auto_error=False)


async def _waiting_runner(request: Request, authorization: Annotated[str | None, Security(_authorization)]) -> Runner:
    """Returns the runner, authenticated in its own transaction: a waiting claim must not hold a connection."""
    async with services_of(request)[Database].transaction() as session:
        return await authenticate_runner(session, read_authorization(authorization))


@router.post("/claim/", summary="Claim language servers that editors wait for; waits for some")
async def claim_language_servers(
    request: Request, runner: Annotated[Runner, Depends(_waiting_runner)], body: LanguageServerClaim
) -> LanguageServerClaims:
    services = services_of(request)
    database = services[Database]
    async with database.transaction() as session:
        await note_language_servers(session, body.runner_id, body.isolation, limit=body.limit)
    until = time.monotonic() + body.wait_seconds
    with services[Hub].offers.waiting() as offered:
        while True:
            offered.clear()
            async with database.transaction() as session:
                claimed = await service.claim(session, body.runner_id, slots=body.slots)
            if claimed:
                return LanguageServerClaims(servers=claimed)
            if not await signalled_or_hung_up(request, offered, max(0.0, until - time.monotonic())):
                return LanguageServerClaims(servers=[])


@router.websocket("/{server_id}/")
async def serve_runner(
    socket: WebSocket,
    server_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
    runner_id: Annotated[str, Query(min_length=1, max_length=200)],
) -> None:
    """Carries one language server's messages as text, and what its workspace is given as binary frames."""
    services = services_of(socket)
    await socket.accept()
    try:
        async with services[Database].transaction() as session:
            await authenticate_runner(session, read_authorization(socket.headers.get("authorization")))
            is_held = await service.is_held(session, server_id, runner_id)
    except PlatformError as error:
        await socket.close(
            code=CloseCode.UNAUTHENTICATED, reason=error.message.encode()[:120].decode(errors="ignore")
        )
        return
    link = RunnerLink(socket)
    if not is_held:
        await socket.close(code=CloseCode.NOT_FOUND, reason="this runner holds no such language server")
        return
    if not services[Hub].deliver(server_id, link):
        await socket.close(code=CloseCode.ELSEWHERE, reason="the editor is connected to another process")
        return
    await link.ended.wait()
    try:
        await asyncio.wait_for(socket.close(), 5)
    except (RuntimeError, TimeoutError, WebSocketDisconnect):
        # The runner has closed it.
        return
