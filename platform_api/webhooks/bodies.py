"""Reads the body of a call, so that a script need not: parses JSON, decodes text, takes forms apart.

What cannot be read is never lost: the body stays as text or base64, and `error` says why it was not read.
"""

import asyncio
import base64
import codecs
import json
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import orjson
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException

from platform_api.core.errors import BadRequest
from platform_api.core.http.form_parser import FormParser
from platform_api.tables.ddl.column_types import is_storable
from platform_api.webhooks.forms import MAX_FIELDS, parse_form

MAX_BODY_BYTES = 1024 * 1024
MAX_FILES = 50
_LARGE_BYTES = 64 * 1024
_P = ParamSpec("_P")
_T = TypeVar("_T")
_JSON_TYPE = re.compile(r"(?:application|text)/(?:[a-z0-9.+-]*\+)?json", re.IGNORECASE)
_TEXT_TYPE = re.compile(r"text/.*|application/(?:[a-z0-9.+-]*\+)?(?:json|xml)", re.IGNORECASE)
_MANY_DIGITS = re.compile(rb"[0-9]{19}")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9._:-]+)", re.IGNORECASE)
# Python knows more, some of which take time that grows with the square of the length.
_CHARSETS = re.compile(
    r"ascii|utf-8|utf-8-sig|utf-(?:16|32)(?:-[bl]e)?|iso8859-\d+|cp125\d|cp932|cp949|cp950|koi8-[ru]|shift_jis|euc_(?:jp|kr)"
    r"|gb2312|gbk|gb18030|big5"
)


class _CompletenessParser(FormParser):
    """Knows whether the form was complete."""

    is_complete = False

    def on_end(self) -> None:
        self.is_complete = True


@dataclass(frozen=True, slots=True)
class ParsedBody:
    """Holds `value` as parsed JSON, text or base64, as `kind` says; `form` and `files` are those of a form.

    `raw` is the text of what was parsed: it has every digit, every space, and keys that came twice.
    """

    kind: str
    value: Any
    raw: str | None = None
    form: dict[str, str | list[str]] | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None


async def off_loop(size: int, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Processes a body of that size, in a thread when it is large, so that other requests do not wait for it."""
    return await asyncio.to_thread(work, *args, **kwargs) if size > _LARGE_BYTES else work(*args, **kwargs)


def undecoded(body: bytes, reason: str) -> ParsedBody:
    """Returns a body whose content encoding could not be decoded."""
    return ParsedBody("base64", base64.b64encode(body).decode(), error=reason)


async def parse_body(content_type: str, body: bytes) -> ParsedBody:
    """Reads a body by its content type."""
    media_type = content_type.partition(";")[0].strip().lower()
    if not body:
        return ParsedBody("none", None)
    if _JSON_TYPE.fullmatch(media_type):
        value, error = await off_loop(len(body), _read_json, content_type, body)
        kind, raw = _raw(content_type, body)
        return ParsedBody("json", value, raw) if error is None else ParsedBody(kind, raw, error=error)
    kind, raw = _raw(content_type, body)
    try:
        if media_type == "application/x-www-form-urlencoded":
            return ParsedBody(kind, raw, form=await off_loop(len(body), _read_form, content_type, body))
        if media_type == "multipart/form-data":
            fields, files = await _read_multipart(content_type, body)
            return ParsedBody(kind, raw, form=fields, files=files)
    except BadRequest as error:
        return ParsedBody(kind, raw, error=error.message)
    return ParsedBody(kind, raw)


def parse_json(content_type: str, body: bytes) -> Any:
    """Returns the body when it is JSON, whatever its content type says (some senders give none); None otherwise."""
    return _read_json(content_type, body)[0]


def parse_exactly(content_type: str, body: bytes) -> Any:
    """Parses like `parse_json`, with numbers as text, so that different ones stay different."""
    try:
        text = body.decode(_charset(content_type)).removeprefix("\ufeff")
        return json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None


def storable(text: str) -> str:
    """Removes what PostgreSQL's JSON cannot store: zero characters, halves of surrogate pairs."""
    return text if is_storable(text) else text.encode(errors="replace").decode().replace("\x00", "")


class _NotStorable(Exception):
    """Reports a value that would change if it were stored as JSON."""


def _parse_integer(digits: str) -> int:
    if len(digits) <= 20 and -(2**63) <= (number := int(digits)) < 2**64:
        return number
    raise _NotStorable(f"the body contains the number {digits[:50]}, which is too large to be stored as JSON")


def _read_json(content_type: str, body: bytes) -> tuple[Any, str | None]:
    """Returns the value, and the reason when there is none."""
    charset = _charset(content_type)
    try:
        content = body if charset in ("utf-8", "ascii") else body.decode(charset).encode()
        value = orjson.loads(content.removeprefix(codecs.BOM_UTF8))
        if _MANY_DIGITS.search(content):
            json.loads(content, parse_int=_parse_integer)
        # Tested as in the event, where the value is nested deeper.
        is_stored_unchanged = b"\\u0000" not in orjson.dumps({"event": [value]})
    except _NotStorable as error:
        return None, str(error)
    except RecursionError:
        return None, "the body contains a number that may be too large, and is nested too deeply to check"
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, UnicodeError) as error:
        return None, f"the body is not valid JSON: {error}"
    return (
        (value, None)
        if is_stored_unchanged
        else (None, "the body contains a zero character, which cannot be stored as JSON")
    )


