"""Every entry of the built-in catalogue, through the platform: connected, paged, written to and renewed.

The service is a fake on loopback that answers as its public documentation says (`catalogue_entry`). A new entry
without its row fails.
"""

import base64
import hashlib
import json
import re
import time
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from yarl import URL

from automio import AsyncAPI, Pagination
from automio._paths import at
from platform_api.integrations.definitions.catalogue import built_in
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.definitions.form import needs_consent
from tests.platform_api.conftest import BASE_URL, Caller, Platform
from tests.platform_api.integrations.catalogue_entry import (
    CLIENT_ID,
    CLIENT_SECRET,
    MONTH_SECONDS,
    ROWS,
    Row,
    Service,
    multipart_fields,
    secret_of,
    step_fields,
    token_fields,
)
from tests.platform_api.integrations.raw_upstream import raw_upstream
from tests.platform_api.integrations.test_oauth import REDIRECT_URI, change_credentials, stored

pytestmark = pytest.mark.anyio


class Bench:
    """One organization that uses one entry."""

    def __init__(self, platform: Platform, caller: Caller, service: Service) -> None:
        self.platform, self.caller, self.service = platform, caller, service
        self.token, self.connection = "", 0

    @property
    def path(self) -> str:
        return f"/api/integrations/{self.service.entry}/"

    async def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        async with self.platform.client(self.caller) as client:
            return await client.request(method, self.path + path, json=body)

    async def define(self) -> None:
        async with self.platform.client(self.caller) as client:
            made = await client.post("/api/integrations/", json=self.service.here())
            assert made.status_code == 201, made.text
        if "keys" not in self.service.row:
            body = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
            assert (await self.request("PUT", "oauth/client/", body)).status_code == 200

    @property
    def placeholders(self) -> dict[str, str]:
        return dict.fromkeys(IntegrationDefinition.model_validate(self.service.here()).placeholders, "x")

    async def call(self) -> dict[str, Any]:
        """A reading call of no particular endpoint."""
        reply = await self.request("POST", "call/", {"method": "GET", "endpoint": "/any"})
        assert reply.status_code == 200, reply.text
        answered: dict[str, Any] = reply.json()["api_response"]
        return answered

    async def status(self) -> str:
        [connection] = (await self.request("GET", "connections/")).json()["results"]
        return str(connection["status"])


async def connect_by_form(bench: Bench) -> None:
    """A wrong key is told and not stored; the right one is stored."""
    definition, keys = bench.service.definition, bench.service.row.get("keys", {})
    assert ("unchecked" in keys) == (definition.status_check_url is None and bool(definition.credential_fields))
    body: Row = {"name": "anna", "placeholders": bench.placeholders}
    if refused := keys.get("refused"):
        bench.service.answer(refused["body"], status=refused["status"])
        wrong = {**body, "credentials": dict.fromkeys(definition.credential_fields, "wrong-key")}
        told = await bench.request("POST", "connections/", wrong)
        assert (told.status_code, "nothing was stored" in told.text) == (422, True), told.text
        assert (await bench.request("GET", "connections/")).json()["results"] == []
        [tried] = bench.service.take()
        assert tried.method == definition.status_check.method
        accepted = keys.get("accepted", {"status": 200, "body": {"ok": True}})
        bench.service.answer(accepted["body"], status=accepted["status"])
    if (tokens := bench.service.row.get("tokens")) is not None:
        bench.service.answer({"error": "invalid_client"}, status=401)
        told = await bench.request("POST", "connections/", {**body, "credentials": {}})
        assert (told.status_code, "nothing was stored" in told.text) == (422, True), told.text
        assert (await bench.request("GET", "connections/")).json()["results"] == []
        assert len(bench.service.take()) == 1
        before = time.time()
        bench.service.answer(tokens["first"])
    right = {**body, "credentials": {name: secret_of(name) for name in definition.credential_fields}}
    made = await bench.request("POST", "connections/", right)
    assert made.status_code == 201, made.text
    bench.connection = made.json()["id"]
    if tokens is not None:
        [asked] = bench.service.take()
        assert token_fields(tokens, asked) == {"grant_type": tokens["grant"]}
        bench.token = "first"
        await check_end(bench, tokens["first"], before)
    if refused:
        assert made.json()["tested"]["ok"] is True
        [tried] = bench.service.take()
        assert urlsplit(tried.target).path == bench.service.base_path + definition.status_check_url
        assert bench.service.query_of(tried, "") == []
        assert tried.body.decode() == keys.get("body", "")


