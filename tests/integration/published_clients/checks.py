"""One check per row of the contract's endpoint index (§5), made with a published client as it is.

It runs where the client is installed and nothing of this repository is: in a virtual environment of its own
(`python checks.py automio|robotnikai`, facts about the platform as JSON on standard input, settings in the
environment, prints the report), or as an action in the sandbox (`run(event)`, returns the report). A report says per
row null, or what went wrong.
"""

import importlib
import importlib.util
import json
import os
import signal
import sys
import time
import traceback

CHECKS = {}
FACTS = {}
PACKAGE = TABLE = ""
APP = 0
client = wrapper = api = requests = None


def check(row):
    def register(function):
        CHECKS[row] = function
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


# Below the first of the pauses that the published clients make when they try again.
MAX_CHECK_SECONDS = 14


def graphql(query, variables=None):
    request = client.GraphQLRequest(query=query, variables=variables)
    return api.tables.apps_graphql_query(app=APP, table="orders", graph_ql_request=request)


@check(1)
def _():
    rows = [
        {
            "orderId": f"{PACKAGE}-{n}",
            "buyerLogin": "żółw",
            "organization_id": FACTS["organization_id"],
            "delivered": False,
        }
        for n in range(3)
    ]
    upsert = f"""mutation Upsert($objects: [{TABLE}_insert_input!]!) {{
        insert_{TABLE}(objects: $objects, on_conflict: {{
            constraint: uq_{TABLE}_orderId_org, update_columns: [buyerLogin]
        }}) {{ affected_rows }}
    }}"""
    for _attempt in range(2):
        response = graphql(upsert, {"objects": rows})
        expect(not response.errors, response.errors)
        expect(response.data[f"insert_{TABLE}"]["affected_rows"] == 3, response.data)
    query = f"""query Get($id: String!, $organization_id: Int) {{
        {TABLE}(where: {{orderId: {{_eq: $id}}, organization_id: {{_eq: $organization_id}}}}, limit: 1) {{
            id orderId buyerLogin delivered
        }}
    }}"""
    variables = {"id": f"{PACKAGE}-1", "organization_id": FACTS["organization_id"]}
    (found,) = graphql(query, variables).data[TABLE]
    expect((found["orderId"], found["buyerLogin"], found["delivered"]) == (f"{PACKAGE}-1", "żółw", False), found)
    by_slug = api.tables.apps_graphql_query(
        app=FACTS["app_slug"],
        table="orders",
        graph_ql_request=client.GraphQLRequest(query=query, variables=variables),
    )
    expect(by_slug.data[TABLE] == [found], by_slug)
    update = f"""mutation Update($id: String!) {{
        update_{TABLE}(where: {{orderId: {{_eq: $id}}}}, _set: {{delivered: true}}) {{ affected_rows }}
    }}"""
    expect(graphql(update, {"id": f"{PACKAGE}-1"}).data[f"update_{TABLE}"]["affected_rows"] == 1, "not updated")
    wrong = graphql(upsert, {"objects": [rows[0], {"orderId": None}]})
    expect(wrong.errors and isinstance(wrong.errors[0].message, str), "an error must be part of the reply")
    unknown = graphql(f"{{ {TABLE} {{ noSuchColumn }} }}")
    expect("noSuchColumn" in unknown.errors[0].message, unknown.errors)
    expect(api.tables.graphql("orders", f"{{ {TABLE} {{ id }} }}").data[TABLE], "no rows through graphql()")
    error = raises(wrapper.GraphqlException, lambda: api.tables.graphql("orders", f"{{ {TABLE} {{ nothing }} }}"))
    expect("GraphQL" in str(error), error)


@check(2)
def _():
    page = api.tables.apps_graphql_playground(app=APP, table="orders")
    expect("<html" in page.lower() and "graphiql" in page.lower(), page[:200])


@check(3)
def _():
    tag = client.Tag(name=f"urgent-{PACKAGE}", color="#ff0000")
    added = api.tables.add_tag(app_id=str(APP), table_name="orders", tag=tag)
    expect((added.name, added.color) == (tag.name, "#ff0000") and added.id.isdigit(), added)
    created = api.tables.create_tag("orders", f"late-{PACKAGE}")
    expect(isinstance(created["id"], int) and created["name"] == f"late-{PACKAGE}", created)


