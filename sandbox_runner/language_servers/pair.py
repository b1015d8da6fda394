"""Makes one language server of two: pyrefly knows types and names, ruff formats and checks."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson

from sandbox_runner.jails.jail import JailFactory
from sandbox_runner.language_servers.ruff import Message, NotFormatted, Ruff, parsed
from sandbox_runner.language_servers.server import LanguageServer

_DOCUMENTS = frozenset({"textDocument/didOpen", "textDocument/didChange", "textDocument/didClose"})
_PROBLEMS = "textDocument/publishDiagnostics"
_FORMATTING = "textDocument/formatting"
_FIXES = "textDocument/codeAction"
_REQUEST_FAILED = -32803


class Pair:
    """Carries an editor's messages to both, and what both answer to the editor as one answer."""

    def __init__(
        self, server: LanguageServer, ruff: JailFactory, to_editor: Callable[[str], Coroutine[Any, Any, None]]
    ) -> None:
        self._server = server
        self._to_editor = to_editor
        self._ruff = Ruff(ruff, self._checked)
        self._published: dict[str, Message] = {}
        self._fixes: dict[object, asyncio.Task[list[Message]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._later(self._ruff.run())

    async def from_editor(self, text: str) -> None:
        """Carries a message of the editor; raises OSError, TimeoutError when pyrefly is gone."""
        message = parsed(text)
        method, params = message.get("method"), message.get("params")
        if method == _FORMATTING and isinstance(params, dict):
            self._later(self._format(message["id"], params))
            return
        if method in _DOCUMENTS and isinstance(params, dict):
            await self._ruff.tell(method, params)
        elif method == _FIXES and isinstance(params, dict):
            self._fixes[message["id"]] = self._later(self._ruff.fixes_of(params))
        await self._server.program.send(text)

    async def from_server(self, text: str) -> None:
        """Carries a message of pyrefly, with what ruff has to add."""
        # Long lists of completion are not read here.
        if self._fixes or _PROBLEMS in text:
            text = await self._joined(text)
        await self._to_editor(text)

    async def close(self) -> None:
        """Ends ruff, and what is still asked of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _joined(self, text: str) -> str:
        message = parsed(text)
        if message.get("method") == _PROBLEMS and isinstance(message.get("params"), dict):
            self._published[str(message["params"].get("uri"))] = message["params"]
            return self._problems(message["params"])
        fixes = self._fixes.pop(message.get("id"), None) if "method" not in message else None
        if fixes is None:
            return text
        known = message.get("result") or []
        titles = {fix.get("title") for fix in known}
        return _text({**message, "result": [*known, *(fix for fix in await fixes if fix.get("title") not in titles)]})

    async def _checked(self, uri: str) -> None:
        """Tells the editor what ruff says of what pyrefly has read already; else pyrefly's message will."""
        params = self._published.get(uri)
        if params is not None and self._ruff.problems_of(uri, params.get("version")):
            await self._to_editor(self._problems(params))

    def _problems(self, params: Message) -> str:
        found = self._ruff.problems_of(str(params.get("uri")), params.get("version"))
        return _text({"method": _PROBLEMS, "params": {**params, "diagnostics": [*params["diagnostics"], *found]}})

    async def _format(self, request_id: object, params: Message) -> None:
        try:
            answer: Message = {"result": await self._ruff.edits_of(params)}
        except NotFormatted as error:
            answer = {"error": {"code": _REQUEST_FAILED, "message": str(error)}}
        await self._to_editor(_text({"id": request_id, **answer}))

    def _later(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _text(message: Message) -> str:
    return orjson.dumps({"jsonrpc": "2.0", **message}).decode()
