"""A real HTTP/1.1 server on loopback that answers what a test tells it to, down to the bytes on the wire."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; `path` is raw (still percent-encoded), `connection` the client's port."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """A complete reply with another status, content type or header than 200 JSON."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stream:
    """A chunked reply; `breaks` resets the connection instead of ending the body in order."""

    chunks: Iterable[bytes]
    breaks: bool = False
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})


@dataclass(frozen=True)
class Reset:
    """No reply: the connection is reset after the request was read."""


class Loopback:
    """A server that routes `"METHOD /path/"` (raw path) to an answer, a function of it, or a list in turn."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self._routes: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.002,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def on(self, route: str, answer: Any) -> None:
        self._routes[route] = answer

    def seen(self, route: str) -> list[Seen]:
        return [request for request in self.requests if f"{request.method} {request.path}" == route]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Seen) -> Any:
        with self._lock:
            self.requests.append(request)
            route = f"{request.method} {request.path}"
            if route not in self._routes:
                return Answer(404, json={"detail": f"no route {route}"})
            answer = self._routes[route]
            if isinstance(answer, InTurn):
                answer = answer.next()
        return answer(request) if callable(answer) else answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Otherwise the body waits 40 ms for the client to acknowledge the headers.
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                seen = Seen(
                    self.command,
                    parts.path,
                    {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
                    {name.lower(): value for name, value in self.headers.items()},
                    self._chunked_body()
                    if "chunked" in (self.headers.get("Transfer-Encoding") or "")
                    else self.rfile.read(length),
                    self.client_address[1],
                )
                answer = loopback.answer(seen)
                match answer:
                    case Reset():
                        self._reset()
                    case Stream():
                        self._stream(answer)
                    case Answer():
                        self._complete(answer)
                    case _:
                        self._complete(Answer(json=answer))

            do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

            def _chunked_body(self) -> bytes:
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def _complete(self, answer: Answer) -> None:
                body = json.dumps(answer.json).encode() if answer.body is None else answer.body
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _stream(self, answer: Stream) -> None:
                self.send_response(200)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for chunk in answer.chunks:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                if answer.breaks:
                    self.close_connection = True
                    return
                self.wfile.write(b"0\r\n\r\n")

            def _reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    # The client went away, which some tests are about.
                    self.close_connection = True

            def finish(self) -> None:
                try:
                    super().finish()
                except OSError:
                    self.close_connection = True

        return Handler


class InTurn:
    """Answers used up one by one; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def next(self) -> Any:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def events(*payloads: Any) -> list[bytes]:
    """Returns one server-sent event per payload, each as a separate chunk."""
    return [b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n" for payload in payloads]


def api_response(status: int = 200, text: str = "{}", url: str = "https://service.test/") -> dict[str, Any]:
    """Returns the service's answer inside an envelope."""
    return {"status_code": status, "text": text, "headers": {}, "url": url, "ok": 200 <= status < 400}


Handler = Callable[[Seen], Any]
