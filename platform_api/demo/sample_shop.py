"""Serves a small shop on loopback for the demonstration: orders with lines, and billing entries, page by page.

The data is computed, so every start shows the same shop, and a second import finds the same rows.
"""

import argparse
import asyncio
import random
import socket
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

API_KEY = "sample-key"
API_KEY_HEADER = "X-Api-Key"
ORDERS = 200
LINES_PER_ORDER = 3
BILLING_ENTRIES = 2000

_OPENED = datetime(2026, 1, 1, tzinfo=UTC)
_MAX_PER_PAGE = 500
_OFFERS = ("walnut shelf", "red lamp", "blue rug", "oak stool", "green vase", "clock", "teapot")
_STATUSES = ("new", "paid", "sent")
_ENTRY_TYPES = ("commission", "delivery", "listing fee", "refund")


def make_orders() -> list[dict[str, Any]]:
    """Returns every order of the shop with its lines."""
    chance = random.Random("orders")
    return [_order(chance, number) for number in range(ORDERS)]


def _order(chance: random.Random, number: int) -> dict[str, Any]:
    lines = [
        {
            "id": f"L-{number:05}-{position}",
            "offer": chance.choice(_OFFERS),
            "quantity": chance.randint(1, 4),
            "price": f"{chance.randint(500, 30000) / 100:.2f}",
        }
        for position in range(1, LINES_PER_ORDER + 1)
    ]
    return {
        "id": str(UUID(int=chance.getrandbits(128), version=4)),
        "buyer": f"buyer{chance.randint(1, 60):02}",
        "status": chance.choice(_STATUSES),
        "orderedAt": (_OPENED + timedelta(minutes=37 * number)).isoformat(),
        "lines": lines,
    }


def make_billing_entries() -> list[dict[str, Any]]:
    """Returns every billing entry of the shop, oldest first, with the balance after it."""
    chance = random.Random("billing")
    balance = 0
    entries = []
    for number in range(BILLING_ENTRIES):
        kind = chance.choice(_ENTRY_TYPES)
        cents = chance.randint(50, 4000) * (1 if kind == "refund" else -1)
        balance += cents
        entries.append(
            {
                "id": str(UUID(int=chance.getrandbits(128), version=4)),
                "type": kind,
                "value": f"{cents / 100:.2f}",
                "balance": f"{balance / 100:.2f}",
                "occurredAt": (_OPENED + timedelta(minutes=4 * number)).isoformat(),
            }
        )
    return entries


def create_app(*, seconds_per_page: float = 0.0) -> Starlette:
    """Serves `GET /v1/orders` and `GET /v1/billing-entries` with `page` (from 1), `per_page` and an API key.

    `seconds_per_page` makes it as slow as real shops are.
    """
    collections = {"orders": make_orders(), "billing-entries": make_billing_entries()}

    async def show_page(request: Request) -> Response:
        if request.headers.get(API_KEY_HEADER) != API_KEY:
            return JSONResponse({"error": f"send a valid key in {API_KEY_HEADER}"}, 401)
        items = collections.get(request.path_params["collection"])
        if items is None:
            return JSONResponse({"error": "the collections are orders and billing-entries"}, 404)
        try:
            page = int(request.query_params.get("page", 1))
            per_page = int(request.query_params.get("per_page", 100))
        except ValueError:
            page = per_page = 0
        if page < 1 or not 1 <= per_page <= _MAX_PER_PAGE:
            return JSONResponse({"error": f"page counts from 1, per_page from 1 to {_MAX_PER_PAGE}"}, 400)
        await asyncio.sleep(seconds_per_page)
        start = (page - 1) * per_page
        return JSONResponse(
            {
                "items": items[start : start + per_page],
                "page": page,
                "pages": -(-len(items) // per_page),
                "total": len(items),
            }
        )

    return Starlette(routes=[Route("/v1/{collection}", show_page)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the inherited listening socket")
    parser.add_argument("--seconds-per-page", type=float, default=0.0, help="how long each answer takes")
    arguments = parser.parse_args()
    app = create_app(seconds_per_page=arguments.seconds_per_page)
    config = uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=arguments.fd)])


if __name__ == "__main__":
    main()
