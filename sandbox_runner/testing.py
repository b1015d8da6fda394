"""Provides an in-memory control plane for tests of the runner: a real HTTP server that speaks the runner protocol.

It manages leases, fences and logs as the real one does, echoes and records requests of scripts (`received`), and can
be made unreachable.
"""

import asyncio
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import WSMsgType, web

RUNNER_TOKEN = "amt_runner_" + "t" * 43


@dataclass(slots=True)
class TwinRun:
    """Describes a run of the twin."""

    claim: dict[str, Any]
    lease_until: float = 0.0
    claimed_by: str | None = None
    started: int = 0
    cancel: bool = False
    lines: dict[int, dict[str, Any]] = field(default_factory=dict)
    finished: dict[str, Any] | None = None
    first_line_at: float | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def text(self) -> str:
        """Returns the log so far, in order, with one log line per line."""
        return "\n".join(self.lines[number]["text"] for number in sorted(self.lines))

    def stream(self, name: str) -> list[str]:
        """Returns the log lines of a stream, in order."""
        return [self.lines[number]["text"] for number in sorted(self.lines) if self.lines[number]["stream"] == name]


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """Describes a request of a script that came through a broker."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class TwinControlPlane:
    """Serves as the control plane, in memory; an async context manager that listens on a free port of 127.0.0.1."""

    def __init__(self, *, lease_seconds: float = 15.0) -> None:
        self.runs: dict[int, TwinRun] = {}
        self.received: list[ReceivedRequest] = []
        self.is_away = False
        self.bundle_delay = 0.0
        self.lease_seconds = lease_seconds
        self._bundles: dict[str, dict[str, str]] = {}
        self._cache: dict[str, Any] = {}
        self._queued = asyncio.Event()
        self._next_id = 1

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=128 * 2**20, middlewares=[self._away])
        application.router.add_post("/api/runner/claim/", self._claim)
        application.router.add_get("/api/runner/bundles/{digest}/", self._bundle)
        application.router.add_post("/api/runner/runs/{run_id}/start/", self._start)
        application.router.add_post("/api/runner/heartbeat/", self._heartbeat)
        application.router.add_post("/api/runner/runs/{run_id}/logs/", self._logs)
        application.router.add_post("/api/runner/runs/{run_id}/finish/", self._finish)
        application.router.add_post("/api/runner/release/", self._release)
        application.router.add_post("/api/runner/language-servers/claim/", self._claim_language_servers)
        application.router.add_get("/v1/graphql", self._websocket)
        application.router.add_get("/api/actions/run-code-stream/", self._event_stream)
        application.router.add_post("/cache/set/", self._cache_set)
        application.router.add_get("/cache/get/{key:.+}/", self._cache_get)
        application.router.add_route("*", "/{path:.*}", self._echo)
        self._server = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._server.setup()
        await self._listen(0)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._server.cleanup()

    @property
    def base_url(self) -> str:
        """Returns the address of the twin."""
        return f"http://127.0.0.1:{self.port}"

    async def go_down(self) -> None:
        """Stops listening: connections are refused until `come_up`."""
        await self._site.stop()

    async def come_up(self) -> None:
        """Listens again on the same port."""
        await self._listen(self.port)

    async def _listen(self, port: int) -> None:
        self._site = web.TCPSite(self._server, "127.0.0.1", port, reuse_address=True)
        await self._site.start()
        assert self._server.addresses
        self.port: int = self._server.addresses[0][1]

    def submit(
        self,
        files: str | dict[str, str],
        *,
        entry: str = "main.py",
        event: dict[str, Any] | None = None,
        limits: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
    ) -> TwinRun:
        """Queues a run of a source tree (or of one script, as main.py)."""
        tree = {"main.py": files} if isinstance(files, str) else files
        digest = hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
        self._bundles[digest] = tree
        run_id, self._next_id = self._next_id, self._next_id + 1
        claim = {
            "run_id": run_id,
            "task_id": f"task-{run_id}",
            "fence": 0,
            "lease_seconds": self.lease_seconds,
            "organization_id": 1,
            "app_id": 3,
            "action_id": 5,
            "action_type": "app_action",
            "entry": entry,
            "bundle": digest,
            "environment": {"APP_ID": "3", "TASK_ID": f"task-{run_id}", **(environment or {})},
            "run_token": f"amt_run_{run_id}",
            "event": event or {},
            "limits": limits or {},
        }
        self.runs[run_id] = TwinRun(claim)
        self._queued.set()
        return self.runs[run_id]

    def expire(self, run: TwinRun) -> None:
        """Ends the lease now: the run can be claimed again, with a higher fence."""
        run.lease_until = 0.0
        self._queued.set()

    @web.middleware
    async def _away(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.is_away and request.path.startswith("/api/runner/"):
            return web.json_response({"detail": "restarting"}, status=503)
        is_runner = request.headers.get("Authorization") == f"Bearer {RUNNER_TOKEN}"
        if request.path.startswith("/api/runner/") and not is_runner:
            return web.json_response({"detail": "not a runner token"}, status=401)
        response: web.StreamResponse = await handler(request)
        return response

    async def _claim(self, request: web.Request) -> web.Response:
        body = await request.json()
        deadline = time.monotonic() + float(body["wait_seconds"])
        while True:
            self._queued.clear()
            if request.transport is None or request.transport.is_closing():
                # The runner hung up: it can take no run.
                return web.json_response({"runs": []})
            claims = [self._take(run, body["runner_id"]) for run in self._claimable()[: body["slots"]]]
            remaining = deadline - time.monotonic()
            if claims or remaining <= 0:
                return web.json_response({"runs": claims})
            try:
                async with asyncio.timeout(min(remaining, 0.5)):
                    await self._queued.wait()
            except TimeoutError:
                continue

    def _claimable(self) -> list[TwinRun]:
        now = time.monotonic()
        return [run for run in self.runs.values() if run.finished is None and run.lease_until < now]

    def _take(self, run: TwinRun, runner_id: str) -> dict[str, Any]:
        run.claim = {**run.claim, "fence": run.claim["fence"] + 1}
        run.lease_until = time.monotonic() + self.lease_seconds
        run.claimed_by = runner_id
        return run.claim

    async def _bundle(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.bundle_delay)
        files = self._bundles.get(request.match_info["digest"])
        if files is None:
            return web.json_response({"detail": "no such bundle"}, status=404)
        return web.json_response({"files": files})

    async def _start(self, request: web.Request) -> web.Response:
        body = await request.json()
        run = self._held(request, body)
        if run is None:
            return _lost()
        run.started += 1
        return web.json_response({"started_at": "2030-01-01T00:00:00Z"})

    async def _heartbeat(self, request: web.Request) -> web.Response:
        replies = []
        for item in (await request.json())["runs"]:
            run = self.runs.get(item["run_id"])
            held = run is not None and run.finished is None and run.claim["fence"] == item["fence"]
            held = held and run is not None and run.lease_until > 0
            if held and run is not None:
                run.lease_until = time.monotonic() + self.lease_seconds
            replies.append({"run_id": item["run_id"], "held": held, "cancel": bool(run and run.cancel)})
        return web.json_response({"runs": replies})

    async def _logs(self, request: web.Request) -> web.Response:
        body = await request.json()
        run = self._held(request, body)
        if run is None:
            return _lost()
        for line in body["lines"]:
            if run.first_line_at is None:
                run.first_line_at = time.monotonic()
            run.lines.setdefault(line["seq"], line)
        return web.json_response({"accepted": len(body["lines"])})

    async def _finish(self, request: web.Request) -> web.Response:
        body = await request.json()
        run = self.runs[int(request.match_info["run_id"])]
        if run.claim["fence"] != body["fence"]:
            return _lost()
        if run.finished is not None and run.finished != body:
            return web.json_response({"detail": "the run has ended differently"}, status=409)
        run.finished = body
        run.ended.set()
        return web.json_response({"recorded": True})

    async def _release(self, request: web.Request) -> web.Response:
        released = 0
        for item in (await request.json())["runs"]:
            run = self.runs[item["run_id"]]
            if run.claim["fence"] == item["fence"] and not run.started:
                run.lease_until = 0.0
                run.claimed_by = None
                released += 1
        return web.json_response({"released": released})

    def _held(self, request: web.Request, body: dict[str, Any]) -> TwinRun | None:
        run = self.runs.get(int(request.match_info["run_id"]))
        if run is None or run.finished is not None or run.claim["fence"] != body["fence"]:
            return None
        return run

    async def _claim_language_servers(self, request: web.Request) -> web.Response:
        """Waits as long as the runner lets it: nobody edits code here."""
        deadline = time.monotonic() + float((await request.json())["wait_seconds"])
        while time.monotonic() < deadline and request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110  # a connection that closes sets no event
            await asyncio.sleep(0.1)
        return web.json_response({"servers": []})

    async def _note(self, request: web.Request) -> bytes:
        body = await request.read()
        self.received.append(ReceivedRequest(request.method, request.raw_path, dict(request.headers), body))
        return body

    async def _cache_set(self, request: web.Request) -> web.Response:
        body = json.loads(await self._note(request))
        self._cache[body["key"]] = body["value"]
        return web.json_response({"success": True, "key": body["key"], "message": "set", "ttl": body.get("ttl")})

    async def _cache_get(self, request: web.Request) -> web.Response:
        await self._note(request)
        key = request.match_info["key"]
        if key not in self._cache:
            return web.json_response(None)
        return web.json_response({"key": key, "value": self._cache[key], "exists": True, "ttl": -1})

    async def _event_stream(self, request: web.Request) -> web.StreamResponse:
        await self._note(request)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for number in range(3):
            await stream.write(f"data: line {number}\n\n".encode())
            await asyncio.sleep(0.05)
        return stream

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        await self._note(request)
        socket = web.WebSocketResponse(protocols=["graphql-transport-ws"])
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
        return socket

    async def _echo(self, request: web.Request) -> web.Response:
        body = await self._note(request)
        reply = {"method": request.method, "target": request.raw_path, "bytes": len(body)}
        response = web.json_response(reply)
        response.set_cookie("session", "secret")
        return response


def _lost() -> web.Response:
    return web.json_response({"detail": "another runner holds this run, or it has ended"}, status=409)
