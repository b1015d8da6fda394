"""Implements the shop's HTTP API, a Starlette application without a database.

| path | what |
| --- | --- |
| `GET /oauth/authorize`, `POST /oauth/token` | OAuth 2 (client `shop-client`, `shop-secret`) |
| `POST /oauth1/request_token`, `GET /oauth1/authorize`, `POST /oauth1/access_token` | OAuth 1.0a (the same client) |
| `GET /me` | the account of the credentials |
| `GET /offers`, `GET, PATCH /offers/{id}`, `POST /offers/{id}/image` | offset paging, `Link` headers, multipart |
| `GET, POST /orders`, `GET /orders/{id}`, `GET /orders/{id}/label` | orders; the label is binary |
| `GET /events?from=` | the journal, after a cursor |
| `GET /billing-entries?cursor=` | cursor paging |
| `GET, POST /webhooks` | signed deliveries of new events |
| `/control/...` | faults, token expiry, revocation, counters: the controls of a test or a demonstration |

Credentials: `Authorization: Bearer <access token>`, an OAuth 1.0a signature, or `X-Api-Key: shop-key-<login>`.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import urlencode

from authlib.oauth1.rfc5849 import OAuth1Request
from authlib.oauth1.rfc5849.errors import OAuth1Error
from authlib.oauth2 import OAuth2Error
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from platform_api.mock_shop.data import Record, Seller, create_order, create_seller
from platform_api.mock_shop.faults import Fault, FaultMiddleware, FaultPlan
from platform_api.mock_shop.oauth import Answer, Client, Provider, TokenStore, oauth_request
from platform_api.mock_shop.oauth1 import Consumer, CredentialStore, Protector, Provider1
from platform_api.mock_shop.webhooks import Webhook, deliver

_MAX_PER_PAGE = 1000


@dataclass(slots=True)
class Shop:
    """Holds everything that a running shop knows."""

    sellers: dict[str, Seller]
    tokens: TokenStore
    provider: Provider
    faults: FaultPlan
    requests_per_second: int
    credentials: CredentialStore = field(default_factory=CredentialStore)
    webhooks: list[Webhook] = field(default_factory=list)
    requests: int = 0
    _recent: dict[str, deque[float]] = field(default_factory=dict)
    _source: random.Random = field(default_factory=lambda: random.Random("orders"))

    def account_of(self, request: Request) -> Seller:
        """Returns the seller of the request's credentials. Counts the request against the seller's rate limit.

        Raises HTTPException 401 without valid credentials, 429 beyond the limit.
        """
        self.requests += 1
        seller = self._seller_of(request)
        if seller is None:
            raise HTTPException(401, "no valid access token or API key", {"WWW-Authenticate": "Bearer"})
        recent = self._recent.setdefault(seller.id, deque())
        now = time.monotonic()
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= self.requests_per_second:
            raise HTTPException(429, "too many requests", {"Retry-After": "1"})
        recent.append(now)
        return seller

    def _seller_of(self, request: Request) -> Seller | None:
        if key := request.headers.get("x-api-key"):
            return next((seller for seller in self.sellers.values() if seller.api_key == key), None)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "oauth":
            url = str(request.url)
            return Protector(self.credentials).seller_of(request.method, url, request.headers["authorization"])
        return self.tokens.seller_of(token) if scheme.lower() == "bearer" else None

    def order_bought(self, seller: Seller) -> Record:
        return create_order(seller, self._source, at=datetime.now(UTC))


def create_shop(
    *,
    offers: int = 200,
    orders: int = 300,
    billing_entries: int = 2000,
    access_token_seconds: int = 60,
    requests_per_second: int = 200,
) -> Shop:
    """Creates a shop with two sellers (`anna` and `bert`) and one OAuth client."""
    sellers = {
        login: create_seller(login, offers=offers, orders=orders, billing_entries=billing_entries)
        for login in ("anna", "bert")
    }
    tokens = TokenStore(clients={"shop-client": Client("shop-client", "shop-secret")})
    provider = Provider(tokens, default_seller=sellers["anna"], access_token_seconds=access_token_seconds)
    credentials = CredentialStore(consumers={"shop-client": Consumer("shop-client", "shop-secret")})
    return Shop(sellers, tokens, provider, FaultPlan(), requests_per_second, credentials)


def create_app(shop: Shop | None = None) -> Starlette:
    """Returns the shop as an ASGI application; `app.state.shop` is its `Shop`."""
    shop = shop or create_shop()
    app = Starlette(
        routes=_ROUTES,
        middleware=[Middleware(FaultMiddleware, plan=shop.faults)],
        exception_handlers={HTTPException: _render_error},
    )
    app.state.shop = shop
    return app


def _shop(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


async def _render_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    return JSONResponse({"error": exc.detail}, exc.status_code, exc.headers)


def _number(request: Request, name: str, default: int, maximum: int = 10**9) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdigit() or int(text) > maximum:
        raise HTTPException(400, f"`{name}` must be a number from 0 to {maximum}, not {text!r}")
    return int(text)


def _get_record(records: dict[str, Record], request: Request) -> Record:
    record = records.get(request.path_params["id"])
    if record is None:
        raise HTTPException(404, f"there is no {request.url.path}")
    return record


# OAuth


async def authorize(request: Request) -> Response:
    """Shows the consent page, which sends the browser back with a code; `?login=` answers without a page."""
    shop = _shop(request)
    consent = oauth_request("GET", str(request.url), request.url.query, dict(request.headers))
    try:
        grant = shop.provider.get_consent_grant(consent)
    except OAuth2Error as error:
        return JSONResponse(dict(error.get_body()), 400)
    login = request.query_params.get("login")
    if login == "nobody":
        return _oauth_response(shop.provider.create_authorization_response(consent, grant_user=None, grant=grant))
    seller = shop.sellers.get(login or "")
    if seller is None:
        return HTMLResponse(_consent_page(request, shop))
    return _oauth_response(shop.provider.create_authorization_response(consent, grant_user=seller, grant=grant))


def _consent_page(request: Request, shop: Shop) -> str:
    client = escape(request.query_params.get("client_id", ""))
    choices = "".join(
        f'<li><a href="?{escape(urlencode({**request.query_params, "login": login}))}">{escape(text)}</a></li>'
        for login, text in [*((login, f"Allow as {login}") for login in shop.sellers), ("nobody", "Deny")]
    )
    return f"<!doctype html><title>Mock shop</title><h1>{client} asks to use your shop account</h1><ul>{choices}</ul>"


async def token(request: Request) -> Response:
    body = (await request.body()).decode()
    exchange = oauth_request("POST", str(request.url), body, dict(request.headers))
    return _oauth_response(_shop(request).provider.create_token_response(exchange))


async def request_token_1(request: Request) -> Response:
    return _oauth_response(
        Provider1(_shop(request).credentials).create_temporary_credentials_response(await _oauth1_request(request))
    )


async def authorize_1(request: Request) -> Response:
    """Shows OAuth 1.0a's consent page; `?login=` chooses without a page."""
    shop = _shop(request)
    provider = Provider1(shop.credentials)
    consent = OAuth1Request("GET", str(request.url), headers={})
    try:
        provider.validate_authorization_request(consent)
    except OAuth1Error as error:
        return JSONResponse(dict(error.get_body()), 400)
    login = request.query_params.get("login")
    if login == "nobody":
        back = URL(consent.credential.redirect_uri).include_query_params(denied=consent.token)
        return Response(status_code=302, headers={"Location": str(back)})
    seller = shop.sellers.get(login or "")
    if seller is None:
        return HTMLResponse(_consent_page(request, shop))
    return _oauth_response(provider.create_authorization_response(consent, grant_user=seller))


