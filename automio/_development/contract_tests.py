"""Runs contract tests of plugins: a capability's arguments, recorded answers of services, and the expected result.

They are in `plugins/tests/<namespace>_<integration>.json` and need no network:

    {"cases": [{"name": "the latest orders", "capability": "fetch", "connection_ids": [1], "payload": {"limit": 2},
                "answers": [{"method": "GET", "endpoint": "/orders", "params": {"limit": 2}, "json": {"orders": []}}],
                "result": []}]}

Instead of `result` a case may have `error`, the name of the expected exception.
"""

import ast
import asyncio
import copy
import importlib
import inspect
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from automio._decode import as_list, as_object
from automio._development.code import Function, capabilities_of, functions_of, mismatches
from automio._development.recordings import NotRecorded, RecordedPlatform, Recorder
from automio._exceptions import AutomioError
from automio._http import tls_context
from automio._sandbox.tracebacks import describe
from automio._sandbox.values import NotJson, to_json
from automio._settings import Settings
from automio.wrapper import API, AsyncAPI

TESTS = "plugins/tests"


class ContractTestError(AutomioError):
    """Reports that a file of contract tests, or its plugin or interface, cannot be used; the message says why."""


@dataclass(frozen=True)
class PluginFiles:
    """Holds the files of a plugin: its code, its interface and its tests."""

    root: Path
    namespace: str
    integration: str

    @property
    def module(self) -> str:
        return f"{self.namespace}_{self.integration}"

    @property
    def interface_path(self) -> str:
        return f"plugins/interfaces/{self.namespace}.py"

    @property
    def path(self) -> str:
        return f"plugins/{self.module}.py"

    @property
    def tests_path(self) -> str:
        return f"{TESTS}/{self.module}.json"

    def read(self, path: str) -> str:
        """Returns the text of a file; raises ContractTestError when it does not exist."""
        try:
            return (self.root / path).read_text()
        except FileNotFoundError:
            raise ContractTestError(f"There is no {path} here.", hint="`automio pull` fetches what exists.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ContractTestError(f"{path} cannot be read: {error}.") from error

    def cases(self) -> list[dict[str, Any]]:
        """Returns the test cases of the plugin; none when it has no tests."""
        if not (self.root / self.tests_path).exists():
            return []
        try:
            content = json.loads(self.read(self.tests_path))
        except ValueError as error:
            raise ContractTestError(f"{self.tests_path} is not JSON: {error}.") from error
        cases = [as_object(case) for case in as_list(as_object(content).get("cases"))]
        for number, case in enumerate(cases, 1):
            if not isinstance(case.get("capability"), str):
                raise ContractTestError(f"{self.tests_path}: case {number} has no `capability`.")
            if ("result" in case) == ("error" in case):
                raise ContractTestError(f"{self.tests_path}: case {number} needs either `result` or `error`.")
        return cases

    def save(self, cases: Iterable[Mapping[str, Any]]) -> None:
        """Replaces the test cases of the plugin."""
        file = self.root / self.tests_path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"cases": list(cases)}, indent=2) + "\n")


@dataclass(frozen=True)
class Outcome:
    """Describes the outcome of a test case: `wrong` says what failed, None when it passed."""

    name: str
    wrong: str | None = None
    notes: tuple[str, ...] = ()


def find_plugins(root: Path) -> list[PluginFiles]:
    """Returns the plugins in a folder."""
    namespaces = [file.stem for file in (root / "plugins/interfaces").glob("*.py")]
    plugins = []
    for file in sorted((root / "plugins").glob("*.py")):
        fitting = [namespace for namespace in namespaces if file.stem.startswith(f"{namespace}_")]
        if fitting:
            namespace = max(fitting, key=len)
            plugins.append(PluginFiles(root, namespace, file.stem.removeprefix(f"{namespace}_")))
    return plugins


def check_contract(plugin: PluginFiles) -> list[str]:
    """Returns where the plugin's functions do not accept the calls of its interface, with file and line."""
    interface, code = plugin.read(plugin.interface_path), plugin.read(plugin.path)
    return mismatches(code, interface, plugin_path=plugin.path, interface_path=plugin.interface_path)


def run_cases(plugin: PluginFiles) -> Iterator[Outcome]:
    """Runs the plugin's test cases with their recorded answers and yields the outcomes."""
    for number, case in enumerate(plugin.cases(), 1):
        yield _run_case(plugin, case, str(case.get("name") or f"case {number}"))


