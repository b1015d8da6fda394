"""Reads documents of tenants in separate processes, a few at a time."""

import asyncio
import sys

import structlog

from platform_api.core.errors import TooLarge, Unprocessable
from platform_api.integrations.definitions.api_description import ApiDescription, ReadDocument

log = structlog.stdlib.get_logger()

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
_DEADLINE_SECONDS = 60.0
_MAX_PROCESSES = 2
# The process gets none of our settings and secrets: reading a document needs none.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}

_slots = asyncio.Semaphore(_MAX_PROCESSES)


async def describe_document(raw: bytes) -> ApiDescription:
    """Returns the description in a document. Raises TooLarge, Unprocessable with the place of the fault."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise TooLarge(f"the document has {len(raw)} bytes; at most {MAX_DOCUMENT_BYTES} are allowed")
    async with _slots:
        read = await _read(raw)
    if read.description is None:
        raise Unprocessable(read.problem)
    return read.description


async def _read(raw: bytes) -> ReadDocument:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "platform_api.integrations.openapi.worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_ENVIRONMENT,
    )
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            answer, errors = await process.communicate(raw)
    except TimeoutError as error:
        raise Unprocessable(f"the document takes more than {_DEADLINE_SECONDS:g} seconds to read") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        log.error("openapi.worker_died", status=process.returncode, error=errors[-2000:].decode(errors="replace"))
        raise Unprocessable("the document cannot be read: it takes too much memory, or is built in an unusual way")
    return ReadDocument.model_validate_json(answer)
