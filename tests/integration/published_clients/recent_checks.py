"""One check per call of the newest published client, made with the client as it is.

It runs as `checks.py` does: in a virtual environment of the client's own, or as an action in the sandbox. A report
says per call null, or what went wrong.
"""

import importlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
import traceback
import uuid

CHECKS = {}
FACTS = {}
api = automio = wrapper = requests = None
# Below the first of the pauses that the client makes when it tries again.
MAX_CHECK_SECONDS = 14
UPLOAD = b"\x89PNG\r\n\x1a\n" + bytes(24)


def check(*calls):
    """Registers a check of `calls`; each is a name of the client's, such as `files.upload`."""

    def register(function):
        for call in calls:
            CHECKS[call] = function
        return function

    return register


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def raises(kind, function):
    try:
        function()
    except kind as error:
        return error
    raise AssertionError(f"nothing was raised, expected {kind.__name__}")


def took_too_long(*_):
    raise AssertionError(f"no end within {MAX_CHECK_SECONDS} s: the client sleeps 15 s and more after a wrong status")


def shop():
    return api.integrations.get_integration("sample_shop")


def counted(name):
    """How often the upstream was asked for `name` by now."""
    data, response = api.integrations.call(counter(), method="GET", endpoint="/count", params={"name": name})
    expect(response.ok, response.text)
    return data["count"]


def counter():
    return api.integrations.get_integration("counter")


@check("integrations.get_integrations", "integrations.get_integration", "integrations.get_integration_status")
def _():
    listed = [one.integration_id for one in api.integrations.get_integrations(page=1, per_page=100).results]
    expect("sample_shop" in listed, listed)
    for read in (api.integrations.get_integration, api.integrations.get_integration_status):
        for reference in (FACTS["connection_id"], str(FACTS["connection_id"]), "sample account", None):
            found = read("sample_shop", connection_id=reference)
            expect(found.connected_accounts == [FACTS["connection_id"]], found)
            expect(found.user_connections == {FACTS["connection_id"]: "sample account"}, found.user_connections)


@check(
    "integrations.my_connections",
    "integrations.table_connections",
    "integrations.get_table_connections",
)
def _():
    (connection,) = api.integrations.my_connections("sample_shop")
    expect((connection.id, connection.name) == (FACTS["connection_id"], "sample account"), connection)
    ((organization, connections),) = api.integrations.get_table_connections(shop(), "orders").items()
    expect(organization == str(FACTS["organization_id"]) and connections[0].id == connection.id, connections)


@check("integrations.call")
def _():
    data, response = api.integrations.call(shop(), method="GET", endpoint="/v1/orders", params={"page": 1})
    expect(response.ok and data["items"], response.text)
    expect((response.outcome, response.business_ok) == ("succeeded", True), response)
    expect(uuid.UUID(response.invocation_id), response)
    data, response = api.integrations.call(shop(), method="GET", endpoint="/v1/nothing-here")
    expect((response.status_code, response.outcome, response.business_ok) == (404, "failed", False), response)


@check("integrations.call idempotency_key")
def _():
    key = f"key-{uuid.uuid4()}"
    answers = [
        api.integrations.call(counter(), method="POST", endpoint="/count", data={"name": key}, idempotency_key=key)
        for _ in range(3)
    ]
    expect({json.dumps(data) for data, _ in answers} == {'{"count": 1}'}, answers)
    expect(len({response.invocation_id for _, response in answers}) == 1, answers)
    expect(counted(key) == 1, counted(key))
    reused = raises(
        wrapper.IntegrationAccessError,
        lambda: api.integrations.call(
            counter(), method="POST", endpoint="/count", data={"name": "other"}, idempotency_key=key
        ),
    )
    expect((reused.code, reused.status) == ("idempotency_key_reused", 409), (reused.code, reused.status))


@check("integrations.call raw_body")
def _():
    data, response = api.integrations.call(
        counter(), method="PUT", endpoint="/echo", raw_body=UPLOAD, headers={"Content-Type": "image/png"}
    )
    expect(data == UPLOAD, (data, response))
    headers = {name.lower(): value for name, value in response.headers.items()}
    expect(headers["content-type"] == "image/png", headers)


