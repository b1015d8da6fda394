"""Runs as the process that reads documents: its memory is bounded, and its parent kills it after a time-out.

Standard input is a `SentDocuments` on a line, then the documents one after the other. Standard output is a `Progress`
on a line from time to time, an empty line, and a `ReadDocument`.

python -m platform_api.integrations.openapi.description.worker < documents > result
"""

import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from typing import BinaryIO

from platform_api.integrations.definitions.api_description import (
    MAX_DOCUMENT_BYTES,
    Progress,
    ReadDocument,
    SentDocument,
    SentDocuments,
)
from platform_api.integrations.openapi.description.extraction import describe_texts
from platform_api.integrations.openapi.description.reading import UnusableDocument
from platform_api.integrations.openapi.description.values import cleaned
from platform_api.integrations.openapi.description.yaml_data import Tell

_MAX_MEMORY_BYTES = 2 * 1024 * 1024 * 1024
_MAX_ANSWER_BYTES = 32 * 1024 * 1024
_MAX_DEPTH = 5_000
_NICENESS = 10
_TOLD_EVERY_SECONDS = 0.25


def main() -> None:
    """Reads documents from standard input and writes a `ReadDocument` to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    # A core dump would hold the document.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICENESS)
    sys.setrecursionlimit(_MAX_DEPTH)
    warnings.simplefilter("ignore")
    sys.stdout.buffer.write(b"\n" + _answer(_read(sys.stdin.buffer, _teller(sys.stdout.buffer))))


def _answer(read: ReadDocument) -> bytes:
    answer = json.dumps(cleaned(read.model_dump())).encode()
    if len(answer) <= _MAX_ANSWER_BYTES:
        return answer
    # References may repeat what stands in the document once.
    problem = (
        f"what is taken of the document has more than {_MAX_ANSWER_BYTES} bytes, counting what references repeat"
    )
    return ReadDocument(problem=problem, is_too_large=True).model_dump_json().encode()


class _TooLarge(UnusableDocument):
    """Signals documents with too many bytes."""


def _read(stream: BinaryIO, tell: Tell) -> ReadDocument:
    try:
        sent = SentDocuments.model_validate_json(stream.readline())
        return ReadDocument(description=describe_texts(_texts(sent, stream), tell))
    except UnusableDocument as error:
        return ReadDocument(problem=str(error), is_too_large=isinstance(error, _TooLarge))
    except RecursionError:
        return ReadDocument(problem="the document is nested too deeply")
    except MemoryError:
        return ReadDocument(problem="the document takes too much memory to read")


def _texts(sent: SentDocuments, stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    total = 0
    for document in sent.documents:
        content = _content(stream.read(document.size), document)
        total += len(content)
        if total > MAX_DOCUMENT_BYTES:
            raise _TooLarge(f"the documents have more than {MAX_DOCUMENT_BYTES} bytes together")
        yield document.location, content


def _content(raw: bytes, document: SentDocument) -> bytes:
    if not document.is_json_text:
        return raw
    text: str = json.loads(raw)
    return text.encode(errors="replace")


def _teller(stream: BinaryIO) -> Tell:
    told_at = time.monotonic()

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _TOLD_EVERY_SECONDS:
            told_at = time.monotonic()
            stream.write(Progress(stage=stage, done=done, total=total).model_dump_json().encode() + b"\n")
            stream.flush()

    return tell


if __name__ == "__main__":
    main()
