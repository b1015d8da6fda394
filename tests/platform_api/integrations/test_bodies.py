"""Bodies as they arrive at a service: what was given, in the form that the content type says."""

import base64
import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from authlib.oauth1.rfc5849.signature import verify_hmac_sha1
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from automio import AsyncAPI
from platform_api.core.errors import BadRequest
from platform_api.integrations.definitions.body_format import BodyFormat
from platform_api.integrations.outgoing.media_types import FORM
from platform_api.integrations.requests.bodies import write_body
from tests.platform_api.conftest import BASE_URL, Caller, Platform
from tests.platform_api.integrations.raw_upstream import Arrived, connect_raw, raw_upstream

pytestmark = pytest.mark.anyio

NESTED = {"a": {"b": 1, "c": [True, False]}, "list": [1, 2], "items": [{"p": "x"}, {"p": "y"}], "n": None, "e": []}


async def sent(
    platform: Platform, call: dict[str, Any] | bytes, *, credentials: dict[str, str] | None = None, **definition: Any
) -> Arrived | str:
    """The request that arrived, or why there was none."""
    caller = await platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(platform, caller, upstream.url, credentials=credentials, **definition)
        content = (
            call if isinstance(call, bytes) else json.dumps({"method": "POST", "endpoint": "/x", **call}).encode()
        )
        async with platform.client(caller) as client:
            answer = await client.post(
                "/api/integrations/raw/call/", content=content, headers={"Content-Type": "application/json"}
            )
        if answer.status_code != 200:
            assert answer.status_code == 400 and not upstream.arrived, answer.text
            return str(answer.json()["detail"])
        [arrived] = upstream.arrived
        return arrived


async def body_of(platform: Platform, call: dict[str, Any] | bytes, **definition: Any) -> tuple[str | None, bytes]:
    arrived = await sent(platform, call, **definition)
    assert isinstance(arrived, Arrived), arrived
    return arrived.header("Content-Type"), arrived.body


def own_client(platform: Platform, caller: Caller) -> AsyncAPI:
    """The `automio` client, talking to the platform."""
    transport = httpx.ASGITransport(app=platform.app, raise_app_exceptions=False)
    return AsyncAPI(base_url=BASE_URL, token=caller.token, app_id="None", transport=transport)


@pytest.mark.parametrize(
    ("body_format", "expected"),
    [
        ({}, "a[b]=1&a[c]=true&a[c]=false&list=1&list=2&items[0][p]=x&items[1][p]=y"),
        (
            {"lists": "brackets"},
            "a[b]=1&a[c][]=true&a[c][]=false&list[]=1&list[]=2&items[0][p]=x&items[1][p]=y",
        ),
        (
            {"lists": "indexed"},
            "a[b]=1&a[c][0]=true&a[c][1]=false&list[0]=1&list[1]=2&items[0][p]=x&items[1][p]=y",
        ),
        ({"lists": "json"}, 'a[b]=1&a[c]=[true,false]&list=[1,2]&items=[{"p":"x"},{"p":"y"}]'),
        ({"objects": "dots"}, "a.b=1&a.c=true&a.c=false&list=1&list=2&items[0].p=x&items[1].p=y"),
        ({"objects": "json"}, 'a={"b":1,"c":[true,false]}&list=1&list=2&items={"p":"x"}&items={"p":"y"}'),
        (
            {"lists": "comma", "objects": "json", "nulls": "empty"},
            None,
        ),
        (
            {"lists": "json", "objects": "json", "nulls": "empty"},
            'a={"b":1,"c":[true,false]}&list=[1,2]&items=[{"p":"x"},{"p":"y"}]&n=&e=',
        ),
    ],
)
async def test_an_object_is_a_form_nested_as_the_definition_says(
    shared_platform: Platform, body_format: dict[str, str], expected: str | None
) -> None:
    call = {"data": NESTED, "request_headers": {"content-TYPE": FORM}}
    if expected is None:
        said = await sent(shared_platform, call, body={"type": "form", **body_format})
        assert isinstance(said, str) and "'items' is joined by commas" in said
        return
    kind, body = await body_of(shared_platform, call, body={"type": "form", **body_format})
    assert kind == FORM
    names_and_values = [tuple(one.split("=", 1)) for one in expected.split("&")]
    assert parse_qsl(body.decode("ascii"), keep_blank_values=True) == names_and_values


