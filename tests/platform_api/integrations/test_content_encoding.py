"""Compressed answers arrive whole or not at all, however servers write them."""

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer, UpstreamRequest
from platform_api.integrations.outgoing.content_encoding import BadEncoding, TooLarge, decoded
from tests.platform_api.integrations.raw_upstream import raw_upstream


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip": lambda body: gzip.compress(body[:3]) + gzip.compress(body[3:]) + b"\0\0",
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "gzip, gzip": lambda body: gzip.compress(gzip.compress(body)),
    "deflate, identity": zlib.compress,
    "identity": bytes,
}
bodies = st.binary(min_size=1, max_size=300) | st.just(b"id;name\n1;x\n" * 2000)


@given(body=bodies, name=st.sampled_from(list(WAYS)))
def test_a_body_is_what_it_was(body: bytes, name: str) -> None:
    assert decoded(WAYS[name](body), name, max_bytes=len(body) + 100) == body


@given(body=bodies, name=st.sampled_from(["gzip", "x-gzip", "deflate", "Deflate", "gzip, gzip"]), data=st.data())
def test_a_body_that_breaks_off_is_no_answer(body: bytes, name: str, data: st.DataObject) -> None:
    encoded = WAYS[name](body)
    kept = data.draw(st.integers(1, len(encoded) - 1))
    with pytest.raises(BadEncoding):
        decoded(encoded[:kept], name, max_bytes=len(body) + 100)


@pytest.mark.slow
def test_a_body_that_grows_beyond_the_limit_is_refused_before_it_is_there() -> None:
    with pytest.raises(TooLarge):
        decoded(gzip.compress(bytes(50_000_000)), "gzip", max_bytes=1_000_000)


async def answered(body: bytes, **headers: Any) -> UpstreamAnswer:
    async with raw_upstream() as upstream, Caller(allow_private=True) as caller:
        upstream.answer(body, **headers)
        return await caller.send(UpstreamRequest("GET", URL(upstream.url), {}))


@pytest.mark.anyio
async def test_a_truncated_text_is_a_failure_and_not_a_shorter_text() -> None:
    text = b"id;name\n" + b"".join(b"%d;%x\n" % (number, number**5) for number in range(20_000))
    whole = await answered(gzip.compress(text), content_encoding="gzip", content_type="text/csv")
    assert whole.ok and whole.text == text.decode()
    broken = await answered(gzip.compress(text)[:-5], content_encoding="gzip", content_type="text/csv")
    assert not broken.ok and "a part is missing" in (broken.failure or "")


@pytest.mark.anyio
async def test_an_encoding_that_nobody_asked_for_is_named() -> None:
    answer = await answered(b"\x0b\x03\x80{}\x03", content_encoding="br")
    assert not answer.ok and "'br', which it was not asked for" in (answer.failure or "")


@pytest.mark.anyio
async def test_headers_of_many_kilobytes_are_read() -> None:
    answer = await answered(b"{}", content_security_policy="x" * 50_000)
    assert answer.ok and len(answer.headers["Content-Security-Policy"]) == 50_000
