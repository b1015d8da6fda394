"""The newest published client, unmodified, against a running platform: a check per call."""

import ast
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_api.supervisor.testing import Installation
from tests.integration.published_clients.counting import counting_upstream
from tests.integration.published_clients.environments import RECENT, IndexUnreachable, install
from tests.integration.published_clients.preparation import prepare_recent
from tests.memory import quick_directory

CHECKS = Path(__file__).with_name("recent_checks.py")
_MAX_RUN_SECONDS = 600


def calls() -> list[str]:
    """Names of the calls that are checked, in the order of the file."""
    tree = ast.parse(CHECKS.read_text())
    return [
        argument.value
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        for argument in decorator.args
        if isinstance(argument, ast.Constant)
    ]


@pytest.fixture(scope="module")
def report(shop_url: str) -> Iterator[dict[str, str | None]]:
    """What the check of each call found: None, or what went wrong."""
    try:
        python = install(RECENT)
    except IndexUnreachable as error:
        pytest.skip(f"{RECENT} cannot be installed: {error}")
    # PostgreSQL's socket lies below it: pytest's own directories are too deep.
    with tempfile.TemporaryDirectory(prefix="amr-", dir=quick_directory()) as directory, counting_upstream() as url:
        environment = {"ALLOW_PRIVATE_UPSTREAMS": "true"}
        with Installation(Path(directory) / "data", environment=environment) as installation:
            prepared = prepare_recent(installation, shop_url, url)
            settings = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "HOME", "TZ")}
            done = subprocess.run(
                [python, "-B", CHECKS],
                input=json.dumps(prepared.facts),
                env={**settings, **prepared.environment},
                cwd=prepared.directory,
                capture_output=True,
                text=True,
                timeout=_MAX_RUN_SECONDS,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-4000:]
            yield json.loads(done.stdout)


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("call", calls())
def test_a_call_of_the_newest_client_is_served(call: str, report: dict[str, str | None]) -> None:
    assert report[call] is None, f"{call}\n{report[call]}"


_AI = {"ai.call", "ai.generate", "ai.generate_stream", "ai.stream"}
_NOT_CHECKED = {
    "close",
    # Request builders below calls that are checked: they take the same way.
    "integrations.invoke_parallel_call",
    "integrations.invoke_parallel_call_for_connection",
    # Plugins are invoked in the run that asks; there is no call for it.
    "plugins.invoke_runtime_plugin",
    # The cache's, by inheritance.
    "task.delete",
    "task.get",
    "task.set",
}
_NAMES = """
import inspect, json, sys
import automio.wrapper
api = automio.wrapper.API()
found = []
groups = "tables integrations plugins actions files runtime app_cache org_cache task ai".split()
groups.append("")
for group in groups:
    owner = getattr(api, group) if group else api
    for name in dir(owner):
        if not name.startswith("_") and "http_info" not in name and "preload" not in name:
            if inspect.ismethod(getattr(owner, name)):
                found.append(f"{group}.{name}" if group else name)
json.dump(found, sys.stdout)
"""


def test_every_call_of_the_newest_client_is_checked_or_known_to_be_left_out() -> None:
    try:
        python = install(RECENT)
    except IndexUnreachable as error:
        pytest.skip(f"{RECENT} cannot be installed: {error}")
    settings = {"APP_TOKEN": "t", "APP_ID": "1", "CACHE_SERVICE_URL": "http://127.0.0.1:9"}
    command = [python, "-B", "-I", "-c", _NAMES]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    names = set(json.loads(done.stdout))
    assert len(names) > 60
    assert names - set(calls()) == _AI | _NOT_CHECKED
