"""What a service is asked once an account is connected: it fills inputs, offers a choice, and says why it failed."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from yarl import URL

from platform_api.integrations.calls.targets import CallTargets
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.models import Connection, ConnectionStatus
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.integrations.raw_upstream import raw_upstream
from tests.platform_api.integrations.tenant_provider import Provider, tenant_provider
from tests.platform_api.integrations.test_oauth import change_credentials, stored

pytestmark = pytest.mark.anyio

CHOICES = [
    {"name": "Shop", "values": {"tenant_id": "t-1"}, "is_chosen": True},
    {"name": "Cinema", "values": {"tenant_id": "t-2"}, "is_chosen": False},
]


def definition(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "books",
        "name": "Books",
        "base_url": url + "/api",
        "headers": {"X-Tenant": "{tenant_id}"},
        "retry": {"attempts": 1},
        "after_connect": {
            "url": f"{url}/tenants",
            "items": "",
            "name": "tenantName",
            "values": {"tenant_id": "tenantId"},
        },
        "auth": {"type": "oauth2", "authorize_url": f"{url}/authorize", "token_url": f"{url}/token"},
        **changes,
    }


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with tenant_provider() as running:
        yield running


class Desk:
    """An organization that uses the provider."""

    def __init__(self, platform: Platform, caller: Caller) -> None:
        self.platform, self.caller = platform, caller

    async def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        async with self.platform.client(self.caller) as client:
            return await client.request(method, "/api/integrations/" + path, json=body)

    async def define(self, declared: dict[str, Any]) -> None:
        made = await self.request("POST", "", declared)
        assert made.status_code == 201, made.text
        client = {"client_id": "c", "client_secret": "the-client-secret"}
        assert (await self.request("PUT", "books/oauth/client/", client)).status_code == 200

    async def consent(self, **start: Any) -> httpx.Response:
        """Through the provider's consent page; the page that the browser ends at."""
        started = await self.request("POST", "books/oauth/start/", start)
        assert started.status_code == 200, started.text
        async with self.platform.client() as browser:
            page = await browser.get(started.json()["url"])
            [leads_to] = re.findall(r'id="continue"[^>]*href="([^"]+)"', page.text)
            back = {"state": URL(unescape(leads_to)).query["state"], "code": "the-code"}
            return await browser.get("/oauth/callback/", params=back)

    async def connections(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await self.request("GET", "books/connections/")).json()["results"]
        return listed

    async def choices(self, connection_id: int, **body: Any) -> httpx.Response:
        return await self.request("POST", f"books/connections/{connection_id}/choices/", body)

    async def call(self, **call: Any) -> dict[str, Any]:
        reply = await self.request("POST", "books/call/", {"endpoint": "/orders", **call})
        return {"status": reply.status_code, **reply.json()}


@pytest.fixture
async def desk(shared_platform: Platform, provider: Provider) -> Desk:
    desk = Desk(shared_platform, await shared_platform.create_caller())
    await desk.define(definition(provider.url))
    return desk


async def test_the_first_is_taken_all_are_shown_and_calls_use_it(desk: Desk, provider: Provider) -> None:
    page = await desk.consent()
    assert page.status_code == 200 and "Connected" in page.text
    assert re.findall(r"<li>(.*?)</li>", page.text) == [
        "Shop, tenant_id <code>t-1</code>",
        "Cinema, tenant_id <code>t-2</code>",
    ]
    [connection] = await desk.connections()
    assert (connection["name"], connection["status"]) == ("Shop", "active")
    assert connection["placeholders"] == {"tenant_id": "t-1"}
    assert (await desk.call())["api_response"]["ok"]
    [(path, headers)] = provider.called
    assert (path, headers["X-Tenant"], headers["Authorization"]) == ("/api/orders", "t-1", "Bearer access-1")
    [asked] = provider.listed
    assert "X-Tenant" not in asked


async def test_one_choice_needs_no_list(desk: Desk, provider: Provider) -> None:
    provider.tenants = provider.tenants[:1] * 2
    page = await desk.consent()
    assert "Connected" in page.text and "<li>" not in page.text


