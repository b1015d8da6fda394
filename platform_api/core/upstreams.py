"""Decides which addresses the platform may connect to for a tenant: public ones, and those the operator allows."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

KEEP_ALIVE_SECONDS = 3.0
"""Seconds that an idle connection is kept for the next request.

Servers close idle connections (Node and uvicorn after 5 s): we close ours first, so that no request meets a closing
one.
"""

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Returns true for a public address: not private, loopback, link-local, multicast or reserved."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip.sixtofour is not None:
            ip = ip.sixtofour
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class AllowedUpstreams:
    """Holds private addresses that integrations may call all the same: by the requested host name, or by network."""

    names: frozenset[str] = frozenset()
    networks: tuple[_Network, ...] = ()

    @classmethod
    def from_entries(cls, entries: Iterable[str]) -> "AllowedUpstreams":
        """Reads host names, addresses and networks (`10.1.0.0/16`). Raises ValueError for anything else."""
        names, networks = set(), []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError as exc:
                if not _HOST_NAME.fullmatch(entry) or entry.replace(".", "").isdigit():
                    raise ValueError(f"{entry!r} is no host name, address or network: {exc}") from exc
                names.add(entry.lower())
        return cls(frozenset(names), tuple(networks))

    def permits(self, host: str, address: str) -> bool:
        """Returns true if a connection may be made to `address`, which `host` resolved to."""
        if is_public(address) or host.lower().rstrip(".") in self.names:
            return True
        ip = ipaddress.ip_address(address.partition("%")[0])
        return any(ip in network for network in self.networks)


NONE_ALLOWED = AllowedUpstreams()
ALL_ALLOWED = AllowedUpstreams(networks=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))