@check("integrations.call files")
def _():
    _, response = api.integrations.call(
        counter(), method="POST", endpoint="/echo", files={"picture": ("a.png", UPLOAD, "image/png")}
    )
    expect(response.ok, response)


@check("integrations.invoke")
def _():
    key = f"op-{uuid.uuid4()}"
    for _ in range(2):
        arguments = {"name": key, "times": 2}
        data, response = api.integrations.invoke("counter", "countUp", arguments, idempotency_key=key)
        expect(response.ok and data == {"count": 2}, (data, response))
    refused = raises(wrapper.IntegrationAccessError, lambda: api.integrations.invoke("counter", "noSuch", {}))
    expect(refused.status == 404, refused)


@check("integrations.get_invocation", "integrations.download_result_file")
def _():
    _, response = api.integrations.call(counter(), method="POST", endpoint="/count", data={"name": "looked-up"})
    found = api.integrations.get_invocation("counter", response.invocation_id)
    expect((found["outcome"], found["api_response"]["status_code"]) == ("succeeded", 200), found)
    many = api.integrations.parallel_call_for_connection(
        counter(), "GET", "/picture", [{}], connection_id=FACTS["counter_id"]
    )
    found = api.integrations.get_invocation(counter(), many[0].api_response.invocation_id)
    expect(api.integrations.download_result_file(found["result_file"]) == UPLOAD, found)


@check("integrations.parallel_call")
def _():
    items = [{"connection_id": FACTS["connection_id"], "url_params": {"what": what}} for what in ("orders", "none")]
    found, missing = api.integrations.parallel_call(shop(), "GET", "/v1/{what}", items, idempotency_key="parallel")
    again, _ = api.integrations.parallel_call(shop(), "GET", "/v1/{what}", items, idempotency_key="parallel")
    expect(found.api_response.ok and found.api_data["items"], found)
    expect(missing.api_response.status_code == 404, missing)
    expect(again.api_response.invocation_id == found.api_response.invocation_id, (again, found))


@check("integrations.parallel_call_for_connection")
def _():
    for account in (FACTS["connection_id"], str(FACTS["connection_id"]), "sample account"):
        (found,) = api.integrations.parallel_call_for_connection(
            shop(), "GET", "/v1/orders", [{}], connection_id=account
        )
        expect(found.api_response.ok and found.connection_id == FACTS["connection_id"], found)


@check("integrations.parallel_call_stream")
def _():
    key = f"stream-{uuid.uuid4()}"
    for _ in range(2):
        items = [{"data": {"name": f"{key}-{n}"}} for n in range(2)]
        events = list(
            api.integrations.parallel_call_stream(
                counter(), "POST", "/count", items, connection_id=FACTS["counter_id"], idempotency_key=key
            )
        )
        expect(events[-1] == {"final": True, "total_processed": 2}, events)
        expect(all(event["response"].outcome == "succeeded" for event in events[:-1]), events)
    expect((counted(f"{key}-0"), counted(f"{key}-1")) == (1, 1), key)


@check("actions.list", "actions.actions_list")
def _():
    for actions in (api.actions.list(), api.actions.actions_list(app=FACTS["app_id"])):
        expect(FACTS["action_id"] in [one.id for one in actions], actions)


def ended(run):
    return api.actions.wait_for_run(run.run_id, timeout=12)


@check(
    "actions.run",
    "actions.wait_for_run",
    "actions.waitForRun",
    "actions.run_status",
    "actions.runStatus",
    "actions.actions_runs_status_retrieve",
)
def _():
    status = ended(api.actions.run("greet", user_input={"greeting": "zażółć"}))
    expect((status.status.value, status.result) == ("completed", {"greeting": "zażółć"}), status)


@check("actions.run request_key", "actions.new_request_key", "actions.recover_run")
def _():
    key = api.actions.new_request_key()
    runs = [api.actions.run("greet", user_input={"greeting": "once"}, request_key=key) for _ in range(3)]
    expect(len({run.run_id for run in runs}) == 1, runs)
    expect(api.actions.recover_run("greet", key).run_id == runs[0].run_id, runs)
    error = raises(
        automio.ApiException, lambda: api.actions.run("greet", user_input={"greeting": "two"}, request_key=key)
    )
    expect((error.status, error.request_key) == (409, key), error)
    unknown = raises(requests.HTTPError, lambda: api.actions.recover_run("greet", "unknown"))
    expect(unknown.response.status_code == 404, unknown)


