"""Ports for programs that must be told theirs before they start."""

import random
import socket

# Below the range from which Linux gives ports to outgoing connections, which would take a chosen one meanwhile.
_FROM, _TO = 20_000, 32_000


def free_port() -> int:
    """A port of the loopback address that nobody has."""
    for port in random.SystemRandom().sample(range(_FROM, _TO), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no free port was found")
