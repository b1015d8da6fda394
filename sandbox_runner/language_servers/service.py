"""Offers language servers to the control plane: claims those that editors wait for, and serves each.

An editor's WebSocket ends at one of possibly many processes of the control plane. The runner opens a WebSocket of its
own for each language server, and opens it again where it came out at another of them.
"""

import asyncio
import contextlib
import shutil
import sysconfig
from dataclasses import replace

import orjson
import structlog
from aiohttp import ClientError, ClientWebSocketResponse, WSMsgType

from sandbox_runner.backoff import Backoff
from sandbox_runner.control_plane import ControlPlane
from sandbox_runner.errors import ControlPlaneError, SandboxError
from sandbox_runner.isolation.policy import IsolationLevel
from sandbox_runner.jails.jail import JailFactory
from sandbox_runner.language_servers.pair import Pair
from sandbox_runner.language_servers.server import LanguageServer
from sandbox_runner.language_servers.tasks import first_of

log = structlog.stdlib.get_logger()

_CLAIM_WAIT_SECONDS = 25.0
_ELSEWHERE = 4421
_MAX_ATTEMPTS = 40
_MAX_WORKSPACE_BYTES = 32 * 1024 * 1024
_HEARTBEAT_SECONDS = 20.0


class LanguageServers:
    """Serves at most `limit` language servers at once. Without pyrefly and ruff, or another isolation, none."""

    def __init__(self, control_plane: ControlPlane, factory: JailFactory, *, limit: int) -> None:
        self._control_plane = control_plane
        pyrefly, ruff = find_executable("pyrefly"), find_executable("ruff")
        # Its paths are those of a jail with a file system of its own.
        is_possible = pyrefly is not None and ruff is not None and factory.policy.level is IsolationLevel.BUBBLEWRAP
        self._factory = factory.with_policy(replace(factory.policy, program=pyrefly, preload=()))
        self._ruff = factory.with_policy(replace(factory.policy, program=ruff, preload=()))
        self._limit = limit if is_possible else 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def serve(self) -> None:
        """Claims and serves until cancelled."""
        log.info("language_servers.ready" if self._limit else "language_servers.unavailable", limit=self._limit)
        if not self._limit:
            return
        try:
            await self._claim_for_ever()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _claim_for_ever(self) -> None:
        backoff = Backoff()
        while True:
            while len(self._tasks) >= self._limit:
                self._changed.clear()
                await self._changed.wait()
            try:
                claimed = await self._control_plane.claim_language_servers(
                    slots=self._limit - len(self._tasks),
                    limit=self._limit,
                    isolation=self._factory.policy.level,
                    wait_seconds=_CLAIM_WAIT_SECONDS,
                )
            except ControlPlaneError as error:
                log.info("language_servers.claim_failed", reason=str(error))
                await asyncio.sleep(backoff.seconds())
                continue
            backoff.reset()
            for server_id in claimed:
                task = asyncio.create_task(self._serve(server_id))
                self._tasks.add(task)
                task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()

    async def _serve(self, server_id: int) -> None:
        try:
            async with await self._dial(server_id) as socket:
                await self._relay(socket)
        except (SandboxError, ClientError, TimeoutError, OSError, ValueError, TypeError) as error:
            log.info("language_server.failed", server_id=server_id, reason=str(error) or type(error).__name__)

    async def _dial(self, server_id: int) -> ClientWebSocketResponse:
        """Opens the WebSocket of a language server at the process that the editor is connected to."""
        backoff = Backoff(first_wait=0.02, max_wait=0.5)
        for _ in range(_MAX_ATTEMPTS):
            socket = await self._control_plane.dial_language_server(
                server_id, max_bytes=_MAX_WORKSPACE_BYTES, heartbeat=_HEARTBEAT_SECONDS
            )
            first = await socket.receive()
            if first.type is WSMsgType.TEXT and first.data == "here":
                return socket
            await socket.close()
            if socket.close_code != _ELSEWHERE:
                raise ControlPlaneError(f"the control plane refused it: {socket.close_code}, {first.extra}")
            await asyncio.sleep(backoff.seconds())
        raise ControlPlaneError("the process that the editor is connected to was not reached")

    async def _relay(self, socket: ClientWebSocketResponse) -> None:
        first = await socket.receive()
        if first.type is not WSMsgType.BINARY:
            raise ControlPlaneError("the control plane sent no workspace")
        server = await LanguageServer.start(self._factory, _files(first.data))
        pair = Pair(server, self._ruff, socket.send_str)
        try:
            program = server.program
            await first_of(
                _to_server(socket, server, pair), program.forward(pair.from_server), program.until_over_memory()
            )
        finally:
            await pair.close()
            await server.program.close()
            with contextlib.suppress(ClientError, OSError):
                await socket.close(code=1011, message=b"the language server has ended")


async def _to_server(socket: ClientWebSocketResponse, server: LanguageServer, pair: Pair) -> None:
    """Carries what the control plane sends: text is a message of the editor, binary a change of the workspace."""
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await pair.from_editor(message.data)
        elif message.type is WSMsgType.BINARY:
            await server.update(_files(message.data))


def _files(data: bytes) -> dict[str, str | None]:
    files = orjson.loads(data)["files"]
    return {str(path): None if text is None else str(text) for path, text in files.items()}


def find_executable(name: str) -> str | None:
    """Returns the path of a program: of this environment, else of the system; None where it is not installed."""
    return shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
