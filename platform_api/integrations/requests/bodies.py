"""Encodes the body of a call by its content type: JSON, a form, or the caller's text or bytes unchanged."""

import re
from dataclasses import dataclass
from typing import Any

from platform_api.core.errors import BadRequest
from platform_api.integrations.definitions.body_format import BodyFormat
from platform_api.integrations.outgoing import json_text
from platform_api.integrations.outgoing.media_types import MediaType, codec_of, declared_in_xml, media_type
from platform_api.integrations.requests.form_encoding import form_pairs, urlencoded
from platform_api.integrations.requests.multipart import Attachments, form_data

_JSON_CONTAINER = re.compile(r"\s*[{\[]")


@dataclass(frozen=True, slots=True)
class Body:
    """Holds an encoded body and its content type."""

    content: bytes
    content_type: str


def write_body(data: Any, requested_type: str | None, body_format: BodyFormat) -> Body:
    """Returns `data` encoded as the requested content type, else as the definition says. Raises BadRequest.

    Text and bytes are sent unchanged, text in the charset of the content type.
    """
    content_type = requested_type or body_format.default_content_type
    parsed = media_type(content_type)
    if parsed is None:
        raise BadRequest(
            f"request_headers: {content_type!r} must be a content type such as application/json",
            field="request_headers",
        )
    if isinstance(data, bytes):
        return Body(
            data, content_type if requested_type or _fits_format(data, body_format) else "application/octet-stream"
        )
    if isinstance(data, str):
        return Body(_of_text(data, parsed, body_format, is_given=requested_type is not None), content_type)
    if parsed.is_form:
        return Body(urlencoded(data, body_format, codec=_codec(parsed)), content_type)
    if parsed.is_form_data:
        return Body(*form_data(form_pairs(data, body_format)))
    if parsed.is_json:
        return Body(_of_json(data, parsed), content_type)
    raise BadRequest(
        f"data: {_kind(data)} cannot be sent as {parsed.name}; give the body as text (`data`) or as bytes in Base64"
        " (`data_base64`), or another Content-Type",
        field="data",
    )


def write_form(data: Any, attachments: Attachments, body_format: BodyFormat) -> Body:
    """Returns a form with files. Nested values of `data` are JSON fields, unless the service takes forms."""
    if body_format.type not in ("form", "multipart"):
        body_format = body_format.model_copy(update={"lists": "json", "objects": "json"})
    pairs = form_pairs(data, body_format) if data is not None else []
    return Body(*form_data([*pairs, *attachments.fields], attachments.uploads))


def _fits_format(data: bytes, body_format: BodyFormat) -> bool:
    """Returns whether bytes without a content type have the format that the service takes."""
    if body_format.type == "json":
        return _is_json_document(data.decode("utf-8", errors="replace"))
    return body_format.type != "multipart"


def _is_json_document(text: str) -> bool:
    if not _JSON_CONTAINER.match(text):
        return False
    try:
        json_text.decode_exactly(text.encode())
    except ValueError:
        return False
    return True


def _of_text(text: str, parsed: MediaType, body_format: BodyFormat, *, is_given: bool) -> bytes:
    if not is_given and body_format.type == "multipart":
        raise BadRequest("data: this service takes forms; give an object, or text with a Content-Type", field="data")
    if not is_given and body_format.type == "json" and not _is_json_document(text):
        # Nothing says that it is encoded already, so it is encoded as a JSON string like any other value.
        return _of_json(text, parsed)
    declared = declared_in_xml(text) if parsed.is_xml and parsed.charset is None else None
    return _encoded(text, codec_of(declared) or "utf-8" if declared else _codec(parsed))


def _of_json(data: Any, parsed: MediaType) -> bytes:
    try:
        if parsed.is_json_lines:
            records = data if isinstance(data, list) else [data]
            content = b"".join(json_text.encode(record) + b"\n" for record in records)
        else:
            content = json_text.encode(data)
    except ValueError as error:
        raise BadRequest(f"data: {error}", field="data") from error
    codec = _codec(parsed)
    if codec == "utf-8":
        return content
    # JSON can escape characters that the charset lacks.
    return json_text.in_ascii(content.decode()).decode().encode(codec)


def _codec(parsed: MediaType) -> str:
    if parsed.charset is None:
        return "utf-8"
    codec = codec_of(parsed.charset)
    if codec is None:
        raise BadRequest(f"request_headers: the charset {parsed.charset[:50]!r} is unknown", field="request_headers")
    return codec


def _encoded(text: str, codec: str) -> bytes:
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        raise BadRequest(
            f"data: {text[error.start : error.end][:20]!r} cannot be written in {codec}", field="data"
        ) from error


def _kind(data: Any) -> str:
    return (
        "an object" if isinstance(data, dict) else "a list" if isinstance(data, list) else "a value that is not text"
    )