async def begin_consent(bench: Bench, browser: httpx.AsyncClient) -> URL:
    """The provider's address, where our connect page leads to."""
    started = await bench.request("POST", "oauth/start/", {"placeholders": bench.placeholders})
    assert started.status_code == 200, started.text
    page = await browser.get(started.json()["url"])
    [provider] = re.findall(r'id="continue"[^>]*href="([^"]+)"', page.text)
    return URL(unescape(provider))


async def end_consent(bench: Bench, browser: httpx.AsyncClient, told: Row, **back: str) -> None:
    """The provider sends the browser back; its account is looked up, and names the connection."""
    assert ("identity" in told) == (bench.service.here()["auth"]["identity"] is not None)
    asked = told.get("asked")
    assert (asked is not None) == (bench.service.definition.after_connect is not None)
    if asked:
        bench.service.answer(asked["body"])
    if "identity" in told:
        bench.service.answer(told["identity"])
    done = await browser.get("/oauth/callback/", params=back)
    assert "is connected" in done.text, done.text
    [connection] = (await bench.request("GET", "connections/")).json()["results"]
    assert connection["name"] == told.get("account", connection["name"])
    bench.connection = connection["id"]
    if asked:
        assert connection["placeholders"].items() >= asked["placeholders"].items()
        names = re.findall(r"<li>([^,]+),", done.text)
        assert names == (asked["names"] if len(asked["names"]) > 1 else [])


