"""Makes slugs from names: of organizations, apps and actions."""

import re
import secrets
from collections.abc import Collection
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

_MAX_LENGTH = 50
"""Leaves room for a suffix."""


async def free_slug(
    session: AsyncSession, name: str, *, prefix: str, taken: Select[Any], reserved: Collection[str] = ()
) -> str:
    """Returns a slug made from `name` that is not in use yet; `prefix` stands where the name gives no first letter.

    `taken` selects the column of slugs that are in use, restricted to where the slug has to be unique.
    """
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_MAX_LENGTH].rstrip("-")
    if not base or not base[0].isalpha():
        base = f"{prefix}-{base}".rstrip("-")
    column = taken.selected_columns[0]
    is_free = base not in reserved and await session.scalar(taken.where(column == base)) is None
    return base if is_free else f"{base}-{secrets.token_hex(3)}"
