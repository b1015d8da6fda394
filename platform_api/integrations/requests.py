"""From a call and a connection's credentials to the request that goes upstream."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from platform_api.core.errors import BadRequest
from platform_api.integrations.credentials import prove
from platform_api.integrations.definition import IntegrationDefinition, fill_base_url, is_key_in_path
from platform_api.integrations.endpoint_path import upstream_url
from platform_api.integrations.multipart import CreateForm
from platform_api.integrations.outgoing import UpstreamRequest
from platform_api.integrations.schemas import CallWrite
from platform_api.integrations.signing import signature

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Set by the platform or by HTTP itself; a caller's would break the request or forge its origin.
_REFUSED_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "cookie", "te", "upgrade"})


def build_request(
    definition: IntegrationDefinition,
    placeholders: Mapping[str, str],
    credentials: Mapping[str, Any],
    call: CallWrite,
    create_form: CreateForm | None = None,
) -> UpstreamRequest:
    """The upstream request of one call, credentials included. Raises BadRequest for what no request can hold."""
    proof = prove(definition, credentials)
    base_url = fill_base_url(definition, placeholders, credentials)
    url = upstream_url(base_url, call.endpoint or "", call.url_params, replaced=proof.query)
    query = {**_query(call.request_params or {}), **proof.query}
    if query:
        url = url.extend_query(query)
    headers = {"Accept": "application/json", **definition.headers, **_caller_headers(call.request_headers)}
    if proof.headers:
        sent = {name.lower() for name in proof.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in sent} | dict(proof.headers)
    body = call.data if call.data not in (None, {}) else None
    if proof.body:
        if body is not None and not isinstance(body, dict):
            raise BadRequest("this integration's key travels in the JSON body, so `data` must be an object")
        body = {**(body or {}), **proof.body}
    encoded = None
    if body is not None and create_form is None:
        encoded = _serialised(body)
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    sign = signature(definition, credentials)
    if sign is not None and create_form is not None:
        raise BadRequest("this integration signs its requests, which is not possible for files")
    return UpstreamRequest(
        call.method,
        url,
        headers,
        body=encoded,
        create_form=create_form,
        sign=sign,
        key_in_path=quote(credentials["api_key"], safe=":") if is_key_in_path(definition) else None,
    )


def _query(params: Mapping[str, Any]) -> dict[str, Any]:
    """Query values as text; a list repeats the parameter, null leaves it out."""
    return {
        name: [_text(one) for one in value] if isinstance(value, list) else _text(value)
        for name, value in params.items()
        if value is not None
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _caller_headers(given: Mapping[str, Any]) -> dict[str, str]:
    headers = {}
    for name, value in given.items():
        if value is None:
            continue
        text = str(value)
        if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(text):
            raise BadRequest(f"request_headers: {name!r} is not a header that can be sent")
        if name.lower() in _REFUSED_HEADERS or name.lower().startswith("proxy-"):
            raise BadRequest(f"request_headers: {name!r} is set by the platform")
        headers[name] = text
    return headers


def _serialised(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError as exc:
        raise BadRequest(f"data: {exc}") from exc