async def test_another_is_chosen_and_calls_follow_at_once(desk: Desk, provider: Provider) -> None:
    await desk.consent()
    [connection] = await desk.connections()
    await desk.call()
    listed = (await desk.choices(connection["id"])).json()
    assert (listed["choices"], listed["connection"]["name"]) == (CHOICES, "Shop")
    chosen = await desk.choices(connection["id"], choose={"tenant_id": "t-2"})
    assert [one["is_chosen"] for one in chosen.json()["choices"]] == [False, True]
    assert chosen.json()["connection"]["name"] == "Cinema", "it was named by its account"
    await desk.call()
    assert [headers["X-Tenant"] for _, headers in provider.called] == ["t-1", "t-2"]
    assert (await stored(desk.platform, connection["id"]))["account"] == "Cinema"
    # Connecting again keeps what was chosen, and is of the same connection.
    assert "Connected" in (await desk.consent(connection_id=connection["id"])).text
    assert [one["placeholders"] for one in await desk.connections()] == [{"tenant_id": "t-2"}]


async def test_a_connection_is_made_for_each_and_none_takes_the_others_name(desk: Desk) -> None:
    await desk.consent()
    page = await desk.consent(placeholders={"tenant_id": "t-2"})
    assert "Cinema" in page.text
    shop, cinema = await desk.connections()
    assert [one["placeholders"]["tenant_id"] for one in (shop, cinema)] == ["t-1", "t-2"]
    taken = await desk.choices(shop["id"], choose={"tenant_id": "t-2"})
    assert (taken.status_code, "named 'Cinema'" in taken.json()["detail"]) == (409, True)
    assert [one["placeholders"]["tenant_id"] for one in await desk.connections()] == ["t-1", "t-2"]
    # A connection that people named keeps its name.
    assert (await desk.request("PUT", f"connections/{shop['id']}/", {"name": "mine"})).status_code == 200
    chosen = await desk.choices(shop["id"], choose={"tenant_id": "t-2"})
    assert chosen.json()["connection"]["name"] == "mine"


async def test_what_is_not_there_is_not_chosen(desk: Desk) -> None:
    await desk.consent()
    [connection] = await desk.connections()
    refused = await desk.choices(connection["id"], choose={"tenant_id": "t-9"})
    assert refused.status_code == 422
    assert "no tenant_id 't-9'; it has Shop (tenant_id t-1), Cinema (tenant_id t-2)" in refused.json()["detail"]
    for choose in ({"other": "t-1"}, {"tenant_id": ""}, {"tenant_id": "x" * 501}):
        assert (await desk.choices(connection["id"], choose=choose)).status_code == 422
    assert (await desk.connections())[0]["placeholders"] == {"tenant_id": "t-1"}
    unknown = await desk.request("POST", "books/oauth/start/", {"placeholders": {"tenant": "t-1"}})
    assert (unknown.status_code, "'tenant' is unknown" in unknown.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("status", "tenants", "said"),
    [
        (403, {"detail": "no scope for access-1"}, "answered 403 ({&#34;detail&#34;: &#34;no scope for ***&#34;})"),
        (500, {}, "answered 500"),
        (200, [], "listed none"),
        (200, {"tenants": []}, "has no list at"),
        (200, [{"id": "t-1"}], "has no &#39;tenantId&#39;"),
        (200, [{"tenantId": "a\r\nX-Evil: b"}], "must not hold line breaks"),
        (200, [{"tenantId": "x" * 501}], "more than 500 characters"),
        (200, [{"tenantId": None}, {"tenantId": True}, 7, None], "has no &#39;tenantId&#39;"),
    ],
    ids=["refused", "away", "none", "no list", "no value", "line break", "long", "no text"],
)
async def test_what_was_wrong_is_said_and_the_connection_cannot_be_used(
    desk: Desk, provider: Provider, status: int, tenants: Any, said: str
) -> None:
    provider.status, provider.tenants = status, tenants
    page = await desk.consent()
    assert "not usable yet" in page.text and said in page.text, page.text
    [connection] = await desk.connections()
    assert connection["status"] == "broken" and unescape(said) in connection["status_reason"]
    answer = (await desk.call())["api_response"]
    assert (answer["ok"], answer["status_code"], answer["text"].startswith("reconnect")) == (False, 401, True)
    assert provider.called == []
    # It is not asked for consent again: asking the service once more is enough, also when the token has ended.
    again = await desk.choices(connection["id"])
    assert (again.status_code, unescape(said).split(" (")[0] in again.json()["detail"]) == (502, True)
    await change_credentials(desk.platform, connection["id"], refresh_at=0, expires_at=0)
    provider.status, provider.tenants = 200, Provider().tenants
    assert (await desk.choices(connection["id"])).json()["choices"] == CHOICES
    assert [one["status"] for one in await desk.connections()] == ["active"]
    assert (await desk.call())["api_response"]["ok"]
    assert provider.called[-1][1]["X-Tenant"] == "t-1"