@check(4)
def _():
    page = api.integrations.get_integrations(page=1, per_page=100)
    listed = [integration.integration_id for integration in page.results]
    expect("sample_shop" in listed and "github" in listed, listed)
    expect(page.count >= len(listed) and page.previous is None, page.count)


@check(5)
def _():
    integration = api.integrations.get_integration("sample_shop")
    expect(integration.integration_id == "sample_shop" and integration.name, integration)
    accounts = integration.connected_accounts
    expect(FACTS["connection_id"] in accounts and all(isinstance(item, int) for item in accounts), accounts)
    chosen = api.integrations.get_integration("sample_shop", connection_id=str(FACTS["connection_id"]))
    expect(chosen.integration_id == "sample_shop", chosen)
    expect(not integration.secret and not integration.api_key, "credentials must not leave the platform")
    expect(
        raises(SystemExit, lambda: api.integrations.get_integration("no_such_integration")).code == 1, "exit status"
    )


@check(6)
def _():
    (connection,) = api.integrations.my_connections("sample_shop")
    expect((connection.id, connection.name) == (FACTS["connection_id"], "sample account"), connection)


@check(7)
def _():
    integration = api.integrations.get_integration("sample_shop")
    for found in (
        api.integrations.all_connections(integration, "orders"),
        api.integrations.table_connections(integration_id="sample_shop", table=TABLE, app_id=APP),
    ):
        ((organization, connections),) = found.items()
        expect(organization == str(FACTS["organization_id"]), organization)
        expect([one.id for one in connections] == [FACTS["connection_id"]], connections)
        expect(connections[0].name == "sample account", connections)


def parallel_items(**more):
    return [{**more, "url_params": {"what": what}, "params": {"page": 1}} for what in ("orders", "nothing-here")]


@check(9)
def _():
    integration = api.integrations.get_integration("sample_shop")
    ids = {"connection_id": FACTS["connection_id"], "organization_id": FACTS["organization_id"]}
    found, missing = api.integrations.parallel_call(
        integration, method="GET", endpoint="/v1/{what}", data_list=parallel_items(**ids), table=TABLE
    )
    expect(found.api_response.ok and found.api_data["items"], found)
    expect((missing.api_response.ok, missing.api_response.status_code) == (False, 404), missing)
    expect((found.connection_id, found.organization_id) == tuple(ids.values()), found)
    events = list(
        api.integrations.parallel_call_stream(
            integration,
            method="GET",
            endpoint="/v1/{what}",
            data_list=parallel_items(),
            connection_id=FACTS["connection_id"],
        )
    )
    expect(events[-1] == {"final": True, "total_processed": 2}, events[-1])
    by_index = {event["index"]: event for event in events[:-1]}
    expect(by_index[0]["response"].ok and by_index[0]["data"]["items"], by_index[0])
    expect(by_index[1]["response"].status_code == 404 and by_index[1]["total"] == 2, by_index[1])


@check(10)
def _():
    integration = api.integrations.get_integration("sample_shop")
    for account in (FACTS["connection_id"], "sample account"):
        found, missing = api.integrations.parallel_call_for_connection(
            integration,
            method="GET",
            endpoint="/v1/{what}",
            data_list=parallel_items(),
            connection_id=account,
            organization_id=FACTS["organization_id"],
            table=TABLE,
        )
        expect(found.api_response.ok and found.connection_id == FACTS["connection_id"], found)
        expect(missing.api_response.status_code == 404, missing)


@check(8)
def _():
    integration = api.integrations.get_integration("sample_shop")
    data, response = api.integrations.call(
        integration, method="GET", endpoint="/v1/orders", params={"page": 1, "per_page": 2}
    )
    expect(response.ok and response.status_code == 200 and len(data["items"]) == 2, (response.text, data))
    expect(response.headers and response.url.endswith("/v1/orders") and response.text, response.url)
    data, response = api.integrations.call(
        integration, method="GET", endpoint="/v1/orders", params={"page": 1}, connection_id=FACTS["connection_id"]
    )
    expect(response.ok, response.text)
    data, response = api.integrations.call(integration, method="GET", endpoint="/v1/nothing-here")
    expect((response.ok, response.status_code) == (False, 404), response.status_code)
    raises(Exception, lambda: api.integrations.call(integration, method="GET", endpoint="/x", connection_id=999999))


