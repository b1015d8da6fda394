"""Builds the upstream request of a call, with the credentials of its connection."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from platform_api.core.errors import BadRequest
from platform_api.integrations.definitions.definition import (
    IntegrationDefinition,
    fill_base_url,
    fill_headers,
    fill_other_base_urls,
    is_key_in_path,
)
from platform_api.integrations.outgoing.caller import UpstreamRequest
from platform_api.integrations.requests.bodies import Body, write_body, write_form
from platform_api.integrations.requests.credentials import prove
from platform_api.integrations.requests.endpoint_path import upstream_url
from platform_api.integrations.requests.form_encoding import scalar_text
from platform_api.integrations.requests.multipart import Attachments
from platform_api.integrations.requests.signing import signature
from platform_api.integrations.schemas import CallWrite

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# The platform or HTTP itself sets these; a caller's value would break the request or forge its origin.
_REFUSED_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "cookie", "te", "upgrade"})


def build_request(
    definition: IntegrationDefinition,
    placeholders: Mapping[str, str],
    credentials: Mapping[str, Any],
    call: CallWrite,
    attachments: Attachments | None = None,
) -> UpstreamRequest:
    """Returns the upstream request of a call, credentials included. Raises BadRequest."""
    proof = prove(definition, credentials)
    caller_headers = _caller_headers(call.request_headers)
    try:
        base_url = fill_base_url(definition, placeholders, credentials)
        others = fill_other_base_urls(definition, placeholders, credentials)
        own_headers = fill_headers(
            definition, placeholders, credentials, without={name.lower() for name in caller_headers}
        )
    except ValueError as error:
        raise BadRequest(str(error)) from error
    url = upstream_url(base_url, call.endpoint or "", call.url_params, replaced=proof.query, others=others)
    query = {**_query(call.request_params or {}), **proof.query}
    if query:
        url = url.extend_query(query)
    headers = _merged({"Accept": "application/json"}, own_headers, caller_headers, proof.headers)
    body = _body(definition, call, attachments, proof.body, _find(headers, "content-type"))
    if body is not None:
        headers = _merged(headers, {"Content-Type": body.content_type})
    return UpstreamRequest(
        call.method,
        url,
        headers,
        body=None if body is None else body.content,
        sign=signature(definition, credentials, content_type=None if body is None else body.content_type),
        key_in_path=quote(credentials["api_key"], safe=":") if is_key_in_path(definition) else None,
    )


def _body(
    definition: IntegrationDefinition,
    call: CallWrite,
    attachments: Attachments | None,
    proof: Mapping[str, Any],
    content_type: str | None,
) -> Body | None:
    data = call.data if call.data not in (None, {}) else None
    if call.data_base64 is not None:
        data = _decoded(data, call.data_base64)
    if proof:
        if data is not None and not isinstance(data, dict):
            raise BadRequest("this integration's key is sent in the body, so `data` must be an object")
        data = {**(data or {}), **proof}
    if attachments is not None:
        return write_form(data, attachments, definition.body)
    return None if data is None else write_body(data, content_type, definition.body)


def _decoded(data: Any, text: str) -> bytes:
    if data is not None:
        raise BadRequest("give either `data` or `data_base64`, not both: a request has one body")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"data_base64 is not valid Base64: {error}") from error


def _merged(*groups: Mapping[str, str]) -> dict[str, str]:
    """Returns all headers, each once whatever its case; a later group replaces an earlier one."""
    merged = {name.lower(): (name, value) for group in groups for name, value in group.items()}
    return dict(merged.values())


def _find(headers: Mapping[str, str], lower_name: str) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == lower_name), None)


def _query(params: Mapping[str, Any]) -> dict[str, Any]:
    """Returns query values as text; a list repeats the parameter, and null leaves it out, also in a list."""
    return {
        name: [scalar_text(element) for element in value if element is not None]
        if isinstance(value, list)
        else scalar_text(value)
        for name, value in params.items()
        if value is not None
    }


def _caller_headers(request_headers: Mapping[str, Any]) -> dict[str, str]:
    headers = {}
    for name, value in request_headers.items():
        if value is None:
            continue
        text = ", ".join(map(scalar_text, value)) if isinstance(value, list) else scalar_text(value)
        if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(text):
            raise BadRequest(
                f"request_headers: {name!r} is not a valid header: names hold letters, digits and dashes,"
                " and values no control characters",
                field="request_headers",
            )
        if name.lower() in _REFUSED_HEADERS or name.lower().startswith("proxy-"):
            raise BadRequest(
                f"request_headers: {name!r} is set by the platform; leave it out", field="request_headers"
            )
        headers[name] = text
    return headers
