"""A write to every service of the catalogue, as its public documentation shows one: the very bytes that arrive.

`catalogue_writes/<category>.yaml` holds, for each entry, where the service documents the call, the call, and what
must arrive: the content type, and the body as text in UTF-8 or, for multipart, its fields.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from yarl import URL

from platform_api.integrations.catalogue import built_in
from platform_api.integrations.definition import IntegrationDefinition, OAuth2Auth, fill_base_url
from platform_api.integrations.outgoing import Caller
from platform_api.integrations.requests import build_request
from platform_api.integrations.schemas import CallWrite
from tests.platform_api.integrations.raw_upstream import raw_upstream

pytestmark = pytest.mark.anyio

_FOLDER = Path(__file__).parent / "catalogue_writes"
WRITES: dict[str, dict[str, Any]] = {
    name: write for path in _FOLDER.glob("*.yaml") for name, write in yaml.safe_load(path.read_text()).items()
}


def _credentials(definition: IntegrationDefinition) -> dict[str, Any]:
    if isinstance(definition.auth, OAuth2Auth):
        return {"access_token": "secret", "values": {"client_id": "client"}}
    return dict.fromkeys(definition.credential_fields, "secret")


@pytest.mark.parametrize("integration_id", built_in())
async def test_a_documented_write_arrives_as_the_service_takes_it(integration_id: str) -> None:
    definition, write = built_in()[integration_id], WRITES[integration_id]
    assert "body" in definition.model_fields_set, "every entry says what kind of body its service takes"
    credentials = _credentials(definition)
    placeholders = dict.fromkeys(definition.placeholders, "x1")
    base = URL(fill_base_url(definition, placeholders, credentials))
    async with raw_upstream() as upstream, Caller(allow_private=True) as caller:
        here = definition.model_copy(update={"base_url": upstream.url + base.raw_path.rstrip("/")})
        request = build_request(here, placeholders, credentials, CallWrite.model_validate(write["call"]))
        answer = await caller.send(request)
    assert answer.ok, answer.text
    [arrived] = upstream.arrived
    assert arrived.method == write["call"]["method"]
    assert arrived.target.removesuffix("?api_token=secret") == (base.raw_path.rstrip("/") + write["call"]["endpoint"])
    kind = arrived.header("Content-Type") or ""
    if "fields" in write:
        name, _, boundary = kind.partition("; boundary=")
        assert name == write["content_type"]
        parts = arrived.body.decode().removesuffix(f"--{boundary}--\r\n").split(f"--{boundary}\r\n")[1:]
        assert parts == [
            f'Content-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n' for field, value in write["fields"]
        ]
    else:
        assert (kind, arrived.body.decode()) == (write["content_type"], write["body"])


def test_every_write_is_of_an_entry() -> None:
    assert set(WRITES) == set(built_in())
