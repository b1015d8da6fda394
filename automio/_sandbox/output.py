"""`sys.stdout` and `sys.stderr` of user code: one socket for both, so that the order of their lines is kept.

Each write is one message: a byte that names the stream, then the text's bytes. What child processes write to the
descriptors 1 and 2 themselves reaches the runner through ordinary pipes.
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
        """The plain descriptor of the stream, for programs that are started with it."""
        return self._stream

    def write(self, data: "ReadableBuffer", /) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _MESSAGE_BYTES):
            os.write(self._descriptor, self._prefix + view[start : start + _MESSAGE_BYTES])
        return len(view)


def redirect_output(descriptor: int) -> None:
    """From here on `print` and everything else that writes to `sys.stdout` or `sys.stderr` goes to `descriptor`."""
    os.set_inheritable(descriptor, False)
    sys.stdout = sys.__stdout__ = _text_stream(descriptor, STDOUT)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text_stream(descriptor, STDERR)  # type: ignore[misc]


def flush_output() -> None:
    """Writes out what is still buffered; user code may have replaced or closed the streams."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError, AttributeError):
            # A stream the script closed or exchanged for something of its own: nothing of ours is lost.
            continue


def _text_stream(descriptor: int, stream: int) -> io.TextIOWrapper:
    raw = _FramedOutput(descriptor, stream)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True
    )
