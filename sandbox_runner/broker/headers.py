"""Filters the headers between a jail and the control plane."""

from collections.abc import Iterable

from multidict import CIMultiDict, CIMultiDictProxy

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_DECIDED_HERE = frozenset({"host", "authorization", "cookie", "content-length", "expect", "forwarded", "x-real-ip"})
_NEVER_FORWARDED = _HOP_BY_HOP | _DECIDED_HERE
_NEVER_FORWARDED_PREFIXES = ("x-hasura-", "x-forwarded-", "sec-websocket-")
_NEVER_RETURNED = _HOP_BY_HOP | {"set-cookie", "server", "date"}


def request_headers(received: CIMultiDictProxy[str], *, authorization: str) -> CIMultiDict[str]:
    """Returns the jail's headers with the run's authorization, without those that scripts must not set."""
    passed = _without(received, _NEVER_FORWARDED | _named_in_connection(received))
    for name in [name for name in passed if name.lower().startswith(_NEVER_FORWARDED_PREFIXES)]:
        passed.popall(name, None)
    passed["Authorization"] = authorization
    return passed


def response_headers(received: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Returns the platform's headers without cookies and the headers of its own connection."""
    return _without(received, _NEVER_RETURNED | _named_in_connection(received))


def _without(headers: CIMultiDictProxy[str], names: Iterable[str]) -> CIMultiDict[str]:
    dropped = frozenset(names)
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)


def _named_in_connection(headers: CIMultiDictProxy[str]) -> set[str]:
    return {name.strip().lower() for value in headers.getall("Connection", ()) for name in value.split(",")}
