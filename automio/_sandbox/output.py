"""Sends `sys.stdout` and `sys.stderr` of user code through one socket, to preserve the order of their lines.

Each write is one message: a byte for the stream, then the text. Output of child processes on the descriptors 1 and 2
reaches the runner through ordinary pipes.
"""

import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MESSAGE_BYTES = 32 * 1024
STDOUT, STDERR = 1, 2


class _FramedOutput(io.RawIOBase):
    def __init__(self, descriptor: int, stream: int) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._prefix = bytes([stream])

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """Returns the descriptor of the stream (1 or 2), for programs that are started with it."""
        return self._stream

    def write(self, data: "ReadableBuffer", /) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _MESSAGE_BYTES):
            os.write(self._descriptor, self._prefix + view[start : start + _MESSAGE_BYTES])
        return len(view)


def redirect_output(descriptor: int) -> None:
    """Redirects `sys.stdout` and `sys.stderr`, and with them `print`, to `descriptor`."""
    os.set_inheritable(descriptor, False)
    sys.stdout = sys.__stdout__ = _text_stream(descriptor, STDOUT)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text_stream(descriptor, STDERR)  # type: ignore[misc]


def flush_output() -> None:
    """Flushes the output streams, including those that user code replaced; ignores closed ones."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError, AttributeError):
            # The script closed the stream or replaced it with its own: no output of ours is lost.
            continue


def _text_stream(descriptor: int, stream: int) -> io.TextIOWrapper:
    raw = _FramedOutput(descriptor, stream)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True
    )
