"""A provider on loopback whose accounts have several tenants, as those of Xero: it gives tokens and lists tenants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Provider:
    """What the provider knows and was asked."""

    url: str = ""
    tenants: Any = field(
        default_factory=lambda: [
            {"tenantId": "t-1", "tenantName": "Shop", "isMain": False},
            {"tenantId": "t-2", "tenantName": "Cinema", "isMain": False},
        ]
    )
    status: int = 200
    """Of the list of tenants."""
    tokens: list[str] = field(default_factory=list)
    """Access tokens given out; the latest is good."""
    listed: list[dict[str, str]] = field(default_factory=list)
    """Headers of the requests for the list."""
    called: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Paths and headers of all other calls."""

    async def token(self, request: web.Request) -> web.Response:
        """Gives an access token for whatever it is asked with."""
        self.tokens.append(f"access-{len(self.tokens) + 1}")
        told = {"access_token": self.tokens[-1], "refresh_token": f"refresh-{len(self.tokens)}", "expires_in": 1800}
        return web.json_response(told)

    async def tenants_of(self, request: web.Request) -> web.Response:
        """Lists the tenants, to the latest token only."""
        self.listed.append(dict(request.headers))
        if not request.headers.get("Authorization", "").endswith(f" {self.tokens[-1] if self.tokens else 'key'}"):
            return web.json_response({"error": "unauthorized"}, status=401)
        return web.json_response(self.tenants, status=self.status)

    async def call(self, request: web.Request) -> web.Response:
        """Answers any other call."""
        self.called.append((request.path, dict(request.headers)))
        return web.json_response({"email": "anna@example.com"})


@asynccontextmanager
async def tenant_provider() -> AsyncIterator[Provider]:
    """A running provider."""
    provider = Provider()
    app = web.Application()
    app.router.add_post("/token", provider.token)
    app.router.add_get("/tenants", provider.tenants_of)
    app.router.add_route("*", "/{path:.*}", provider.call)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
