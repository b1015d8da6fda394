"""Says which network addresses count as one place when attempts are limited."""

import ipaddress

_IPV6_PREFIX = 64
"""Bits that name a network: its owner has every address in it, and may take a new one for each attempt."""
_MAX_LENGTH = 64


def place_of_address(address: str) -> str:
    """Returns the place of a client's address: an IPv4 address itself, of an IPv6 address its /64 network."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_MAX_LENGTH]
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip), _IPV6_PREFIX), strict=False))
