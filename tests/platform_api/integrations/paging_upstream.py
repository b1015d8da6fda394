"""A service on a real socket whose one list comes in pages, in each way that services have, and strictly.

A request that no right client sends is answered 400: filters that are lost, or sent beside a link that stands for
itself; a page that nobody led to; a missing key.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEY = ("api_key", "k=1&2")
FALSE_FLAGS: dict[str, Any] = {"false": False, "text": "false", "zero": 0, "null": None}


@dataclass
class Case:
    """One list and how it is handed out. `cap` is the largest page that the service gives, whatever is asked."""

    count: int
    style: str
    ending: str
    size: int | None = None
    cap: int = 3
    filters: list[tuple[str, str]] = field(default_factory=list)
    items_at: str = "data.items"
    is_post: bool = False
    first: int = 0
    link_form: str = "plain"

    def ids(self) -> list[int]:
        return [(number * 7) % 1009 for number in range(self.count)]

    @property
    def items(self) -> list[dict[str, Any]]:
        return [{"id": one, "node": {"id": one}} for one in self.ids()]


class BadRequest(Exception):
    """What a right client does not send."""


@dataclass
class Asked:
    """A request: its query in order, its body."""

    query: list[tuple[str, str]]
    body: dict[str, Any]
    method: str

    def value(self, name: str, *, is_post: bool) -> Any:
        if is_post:
            return self.body.get("page", {}).get(name)
        found = [value for key, value in self.query if key == name]
        if len(found) > 1:
            raise BadRequest(f"{name} is given {len(found)} times")
        return found[0] if found else None


class Service:
    """Answers by the case at hand."""

    def __init__(self) -> None:
        self.case = Case(0, "page", "empty")
        self.asked: list[Asked] = []
        self.url = ""

    def answer(self, asked: Asked) -> Response:
        self.asked.append(asked)
        case = self.case
        if asked.query.count(KEY) != 1:
            return JSONResponse({"error": f"the key, once: {asked.query}"}, 401)
        try:
            start = self._start(asked)
            return self._page(start, self._length(asked))
        except BadRequest as error:
            return JSONResponse({"error": str(error), "case": repr(case)}, 400)

    def _length(self, asked: Asked) -> int:
        size = asked.value("limit", is_post=self.case.is_post)
        return min(int(size), self.case.cap) if size is not None else self.case.cap

    def _start(self, asked: Asked) -> int:
        case = self.case
        plain = [pair for pair in asked.query if pair != KEY]
        if asked.method != ("POST" if case.is_post else "GET"):
            raise BadRequest("the method changed")
        if case.style.startswith("link"):
            return self._link_start(plain)
        names = {"limit", "token", "after", "page", "offset"}
        if [pair for pair in plain if pair[0] not in names] != case.filters:
            raise BadRequest(f"filters were lost or changed: {plain}")
        if case.is_post and asked.body.get("where") != {"a": 1}:
            raise BadRequest("the body was lost")
        if case.style == "cursor-next":
            token = asked.value("token", is_post=case.is_post)
            return 0 if token is None else int(token.removeprefix("t="))
        if case.style == "cursor-last":
            after = asked.value("after", is_post=case.is_post)
            return 0 if after is None else case.ids().index(int(after)) + 1
        if case.style == "page":
            number = int(asked.value("page", is_post=case.is_post))
            if number < case.first:
                raise BadRequest("there is no such page")
            return (number - case.first) * self._length(asked)
        offset = asked.value("offset", is_post=case.is_post)
        return (case.first if offset is None else int(offset)) - case.first

    def _link_start(self, query: list[tuple[str, str]]) -> int:
        if ("token", "") in query:
            raise BadRequest("empty token")
        tokens = [value for name, value in query if name == "token"]
        if not tokens:
            if [pair for pair in query if pair[0] != "limit"] != self.case.filters:
                raise BadRequest(f"filters were lost: {query}")
            return 0
        # A page token beside filters is refused, as some services do; the ids belong to the link.
        if query != [("id", "1"), ("id", "2"), ("x", "a b,c;d"), ("token", tokens[0]), ("id", "3")]:
            raise BadRequest(f"a link was not followed as it stands: {query}")
        return int(tokens[0])

    def _link(self, start: int) -> str:
        query = [("id", "1"), ("id", "2"), ("x", "a b,c;d"), ("token", str(start)), ("id", "3")]
        text = urlencode(query, safe=",;")
        form = self.case.link_form
        if form == "relative":
            return f"/v1/things?{text}"
        if form == "query only":
            return f"?{text}"
        # A service that repeats the key that it was sent.
        echoed = f"&{urlencode([KEY])}" if form == "echo" else ""
        return f"{self.url}/v1/things?{text}{echoed}"

    def _page(self, start: int, length: int) -> Response:
        case = self.case
        items = case.items[start : start + length]
        is_beyond = start >= case.count and start > 0
        is_last = start + length >= case.count
        if is_beyond and case.ending == "204":
            return Response(status_code=204)
        if is_beyond and case.ending == "empty body":
            return Response(b"", 200, {"content-type": "application/json"})
        if is_beyond and case.ending == "404":
            return JSONResponse({"detail": "Invalid page."}, 404)
        # A flag that is absent from the first page, which is full, may as well stand elsewhere.
        is_unclear = case.style == "cursor-last" and case.ending == "absent" and case.count == case.size == length
        if is_beyond and case.ending not in ("empty", "short") and not is_unclear:
            raise BadRequest("nobody said that there is such a page")
        body: dict[str, Any] = {}
        headers: list[tuple[str, str]] = []
        goes_on = not is_last or (case.ending in ("204", "empty body", "empty") and not is_beyond)
        getattr(self, "_tell_" + case.style.replace("-", "_"))(body, headers, start, length, goes_on)
        response = JSONResponse(self._placed(items, body), 200)
        for name, value in headers:
            response.headers.append(name, value)
        return response

    def _placed(self, items: list[dict[str, Any]], body: dict[str, Any]) -> Any:
        match self.case.items_at:
            case "":
                return items
            case "data.items":
                return {**body, "data": {**body.pop("data", {}), "items": items}}
            case "things.*":
                return {**body, "things": {f"n{item['id']}": item for item in items}}
            case "edges.*.node":
                return {**body, "edges": [{"node": item} for item in items]}
            case _:
                return {**body, "_links": [], "things": items}

    def _tell_link_header(self, body: Any, headers: Any, start: int, length: int, goes_on: bool) -> None:
        target, form = self._link(start + length), self.case.link_form
        others = f'<{self.url}/v1/things>; rel=first; title="a, <b>; rel=next"'
        if not goes_on:
            if self.case.ending == "results":
                headers.append(("Link", f'{others}, <{target}>; rel="next"; results="false"; cursor="1:2"'))
            elif self.case.ending == "prev":
                headers.append(("Link", f'{others}, </v1/things>; rel="prev"'))
            return
        link = {
            "unquoted": f"{others},<{target}>;rel=next",
            "case": f'<{target}>; title="a,b;\\"c"; REL="Last NEXT"; results="true"',
        }.get(form, f'{others}, <{target}>; rel="next"')
        if form == "several":
            headers.append(("Link", others))
            headers.append(("Link", f'<{target}>; rel="next"'))
        else:
            headers.append(("Link", link))

    def _tell_link_body(self, body: Any, headers: Any, start: int, length: int, goes_on: bool) -> None:
        if goes_on:
            body["@odata.nextLink"] = self._link(start + length)
        elif self.case.ending != "absent":
            body["@odata.nextLink"] = "" if self.case.ending == "text" else None

    def _tell_cursor_next(self, body: Any, headers: Any, start: int, length: int, goes_on: bool) -> None:
        if goes_on or self.case.ending == "flag":
            body["meta"] = {"next": f"t={start + length}"}
        elif self.case.ending != "absent":
            body["meta"] = {"next": "" if self.case.ending == "text" else None}
        if self.case.ending == "flag":
            body["paging"] = {"isLast": not goes_on}

    def _tell_cursor_last(self, body: Any, headers: Any, start: int, length: int, goes_on: bool) -> None:
        if self.case.ending == "finished":
            body["info"] = {"finished": not goes_on}
        elif self.case.ending in FALSE_FLAGS:
            body["info"] = {"has_more": True if goes_on else FALSE_FLAGS[self.case.ending]}
        elif self.case.ending == "absent" and goes_on:
            body["info"] = {"has_more": True}

    def _tell_page(self, body: Any, headers: Any, start: int, length: int, goes_on: bool) -> None:
        if self.case.ending == "total pages":
            headers.append(("X-WP-TotalPages", str(-(-self.case.count // length))))
        self._tell_offset(body, headers, start, length, goes_on)

    def _tell_offset(self, body: Any, headers: Any, start: int, length: int, goes_on: bool) -> None:
        count = self.case.count
        match self.case.ending:
            case "total header":
                headers.append(("X-Total-Count", str(count)))
            case "content range":
                headers.append(("Content-Range", f"items {start}-{min(start + length, count) - 1}/{count}"))
            case "total body":
                body["meta"] = {"total": count}
            case "flag":
                body["meta"] = {"more": goes_on}


@contextmanager
def serving() -> Iterator[Service]:
    """The service on a socket."""
    service = Service()

    async def things(request: Request) -> Response:
        content = await request.body()
        body = json.loads(content) if content else {}
        return service.answer(Asked(request.query_params.multi_items(), body, request.method))

    listener = socket.create_server(("127.0.0.1", 0))
    service.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = Starlette(routes=[Route("/v1/things", things, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    yield service
    server.should_exit = True
    thread.join(10)
