"""Scripts written for the published clients call ours the same way: names and order of arguments agree."""

import inspect
import json
import subprocess
from collections.abc import Iterator

import pytest

from automio.wrapper import API
from tests.integration.published_clients.environments import EACH_CLIENT, IndexUnreachable, PublishedClient, install

DUMP = """
import importlib, inspect, json, sys
api = importlib.import_module(sys.argv[1] + ".wrapper").API()
found = {}
for group in ("tables", "integrations", "plugins", "actions", "app_cache", "user_cache", "task", ""):
    owner = getattr(api, group) if group else api
    for name in dir(owner):
        method = getattr(owner, name)
        if name.startswith("_") or not inspect.ismethod(method) or "http_info" in name or "preload" in name:
            continue
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        found[f"{group}.{name}"] = [
            parameter.name
            for parameter in inspect.signature(method).parameters.values()
            if parameter.kind in kinds and not parameter.name.startswith("_")
        ]
json.dump(found, sys.stdout)
"""

# What the published clients have by accident of how they are made: request builders without the wrapper's
# conveniences (`actions_list` and `actions_runs_status_retrieve` are kept, being the only working way to what they
# do), and the cache's methods on `task`.
LEFT_OUT = {
    "actions.actions_run_code_stream",
    "actions.actions_run_create",
    "integrations.integrations_call_create",
    "integrations.invoke_parallel_call",
    "integrations.invoke_parallel_call_for_connection",
    "task.delete",
    "task.get",
    "task.set",
}


@pytest.fixture(scope="module", params=EACH_CLIENT)
def published(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    client: PublishedClient = request.param
    try:
        python = install(client)
    except IndexUnreachable as error:
        pytest.skip(f"{client} cannot be installed: {error}")
    settings = {
        "API_BASE_URL": "http://127.0.0.1:9",
        "APP_TOKEN": "t",
        "APP_ID": "1",
        "CACHE_SERVICE_URL": "http://c",
    }
    command = [python, "-B", "-I", "-c", DUMP, client.package]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.fixture
def api() -> Iterator[API]:
    with API(base_url="http://127.0.0.1:9", token="t", app_id=1) as made:
        yield made


def test_every_published_method_takes_the_same_arguments(published: dict[str, list[str]], api: API) -> None:
    assert len(published) > 30
    for name, parameters in published.items():
        if name in LEFT_OUT:
            continue
        group, _, method = name.partition(".")
        owner = getattr(api, group) if group else api
        assert hasattr(owner, method), f"{name} is missing"
        ours = list(inspect.signature(getattr(owner, method)).parameters)
        assert ours[: len(parameters)] == parameters, name


def test_what_is_left_out_is_there_to_leave_out(published: dict[str, list[str]], api: API) -> None:
    assert published.keys() >= LEFT_OUT
    for name in LEFT_OUT:
        group, _, method = name.partition(".")
        assert not hasattr(getattr(api, group), method), f"{name} is there"
