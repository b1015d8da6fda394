"""Serves one window: keeps its presence while it answers, and tells it who else is there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
import orjson
import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.websockets import WebSocket

from hasura.engine.sql.database_errors import CONNECTION_LOST
from platform_api.accounts.actor import Actor
from platform_api.core.database import Database
from platform_api.core.errors import PlatformError, Unavailable
from platform_api.core.http.sockets import CloseCode, Closed, closed_by, first_of, receive_text, send_in_time
from platform_api.core.watchers import WatchingAccess
from platform_api.presence import service
from platform_api.presence.hub import PresenceHub
from platform_api.presence.models import Cell, Person, Place, Visit
from platform_api.presence.schemas import EditMessage, PeopleMessage, Refusal

log = structlog.stdlib.get_logger()

ASK_SECONDS = 2.0
"""A window is asked this often whether it is there: its own timers stand still in the background."""
SILENT_SECONDS = 5.0
_CHECK_SECONDS = 10.0
_SETTLE_SECONDS = 0.1
_EDIT_PAUSE_SECONDS = 0.2
"""However quickly a window changes which cell is edited in it, that is recorded no more often."""
_MAX_CHARACTERS = 200
_LOST = (SQLAlchemyError, asyncpg.PostgresError, *CONNECTION_LOST, Unavailable)
_QUESTION = orjson.dumps({"type": "ping"}).decode()

StillAllowed: TypeAlias = Callable[[AsyncSession], Awaitable[tuple[Actor, Place]]]
"""Returns the caller as they are now; raises the platform's error by which they may no longer be there."""


@dataclass(frozen=True, slots=True)
class Window:
    """Describes a window that is connected: its WebSocket, whose it is, and what is open in it."""

    socket: WebSocket
    actor: Actor
    place: Place
    still_allowed: StillAllowed
    watching_access: WatchingAccess


class WindowConnection:
    """Serves a window until it has gone, or may no longer be there."""

    def __init__(self, database: Database, hub: PresenceHub, window: Window) -> None:
        self._database = database
        self._hub = hub
        self._window = window
        self._actor = window.actor
        self._edited: Cell | None = None
        self._has_edited = asyncio.Event()

    async def run(self) -> None:
        """Serves until the connection is to be closed; raises Closed with the reason."""
        window = self._window
        with self._hub.watching(window.place.key) as changed:
            async with self._visiting() as visit:
                works = (self._hear(), self._ask(), self._tell(changed), self._note_edits(visit), self._check())
                await first_of(*works)

    @asynccontextmanager
    async def _visiting(self) -> AsyncIterator[Visit]:
        """Keeps the window's presence for as long as the block runs."""
        visit: Visit | None = None
        try:
            with self._hub.visiting(self._window.actor, self._window.place) as visit:
                async with self._database.transaction() as session:
                    await service.renew(session, [visit])
                yield visit
        finally:
            if visit is not None:
                # Also when the process is told to end.
                await asyncio.shield(self._leave(visit))

    async def _leave(self, visit: Visit) -> None:
        with contextlib.suppress(*_LOST):
            async with self._hub.account, self._database.transaction() as session:
                await service.leave(session, visit)

    async def _hear(self) -> None:
        """Raises Closed when nothing was heard for some seconds: a network that is lost closes no connection."""
        while True:
            try:
                async with asyncio.timeout(SILENT_SECONDS):
                    text = await receive_text(self._window.socket)
            except TimeoutError as error:
                raise Closed(CloseCode.IDLE, "the window does not answer") from error
            if len(text) > _MAX_CHARACTERS:
                raise Closed(CloseCode.TOO_LONG, f"a message may have at most {_MAX_CHARACTERS} characters")
            if '"edit"' in text:
                await self._take(text)

    async def _take(self, text: str) -> None:
        """Takes the message that says which cell is edited; answers one that says nothing with what is wrong."""
        try:
            cell = EditMessage.model_validate_json(text).cell
            if cell is not None and not self._window.place.document.startswith("table/"):
                raise ValueError("cell: only a table has cells")
        except ValueError as error:
            refusal = Refusal(detail=_first_fault(error))
            await send_in_time(self._window.socket.send_text(refusal.model_dump_json()))
            return
        self._edited = None if cell is None else Cell(cell.row, cell.column)
        self._has_edited.set()

    async def _note_edits(self, visit: Visit) -> None:
        noted: Cell | None = None
        while True:
            await self._has_edited.wait()
            self._has_edited.clear()
            if self._edited == noted:
                continue
            cell = self._edited
            try:
                async with self._hub.account, self._database.transaction() as session:
                    await service.note_edit(session, self._hub.edit(visit.id, cell))
                noted = cell
            except _LOST as error:
                log.info("presence.database_unavailable", error=str(error))
                self._has_edited.set()
            await asyncio.sleep(_EDIT_PAUSE_SECONDS)

    async def _ask(self) -> None:
        while True:
            await asyncio.sleep(ASK_SECONDS)
            await send_in_time(self._window.socket.send_text(_QUESTION))

    async def _tell(self, changed: asyncio.Event) -> None:
        told: list[Person] | None = None
        while True:
            changed.clear()
            try:
                async with self._database.transaction() as session:
                    people = list(await service.others_at(session, self._actor, self._window.place))
            except _LOST as error:
                log.info("presence.database_unavailable", error=str(error))
                await asyncio.sleep(ASK_SECONDS)
                continue
            if people != told:
                message = PeopleMessage.of(people).model_dump_json()
                await send_in_time(self._window.socket.send_text(message))
                told = people
            # Several who come at once, as after a restart, are one message.
            await asyncio.sleep(_SETTLE_SECONDS)
            await changed.wait()

    async def _check(self) -> None:
        """Looks every ten seconds, and when told, whether the window may still be here."""
        is_doubtful = asyncio.Event()
        with self._window.watching_access(is_doubtful.set):
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_CHECK_SECONDS):
                        await is_doubtful.wait()
                is_doubtful.clear()
                try:
                    async with self._database.transaction() as session:
                        self._actor, _ = await self._window.still_allowed(session)
                except _LOST as error:
                    log.info("presence.database_unavailable", error=str(error))
                except PlatformError as error:
                    raise closed_by(error) from error


def _first_fault(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place}: {fault['msg']}" if place else fault["msg"]