async def connect_by_consent(bench: Bench) -> None:
    """By the provider's consent page: asked for what makes tokens last, the code exchanged as it wants."""
    auth, tokens = bench.service.here()["auth"], bench.service.row["tokens"]
    async with bench.platform.client() as browser:
        provider = await begin_consent(bench, browser)
        assert str(provider.with_query(None)) == auth["authorize_url"]
        asked = {**provider.query}
        state, challenge = asked.pop("state"), asked.pop("code_challenge", None)
        assert asked.pop("code_challenge_method", "S256") == "S256" and (challenge is not None) == ("pkce" in tokens)
        scope = {"scope": auth["scope_separator"].join(auth["scopes"])} if auth["scopes"] else {}
        basics = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI}
        assert asked == {**basics, **scope, **tokens.get("consent", {})}
        before = time.time()
        bench.service.answer(tokens["first"])
        if exchanged := tokens.get("exchanged"):
            bench.service.answer(exchanged["body"])
        await end_consent(bench, browser, tokens, state=state, code="the-code")
    exchange, *looked_up = bench.service.take()
    if exchanged:
        step, *looked_up = looked_up
        assert step_fields(exchanged, step) == exchanged["query"]
    fields = token_fields(tokens, exchange)
    if challenge is not None:
        digest = hashlib.sha256(fields.pop("code_verifier").encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
    assert fields == {"grant_type": "authorization_code", "code": "the-code", "redirect_uri": REDIRECT_URI}
    asked_proofs = [tokens["asked"].get("proof")] if "asked" in tokens else []
    for request, proof in zip(looked_up, [*asked_proofs, *[None] * len(looked_up)], strict=False):
        bench.service.query_of(request, "first", proof=proof)
    bench.token = "first"
    await check_end(bench, exchanged["body"] if exchanged else tokens["first"], before)


async def connect_by_oauth1(bench: Bench) -> None:
    async with bench.platform.client() as browser:
        started = {"oauth_token": "temporary", "oauth_token_secret": "s", "oauth_callback_confirmed": "true"}
        bench.service.upstream.answer(urlencode(started).encode())
        provider = await begin_consent(bench, browser)
        assert provider.query["oauth_token"] == "temporary"
        bench.service.upstream.answer(urlencode({"oauth_token": "lasting", "oauth_token_secret": "t"}).encode())
        back = {"oauth_token": "temporary", "oauth_verifier": "v"}
        await end_consent(bench, browser, bench.service.row["oauth1"], **back)
    temporary, access, identity = bench.service.take()
    auth = bench.service.here()["auth"]
    paths = [urlsplit(auth[name]).path for name in ("request_token_url", "token_url")]
    assert [temporary.target, access.target] == paths
    bench.token = "lasting"
    assert bench.service.query_of(identity, bench.token) == []


async def connect(bench: Bench) -> None:
    row = bench.service.row
    if "oauth1" in row:
        await connect_by_oauth1(bench)
    elif needs_consent(bench.service.definition):
        await connect_by_consent(bench)
    else:
        await connect_by_form(bench)


async def check_end(bench: Bench, told: Row, before: float) -> None:
    """The end of the token is kept, however the provider tells it."""
    lasts = told.get("expires_in") or (MONTH_SECONDS if "expires_at" in told else None)
    kept = await stored(bench.platform, bench.connection)
    assert ("expires_at" in kept) == ("refresh_at" in kept) == (lasts is not None)
    if lasts is not None:
        # A date was made before the answer was asked for.
        assert before + lasts - 60 <= kept["expires_at"] <= time.time() + lasts


async def page(bench: Bench, api: AsyncAPI, shape: Row) -> None:
    """A list is read to its end: each page asked for once, and as the service wants it."""
    service = bench.service
    for told in shape["pages"]:
        service.answer(told.get("body"), status=told.get("status", 200), headers=told.get("headers"))
    found = api.integrations.paginate(
        await api.integrations.get_integration(service.entry),
        shape["endpoint"],
        method=shape.get("method", "GET"),
        params=shape.get("params"),
        json=shape.get("json"),
        items=shape.get("items"),
        pagination=Pagination(**shape["pagination"]) if "pagination" in shape else None,
    )
    assert [at(item, shape.get("id_at", "id")) async for item in found] == shape["ids"]
    arrived = service.take()
    assert len(arrived) == len(shape["pages"])
    for told, asked in zip(shape["pages"], arrived, strict=True):
        query = told.get("query", {})
        pairs = query.items() if isinstance(query, dict) else query
        assert service.query_of(asked, bench.token) == sorted((str(name), str(value)) for name, value in pairs)
        assert json.loads(asked.body or b"null") == told.get("json")
        path = told.get("path", service.base_path + shape["endpoint"])
        assert (asked.method, urlsplit(asked.target).path) == (shape.get("method", "GET"), path)


async def write(bench: Bench) -> None:
    """A documented write arrives as the service takes it, byte by byte."""
    row = bench.service.row["write"]
    assert "body" in bench.service.definition.model_fields_set, "every entry says what kind of body its service takes"
    bench.service.answer({})
    reply = await bench.request("POST", "call/", row["call"])
    assert reply.status_code == 200 and reply.json()["api_response"]["ok"], reply.text
    [arrived] = bench.service.take()
    query = bench.service.query_of(arrived, bench.token)
    for name, value in bench.service.row.get("tokens", {}).get("asked", {}).get("headers", {}).items():
        assert arrived.header(name) == value
    expected = URL(row["call"]["endpoint"], encoded=True)
    assert (arrived.method, query) == (row["call"]["method"], sorted(expected.query.items()))
    assert urlsplit(arrived.target).path == bench.service.base_path + expected.raw_path
    if "fields" in row:
        assert multipart_fields(arrived, row["content_type"]) == row["fields"]
    else:
        kind = arrived.header("Content-Type")
        assert (kind, arrived.body.decode()) == (row["content_type"], row["body"])


async def renew(bench: Bench, tokens: Row, *, refresh_token: str | None, by: str) -> None:
    """One renewal, because the service refuses the token (`refusal`), or because its time is over (`time`)."""
    refused, is_refused = tokens["refused"], by == "refusal"
    if is_refused:
        await change_credentials(bench.platform, bench.connection, renewed_at=0)
        bench.service.answer(refused["body"], status=refused["status"])
    else:
        await change_credentials(bench.platform, bench.connection, refresh_at=0, expires_at=0)
    before = time.time()
    bench.service.answer(tokens.get("renewed", tokens["first"]))
    bench.service.answer({"reached": True})
    answer = await bench.call()
    assert answer["ok"] and answer["text"] == '{"reached": true}', answer
    *old, asked, new = bench.service.take()
    if renewal := tokens.get("renewal"):
        assert step_fields(renewal, asked) == renewal["query"] | {"access_token": bench.token}
    else:
        fields = {"grant_type": tokens.get("grant", "refresh_token")}
        assert token_fields(tokens, asked) == fields | ({"refresh_token": refresh_token} if refresh_token else {})
    for request in old:
        bench.service.query_of(request, bench.token)
    assert len(old) == is_refused
    bench.token = "second"
    bench.service.query_of(new, bench.token)
    await check_end(bench, tokens["renewed"], before)
    assert await bench.status() == "active"


async def renewals(bench: Bench) -> None:
    """The token is renewed, and again with what that renewal gave; then the provider says that the grant is over."""
    tokens = bench.service.row["tokens"]
    first = tokens["first"].get("refresh_token")
    await renew(bench, tokens, refresh_token=first, by="refusal")
    is_timed = "expires_at" in await stored(bench.platform, bench.connection)
    second = tokens["renewed"].get("refresh_token", first)
    await renew(bench, tokens, refresh_token=second, by="time" if is_timed else "refusal")
    if over := tokens.get("over"):
        await change_credentials(bench.platform, bench.connection, renewed_at=0)
        bench.service.answer(tokens["refused"]["body"], status=tokens["refused"]["status"])
        bench.service.answer(over["body"], status=over["status"])
        answer = await bench.call()
        assert (answer["status_code"], answer["ok"]) == (401, False)
        assert answer["text"].startswith("reconnect ") and await bench.status() == "broken"


async def nothing_to_renew_with(bench: Bench) -> None:
    """A refused token goes back to the caller as it is refused; at the end of its time the connection is broken."""
    tokens = bench.service.row["tokens"]
    bench.service.answer(tokens["refused"]["body"], status=tokens["refused"]["status"])
    answer = await bench.call()
    assert answer["status_code"] == tokens["refused"]["status"]
    assert json.loads(answer["text"]) == tokens["refused"]["body"]
    [_] = bench.service.take()
    if "expires_in" in tokens["first"]:
        await change_credentials(bench.platform, bench.connection, refresh_at=0, expires_at=0)
        assert "gave no refresh token" in (await bench.call())["text"]
        assert bench.service.take() == [] and await bench.status() == "broken"


@pytest.mark.parametrize("entry", built_in())
async def test_an_entry_is_connected_paged_written_to_and_renewed(shared_platform: Platform, entry: str) -> None:
    assert entry in ROWS, f"catalogue_entries/ has no row for {entry}"
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    transport = httpx.ASGITransport(app=shared_platform.app)
    async with (
        raw_upstream() as upstream,
        AsyncAPI(base_url=BASE_URL, token=caller.token, app_id=app.id, transport=transport) as api,
    ):
        bench = Bench(shared_platform, caller, Service.of(entry, upstream))
        row = bench.service.row
        await bench.define()
        await connect(bench)
        for shape in row.get("lists", []):
            await page(bench, api, shape)
        await write(bench)
        if "renewed" in row.get("tokens", {}):
            await renewals(bench)
        elif "tokens" in row:
            await nothing_to_renew_with(bench)


@pytest.mark.parametrize("entry", ROWS)
def test_a_row_tells_all_of_its_entry(entry: str) -> None:
    row, definition = ROWS[entry], built_in()[entry]
    assert ("lists" in row) != ("without_lists" in row)
    assert len({"keys", "tokens", "oauth1"} & set(row)) == 1
    is_told = definition.pagination is not None or all("pagination" in shape for shape in row.get("lists", []))
    assert is_told, "how its lists go on is said in the catalogue, or for each list in the row"
    if definition.auth.type == "oauth2":
        assert definition.auth.token_url == row["tokens"]["url"]
        for step, name in ((definition.auth.exchange, "exchanged"), (definition.auth.renewal, "renewal")):
            assert (step and step.url) == row["tokens"].get(name, {}).get("url")
        assert ("renewed" in row["tokens"]) != ("lasting" in row["tokens"])
