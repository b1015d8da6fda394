"""Serves as the third party: a bare ASGI application that answers with a JSON object after `?ms=` milliseconds.

`python -m benchmarks.fanout.upstream PORT`.
"""

import asyncio
import sys
from typing import Any

import uvicorn

_BODY = b'{"id":"10000000","name":"red lamp","stock":3,"price":{"amount":"12.50","currency":"PLN"}}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    milliseconds = scope["query_string"].partition(b"ms=")[2].partition(b"&")[0]
    if milliseconds:
        await asyncio.sleep(int(milliseconds) / 1000)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