async def test_the_question_goes_through_the_guard_and_so_does_what_it_is_told(
    module_database_url: str, provider: Provider
) -> None:
    settings = make_settings(
        module_database_url, allow_private_upstreams=False, allowed_private_upstreams="127.0.0.1"
    )
    async with running_platform(settings) as platform:
        private = provider.url.replace("127.0.0.1", "127.0.0.2")
        asks = definition(provider.url)
        asks["after_connect"] |= {"url": f"{private}/tenants"}
        desk = Desk(platform, await platform.create_caller())
        await desk.define(asks)
        page = await desk.consent()
        assert "not usable yet" in page.text and "127.0.0.2 is a private or local address" in page.text, page.text

        told = definition(provider.url, base_url="{base_uri}/api", headers={})
        told["after_connect"] = {"url": f"{provider.url}/tenants", "values": {"base_uri": "at"}}
        provider.tenants = {"at": private}
        desk = Desk(platform, await platform.create_caller())
        await desk.define(told)
        assert "Connected" in (await desk.consent()).text
        answer = (await desk.call())["api_response"]
        assert (answer["ok"], "127.0.0.2 is a private or local address" in answer["text"]) == (False, True), answer
    assert provider.called == []


async def test_an_endless_list_is_not_read_to_its_end(desk: Desk, provider: Provider) -> None:
    provider.tenants = "x" * (33 * 1024 * 1024)
    page = await desk.consent()
    assert "not usable yet" in page.text and "larger than" in page.text
    provider.tenants = [{"tenantId": f"t-{number}", "tenantName": f"{number}"} for number in range(1000)]
    [connection] = await desk.connections()
    assert len((await desk.choices(connection["id"])).json()["choices"]) == 200


async def test_a_failure_leaves_a_working_connection_as_it_is(desk: Desk, provider: Provider) -> None:
    await desk.consent()
    [connection] = await desk.connections()
    provider.status = 500
    page = await desk.consent(connection_id=connection["id"])
    assert "Connected" in page.text and "not usable" not in page.text
    [kept] = await desk.connections()
    assert (kept["status"], kept["placeholders"]) == ("active", {"tenant_id": "t-1"})
    assert (await desk.choices(connection["id"])).status_code == 502
    assert [one["status"] for one in await desk.connections()] == ["active"]


async def test_one_that_is_gone_is_kept_until_another_is_chosen(desk: Desk, provider: Provider) -> None:
    await desk.consent()
    [connection] = await desk.connections()
    provider.tenants = provider.tenants[1:]
    listed = (await desk.choices(connection["id"])).json()
    assert listed["connection"]["placeholders"] == {"tenant_id": "t-1"}
    assert [one["is_chosen"] for one in listed["choices"]] == [False]


async def test_a_refused_token_is_renewed_for_the_question(desk: Desk, provider: Provider) -> None:
    await desk.consent()
    [connection] = await desk.connections()
    provider.tokens.append("another")
    assert (await desk.choices(connection["id"])).status_code == 200
    assert (await stored(desk.platform, connection["id"]))["access_token"] == provider.tokens[-1]


