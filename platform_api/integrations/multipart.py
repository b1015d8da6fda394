"""A call with files, as the published clients send it: form fields that may have lost their values (contract §6.2).

A dict-valued field of those clients arrives as its bare keys. A field is taken when it is a JSON object and is
otherwise ignored with a warning; text that is JSON of another kind is taken for `data` only.
"""

import json
from collections.abc import Callable
from typing import Any

import aiohttp
import structlog
from starlette.datastructures import FormData, UploadFile

from platform_api.core.errors import BadRequest
from platform_api.integrations.schemas import CallWrite

log = structlog.stdlib.get_logger()
_FIELDS = ("method", "endpoint", "request_headers", "request_params", "data")


CreateForm = Callable[[], aiohttp.FormData]


async def read_multipart(form: FormData) -> tuple[CallWrite, CreateForm]:
    """The call, and what makes the form that goes upstream: the files, and the fields of `data`."""
    values: dict[str, Any] = {}
    for name in ("method", "endpoint"):
        value = form.get(name)
        if isinstance(value, str) and value:
            values[name] = value
    for name in ("request_headers", "request_params"):
        values[name] = _json_object(name, form.getlist(name)) or {}
    fields: list[tuple[str, str]] = [
        (name, text if isinstance(text, str) else json.dumps(text))
        for name, text in (_json_object("data", form.getlist("data")) or {}).items()
    ]
    uploads: list[tuple[str, bytes, str, str]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            kind = value.content_type or "application/octet-stream"
            uploads.append((name, await value.read(), value.filename or name, kind))
        elif name not in _FIELDS:
            fields.append((name, value))
    if not uploads:
        raise BadRequest("a multipart call carries at least one file")

    def create_form() -> aiohttp.FormData:
        upstream = aiohttp.FormData()
        for name, text in fields:
            upstream.add_field(name, text)
        for name, content, filename, kind in uploads:
            upstream.add_field(name, content, filename=filename, content_type=kind)
        return upstream

    return CallWrite.model_validate(values), create_form


def _json_object(name: str, given: list[Any]) -> dict[str, Any] | None:
    texts = [value for value in given if isinstance(value, str)]
    if len(texts) == 1:
        try:
            parsed = json.loads(texts[0])
        except json.JSONDecodeError:
            parsed = None
        if isinstance(parsed, dict):
            return parsed
    if texts:
        log.warning("integrations.multipart_field_ignored", field=name, reason="not a JSON object")
    return None