@check(11)
def _():
    reply = api.notify_me(subject="Import finished", text="Processed 1000 records", html="<h1>Done</h1>")
    expect(isinstance(reply, dict), reply)
    expect(isinstance(api.notify_me(subject="Text only", text="text"), dict), "text only")
    expect(isinstance(api.notify_me(subject="HTML only", text=None, html="<p>html</p>"), dict), "html only")
    raises(ValueError, lambda: api.notify_me(subject="Empty", text=None))


@check(12)
def _():
    (plugin,) = api.plugins.get_list("orders")
    expect((plugin.id, plugin.connection_ids) == ("sample_shop", [FACTS["connection_id"]]), plugin)
    if importlib.util.find_spec("plugins") is None:
        # Only a run has the modules.
        return
    listed = api.plugins.invoke("orders.fetch", plugin.id, connection_ids=plugin.connection_ids, per_page=2)
    expect(len(listed) == 2, listed)
    expect(api.plugins.invoke("orders.name", plugin.id, connection_ids=[1, 2]) == "2 accounts", "the interface's")


@check(13)
def _():
    page = api.plugins.get_plugins("orders", page=1, per_page=10)
    (plugin,) = page.results
    expect((page.count, page.next, page.previous) == (1, None, None), page)
    expect(plugin.plugin_interface.namespace == "orders" and plugin.plugin_interface.title == "Orders", plugin)
    expect(plugin.integration.integration_id == "sample_shop" and plugin.integration.name == "Sample shop", plugin)
    expect(plugin.implemented_capabilities == ["fetch"] and plugin.capabilities == ["fetch", "name"], plugin)
    expect(plugin.is_enabled is True and plugin.created_at is not None and "def fetch" in plugin.code, plugin)


@check(14)
def _():
    actions = api.actions.list()
    (action,) = [item for item in actions if item.id == FACTS["action_id"]]
    expect(action.name and action.action_type is not None, action)
    expect(FACTS["action_id"] in [item.id for item in api.actions.actions_list()], "actions_list()")


@check(15)
def _():
    run = api.actions.run(FACTS["action_id"])
    expect(isinstance(run.run_id, int) and run.task_id and isinstance(run.run_number, int), run)
    FACTS["run"] = api.actions.run(FACTS["action_id"], user_input={"greeting": "zażółć"}, selected_rows=["a"])
    expect(FACTS["run"].run_number > run.run_number, "runs are numbered")


@check(16)
def _():
    run = FACTS.get("run") or api.actions.run(FACTS["action_id"], user_input={"greeting": "zażółć"})
    deadline = time.monotonic() + 240
    while True:
        status = api.actions.actions_runs_status_retrieve(id=str(run.run_id))
        if status.status.value not in ("pending", "running"):
            break
        expect(time.monotonic() < deadline, f"the run is still {status.status.value}")
        time.sleep(0.1)
    expect(status.status.value == "completed", (status.status, status.error, status.logs))
    expect(status.result == {"greeting": "zażółć"}, status.result)
    expect("hello" in (status.logs or ""), status.logs)


@check(17)
def _():
    run = api.actions.run(FACTS["action_id"], user_input={"greeting": "zażółć \u2028 gęślą"})
    lines = list(api.actions.stream_logs(run.task_id))
    expect("hello" in lines, lines)
    again = list(api.actions.stream_logs(run.task_id))
    expect(again == lines, "the log of a run that ended is there too")


@check(18)
def _():
    for cache in (api.app_cache, api.user_cache):
        expect(cache.get("check/absent") is None, "a miss is None")
        expect(cache.set(key="check/key", value={"rates": [1.2, "ż"]}, ttl=300), "set")
        entry = cache.get(key="check/key")
        expect(entry["value"] == {"rates": [1.2, "ż"]} and entry["exists"] is True, entry)
        expect(entry["key"] == "check/key" and 290 <= entry["ttl"] <= 300, entry)
        cache.set("check/key", "for ever")
        expect(cache.get("check/key")["ttl"] == -1, cache.get("check/key"))
        expect(cache.delete(key="check/key"), "delete")
        expect(cache.get("check/key") is None, "deleted")
    api.app_cache.set("only-app", 1)
    expect(api.user_cache.get("only-app") is None, "the two kinds must not see each other's keys")