@check("actions.stop")
def _():
    run = api.actions.run("sleep")
    acknowledged = api.actions.stop(run.run_id)
    expect(acknowledged["run_id"] == run.run_id and isinstance(acknowledged["confirmed"], bool), acknowledged)
    expect(ended(run).status.value == "stopped", run)
    again = api.actions.stop(run.run_id)
    expect((again["status"], again["confirmed"]) == ("stopped", True), again)


@check("actions.stream_logs", "actions.streamLogs", "actions.actions_run_code_stream")
def _():
    run = api.actions.run("greet", user_input={"greeting": "x"})
    expect("hello" in list(api.actions.stream_logs(run.task_id)), run)


@check("files.upload", "files.apps_files_upload_create")
def _():
    for file in (UPLOAD, bytearray(UPLOAD), ("a.png", UPLOAD)):
        stored = api.files.upload(file, path="images/a.png", overwrite=True)
        expect((stored.path, stored.size) == ("images/a.png", len(UPLOAD)), stored)
        if not FACTS.get("is_inside"):
            # The jail reaches the API alone, with the run's own token.
            expect(requests.get(stored.public_url, timeout=9).content == UPLOAD, stored)
    taken = raises(automio.ApiException, lambda: api.files.upload(UPLOAD, path="images/a.png"))
    expect(taken.status == 409, taken)
    with tempfile.NamedTemporaryFile(suffix=".txt") as local:
        local.write(b"text")
        local.flush()
        stored = api.files.upload(local.name, path="texts/a.txt", overwrite=True, is_public=True)
    expect(stored.size == 4, stored)


@check("files.get_metadata", "files.apps_files_download_retrieve", "files.download_binary")
def _():
    api.files.upload(UPLOAD, path="found/a.png", overwrite=True)
    found = api.files.get_metadata("found/a.png")
    expect(found.size == len(UPLOAD), found)
    expect(api.files.get_metadata(found.public_url).path == "found/a.png", found)
    expect(api.files.download_binary(found.public_url) == UPLOAD, found)


@check("files.upload_from_url", "files.apps_files_upload_from_url_create")
def _():
    stored = api.files.upload_from_url(FACTS["picture_url"], path="fetched/a.png", overwrite=True)
    expect((stored.size, stored.content_type) == (len(UPLOAD), "image/png"), stored)


@check("files.delete", "files.apps_files_delete_destroy")
def _():
    api.files.upload(b"gone", path="gone.txt", overwrite=True)
    expect(api.files.delete("gone.txt").path == "gone.txt", "deleted")
    expect(raises(automio.ApiException, lambda: api.files.get_metadata("gone.txt")).status == 404, "is gone")


@check("tables.graphql", "tables.apps_graphql_query", "tables.apps_graphql_playground")
def _():
    table = f"app_{FACTS['app_id']}_orders"
    insert = f'mutation {{ insert_{table}_one(object: {{orderId: "{uuid.uuid4()}"}}) {{ id }} }}'
    expect(api.tables.graphql("orders", insert).data, "inserted")
    error = raises(wrapper.GraphqlException, lambda: api.tables.graphql("orders", f"{{ {table} {{ nothing }} }}"))
    expect("nothing" in error.args[1][0].message, error)


@check("plugins.get_list", "plugins.invoke")
def _():
    (plugin,) = api.plugins.get_list("orders")
    expect((plugin.id, plugin.connection_ids) == ("sample_shop", [FACTS["connection_id"]]), plugin)
    if importlib.util.find_spec("plugins") is not None:
        # Only a run has the modules.
        listed = api.plugins.invoke("orders.fetch", plugin.id, connection_ids=plugin.connection_ids, per_page=2)
        expect(len(listed) == 2, listed)


@check("integrations.integrations_call_create")
def _():
    body = automio.IntegrationsCallCreateRequest.from_dict({"method": "GET", "endpoint": "/v1/orders"})
    called = api.integrations.integrations_call_create(
        integration_id="sample_shop", x_app_id=str(FACTS["app_id"]), integrations_call_create_request=body
    )
    expect(called.outcome == "succeeded" and called.api_response.ok, called)


