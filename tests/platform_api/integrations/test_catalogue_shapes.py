"""Every list endpoint of the built-in catalogue, paged through the platform against the shape of its service."""

import asyncio
import json
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from automio import AsyncAPI, Pagination
from automio._paths import at
from platform_api.integrations.catalogue import built_in
from tests.platform_api.conftest import BASE_URL, Caller, Platform

pytestmark = pytest.mark.anyio

WITHOUT_LISTS = {
    "adyen": "its checkout has no lists",
    "baselinker": "one endpoint that takes a JSON text in a form field",
    "deepl": "its lists come whole",
    "google_docs": "its API has no lists",
    "google_sheets": "its API has no lists",
    "mixpanel": "a page number and a session's id of the first answer together",
    "quickbooks": "the page stands in the text of a query",
    "telegram": "its updates are a queue, not a list",
}


def _shapes() -> list[dict[str, Any]]:
    files = sorted((Path(__file__).parent / "catalogue_shapes").glob("*.yaml"))
    return [shape for file in files for shape in yaml.safe_load_all(file.read_text())]


SHAPES = _shapes()


@dataclass
class Replay:
    """Gives the pages of a shape in turn, to requests that are as they should be."""

    url: str = ""
    shape: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    asked: int = 0

    def begin(self, shape: dict[str, Any], base_path: str) -> dict[str, Any]:
        self.base, self.asked = self.url + base_path, 0
        self.shape = self.filled(shape)
        return self.shape

    def filled(self, value: Any) -> Any:
        text = json.dumps(value).replace("{origin}", self.url).replace("{base}", self.base)
        return json.loads(text)

    async def answer(self, request: Request) -> Response:
        if self.asked == len(self.shape["pages"]):
            return JSONResponse({"error": "asked beyond the last page"}, 410)
        page = self.shape["pages"][self.asked]
        self.asked += 1
        expected = page.get("query", {})
        pairs = sorted(
            (str(name), str(value)) for name, value in (expected.items() if isinstance(expected, dict) else expected)
        )
        seen = {
            "path": request.url.path,
            "query": sorted(request.query_params.multi_items()),
            "json": json.loads(await request.body() or b"null"),
            "method": request.method,
        }
        path = page.get("path", urlsplit(self.base).path + self.shape["endpoint"])
        wanted = {"path": path, "query": pairs, "json": page.get("json"), "method": self.shape.get("method", "GET")}
        if seen != wanted:
            return JSONResponse({"seen": seen, "wanted": wanted}, 418)
        if page.get("status") == 204:
            return Response(status_code=204)
        response = JSONResponse(page["body"])
        for name, value in page.get("headers", []):
            response.headers.append(name, value)
        return response


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    running = Replay()
    listener = socket.create_server(("127.0.0.1", 0))
    running.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = Starlette(routes=[Route("/{path:path}", running.answer, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    yield running
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
async def caller(shared_platform: Platform) -> Caller:
    return await shared_platform.create_caller()


@pytest.fixture(scope="module")
async def api(shared_platform: Platform, caller: Caller) -> AsyncIterator[AsyncAPI]:
    app = await shared_platform.create_app(caller)
    transport = httpx.ASGITransport(app=shared_platform.app)
    async with AsyncAPI(base_url=BASE_URL, token=caller.token, app_id=app.id, transport=transport) as made:
        yield made


@pytest.mark.parametrize("number", range(len(SHAPES)), ids=lambda number: f"{SHAPES[number]['id']}-{number}")
async def test_a_list_of_the_catalogue_is_read_to_its_end(
    shared_platform: Platform, caller: Caller, api: AsyncAPI, replay: Replay, number: int
) -> None:
    built = built_in()[SHAPES[number]["id"]]
    base_path = re.sub(r"\{[^}]*\}", "x", urlsplit(built.base_url).path)
    shape = replay.begin(SHAPES[number], base_path)
    definition = {
        "id": f"shape_{number}",
        "name": built.name,
        "base_url": replay.base,
        "pagination": built.pagination and built.pagination.model_dump(mode="json"),
    }
    async with shared_platform.client(caller) as client:
        answer = await client.post("/api/integrations/", json=definition)
        assert answer.status_code in (201, 409), answer.text
        answer = await client.post(f"/api/integrations/{definition['id']}/connections/", json={"name": "anna"})
        assert answer.status_code in (201, 409), answer.text
    integration = await api.integrations.get_integration(definition["id"])
    found = api.integrations.paginate(
        integration,
        shape["endpoint"],
        method=shape.get("method", "GET"),
        params=shape.get("params"),
        json=shape.get("json"),
        items=shape.get("items"),
        pagination=Pagination(**shape["pagination"]) if "pagination" in shape else None,
    )
    assert [at(item, shape.get("id_at", "id")) async for item in found] == shape["ids"]
    assert replay.asked == len(shape["pages"])


def test_every_entry_has_a_shape_or_a_reason() -> None:
    shaped = {shape["id"] for shape in SHAPES}
    assert shaped | set(WITHOUT_LISTS) == set(built_in())
    assert not shaped & set(WITHOUT_LISTS)
    undefined = {name for name, entry in built_in().items() if entry.pagination is None}
    given = {shape["id"] for shape in SHAPES if "pagination" in shape}
    assert undefined <= given | set(WITHOUT_LISTS)
