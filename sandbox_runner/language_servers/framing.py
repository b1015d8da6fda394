"""Frames the messages of the language server protocol: a head with `Content-Length`, then the message."""

from sandbox_runner.errors import SandboxError

_MAX_HEAD_BYTES = 4096
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


class FramingBroken(SandboxError):
    """Reports that a language server sent what is no message, or one that is too long."""


def framed(message: str) -> bytes:
    """Returns a message with its head."""
    body = message.encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class MessageReader:
    """Takes messages out of a stream of bytes. What is in the jail writes the stream, so nothing in it is trusted."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._data = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Returns the messages that `data` completes; raises FramingBroken."""
        self._data += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> str | None:
        end = self._data.find(_END_OF_HEAD, 0, _MAX_HEAD_BYTES)
        if end < 0:
            if len(self._data) >= _MAX_HEAD_BYTES:
                raise FramingBroken("the head of a message has no end")
            return None
        start = end + len(_END_OF_HEAD)
        length = self._length(bytes(self._data[:end]))
        if len(self._data) < start + length:
            return None
        body = bytes(self._data[start : start + length])
        del self._data[: start + length]
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise FramingBroken("a message is not UTF-8") from error

    def _length(self, head: bytes) -> int:
        for line in head.split(b"\r\n"):
            name, value = line[: len(_LENGTH)], line[len(_LENGTH) :].strip()
            if name.lower() == _LENGTH and value.isdigit() and len(value) < 12:
                length = int(value)
                if length > self._max_bytes:
                    raise FramingBroken(f"a message of {length:,} bytes; the limit is {self._max_bytes:,}")
                return length
        raise FramingBroken("the head of a message does not say its length")
