"""Formats and checks by ruff, which runs in a jail of its own and knows nothing but the documents that are open.

The runner speaks to it, not the editor: its settings are these and nothing else, and its jail has no file of an app.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
import structlog

from sandbox_runner.errors import SandboxError
from sandbox_runner.isolation.policy import INSIDE
from sandbox_runner.jails.jail import JailFactory
from sandbox_runner.language_servers.server import JailedServer
from sandbox_runner.language_servers.tasks import first_of

log = structlog.stdlib.get_logger()

Message: TypeAlias = dict[str, Any]

_RULES = ["F401", "F541", "F601", "F632", "F811", "F841", "E711", "E712", "E722", "B006", "B015", "B018"]
"""What pyrefly does not say: names that are not used, and what is legal but seldom meant."""
_ARGUMENTS = ("server", "--isolated")
_INITIALIZE: Message = {
    "processId": None,
    "rootUri": None,
    "workspaceFolders": [{"uri": f"file://{INSIDE.bundle}", "name": "app"}],
    "initializationOptions": {
        "settings": {
            "configurationPreference": "editorOnly",
            "lineLength": 100,
            "configuration": {"target-version": "py311"},
            "lint": {"select": _RULES},
        }
    },
    "capabilities": {
        "general": {"positionEncodings": ["utf-16"]},
        "workspace": {"workspaceEdit": {"documentChanges": False}},
        "textDocument": {
            "publishDiagnostics": {},
            "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}}},
        },
    },
}
_SYNTAX = "invalid-syntax"
_MAX_DOCUMENTS = 64
_ANSWER_SECONDS = 8.0


class NotFormatted(SandboxError):
    """Reports why a document cannot be formatted, in words for who edits it."""


@dataclass(frozen=True, slots=True)
class Problems:
    """Holds what ruff says against one version of a document."""

    version: int
    items: list[Message]


class Ruff:
    """Keeps ruff told of the open documents, and asks it; calls `on_problems` with the URI of what it has checked."""

    def __init__(self, factory: JailFactory, on_problems: Callable[[str], Awaitable[None]]) -> None:
        self._factory = factory
        self._on_problems = on_problems
        self._documents: dict[str, Message] = {}
        self._opened: set[str] = set()
        self._problems: dict[str, Problems] = {}
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count(1)
        self._program: JailedServer | None = None
        self._is_ready = False
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Serves until ruff ends or this is cancelled; without it, pyrefly goes on alone."""
        try:
            program = await JailedServer.start(self._factory, _ARGUMENTS)
            try:
                await first_of(program.forward(self._receive), program.until_over_memory(), self._begin(program))
            finally:
                self._program = None
                await program.close()
        except (SandboxError, TimeoutError, OSError) as error:
            log.info("language_server.ruff_failed", reason=str(error) or type(error).__name__)
        finally:
            for answer in self._waiting.values():
                answer.cancel()

    async def tell(self, method: str, params: Message) -> None:
        """Passes on what the editor tells of a document: that it was opened, has changed or was closed."""
        uri = str(params["textDocument"]["uri"])
        is_told = uri in self._opened
        if method == "textDocument/didClose":
            self._documents.pop(uri, None)
            self._opened.discard(uri)
        elif method == "textDocument/didOpen" and len(self._documents) < _MAX_DOCUMENTS:
            self._documents[uri] = params["textDocument"]
            await self._open(uri)
        elif method == "textDocument/didChange" and uri in self._documents:
            self._documents[uri] = _changed(self._documents[uri], params)
        if is_told:
            await self._send({"method": method, "params": params})

    def problems_of(self, uri: str, version: object) -> list[Message]:
        """Returns what ruff says against this version of a document; nothing while it has not checked it."""
        problems = self._problems.get(uri)
        if problems is None or problems.version != version:
            return []
        return [_shown(item) for item in problems.items if item.get("code") != _SYNTAX]

    async def edits_of(self, params: Message) -> list[Message]:
        """Returns the edits that format a document; raises NotFormatted."""
        uri = str(params["textDocument"]["uri"])
        edits = await self._ask("textDocument/formatting", params)
        if isinstance(edits, list):
            return edits
        report = await self._ask("textDocument/diagnostic", {"textDocument": {"uri": uri}})
        items = report.get("items", []) if isinstance(report, dict) else []
        for item in items:
            if item.get("code") == _SYNTAX:
                line = item["range"]["start"]["line"] + 1
                raise NotFormatted(f"line {line} cannot be read: {item['message']}")
        return []

    async def fixes_of(self, params: Message) -> list[Message]:
        """Returns what mends the problems at a place; nothing where ruff is away."""
        uri = str(params["textDocument"]["uri"])
        problems = self._problems.get(uri)
        items = [] if problems is None else [one for one in problems.items if _meet(one["range"], params["range"])]
        if not items:
            return []
        try:
            fixes = await self._ask("textDocument/codeAction", {**params, "context": {"diagnostics": items}})
        except NotFormatted:
            return []
        return [_named(fix) for fix in fixes if fix.get("kind") == "quickfix"] if isinstance(fixes, list) else []

    async def _begin(self, program: JailedServer) -> None:
        self._program = program
        await self._ask("initialize", _INITIALIZE)
        await self._send({"method": "initialized", "params": {}})
        self._is_ready = True
        for uri in list(self._documents):
            await self._open(uri)
        # Until ruff ends.
        await asyncio.get_running_loop().create_future()

    async def _open(self, uri: str) -> None:
        if not self._is_ready or uri in self._opened or uri not in self._documents:
            return
        self._opened.add(uri)
        document = {"languageId": "python", **self._documents[uri]}
        await self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    async def _ask(self, method: str, params: Message) -> Any:
        if self._program is None:
            raise NotFormatted("ruff is starting or has ended; try again in some seconds")
        request_id = next(self._ids)
        answer = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        try:
            await self._send({"id": request_id, "method": method, "params": params})
            return await asyncio.wait_for(answer, _ANSWER_SECONDS)
        except (TimeoutError, OSError) as error:
            raise NotFormatted("ruff does not answer; try again in some seconds") from error
        finally:
            self._waiting.pop(request_id, None)

    async def _send(self, message: Message) -> None:
        async with self._sending:
            if self._program is not None:
                await self._program.send(orjson.dumps({"jsonrpc": "2.0", **message}).decode())

    async def _receive(self, text: str) -> None:
        message = parsed(text)
        method, request_id = message.get("method"), message.get("id")
        if method is None:
            answer = self._waiting.get(request_id) if isinstance(request_id, int) else None
            if answer is not None and not answer.done():
                answer.set_result(message.get("result"))
        elif request_id is not None:
            await self._send({"id": request_id, "result": None})
        elif method == "textDocument/publishDiagnostics":
            uri = str(message["params"]["uri"])
            self._problems[uri] = Problems(message["params"].get("version", 0), message["params"]["diagnostics"])
            await self._on_problems(uri)


def parsed(text: str) -> Message:
    """Returns a message of a jail; an empty one for what is none."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def _changed(document: Message, params: Message) -> Message:
    change = params["contentChanges"][-1]
    return {**document, "version": params["textDocument"].get("version", 0), "text": change["text"]}


def _shown(item: Message) -> Message:
    """Returns a problem without the help that `fixes_of` gives, and without what belongs to ruff alone."""
    message = str(item.get("message", "")).partition("\n\nhelp:")[0]
    return {"range": item["range"], "severity": item.get("severity", 2), "source": "ruff", "message": message}


def _named(fix: Message) -> Message:
    """Returns a fix with a title that says what it does; that of a comment which silences a rule keeps its code."""
    code, _, title = str(fix.get("title", "")).partition(": ")
    return fix if title.startswith("Disable") or not code.startswith("Ruff") else {**fix, "title": title}


def _meet(one: Message, other: Message) -> bool:
    def place(position: Message) -> tuple[int, int]:
        return position["line"], position["character"]

    return place(one["start"]) <= place(other["end"]) and place(other["start"]) <= place(one["end"])
