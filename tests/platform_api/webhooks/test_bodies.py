"""What scripts receive of bodies, and which deliveries count as the same."""

import asyncio
import base64
import gzip
import hmac
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from platform_api.webhooks.bodies import MAX_BODY_BYTES, parse_body
from tests.platform_api.webhooks.desk import Desk

pytestmark = pytest.mark.anyio

FORM_TYPE = "application/x-www-form-urlencoded"


async def event(
    desk: Desk, content: bytes, content_type: str, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    webhook = await desk.open(name="bodies")
    sent = {"Content-Type": content_type, **(headers or {})}
    run = await desk.run(await desk.call(webhook, content=content, headers=sent))
    return dict(run.event)


async def test_a_form_is_taken_apart_beside_its_text(desk: Desk) -> None:
    content = b"a=1&b=%C5%BC&b=x+y&c=&a%5Bb%5D=2&d=%00"
    taken = await event(desk, content, FORM_TYPE)
    assert taken["form"] == {"a": "1", "b": ["ż", "x y"], "c": "", "a[b]": "2", "d": ""}
    assert (taken["body"], taken["body_type"], taken["body_error"]) == (content.decode(), "text", None)
    assert taken["files"] == []
    polish = await event(desk, b"a=%BF", f"{FORM_TYPE}; charset=iso-8859-2")
    assert polish["form"] == {"a": "ż"}


async def test_a_form_of_too_many_fields_is_kept_as_text_and_said_so(desk: Desk) -> None:
    content = "&".join(f"a{number}=1" for number in range(1001)).encode()
    taken = await event(desk, content, FORM_TYPE)
    assert (taken["form"], taken["body"]) == (None, content.decode())
    assert taken["body_error"] == "the form has more than 1000 fields"


def multipart(*parts: tuple[str, bytes]) -> bytes:
    return (
        b"".join(b"--XX\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n" for head, body in parts) + b"--XX--\r\n"
    )


MULTIPART = "multipart/form-data; boundary=XX"


async def test_a_multipart_form_gives_its_fields_and_files(desk: Desk) -> None:
    content = multipart(
        ('Content-Disposition: form-data; name="a"', b"1"),
        ('Content-Disposition: form-data; name="b"', "ż".encode()),
        ('Content-Disposition: form-data; name="b"', b"2"),
        (
            'Content-Disposition: form-data; name="t"; filename="my ż.txt"\r\nContent-Type: text/plain',
            "ó\r\n".encode(),
        ),
        (
            'Content-Disposition: form-data; name="p"; filename="p.png"\r\nContent-Type: image/png',
            b"\x89PNG\r\n\x00--XX",
        ),
    )
    taken = await event(desk, content, MULTIPART)
    assert taken["form"] == {"a": "1", "b": ["ż", "2"]}
    text, picture = taken["files"]
    assert text == {
        "name": "t",
        "filename": "my ż.txt",
        "content_type": "text/plain",
        "size": 4,
        "body": "ó\r\n",
        "body_type": "text",
    }
    assert (picture["filename"], picture["size"], picture["body_type"]) == ("p.png", 11, "base64")
    assert base64.b64decode(picture["body"]) == b"\x89PNG\r\n\x00--XX"
    assert base64.b64decode(taken["body"]) == content, "the bytes as they came"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('filename="a b.txt"', "a b.txt"),
        ("filename*=UTF-8''%C5%BC%22.txt", "ż%22.txt"),
        ("filename=plain.txt; filename*=UTF-8''%C5%BC.txt", "plain.txt"),
        ("filename*=nonsense", "nonsense"),
        ('filename=""', ""),
    ],
)
async def test_a_files_name_is_read_as_senders_write_it(written: str, name: str) -> None:
    content = multipart((f'Content-Disposition: form-data; name="f"; {written}', b"\xff\x00"))
    body = await parse_body(MULTIPART, content)
    assert body.error is None
    [file] = body.files
    assert (file["filename"], base64.b64decode(file["body"])) == (name, b"\xff\x00")


