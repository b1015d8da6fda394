"""The language server in the sandbox, over its WebSocket: what it does, for whom, and what it never does."""

import asyncio
import json
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from platform_api.supervisor.testing import Installation
from sandbox_runner.jails.process_tree import descendants
from tests.language_servers import language_server_pids
from tests.memory import quick_directory

pytestmark = pytest.mark.anyio

ROOT = "file:///automio/bundle/source"
SCRATCH = f"{ROOT}/scratch.py"
CODE = 'from automio.wrapper import API\n\napi = API()\napi.tables.graphql("")\napi.tables.\n'
IN_QUOTES = {"line": 3, "character": 20}
CANARY = "/tmp/started"
HOSTILE = {
    "pyrefly.toml": (
        f'python-interpreter-path = "/automio/bundle/source/canary.sh"\nsearch-path = ["/"]\n'
        f'[build-system]\ntype = "custom"\ncommand = ["/bin/sh", "-c", "touch {CANARY}"]\n'
    ),
    "pyproject.toml": '[tool.pyrefly]\npython-interpreter-path = "./canary.sh"\n[tool.ruff]\nline-length = 20\n',
    "ruff.toml": 'line-length = 20\n[lint]\nselect = ["ALL"]\n',
    "inner/pyrefly.toml": 'python-interpreter-path = "../canary.sh"\n',
    "inner/module.py": "x = 1\n",
    "canary.sh": f"#!/bin/sh\ntouch {CANARY}\nsleep 60\n",
    "sitecustomize.py": f"open({CANARY!r}, 'w').close()\n",
    "automio.pyi": f"import os\nos.system('touch {CANARY}')\nAPI: int\n",
    "usercustomize.py": f"import os\nos.system('touch {CANARY}')\n",
}


OUTSIDE = (
    "file:///etc/passwd",
    f"{ROOT}/../../../etc/passwd.py",
    f"{ROOT}/pyrefly.toml",
    f"{ROOT}/%2e%2e/x.py",
)


