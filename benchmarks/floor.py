"""Serves as the floor: a bare ASGI application that runs a hand-written statement for each known query text.

`python -m benchmarks.floor DATABASE_URL PORT CASES_FILE` serves it, without framework, validation or permissions: it
only needs HTTP, one JSON parse and PostgreSQL. The file is JSON: `[{"query", "sql", "json_argument"?}]` or
`[{"query", "answer"}]`; a statement returns one value of type json, which is sent unchanged. Its parameters are the
request's variables in order, or the JSON of the one named by `json_argument`.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import uvicorn

_CONNECTIONS = 4


class Floor:
    def __init__(self, url: str, cases: list[dict[str, Any]]) -> None:
        self._url = url
        self._cases = {case["query"]: case for case in cases}
        self._answers = {case["query"]: case["answer"].encode() for case in cases if "answer" in case}
        self._free: asyncio.LifoQueue[dict[str, Any]] = asyncio.LifoQueue()

    async def start(self) -> None:
        for _ in range(_CONNECTIONS):
            connection = await asyncpg.connect(self._url)
            await connection.set_type_codec(
                "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
            )
            prepared = {
                query: await connection.prepare(case["sql"]) for query, case in self._cases.items() if "sql" in case
            }
            self._free.put_nowait(prepared)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self.start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["method"] == "GET":  # whether it serves yet
            await _answer(send, b"{}")
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message.get("more_body"):
                break
        request = orjson.loads(body)
        query = request["query"]
        known = self._answers.get(query)
        if known is not None:
            await _answer(send, known)
            return
        name = self._cases[query].get("json_argument")
        variables = request["variables"]
        arguments = [orjson.dumps(variables[name])] if name else list(variables.values())
        statements = await self._free.get()
        try:
            value = await statements[query].fetchval(*arguments)
        finally:
            self._free.put_nowait(statements)
        await _answer(send, b"".join((b'{"data":{"root":', value or b"null", b"}}")))


async def _answer(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    url, port, cases = sys.argv[1:]
    app = Floor(url, orjson.loads(Path(cases).read_bytes()))
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", log_level="warning", access_log=False)
