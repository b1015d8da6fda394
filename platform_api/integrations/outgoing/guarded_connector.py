"""Restricts where outgoing calls may go, by the resolved address and at the moment of connecting.

A name is resolved once and the connection is made to the very addresses that were checked, so a name that resolves
differently a moment later reaches nothing. Redirects pass the same check.
"""

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from platform_api.core.upstreams import KEEP_ALIVE_SECONDS, AllowedUpstreams


class ForbiddenAddress(OSError):
    """Signals that the upstream's name resolves to an address that integrations may not call."""


class GuardedResolver(AbstractResolver):
    """Resolves names to those of their addresses that `allowed` permits."""

    def __init__(self, allowed: AllowedUpstreams) -> None:
        self._inner = aiohttp.ThreadedResolver()
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = await self._inner.resolve(host, port, family)
        permitted = [address for address in addresses if self._allowed.permits(host, address["host"])]
        if not permitted:
            raise ForbiddenAddress(f"{host} is a private or local address, which integrations may not call")
        return permitted

    async def close(self) -> None:
        await self._inner.close()


MAX_CONNECTIONS = 400
"""Open connections to upstreams in one process."""


class GuardedConnector(aiohttp.TCPConnector):
    """Pools connections to permitted addresses only, whether a name resolves to them or the URL holds the address."""

    def __init__(self, allowed: AllowedUpstreams, *, limit: int = MAX_CONNECTIONS, limit_per_host: int = 200) -> None:
        super().__init__(
            resolver=GuardedResolver(allowed),
            limit=limit,
            limit_per_host=limit_per_host,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ttl_dns_cache=30,
        )
        self._allowed = allowed

    async def _resolve_host(self, host: str, port: int, traces: object = None) -> list[ResolveResult]:
        # aiohttp does not call the resolver for literal addresses.
        if _is_literal(host) and not self._allowed.permits(host, host):
            raise ForbiddenAddress(f"{host} is a private or local address, which integrations may not call")
        return await super()._resolve_host(host, port, traces)  # type: ignore[arg-type]  # passed through as it came


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