async def access_token_1(request: Request) -> Response:
    return _oauth_response(
        Provider1(_shop(request).credentials).create_token_response(await _oauth1_request(request))
    )


async def _oauth1_request(request: Request) -> OAuth1Request:
    authorization = request.headers.get("authorization", "")
    try:
        return OAuth1Request("POST", str(request.url), await request.body(), {"Authorization": authorization})
    except (OAuth1Error, ValueError) as exc:
        raise HTTPException(400, str(exc)) from exc


def _oauth_response(answer: Answer) -> Response:
    status, body, headers = answer
    if isinstance(body, list):
        return Response(urlencode(body).replace("=True", "=true"), status, dict(headers))
    if isinstance(body, dict):
        return JSONResponse(body, status, dict(headers))
    return Response(body or "", status, dict(headers))


# Resources of the seller whose credentials are sent


async def me(request: Request) -> Response:
    seller = _shop(request).account_of(request)
    return JSONResponse({"id": seller.id, "login": seller.login, "email": seller.email})


async def offers(request: Request) -> Response:
    all_offers = list(_shop(request).account_of(request).offers.values())
    offset, limit = _number(request, "offset", 0), _number(request, "limit", 50, _MAX_PER_PAGE)
    headers = {}
    if offset + limit < len(all_offers):
        following = request.url.include_query_params(offset=offset + limit, limit=limit)
        headers["Link"] = f'<{following}>; rel="next"'
    page = all_offers[offset : offset + limit]
    return JSONResponse({"offers": page, "count": len(page), "totalCount": len(all_offers)}, headers=headers)


async def offer(request: Request) -> Response:
    seller = _shop(request).account_of(request)
    record = _get_record(seller.offers, request)
    if request.method == "PATCH":
        changes = await request.json()
        if not isinstance(changes, dict) or set(changes) - {"name", "price", "stock"}:
            raise HTTPException(422, "an offer's `name`, `price` and `stock` can be changed")
        record.update(changes)
    return JSONResponse(record)


