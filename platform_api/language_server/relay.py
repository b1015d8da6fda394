"""Carries messages between one editor and one language server until either ends, or something speaks against it."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.websockets import WebSocket

from hasura.engine.sql.database_errors import CONNECTION_LOST
from platform_api.accounts.actor import Actor
from platform_api.core.database import Database
from platform_api.core.errors import PlatformError, Unavailable
from platform_api.core.http.sockets import CloseCode, Closed, first_of, receive_text, send_in_time
from platform_api.core.types import AppId
from platform_api.core.watchers import WatchingAccess
from platform_api.language_server import service
from platform_api.language_server.hub import Hub, RunnerLink
from platform_api.language_server.messages import MAX_BYTES, Gate, changed_files
from platform_api.language_server.workspace import Changes, Workspace, kinds_of_change

log = structlog.stdlib.get_logger()

IDLE_SECONDS = 300.0
MESSAGES_PER_SECOND = 50.0
_BURST = 100.0
_PATIENCE_SECONDS = 3.0
_CLAIM_SECONDS = 12.0
_CHECK_SECONDS = 10.0
_SETTLE_SECONDS = 0.05

StillAllowed: TypeAlias = Callable[[AsyncSession], Awaitable[Actor]]
"""Returns the editor's caller, or raises the platform's error by which they may no longer be here."""


@dataclass(frozen=True, slots=True)
class Editor:
    """Describes an editor that is connected: its WebSocket, and for whom and which app it is."""

    socket: WebSocket
    actor: Actor
    app_id: AppId
    still_allowed: StillAllowed
    watching_access: WatchingAccess


class Pace:
    """Counts an editor's messages, and says when the last one came."""

    def __init__(self) -> None:
        self._left = _BURST
        self._last = time.monotonic()

    def take(self) -> None:
        """Counts a message; raises Closed for more than an editor of a person can send."""
        now = time.monotonic()
        self._left = min(_BURST, self._left + (now - self._last) * MESSAGES_PER_SECOND)
        self._last = now
        if self._left < 1:
            raise Closed(CloseCode.TOO_MANY, f"more than {MESSAGES_PER_SECOND:.0f} messages a second")
        self._left -= 1

    @property
    def idle_seconds(self) -> float:
        """Returns the seconds since the last message."""
        return time.monotonic() - self._last


