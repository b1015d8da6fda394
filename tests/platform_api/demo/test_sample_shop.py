"""The shop that the demonstration imports from."""

import asyncio
from typing import Any

import httpx
import pytest

from platform_api.demo.sample_shop import (
    API_KEY,
    API_KEY_HEADER,
    BILLING_ENTRIES,
    LINES_PER_ORDER,
    ORDERS,
    create_app,
    make_billing_entries,
    make_orders,
)

_shop = create_app()


def _get(path: str, *, key: str = API_KEY, **parameters: str | int) -> tuple[int, Any]:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(_shop)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.get(path, params=parameters, headers={API_KEY_HEADER: key})

    answer = asyncio.run(ask())
    return answer.status_code, answer.json()


def test_two_starts_show_the_same_shop() -> None:
    assert make_orders() == make_orders()
    assert make_billing_entries() == make_billing_entries()


def test_every_entry_is_on_exactly_one_page() -> None:
    _, first = _get("/v1/billing-entries", page=1, per_page=300)
    pages = [_get("/v1/billing-entries", page=page, per_page=300)[1] for page in range(1, first["pages"] + 1)]
    ids = [entry["id"] for page in pages for entry in page["items"]]
    assert len(ids) == len(set(ids)) == first["total"] == BILLING_ENTRIES == 2000
    assert _get("/v1/billing-entries", page=first["pages"] + 1, per_page=300)[1]["items"] == []


def test_orders_come_with_their_lines() -> None:
    _, page = _get("/v1/orders", per_page=500)
    assert len(page["items"]) == page["total"] == ORDERS
    lines = [line["id"] for order in page["items"] for line in order["lines"]]
    assert len(lines) == len(set(lines)) == ORDERS * LINES_PER_ORDER


def test_balances_follow_from_the_values() -> None:
    cents = 0
    for entry in make_billing_entries():
        cents += round(float(entry["value"]) * 100)
        assert round(float(entry["balance"]) * 100) == cents


@pytest.mark.parametrize("parameters", [{"page": 0}, {"per_page": 501}, {"page": "x"}])
def test_bad_pages_are_refused(parameters: dict[str, str]) -> None:
    assert _get("/v1/orders", **parameters)[0] == 400


def test_it_wants_its_key_and_knows_two_collections() -> None:
    assert _get("/v1/orders", key="wrong")[0] == 401
    assert _get("/v1/customers")[0] == 404