async def test_the_preferred_is_first_and_a_base_url_is_told_with_it(
    shared_platform: Platform, provider: Provider
) -> None:
    desk = Desk(shared_platform, await shared_platform.create_caller())
    declared = definition(provider.url, base_url="{base_uri}/accounts/{account_id}", headers={})
    declared["after_connect"] = {
        "url": f"{provider.url}/tenants",
        "items": "accounts",
        "name": "account_name",
        "preferred": "is_default",
        "header_prefix": "OAuth ",
        "values": {"base_uri": "base_uri", "account_id": "id"},
    }
    declared["auth"]["identity"] = {"url": "/me", "name": "email"}
    await desk.define(declared)
    accounts = [
        {"id": 7, "account_name": "Old", "is_default": False, "base_uri": provider.url},
        {"id": 8, "account_name": "New", "is_default": True, "base_uri": provider.url},
        {"id": 9, "account_name": "Evil", "is_default": True, "base_uri": "ftp://evil.example"},
        {"id": "a/b", "account_name": "Wrong", "is_default": True, "base_uri": provider.url},
    ]
    provider.tenants = {"accounts": accounts}
    assert "Connected" in (await desk.consent()).text
    [connection] = await desk.connections()
    assert connection["placeholders"] == {"base_uri": provider.url, "account_id": "8"}
    assert connection["name"] == "New (anna@example.com)"
    listed = (await desk.choices(connection["id"])).json()["choices"]
    assert [one["name"] for one in listed] == ["Old", "New"]
    assert [one["Authorization"] for one in provider.listed] == ["OAuth access-1"] * 2
    await desk.call()
    assert [path for path, _ in provider.called] == ["/accounts/8/me", "/accounts/8/orders"]
    assert provider.called[-1][1]["Authorization"] == "Bearer access-1"


async def test_a_choice_that_comes_late_names_the_connection_as_one_at_once_does(
    shared_platform: Platform, provider: Provider
) -> None:
    desk = Desk(shared_platform, await shared_platform.create_caller())
    declared = definition(provider.url)
    declared["auth"]["identity"] = {"url": f"{provider.url}/me", "name": "email"}
    await desk.define(declared)
    provider.status = 500
    # Whose account it is is not asked without the header that calls need.
    page = await desk.consent()
    [connection] = await desk.connections()
    assert f"POST /api/integrations/books/connections/{connection['id']}/choices/" in page.text
    assert connection["status"] == "broken"
    provider.status = 200
    assert (await desk.consent(connection_id=connection["id"])).status_code == 200
    chosen = await desk.choices(connection["id"], choose={"tenant_id": "t-2"})
    assert (await stored(desk.platform, connection["id"]))["account"] == "Cinema (anna@example.com)"
    assert chosen.json()["connection"]["name"] == connection["name"], "it was named before its account was known"


async def test_a_form_is_asked_too_and_what_is_refused_is_not_stored(
    shared_platform: Platform, provider: Provider
) -> None:
    desk = Desk(shared_platform, await shared_platform.create_caller())
    declared = definition(provider.url, auth={"type": "bearer"}, base_url=provider.url + "/api")
    made = await desk.request("POST", "", declared)
    assert made.status_code == 201, made.text
    body = {"name": "anna", "credentials": {"token": "key"}}
    connected = (await desk.request("POST", "books/connections/", body)).json()
    assert (connected["choices"], connected["placeholders"]) == (CHOICES, {"tenant_id": "t-1"})
    chosen = {**body, "name": "bert", "placeholders": {"tenant_id": "t-2"}}
    assert (await desk.request("POST", "books/connections/", chosen)).json()["placeholders"] == {"tenant_id": "t-2"}
    for changes, said in (
        ({"credentials": {"token": "wrong"}}, "answered 401"),
        ({"placeholders": {"tenant_id": "t-9"}}, "it has Shop"),
    ):
        refused = await desk.request("POST", "books/connections/", {**body, "name": "carl", **changes})
        assert (refused.status_code, said in refused.json()["detail"]) == (422, True), refused.text
        assert "nothing was stored" in refused.json()["detail"]
    provider.status = 503
    away = (await desk.request("POST", "books/connections/", {**body, "name": "dora"})).json()
    assert (away["status"], "answered 503" in away["status_reason"]) == ("broken", True)
    assert [one["name"] for one in await desk.connections()] == ["anna", "bert", "dora"]


