"""Answers cross-origin requests (HASURA_GRAPHQL_CORS_DOMAIN): `*`, or a list with `*.` wildcards."""

from fnmatch import fnmatchcase

from hasura.engine.transport.asgi import Message, Scope, Send


class CorsPolicy:
    """Adds the headers that let a browser on an allowed origin read the answer. None switches it off."""

    def __init__(self, domains: str | None) -> None:
        self._patterns = [domain.strip() for domain in (domains or "").split(",") if domain.strip()]

    def wrap(self, scope: Scope, send: Send) -> Send:
        """Returns `send`, with the headers added when the request's origin is allowed."""
        for name, origin in scope["headers"]:
            if name == b"origin":
                return self._with_headers(scope, send, origin) if self._allows(origin.decode("latin-1")) else send
        return send

    def _with_headers(self, scope: Scope, send: Send, origin: bytes) -> Send:
        headers = [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"vary", b"Origin"),
        ]
        if scope["method"] == "OPTIONS":
            requested = dict(scope["headers"]).get(b"access-control-request-headers", b"content-type")
            headers += [
                (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
                (b"access-control-allow-headers", requested),
                (b"access-control-max-age", b"1728000"),
            ]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        return send_with_headers

    def _allows(self, origin: str) -> bool:
        return any(pattern == "*" or fnmatchcase(origin, pattern) for pattern in self._patterns)