def _raw(content_type: str, body: bytes) -> tuple[str, str]:
    try:
        text = body.decode(_charset(content_type))
    except UnicodeError:
        text = "\x00"
    return ("text", text) if is_storable(text) else ("base64", base64.b64encode(body).decode())


def _charset(content_type: str) -> str:
    """Returns the declared character set; UTF-8 when none is declared, or one that is not known."""
    declared = _CHARSET.search(content_type)
    return codecs.lookup(declared[1]).name if declared and _is_known(declared[1]) else "utf-8"


def _is_known(charset: str) -> bool:
    try:
        return _CHARSETS.fullmatch(codecs.lookup(charset).name) is not None
    except LookupError:
        return False


def _read_form(content_type: str, body: bytes) -> dict[str, str | list[str]]:
    # A form's text is ASCII; the character set is that of the percent-encoded bytes in it.
    return _flat(parse_form(body.decode("latin-1"), encoding=_charset(content_type)))


async def _read_multipart(content_type: str, body: bytes) -> tuple[dict[str, str | list[str]], list[dict[str, Any]]]:
    """Returns the fields and files of a multipart form. Raises BadRequest."""

    async def chunks() -> AsyncGenerator[bytes]:
        yield body

    declared = parse_options_header(content_type)[1].get(b"charset", b"utf-8").decode("latin-1")
    if not _is_known(declared):
        raise BadRequest(f"the body cannot be read as a form: its character set {declared[:50]!r} is not known")
    parser = _CompletenessParser(
        Headers({"content-type": content_type}),
        chunks(),
        max_files=MAX_FILES,
        max_fields=MAX_FIELDS,
        max_part_size=MAX_BODY_BYTES,
    )
    try:
        parts = await parser.parse()
    except MultiPartException as error:
        raise BadRequest(f"the body is not a multipart form: {error.message}") from error
    if not parser.is_complete:
        await parts.close()
        raise BadRequest("the body is not a multipart form: it ends before its last boundary")
    fields: dict[str, list[str]] = {}
    files = []
    try:
        for name, part in parts.multi_items():
            if isinstance(part, UploadFile):
                files.append(_file(name, part, await part.read()))
            else:
                fields.setdefault(name, []).append(part)
    finally:
        await parts.close()
    return _flat(fields), files


def _file(name: str, part: UploadFile, content: bytes) -> dict[str, Any]:
    content_type = part.content_type or ""
    is_text = _TEXT_TYPE.fullmatch(content_type.partition(";")[0].strip())
    kind, value = _raw(content_type, content) if is_text else ("base64", base64.b64encode(content).decode())
    return {
        "name": storable(name),
        "filename": storable(part.filename or ""),
        "content_type": storable(content_type),
        "size": len(content),
        "body": value,
        "body_type": kind,
    }


def _flat(fields: dict[str, list[str]]) -> dict[str, str | list[str]]:
    return {
        storable(name): [storable(value) for value in values] if len(values) > 1 else storable(values[0])
        for name, values in fields.items()
    }
