"""Runs as the process that reads a document: its memory is bounded, and its parent kills it after a time-out.

python -m platform_api.integrations.openapi.worker < document > result
"""

import resource
import sys
import warnings

from platform_api.integrations.definitions.api_description import ReadDocument
from platform_api.integrations.openapi.extraction import describe_api
from platform_api.integrations.openapi.reading import UnusableDocument, read_document

_MAX_MEMORY_BYTES = 1536 * 1024 * 1024


def main() -> None:
    """Reads a document from standard input and writes a `ReadDocument` to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    # A core dump would hold the document.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    sys.stdout.buffer.write(_read(sys.stdin.buffer.read()).model_dump_json().encode())


def _read(raw: bytes) -> ReadDocument:
    try:
        return ReadDocument(description=describe_api(read_document(raw)))
    except UnusableDocument as error:
        return ReadDocument(problem=str(error))
    except RecursionError:
        return ReadDocument(problem="the document is nested too deeply")
    except MemoryError:
        return ReadDocument(problem="the document takes too much memory to read")


if __name__ == "__main__":
    main()
