"""An upstream that counts what reaches it, and answers bytes as they came."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import orjson

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(24)

SLOW_SECONDS = 5.0
"""Between the effect of a POST to `/slow` and its answer."""

DOCUMENT = {
    "openapi": "3.0.0",
    "info": {"title": "Counter", "version": "1"},
    "paths": {
        "/count/{name}": {
            "post": {
                "operationId": "countUp",
                "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
}


@contextmanager
def counting_upstream() -> Iterator[str]:
    """Serves on a loopback socket; yields its address."""
    counts: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            if url.path == "/echo":
                self._reply(body, self.headers.get("Content-Type", ""))
                return
            if url.path == "/picture":
                self._reply(PICTURE, "image/png")
                return
            sent = orjson.loads(body) if body else {}
            name = parse_qs(url.query).get("name", [sent.get("name") or url.path.rpartition("/")[2]])[0]
            if self.command == "POST":
                counts[name] += sent.get("times", 1)
            if url.path == "/slow":
                time.sleep(SLOW_SECONDS)
            self._reply(orjson.dumps({"count": counts[name]}), "application/json")

        do_GET = do_POST = do_PUT = _answer  # the server's own names

        def _reply(self, body: bytes, content_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
