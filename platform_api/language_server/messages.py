"""Decides which messages pass between an editor and its language server. Pure: no sockets, no database.

The editor is a browser that may send anything. What could make a language server start a program or read a file is
decided here: `initialize` is written anew, settings are answered from here, and every URI must be a Python file of
the app's source.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

ROOT = "file:///automio/bundle/source"
"""The app's source, as the language server sees it."""
MAX_BYTES = 1024 * 1024
MAX_PENDING = 64
_MAX_DEPTH = 40

PARSE_ERROR, INVALID_REQUEST, METHOD_REFUSED, INVALID_PARAMS, BUSY = -32700, -32600, -32601, -32602, -32803

Message: TypeAlias = dict[str, Any]
Id: TypeAlias = int | str

_URI = re.compile(re.escape(ROOT) + r"(?:/[A-Za-z0-9_][A-Za-z0-9_.\-]*)+\.pyi?")
_IS_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:/")
_URI_KEYS = frozenset({"uri", "targetUri", "oldUri", "newUri", "rootUri", "scopeUri", "baseUri"})

REQUESTS = frozenset(
    {
        "initialize",
        "shutdown",
        "completionItem/resolve",
        *(
            f"textDocument/{name}"
            for name in (
                *("completion", "hover", "signatureHelp", "definition", "references"),
                *("prepareRename", "rename", "codeAction", "formatting"),
            )
        ),
    }
)
NOTIFICATIONS = frozenset(
    {
        "initialized",
        "$/cancelRequest",
        *(f"textDocument/{name}" for name in ("didOpen", "didChange", "didClose", "didSave")),
    }
)
_FORWARDED = frozenset({"textDocument/publishDiagnostics"})
_ACKNOWLEDGED = frozenset(
    {"client/registerCapability", "client/unregisterCapability", "window/workDoneProgress/create"}
)

_CAPABILITIES: Message = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {
        "configuration": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "workspaceEdit": {"documentChanges": False},
    },
    "textDocument": {
        "synchronization": {"didSave": True},
        "completion": {
            "contextSupport": True,
            "completionItem": {
                "snippetSupport": False,
                "documentationFormat": ["markdown", "plaintext"],
                "resolveSupport": {"properties": ["documentation", "detail"]},
            },
        },
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "signatureHelp": {
            "signatureInformation": {
                "documentationFormat": ["markdown", "plaintext"],
                "parameterInformation": {"labelOffsetSupport": True},
                "activeParameterSupport": True,
            }
        },
        "definition": {"linkSupport": False},
        "rename": {"prepareSupport": True},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}}},
        "publishDiagnostics": {},
    },
}
_SETTINGS: Message = {"pyrefly": {"displayTypeErrors": "force-on"}}
_INITIALIZE: Message = {
    "processId": None,
    "clientInfo": {"name": "automio"},
    "rootUri": ROOT,
    "workspaceFolders": [{"uri": ROOT, "name": "app"}],
    "capabilities": _CAPABILITIES,
    "initializationOptions": _SETTINGS,
}


