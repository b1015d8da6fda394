"""Implements the control channel to the runner: length-prefixed JSON messages on a Unix stream socket."""

import json
import os
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")


class ControlChannel:
    """Represents the harness's end of the channel; started programs do not inherit it, forked children close it."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        os.register_at_fork(after_in_child=self._socket.close)

    def fileno(self) -> int:
        """Returns the channel's descriptor."""
        return self._socket.fileno()

    def receive(self) -> dict[str, Any]:
        """Returns the next message; raises EOFError when the runner is gone."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        message = json.loads(self._read(length))
        assert isinstance(message, dict)
        return message

    def send(self, message: dict[str, Any], *, descriptor: int | None = None) -> None:
        """Sends a message, optionally with an open descriptor attached."""
        text = json.dumps(message).encode()
        frame = _LENGTH.pack(len(text)) + text
        if descriptor is not None:
            sent = socket.send_fds(self._socket, [frame], [descriptor])
            frame = frame[sent:]
        self._socket.sendall(frame)

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise EOFError("the runner closed the control channel")
            data += part
        return bytes(data)
