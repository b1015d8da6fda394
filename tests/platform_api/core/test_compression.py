"""Compressed answers: which, with which headers, and never a stream that has to wait."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from platform_api.app import READING_POSTS
from platform_api.core.http.compression import accepts_gzip, gzip_now
from platform_api.core.middleware.compression import CompressionMiddleware
from platform_api.core.middleware.head import HeadMiddleware
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

LONG = {"rows": ["the same"] * 500}


async def _ask(app: ASGIApp, method: str = "GET", path: str = "/", **headers: str) -> tuple[httpx.Headers, bytes]:
    """Headers, with `:status`, and the body as it is sent."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw}
    layered = HeadMiddleware(CompressionMiddleware(app, reading_posts=READING_POSTS))
    await layered(scope, receive, send)
    assert [message["type"] for message in sent].count("http.response.start") == 1
    status = (b"x-status", str(sent[0]["status"]).encode())
    return httpx.Headers([*sent[0]["headers"], status]), b"".join(message.get("body", b"") for message in sent)


async def test_a_long_answer_is_compressed_for_who_asks() -> None:
    headers, body = await _ask(JSONResponse(LONG, headers={"ETag": '"1"', "Vary": "Origin"}), accept_encoding="gzip")
    assert json.loads(gzip.decompress(body)) == LONG
    assert (headers["content-encoding"], headers["content-length"]) == ("gzip", str(len(body)))
    assert (headers["etag"], headers["vary"]) == ('W/"1"', "Origin, Accept-Encoding")
    again, same = await _ask(JSONResponse(LONG), accept_encoding="gzip")
    assert same == body and "etag" not in again


async def test_who_does_not_ask_gets_the_same_bytes_and_caches_are_told() -> None:
    for accepted in ({}, {"accept_encoding": "identity"}, {"accept_encoding": "br, gzip;q=0"}):
        headers, body = await _ask(JSONResponse(LONG, headers={"ETag": '"1"'}), **accepted)
        assert json.loads(body) == LONG and headers["content-length"] == str(len(body))
        assert "content-encoding" not in headers and (headers["etag"], headers["vary"]) == ('"1"', "Accept-Encoding")


@pytest.mark.parametrize(
    "answer",
    [
        JSONResponse({"short": True}),
        Response(b"\0" * 5000, media_type="image/png"),
        Response(b"x" * 5000, media_type="text/csv", headers={"Content-Disposition": "attachment"}),
        Response(gzip_now(b"x" * 50_000) * 50, media_type="text/css", headers={"Content-Encoding": "gzip"}),
        Response(
            b"x" * 5000, status_code=206, media_type="text/plain", headers={"Content-Range": "bytes 0-4999/9999"}
        ),
        JSONResponse(LONG, headers={"Set-Cookie": "secret"}),
        Response(status_code=204),
        Response(status_code=304, headers={"ETag": '"1"'}),
    ],
)
async def test_what_is_short_partial_a_download_or_compressed_already_stays(answer: Response) -> None:
    headers, body = await _ask(answer, accept_encoding="gzip")
    assert (body, headers.get("content-length")) == (answer.body, answer.headers.get("content-length"))
    assert headers.get("content-encoding") == answer.headers.get("content-encoding")
    assert headers["x-status"] == str(answer.status_code)


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    get, body = await _ask(PlainTextResponse("long " * 1000), accept_encoding="gzip")
    head, nothing = await _ask(PlainTextResponse("long " * 1000), method="HEAD", accept_encoding="gzip")
    assert nothing == b"" and head == get and head["content-length"] == str(len(body))


@pytest.mark.parametrize("path", ["/api/apps/graphql/", "/apps/graphql", "/api/integrations/shop/call/"])
async def test_posts_that_read_are_compressed(path: str) -> None:
    headers, _ = await _ask(JSONResponse(LONG), method="POST", path=path, accept_encoding="gzip")
    assert headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/tokens/"), ("POST", "/api/apps/1/webhooks/2/rotate/"), ("POST", "/api/sessions/"), ("PUT", "/")],
)
async def test_what_may_show_a_new_secret_is_not(method: str, path: str) -> None:
    headers, _ = await _ask(JSONResponse(LONG), method=method, path=path, accept_encoding="gzip")
    assert "content-encoding" not in headers