@pytest.mark.parametrize(
    ("content", "content_type", "message"),
    [
        (b"--XX\r\nnonsense", MULTIPART, "not a multipart form"),
        (
            multipart(('Content-Disposition: form-data; name="a"', b"1"))[:-8],
            MULTIPART,
            "ends before its last boundary",
        ),
        (multipart(("Content-Disposition: form-data", b"1")), MULTIPART, '"name" must be provided'),
        (multipart(('Content-Disposition: form-data; name="a"', b"1")), "multipart/form-data", "Missing boundary"),
        (multipart(('Content-Disposition: form-data; name="a"', b"1")), MULTIPART + "; charset=idna", "not known"),
        (
            multipart(*[(f'Content-Disposition: form-data; name="f"; filename="{n}"', b"") for n in range(51)]),
            MULTIPART,
            "Too many files",
        ),
    ],
)
async def test_a_broken_multipart_form_keeps_its_text_and_says_why(
    desk: Desk, content: bytes, content_type: str, message: str
) -> None:
    taken = await event(desk, content, content_type)
    assert (taken["form"], taken["files"], taken["body"]) == (None, [], content.decode())
    assert message in taken["body_error"]


@pytest.mark.parametrize(
    ("content", "content_type", "kind", "value"),
    [
        ("ż".encode("iso-8859-2"), "text/plain; charset=ISO-8859-2", "text", "ż"),
        ("ż".encode("utf-16"), "text/plain; charset=utf-16", "text", "ż"),
        ("ż".encode(), "text/plain; charset=nonsense", "text", "ż"),
        ("ż".encode(), "text/plain; charset=punycode", "text", "ż"),
        ('{"a": "ż"}'.encode("cp1250"), "application/json; charset=windows-1250", "json", {"a": "ż"}),
        (b'\xef\xbb\xbf{"a": 1}', "application/json", "json", {"a": 1}),
        ("<a>ż</a>".encode(), "application/xml", "text", "<a>ż</a>"),
        (b"\xff", "application/octet-stream", "base64", base64.b64encode(b"\xff").decode()),
    ],
)
async def test_text_is_read_in_its_character_set(
    desk: Desk, content: bytes, content_type: str, kind: str, value: Any
) -> None:
    taken = await event(desk, content, content_type)
    assert (taken["body_type"], taken["body"], taken["body_error"]) == (kind, value, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{broken", "the body is not valid JSON: "),
        (b'{"a": NaN}', "the body is not valid JSON: "),
        (b'"\\u0000"', "a zero character"),
        (b'"\xff"', "the body is not valid JSON: "),
        (b'{"id": 18446744073709551616}', "the number 18446744073709551616, which is too large"),
        (b"[" + b"9" * 300 + b"]", "is too large to be stored as JSON"),
        (b"[" + b"9" * 5000 + b"]", "the body is not valid JSON: "),
        (b'[-9223372036854775809, ""]', "the number -9223372036854775809, which is too large"),
        (b"[" * 1000 + b"1" * 19 + b"]" * 1000, "nested too deeply to check"),
    ],
)
async def test_json_that_cannot_be_read_is_kept_and_said_so(desk: Desk, content: bytes, message: str) -> None:
    taken = await event(desk, content, "application/json")
    assert taken["body_type"] in ("text", "base64")
    assert message in taken["body_error"]


async def test_json_is_given_beside_its_text(desk: Desk) -> None:
    text = '{"a":  12345678901234567.890, "b": 18446744073709551615, "a": 1, "c": "11111111111111111111", "d": 1e20}'
    taken = await event(desk, text.encode(), "application/json")
    assert (taken["body_type"], taken["raw_body"]) == ("json", text)
    assert taken["body"] == {"a": 1, "b": 2**64 - 1, "c": "1" * 20, "d": 1e20}
    assert (await event(desk, b"text", "text/plain"))["raw_body"] is None


def packed(content: bytes, *ways: str) -> bytes:
    for way in ways:
        content = gzip.compress(content, mtime=0) if way == "gzip" else zlib.compress(content)
    return content