@check("plugins.get_plugins")
def _():
    (plugin,) = api.plugins.get_plugins(interface="orders", capability="fetch")
    expect((plugin.namespace, plugin.integration) == ("orders", "sample_shop"), plugin)
    expect(plugin.implements("fetch") and plugin.is_mine, plugin)
    expect(api.plugins.get_plugins(integration="github") == [], "filtered")
    if importlib.util.find_spec("plugins") is not None:
        expect(plugin.connection_ids() == [FACTS["connection_id"]], plugin.connection_ids())
        expect(len(plugin.invoke(connection_ids=plugin.connection_ids(), per_page=2)) == 2, "invoked in the run")


@check("plugins.plugins_plugin_interfaces_plugins_list")
def _():
    listed = api.plugins.plugins_plugin_interfaces_plugins_list(app=FACTS["app_id"], namespace="orders")
    expect(listed.results[0].integration.integration_id == "sample_shop", listed)


@check("actions.actions_run_create")
def _():
    run = api.actions.actions_run_create(app=FACTS["app_id"], slug="greet")
    expect(isinstance(run.run_id, int), run)


@check("actions.actions_run")
def _():
    def start():
        return api.actions.actions_run(id=FACTS["action_id"])

    # It sends no token and declares no answer: it can work where the broker adds the token.
    if FACTS.get("is_inside"):
        expect(start() is None, "no answer is declared")
    else:
        expect(raises(automio.ApiException, start).status == 401, "the token is missing")


@check("runtime.send_notification")
def _():
    actions = [{"title": "Open", "app_path": "/#/alerts"}, {"title": "Web", "url": "https://example.com/"}]
    expect(api.runtime.send_notification("Ready", kind="success", actions=actions)["ok"] is True, "sent")


@check("notify_me")
def _():
    expect(isinstance(api.notify_me(subject="Import finished", text="Done"), dict), "a mail")


@check("app_cache.get", "app_cache.set", "app_cache.delete", "org_cache.get", "org_cache.set", "org_cache.delete")
def _():
    for cache in (api.app_cache, api.org_cache, api.user_cache):
        expect(cache.set("recent/key", {"n": 1}, ttl=60)["success"], "set")
        expect(cache.get("recent/key")["value"] == {"n": 1}, cache.get("recent/key"))
        expect(cache.delete("recent/key")["deleted"], "delete")


@check("ScopedCacheApi.get", "ScopedCacheApi.set", "ScopedCacheApi.delete")
def _():
    context = importlib.import_module("automio.request_context")
    names = [name for name in context.IDENTITY_KEYS if name in os.environ]
    token = context.current_request.set(context.RequestContext({name: os.environ[name] for name in names}))
    try:
        for scope in ("app", "organization"):
            cache = wrapper.ScopedCacheApi(api._client, scope)
            expect(cache.get("scoped") is None, "a miss")
            expect(cache.set("scoped", [1, "ż"], ttl=60) is True, "set")
            expect(cache.get("scoped") == [1, "ż"], "get")
            expect(cache.delete("scoped") is True, "delete")
    finally:
        context.current_request.reset(token)


@check("task.set_progress")
def _():
    expect(api.task.set_progress(50, "Halfway")["progress"] == 50, "progress")


def report_of(facts):
    global FACTS, api, automio, wrapper, requests
    FACTS = facts
    requests = importlib.import_module("requests")
    automio = importlib.import_module("automio")
    wrapper = importlib.import_module("automio.wrapper")
    api = wrapper.API()
    calls = facts.get("calls", CHECKS)
    done = {}
    for call, function in CHECKS.items():
        if call in calls and function not in done:
            done[function] = problem_of(function)
    return {call: done[function] for call, function in CHECKS.items() if call in calls}


def problem_of(function):
    signal.signal(signal.SIGALRM, took_too_long)
    signal.alarm(MAX_CHECK_SECONDS)
    try:
        function()
    except BaseException:
        return traceback.format_exc(limit=-4)
    finally:
        signal.alarm(0)
    return None


def run(event):
    """The entry of the action: the facts come as the user's input."""
    return {"client": importlib.import_module("automio").__file__, "report": report_of(event["user_input"]["facts"])}


def main():
    # The client prints, and configures logging: standard output is for the report alone.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    json.dump(report_of(json.load(sys.stdin)), output)
    output.flush()


if __name__ == "__main__":
    main()
