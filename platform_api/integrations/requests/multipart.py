"""Reads a call with files as the clients send it, and encodes forms (WHATWG HTML, multipart/form-data).

The published clients send a dict-valued field as its bare keys (contract §6.2). A field that is a JSON object is
used; any other is ignored with a warning.
"""

import base64
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from starlette.datastructures import FormData, UploadFile

from platform_api.core.errors import BadRequest
from platform_api.integrations.outgoing import json_text
from platform_api.integrations.schemas import CallWrite

log = structlog.stdlib.get_logger()
_FIELDS = ("method", "endpoint", "operation", "request_headers", "request_params", "data", "arguments")
_RAW_BODY = "__raw_body__"
"""The part by which published clients send a body of bytes, which is not a form."""
_ESCAPES = {'"': "%22", "\r": "%0D", "\n": "%0A"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Upload:
    """Holds a file of a form."""

    name: str
    content: bytes = field(repr=False)
    filename: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Attachments:
    """Holds the form fields and files of a call, beside its `data`."""

    fields: Sequence[tuple[str, str]]
    uploads: Sequence[Upload]


async def read_multipart(form: FormData) -> tuple[CallWrite, Attachments | None]:
    """Returns the call and its fields and files, if it has any. Raises BadRequest for a form without a file."""
    values: dict[str, Any] = {}
    for name in ("method", "endpoint", "operation"):
        value = form.get(name)
        if isinstance(value, str) and value:
            values[name] = value
    for name in ("request_headers", "request_params", "data", "arguments"):
        values[name] = _json_object(name, form.getlist(name)) or {}
    fields: list[tuple[str, str]] = []
    uploads: list[Upload] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            kind = value.content_type or "application/octet-stream"
            uploads.append(Upload(name, await value.read(), value.filename or name, kind))
        elif name not in _FIELDS:
            fields.append((name, value))
    if not uploads:
        raise BadRequest("a multipart call must have at least one file; send a call without files as JSON")
    if [upload.name for upload in uploads] == [_RAW_BODY]:
        return _raw_call(values, uploads[0]), None
    return CallWrite.model_validate(values), Attachments(fields, uploads)


def _raw_call(values: dict[str, Any], upload: Upload) -> CallWrite:
    headers = values["request_headers"]
    if not any(name.lower() == "content-type" for name in headers):
        headers = {**headers, "Content-Type": upload.content_type}
    content = base64.b64encode(upload.content).decode()
    return CallWrite.model_validate({**values, "request_headers": headers, "data": None, "data_base64": content})


def _json_object(name: str, values: list[Any]) -> dict[str, Any] | None:
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) == 1:
        try:
            parsed = json_text.decode_exactly(texts[0].encode())
        except ValueError:
            parsed = None
        if isinstance(parsed, dict):
            return parsed
    if texts:
        log.warning("integrations.multipart_field_ignored", field=name, reason="not a JSON object")
    return None


def form_data(fields: Iterable[tuple[str, str]], uploads: Iterable[Upload] = ()) -> tuple[bytes, str]:
    """Returns the body of a form with files, and its content type.

    Names are raw UTF-8 with `"`, carriage return and line feed percent-encoded. Raises BadRequest.
    """
    boundary = f"automio-{secrets.token_hex(16)}"
    pieces: list[bytes] = []

    def add(disposition: str, content: bytes, content_type: str | None = None) -> None:
        kind = f"Content-Type: {content_type}\r\n" if content_type is not None else ""
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n"
        pieces.extend((head.encode(), content, b"\r\n"))

    try:
        for name, text in fields:
            add(f'name="{_escaped(name)}"', text.encode())
        for upload in uploads:
            if _CONTROL.search(upload.content_type):
                raise BadRequest(f"the content type of the file {upload.name!r} must not hold control characters")
            disposition = f'name="{_escaped(upload.name)}"; filename="{_escaped(upload.filename)}"'
            add(disposition, upload.content, upload.content_type)
    except UnicodeEncodeError as error:
        raise BadRequest(
            "data: it holds half of a surrogate pair, which a form in UTF-8 cannot", field="data"
        ) from error
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces), f"multipart/form-data; boundary={boundary}"


def _escaped(name: str) -> str:
    return re.sub(r'["\r\n]', lambda match: _ESCAPES[match.group()], name)