@pytest.mark.parametrize(
    ("content", "encoding", "kind", "value"),
    [
        (packed(b'{"a": 1}', "gzip"), "gzip", "json", {"a": 1}),
        (packed(b'{"a": 1}', "gzip"), " X-GZIP , identity", "json", {"a": 1}),
        (packed(b'{"a"', "gzip") + packed(b": 1}", "gzip"), "gzip", "json", {"a": 1}),
        (packed(b'{"a": 1}', "deflate"), "deflate", "json", {"a": 1}),
        (packed(b'{"a": 1}', "deflate")[2:-4], "deflate", "json", {"a": 1}),
        (packed(b'{"a": 1}', "gzip", "deflate"), "gzip, deflate", "json", {"a": 1}),
        (packed(b"", "gzip"), "gzip", "none", None),
        (b"", "gzip", "none", None),
    ],
)
async def test_a_packed_body_is_unpacked(desk: Desk, content: bytes, encoding: str, kind: str, value: Any) -> None:
    taken = await event(desk, content, "application/json", {"Content-Encoding": encoding})
    assert (taken["body_type"], taken["body"], taken["body_error"]) == (kind, value, None)


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"{}", "br", "content encoding 'br' is not known; send gzip or deflate"),
        (b"{}", "gzip", "is not gzip, as its content encoding says"),
        (packed(b"{}", "gzip")[:-1], "gzip", "is not gzip, as its content encoding says"),
        (packed(b"{}", "gzip") + b"more", "gzip", "is not gzip, as its content encoding says"),
        (packed(bytes(MAX_BODY_BYTES + 1), "gzip"), "gzip", "larger than 1048576 bytes when it is decompressed"),
        (packed(bytes(10**7), "gzip", "gzip"), "gzip, gzip", "larger than 1048576 bytes when it is decompressed"),
    ],
)
async def test_a_body_that_cannot_be_unpacked_is_kept_and_said_so(
    desk: Desk, content: bytes, encoding: str, message: str
) -> None:
    taken = await event(desk, content, "application/json", {"Content-Encoding": encoding})
    assert (taken["body_type"], base64.b64decode(taken["body"])) == ("base64", content)
    assert message in taken["body_error"]


async def test_a_signature_is_that_of_the_packed_bytes_and_an_id_is_read_from_the_unpacked(desk: Desk) -> None:
    webhook = await desk.open(
        verification={"kind": "hmac", "header": "X-Signature"}, secret="a shared secret", idempotency_path="id"
    )
    runs = set()
    for level in (1, 9):
        content = gzip.compress(b'{"id": "e1"}', level)
        signature = hmac.digest(b"a shared secret", content, "sha256").hex()
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "X-Signature": signature}
        runs.add((await desk.run(await desk.call(webhook, content=content, headers=headers))).id)
    assert len(runs) == 1


@given(
    content=st.binary(max_size=300),
    content_type=st.sampled_from(
        ["", "application/json", FORM_TYPE, MULTIPART, "text/plain; charset=utf-16", "text/x; charset=gb18030"]
    ),
)
async def test_no_byte_of_a_body_is_lost_whatever_it_says_of_itself(content: bytes, content_type: str) -> None:
    body = await parse_body(content_type, content)
    if body.kind == "base64":
        assert base64.b64decode(body.value) == content
    elif body.kind == "none":
        assert content == b""
    elif body.kind == "json":
        assert body.value == json.loads(content)
    elif "charset" not in content_type:
        assert body.value.encode() == content
    json.dumps([body.value, body.form, body.files])


async def test_the_largest_form_is_read_without_files_on_the_disk(desk: Desk) -> None:
    head = b'--XX\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    tail = b"\r\n--XX--\r\n"
    body = await parse_body(MULTIPART, head + b"x" * (MAX_BODY_BYTES - len(head) - len(tail)) + tail)
    assert body.files[0]["size"] == MAX_BODY_BYTES - len(head) - len(tail)


@pytest.mark.parametrize(
    ("fields", "same", "other"),
    [
        ({"idempotency_path": "event.id"}, {"event": {"id": "e1"}}, {"event": {"id": "e2"}}),
        ({"idempotency_path": "event.id"}, {"event.id": 17}, {"event.id": 18}),
        ({"idempotency_path": '["a.b"].c'}, {"a.b": {"c": "x"}}, {"a.b": {"c": "y"}}),
        ({"idempotency_path": r"a\.b.c"}, {"a.b": {"c": "x"}}, {"a.b": {"c": "y"}}),
        ({"idempotency_path": "id"}, {"id": 10**40 + 1}, {"id": 10**40 + 2}),
        ({"idempotency_path": "0.id"}, [{"id": "x" * 5000}], [{"id": "x" * 4999 + "y"}]),
    ],
)
async def test_a_delivery_is_known_by_a_value_in_its_json(
    desk: Desk, fields: dict[str, Any], same: Any, other: Any
) -> None:
    webhook = await desk.open(**fields)
    assert webhook["idempotency_path"] == fields["idempotency_path"]
    first = await desk.call(webhook, json=same)
    again = [await desk.call(webhook, json=same, headers={"X-Attempt": str(number)}) for number in range(2)]
    assert first.status_code == 200, first.text
    assert [answer.json() for answer in again] == [first.json()] * 2
    assert (await desk.call(webhook, json=other)).json() != first.json()
    untyped = await desk.call(webhook, content=json.dumps(same).encode(), headers={"Content-Type": "text/plain"})
    assert untyped.json() == first.json(), "some senders say nothing of JSON"
    assert await desk.runs() == 2
    for without in ({}, {"event": {"id": None}}, {"event": {"id": {"a": 1}}}, {"event": {"id": True}}):
        assert (await desk.call(webhook, json=without)).status_code == 200
    assert await desk.runs() == 6, "a delivery without an id is a run of its own"