class Editor:
    """An editor at the other end of the WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.notifications: list[dict[str, Any]] = []
        self._last_id = 0

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._last_id += 1
        await self.send({"id": self._last_id, "method": method, "params": params})
        while (message := await self.receive()).get("id") != self._last_id:
            self.notifications.append(message)
        return message

    async def tell(self, method: str, **params: Any) -> None:
        await self.send({"method": method, "params": params})

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send(json.dumps({"jsonrpc": "2.0", **message}))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(240):
            received: dict[str, Any] = json.loads(await self.socket.recv())
        return received

    async def begin(self, text: str = CODE, uri: str = SCRATCH, **params: Any) -> None:
        answer = await self.ask("initialize", **params)
        assert "result" in answer, answer
        await self.tell("initialized")
        await self.open(text, uri)

    async def open(self, text: str, uri: str = SCRATCH) -> None:
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        await self.tell("textDocument/didOpen", textDocument=document)

    async def change(self, text: str, *, version: int) -> None:
        document = {"uri": SCRATCH, "version": version}
        await self.tell("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])

    async def problems_of_both(self) -> list[dict[str, Any]]:
        """Waits for a message with problems of pyrefly and of ruff."""
        while True:
            message = await self.receive()
            problems: list[dict[str, Any]] = message.get("params", {}).get("diagnostics", [])
            if {problem["source"] for problem in problems} >= {"Pyrefly", "ruff"}:
                return problems

    async def complete(self, line: int, character: int, uri: str = SCRATCH) -> list[str]:
        position = {"line": line, "character": character}
        answer = await self.ask("textDocument/completion", textDocument={"uri": uri}, position=position)
        return [item["label"] for item in (answer.get("result") or {}).get("items", [])]

    async def closed(self) -> tuple[int, str]:
        """Waits until the platform closes the connection; returns code and reason."""
        try:
            async with asyncio.timeout(240):
                while True:
                    await self.socket.recv()
        except ConnectionClosed as error:
            assert error.rcvd is not None
            return error.rcvd.code, error.rcvd.reason


async def first_closed(*editors: Editor) -> tuple[Editor, int]:
    """Waits until the platform closes one of the connections; returns which, and the code.

    Which of them was quiet longest is known to the seconds between two looks, so a test cannot choose.
    """
    closing = {asyncio.create_task(editor.closed()): editor for editor in editors}
    done, pending = await asyncio.wait(closing, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    assert len(done) == 1
    ended = done.pop()
    return closing[ended], (await ended)[0]


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """A platform with a runner."""
    environment = {"PATH": os.environ["PATH"]}
    with (
        tempfile.TemporaryDirectory(prefix="als-", dir=quick_directory()) as directory,
        Installation(Path(directory) / "data", environment=environment) as running,
    ):
        yield running


@pytest.fixture
def app(installation: Installation) -> dict[str, Any]:
    """An app with a table and a module."""
    return make_app(installation, {})


@pytest.fixture
def hostile_app(installation: Installation) -> dict[str, Any]:
    """An app whose source is as hostile as can be."""
    return make_app(installation, HOSTILE)


def make_app(installation: Installation, files: dict[str, str]) -> dict[str, Any]:
    with installation.client() as client:
        made: dict[str, Any] = client.post("/api/apps/", json={"name": f"Code {os.urandom(4).hex()}"}).json()
        table = {"name": "orders", "columns": [{"name": "buyer", "type": "text"}]}
        assert client.post(f"/api/apps/{made['id']}/new_table/", json=table).status_code == 200
        saving = {"base_version": 0, "changes": {**files, "main.py": "def total() -> int:\n    return 1\n"}}
        saved = client.patch(f"/api/apps/{made['id']}/source/", json=saving)
        assert saved.status_code == 201, saved.text
    return made


@asynccontextmanager
async def editing(
    installation: Installation, app: dict[str, Any], *, query: str = "", headers: dict[str, str] | None = None
) -> AsyncIterator[Editor]:
    """Connects as the owner, or with other headers."""
    sent = {"Authorization": f"Bearer {installation.admin['token']}"} if headers is None else headers
    url = f"{installation.url.replace('http', 'ws')}/api/apps/{app['id']}/language-server/{query}"
    async with connect(url, additional_headers=sent, max_size=None) as socket:
        yield Editor(socket)


def applied(text: str, edits: list[dict[str, Any]]) -> str:
    """Returns a text of ASCII with edits put in."""
    starts = [0, *(index + 1 for index, letter in enumerate(text) if letter == "\n")]
    for edit in reversed(edits):
        begin, end = (
            starts[edit["range"][side]["line"]] + edit["range"][side]["character"] for side in ("start", "end")
        )
        text = text[:begin] + edit["newText"] + text[end:]
    return text


def require_sealed(root: int, before: set[int]) -> None:
    """Asserts that the one language server has started nothing, and sees neither files, credentials nor a network."""
    (server,) = language_server_pids(root)
    assert list(descendants(server)) == []
    seen = Path(f"/proc/{server}/root")
    assert not (seen / CANARY[1:]).exists() and not (seen / "etc/shadow").exists()
    started = [Path(f"/proc/{pid}/cmdline") for pid in descendants(root) if pid not in before]
    commands = [command.read_bytes() for command in started if command.exists()]
    assert commands and not any(b"canary" in command or b"/bin/sh" in command for command in commands)
    assert b"TOKEN" not in Path(f"/proc/{server}/environ").read_bytes()
    interfaces = Path(f"/proc/{server}/net/dev").read_text().splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in interfaces] == ["lo"]


async def test_it_completes_names_of_the_app_and_hears_what_changes(
    installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(installation, app) as editor:
        await editor.begin()
        assert {"graphql", "create_tag"} <= set(await editor.complete(4, 11))
        assert await editor.complete(**IN_QUOTES) == ["'orders'"]
        with installation.client() as client:
            invoices = {"name": "invoices", "columns": [{"name": "number", "type": "text"}]}
            assert client.post(f"/api/apps/{app['id']}/new_table/", json=invoices).status_code == 200
            saving = {"base_version": 1, "changes": {"helper.py": "def help_me() -> None: ...\n"}}
            assert client.patch(f"/api/apps/{app['id']}/source/", json=saving).status_code == 201
        began = time.monotonic()
        while "'invoices'" not in await editor.complete(**IN_QUOTES):
            assert time.monotonic() - began < 120
            await asyncio.sleep(0.1)
        await editor.open("import helper\nhelper.\n", f"{ROOT}/other.py")
        while "help_me" not in await editor.complete(1, 7, f"{ROOT}/other.py"):
            assert time.monotonic() - began < 120
            await asyncio.sleep(0.1)


async def test_hostile_sources_and_parameters_start_no_process_and_read_no_file(
    installation: Installation, hostile_app: dict[str, Any]
) -> None:
    before = set(descendants(installation.process.pid))
    settings = {"pythonPath": "/automio/bundle/source/canary.sh", "pyrefly": {"lspPath": "/bin/sh"}}
    async with editing(installation, hostile_app) as editor:
        await editor.begin(
            "import inner.module\nfrom inner.module import x\nimport automio.wrapper\n",
            rootUri="file:///",
            workspaceFolders=[{"uri": "file:///", "name": "all"}],
            initializationOptions=settings,
            capabilities={"workspace": {"configuration": True}},
        )
        await editor.complete(1, 26)
        for uri in (
            "file:///etc/passwd",
            f"{ROOT}/../../../etc/passwd.py",
            f"{ROOT}/pyrefly.toml",
            f"{ROOT}/%2e%2e/x.py",
        ):
            answer = await editor.ask(
                "textDocument/hover", textDocument={"uri": uri}, position={"line": 0, "character": 0}
            )
            assert answer["error"]["code"] == -32602, answer
            await editor.open("root:x", uri)
        for method in ("workspace/executeCommand", "workspace/didChangeConfiguration", "textDocument/implementation"):
            answer = await editor.ask(method, command="pyrefly.run", settings=settings)
            assert answer["error"]["code"] == -32601, answer
        await editor.tell("workspace/didChangeConfiguration", settings=settings)
        answer = await editor.ask(
            "textDocument/definition", textDocument={"uri": SCRATCH}, position={"line": 2, "character": 16}
        )
        assert "/etc/" not in json.dumps(answer)
        require_sealed(installation.process.pid, before)
        assert {notification["params"]["uri"] for notification in editor.notifications} <= {SCRATCH}


UNTIDY = "import os\nimport json\n\nx =  {'a':1}\ndef f(items=[]):\n  return x, json, items, missing_name\n"
TIDY = """import os
import json