async def offer_image(request: Request) -> Response:
    seller = _shop(request).account_of(request)
    record = _get_record(seller.offers, request)
    async with request.form() as form:
        files = {
            name: {"filename": value.filename, "contentType": value.content_type, "size": value.size}
            for name, value in form.items()
            if not isinstance(value, str)
        }
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    return JSONResponse({"offerId": record["id"], "files": files, "fields": fields}, 201)


async def orders(request: Request) -> Response:
    shop = _shop(request)
    seller = shop.account_of(request)
    if request.method == "POST":
        order = shop.order_bought(seller)
        event = seller.events[-1]
        return JSONResponse(order, 201, background=BackgroundTask(deliver, shop.webhooks, event))
    all_orders = list(seller.orders.values())
    offset, limit = _number(request, "offset", 0), _number(request, "limit", 100, _MAX_PER_PAGE)
    page = all_orders[offset : offset + limit]
    return JSONResponse({"orders": page, "count": len(page), "totalCount": len(all_orders)})


async def order(request: Request) -> Response:
    return JSONResponse(_get_record(_shop(request).account_of(request).orders, request))


async def order_label(request: Request) -> Response:
    record = _get_record(_shop(request).account_of(request).orders, request)
    # Bytes that are no valid text in any common encoding: what a client must not try to decode.
    return Response(b"\x00LABEL\xff\xfe" + record["id"].encode(), media_type="application/octet-stream")


async def events(request: Request) -> Response:
    seller = _shop(request).account_of(request)
    start, limit = _number(request, "from", 0), _number(request, "limit", 100, _MAX_PER_PAGE)
    return JSONResponse({"events": seller.events[start : start + limit]})


async def billing_entries(request: Request) -> Response:
    entries = _shop(request).account_of(request).billing_entries
    start, limit = _number(request, "cursor", 0), _number(request, "limit", 100, _MAX_PER_PAGE)
    following = str(start + limit) if start + limit < len(entries) else None
    return JSONResponse({"billingEntries": entries[start : start + limit], "nextCursor": following})


async def webhooks(request: Request) -> Response:
    shop = _shop(request)
    shop.account_of(request)
    if request.method == "POST":
        body = await request.json()
        shop.webhooks.append(Webhook(url=body["url"], secret=body.get("secret", "")))
    return JSONResponse({"webhooks": [{"url": webhook.url} for webhook in shop.webhooks]})


# Controls of a test or a demonstration


async def control_faults(request: Request) -> Response:
    shop = _shop(request)
    if request.method == "DELETE":
        shop.faults.clear()
        return Response(status_code=204)
    try:
        fault = Fault.from_json(await request.json())
    except (ValueError, TypeError) as exc:
        raise HTTPException(422, str(exc)) from exc
    shop.faults.add(fault)
    return JSONResponse(asdict(fault), 201)


async def control_clients(request: Request) -> Response:
    body = await request.json()
    client = Client(body["client_id"], body["client_secret"], tuple(body.get("redirect_uris", ())))
    _shop(request).tokens.clients[client.client_id] = client
    return JSONResponse({"client_id": client.client_id}, 201)


async def control_expire(request: Request) -> Response:
    _shop(request).tokens.expire_access_tokens()
    return Response(status_code=204)


async def control_revoke(request: Request) -> Response:
    shop = _shop(request)
    seller = shop.sellers.get(request.path_params["login"])
    if seller is None:
        raise HTTPException(404, f"the sellers are {', '.join(shop.sellers)}")
    shop.tokens.revoke(seller)
    return Response(status_code=204)


async def control_counters(request: Request) -> Response:
    shop = _shop(request)
    return JSONResponse({"requests": shop.requests, "issued_tokens": shop.tokens.issued})


def _route(path: str, endpoint: Callable[..., Any], *methods: str) -> Route:
    return Route(path, endpoint, methods=list(methods or ("GET",)))


_ROUTES = [
    _route("/oauth/authorize", authorize),
    _route("/oauth/token", token, "POST"),
    _route("/oauth1/request_token", request_token_1, "POST"),
    _route("/oauth1/authorize", authorize_1),
    _route("/oauth1/access_token", access_token_1, "POST"),
    _route("/me", me),
    _route("/offers", offers),
    _route("/offers/{id}", offer, "GET", "PATCH"),
    _route("/offers/{id}/image", offer_image, "POST"),
    _route("/orders", orders, "GET", "POST"),
    _route("/orders/{id}", order),
    _route("/orders/{id}/label", order_label),
    _route("/events", events),
    _route("/billing-entries", billing_entries),
    _route("/webhooks", webhooks, "GET", "POST"),
    _route("/control/faults", control_faults, "POST", "DELETE"),
    _route("/control/clients", control_clients, "POST"),
    _route("/control/expire-tokens", control_expire, "POST"),
    _route("/control/sellers/{login}/revoke", control_revoke, "POST"),
    _route("/control/counters", control_counters),
]
