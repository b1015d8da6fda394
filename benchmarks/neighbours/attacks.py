"""Attacks an installation as one of its organizations, until it is killed: `python -m benchmarks.neighbours.attacks`.

Reads from standard input which attack it is, and where: `{"attack", "url", "headers", "table", "action"}`.
"""

import asyncio
import itertools
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp

_FLOOD_CONNECTIONS = 64
_SUBSCRIPTIONS = 2000


@dataclass(frozen=True, slots=True)
class Target:
    """Describes what the attacker may reach, and with what."""

    url: str
    headers: dict[str, str]
    table: str
    action: int


async def huge_lists(target: Target, session: aiohttp.ClientSession) -> None:
    """Sends lists of 15 MB, and as large ones as are accepted, four at a time."""
    ids = json.dumps([str(uuid4()) for _ in range(385_000)])

    async def send(number: int) -> None:
        share = len(ids) if number == 0 else 3_900_000 // number
        items = ids[: ids.rindex(",", 0, share)] + "]"
        query = f"query ($ids: [uuid!]) {{ {target.table}(where: {{id: {{_in: $ids}}}}) {{ id }} }}"
        body = f'{{"query": {json.dumps(query)}, "variables": {{"ids": {items}}}}}'.encode()
        while True:
            await _post(session, target, "/v1/graphql", body)

    await asyncio.gather(*map(send, range(4)))


async def cheap_requests(target: Target, session: aiohttp.ClientSession) -> None:
    """Sends by-key queries as quickly as 64 connections can."""
    query = f'{{ {target.table}_by_pk(id: "{uuid4()}") {{ id }} }}'
    await _flood(target, session, lambda: json.dumps({"query": query}).encode())


async def new_documents(target: Target, session: aiohttp.ClientSession) -> None:
    """Sends documents that nobody has sent before, of a few hundred fields each."""
    numbers = itertools.count()

    def body() -> bytes:
        number = next(numbers)
        fields = " ".join(f"a{number}_{field}: {target.table}(limit: 1) {{ id }}" for field in range(100))
        return json.dumps({"query": f"{{ {fields} }}"}).encode()

    await _flood(target, session, body)


async def endless_runs(target: Target, session: aiohttp.ClientSession) -> None:
    """Starts ten runs that end after an hour, and burn the CPU until then."""
    for _ in range(10):
        await _post(session, target, f"/api/actions/{target.action}/run/", b"{}")
    await asyncio.sleep(3600)


async def full_cache(target: Target, session: aiohttp.ClientSession) -> None:
    """Writes cache entries of 256 kB under ever new keys."""
    numbers = itertools.count()
    value = "x" * 256_000

    async def send(_: int) -> None:
        while True:
            body = json.dumps({"key": f"k{next(numbers)}", "value": value}).encode()
            await _post(session, target, "/cache/set/", body)

    await asyncio.gather(*map(send, range(8)))


async def subscriptions(target: Target, session: aiohttp.ClientSession) -> None:
    """Opens 2,000 subscriptions that differ, and changes a row of their table ten times a second."""
    sockets = [
        await session.ws_connect(
            target.url.replace("http", "ws", 1) + "/v1/graphql",
            protocols=["graphql-transport-ws"],
            headers=target.headers,
        )
        for _ in range(20)
    ]
    for place, socket in enumerate(sockets):
        await socket.send_json({"type": "connection_init"})
        for number in range(_SUBSCRIPTIONS // len(sockets)):
            limit = place * 100 + number + 1
            query = f"subscription {{ s{number}: {target.table}(limit: {limit}) {{ id total }} }}"
            await socket.send_json({"id": str(number), "type": "subscribe", "payload": {"query": query}})

    async def drain(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if json.loads(message.data).get("type") == "ping":
                await socket.send_json({"type": "pong"})

    async def change() -> None:
        for number in itertools.count():
            query = f"mutation {{ insert_{target.table}_one(object: {{total: {number}}}) {{ id }} }}"
            await _post(session, target, "/v1/graphql", json.dumps({"query": query}).encode())
            await asyncio.sleep(0.1)

    await asyncio.gather(change(), *map(drain, sockets))


async def password_guesses(target: Target, session: aiohttp.ClientSession) -> None:
    """Tries passwords for ever new e-mails, sixteen at a time."""

    async def send(_: int) -> None:
        while True:
            body = json.dumps({"email": f"{uuid4()}@example.com", "password": "a guess of a password"}).encode()
            await _post(session, target, "/api/sessions/", body)

    await asyncio.gather(*map(send, range(16)))


ATTACKS: dict[str, Callable[[Target, aiohttp.ClientSession], Awaitable[None]]] = {
    attack.__name__: attack
    for attack in (
        huge_lists,
        cheap_requests,
        new_documents,
        endless_runs,
        full_cache,
        subscriptions,
        password_guesses,
    )
}


async def _flood(target: Target, session: aiohttp.ClientSession, body: Callable[[], bytes]) -> None:
    async def send(_: int) -> None:
        while True:
            await _post(session, target, "/v1/graphql", body())

    await asyncio.gather(*map(send, range(_FLOOD_CONNECTIONS)))


async def _post(session: aiohttp.ClientSession, target: Target, path: str, body: bytes) -> None:
    headers = {**target.headers, "Content-Type": "application/json"}
    try:
        async with session.post(target.url + path, data=body, headers=headers) as answer:
            await answer.read()
            # A client that is refused tries again a moment later.
            pause = 0.05 if answer.status >= 400 else 0.0
    except aiohttp.ClientError:
        pause = 0.05
    if pause:
        await asyncio.sleep(pause)


async def _main() -> None:
    order: dict[str, Any] = json.load(sys.stdin)
    attack = ATTACKS[order.pop("attack")]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        await attack(Target(**order), session)


if __name__ == "__main__":
    asyncio.run(_main())
