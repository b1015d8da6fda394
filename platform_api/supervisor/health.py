"""Asks a control plane over HTTP whether it serves."""

import asyncio

_TIMEOUT_SECONDS = 5.0
_PAUSE_SECONDS = 0.05


async def wait_serving(host: str, port: int, path: str) -> None:
    """Returns when GET `path` is answered without a server error.

    The socket accepts connections before anybody reads them, so only an answer counts.
    """
    while not await _answers(host, port, path):  # noqa: ASYNC110 - another process has no event of ours
        await asyncio.sleep(_PAUSE_SECONDS)


async def _answers(host: str, port: int, path: str) -> bool:
    try:
        return await asyncio.wait_for(_status(host, port, path), _TIMEOUT_SECONDS) < 500
    except (OSError, TimeoutError, ValueError, IndexError):
        return False


async def _status(host: str, port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
