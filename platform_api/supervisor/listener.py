"""Opens the listening socket. The supervisor holds it, so that it stays open while the control plane is restarted."""

import errno
import socket
import time

_BACKLOG = 2048
# A control plane whose supervisor was killed a moment ago may still hold the port.
_BIND_TIMEOUT = 2.0


class ListenError(RuntimeError):
    """Reports that the address cannot be listened on."""


def listen(host: str, port: int, *, timeout: float = _BIND_TIMEOUT) -> socket.socket:
    """Opens a listening TCP socket; port 0 takes a free one. Waits up to `timeout` seconds for a port in use.

    Raises ListenError, which says what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ListenError(f"{host!r} is not an address of this machine: {error}") from error
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        _bind(listening, address, timeout)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ListenError(_explain(error, host, port)) from error
    return listening


def _bind(listening: socket.socket, address: tuple[object, ...], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            listening.bind(address)
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _explain(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use by another program; choose another with --port"
        case errno.EACCES:
            return f"port {port} needs more privileges than this user has; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine; choose another with --host"
        case _:
            return f"cannot listen on {host} port {port}: {error.strerror}"


def reachable_address(listening: socket.socket) -> tuple[str, int]:
    """Returns host and port at which this machine itself reaches the socket (loopback for 0.0.0.0 and ::)."""
    host, port = listening.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


def base_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
