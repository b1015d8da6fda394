"""Describes why an upstream gave no answer: which host and port, and what happened there.

Messages never hold the address that a name resolved to: that would tell callers about the operator's network.
"""

import errno
import re
import socket
import ssl

import aiohttp
from yarl import URL

from platform_api.integrations.outgoing.content_encoding import BadEncoding

_WORDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "it reset the connection",
    errno.EPIPE: "it closed the connection",
    errno.ETIMEDOUT: "timed out",
    errno.EHOSTUNREACH: "the host is unreachable",
    errno.ENETUNREACH: "the network is unreachable",
}
_NUMBER = re.compile(r"\[Errno (\d+)\]")


def place_of(url: URL) -> str:
    """Returns `host:port` of a URL."""
    return f"{url.host_subcomponent}:{url.port}"


def no_connection(error: aiohttp.ClientConnectorError | TimeoutError, url: URL) -> str:
    """Returns a sentence about a connection that could not be made."""
    return f"cannot connect to {place_of(url)}: {_cause(error)}"


def broken_off(error: Exception, url: URL) -> str:
    """Returns a sentence about a call that ended without a complete answer."""
    match error:
        case aiohttp.ServerDisconnectedError():
            cause = "it closed the connection without an answer"
        case aiohttp.TooManyRedirects():
            cause = "it redirects too often"
        case aiohttp.ClientPayloadError():
            cause = "its answer ended too early"
        case BadEncoding():
            cause = str(error)
        case aiohttp.ClientResponseError():
            cause = "its answer is not HTTP"
        case OSError():
            cause = _in_words(error) or type(error).__name__
        case _:
            cause = type(error).__name__
    return f"the call to {place_of(url)} broke off: {cause}"


def _cause(error: aiohttp.ClientConnectorError | TimeoutError) -> str:
    match error:
        case TimeoutError():
            return "timed out"
        case aiohttp.ClientConnectorCertificateError():
            cause = error.certificate_error
            detail = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
            return f"TLS: its certificate is not accepted ({detail})"
        case aiohttp.ClientSSLError():
            reason = getattr(error.os_error, "reason", None) or "no agreement"
            return f"TLS: {str(reason).replace('_', ' ').lower()}; does it speak HTTPS?"
        case aiohttp.ClientConnectorDNSError():
            is_temporary = getattr(error.os_error, "errno", None) == socket.EAI_AGAIN
            return "its name cannot be resolved just now" if is_temporary else "no such host"
    return _in_words(error.os_error) or "no connection"


def _in_words(error: OSError) -> str | None:
    # When several addresses failed in different ways, asyncio raises one error without a number.
    match = _NUMBER.search(str(error))
    number = error.errno if error.errno is not None else int(match.group(1)) if match else None
    return _WORDS.get(number) if number is not None else None
