"""The mock shop on loopback with short-lived tokens, and accounts there connected by consent."""

import html
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from platform_api.mock_shop.app import Shop, create_app, create_shop

INTEGRATION = "allegro_sandbox"
OFFERS = 20
# Tokens are renewed at half of their life: several times within a test.
TOKEN_SECONDS = 4


@contextmanager
def serving_shop(*, token_seconds: int = TOKEN_SECONDS) -> Iterator[tuple[Shop, str]]:
    """The running shop and its address."""
    shop = create_shop(
        offers=OFFERS, orders=10, billing_entries=30, access_token_seconds=token_seconds, requests_per_second=100_000
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(shop), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield shop, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def connect_accounts(platform: httpx.Client, shop_url: str, logins: Sequence[str] = ("anna", "bert")) -> list[int]:
    """Defines the integration for the owner's organization and connects accounts to it; the connections' ids."""
    definition = {
        "id": INTEGRATION,
        "name": "Allegro sandbox",
        "base_url": shop_url,
        "status_check_url": "/me",
        "auth": {
            "type": "oauth2",
            "authorize_url": f"{shop_url}/oauth/authorize",
            "token_url": f"{shop_url}/oauth/token",
            "scopes": ["orders", "offers"],
            "pkce": True,
            "identity": {"url": "/me", "name": "email"},
        },
    }
    _done(platform.post("/api/integrations/", json=definition))
    client = {"client_id": "shop-client", "client_secret": "shop-secret"}
    _done(platform.put(f"/api/integrations/{INTEGRATION}/oauth/client/", json=client))
    for login in logins:
        address = _done(platform.post(f"/api/integrations/{INTEGRATION}/oauth/start/", json={}))["url"]
        with httpx.Client(follow_redirects=True, timeout=240) as browser:
            [provider] = re.findall(r'id="continue"[^>]*href="([^"]+)"', browser.get(address).text)
            page = browser.get(html.unescape(provider) + f"&login={login}")
            assert "is connected to the organization" in page.text, page.text
    return [one["id"] for one in _done(platform.get(f"/api/integrations/{INTEGRATION}/get_connections/"))]


def _done(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url} answered {answer.text}"
    return answer.json()
