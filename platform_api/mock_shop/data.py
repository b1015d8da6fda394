"""Generates the shop's data from a seed: sellers, offers, orders and the journal of events."""

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

OPENED = datetime(2026, 1, 1, tzinfo=UTC)
_PRODUCTS = ("lamp", "chair", "teapot", "rug", "clock", "mirror", "vase", "shelf", "blanket", "stool")
_COLOURS = ("red", "green", "blue", "oak", "walnut", "black", "white")
_BILLING_TYPES = ("commission", "listing fee", "delivery", "refund")

Record = dict[str, Any]


@dataclass(slots=True)
class Seller:
    """Holds one account of the shop with everything that belongs to it."""

    id: str
    login: str
    email: str
    api_key: str
    offers: dict[str, Record] = field(default_factory=dict)
    orders: dict[str, Record] = field(default_factory=dict)
    billing_entries: list[Record] = field(default_factory=list)
    events: list[Record] = field(default_factory=list)

    def record_event(self, kind: str, order_id: str, at: datetime) -> Record:
        """Appends to the journal; event ids grow by one, so that any of them is a cursor."""
        event = {"id": str(len(self.events) + 1), "type": kind, "orderId": order_id, "occurredAt": at.isoformat()}
        self.events.append(event)
        return event


def create_seller(login: str, *, offers: int, orders: int, billing_entries: int) -> Seller:
    """Creates a seller whose data depends on nothing but the arguments."""
    source = random.Random(login)
    seller = Seller(id=str(_uuid(source)), login=login, email=f"{login}@shop.example", api_key=f"shop-key-{login}")
    for _ in range(offers):
        _add_offer(seller, source)
    for number in range(orders):
        create_order(seller, source, at=OPENED + timedelta(minutes=7 * number))
    for number in range(billing_entries):
        seller.billing_entries.append(_billing_entry(source, OPENED + timedelta(minutes=3 * number)))
    return seller


def create_order(seller: Seller, source: random.Random, *, at: datetime) -> Record:
    """Adds an order of one to three lines and its BOUGHT event."""
    offers = list(seller.offers.values())
    lines = [
        {"offerId": offer["id"], "quantity": source.randint(1, 3), "price": offer["price"]}
        for offer in source.sample(offers, k=min(len(offers), source.randint(1, 3)))
    ]
    order: Record = {
        "id": str(_uuid(source)),
        "buyer": {"login": f"buyer{source.randint(1, 999):03}"},
        "status": "BOUGHT",
        "lineItems": lines,
        "total": {
            "amount": f"{sum(line['quantity'] * float(line['price']['amount']) for line in lines):.2f}",
            "currency": "EUR",
        },
        "boughtAt": at.isoformat(),
        "updatedAt": at.isoformat(),
    }
    seller.orders[order["id"]] = order
    seller.record_event("BOUGHT", order["id"], at)
    return order


def _add_offer(seller: Seller, source: random.Random) -> None:
    identifier = str(10_000_000 + len(seller.offers))
    seller.offers[identifier] = {
        "id": identifier,
        "name": f"{source.choice(_COLOURS)} {source.choice(_PRODUCTS)}",
        "price": {"amount": f"{source.randint(500, 20_000) / 100:.2f}", "currency": "EUR"},
        "stock": source.randint(0, 50),
    }


def _billing_entry(source: random.Random, at: datetime) -> Record:
    return {
        "id": str(_uuid(source)),
        "occurredAt": at.isoformat(),
        "type": source.choice(_BILLING_TYPES),
        "value": {"amount": f"{-source.randint(1, 5_000) / 100:.2f}", "currency": "EUR"},
        "balance": {"amount": f"{source.randint(0, 500_000) / 100:.2f}", "currency": "EUR"},
    }


def _uuid(source: random.Random) -> uuid.UUID:
    return uuid.UUID(int=source.getrandbits(128), version=4)