async def test_commas_join_plain_values_only(shared_platform: Platform) -> None:
    form = {"type": "form", "lists": "comma"}
    assert await body_of(shared_platform, {"data": {"ids": [1, True, "x y"]}}, body=form) == (
        FORM,
        b"ids=1%2Ctrue%2Cx+y",
    )
    said = await sent(shared_platform, {"data": {"ids": ["a,b"]}}, body=form)
    assert said == "data: the list 'ids' is joined by commas, so its items must be plain values without commas"


@pytest.mark.parametrize("where", ["call", "headers", "body", "lower case"])
async def test_the_content_type_of_call_or_definition_decides(shared_platform: Platform, where: str) -> None:
    call: dict[str, Any] = {"data": {"a": "x y+z&ż"}}
    definition: dict[str, Any] = {}
    if where == "call":
        call["request_headers"] = {"Content-Type": FORM}
        definition["headers"] = {"CONTENT-TYPE": "application/json"}
    elif where == "headers":
        definition["headers"] = {"content-type": FORM}
    elif where == "body":
        definition["body"] = {"type": "form"}
    else:
        call["request_headers"] = {"content-type": FORM.upper()}
    kind, body = await body_of(shared_platform, call, **definition)
    assert (kind or "").lower() == FORM
    assert body == b"a=x+y%2Bz%26%C5%BC"


@pytest.mark.parametrize(
    ("content_type", "data", "expected"),
    [
        (None, {"a": 1}, b'{"a":1}'),
        (None, [1], b"[1]"),
        (None, 0, b"0"),
        (None, False, b"false"),
        (None, "text", b'"text"'),
        (None, '{"a": 1.0}', b'{"a": 1.0}'),
        ("application/json", '{"a":  1}', b'{"a":  1}'),
        ("application/vnd.api+json; charset=utf-8", {"ż": None}, '{"ż":null}'.encode()),
        ("application/merge-patch+json", {"a": None}, b'{"a":null}'),
        ("application/x-amz-json-1.1", {"a": 1}, b'{"a":1}'),
        ("text/json", {"a": 1}, b'{"a":1}'),
        ("application/json; charset=iso-8859-1", {"a": "é€"}, b'{"a":"\\u00e9\\u20ac"}'),
        ("application/x-ndjson", [{"a": 1}, {"b": 2}], b'{"a":1}\n{"b":2}\n'),
        ("application/x-ndjson", '{"a":1}\n', b'{"a":1}\n'),
        ("application/xml", "<a>ż</a>", "<a>ż</a>".encode()),
        ("text/xml; charset=iso-8859-2", "<a>ż</a>", b"<a>\xbf</a>"),
        ('text/xml; charset="ISO-8859-2"', "<a>ż</a>", b"<a>\xbf</a>"),
        (
            "application/soap+xml",
            '<?xml version="1.0" encoding="iso-8859-2"?><a>ż</a>',
            b'<?xml version="1.0" encoding="iso-8859-2"?><a>\xbf</a>',
        ),
        ("text/plain", "a\r\nb", b"a\r\nb"),
        ("text/plain; charset=utf-16", "a", "a".encode("utf-16")),
        (FORM, "already=encoded&x=%20", b"already=encoded&x=%20"),
        (FORM, [["a", 1], ["a", 2]], b"a=1&a=2"),
        (FORM + "; charset=iso-8859-2", {"a": "ż"}, b"a=%BF"),
        ("application/graphql", "{ me }", b"{ me }"),
        ("text/csv", "", b""),
    ],
)
async def test_a_body_is_what_its_content_type_says(
    shared_platform: Platform, content_type: str | None, data: Any, expected: bytes
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    kind, body = await body_of(shared_platform, {"data": data, "request_headers": headers})
    assert kind == (content_type or "application/json")
    assert body == expected


@pytest.mark.parametrize(
    ("content_type", "data", "said"),
    [
        ("application/xml", {"a": 1}, "an object cannot be sent as application/xml"),
        ("text/xml; charset=utf-8", [1], "a list cannot be sent as text/xml"),
        ("text/plain", {"a": 1}, "an object cannot be sent as text/plain"),
        ("text/csv", 1, "a value that is not text cannot be sent as text/csv"),
        ("application/octet-stream", {"a": 1}, "an object cannot be sent as application/octet-stream"),
        ("multipart/related; boundary=x", {"a": 1}, "an object cannot be sent as multipart/related"),
        (FORM, 5, "a form must be an object"),
        ("text/plain; charset=klingon", "x", "charset 'klingon' is unknown"),
        ("text/plain; charset=idna", "x", "charset 'idna' is unknown"),
        ("text/plain; charset=iso-8859-1", "€", "'€' cannot be written in iso8859-1"),
        (FORM + "; charset=iso-8859-1", {"a": "€"}, "'€' cannot be written in iso8859-1"),
        ("nonsense", {"a": 1}, "'nonsense' must be a content type"),
    ],
)
async def test_what_cannot_be_written_so_is_refused_and_not_sent(
    shared_platform: Platform, content_type: str, data: Any, said: str
) -> None:
    refusal = await sent(shared_platform, {"data": data, "request_headers": {"Content-Type": content_type}})
    assert isinstance(refusal, str) and said in refusal


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
async def test_any_method_may_carry_a_body(shared_platform: Platform, method: str) -> None:
    arrived = await sent(shared_platform, {"method": method, "data": {"a": 1}})
    assert isinstance(arrived, Arrived)
    assert (arrived.method, arrived.body) == (method, b'{"a":1}')
    assert arrived.header("Content-Length") == "7"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({}, (None, b"")),
        ({"data": None}, (None, b"")),
        ({"data": {}}, (None, b"")),
        ({"data": "{}"}, ("application/json", b"{}")),
        ({"data": "null", "request_headers": {"Content-Type": "application/json"}}, ("application/json", b"null")),
        ({"data_base64": ""}, ("application/octet-stream", b"")),
        ({"data": []}, ("application/json", b"[]")),
    ],
)
async def test_no_body_an_empty_one_and_an_empty_object_differ(
    shared_platform: Platform, call: dict[str, Any], expected: tuple[str | None, bytes]
) -> None:
    assert await body_of(shared_platform, call) == expected


