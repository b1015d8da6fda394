"""Builds httpx requests, translates httpx errors and shares connection pools, for both drivers."""

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from automio._exceptions import AutomioError, ConfigurationError, ConnectionFailed, RequestTimeout
from automio._exchange import Reply, Request
from automio._retry import NeverSent
from automio._settings import Settings

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": "automio-python"}
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0

# Servers close idle connections, uvicorn after 5 s: closing earlier avoids writing into a connection being closed.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=3.0)


def tls_context(settings: Settings) -> ssl.SSLContext | bool:
    """Returns True (verify as usual), or for platforms on plain HTTP a context without certificates.

    Loading the certificates takes 20 ms, which every run in the sandbox would pay for a broker on 127.0.0.1.
    """
    if any(url.startswith("https://") for url in (settings.base_url, settings.cache_url or "")):
        return True
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def timeout_of(request: Request, default: float) -> httpx.Timeout:
    """Returns the timeouts of a request: to connect, between bytes, and to wait for a free connection."""
    seconds = request.timeout if request.timeout is not None else default
    return httpx.Timeout(seconds, connect=min(CONNECT_TIMEOUT, seconds), pool=max(CONNECT_TIMEOUT, seconds))


def to_httpx(request: Request, settings: Settings, timeout: float) -> httpx.Request:
    """Returns a request in httpx's form, with the token of the service it goes to."""
    base, authorization = _service(request, settings)
    headers = {**_HEADERS, **request.headers, "Authorization": authorization}
    if "Accept-Encoding" not in request.headers and base.startswith(_LOOPBACK):
        # To compress costs more than to send, on one machine.
        headers["Accept-Encoding"] = "identity"
    if request.content is not None:
        headers["Content-Type"] = "application/json"
    return httpx.Request(
        request.method,
        f"{base}{request.path}",
        params=dict(request.parameters) or None,
        headers=headers,
        content=request.content,
        data=dict(request.form) or None,
        files=[(part.field, (part.filename, part.content, part.content_type)) for part in request.files] or None,
        extensions={"timeout": timeout_of(request, timeout).as_dict()},
    )


def _service(request: Request, settings: Settings) -> tuple[str, str]:
    if request.service == "platform":
        return settings.base_url, f"App-Token {settings.token}"
    if settings.cache_url is None or settings.cache_token is None:
        raise ConfigurationError(
            "CACHE_SERVICE_URL is set but CACHE_SERVICE_TOKEN is not.",
            hint="Set both (`automio init --app …` writes them), or neither to use a local Redis.",
        )
    return settings.cache_url, f"Bearer {settings.cache_token}"


def to_reply(response: httpx.Response, body: bytes, request: Request) -> Reply:
    """Returns a complete reply in this client's own form."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, body, str(response.url), request)


def is_event_stream(response: httpx.Response) -> bool:
    """Tells whether a reply is an event stream: an HTML page of a proxy may have status 200, too."""
    content_type = response.headers.get("content-type", "").lower()
    return response.is_success and content_type.startswith("text/") and not content_type.startswith("text/html")


def closed_client() -> AutomioError:
    """Returns the error for a client that is used after `close()`."""
    return AutomioError("This API object was closed.", hint="Create a new one, or close it later.")


@contextmanager
def translated_errors(request: Request) -> Iterator[None]:
    """Translates httpx's errors into this client's."""
    what = f"{request.method} {request.path}"
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise NeverSent(
            f"The {request.service} cannot be reached for {what}: {error or type(error).__name__}.",
            hint="Is it running, and are API_BASE_URL and CACHE_SERVICE_URL right?",
        ) from error
    except httpx.PoolTimeout as error:
        raise NeverSent(f"{what} was not sent: all connections of this client stayed busy for too long.") from error
    except httpx.TimeoutException as error:
        raise RequestTimeout(f"The {request.service} did not answer {what} in time.") from error
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise ConnectionFailed(f"The connection broke during {what}: {error or type(error).__name__}.") from error


@dataclass(frozen=True)
class Lease:
    """Holds a reference to a shared client; call `release` when it is no longer used."""

    client: httpx.Client
    key: tuple[int, bool]


class _SharedClients:
    """Keeps one connection pool per process for all `API` objects; it is closed with the last of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[tuple[int, bool], tuple[httpx.Client, int]] = {}

    def acquire(self, settings: Settings) -> Lease:
        """Returns a lease on the process's client; a forked child gets its own."""
        context = tls_context(settings)
        key = (os.getpid(), context is True)
        with self._lock:
            client, users = self._clients.get(key) or (httpx.Client(verify=context, limits=LIMITS), 0)
            self._clients[key] = (client, users + 1)
        return Lease(client, key)

    def release(self, lease: Lease) -> None:
        """Ends a lease, and closes the client with the last one."""
        if lease.key[0] != os.getpid():
            return
        with self._lock:
            client, users = self._clients.pop(lease.key)
            if users > 1:
                self._clients[lease.key] = (client, users - 1)
                return
        client.close()


shared_clients = _SharedClients()
