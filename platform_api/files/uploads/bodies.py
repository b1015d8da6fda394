"""Reads the bodies of uploads as they arrive, and describes their forms."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from platform_api.core.errors import BadRequest, PlatformError
from platform_api.files.uploads.form import FILE_FIELD

_SILENCE_SECONDS = 60.0


class UploadStalled(PlatformError):
    """Reports that an upload sent nothing for too long."""

    status_code = 408
    code = "upload_stalled"


def form_schema(**fields: dict[str, Any]) -> dict[str, Any]:
    """Returns how OpenAPI describes a form with one file and `fields`."""
    properties = {FILE_FIELD: {"type": "string", "format": "binary"}, **fields}
    schema = {"type": "object", "required": [FILE_FIELD], "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


async def read_body(request: Request) -> AsyncIterator[bytes]:
    """Yields a body as it arrives. Raises BadRequest when it breaks off, UploadStalled when nothing comes."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                data = await anext(stream)
        except StopAsyncIteration:
            return
        except ClientDisconnect as error:
            raise BadRequest("the upload broke off") from error
        except TimeoutError as error:
            raise UploadStalled(f"nothing of the file came for {_SILENCE_SECONDS:g} seconds") from error
        yield data
