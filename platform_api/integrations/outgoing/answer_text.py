"""Decodes the text of an answer, in the charset that it declares or that its bytes show."""

import codecs
import json

from platform_api.integrations.outgoing import json_text
from platform_api.integrations.outgoing.media_types import MediaType, codec_of, declared_in_xml, media_type

# What servers send for any file whose type they do not know.
_UNKNOWN = "application/octet-stream"
_BINARY = (
    *("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/", "font/"),
    *("application/pdf", "application/zip", "application/gzip", _UNKNOWN),
)
_ADDED_BY_FRAMEWORKS = frozenset({"iso8859-1", "cp1252"})
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def text_of(body: bytes, content_type: str | None) -> str | None:
    """Returns the text of a body, without a byte order mark; None for a body that is not text.

    A byte order mark takes precedence over the declared charset; then come the rules of the format (XML, JSON) and
    UTF-8. In declared text, undecodable bytes become U+FFFD. JSON is text whatever its content type.
    """
    if not body:
        return ""
    parsed = media_type(content_type) if content_type else None
    if parsed is not None and parsed.name.startswith(_BINARY):
        return _json_in_disguise(body)
    marked = next(((mark, codec) for mark, codec in _BYTE_ORDER_MARKS if body.startswith(mark)), None)
    is_text = parsed is not None and parsed.is_text
    if marked is not None and (is_text or parsed is None or marked[1] == "utf-8"):
        return body[len(marked[0]) :].decode(marked[1], errors="replace")
    codec = _codec(body, parsed)
    try:
        text = body.decode(codec, errors="replace" if is_text else "strict")
    except UnicodeDecodeError:
        return None
    return None if parsed is None and "\0" in text else text


def _codec(body: bytes, parsed: MediaType | None) -> str:
    declared = parsed.charset if parsed is not None else None
    if declared is None and parsed is not None and parsed.is_xml:
        declared = declared_in_xml(body[:300].decode("latin-1"))
    if declared is not None and (codec := codec_of(declared)) is not None:
        return "utf-8" if _is_default_charset(codec, parsed) and _is_utf8(body) else codec
    # RFC 8259 requires UTF-8; older UTF-16 and UTF-32 show by the zeros among the first bytes.
    return json.detect_encoding(body[:4]) if parsed is None or parsed.is_json else "utf-8"


def _is_default_charset(codec: str, parsed: MediaType | None) -> bool:
    """Returns whether frameworks add this charset by default, so that it says nothing of JSON; ASCII never does."""
    return codec == "ascii" or (codec in _ADDED_BY_FRAMEWORKS and parsed is not None and parsed.is_json)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _json_in_disguise(body: bytes) -> str | None:
    """Returns JSON that is declared as binary, as services that send files do with their errors."""
    try:
        text = body.decode(json.detect_encoding(body[:4]))
    except UnicodeDecodeError:
        return None
    return text if text.lstrip()[:1] in ("{", "[") and json_text.parse(text) is not None else None