x = {"a": 1}


def f(items=[]):
    return x, json, items, missing_name
"""


async def test_ruff_formats_checks_and_mends_beside_pyrefly(
    installation: Installation, hostile_app: dict[str, Any]
) -> None:
    before = set(descendants(installation.process.pid))
    async with editing(installation, hostile_app) as editor:
        await editor.begin(UNTIDY)
        problems = await editor.problems_of_both()
        assert {problem["message"] for problem in problems if problem["source"] == "ruff"} == {
            "`os` imported but unused",
            "Do not use mutable data structures for argument defaults",
        }
        assert any("missing_name" in problem["message"] for problem in problems)
        at = {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 8}}
        document = {"uri": SCRATCH}
        context = {"diagnostics": [], "only": ["quickfix"]}
        answer = await editor.ask("textDocument/codeAction", textDocument=document, range=at, context=context)
        titles = [fix["title"] for fix in answer["result"]]
        # Both know this one.
        assert titles.count("Remove unused import: `os`") == 1
        assert "Ruff (F401): Disable for this line" in titles
        assert not any("command" in fix for fix in answer["result"])
        options = {"tabSize": 4, "insertSpaces": True}
        answer = await editor.ask("textDocument/formatting", textDocument=document, options=options)
        assert applied(UNTIDY, answer["result"]) == TIDY
        # What is no Python is left as it is, and the answer says where it ends to be.
        await editor.change("x = (\nif 1\n", version=2)
        answer = await editor.ask("textDocument/formatting", textDocument=document, options=options)
        assert answer["error"]["message"].startswith("line 2 cannot be read: "), answer
        await editor.change(TIDY, version=3)
        answer = await editor.ask("textDocument/formatting", textDocument=document, options=options)
        assert answer["result"] == []
        require_sealed(installation.process.pid, before)


async def test_floods_batches_and_huge_messages_end_or_are_answered(
    installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(installation, app) as editor:
        await editor.begin()
        await editor.socket.send("[]")
        assert (await editor.receive())["error"]["code"] in (-32600,)
        await editor.socket.send("{")
        while "error" not in (message := await editor.receive()):
            pass
        assert message["error"]["code"] == -32700
        await editor.send({"method": "textDocument/didSave", "params": {"x": "y" * 1_100_000}})
        assert await editor.closed() == (1009, "a message may have at most 1,048,576 bytes")
    async with editing(installation, app) as editor:
        await editor.begin()
        for _ in range(400):
            await editor.tell("$/cancelRequest", id=1)
        assert (await editor.closed())[0] == 4429


async def test_an_organization_has_four_and_a_dead_one_is_replaced(
    installation: Installation, app: dict[str, Any]
) -> None:
    async with (
        editing(installation, app) as first,
        editing(installation, app) as second,
        editing(installation, app) as third,
        editing(installation, app) as fourth,
    ):
        for editor in (first, second, third, fourth):
            await editor.begin()
            assert await editor.complete(4, 11)
        async with editing(installation, app) as fifth:
            await fifth.begin()
            replaced, code = await first_closed(first, second, third, fourth)
            assert code == 4409
            for editor in {first, second, third, fourth} - {replaced}:
                assert await editor.complete(4, 11)
            assert len(language_server_pids(installation.process.pid)) <= 5
            for pid in language_server_pids(installation.process.pid):
                os.kill(pid, signal.SIGKILL)
            assert (await fifth.closed())[0] == 4500
            began = time.monotonic()
            async with editing(installation, app) as again:
                await again.begin()
                assert await again.complete(4, 11)
            assert time.monotonic() - began < 120
    # The runner comes back, too.
    runner = installation.wait_child("runner")
    async with editing(installation, app) as editor:
        await editor.begin()
        os.kill(runner, signal.SIGKILL)
        assert (await editor.closed())[0] == 4500
    installation.wait_child("runner", other_than=runner)
    deadline = time.monotonic() + 240
    while True:
        async with editing(installation, app) as editor:
            answer = None
            try:
                await editor.begin()
                answer = await editor.complete(4, 11)
            except ConnectionClosed:
                assert time.monotonic() < deadline
                continue
            assert answer
            break