async def test_a_connection_of_before_is_told_to_ask_and_a_caller_may_say_it_itself(
    desk: Desk, provider: Provider
) -> None:
    await desk.consent()
    [connection] = await desk.connections()
    async with desk.platform.database.transaction() as session:
        (await session.get_one(Connection, connection["id"])).placeholders = {}
    desk.platform.app.services[CallTargets].forget()
    refused = await desk.call()
    assert (refused["status"], "choices/ to get it from" in refused["detail"]) == (400, True)
    assert (await desk.call(request_headers={"x-tenant": "t-2"}))["api_response"]["ok"]
    assert provider.called[-1][1]["x-tenant"] == "t-2"
    assert (await desk.choices(connection["id"])).json()["choices"] == CHOICES
    assert (await desk.call())["api_response"]["ok"]


async def test_a_consent_that_ended_is_not_asked(desk: Desk, provider: Provider) -> None:
    await desk.consent()
    [connection] = await desk.connections()
    async with desk.platform.database.transaction() as session:
        found = await session.get_one(Connection, connection["id"])
        found.status, found.status_reason = ConnectionStatus.BROKEN, "revoked"
    refused = await desk.choices(connection["id"], choose={"tenant_id": "t-2"})
    assert (refused.status_code, "reconnect" in refused.json()["detail"]) == (502, True)
    assert len(provider.listed) == 1


async def test_another_organization_neither_asks_nor_chooses(
    desk: Desk, provider: Provider, shared_platform: Platform
) -> None:
    await desk.consent()
    [connection] = await desk.connections()
    stranger = Desk(shared_platform, await shared_platform.create_caller())
    body = {"choose": {"tenant_id": "t-2"}}
    path = f"books/connections/{connection['id']}/choices/"
    assert (await stranger.request("POST", path, body)).status_code == 404
    await stranger.define(definition(provider.url))
    assert (await stranger.request("POST", path, body)).status_code == 403
    assert len(provider.listed) == 1
    assert (await desk.connections())[0]["placeholders"] == {"tenant_id": "t-1"}


async def test_a_definition_cannot_lead_existing_credentials_to_another_question(
    desk: Desk, provider: Provider
) -> None:
    await desk.consent()
    async with raw_upstream() as elsewhere:
        moved = definition(provider.url)
        moved["after_connect"] |= {"url": f"{elsewhere.url}/tenants"}
        refused = await desk.request("PUT", "books/", moved)
        assert refused.status_code == 409, refused.text
        without = {**definition(provider.url), "after_connect": None, "headers": {}}
        assert (await desk.request("PUT", "books/", without)).status_code == 409
        assert elsewhere.arrived == []


async def test_an_integration_that_asks_nothing_has_no_choices(shared_platform: Platform) -> None:
    desk = Desk(shared_platform, await shared_platform.create_caller())
    declared = {"id": "books", "name": "Books", "base_url": "http://127.0.0.1:9"}
    assert (await desk.request("POST", "", declared)).status_code == 201
    made = await desk.request("POST", "books/connections/", {"name": "anna"})
    refused = await desk.choices(made.json()["id"])
    assert (refused.status_code, "have no choices" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputs": {"tenant_id": {}}}, "has a value already"),
        ({"base_url": "{other}/api"}, "after_connect"),
        (
            {"after_connect": {"url": "/tenants/{tenant_id}", "values": {"tenant_id": "id"}}},
            "before the service has given it",
        ),
        (
            {
                "base_url": "https://{tenant_id}.example",
                "after_connect": {"url": "/tenants", "values": {"tenant_id": "id"}},
            },
            "before the service has given it",
        ),
        ({"after_connect": {"url": "tenants", "values": {"tenant_id": "id"}}}, "http"),
        ({"after_connect": {"url": "", "values": {"tenant_id": "id"}}}, "http"),
        ({"after_connect": {"url": "ftp://x/", "values": {"tenant_id": "id"}}}, "http"),
        ({"after_connect": {"url": "https://a@b/", "values": {"tenant_id": "id"}}}, "http"),
        ({"after_connect": {"url": "/tenants", "values": {}}}, "at least 1"),
        ({"after_connect": {"url": "/tenants", "values": {"client_id": "id"}}}, "has a value already"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(changes: dict[str, Any], said: str) -> None:
    IntegrationDefinition.model_validate(definition("https://x.example"))
    with pytest.raises(ValidationError, match=said):
        IntegrationDefinition.model_validate(definition("https://x.example") | changes)
