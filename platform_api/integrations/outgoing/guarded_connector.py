"""Where outgoing calls may go: checked on the resolved address, at the moment of connecting.

A name is resolved once and the connection is made to the very addresses that were checked, so a name that resolves
differently a moment later reaches nothing; redirects come through here again.
"""

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from platform_api.core.upstreams import KEEP_ALIVE_SECONDS, AllowedUpstreams


class ForbiddenAddress(OSError):
    """The upstream's name leads to an address that integrations may not call."""


class GuardedResolver(AbstractResolver):
    """Resolves names and lets through the addresses that `allowed` permits."""

    def __init__(self, allowed: AllowedUpstreams) -> None:
        self._inner = aiohttp.ThreadedResolver()
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        permitted = [one for one in found if self._allowed.permits(host, one["host"])]
        if not permitted:
            raise ForbiddenAddress(f"{host} is a private or local address, which integrations may not call")
        return permitted

    async def close(self) -> None:
        await self._inner.close()


MOST_CONNECTIONS = 400
"""To upstreams, in one process."""


class GuardedConnector(aiohttp.TCPConnector):
    """A connection pool that refuses what `GuardedResolver` refuses; literal addresses are checked, too."""

    def __init__(
        self, allowed: AllowedUpstreams, *, limit: int = MOST_CONNECTIONS, limit_per_host: int = 200
    ) -> None:
        super().__init__(
            resolver=GuardedResolver(allowed),
            limit=limit,
            limit_per_host=limit_per_host,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ttl_dns_cache=30,
        )
        self._allowed = allowed

    async def _resolve_host(self, host: str, port: int, traces: object = None) -> list[ResolveResult]:
        # aiohttp does not ask the resolver about literal addresses.
        if _is_literal(host) and not self._allowed.permits(host, host):
            raise ForbiddenAddress(f"{host} is a private or local address, which integrations may not call")
        return await super()._resolve_host(host, port, traces)  # type: ignore[arg-type]  # passed through as it came


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
