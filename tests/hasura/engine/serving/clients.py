"""A websocket client that speaks both protocols, message by message."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from hasura.engine import exact_json
from tests.hasura.engine.serving.conftest import SECRET, Served
from tests.waiting import AMPLE_SECONDS

TRANSPORT, LEGACY = "graphql-transport-ws", "graphql-ws"


class Client:
    """One websocket client, message by message."""

    def __init__(self, socket: ClientConnection, protocol: str) -> None:
        self.socket = socket
        self.protocol = protocol
        self.data = "next" if protocol == TRANSPORT else "data"

    def send(self, **message: Any) -> None:
        self.socket.send(exact_json.dumps(message).decode())

    def receive_text(self, timeout: float = AMPLE_SECONDS) -> str:
        """The next message as it came, those that only keep the connection alive left out."""
        deadline = time.monotonic() + timeout
        while True:
            text = str(self.socket.recv(max(0.01, deadline - time.monotonic())))
            if text not in ('{"type":"ka"}', '{"type":"ping"}'):
                return text

    def receive(self, timeout: float = AMPLE_SECONDS) -> dict[str, Any]:
        message = exact_json.loads(self.receive_text(timeout))
        assert isinstance(message, dict)
        return message

    def start(self, identifier: str, query: str, **more: Any) -> None:
        kind = "subscribe" if self.protocol == TRANSPORT else "start"
        self.send(id=identifier, type=kind, payload={"query": query, **more})

    def stop(self, identifier: str) -> None:
        self.send(id=identifier, type="complete" if self.protocol == TRANSPORT else "stop")

    def next_data(self, identifier: str, timeout: float = 240) -> Any:
        message = self.receive(timeout)
        assert message["type"] == self.data, message
        assert message["id"] == identifier
        return message["payload"]

    def is_silent(self, seconds: float) -> bool:
        try:
            self.receive(seconds)
        except TimeoutError:
            return True
        return False


@contextmanager
def client_of(
    served: Served, protocol: str = TRANSPORT, *, role: str = "admin", **variables: str
) -> Iterator[Client]:
    with connect(served.websocket_url, subprotocols=[protocol], open_timeout=240) as socket:  # type: ignore[list-item]
        client = Client(socket, protocol)
        headers = {"X-Hasura-Admin-Secret": SECRET, "X-Hasura-Role": role}
        headers |= {f"X-Hasura-{name.replace('_', '-')}": value for name, value in variables.items()}
        client.send(type="connection_init", payload={"headers": headers})
        assert client.receive()["type"] == "connection_ack"
        yield client
