"""Sends one HTTP request to an upstream, with limits on everything an upstream decides.

The outcome is always an `UpstreamAnswer`. When the upstream gives no answer, it has the status that a gateway reports
(502, 504), `ok` is false and `text` says what happened.
"""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from platform_api.core.upstreams import ALL_ALLOWED, NONE_ALLOWED, AllowedUpstreams
from platform_api.integrations.outgoing import content_encoding, json_text
from platform_api.integrations.outgoing.answer_text import text_of
from platform_api.integrations.outgoing.guarded_connector import ForbiddenAddress, GuardedConnector
from platform_api.integrations.outgoing.redaction import redacted
from platform_api.integrations.outgoing.upstream_errors import broken_off, no_connection, place_of

_HEADERS_FOR_ANY_HOST = frozenset({"accept", "accept-encoding", "user-agent"})
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_READ_BYTES = 64 * 1024
# Larger bodies are decompressed in a thread.
_MAX_ENCODED_INLINE = 32 * 1024
# Security policies and link headers exceed the 8 KiB that aiohttp reads by default.
_MAX_HEADER_BYTES = 64 * 1024
# Statuses that gateways report when the upstream gave no answer.
BAD_GATEWAY, GATEWAY_TIMEOUT = 502, 504


Signature = Callable[[str, URL, bytes], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """Holds a request ready to be sent, credentials included; never logged."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None = None
    """Its `Content-Type` stands in `headers`."""
    sign: Signature | None = None
    """Returns the headers that sign a request, computed from its method, URL and body each time it is sent."""
    key_in_path: str | None = None
    """A key in the URL's path, masked in every URL that is shown."""

    def shown(self, url: URL) -> str:
        """Returns a URL that is safe to show: without its query, which may hold keys, and with a path key masked."""
        text = str(url).partition("#")[0].partition("?")[0]
        return redacted(text, [self.key_in_path]) if self.key_in_path else text


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """Holds the answer of an upstream, or a substitute when none arrived (`failure` says why)."""

    status: int
    headers: Mapping[str, str]
    text: str
    data: Any
    url: str
    elapsed_ms: int
    content: bytes | None = None
    """The body when it is not text; `text` is empty then."""
    failure: str | None = None
    is_final: bool = False
    """Whether sending the same request again would fail in the same way."""
    may_have_executed: bool = False
    """Whether the upstream may have done what was requested, though no answer arrived (`failure`)."""
    is_inexact: bool = False
    """Whether numbers in `data` may have lost digits that `text` still has."""

    @property
    def ok(self) -> bool:
        return self.failure is None and 200 <= self.status < 400

    def api_data(self) -> Any:
        """Returns the contract's `api_data`: the JSON of the answer, with every digit of its numbers."""
        written = json_text.as_written(self.text) if self.is_inexact else None
        return self.data if written is None else written

    def api_response(self) -> dict[str, Any]:
        """Returns the contract's `api_response` (§6.2), plus `content_base64` for a body that is not text."""
        response: dict[str, Any] = {
            "status_code": self.status,
            "text": self.text,
            "headers": dict(self.headers),
            "url": self.url,
            "ok": self.ok,
        }
        if self.content is not None:
            response["content_base64"] = base64.b64encode(self.content).decode()
        return response


class DownloadFailed(Exception):
    """Signals that a download failed; the message says why."""


@dataclass(frozen=True, slots=True)
class Download:
    """Holds a successful answer whose body has not been read yet."""

    url: URL
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Caller:
    """Sends requests through one pool of connections for the whole process. Open it with `async with`."""

    def __init__(
        self,
        *,
        allow_private: bool,
        allowed: AllowedUpstreams = NONE_ALLOWED,
        deadline_seconds: float = 60.0,
        max_answer_bytes: int = 32 * 1024 * 1024,
    ) -> None:
        self._guard = ALL_ALLOWED if allow_private else allowed
        self._deadline = deadline_seconds
        self._max_answer_bytes = max_answer_bytes
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Caller":
        self._session = aiohttp.ClientSession(
            connector=GuardedConnector(self._guard),
            # `send` sets the deadline of a whole call, redirects included.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A request without a body has no content type.
            skip_auto_headers=("Content-Type",),
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, request: UpstreamRequest, *, deadline_seconds: float | None = None) -> UpstreamAnswer:
        """Sends the request and follows redirects; only the host it was meant for receives the credentials.

        The deadline covers connecting, redirects and reading the whole answer.
        """
        started = time.monotonic()
        deadline = min(deadline_seconds or self._deadline, self._deadline)
        places = [request.url]

        def failed(
            status: int, failure: str, *, is_final: bool = False, is_sent: bool | None = None
        ) -> UpstreamAnswer:
            return UpstreamAnswer(
                status=status,
                headers={},
                text=failure,
                data=None,
                url=request.shown(request.url),
                elapsed_ms=int((time.monotonic() - started) * 1000),
                failure=failure,
                is_final=is_final,
                # A redirect answers a request that was sent.
                may_have_executed=len(places) > 1 if is_sent is None else is_sent,
            )

        try:
            return await _within(deadline, self._send(request, started, places))
        except aiohttp.ConnectionTimeoutError as exc:
            return failed(BAD_GATEWAY, no_connection(exc, places[-1]))
        except TimeoutError:
            reason = f"the upstream {place_of(places[-1])} did not answer within {deadline:g} seconds"
            return failed(GATEWAY_TIMEOUT, reason, is_sent=True)
        except ForbiddenAddress as exc:
            return failed(BAD_GATEWAY, str(exc), is_final=True)
        except aiohttp.ClientConnectorError as exc:
            cause = exc.os_error
            is_refused = isinstance(cause, ForbiddenAddress)
            reason = str(cause) if is_refused else no_connection(exc, places[-1])
            return failed(BAD_GATEWAY, reason, is_final=is_refused)
        except content_encoding.TooLarge:
            reason = f"the upstream's answer is larger than {self._max_answer_bytes} bytes"
            return failed(BAD_GATEWAY, reason, is_final=True, is_sent=True)
        except _BadRedirect as exc:
            return failed(
                BAD_GATEWAY, f"the upstream redirects to {exc}:, which is not HTTP", is_final=True, is_sent=True
            )
        except NotSigned as exc:
            return failed(BAD_GATEWAY, str(exc), is_final=True)
        except (aiohttp.ClientError, ValueError, OSError) as exc:
            return failed(BAD_GATEWAY, broken_off(exc, places[-1]), is_sent=True)

    @asynccontextmanager
    async def download(self, url: URL, *, deadline_seconds: float) -> AsyncIterator[Download]:
        """Downloads a file without credentials, in chunks; redirects pass the same checks as `url`.

        The deadline covers the whole block. Raises DownloadFailed, also while the body is read.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
        try:
            async with asyncio.timeout(deadline_seconds):
                for _ in range(_MAX_REDIRECTS + 1):
                    if url.scheme not in ("http", "https") or not url.host:
                        raise DownloadFailed(
                            f"{url.scheme or 'nothing'}: only http:// and https:// can be downloaded"
                        )
                    assert self._session is not None
                    headers = {"Accept-Encoding": "identity"}
                    async with self._session.get(
                        url, headers=headers, timeout=timeout, allow_redirects=False
                    ) as response:
                        location = response.headers.get("Location")
                        if response.status not in REDIRECT_STATUSES or location is None:
                            if not 200 <= response.status < 300:
                                raise DownloadFailed(f"{url.host} answered {response.status}")
                            yield Download(url, response.headers, response.content.iter_chunked(_READ_BYTES))
                            return
                        url = url.join(URL(location))
                raise DownloadFailed(f"the server redirects more than {_MAX_REDIRECTS} times")
        except aiohttp.ConnectionTimeoutError as exc:
            raise DownloadFailed(no_connection(exc, url)) from exc
        except TimeoutError as exc:
            raise DownloadFailed(f"the download took longer than {deadline_seconds:g} seconds") from exc
        except ForbiddenAddress as exc:
            raise DownloadFailed(str(exc)) from exc
        except aiohttp.ClientConnectorError as exc:
            cause = exc.os_error
            message = str(cause) if isinstance(cause, ForbiddenAddress) else no_connection(exc, url)
            raise DownloadFailed(message) from exc
        except (aiohttp.ClientError, ValueError) as exc:
            raise DownloadFailed(f"the download broke off: {type(exc).__name__}") from exc

    async def _send(self, request: UpstreamRequest, started: float, places: list[URL]) -> UpstreamAnswer:
        """Sends the request and appends the URL of each redirect to `places`, for messages."""
        assert self._session is not None
        method, url, headers = request.method, request.url, dict(request.headers)
        if not any(name.lower() == "accept-encoding" for name in headers):
            headers["Accept-Encoding"] = content_encoding.ACCEPTED
        body, sign = request.body, request.sign
        for _ in range(_MAX_REDIRECTS + 1):
            signed_headers = sign(method, url, body or b"") if sign is not None else {}
            if signed_headers:
                proved = {name.lower() for name in signed_headers}
                headers = {name: value for name, value in headers.items() if name.lower() not in proved}
            async with self._session.request(
                method,
                url,
                headers={**headers, **signed_headers},
                data=body,
                allow_redirects=False,
                auto_decompress=False,
                max_line_size=_MAX_HEADER_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
            ) as response:
                location = response.headers.get("Location")
                if response.status not in REDIRECT_STATUSES or location is None:
                    return await self._read(request, response, started)
                following = url.join(URL(location))
            if following.scheme not in ("http", "https"):
                raise _BadRedirect(following.scheme)
            if following.origin() != url.origin():
                # Credentials belong to the host they were given for: another host gets a plain GET without them.
                headers = {name: value for name, value in headers.items() if name.lower() in _HEADERS_FOR_ANY_HOST}
                body = sign = None
                method = "GET"
            elif response.status == 303 or (response.status in (301, 302) and method == "POST"):
                method, body = "GET", None
                headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
            url = following
            places.append(url)
        raise aiohttp.TooManyRedirects(response.request_info, response.history)

    async def _read(
        self, request: UpstreamRequest, response: aiohttp.ClientResponse, started: float
    ) -> UpstreamAnswer:
        body = await self._body(response)
        text = text_of(body, response.headers.get("Content-Type"))
        data, is_inexact = json_text.parse_carefully(text or "")
        return UpstreamAnswer(
            status=response.status,
            headers=_combined(response.headers),
            text=text or "",
            data=data,
            is_inexact=is_inexact,
            content=body if text is None else None,
            url=request.shown(response.url),
            elapsed_ms=int((time.monotonic() - started) * 1000),
        )

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        encoding = response.headers.get("Content-Encoding")
        announced = response.content_length
        if announced is not None and announced <= _READ_BYTES:
            body = await response.read()
        else:
            body = await self._read_long(response)
        if encoding is None:
            return body
        if len(body) <= _MAX_ENCODED_INLINE:
            return content_encoding.decoded(body, encoding, max_bytes=self._max_answer_bytes)
        return await asyncio.to_thread(content_encoding.decoded, body, encoding, max_bytes=self._max_answer_bytes)

    async def _read_long(self, response: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for chunk in response.content.iter_chunked(_READ_BYTES):
            size += len(chunk)
            if size > self._max_answer_bytes:
                raise content_encoding.TooLarge
            parts.append(chunk)
        return b"".join(parts)


async def _within(seconds: float, work: Coroutine[Any, Any, UpstreamAnswer]) -> UpstreamAnswer:
    """Awaits `work`, like `asyncio.timeout` but without its bookkeeping, which costs a twentieth of a call."""
    task = asyncio.current_task()
    assert task is not None
    cancelling, is_over = task.cancelling(), False

    def end() -> None:
        nonlocal is_over
        is_over = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, end)
    try:
        return await work
    except asyncio.CancelledError as exc:
        # A cancellation from elsewhere at the same time takes precedence.
        if is_over and task.uncancel() <= cancelling:
            raise TimeoutError from exc
        raise
    finally:
        timer.cancel()


def _combined(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    """Returns each header once, repeated ones joined by commas (RFC 9110 §5.3); only the first cookie stays."""
    plain: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in headers.items():
        known = names.setdefault(name.lower(), name)
        if known not in plain:
            plain[known] = value
        elif known.lower() != "set-cookie":
            plain[known] = f"{plain[known]}, {value}"
    return plain


class NotSigned(ValueError):
    """Signals a request that cannot be signed; the message says why."""


class _BadRedirect(Exception):
    """Signals a redirect to a scheme other than HTTP."""
