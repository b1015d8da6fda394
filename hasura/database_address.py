"""Says where a database is, and why it cannot be reached, without anything secret."""

import os
import socket
from urllib.parse import parse_qs, urlsplit


def address_of(url: str) -> str:
    """Returns host and port, or the socket's directory, of a libpq URL; never its user or password."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    host = query.get("host", [parts.hostname or "localhost"])[0]
    if host.startswith("/"):
        return host
    # Not `parts.port`, which refuses what libpq allows: several hosts.
    port = query.get("port", [parts.netloc.rpartition("@")[2].rpartition(":")[2]])[0]
    return f"{host}:{port if port.isdecimal() else 5432}"


def reason_of(cause: BaseException | None) -> str:
    """Returns why a connection failed, without the address that the operating system's message repeats."""
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno).lower()
    if isinstance(cause, socket.gaierror):
        return (cause.strerror or str(cause)).lower()
    return str(cause) or type(cause).__name__
