"""Delivers the shop's events to the registered webhooks, signed with HMAC-SHA256."""

import hashlib
import hmac
import json
import logging
from dataclasses import dataclass

import httpx

from platform_api.mock_shop.data import Record

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Holds where events go. The signature is in `X-Shop-Signature`, hexadecimal over the raw body."""

    url: str
    secret: str


async def deliver(webhooks: list[Webhook], event: Record) -> None:
    """Posts the event once to each webhook. Like many real shops it does not retry."""
    body = json.dumps(event).encode()
    async with httpx.AsyncClient(timeout=10) as client:
        for webhook in webhooks:
            signature = hmac.new(webhook.secret.encode(), body, hashlib.sha256).hexdigest()
            headers = {"Content-Type": "application/json", "X-Shop-Signature": signature}
            try:
                await client.post(webhook.url, content=body, headers=headers)
            except httpx.HTTPError as exc:
                log.warning("delivery to %s failed: %r", webhook.url, exc)
