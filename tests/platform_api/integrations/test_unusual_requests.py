"""Requests as few make them: null in lists, headers that are no text, forms of old clients."""

from typing import Any

import httpx
import pytest

from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.requests.building import build_request
from platform_api.integrations.schemas import CallWrite
from tests.platform_api.conftest import Platform
from tests.platform_api.integrations.raw_upstream import connect_raw, raw_upstream

pytestmark = pytest.mark.anyio


def _built(call: dict[str, Any], **definition: Any) -> Any:
    whole = {"id": "x", "name": "X", "base_url": "https://x.example", **definition}
    written = CallWrite.model_validate({"method": "POST", "endpoint": "/a", **call})
    return build_request(IntegrationDefinition.model_validate(whole), {}, {}, written)


@pytest.mark.parametrize(
    ("lists", "nulls", "expected"),
    [
        ("repeat", "omit", "a=1&a=2"),
        ("brackets", "omit", "a[]=1&a[]=2"),
        ("indexed", "omit", "a[0]=1&a[1]=2"),
        ("comma", "omit", "a=1,2"),
        ("json", "omit", "a=[1,null,{},2]"),
        ("repeat", "empty", "a=1&a=&a[2]=&a=2"),
        ("indexed", "empty", "a[0]=1&a[1]=&a[2]=&a[3]=2"),
    ],
)
def test_null_in_a_list_leaves_no_hole(lists: str, nulls: str, expected: str) -> None:
    body = {"type": "form", "lists": lists, "nulls": nulls}
    request = _built({"data": {"a": [1, None, {}, 2]}}, body=body)
    assert str(httpx.QueryParams(request.body.decode())) == str(httpx.QueryParams(expected))


@pytest.mark.parametrize("lists", ["repeat", "brackets", "indexed", "comma"])
def test_a_list_of_nothing_but_null_is_left_out(lists: str) -> None:
    request = _built({"data": {"a": [None, [], {}], "b": 1}}, body={"type": "form", "lists": lists})
    assert request.body == b"b=1"


def test_null_in_a_list_of_parameters_is_left_out() -> None:
    request = _built({"request_params": {"id": [1, None, True], "none": [None], "b": None}})
    assert request.url.raw_query_string == "id=1&id=true"


def test_headers_are_written_as_parameters_are() -> None:
    given = {"X-Flag": True, "X-Number": 1.50, "X-List": ["a", 2], "X-None": None, "X-Text": "true "}
    headers = _built({"request_headers": given}).headers
    written = {name: value for name, value in headers.items() if name.startswith("X-")}
    assert written == {"X-Flag": "true", "X-Number": "1.5", "X-List": "a, 2", "X-Text": "true "}


@pytest.mark.parametrize(
    ("disposition", "arrives_as"),
    [
        ("filename*=UTF-8''%C5%BC%22.txt", 'filename="ż%22.txt"'),
        ("FileName*=iso-8859-2'pl'%BF.txt", 'filename="ż.txt"'),
        ('filename="plain.txt"; filename*=UTF-8%C5%BC.txt', 'filename="plain.txt"'),
        ("filename*=UTF-8''a%0D%0AX-Injected: 1", 'filename="a%0D%0AX-Injected: 1"'),
    ],
)
@pytest.mark.parametrize("kind", ["multipart/form-data", "Multipart/Form-Data"])
async def test_a_file_is_one_also_when_its_name_is_written_as_rfc_8187_says(
    shared_platform: Platform, kind: str, disposition: str, arrives_as: str
) -> None:
    caller = await shared_platform.create_caller()
    parts = [
        ('name="method"', b"POST"),
        ('name="endpoint"', b"/x"),
        (f'name="f"; {disposition}', b"\x00\xff"),
    ]
    content = b"".join(b"--B\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (d.encode(), c) for d, c in parts)
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        async with shared_platform.client(caller, headers={"Content-Type": f"{kind}; boundary=B"}) as client:
            reply = await client.post("/api/integrations/raw/call/", content=content + b"--B--\r\n")
        assert reply.status_code == 200, reply.text
        sent = upstream.last.body
    head = f'Content-Disposition: form-data; name="f"; {arrives_as}\r\n'
    assert head.encode() in sent and b"\r\n\r\n\x00\xff\r\n" in sent


async def test_a_form_that_is_none_is_refused_with_its_reason(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        for kind in ("multipart/form-data", "multipart/form-data; boundary=B"):
            async with shared_platform.client(caller, headers={"Content-Type": kind}) as client:
                reply = await client.post("/api/integrations/raw/call/", content=b"no form at all")
            assert reply.status_code == 400 and "multipart" in reply.json()["detail"], reply.text
    assert upstream.arrived == []
