"""Sends heavy requests to a process of their own, in which organizations take turns."""

import asyncio
import contextlib
import itertools
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import structlog

from hasura.engine.session import Session
from platform_api.core.errors import TooManyRequests, Unavailable
from platform_api.core.settings import Settings
from platform_api.core.types import OrganizationId
from platform_api.graphql.backends.backend import JSON_CONTENT, GraphQLAnswer
from platform_api.graphql.heavy.frames import MAX_REQUEST_SECONDS, frame, read_frame
from platform_api.limits.slots import FairSlots, NoFreeSlot, TooManyWaiting

log = structlog.stdlib.get_logger()

PLACES = 8
"""Heavy requests under way at once, those included whose body is being read."""
MAX_WAITING = 50
"""Of one tenant; those beyond are refused."""
_MAX_WAIT_SECONDS = 30.0
_START_SECONDS = 30.0
_MAX_SILENCE_SECONDS = MAX_REQUEST_SECONDS + 45.0
"""For an answer of the process, which shares one processor among all places."""
_IDLE_SECONDS = 300.0
_READ_BYTES = 1024 * 1024


class HeavyLane:
    """Starts the process when it is first needed.

    `options` are what its engine is started with, `resource_version` tells what metadata it must know.
    """

    def __init__(
        self, settings: Settings, options: Mapping[str, object], resource_version: Callable[[], int]
    ) -> None:
        self._opening = {
            "options": dict(options),
            "log_level": settings.log_level,
            "log_format": settings.log_format,
        }
        self._resource_version = resource_version
        self._slots = FairSlots(max_per_organization=PLACES // 2, max_in_total=PLACES, max_waiting=MAX_WAITING)
        self._in_use = 0
        self._process: _Process | None = None
        self._starting = asyncio.Lock()
        self._used_at = 0.0
        self._reaper: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[None]:
        """Holds one of the places for the block; waits for the tenant's turn.

        Raises TooManyRequests when the tenant itself has too many, Unavailable when others have all places.
        """
        organization_id = OrganizationId(int(tenant))
        try:
            await self._slots.acquire(organization_id, seconds=_MAX_WAIT_SECONDS)
        except NoFreeSlot as error:
            if not isinstance(error, TooManyWaiting) and not self._slots.has_all_it_may(organization_id):
                raise Unavailable(
                    "no place for a large request became free in time; nothing of it was done, try again",
                    headers={"Retry-After": "1"},
                ) from error
            raise TooManyRequests(
                "too many large requests of this organization are under way; send fewer at once, or smaller ones",
                retry_after=1,
            ) from error
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1
            self._slots.release(organization_id)

    async def execute(self, body: bytes, session: Session) -> GraphQLAnswer:
        """Executes a request in the process, within a `place`. Raises Unavailable when it ended meanwhile."""
        process = await self._running()
        try:
            async with asyncio.timeout(_MAX_SILENCE_SECONDS):
                answer = await process.ask(body, session, self._resource_version())
        except TimeoutError as error:
            # It ends a request in less: it hangs, and whoever else waits for it would wait for ever.
            log.error("graphql.heavy_process_hangs", pid=process.pid)
            await process.end()
            raise _lost() from error
        self._used_at = time.monotonic()
        return answer

    async def close(self) -> None:
        if self._reaper is not None:
            self._reaper.cancel()
        if self._process is not None:
            await self._process.end()

    async def _running(self) -> "_Process":
        async with self._starting:
            self._used_at = time.monotonic()
            if self._process is None or self._process.has_ended:
                self._process = await _Process.start(self._opening)
                if self._reaper is None:
                    self._reaper = asyncio.create_task(self._end_when_idle())
            return self._process

    async def _end_when_idle(self) -> None:
        while True:
            await asyncio.sleep(_IDLE_SECONDS / 10)
            async with self._starting:
                is_idle = not self._in_use and time.monotonic() - self._used_at > _IDLE_SECONDS
                if self._process is not None and is_idle:
                    process, self._process = self._process, None
                    await process.end()


class _Process:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._in, self._out = process.stdin, process.stdout
        self._writing = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[GraphQLAnswer]] = {}
        self._reading = asyncio.create_task(self._read())
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.has_ended = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @classmethod
    async def start(cls, opening: dict[str, Any]) -> "_Process":
        try:
            started = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "platform_api.graphql.heavy.process"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_READ_BYTES,
            )
        except OSError as error:
            raise _not_started() from error
        process = cls(started)
        log.info("graphql.heavy_process_started", pid=process.pid)
        try:
            # Not on the command line or in the environment, where others of this machine might read it.
            await process._send(frame(opening))
            async with asyncio.timeout(_START_SECONDS):
                await process._ready
        except BaseException as error:
            # Also when whoever asked for it is gone: nobody else knows the process yet.
            await process.end()
            if isinstance(error, TimeoutError | OSError | Unavailable):
                raise _not_started() from error
            raise
        return process

    async def ask(self, body: bytes, session: Session, resource_version: int) -> GraphQLAnswer:
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        header = {"id": number, "session": asdict(session), "resource_version": resource_version}
        try:
            await self._send(frame(header, body))
            result: GraphQLAnswer = await answer
        except OSError as error:
            raise _lost() from error
        else:
            return result
        finally:
            self._asked.pop(number, None)

    async def _send(self, parts: list[bytes]) -> None:
        if self.has_ended:
            raise _not_started()
        async with self._writing:
            self._in.writelines(parts)
            await self._in.drain()

    async def _read(self) -> None:
        try:
            while True:
                header, body = await read_frame(self._out)
                if "ready" in header:
                    self._ready.set_result(None)
                    continue
                answer = self._asked.get(header["id"])
                if answer is not None and not answer.done():
                    answer.set_result(GraphQLAnswer(header["status"], body, JSON_CONTENT))
        except (asyncio.IncompleteReadError, OSError):
            log.info("graphql.heavy_process_ended", pid=self.pid)
        finally:
            self.has_ended = True
            if not self._ready.done():
                self._ready.set_exception(_lost())
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(_lost())

    async def end(self) -> None:
        """Ends the process; what is under way in it fails."""
        self.has_ended = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        with contextlib.suppress(asyncio.CancelledError, Unavailable):
            if self._ready.done():
                self._ready.result()


def _lost() -> Unavailable:
    return Unavailable(
        "the process for large requests ended; whether a mutation of this request took effect is not known",
        headers={"Retry-After": "1"},
    )


def _not_started() -> Unavailable:
    return Unavailable(
        "the process for large requests is not running at the moment; nothing of this request was done, try again",
        headers={"Retry-After": "1"},
    )
