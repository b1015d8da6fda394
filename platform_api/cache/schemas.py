"""Defines the JSON of the cache below an app."""

from typing import Any

from pydantic import BaseModel


class CachedValue(BaseModel):
    """Holds what is stored; `exists` tells null from nothing."""

    value: Any
    exists: bool


class CacheChanged(BaseModel):
    """Tells whether the entry was stored, or was there to delete."""

    ok: bool
