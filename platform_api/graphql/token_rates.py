"""Limits how many requests a token may send in a minute, over all processes together.

A process reserves a share of the minute from the shared counter and spends it locally: at most twenty queries a
minute, however many requests. A share that one process does not spend is lost to the others, so several processes may
refuse a few percent early; together they never allow more than the limit.
"""

import asyncio
import math
import time
from dataclasses import dataclass, field

from platform_api.accounts.authentication import read_authorization
from platform_api.accounts.tokens import digest_of
from platform_api.core.errors import TooManyRequests
from platform_api.graphql.backends.backend import RawHeaders
from platform_api.graphql.sessions import Credential
from platform_api.limits.rates import SharedRates

WINDOW_SECONDS = 60
_NAMESPACE = "graphql"
_SHARES = 20
_MAX_TOKENS = 10_000


@dataclass(slots=True)
class _Lease:
    """Tracks how many requests this process may still allow in the current minute."""

    left: int = 0
    in_store: int = 0
    """Unreserved requests when the counter was last read."""
    is_used_up: bool = False
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)


class TokenRates:
    """Counts requests per credential. Pass only valid credentials: others would fill the store."""

    def __init__(self, rates: SharedRates, *, per_minute: int) -> None:
        self._rates = rates
        self._limit = per_minute
        self._share = max(1, per_minute // _SHARES)
        self._limit_header = str(per_minute).encode()
        self._minute = 0
        self._leases: dict[str, _Lease] = {}

    async def take(self, credential: Credential) -> RawHeaders:
        """Counts a request; returns the headers that say how many are left. Raises TooManyRequests."""
        now = time.time()
        minute = int(now // WINDOW_SECONDS)
        if minute != self._minute or len(self._leases) > _MAX_TOKENS:
            self._minute, self._leases = minute, {}
        token = _digest(credential)
        lease = self._leases.get(token)
        if lease is None:
            lease = self._leases[token] = _Lease()
        if not lease.left and not lease.is_used_up:
            await self._renew(lease, f"{token}/{minute}")
        reset = math.ceil((minute + 1) * WINDOW_SECONDS - now)
        if not lease.left:
            raise self._refusal(reset)
        lease.left -= 1
        return (
            (b"ratelimit-limit", self._limit_header),
            (b"ratelimit-remaining", str(lease.left + lease.in_store).encode()),
            (b"ratelimit-reset", str(reset).encode()),
        )

    async def _renew(self, lease: _Lease, key: str) -> None:
        async with lease.renewing:
            if lease.left or lease.is_used_up:
                return
            total = await self._rates.count(_NAMESPACE, key, self._share, seconds=2 * WINDOW_SECONDS)
            if total is None:
                lease.left = self._share
                return
            before = total - self._share
            lease.left = max(0, min(self._share, self._limit - before))
            lease.in_store = max(0, self._limit - total)
            lease.is_used_up = not lease.left

    def _refusal(self, reset: int) -> TooManyRequests:
        error = TooManyRequests(
            f"the token's limit of {self._limit} requests per minute is used up; try again in {reset} seconds",
            retry_after=reset,
        )
        error.headers |= {
            "RateLimit-Limit": str(self._limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(reset),
        }
        return error


def _digest(credential: Credential) -> str:
    """Returns the same key for a token however it is written; a digest, so that the store holds no secrets."""
    if credential.authorization is not None:
        return digest_of(read_authorization(credential.authorization)).hex()
    return digest_of(credential.cookie or "").hex()