async def test_a_delivery_is_known_by_a_field_of_its_form(desk: Desk) -> None:
    webhook = await desk.open(idempotency_field="MessageSid")

    def content(value: str) -> dict[str, Any]:
        return {"data": {"MessageSid": value, "Body": "x"}}

    answers = await asyncio.gather(*(desk.call(webhook, **content("SM1")) for _ in range(4)))
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    files = {"files": {"f": ("f.txt", b"x")}, "data": {"MessageSid": "SM1"}}
    assert (await desk.call(webhook, **files)).json() == answers[0].json()
    assert (await desk.call(webhook, **content("SM2"))).json() != answers[0].json()
    assert await desk.runs() == 2


async def test_a_delivery_as_large_as_may_be_is_verified_and_read(desk: Desk) -> None:
    secret = "a shared secret"
    webhook = await desk.open(preset="twilio", answer=None, secret=secret, idempotency_field="Sid")
    percents = "%" * (MAX_BODY_BYTES - len("Sid=1&a="))
    signature = hmac.digest(secret.encode(), f"{webhook['url']}Sid1a{percents}".encode(), "sha1")
    headers = {"Content-Type": FORM_TYPE, "X-Twilio-Signature": base64.b64encode(signature).decode()}
    answers = [await desk.call(webhook, content=f"Sid=1&a={percents}".encode(), headers=headers) for _ in range(2)]
    run = await desk.run(answers[0])
    assert run.event["form"] == {"Sid": "1", "a": percents}
    assert answers[1].json() == answers[0].json()


async def test_a_webhook_has_one_place_for_ids(desk: Desk) -> None:
    webhook = await desk.open(idempotency_header="X-Id")
    path = f"/api/apps/{desk.app.id}/webhooks/"
    async with desk.platform.client(desk.caller) as client:
        both = {"action": "take", "idempotency_header": "X-Id", "idempotency_path": "id"}
        refused = await client.post(path, json=both)
        assert refused.status_code == 422
        assert "give only one of idempotency_header, idempotency_path, idempotency_field" in refused.json()["detail"]
        for wrong in ("a..b", '["a', ""):
            assert (await client.post(path, json={"action": "take", "idempotency_path": wrong})).status_code == 422
        changed = (await client.patch(f"{path}{webhook['id']}/", json={"idempotency_path": "id"})).json()
        assert (changed["idempotency_header"], changed["idempotency_path"]) == (None, "id")
        changed = (await client.patch(f"{path}{webhook['id']}/", json={"name": "x"})).json()
        assert changed["idempotency_path"] == "id"
        changed = (await client.patch(f"{path}{webhook['id']}/", json={"idempotency_header": None})).json()
        assert changed["idempotency_path"] == "id"
        changed = (await client.patch(f"{path}{webhook['id']}/", json={"idempotency_path": None})).json()
        assert changed["idempotency_path"] is None


async def test_a_delivery_is_acknowledged_once_it_is_stored_and_not_before(desk: Desk) -> None:
    webhook = await desk.open(idempotency_path="id")
    name = f"platform.refuse_{webhook['id']}"
    async with desk.platform.database.transaction() as session:
        body = "begin raise exception 'the disk is full'; end"
        await session.execute(text(f"create function {name}() returns trigger language plpgsql as $$ {body} $$"))
        await session.execute(
            text(
                f"create constraint trigger refuse after insert on platform.webhook_deliveries"
                f" deferrable initially deferred for each row when (new.webhook_id = {webhook['id']})"
                f" execute function {name}()"
            )
        )
    assert (await desk.call(webhook, json={"id": 1})).status_code >= 500, "the commit failed"
    assert await desk.runs() == 0
    async with desk.platform.database.transaction() as session:
        await session.execute(text(f"drop function {name} cascade"))
    first = await desk.call(webhook, json={"id": 1})
    assert (first.status_code, await desk.runs()) == (200, 1)
