"""Connects to the broker when the jail has no network of its own (levels `landlock` and `none`).

Every TCP connection of this process to the broker's address is then a connected descriptor that the runner sends, so
ordinary HTTP libraries work unchanged. This is convenience, not protection: the seccomp filter refuses all other
sockets, whatever user code does with the `socket` module.
"""

import _socket
import errno
import os
import socket
import threading
from collections.abc import Iterable
from typing import Any

_TCP_FAMILIES = (-1, socket.AF_INET, socket.AF_INET6)
_Address = tuple[str, int]


class _Dispenser:
    """Requests connections to the broker from the runner, by one byte per connection."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._turn = threading.Lock()

    def connection(self) -> int:
        with self._turn:
            self._socket.send(b"c")
            _, descriptors, _, _ = socket.recv_fds(self._socket, 1, 1)
        if not descriptors:
            raise ConnectionRefusedError(
                errno.ECONNREFUSED, "this run has reached its limit of connections to the broker"
            )
        return descriptors[0]


def connect_through_dispenser(descriptor: int, broker: _Address) -> None:
    """Replaces `socket.socket`, so that TCP sockets can connect to `broker` and nothing else."""
    dispenser = _Dispenser(descriptor)

    class BrokerSocket(socket.socket):
        """Looks like a TCP socket, but is one end of a socket pair with the broker at the other."""

        _is_brokered = False

        def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
            if fileno is not None or family not in _TCP_FAMILIES or type not in (-1, socket.SOCK_STREAM):
                super().__init__(family, type, proto, fileno)
                return
            # A stand-in until `connect`, as some libraries create sockets only to test the machine's features.
            stand_in, other = _socket.socketpair()
            other.close()
            super().__init__(fileno=stand_in.detach())
            self._is_brokered = True

        def connect(self, address: Any, /) -> None:
            if not self._is_brokered:
                return super().connect(address)
            if tuple(address[:2]) != broker:
                raise PermissionError(
                    errno.EPERM, f"scripts in the sandbox can only connect to the platform, not to {address}"
                )
            connection = dispenser.connection()
            os.dup2(connection, self.fileno(), inheritable=False)
            os.close(connection)
            # Whether it blocks is a property of what was just exchanged.
            self.settimeout(self.gettimeout())
            return None

        def connect_ex(self, address: Any, /) -> int:
            try:
                self.connect(address)
            except OSError as error:
                return error.errno or errno.EPERM
            return 0

        def bind(self, address: Any, /) -> None:
            # A client that wants to choose its own port: there is none to choose.
            if not self._is_brokered:
                super().bind(address)

        def setsockopt(self, *arguments: Any) -> None:
            if not self._is_brokered:
                super().setsockopt(*arguments)

        def getpeername(self) -> Any:
            return broker if self._is_brokered else super().getpeername()

        def getsockname(self) -> Any:
            return ("127.0.0.1", 0) if self._is_brokered else super().getsockname()

        def sendmsg(self, buffers: Iterable[Any], *arguments: Any) -> int:
            # The filter refuses sendmsg, whose address lies behind a pointer.
            return self.send(b"".join(bytes(buffer) for buffer in buffers))

    socket.socket = BrokerSocket  # type: ignore[misc]
