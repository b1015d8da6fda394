"""Measures a completion on the way of the editor, beside pyrefly alone: `python -m benchmarks.console.completion`.

The editor's way is WebSocket, control plane, runner and jail; the floor is pyrefly on its standard input and output,
outside of the sandbox, with the same source. Each keystroke changes the document and asks again, as an editor does.
"""

import asyncio
import json
import os
import shutil
import statistics
import sys
import sysconfig
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect

import automio
from platform_api.supervisor.testing import Installation
from sandbox_runner.jails.process_tree import descendants

_ROUNDS = 200
_WARM_UP = 20
_PAUSE_SECONDS = 0.05
_LINES = "\n".join(f"def step_{number}(value: int) -> int:\n    return value + {number}\n" for number in range(100))
_CODE = f"from automio.wrapper import API\n\napi = API()\n\n{_LINES}\n"


class Server(ABC):
    """Speaks the protocol, whatever carries it."""

    def __init__(self, root: str) -> None:
        self._uri = f"{root}/main.py"
        self._root = root
        self._last_id = 0

    @abstractmethod
    async def write(self, message: str) -> None:
        """Sends a message."""

    @abstractmethod
    async def read(self) -> str:
        """Returns the next message."""

    async def begin(self) -> None:
        """Opens the document."""
        folders = [{"uri": self._root, "name": "app"}]
        await self._ask("initialize", {"rootUri": self._root, "workspaceFolders": folders, "capabilities": {}})
        await self._tell("initialized", {})
        document = {"uri": self._uri, "languageId": "python", "version": 0, "text": _CODE}
        await self._tell("textDocument/didOpen", {"textDocument": document})
        await self.complete(1)

    async def complete(self, version: int) -> float:
        """Asks for a completion of what was typed after `api.tables.`; returns the seconds until it came."""
        text = f"{_CODE}api.tables.{'graphql'[: version % 7]}"
        began = time.perf_counter()
        document = {"uri": self._uri, "version": version}
        await self._tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        lines = text.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        answer = await self._ask(
            "textDocument/completion", {"textDocument": {"uri": self._uri}, "position": position}
        )
        items = answer["result"]["items"] if isinstance(answer["result"], dict) else answer["result"]
        assert any(item["label"] == "graphql" for item in items), answer
        return time.perf_counter() - began

    async def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._last_id += 1
        await self._send({"id": self._last_id, "method": method, "params": params})
        while True:
            message: dict[str, Any] = json.loads(await self.read())
            if "method" in message and "id" in message:
                await self._send({"id": message["id"], "result": None})
            elif message.get("id") == self._last_id:
                return message

    async def _tell(self, method: str, params: dict[str, Any]) -> None:
        await self._send({"method": method, "params": params})

    async def _send(self, message: dict[str, Any]) -> None:
        await self.write(json.dumps({"jsonrpc": "2.0", **message}))


class OverSocket(Server):
    """Goes the editor's way."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__("file:///automio/bundle/source")
        self._socket = socket

    async def write(self, message: str) -> None:
        await self._socket.send(message)

    async def read(self) -> str:
        return str(await self._socket.recv())


class Alone(Server):
    """Talks to pyrefly on its standard input and output."""

    def __init__(self, process: asyncio.subprocess.Process, root: Path) -> None:
        super().__init__(root.as_uri())
        assert process.stdin is not None and process.stdout is not None
        self._input, self._output = process.stdin, process.stdout

    async def write(self, message: str) -> None:
        body = message.encode()
        self._input.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        await self._input.drain()

    async def read(self) -> str:
        length = 0
        while line := (await self._output.readline()).strip():
            length = int(line.rpartition(b":")[2])
        return (await self._output.readexactly(length)).decode()


async def measured(server: Server) -> list[float]:
    """Returns the seconds of each completion, once it is warm."""
    await server.begin()
    times = []
    for version in range(2, _ROUNDS + _WARM_UP):
        times.append(await server.complete(version))
        # Quicker than anybody types, and within the 50 messages a second that an editor may send.
        await asyncio.sleep(_PAUSE_SECONDS)
    return times[_WARM_UP:]


async def measure_alone(pyrefly: str) -> list[float]:
    """Measures pyrefly without anything around it."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory, "source")
        root.mkdir()  # noqa: ASYNC240  # nothing else runs yet
        site = Path(automio.__file__).parent.parent
        settings = f'search-path = ["{root}", "{site}"]\nskip-interpreter-query = true\n'
        (root / "pyrefly.toml").write_text(settings)
        process = await asyncio.create_subprocess_exec(
            pyrefly,
            "lsp",
            "--threads",
            "2",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=2**24,
        )
        try:
            return await measured(Alone(process, root))
        finally:
            process.kill()
            await process.wait()


async def measure_editor(installation: Installation) -> tuple[list[float], float, int]:
    """Measures the editor's way; also returns the seconds to the first completion, and the server's megabytes."""
    with installation.client() as client:
        app = client.post("/api/apps/", json={"name": "Completion"}).json()
    url = f"{installation.url.replace('http', 'ws')}/api/apps/{app['id']}/language-server/"
    headers = {"Authorization": f"Bearer {installation.admin['token']}"}
    # The runner starts after the platform: the first connection waits for it, and is not measured.
    async with connect(url, additional_headers=headers, max_size=None) as socket:
        await OverSocket(socket).begin()
    began = time.perf_counter()
    async with connect(url, additional_headers=headers, max_size=None) as socket:
        await OverSocket(socket).begin()
        first = time.perf_counter() - began
    async with connect(url, additional_headers=headers, max_size=None) as socket:
        times = await measured(OverSocket(socket))
        return times, first, max(map(_megabytes, descendants(installation.process.pid)))


def _megabytes(pid: int) -> int:
    """Returns the resident memory of a language server; 0 for any other process."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    if not command.startswith(b"/automio/program"):
        return 0
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


def main() -> None:
    pyrefly = shutil.which("pyrefly", path=sysconfig.get_path("scripts"))
    if pyrefly is None:
        sys.exit("pyrefly is not installed")
    alone = asyncio.run(measure_alone(pyrefly))
    with tempfile.TemporaryDirectory(prefix="amb-") as directory, Installation(Path(directory, "data")) as running:
        editor, first, megabytes = asyncio.run(measure_editor(running))
    table = Table("", "p50 ms", "p95 ms", "ratio of p95")
    floor = statistics.quantiles(alone, n=20)[-1]
    for name, times in (("pyrefly alone", alone), ("in the editor", editor)):
        p95 = statistics.quantiles(times, n=20)[-1]
        table.add_row(name, f"{statistics.median(times) * 1000:.1f}", f"{p95 * 1000:.1f}", f"{p95 / floor:.2f}")
    console = Console()
    console.print(table)
    console.print(f"from connecting to the first completion {first:.2f} s; memory of the server {megabytes} MB")


if __name__ == "__main__":
    main()
