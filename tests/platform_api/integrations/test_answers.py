"""Answers as services write them: byte order marks, charsets, content types that lie, numbers of any length."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.integrations.outgoing.answer_text import text_of
from platform_api.integrations.outgoing.json_text import as_written, encode_ascii
from tests.platform_api.conftest import Platform
from tests.platform_api.integrations.raw_upstream import connect_raw, raw_upstream

pytestmark = pytest.mark.anyio

ANSWER = {"name": "zażółć €", "n": 1}
TEXT = json.dumps(ANSWER, ensure_ascii=False)


async def answered(platform: Platform, body: bytes, content_type: str | None, **headers: str) -> dict[str, Any]:
    """The platform's reply to a call that an upstream answered so."""
    caller = await platform.create_caller()
    if content_type is not None:
        headers["content_type"] = content_type
    async with raw_upstream() as upstream:
        await connect_raw(platform, caller, upstream.url)
        upstream.answer(body, **headers)
        async with platform.client(caller) as client:
            reply = await client.post("/api/integrations/raw/call/", json={"endpoint": "/x"})
    assert reply.status_code == 200 and reply.content.isascii(), reply.text
    called: dict[str, Any] = json.loads(reply.content, parse_float=str)
    return called


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("utf-8-sig", "application/json"),
        ("utf-8-sig", "application/json; charset=utf-8"),
        ("utf-8-sig", None),
        ("utf-8", None),
        ("utf-8", "application/octet-stream"),
        ("utf-8", "application/pdf"),
        ("utf-8", "text/html"),
        ("utf-8", "nonsense"),
        ("utf-8", "application/json; charset=nonsense"),
        ("utf-8", "application/json; charset=idna"),
        ("utf-8", "application/problem+json; charset=us-ascii"),
        ("utf-8", "text/json; charset=ISO-8859-1"),
        ("utf-16", "application/json; charset=utf-16"),
        ("utf-16", "application/json"),
        ("utf-16-le", "application/json; charset=UTF-16LE"),
        ("utf-16-be", "application/vnd.api+json"),
        ("utf-16", "application/octet-stream"),
        ("utf-32", "application/json"),
        ("iso-8859-16", 'application/json; charset="ISO-8859-16"'),
    ],
)
async def test_json_is_read_in_whatever_charset_and_under_whatever_name(
    shared_platform: Platform, encoding: str, content_type: str | None
) -> None:
    called = await answered(shared_platform, TEXT.encode(encoding), content_type)
    assert called["api_data"] == ANSWER
    assert called["api_response"]["text"] == TEXT
    assert "content_base64" not in called["api_response"]


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"caf\xe9", "text/plain; charset=iso-8859-1", "café"),
        ("ż".encode(), "text/plain; charset=us-ascii", "ż"),
        (b"caf\xe9", "text/plain; charset=us-ascii", "caf�"),
        ("Ã©".encode("latin-1"), "text/plain; charset=iso-8859-1", "Ã©"),
        ("é".encode(), "application/json; charset=ISO-8859-1", "é"),
        (b"\xe9", "application/json; charset=ISO-8859-1", "é"),
        ("€".encode("cp1252"), "application/json; charset=windows-1252", "€"),
        ("模".encode("gbk"), "application/json; charset=gbk", "模"),
        ("模".encode("iso2022_jp"), "application/json; charset=iso-2022-jp", "模"),
        (b"\xbf", "text/html; charset=ISO-8859-2", "ż"),
        (
            b'<?xml version="1.0" encoding="ISO-8859-2"?><a>\xbf</a>',
            "application/xml",
            '<?xml version="1.0" encoding="ISO-8859-2"?><a>ż</a>',
        ),
        ("<a>ż</a>".encode("utf-16"), "text/xml", "<a>ż</a>"),
        (b"plain \xff", "text/plain", "plain �"),
        (b"", "application/pdf", ""),
    ],
)
def test_text_is_read_in_the_charset_that_it_says(body: bytes, content_type: str, text: str) -> None:
    assert text_of(body, content_type) == text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\xff", None),
        (b"plain", "application/octet-stream"),
        (b"{not json}", "application/pdf"),
        (b"\x00\x00\x00\x20ftyp", None),
        (b"\xff\xfe\x00\x01", "image/png"),
    ],
)
async def test_what_is_no_text_comes_back_byte_by_byte(
    shared_platform: Platform, body: bytes, content_type: str | None
) -> None:
    called = await answered(shared_platform, body, content_type)
    assert base64.b64decode(called["api_response"]["content_base64"]) == body
    assert (called["api_data"], called["api_response"]["text"]) == (None, "")


NUMBERS = [
    "12345678901234567890123",
    "-9223372036854775809",
    "12345678901234567.89",
    "0.1000000000000000055511151231257827",
    "1e400",
    "1.5",
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", ["n", "ż"])
async def test_a_number_of_an_answer_keeps_its_digits(shared_platform: Platform, number: str, name: str) -> None:
    body = f'{{\r\n  "{name}": [{number}],\n\n  "t": "a\\nb"\n}}'.encode()
    called = await answered(shared_platform, gzip.compress(body), "application/json", content_encoding="gzip")
    expected = int(number) if number.lstrip("-").isdigit() else number
    assert called["api_data"] == {name: [expected], "t": "a\nb"}


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_a_reply_is_ascii_and_says_the_same(text: str, number: float) -> None:
    written = as_written(json.dumps({text: 12345678901234567.89}, ensure_ascii=False))
    assert written is not None
    reply = encode_ascii({"text": text, "number": number, "data": written})
    assert reply.isascii() and b"\n" not in reply
    assert json.loads(reply) == {"text": text, "number": number, "data": {text: 12345678901234567.89}}


async def test_a_streamed_answer_stays_on_one_line_with_all_digits(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        upstream.answer(
            '{\n "n":\r\n 12345678901234567.89, "ż": "\u2028"\n}'.encode(), content_type="application/json"
        )
        body = {"endpoint": "/x", "data_list": [{}], "streaming": True}
        async with shared_platform.client(caller) as client:
            reply = await client.post("/api/integrations/raw/parallel_call/", json=body)
    first = next(line for line in reply.text.split("\n") if line.startswith("data: "))
    assert json.loads(first[6:], parse_float=str)["response"]["api_data"] == {
        "n": "12345678901234567.89",
        "ż": "\u2028",
    }