@check(19)
def _():
    for status in ("pending", "in_progress", "running", "completed", "failed"):
        reply = api.task.set_progress(50, "Halfway", status)
        if reply is not None:
            expect(reply.get("success") is True and reply["progress"] == 50, reply)
    url = f"{os.environ['CACHE_SERVICE_URL']}/set-progress/{os.environ['TASK_ID']}/"
    sent = requests.post(
        url,
        json={"progress": 400, "info": "too much", "status": "pending"},
        headers={"Authorization": f"Bearer {os.environ['CACHE_SERVICE_TOKEN']}"},
        timeout=240,
    )
    expect(sent.status_code == 200, sent.text)
    reply = sent.json()
    expect(set(reply) >= {"success", "message", "task_id", "progress", "info", "status"}, reply)
    expect(reply["progress"] == 100, reply)


# Rows 20 to 24: only robotnikai has the request modules and cannot import them; their requests are made by hand.


def send(method, path, headers=None, **arguments):
    headers = headers or {"Authorization": f"App-Token {os.environ['APP_TOKEN']}"}
    url = f"{os.environ['API_BASE_URL']}{path}"
    return requests.request(method, url, headers=headers, timeout=240, allow_redirects=False, **arguments)


@check(20)
def _():
    page = send("GET", "/api/apps/", params={"page": 1, "per_page": 5})
    expect(page.status_code == 200 and {"count", "next", "previous", "results"} <= set(page.json()), page.text)
    # The client's own token is bound to its app.
    owner = {"Authorization": f"App-Token {FACTS['owner_token']}"}
    wanted = {"name": f"Made by {PACKAGE}", "description": "", "is_public": False}
    created = send("POST", "/api/apps/", owner, json=wanted)
    expect(created.status_code == 201, created.text)
    app = created.json()
    expect(app["name"] == f"Made by {PACKAGE}" and isinstance(app["organization"], str), app)
    read = send("GET", f"/api/apps/{app['id']}/", owner)
    expect(read.status_code == 200 and read.json()["slug"] == app["slug"], read.text)
    changed = send("PUT", f"/api/apps/{app['id']}/", owner, json={"name": "Renamed"})
    expect(changed.status_code == 200 and changed.json()["name"] == "Renamed", changed.text)
    doubled = send("GET", f"//api/apps/{app['id']}/", owner)
    expect(doubled.status_code == 200, "a base URL that ends in a slash doubles it")


@check(21)
def _():
    name = f"made_by_{PACKAGE}"
    created = send("POST", f"/api/apps/{APP}/new_table/", json={"name": name, "description": "x"})
    expect(created.status_code == 200 and created.json()["name"] == name, created.text)
    edited = send("PUT", f"/api/apps/{APP}/edit_table/", json={"name": name, "description": "y"})
    expect(edited.status_code == 200 and edited.json()["name"] == name, edited.text)
    for listing in ("tables", "user_tables"):
        tables = send("GET", f"/api/apps/{APP}/{listing}/")
        expect(tables.status_code == 200 and isinstance(tables.json()["name"], str), tables.text)
        expect(name in [table["name"] for table in tables.json()["tables"]], tables.text)
    path = f"/api/apps/{APP}/table/{name}/configuration/"
    configured = send("PUT", path, json={"name": name, "description": "z"})
    expect(configured.status_code == 200 and configured.json()["name"] == name, configured.text)


@check(22)
def _():
    query = f"{{ {TABLE}_aggregate {{ aggregate {{ count }} }} }}"

    def count():
        return graphql(query).data[f"{TABLE}_aggregate"]["aggregate"]["count"]

    graphql(f'mutation {{ insert_{TABLE}_one(object: {{orderId: "to-delete-{PACKAGE}"}}) {{ id }} }}')
    before = count()
    bare = send("DELETE", f"/api/apps/{APP}/table/orders/delete-rows/")
    expect(bare.status_code == 400 and isinstance(bare.json()["detail"], str), (bare.status_code, bare.text))
    expect(count() == before, "a bare request must not empty the table")
    emptied = send("DELETE", f"/api/apps/{APP}/table/orders/delete-rows/", params={"all": "true"})
    expect(emptied.status_code == 204, emptied.text)
    expect(count() == 0, "all=true")