class Relay:
    """Serves one editor: asks for a language server, and carries messages until it raises Closed."""

    def __init__(self, database: Database, hub: Hub, editor: Editor) -> None:
        self._database = database
        self._hub = hub
        self._editor = editor
        self._gate = Gate()
        self._pace = Pace()
        self._workspace = Workspace()
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Serves until the connection is to be closed; raises Closed with the reason."""
        async with self._database.transaction() as session:
            server_id = await service.offer(session, self._editor.actor, self._editor.app_id)
        try:
            with self._hub.expecting(server_id) as expected:
                link = await self._await_runner(expected)
                await self._serve(server_id, link)
        finally:
            with contextlib.suppress(SQLAlchemyError, asyncpg.PostgresError, *CONNECTION_LOST, Unavailable):
                async with self._database.transaction() as session:
                    await service.forget(session, server_id)

    async def _await_runner(self, expected: "asyncio.Future[RunnerLink]") -> RunnerLink:
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(expected), _PATIENCE_SECONDS)
        async with self._database.transaction() as session:
            if not await service.is_offered(session):
                raise Closed(CloseCode.UNAVAILABLE, "no runner of this platform offers completion at the moment")
            await service.make_room(session, self._editor.actor)
        try:
            return await asyncio.wait_for(asyncio.shield(expected), _CLAIM_SECONDS)
        except TimeoutError as error:
            raise Closed(
                CloseCode.UNAVAILABLE, "all language servers are in use; one is tried again later"
            ) from error

    async def _serve(self, server_id: int, link: RunnerLink) -> None:
        async with self._database.transaction() as session:
            changes = await self._workspace.changes(session, self._editor.actor, self._editor.app_id)
        await send_in_time(link.socket.send_text("here"))
        await self._give(link, changes)
        await first_of(
            self._from_editor(link),
            self._from_server(link),
            self._keep_current(link),
            self._watch(server_id),
        )

    async def _from_editor(self, link: RunnerLink) -> None:
        while True:
            text = await receive_text(self._editor.socket)
            self._pace.take()
            if len(text) > MAX_BYTES or len(text.encode()) > MAX_BYTES:
                raise Closed(CloseCode.TOO_LONG, f"a message may have at most {MAX_BYTES:,} bytes")
            passage = self._gate.from_editor(text)
            if passage.to_server is not None:
                await self._send_to_server(link, passage.to_server)
            if passage.to_editor is not None:
                await send_in_time(self._editor.socket.send_text(passage.to_editor))

    async def _from_server(self, link: RunnerLink) -> None:
        while True:
            try:
                text = await receive_text(link.socket)
            except Closed as closed:
                raise Closed(CloseCode.ENDED, "the language server has ended; connect again") from closed
            passage = self._gate.from_server(text)
            if passage.to_server is not None:
                await self._send_to_server(link, passage.to_server)
            if passage.to_editor is not None:
                await send_in_time(self._editor.socket.send_text(passage.to_editor))

    async def _keep_current(self, link: RunnerLink) -> None:
        """Passes on what changes in the app: its tables, its source as others save it, integrations."""
        editor = self._editor
        with (
            self._hub.apps.watching(editor.app_id) as app_changed,
            self._hub.organizations.watching(editor.actor.organization_id) as organization_changed,
        ):
            while True:
                await _any_of(app_changed, organization_changed)
                # Saving a whole source or changing several tables tells of each by itself.
                await asyncio.sleep(_SETTLE_SECONDS)
                app_changed.clear()
                organization_changed.clear()
                before = self._workspace.files
                try:
                    async with self._database.transaction() as session:
                        changes = await self._workspace.changes(session, editor.actor, editor.app_id)
                except (SQLAlchemyError, asyncpg.PostgresError, *CONNECTION_LOST, Unavailable):
                    app_changed.set()
                    await asyncio.sleep(_CHECK_SECONDS)
                    continue
                if changes:
                    await self._give(link, changes)
                    await self._send_to_server(link, changed_files(kinds_of_change(changes, before)))

    async def _watch(self, server_id: int) -> None:
        """Looks every ten seconds, and when told, whether the editor may still be here."""
        with self._hub.ends.watching(server_id) as ended, self._editor.watching_access(ended.set):
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_CHECK_SECONDS):
                        await ended.wait()
                ended.clear()
                if self._pace.idle_seconds >= IDLE_SECONDS:
                    raise Closed(CloseCode.IDLE, "the editor was quiet for five minutes; connect again to go on")
                try:
                    async with self._database.transaction() as session:
                        await self._editor.still_allowed(session)
                        idle = self._pace.idle_seconds
                        if not await service.renew(session, server_id, idle_seconds=idle):
                            raise Closed(CloseCode.REPLACED, "another editor needed the language server")
                except (SQLAlchemyError, asyncpg.PostgresError, *CONNECTION_LOST, Unavailable) as error:
                    log.info("language_server.database_unavailable", error=str(error))
                except PlatformError as error:
                    raise Closed(CloseCode.FORBIDDEN, error.message) from error

    async def _give(self, link: RunnerLink, changes: Changes) -> None:
        async with self._sending:
            await send_in_time(link.socket.send_bytes(orjson.dumps({"files": changes})))

    async def _send_to_server(self, link: RunnerLink, text: str) -> None:
        async with self._sending:
            await send_in_time(link.socket.send_text(text))


async def _any_of(*events: asyncio.Event) -> None:
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