async def test_an_answer_that_another_site_caused_is_not() -> None:
    for site, encoding in (("cross-site", None), ("same-site", None), ("same-origin", "gzip"), ("none", "gzip")):
        headers, _ = await _ask(JSONResponse(LONG), accept_encoding="gzip", sec_fetch_site=site)
        assert headers.get("content-encoding") == encoding


@pytest.mark.parametrize("kind", ["text/event-stream; charset=utf-8", "application/json", "text/plain"])
async def test_each_part_of_a_stream_arrives_before_the_next_is_made(kind: str) -> None:
    """The application makes a part only when it has seen the one before arrive: held back, it would wait for ever."""
    arrived: asyncio.Queue[Message] = asyncio.Queue()

    async def parts() -> AsyncIterator[bytes]:
        assert (await arrived.get())["type"] == "http.response.start"
        for number in range(3):
            part = f"data: {number} {'x' * 2000}\n\n".encode()
            yield part
            assert (await arrived.get())["body"] == part

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(parts(), media_type=kind)(scope, receive, send)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": "GET",
        "path": "/",
        "headers": [(b"accept-encoding", b"gzip")],
    }
    async with asyncio.timeout(20):
        await CompressionMiddleware(app)(scope, receive, arrived.put)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["gzip", "br", "*", "identity"]),
            st.sampled_from(["", ";q=0", "; q=0.0", ";q=0.5", ";q=1"]),
        )
    )
)
def test_an_accept_encoding_is_read_as_the_standard_has_it(items: list[tuple[str, str]]) -> None:
    weights = dict(items)
    weight = weights.get("gzip", weights.get("*"))
    assert accepts_gzip(", ".join(f"{coding}{q}" for coding, q in items)) is (
        weight is not None and weight not in (";q=0", "; q=0.0")
    )


async def _raw(client: httpx.AsyncClient, path: str, **options: Any) -> tuple[httpx.Response, bytes]:
    async with client.stream(options.pop("method", "GET"), path, **options) as response:
        return response, b"".join([part async for part in response.aiter_raw()])


async def test_lists_pages_assets_and_rows_of_the_platform_come_compressed(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    asset = "/static/playground.js"
    async with shared_platform.client(caller, headers={"Accept-Encoding": "gzip"}) as client:
        for path in ("/openapi.json", "/api/integrations/", asset):
            response, body = await _raw(client, path)
            assert response.status_code == 200 and "Accept-Encoding" in response.headers["vary"], path
            assert response.headers["content-encoding"] == "gzip", path
            plain = await client.get(path, headers={"Accept-Encoding": "identity"})
            assert gzip.decompress(body) == plain.content and len(body) < len(plain.content) / 2
            assert response.headers["content-length"] == str(len(body))
        cached = await client.get(asset, headers={"If-None-Match": (await client.get(asset)).headers["etag"]})
        assert cached.status_code == 304 and cached.content == b"" and "content-encoding" not in cached.headers
        part, body = await _raw(client, asset, headers={"Range": "bytes=0-9"})
        assert (part.status_code, len(body)) == (206, 10) and "content-encoding" not in part.headers
        query = {"query": "{ __schema { types { name description fields { name description } } } }"}
        path = f"/api/apps/{app.slug}/v1/graphql"
        response, body = await _raw(client, path, method="POST", json=query)
        assert response.status_code == 200 and response.headers["content-encoding"] == "gzip"
        plain = await client.post(path, json=query, headers={"Accept-Encoding": "identity"})
        assert gzip.decompress(body) == plain.content and plain.headers["vary"] == "accept-encoding"
        small, body = await _raw(client, path, method="POST", json={"query": "{ __typename }"})
        assert json.loads(body) == {"data": {"__typename": "query_root"}} and "vary" not in small.headers


async def test_a_stream_of_the_platform_opens_at_once_and_uncompressed(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    started, opened = asyncio.Event(), asyncio.Event()
    headers: dict[bytes, bytes] = {}

    async def receive() -> Message:
        await opened.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers.update(message["headers"])
            started.set()
        elif message["body"]:
            assert started.is_set()
            opened.set()

    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.3"},
        "method": "GET",
        "path": "/api/notifications/stream/",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {caller.token}".encode()), (b"accept-encoding", b"gzip")],
    }
    async with asyncio.timeout(30):
        await shared_platform.app(scope, receive, send)
    assert opened.is_set() and b"content-encoding" not in headers
