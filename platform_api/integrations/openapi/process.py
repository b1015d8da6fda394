"""Reading documents of tenants in processes of their own, a few at a time."""

import asyncio
import sys

import structlog

from platform_api.core.errors import TooLarge, Unprocessable
from platform_api.integrations.openapi.description import ApiDescription, ReadDocument

log = structlog.stdlib.get_logger()

MOST_DOCUMENT_BYTES = 8 * 1024 * 1024
_DEADLINE_SECONDS = 60.0
_AT_ONCE = 2
# Nothing of ours: a document is read by code that needs no setting and no secret.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}

_turns = asyncio.Semaphore(_AT_ONCE)


async def describe_document(raw: bytes) -> ApiDescription:
    """What a document says. Raises TooLarge, Unprocessable with the place of what is wrong."""
    if len(raw) > MOST_DOCUMENT_BYTES:
        raise TooLarge(f"the document has {len(raw)} bytes; at most {MOST_DOCUMENT_BYTES} are read")
    async with _turns:
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
            answer, complaint = await process.communicate(raw)
    except TimeoutError as error:
        raise Unprocessable(f"the document takes more than {_DEADLINE_SECONDS:g} seconds to read") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        log.error("openapi.worker_died", status=process.returncode, error=complaint[-2000:].decode(errors="replace"))
        raise Unprocessable("the document cannot be read: it takes too much memory, or is built in an unusual way")
    return ReadDocument.model_validate_json(answer)
