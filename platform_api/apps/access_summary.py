"""Summarizes what an app accesses, for the people who decide whether to install it.

Each domain that an app uses (tables, actions, integrations, …) describes its part. An install names the digest of the
summary that was shown, so that nobody consents to anything they did not see.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.apps.models import App

Describe: TypeAlias = Callable[[AsyncSession, App], Awaitable[list[Any]]]
"""Returns JSON-ready items in a stable order."""

_parts: dict[str, Describe] = {}


def describes_access(kind: str) -> Callable[[Describe], Describe]:
    """Registers a function that describes the parts of `kind` (`tables`, `actions`, …) that an app accesses."""

    def register(describe: Describe) -> Describe:
        _parts[kind] = describe
        return describe

    return register


async def summarize_access(session: AsyncSession, app: App) -> dict[str, list[Any]]:
    """Returns everything the app accesses, by kind."""
    return {kind: await describe(session, app) for kind, describe in sorted(_parts.items())}


def access_digest(access: Mapping[str, list[Any]]) -> str:
    """Returns the SHA-256 of a summary, in hex."""
    return hashlib.sha256(json.dumps(access, sort_keys=True, default=str).encode()).hexdigest()
