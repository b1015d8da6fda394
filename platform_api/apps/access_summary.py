"""What an app works with, for the people who are asked to install it.

Each domain that an app reaches (tables, actions, integrations, …) describes its part; the parts together have a
digest, and an install names the digest that was shown, so that nobody consents to something else than they saw.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.apps.models import App

Describe: TypeAlias = Callable[[AsyncSession, App], Awaitable[list[Any]]]
"""JSON-ready items in a stable order."""

_parts: dict[str, Describe] = {}


def describes_access(kind: str) -> Callable[[Describe], Describe]:
    """Registers a function that describes what of `kind` (`tables`, `actions`, …) an app works with."""

    def register(describe: Describe) -> Describe:
        _parts[kind] = describe
        return describe

    return register


async def summarize_access(session: AsyncSession, app: App) -> dict[str, list[Any]]:
    """Everything the app works with, by kind."""
    return {kind: await describe(session, app) for kind, describe in sorted(_parts.items())}


def access_digest(access: Mapping[str, list[Any]]) -> str:
    """SHA-256, in hex, of a summary."""
    return hashlib.sha256(json.dumps(access, sort_keys=True, default=str).encode()).hexdigest()
