"""Compresses answers that are sent as a whole.

A stream is passed on as it comes: only an answer that announces its length is held back, until its body, which
follows at once. Downloads, parts of files and what is compressed already stay as they are.

Compression tells an eavesdropper how much two parts of an answer have in common (BREACH): somebody who makes the
victim's browser send many requests, with text of their choice in them, learns a secret in the answers by their
lengths. Two rules keep that away:

*   Answers to GET are compressed, and to the few POSTs that read. A secret that is shown once (a new token, a
    webhook's new address, a link to a file, a sign-in) is the answer to a POST, and comes uncompressed.
*   An answer that a page of another site caused is not compressed, so that nobody else chooses the text: browsers
    say so in `Sec-Fetch-Site`.
"""

import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from platform_api.core.http.compression import MIN_BYTES, accepts_gzip, gzip_body, is_compressible

_FOREIGN = frozenset({"cross-site", "same-site"})
_NO_BODY = frozenset({204, 206, 304})
_LEFT_ALONE = ("content-encoding", "content-disposition", "content-range", "set-cookie")


class CompressionMiddleware:
    """Compresses answers to GET, and to POSTs whose path one of `reading_posts` matches."""

    def __init__(self, app: ASGIApp, *, reading_posts: Sequence[re.Pattern[str]] = ()) -> None:
        self.app = app
        self._reading_posts = tuple(reading_posts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._reads(scope):
            await self.app(scope, receive, send)
            return
        request = Headers(scope=scope)
        is_accepted = request.get("sec-fetch-site") not in _FOREIGN and accepts_gzip(
            ", ".join(request.getlist("accept-encoding"))
        )
        held: Message | None = None

        async def send_compressed(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_eligible(message):
                MutableHeaders(scope=message).add_vary_header("Accept-Encoding")
                if is_accepted:
                    held = message
                    return
            start, held = held, None
            if start is not None:
                if message["type"] == "http.response.body" and not message.get("more_body", False):
                    message = await _compress(start, message)
                await send(start)
            await send(message)

        await self.app(scope, receive, send_compressed)

    def _reads(self, scope: Scope) -> bool:
        if scope["method"] == "POST":
            return any(pattern.fullmatch(scope["path"]) for pattern in self._reading_posts)
        return bool(scope["method"] == "GET")


def _is_eligible(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    length: str = headers.get("content-length", "")
    status: int = start["status"]
    return (
        status not in _NO_BODY
        and length.isdecimal()
        and int(length[:19]) >= MIN_BYTES
        and is_compressible(headers.get("content-type", ""))
        and not any(name in headers for name in _LEFT_ALONE)
    )


async def _compress(start: Message, message: Message) -> Message:
    """Returns the message with the body compressed, and changes the headers in `start` accordingly."""
    body = await gzip_body(message["body"])
    if len(body) >= len(message["body"]):
        return message
    headers = MutableHeaders(scope=start)
    headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(body))
    del headers["Accept-Ranges"]
    if (etag := headers.get("etag")) is not None and not etag.startswith("W/"):
        # A strong tag stands for these very bytes; the weak one holds for both forms.
        headers["ETag"] = f"W/{etag}"
    return {**message, "body": body}