def until_it_ended(path):
    deadline = time.monotonic() + 240
    while True:
        read = send("GET", path)
        expect(read.status_code == 200, read.text)
        job = read.json()
        if job["status"] in ("completed", "failed"):
            return job
        expect(job["status"] in ("pending", "in_progress"), job["status"])
        expect(time.monotonic() < deadline, job)
        time.sleep(0.1)


@check(23)
def _():
    token = {"Authorization": f"App-Token {os.environ['APP_TOKEN']}"}
    lines = f"orderId,buyerLogin\ncsv-{PACKAGE}-1,ann\ncsv-{PACKAGE}-2,zażółć\n"
    sent = send(
        "POST",
        "/api/apps/csv-imports/",
        token,
        data={"app": str(APP), "table": "orders"},
        files={"file": ("orders.csv", lines.encode(), "text/csv")},
    )
    expect(sent.status_code == 201, sent.text)
    job = until_it_ended(f"/api/apps/csv-imports/{sent.json()['id']}/")
    expect(job["status"] == "completed" and job["finished_at"], job)
    listed = send("GET", "/api/apps/csv-imports/", params={"app": str(APP), "table": "orders"})
    expect(isinstance(listed.json(), list) and job["id"] in [one["id"] for one in listed.json()], listed.text)
    for item in (job, *listed.json()):
        texts, numbers = ("collection_name", "file"), ("application", "organization")
        expect(all(isinstance(item[name], str) for name in texts), item)
        expect(all(isinstance(item[name], int) for name in numbers), item)
    asked = send("POST", "/api/apps/csv-exports/", token, json={"app": APP, "table": "orders"})
    expect(asked.status_code == 201, asked.text)
    path = f"/api/apps/csv-exports/{asked.json()['id']}/"
    deadline = time.monotonic() + 240
    while not send("GET", path).json().get("file_upload_at"):
        expect(time.monotonic() < deadline, send("GET", path).text)
        time.sleep(0.1)
    exports = send("GET", "/api/apps/csv-exports/", params={"app": str(APP), "table": "orders"})
    expect(isinstance(exports.json(), list) and exports.json()[0]["collection_name"], exports.text)


@check(24)
def _():
    path = f"/api/webhooks/{FACTS['webhook']}/"
    # External senders carry no token; this client would send no body either.
    for called in (requests.post(os.environ["API_BASE_URL"] + path, timeout=240), send("POST", path, {"X": "y"})):
        expect(called.status_code == 200, called.text)
        run = called.json()
        expect(isinstance(run["run_id"], int) and isinstance(run["task_id"], str), run)
    missing = send("POST", path.rstrip("/") + "nothing/", {"X": "y"})
    expect(missing.status_code == 404 and isinstance(missing.json()["detail"], str), missing.text)


def report_of(package, facts):
    """Runs the checks of the rows in `facts["rows"]`, or all."""
    global PACKAGE, FACTS, APP, TABLE, client, wrapper, api, requests
    PACKAGE, FACTS, APP, TABLE = package, facts, facts["app_id"], f"app_{facts['app_id']}_orders"
    # What the client declares is not all it needs; `requests` is one of these.
    requests = importlib.import_module("requests")
    client = importlib.import_module(package)
    wrapper = importlib.import_module(f"{package}.wrapper")
    api = wrapper.API()
    rows = facts.get("rows", CHECKS)
    return {row: problem_of(function) for row, function in CHECKS.items() if row in rows}


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
    """The entry of the action: package and facts come as the user's input."""
    given = event["user_input"]
    report = report_of(given["package"], given["facts"])
    return {"client": client.__file__, "report": {str(row): problem for row, problem in report.items()}}


def main():
    # The client prints, and configures logging: standard output is for the report alone.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    json.dump(report_of(sys.argv[1], json.load(sys.stdin)), output)
    output.flush()


if __name__ == "__main__":
    main()
