"""An app with a table, a connection to an upstream of the test's own, and the ways tests sync one into the other."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from platform_api.apps.models import App
from tests.platform_api.conftest import Caller, Platform

OPEN = ("pending", "running")
COLUMNS: list[dict[str, Any]] = [
    {"name": "external_id", "type": "text", "required": True},
    {"name": "name", "type": "text"},
    {"name": "stock", "type": "integer"},
    {"name": "price", "type": "numeric"},
    {"name": "active", "type": "boolean"},
    {"name": "seen_at", "type": "timestamptz"},
    {"name": "gone", "type": "boolean"},
    {"name": "colour", "type": "choice", "choices": ["red", "blue"]},
    {"name": "extra", "type": "json"},
    {"name": "parent", "type": "reference"},
]


@dataclass
class Upstream:
    """A service whose list a test writes: `answer` gives the answer to the query of a page."""

    url: str = ""
    answer: Callable[[dict[str, str]], Any] = lambda query: {"items": []}
    queries: list[dict[str, str]] = field(default_factory=list)
    delay: float = 0.0

    def pages(self, items: list[Any], size: int = 3) -> None:
        """Cursor paging through `items`."""

        def answer(query: dict[str, str]) -> Any:
            start = int(query.get("cursor", 0))
            following = str(start + size) if start + size < len(items) else None
            return {"items": items[start : start + size], "next": following}

        self.answer = answer


@contextmanager
def serving() -> Iterator[Upstream]:
    """The upstream on a socket."""
    upstream = Upstream()

    async def things(request: Request) -> Response:
        query = dict(request.query_params)
        if request.method == "POST":
            query = {name: str(value) for name, value in (await request.json()).items()}
        upstream.queries.append(query)
        await asyncio.sleep(upstream.delay)
        given = upstream.answer(query)
        return given if isinstance(given, Response) else JSONResponse(given)

    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/things", things, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    upstream.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    yield upstream
    server.should_exit = True
    thread.join(10)


@dataclass
class Bench:
    """A caller, their app with the table `things`, and a connection to the upstream."""

    platform: Platform
    caller: Caller
    app: App
    upstream: Upstream
    connection: int

    def client(self, caller: Caller | None = None) -> httpx.AsyncClient:
        return self.platform.client(caller or self.caller, timeout=240)

    def path(self, name: str = "", word: str = "") -> str:
        return f"/api/apps/{self.app.id}/syncs/" + (f"{name}/" if name else "") + (f"{word}/" if word else "")

    def declaration(self, **changes: Any) -> dict[str, Any]:
        declared: dict[str, Any] = {
            "name": "things",
            "integration_id": "service",
            "request": {"endpoint": "/things"},
            "pagination": {"style": "cursor", "parameter": "cursor", "next": "next"},
            "items": "items",
            "table": "things",
            "mapping": {"external_id": "id", "name": "name", "stock": "stock"},
            "key": ["external_id"],
            **changes,
        }
        return {name: value for name, value in declared.items() if value is not ...}

    async def declare(self, *, caller: Caller | None = None, **changes: Any) -> httpx.Response:
        async with self.client(caller) as client:
            return await client.post(self.path(), json=self.declaration(**changes))

    async def declared(self, **changes: Any) -> None:
        answer = await self.declare(**changes)
        assert answer.status_code == 201, answer.text

    async def post(self, word: str, name: str = "things", **body: Any) -> httpx.Response:
        async with self.client() as client:
            return await client.post(self.path(name, word), json=body)

    async def sync(self, name: str = "things", word: str = "run", **body: Any) -> dict[str, Any]:
        """Starts a run and waits until it has ended."""
        answer = await self.post(word, name, **body)
        assert answer.status_code == 200, answer.text
        [run] = answer.json()
        return await self.ended(run["id"], name)

    async def ended(self, run_id: int, name: str = "things") -> dict[str, Any]:
        async with asyncio.timeout(240):
            while (run := await self.run(run_id, name))["state"] in OPEN:  # noqa: ASYNC110 (over HTTP)
                await asyncio.sleep(0.02)
        return run

    async def run(self, run_id: int, name: str = "things") -> dict[str, Any]:
        async with self.client() as client:
            runs = (await client.get(self.path(name, "runs"))).json()
        return next(one for one in runs if one["id"] == run_id)

    async def status(self, name: str = "things") -> dict[str, Any]:
        async with self.client() as client:
            answer = await client.get(self.path(name))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def rows(
        self, fields: str = "external_id name stock", caller: Caller | None = None
    ) -> list[dict[str, Any]]:
        table = f"app_{self.app.id}_things"
        query = f"{{ {table}(order_by: {{external_id: asc}}) {{ {fields} connection_id organization_id }} }}"
        async with self.client(caller) as client:
            answer = (await client.post(f"/api/apps/{self.app.id}/v1/graphql", json={"query": query})).json()
        assert "errors" not in answer, answer
        found: list[dict[str, Any]] = answer["data"][table]
        return found

    async def ids(self) -> list[str]:
        return [row["external_id"] for row in await self.rows()]


async def connect(platform: Platform, caller: Caller, url: str, *, name: str = "anna") -> int:
    """Defines `service` for the caller's organization and connects to it."""
    definition = {"id": "service", "name": "Service", "base_url": url, "retry": {"attempts": 1}}
    async with platform.client(caller) as client:
        answer = await client.post("/api/integrations/", json=definition)
        assert answer.status_code in (201, 409), answer.text
        answer = await client.post("/api/integrations/service/connections/", json={"name": name})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])


async def open_bench(platform: Platform, upstream: Upstream, *, unique: list[list[str]] | None = None) -> Bench:
    upstream.queries.clear()
    upstream.delay = 0.0
    caller = await platform.create_caller()
    app = await platform.create_app(caller, is_public=True)
    connection = await connect(platform, caller, upstream.url)
    columns = [{**one} for one in COLUMNS]
    body = {
        "name": "things",
        "columns": columns,
        "unique": [{"columns": key} for key in unique or [["external_id"], ["connection_id", "external_id"]]],
        "foreign_keys": [{"column": "parent", "table": "things"}],
    }
    async with platform.client(caller) as client:
        made = await client.post(f"/api/apps/{app.id}/new_table/", json=body)
        assert made.status_code == 200, made.text
    return Bench(platform, caller, app, upstream, connection)
