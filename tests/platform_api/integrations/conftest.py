"""A mock shop on a real loopback socket, and an integration that leads to it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from platform_api.mock_shop.app import Shop, create_app, create_shop
from tests.platform_api.conftest import Caller, Platform


@dataclass(frozen=True, slots=True)
class RunningShop:
    """The shop and where it listens."""

    shop: Shop
    url: str


@pytest.fixture(scope="session")
def mock_shop() -> Iterator[RunningShop]:
    listener = socket.create_server(("127.0.0.1", 0))
    shop = create_shop(offers=20, orders=10, billing_entries=30, requests_per_second=100_000)
    server = uvicorn.Server(uvicorn.Config(create_app(shop), log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    yield RunningShop(shop, f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def shop(mock_shop: RunningShop) -> Iterator[RunningShop]:
    """The shop without faults left over from another test."""
    mock_shop.shop.faults.clear()
    yield mock_shop
    mock_shop.shop.faults.clear()


async def connect_shop(
    platform: Platform, caller: Caller, url: str, *, key: str = "shop-key-anna", retry: dict[str, Any] | None = None
) -> int:
    """Defines `shop` for the caller's organization and connects to it; the connection's id. One try unless told."""
    definition = {
        "id": "shop",
        "name": "Shop",
        "base_url": url,
        "auth": {"type": "api_key", "location": "header", "name": "X-Api-Key"},
        "status_check_url": "/me",
        "retry": retry or {"attempts": 1},
    }
    async with platform.client(caller) as client:
        answer = await client.post("/api/integrations/", json=definition)
        assert answer.status_code in (201, 409), answer.text
        body = {"name": f"anna@{key}", "credentials": {"api_key": key}}
        answer = await client.post("/api/integrations/shop/connections/", json=body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])
