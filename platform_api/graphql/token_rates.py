"""How many requests a token may send in a minute, over all processes together.

A process takes a share of the minute from the shared counter and hands it out by itself: twenty questions a minute,
however many requests. What one process has taken and does not need is not there for another, so several processes may
refuse some percent early; together they never let more through than allowed.
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
    """What this process may still let through in the present minute."""

    left: int = 0
    in_store: int = 0
    """What nobody had taken yet when the counter was last asked."""
    is_used_up: bool = False
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class TokenRates:
    """Counts the requests of each credential. Only those that hold are to be counted, or strangers fill the store."""

    def __init__(self, rates: SharedRates, *, per_minute: int) -> None:
        self._rates = rates
        self._limit = per_minute
        self._share = max(1, per_minute // _SHARES)
        self._shown_limit = str(per_minute).encode()
        self._minute = 0
        self._leases: dict[str, _Lease] = {}

    async def take(self, credential: Credential) -> RawHeaders:
        """Counts a request; the headers that tell how many are left. Raises TooManyRequests."""
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
            (b"ratelimit-limit", self._shown_limit),
            (b"ratelimit-remaining", str(lease.left + lease.in_store).encode()),
            (b"ratelimit-reset", str(reset).encode()),
        )

    async def _renew(self, lease: _Lease, key: str) -> None:
        async with lease.asking:
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
            f"the token's limit of {self._limit} requests in a minute is used up; try again in {reset} seconds",
            retry_after=reset,
        )
        error.headers |= {
            "RateLimit-Limit": str(self._limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(reset),
        }
        return error


def _digest(credential: Credential) -> str:
    """One for each token, however it was written; and the store holds no secrets."""
    if credential.authorization is not None:
        return digest_of(read_authorization(credential.authorization)).hex()
    return digest_of(credential.cookie or "").hex()