class Refused(Exception):
    """Reports a message that is not passed on."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Passage:
    """Holds what follows from a message: what the language server gets, and what the editor gets."""

    to_server: str | None = None
    to_editor: str | None = None


class Gate:
    """Judges the messages of one editor and one language server, and remembers which requests wait."""

    def __init__(self) -> None:
        self._pending: set[Id] = set()

    def from_editor(self, text: str) -> Passage:
        """Returns what follows from a message of the editor."""
        message: object = None
        try:
            message = _parsed(text)
            checked = self._checked(message)
        except Refused as refusal:
            request_id = message.get("id") if isinstance(message, dict) else None
            if isinstance(message, dict) and "id" not in message:
                # A notification has no answer.
                return Passage()
            return Passage(to_editor=_error(request_id, refusal))
        return Passage(to_server=None if checked is None else _text(checked))

    def from_server(self, text: str) -> Passage:
        """Returns what follows from a message of the language server. User code may have influenced it."""
        try:
            message = _parsed(text)
        except Refused:
            return Passage()
        if not isinstance(message, dict):
            return Passage()
        method, request_id = message.get("method"), message.get("id")
        if method is None:
            if not isinstance(request_id, int | str) or request_id not in self._pending:
                return Passage()
            self._pending.discard(request_id)
            return Passage(to_editor=_text(_harmless(message)))
        if request_id is not None:
            return Passage(to_server=_text(_answer(method, request_id, message.get("params"))))
        if method in _FORWARDED and _is_of_app(_uri_of(message)):
            return Passage(to_editor=text)
        return Passage()

    def _checked(self, message: object) -> Message | None:
        if isinstance(message, list):
            raise Refused(INVALID_REQUEST, "a batch of messages is not accepted; send each by itself")
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            raise Refused(INVALID_REQUEST, 'a message is an object with "jsonrpc": "2.0"')
        method = message.get("method")
        if method is None:
            # An answer: the server's requests are answered here, so the editor has none to give.
            return None
        params = message.get("params")
        if "id" not in message:
            if method not in NOTIFICATIONS:
                return None
            _check_uris(params)
            return {"jsonrpc": "2.0", "method": method, "params": params if params is not None else {}}
        return self._request(method, message["id"], params)

    def _request(self, method: object, request_id: object, params: object) -> Message:
        if isinstance(request_id, bool) or not isinstance(request_id, int | str) or len(str(request_id)) > 100:
            raise Refused(INVALID_REQUEST, "the id of a request is a number or a short text")
        if not isinstance(method, str) or method not in REQUESTS:
            raise Refused(METHOD_REFUSED, f"{str(method)[:60]} is not open to editors")
        if request_id in self._pending:
            raise Refused(INVALID_REQUEST, "a request with this id is still waiting")
        if len(self._pending) >= MAX_PENDING:
            raise Refused(BUSY, f"{MAX_PENDING} requests are waiting; send this one again later")
        if method == "initialize":
            params = _INITIALIZE
        else:
            _check_uris(params)
        self._pending.add(request_id)
        request: Message = {"jsonrpc": "2.0", "id": request_id, "method": method}
        return request if method == "shutdown" else {**request, "params": params}


def changed_files(paths: dict[str, int]) -> str:
    """Returns the notification that files of the workspace have changed: URI to 1 (new), 2 (changed), 3 (gone)."""
    changes = [{"uri": uri, "type": kind} for uri, kind in paths.items()]
    return _text({"jsonrpc": "2.0", "method": "workspace/didChangeWatchedFiles", "params": {"changes": changes}})


def _parsed(text: str) -> object:
    try:
        parsed: object = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Refused(PARSE_ERROR, "the message is no JSON") from error
    return parsed


def _text(message: Message) -> str:
    return orjson.dumps(message).decode()


def _error(request_id: object, refusal: Refused) -> str:
    shown = request_id if isinstance(request_id, int | str) and len(str(request_id)) <= 100 else None
    return _text({"jsonrpc": "2.0", "id": shown, "error": {"code": refusal.code, "message": str(refusal)}})


def _check_uris(params: object) -> None:
    """Raises Refused unless every URI in `params` is that of a Python file of the app's source."""
    for uri in _uris(params):
        if not _is_of_app(uri):
            raise Refused(
                INVALID_PARAMS, f"{str(uri)[:100]!r} must be a Python file of the app, as in {ROOT}/main.py"
            )


def _is_of_app(uri: object) -> bool:
    return isinstance(uri, str) and _URI.fullmatch(uri) is not None


def _uris(value: object, depth: int = 0) -> Iterator[object]:
    """Yields what stands where a URI belongs, and the keys of edits that are URIs."""
    if depth > _MAX_DEPTH:
        raise Refused(INVALID_PARAMS, f"the message is nested more than {_MAX_DEPTH} deep")
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _URI_KEYS:
                yield item
            elif _IS_URI.match(key):
                yield key
            yield from _uris(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _uris(item, depth + 1)


def _uri_of(message: Message) -> object:
    params = message.get("params")
    return params.get("uri") if isinstance(params, dict) else None


def _harmless(message: Message) -> Message:
    """Returns an answer without edits of what is no file of the app, and without commands to execute."""
    result = message.get("result")
    changes = result.get("changes") if isinstance(result, dict) else None
    if isinstance(changes, dict) and not all(map(_is_of_app, changes)):
        error = {"code": INVALID_PARAMS, "message": "this is defined outside of the app and cannot be renamed"}
        return {"jsonrpc": "2.0", "id": message["id"], "error": error}
    if not isinstance(result, list):
        return message
    kept = [
        {key: value for key, value in item.items() if key != "command"}
        for item in result
        if isinstance(item, dict) and not isinstance(item.get("command"), str)
    ]
    return {**message, "result": kept} if all(isinstance(item, dict) for item in result) else message


def _answer(method: str, request_id: object, params: object) -> Message:
    answer: Message = {"jsonrpc": "2.0", "id": request_id}
    if method == "workspace/configuration":
        items = params.get("items", []) if isinstance(params, dict) else []
        return {**answer, "result": [_SETTINGS] * len(items)}
    if method in _ACKNOWLEDGED:
        return {**answer, "result": None}
    return {**answer, "error": {"code": METHOD_REFUSED, "message": f"{method} is not served here"}}
