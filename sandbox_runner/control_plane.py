"""Implements the client of the runner protocol, one method per call (docs/reference/runner-protocol.md)."""

import asyncio
import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout, ClientWebSocketResponse, ClientWSTimeout, TCPConnector
from pydantic import BaseModel, SecretStr, ValidationError

from sandbox_runner.errors import ControlPlaneError, ControlPlaneUnreachable, LeaseLost
from sandbox_runner.protocol import (
    BundleReply,
    Claim,
    ClaimReply,
    HeartbeatReply,
    HeldRun,
    LanguageServersReply,
    LogLine,
    Outcome,
)

_Reply = TypeVar("_Reply", bound=BaseModel)

_CALL_SECONDS = 30.0
_CONNECT_SECONDS = 10.0
# Servers close idle connections (uvicorn after 5 s): closing earlier avoids sending into a connection being closed.
_KEEP_ALIVE_SECONDS = 4.0
_RETRIABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


class ControlPlane:
    """Calls the control plane's API for runners; an async context manager. The brokers use its `session`, too."""

    def __init__(self, server: str, token: SecretStr, *, runner_id: str) -> None:
        self.base_url = server.rstrip("/")
        self.runner_id = runner_id
        self._token = token

    async def __aenter__(self) -> Self:
        self.session = ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
            timeout=ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=330),
            auto_decompress=False,
            skip_auto_headers={"User-Agent", "Accept-Encoding"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def claim(
        self, *, slots: int, isolation: str, wait_seconds: float, runs_as_root: bool = False
    ) -> list[Claim]:
        """Claims at most `slots` runs; waits up to `wait_seconds` for the first."""
        body = {
            "runner_id": self.runner_id,
            "slots": slots,
            "isolation": isolation,
            "runs_as_root": runs_as_root,
            "wait_seconds": wait_seconds,
        }
        reply = await self._post("claim/", body, ClaimReply, seconds=wait_seconds + _CALL_SECONDS)
        return reply.runs

    async def bundle(self, digest: str) -> dict[str, str]:
        """Returns the source tree of a bundle: path to text."""
        reply = await self._call("GET", f"bundles/{digest}/", None, seconds=_CALL_SECONDS)
        return _validated(BundleReply, reply).files

    async def start(self, run_id: int, fence: int) -> None:
        """Reports that user code is about to run; raises LeaseLost."""
        await self._call("POST", f"runs/{run_id}/start/", {"fence": fence}, seconds=_CALL_SECONDS)

    async def heartbeat(self, runs: Sequence[tuple[int, int]]) -> list[HeldRun]:
        """Renews the leases of (run id, fence) pairs, and returns which are still held and which are cancelled."""
        body = {"runner_id": self.runner_id, "runs": _held(runs)}
        return (await self._post("heartbeat/", body, HeartbeatReply, seconds=_CONNECT_SECONDS)).runs

    async def logs(self, run_id: int, fence: int, lines: Sequence[LogLine]) -> None:
        """Stores log lines; the platform ignores repeated line numbers. Raises LeaseLost."""
        body = {"fence": fence, "lines": lines}
        await self._call("POST", f"runs/{run_id}/logs/", body, seconds=_CALL_SECONDS)

    async def finish(self, run_id: int, fence: int, outcome: Outcome) -> None:
        """Reports the outcome of a run; raises LeaseLost when another runner holds it, or it has ended."""
        body = {"fence": fence, **outcome.model_dump()}
        await self._call("POST", f"runs/{run_id}/finish/", body, seconds=_CALL_SECONDS)

    async def release(self, runs: Sequence[tuple[int, int]]) -> None:
        """Releases runs that were claimed and not started."""
        body = {"runner_id": self.runner_id, "runs": _held(runs)}
        await self._call("POST", "release/", body, seconds=_CONNECT_SECONDS)

    async def claim_language_servers(
        self, *, slots: int, limit: int, isolation: str, wait_seconds: float
    ) -> list[int]:
        """Claims at most `slots` language servers; waits up to `wait_seconds` for the first. Returns their ids."""
        body = {
            "runner_id": self.runner_id,
            "slots": slots,
            "limit": limit,
            "isolation": isolation,
            "wait_seconds": wait_seconds,
        }
        reply = await self._post(
            "language-servers/claim/", body, LanguageServersReply, seconds=wait_seconds + _CALL_SECONDS
        )
        return reply.servers

    async def dial_language_server(
        self, server_id: int, *, max_bytes: int, heartbeat: float
    ) -> ClientWebSocketResponse:
        """Opens the WebSocket of a language server that this runner has claimed; raises ControlPlaneUnreachable."""
        try:
            return await self.session.ws_connect(
                f"{self.base_url}/api/runner/language-servers/{server_id}/",
                params={"runner_id": self.runner_id},
                headers={"Authorization": f"Bearer {self._token.get_secret_value()}"},
                timeout=ClientWSTimeout(ws_close=_CONNECT_SECONDS),
                max_msg_size=max_bytes,
                heartbeat=heartbeat,
            )
        except (ClientError, TimeoutError, OSError) as error:
            raise ControlPlaneUnreachable(f"language server {server_id}: {error or type(error).__name__}") from error

    async def _post(self, path: str, body: dict[str, Any], reply: type[_Reply], *, seconds: float) -> _Reply:
        return _validated(reply, await self._call("POST", path, body, seconds=seconds))

    async def _call(self, method: str, path: str, body: dict[str, Any] | None, *, seconds: float) -> bytes:
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}", "Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(seconds),
                self.session.request(
                    method,
                    f"{self.base_url}/api/runner/{path}",
                    data=_encoded(body) if body is not None else None,
                    headers=headers,
                    allow_redirects=False,
                ) as answer,
            ):
                content = await answer.read()
                status = answer.status
        except (ClientError, TimeoutError, OSError) as error:
            raise ControlPlaneUnreachable(f"{method} {path}: {error or type(error).__name__}") from error
        if status == 409:
            raise LeaseLost(f"{method} {path}: {_detail(content)}", status=status)
        if status in _RETRIABLE_STATUSES:
            raise ControlPlaneUnreachable(f"{method} {path}: status {status}", status=status)
        if not 200 <= status < 300:
            raise ControlPlaneError(f"{method} {path}: status {status}, {_detail(content)}", status=status)
        return content


def _encoded(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # A script's result may contain integers of more than 64 bits.
        return json.dumps(body).encode()


def _held(runs: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    return [{"run_id": run_id, "fence": fence} for run_id, fence in runs]


def _validated(model: type[_Reply], content: bytes) -> _Reply:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise ControlPlaneError(f"the control plane's reply is not a {model.__name__}: {error}") from error


def _detail(content: bytes) -> str:
    try:
        return str(json.loads(content)["detail"])
    except (ValueError, KeyError, TypeError):
        return content[:200].decode(errors="replace")
