"""What the client documentation shows of integrations, parallel calls, plugins and connections, as scripts write it.

`run(event)` is an action's entry; with `main` it runs outside. The shop's tokens expire while it goes on. It returns
what it saw, for the test to look at.
"""

import time

TABLE = "orders"


def basic_calls(api):
    integration = api.integrations.get_integration("allegro_sandbox")
    data, response = api.integrations.call(integration, method="GET", endpoint="/me")
    assert response.ok, response.text
    seen = {"default": data["login"], "per connection": []}
    for connection_id in integration.connected_accounts:
        data, response = api.integrations.call(
            integration,
            method="GET",
            endpoint="/offers",
            params={"limit": 10, "offset": 0},
            connection_id=connection_id,
        )
        assert (response.ok, response.status_code) == (True, 200), response.text
        assert response.headers and response.url
        seen["per connection"].append(len(data["offers"]))
    data, response = api.integrations.call(
        integration, method="POST", endpoint="/orders", json={"note": "zażółć"}, connection_id=connection_id
    )
    seen["posted"] = response.status_code
    data, response = api.integrations.call(integration, method="GET", endpoint="/no-such-thing")
    if not response.ok:
        seen["error"] = response.status_code
    return seen


def parallel_calls(api, offers, organization_id, table):
    integration = api.integrations.get_integration("allegro_sandbox")
    connections = list(integration.connected_accounts)
    responses = api.integrations.parallel_call(
        integration,
        method="GET",
        endpoint="/offers/{offerId}",
        data_list=[
            {
                "connection_id": connections[number % len(connections)],
                "organization_id": organization_id,
                "url_params": {"offerId": offer},
                "params": {"include": "details"},
            }
            for number, offer in enumerate(offers)
        ]
        + [
            {"connection_id": 999999, "organization_id": organization_id, "url_params": {"offerId": "1"}},
        ],
        table=table,
    )
    names = []
    for response in responses:
        if response.api_response.ok:
            assert response.connection_id in connections and response.organization_id == organization_id
            names.append(response.api_data["name"])
        else:
            names.append(f"error {response.api_response.status_code}")
    one_account = api.integrations.parallel_call_for_connection(
        integration,
        method="GET",
        endpoint="/offers/{offerId}",
        data_list=[{"url_params": {"offerId": offer}} for offer in offers],
        connection_id="anna@shop.example",
        organization_id=organization_id,
        table=table,
    )
    return {"several": names, "one": [response.api_data["id"] for response in one_account]}


def streamed_calls(api, offers, connection_id):
    integration = api.integrations.get_integration("allegro_sandbox")
    seen, final = {}, None
    for result in api.integrations.parallel_call_stream(
        integration,
        method="GET",
        endpoint="/offers/{offerId}",
        data_list=[{"url_params": {"offerId": offer}} for offer in offers],
        connection_id=connection_id,
    ):
        if result.get("final"):
            final = result["total_processed"]
            break
        assert result["response"].ok, result["response"].text
        seen[result["index"]] = result["data"]["id"]
    return {"ids": [seen[index] for index in sorted(seen)], "final": final}


def connections(api):
    integration = api.integrations.get_integration("allegro_sandbox")
    listed = {}
    for organization, members in api.integrations.all_connections(integration, TABLE).items():
        listed[organization] = sorted(member.name for member in members)
    catalogue = api.integrations.get_integrations(per_page=100)
    return {
        "all": listed,
        "mine": sorted(one.name for one in api.integrations.my_connections("allegro_sandbox")),
        "catalogue": "allegro_sandbox" in [one.integration_id for one in catalogue.results],
    }


def plugins(api):
    integration = api.integrations.get_integration("allegro_sandbox")
    results = []
    for plugin in api.plugins.get_list("test_interface"):
        results.append(
            api.plugins.invoke("test_interface.foo", integration.integration_id, connection_ids=plugin.connection_ids)
        )
    return results


def everything(api, given):
    offers, organization_id = given["offers"], given["organization_id"]
    seen = {"basic": basic_calls(api)}
    for round_of in range(2):
        seen[f"parallel {round_of}"] = parallel_calls(api, offers, organization_id, given["table"])
        seen[f"streamed {round_of}"] = streamed_calls(api, offers, given["connection_ids"][round_of])
        # Longer than a token lives.
        time.sleep(given["token_seconds"] + 0.5)
    seen["connections"] = connections(api)
    if given["plugins"]:
        seen["plugins"] = plugins(api)
    return seen


def run(event):
    from automio.wrapper import API

    return everything(API(), event["user_input"])


if __name__ == "__main__":
    import importlib
    import json
    import os
    import sys

    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    wrapper = importlib.import_module(f"{sys.argv[1]}.wrapper")
    json.dump(everything(wrapper.API(), json.load(sys.stdin)), output)
    output.flush()