@pytest.mark.parametrize(
    ("headers", "content", "kind"),
    [
        ({"Content-Type": "image/png"}, b"\x89PNG\x00", "image/png"),
        ({}, b"\x89PNG\x00", "application/octet-stream"),
        ({}, b'{"a": 1}', "application/json"),
        ({"Content-Type": "text/xml; charset=iso-8859-2"}, b"<a>\xbf</a>", "text/xml; charset=iso-8859-2"),
    ],
)
async def test_bytes_go_out_as_they_stand(
    shared_platform: Platform, headers: dict[str, str], content: bytes, kind: str
) -> None:
    call = {"data_base64": base64.b64encode(content).decode(), "request_headers": headers}
    assert await body_of(shared_platform, call) == (kind, content)


async def test_bytes_that_are_no_base64_or_come_twice_are_refused(shared_platform: Platform) -> None:
    assert "not valid Base64" in str(await sent(shared_platform, {"data_base64": "é"}))
    assert "not both" in str(await sent(shared_platform, {"data_base64": "", "data": {"a": 1}}))


async def test_a_number_keeps_its_digits_in_json_forms_and_parameters(shared_platform: Platform) -> None:
    numbers = (
        '{"f": 12345678901234567.89, "g": 0.10, "i": 123456789012345678901234567890, "s": -0.000000000000000001}'
    )
    call = f'{{"method": "POST", "endpoint": "/x", "request_params": {numbers}, "data": {numbers}'
    arrived = await sent(shared_platform, (call + "}").encode())
    assert isinstance(arrived, Arrived)
    written = "f=12345678901234567.89&g=0.10&i=123456789012345678901234567890&s=-0.000000000000000001"
    assert arrived.target == f"/x?{written}"
    assert json.loads(arrived.body, parse_float=str) == {
        "f": "12345678901234567.89", "g": "0.10", "i": 123456789012345678901234567890, "s": "-1E-18"
    }  # fmt: skip
    form = await sent(shared_platform, f'{call}, "request_headers": {{"Content-Type": "{FORM}"}}}}'.encode())
    assert isinstance(form, Arrived) and form.body == written.encode()


