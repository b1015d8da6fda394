"""Reads documents of tenants in separate processes: a few at a time, one of each organization."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from platform_api.core.errors import TooLarge, TooManyRequests, Unprocessable
from platform_api.core.types import OrganizationId
from platform_api.integrations.definitions.api_description import (
    MAX_DOCUMENT_BYTES,
    ApiDescription,
    Progress,
    ReadDocument,
    SentDocument,
    SentDocuments,
)
from platform_api.limits.slots import FairSlots, NoFreeSlot

log = structlog.stdlib.get_logger()

_DEADLINE_SECONDS = 60.0
# Whoever waits is still there when the documents that are being read have met their deadline.
_WAIT_SECONDS = _DEADLINE_SECONDS + 15.0
_RETRY_SECONDS = 30
_MAX_PROCESSES = 2
_MAX_WAITING = 3
_MAX_ERRORS_BYTES = 2_000
# The process gets none of our settings and secrets: reading a document needs none.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}

_slots = FairSlots(max_per_organization=1, max_in_total=_MAX_PROCESSES, max_waiting=_MAX_WAITING)

TellProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class RawDocument:
    """Holds the bytes of a document and where it is: its path beside the others, or its URL."""

    location: str
    content: bytes
    is_json_text: bool = False
    """Whether `content` is the JSON of a text."""


async def describe_documents(
    documents: Sequence[RawDocument], *, organization_id: OrganizationId, tell: TellProgress
) -> ApiDescription:
    """Returns the description in documents, the main one first.

    Raises TooLarge, TooManyRequests, and Unprocessable with the place of the fault.
    """
    size = sum(len(document.content) for document in documents if not document.is_json_text)
    if size > MAX_DOCUMENT_BYTES:
        raise TooLarge(f"the documents have {size} bytes; at most {MAX_DOCUMENT_BYTES} are allowed")
    tell(Progress(stage="waiting"))
    try:
        await _slots.acquire(organization_id, seconds=_WAIT_SECONDS)
    except NoFreeSlot as error:
        raise TooManyRequests(
            "other documents are being imported now; import this one when they are done", retry_after=_RETRY_SECONDS
        ) from error
    try:
        tell(Progress(stage="reading"))
        read = await _read(documents, tell)
    finally:
        _slots.release(organization_id)
    if read.description is None:
        raise TooLarge(read.problem) if read.is_too_large else Unprocessable(read.problem)
    return read.description


async def _read(documents: Sequence[RawDocument], tell: TellProgress) -> ReadDocument:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "platform_api.integrations.openapi.description.worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_ENVIRONMENT,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            _, answer, errors = await asyncio.gather(
                _send(process.stdin, documents), _receive(process.stdout, tell), process.stderr.read()
            )
            await process.wait()
    except TimeoutError as error:
        raise Unprocessable(f"the document takes more than {_DEADLINE_SECONDS:g} seconds to read") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        told = errors[-_MAX_ERRORS_BYTES:].decode(errors="replace")
        log.error("openapi.worker_died", status=process.returncode, error=told)
        raise Unprocessable("the document cannot be read: it takes too much memory, or is built in an unusual way")
    return ReadDocument.model_validate_json(answer)


async def _send(stream: asyncio.StreamWriter, documents: Sequence[RawDocument]) -> None:
    sent = SentDocuments(
        documents=[
            SentDocument(location=document.location, size=len(document.content), is_json_text=document.is_json_text)
            for document in documents
        ]
    )
    # A process that dies early says why in its status.
    with suppress(BrokenPipeError, ConnectionResetError):
        stream.write(sent.model_dump_json().encode() + b"\n")
        for document in documents:
            stream.write(document.content)
            await stream.drain()
        stream.close()
        await stream.wait_closed()


async def _receive(stream: asyncio.StreamReader, tell: TellProgress) -> bytes:
    """Returns the result, which follows an empty line; lines before it say how far the work has come."""
    while (line := await stream.readline()).strip():
        tell(Progress.model_validate_json(line))
    return await stream.read()
