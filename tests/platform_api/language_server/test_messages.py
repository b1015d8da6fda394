"""What passes between an editor and a language server, as pure functions."""

import json
from typing import Any

import pytest

from platform_api.language_server.messages import MAX_PENDING, ROOT, Gate
from platform_api.language_server.models import Known, KnownIntegration, KnownTable
from platform_api.language_server.stubs import NAMES, ROWS, class_name, stub_files


def request(method: str, params: Any = None, request_id: Any = 1) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})


def at(uri: str) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}


def passed(gate: Gate, text: str) -> dict[str, Any] | None:
    passage = gate.from_editor(text)
    return None if passage.to_server is None else json.loads(passage.to_server)


def refused(gate: Gate, text: str) -> int:
    passage = gate.from_editor(text)
    assert passage.to_server is None and passage.to_editor is not None
    code: int = json.loads(passage.to_editor)["error"]["code"]
    return code


def test_initialize_is_the_platforms_own() -> None:
    sent = {"rootUri": "file:///", "initializationOptions": {"pythonPath": "/bin/sh"}, "capabilities": {"x": 1}}
    begun = passed(Gate(), request("initialize", sent))
    assert begun is not None
    assert begun["params"]["rootUri"] == ROOT and "pythonPath" not in json.dumps(begun)


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "file:///etc/passwd.py",
        f"{ROOT}/../x.py",
        f"{ROOT}/a/../../x.py",
        f"{ROOT}/%2e%2e/x.py",
        f"{ROOT}/pyrefly.toml",
        f"{ROOT}/.hidden.py",
        f"{ROOT}//etc/passwd.py",
        f"{ROOT}/x.py?y",
        "untitled:x.py",
        "",
        None,
        {"path": "x"},
        [f"{ROOT}/x.py"],
    ],
)
def test_other_uris_are_refused_wherever_they_stand(uri: Any) -> None:
    gate = Gate()
    assert refused(gate, request("textDocument/hover", at(uri))) == -32602
    nested = {
        **at(f"{ROOT}/x.py"),
        "context": {"diagnostics": [{"relatedInformation": [{"location": {"uri": uri}}]}]},
    }
    assert refused(gate, request("textDocument/codeAction", nested)) == -32602
    notification = json.dumps({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": at(uri)})
    assert gate.from_editor(notification).to_server is None


def test_files_of_the_app_pass() -> None:
    for path in ("x.py", "inner/deep-er/mod_1.pyi"):
        assert passed(Gate(), request("textDocument/definition", at(f"{ROOT}/{path}"))) is not None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", -32600),
        ("{", -32700),
        ('"x"', -32600),
        ('{"id": 1, "method": "shutdown"}', -32600),
        (request("workspace/executeCommand", {}), -32601),
        (request("workspace/symbol", {}), -32601),
        (request("shutdown", None, True), -32600),
        (request("shutdown", None, "x" * 101), -32600),
        (request("textDocument/hover", json.loads("[" * 50 + "]" * 50)), -32602),
    ],
)
def test_what_is_no_message_for_an_editor_is_answered(text: str, code: int) -> None:
    assert refused(Gate(), text) == code


def test_requests_that_wait_are_counted() -> None:
    gate = Gate()
    for number in range(MAX_PENDING):
        assert passed(gate, request("textDocument/hover", at(f"{ROOT}/x.py"), number)) is not None
    assert refused(gate, request("textDocument/hover", at(f"{ROOT}/x.py"), "one more")) == -32803
    assert gate.from_server('{"jsonrpc": "2.0", "id": 0, "result": null}').to_editor is not None
    assert passed(gate, request("textDocument/hover", at(f"{ROOT}/x.py"), "one more")) is not None
    # An answer that nobody waits for.
    assert gate.from_server('{"jsonrpc": "2.0", "id": 0, "result": null}').to_editor is None


def test_the_server_is_answered_and_only_its_problems_reach_the_editor() -> None:
    gate = Gate()
    asked = {"items": [{"section": "python"}, {"section": "pyrefly"}]}
    configuration = gate.from_server(request("workspace/configuration", asked, 5)).to_server
    assert configuration is not None and len(json.loads(configuration)["result"]) == 2
    assert gate.from_server(request("workspace/applyEdit", {}, 6)).to_editor is None
    for method, uri in (
        ("window/showMessage", f"{ROOT}/x.py"),
        ("textDocument/publishDiagnostics", "file:///automio/site/x.py"),
    ):
        assert (
            gate.from_server(json.dumps({"jsonrpc": "2.0", "method": method, "params": {"uri": uri}})).to_editor
            is None
        )
    problems = {"jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": {"uri": f"{ROOT}/x.py"}}
    assert gate.from_server(json.dumps(problems)).to_editor is not None
    assert gate.from_server("{").to_editor is None


def test_commands_and_edits_of_the_library_are_left_out() -> None:
    gate = Gate()
    passed(gate, request("textDocument/codeAction", at(f"{ROOT}/x.py")))
    fixes = [{"title": "a", "command": {"command": "x"}}, {"title": "b", "command": "x"}]
    answer = gate.from_server(json.dumps({"jsonrpc": "2.0", "id": 1, "result": fixes})).to_editor
    assert answer is not None and json.loads(answer)["result"] == [{"title": "a"}]
    passed(gate, request("textDocument/rename", at(f"{ROOT}/x.py")))
    edit = {"changes": {"file:///automio/bundle/stubs/automio/_tables.py": []}}
    answer = gate.from_server(json.dumps({"jsonrpc": "2.0", "id": 1, "result": edit})).to_editor
    assert answer is not None and "outside" in json.loads(answer)["error"]["message"]


def test_modules_with_names_are_python_whatever_the_names_are() -> None:
    quote = "x'\"\\\n__import__('os').system('x')"
    known = Known(
        tables=(
            KnownTable("order_lines", (("id", "uuid"), ("class", "integer"), (quote, "json"))),
            KnownTable("1x", ()),
        ),
        integrations=(KnownIntegration("shop", ("/v1/orders", quote)),),
    )
    files = stub_files(known)
    for text in files.values():
        compile(text, "stub", "exec")
    spaces: dict[str, Any] = {}
    exec(files[ROWS], spaces)
    assert spaces["OrderLines"].__annotations__.keys() == {"id", "class", quote}
    names: dict[str, Any] = {}
    exec(files[NAMES], names)
    assert class_name("1x") == "Table1x"
    assert "TableName: TypeAlias = str" in stub_files(Known())[NAMES]