async def test_items_of_a_parallel_call_are_written_by_the_same_rules(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url, body={"type": "form", "lists": "brackets"})
        body = (
            '{"method": "POST", "endpoint": "/x", "data_list": [{"data": {"n": 12345678901234567.89, "l": [1]}},'
            ' {"data_base64": "PGEvPg==", "headers": {"Content-Type": "text/xml"}}]}'
        )
        headers = {"Content-Type": "application/json"}
        async with shared_platform.client(caller) as client:
            answer = await client.post("/api/integrations/raw/parallel_call/", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
    assert {(one.header("Content-Type"), one.body) for one in upstream.arrived} == {
        (FORM, b"n=12345678901234567.89&l%5B%5D=1"),
        ("text/xml", b"<a/>"),
    }


async def test_a_key_in_the_body_is_a_field_of_the_form(shared_platform: Platform) -> None:
    auth = {"type": "api_key", "location": "body", "name": "token"}
    more: dict[str, Any] = {"auth": auth, "credentials": {"api_key": "k&1"}, "body": {"type": "form"}}
    assert await body_of(shared_platform, {"data": {"a": 1}}, **more) == (FORM, b"a=1&token=k%261")
    assert "must be an object" in str(await sent(shared_platform, {"data": "a=1"}, **more))


class _Shared:
    """What both sides of OAuth 1 know, as authlib asks for it."""

    def get_client_secret(self) -> str:
        return "client_secret value"

    def get_oauth_token_secret(self) -> str:
        return "token_secret value"


async def test_oauth1_signs_the_fields_of_a_form_and_nothing_of_json(shared_platform: Platform) -> None:
    auth = {
        "type": "oauth1",
        "request_token_url": "https://x.example/r",
        "authorize_url": "https://x.example/a",
        "token_url": "https://x.example/t",
    }
    names = ("client_key", "client_secret", "token", "token_secret")
    credentials = {name: f"{name} value" for name in names}

    for body_format, data in (({"type": "form"}, {"b": "x y", "a": [1, 2]}), ({"type": "json"}, {"a": 1})):
        arrived = await sent(
            shared_platform, {"data": data}, auth=auth, credentials=credentials, body=body_format, headers={}
        )
        assert isinstance(arrived, Arrived)
        headers = {"Authorization": arrived.header("Authorization"), "Content-Type": arrived.header("Content-Type")}
        url = f"http://{arrived.header('Host')}{arrived.target}"
        request = OAuth1Request(arrived.method, url, body=arrived.body.decode(), headers=headers)
        request.client = request.credential = _Shared()
        assert verify_hmac_sha1(request)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("my file ż.txt", 'filename="my file ż.txt"'),
        ('a"b%.txt', 'filename="a%22b%.txt"'),
        ("back\\slash.txt", 'filename="back\\slash.txt"'),
        ("line\r\nX-Injected: 1", 'filename="line%0D%0AX-Injected: 1"'),
    ],
)
async def test_names_of_files_are_written_as_browsers_write_them(
    shared_platform: Platform, filename: str, expected: str
) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        # Headers of the definition or the call cannot take the form's content type away.
        await connect_raw(shared_platform, caller, upstream.url, headers={"Content-Type": "application/json"})
        async with own_client(shared_platform, caller) as api:
            _, response = await api.integrations.call(
                "raw",
                "POST",
                "/x",
                data={"title": "ż", "tags": ["a", "b"], "n": 1.5, "ok": True, "none": None},
                headers={"content-type": "multipart/form-data"},
                files={'fi"le': (filename, b"\x00\xff", "image/png")},
            )
    assert response.ok
    kind = upstream.last.header("Content-Type") or ""
    boundary = kind.removeprefix("multipart/form-data; boundary=").encode()
    opening, *parts, closing = upstream.last.body.split(b"--" + boundary)
    assert (opening, closing) == (b"", b"--\r\n")
    fields = [("title", "ż"), ("tags", '["a","b"]'), ("n", "1.5"), ("ok", "true")]
    assert parts == [
        *(f'\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields),
        f'\r\nContent-Disposition: form-data; name="fi%22le"; {expected}\r\nContent-Type: image/png\r\n\r\n'.encode()
        + b"\x00\xff\r\n",
    ]


async def test_a_form_without_files_may_be_multipart(shared_platform: Platform) -> None:
    kind, body = await body_of(
        shared_platform, {"data": {"to": ["a", "b"], "v": {"x": 1}}}, body={"type": "multipart"}
    )
    assert kind is not None and kind.startswith("multipart/form-data; boundary=")
    read = httpx.Request("POST", "http://x", headers={"Content-Type": kind}, content=body)
    names = [line for line in read.content.decode().splitlines() if line.startswith("Content-Disposition")]
    assert names == [f'Content-Disposition: form-data; name="{name}"' for name in ("to", "to", "v[x]")]


async def test_the_client_sends_bytes_and_text_as_they_stand(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        async with own_client(shared_platform, caller) as api:
            headers = {"Content-Type": "text/xml"}
            await api.integrations.call("raw", "POST", "/x", data=b"<\xff>", headers=headers)
            await api.integrations.call("raw", "POST", "/x", data="<ż/>", headers=headers)
            await api.integrations.call("raw", "POST", "/x", json="plain")
            await api.integrations.call("raw", "POST", "/x", json='{"a": 1}')
            await api.integrations.parallel_call("raw", "POST", "/x", [{"data": b"\x00"}])
            with pytest.raises(TypeError, match="a mapping of form fields"):
                await api.integrations.call("raw", "POST", "/x", data=b"x", files={"f": b"y"})
    assert [one.body for one in upstream.arrived] == [
        b"<\xff>",
        "<ż/>".encode(),
        b'"plain"',
        b'"{\\"a\\": 1}"',
        b"\x00",
    ]


async def test_the_client_reads_and_sends_numbers_with_all_their_digits(shared_platform: Platform) -> None:
    numbers = [Decimal("12345678901234567.89"), Decimal("0.10"), Decimal("1E+400"), 2**70, 0.5]
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        async with own_client(shared_platform, caller) as api:
            answer = b'{"n": [12345678901234567.89, 1E+400, 1180591620717411303424, 0.5]}'
            read: list[Any] = []
            upstream.answer(answer, content_type="application/json")
            data, response = await api.integrations.call("raw", "POST", "/x", json={"n": numbers})
            read += [data, response.json()]
            upstream.answer(answer, content_type="application/json")
            [one] = await api.integrations.parallel_call("raw", "POST", "/x", [{"data": {"n": numbers}}])
            read += [one.api_data]
            upstream.answer(answer, content_type="application/json")
            stream = api.integrations.parallel_call_stream("raw", "POST", "/x", [{"json": {"n": numbers}}])
            read += [item["data"] async for item in stream if "data" in item]
            with pytest.raises(ValueError, match="NaN"):
                await api.integrations.call("raw", "POST", "/x", json={"n": Decimal("NaN")})
    assert read == [{"n": [numbers[0], numbers[2], numbers[3], numbers[4]]}] * 4
    written = b'{"n":[12345678901234567.89,0.10,1E+400,1180591620717411303424,0.5]}'
    assert [arrived.body for arrived in upstream.arrived] == [written] * 3


async def test_a_form_with_files_is_signed_as_it_is_sent(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    auth = {"type": "hmac", "fields": ["body"]}
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url, auth=auth, credentials={"key": "k", "secret": "s"})
        async with own_client(shared_platform, caller) as api:
            await api.integrations.call("raw", "POST", "/x", files={"f": ("a.bin", b"\x00", None)})
    assert b'filename="a.bin"' in upstream.last.body
    expected = hmac.new(b"s", upstream.last.body, hashlib.sha256).hexdigest()
    assert upstream.last.header("X-Signature") == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": "yaml"}, "'json', 'form', 'multipart', 'xml' or 'text'"),
        ({"content_type": "json"}, "'json' must be a content type"),
        ({"type": "form", "content_type": "application/json"}, "does not match the type 'form'"),
        ({"content_type": "application/json\r\nX: y"}, "must be a content type"),
        ({"lists": "tuple"}, "lists"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_format_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        BodyFormat.model_validate(changes)


async def test_a_format_comes_back_as_it_was_saved(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    body_format = {
        "type": "form",
        "content_type": None,
        "lists": "indexed",
        "objects": "dots",
        "nulls": "empty",
    }
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url, body=body_format)
    async with shared_platform.client(caller) as client:
        assert (await client.get("/api/integrations/raw/")).json()["body"] == body_format
        changed = {"id": "raw", "name": "Raw", "base_url": upstream.url, "body": {"type": "xml"}}
        assert (await client.put("/api/integrations/raw/", json=changed)).json()["body"]["type"] == "xml"
        refused = await client.put("/api/integrations/raw/", json=changed | {"body": {"type": "yaml"}})
    assert refused.status_code == 422 and "body.type: input should be" in refused.text


_scalars = st.one_of(st.booleans(), st.integers(), st.text(), st.decimals(allow_nan=False, allow_infinity=False))
_nested = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(), inner, min_size=1),
    max_leaves=15,
)


@given(st.dictionaries(st.text(), _nested), st.sampled_from(["repeat", "brackets", "indexed"]))
@settings(deadline=None)
@pytest.mark.slow
def test_every_value_of_an_object_arrives_once_and_in_order(data: dict[str, Any], lists: Any) -> None:
    def leaves(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [leaf for inner in value.values() for leaf in leaves(inner)]
        if isinstance(value, list):
            return [leaf for inner in value for leaf in leaves(inner)]
        return [str(value).lower() if isinstance(value, bool) else value]

    body = write_body(data, FORM, BodyFormat(lists=lists)).content
    arrived = [value for _, value in parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=10_000)]
    expected = leaves(data)
    assert len(arrived) == len(expected)
    assert all(type(one)(text) == one for text, one in zip(arrived, expected, strict=True))


@pytest.mark.slow
def test_a_form_is_bounded() -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = {"k" * 1000: deep}
    with pytest.raises(BadRequest, match="larger than"):
        write_body({"a": [deep] * 100}, FORM, BodyFormat())