def record_case(plugin: PluginFiles, case: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Runs a test case with real calls; returns it with their answers and its result."""
    recorder = Recorder(httpx.HTTPTransport(verify=tls_context(settings)), plugin.integration)
    with _modules_of(plugin), API(settings=settings, transport=recorder) as api:
        outcome = _call(plugin, case, api)
    recorded = {name: value for name, value in case.items() if name not in ("answers", "result", "error")}
    return {
        **recorded,
        "answers": recorder.answers,
        **{name: outcome[name] for name in ("result", "error") if name in outcome},
    }


def _run_case(plugin: PluginFiles, case: Mapping[str, Any], name: str) -> Outcome:
    recorded = RecordedPlatform([as_object(answer) for answer in as_list(case.get("answers"))], plugin.integration)
    settings = Settings(base_url="http://recorded.invalid", token="recorded", app_id=1)
    with _modules_of(plugin), API(settings=settings, transport=recorded.transport) as api:
        outcome = _call(plugin, case, api, async_transport=recorded.transport)
    notes = tuple(f"recorded but not called: {call}" for call in recorded.unused())
    if recorded.refused:
        # Also when the plugin caught the error: its calls differ from the recorded ones.
        return Outcome(name, f"not recorded: {', '.join(dict.fromkeys(recorded.refused))}", notes)
    return Outcome(name, _difference(case, outcome), notes)


def _difference(case: Mapping[str, Any], outcome: Mapping[str, Any]) -> str | None:
    if "error" in case:
        if outcome.get("error") == case["error"]:
            return None
        is_error = "error" in outcome
        actual = f"it raised {outcome['traceback']}" if is_error else f"it returned {json.dumps(outcome['result'])}"
        return f"{case['error']} was expected, but {actual}"
    if "error" in outcome:
        return str(outcome["traceback"])
    if outcome["result"] == case["result"]:
        return None
    return f"expected {json.dumps(case['result'])}\n     but got {json.dumps(outcome['result'])}"


def _call(plugin: PluginFiles, case: Mapping[str, Any], api: API, *, async_transport: Any = None) -> dict[str, Any]:
    """Calls the capability; returns its result as JSON, or the name and traceback of the exception."""
    name = f"{plugin.namespace}.{case['capability']}"
    payload = as_object(case.get("payload"))
    connections = as_list(case.get("connection_ids"))
    try:
        value = api.plugins.invoke(name, plugin.integration, connection_ids=connections, **payload)
        if inspect.iscoroutine(value):
            value.close()
            value = asyncio.run(_invoke_async(name, plugin.integration, connections, payload, api, async_transport))
        if isinstance(value, Iterator):
            value = list(value)
        return {"result": json.loads(to_json(value))}
    except NotRecorded:
        return {"result": None}
    except NotJson as error:
        return {"error": "NotJson", "traceback": f"the result cannot be written as JSON: {error}"}
    except Exception as error:
        return {"error": type(error).__name__, "traceback": describe(error, bundle=str(plugin.root.resolve()))}


async def _invoke_async(
    name: str, integration: str, connections: list[Any], payload: Mapping[str, Any], api: API, transport: Any
) -> Any:
    async with AsyncAPI(settings=api.settings, transport=transport) as asynchronous:
        return await asynchronous.plugins.invoke(name, integration, connection_ids=connections, **payload)


@contextmanager
def _modules_of(plugin: PluginFiles) -> Iterator[None]:
    """Makes the folder's plugins importable, and no others; unloads them afterwards."""
    root = str(plugin.root.resolve())
    # Imported by name, as the client also works without the package `plugins`.
    plugins = importlib.import_module("plugins")
    sys.path.insert(0, root)
    plugins.use_source(lambda name, client: None)
    was_writing, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        plugins.use_source(None)
        sys.dont_write_bytecode = was_writing
        sys.path.remove(root)
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(f"{root}/"):
                del sys.modules[name]
                parent, _, child = name.rpartition(".")
                if parent in sys.modules:
                    sys.modules[parent].__dict__.pop(child, None)
        importlib.invalidate_caches()


def write_skeleton(plugin: PluginFiles) -> None:
    """Writes a new plugin with the functions of its interface, and its first test cases."""
    interface = plugin.read(plugin.interface_path)
    for path in (plugin.path, plugin.tests_path):
        if (plugin.root / path).exists():
            raise ContractTestError(f"{path} exists already and is not overwritten.")
    functions = functions_of(interface, plugin.interface_path)
    capabilities = capabilities_of(interface, plugin.interface_path)
    if not capabilities:
        raise ContractTestError(
            f"{plugin.interface_path} has no function that takes `connection_ids`, so there is nothing to implement."
        )
    (plugin.root / plugin.path).write_text(_skeleton(plugin, [functions[name] for name in capabilities]))
    plugin.save(_first_case(functions[name]) for name in capabilities if is_abstract(functions[name]))


def is_abstract(function: Function) -> bool:
    """Tells whether plugins must implement a function: its body raises NotImplementedError, or does nothing."""
    body = [
        part for part in function.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
    ]
    if not body or all(isinstance(part, ast.Pass) for part in body):
        return True
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.unparse(body[0])


def _skeleton(plugin: PluginFiles, functions: Iterable[Function]) -> str:
    parts = [
        f'"""{plugin.namespace.capitalize()} of {plugin.integration}."""\n\n'
        f"from plugins.interfaces.{plugin.namespace} import *\n"
    ]
    for function in functions:
        if is_abstract(function):
            parts.append(f"{ast.unparse(_without_body(function))}\n")
        else:
            head = ast.unparse(_without_body(function)).partition("\n")[0]
            parts.append(f"# {function.name}() of the interface is used; to replace it:\n# {head}\n")
    return "\n\n".join(parts)


def _without_body(function: Function) -> Function:
    bare = copy.deepcopy(function)
    documentation = bare.body[:1] if ast.get_docstring(function) is not None else []
    bare.body = [*documentation, *ast.parse("raise NotImplementedError").body]
    bare.decorator_list = []
    return bare


def _first_case(function: Function) -> dict[str, Any]:
    return {
        "name": f"{function.name}: replace with real calls (automio plugin test --record) and their result",
        "capability": function.name,
        "connection_ids": [1],
        "payload": {},
        "answers": [],
        "error": "NotImplementedError",
    }
