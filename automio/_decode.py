"""Reads JSON into frozen dataclasses, leniently.

Platforms may add fields, and some send numbers as text: a field that cannot be read becomes None, an unknown field is
kept in `raw`, and nothing raises. A dataclass may use the types that are keys of `_READERS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self


def as_integer(value: Any) -> int | None:
    """Returns 5 for 5, 5.0 and "5"; None for everything else, including true and false."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value)
    return None


def as_text(value: Any) -> str | None:
    """Returns text unchanged and numbers as text; None for everything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def as_boolean(value: Any) -> bool | None:
    """Returns true, false, 1 and 0 as a boolean; None for everything else."""
    if isinstance(value, bool):
        return value
    return bool(value) if value in (0, 1) else None


def as_time(value: Any) -> datetime | None:
    """Returns the time of an ISO 8601 text; None for everything else."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def as_object(value: Any) -> dict[str, Any]:
    """Returns a JSON object; an empty one for everything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Returns a JSON list; an empty one for everything else."""
    return value if isinstance(value, list) else []


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    int | None: as_integer,
    str | None: as_text,
    bool | None: as_boolean,
    datetime | None: as_time,
    str: lambda value: as_text(value) or "",
    int: lambda value: as_integer(value) or 0,
    bool: lambda value: as_boolean(value) or False,
    tuple[str, ...]: lambda value: tuple(text for item in as_list(value) if (text := as_text(item)) is not None),
    tuple[int, ...]: lambda value: tuple(
        number for item in as_list(value) if (number := as_integer(item)) is not None
    ),
    tuple[datetime, ...]: lambda value: tuple(
        moment for item in as_list(value) if (moment := as_time(item)) is not None
    ),
    dict[str, Any]: as_object,
    Any: lambda value: value,
}


@dataclass(frozen=True, kw_only=True)
class WireModel:
    """Holds an object from the platform; `raw` holds all of its fields."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_wire(cls, payload: Any) -> Self:
        """Reads the fields that are there from `payload`; never raises."""
        source = as_object(payload)
        plan = _plans.get(cls)
        if plan is None:
            plan = _plans[cls] = _plan(cls)
        return cls(raw=source, **{name: read(source.get(key)) for name, key, read in plan})


_plans: dict[type, list[tuple[str, str, Callable[[Any], Any]]]] = {}


def _plan(model: type[WireModel]) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """Returns name, wire key and reader of each field.

    Reads annotations as types, so modules with models must not use `from __future__ import annotations`.
    """
    return [
        (item.name, item.metadata.get("key", item.name), _reader(item.type))
        for item in fields(model)
        if item.name != "raw"
    ]


def _reader(annotation: Any) -> Callable[[Any], Any]:
    if (reader := _READERS.get(annotation)) is not None:
        return reader
    arguments = getattr(annotation, "__args__", (annotation,))
    model = next(item for item in arguments if isinstance(item, type) and issubclass(item, WireModel))
    if getattr(annotation, "__origin__", None) is tuple:
        return lambda value: tuple(model.from_wire(item) for item in as_list(value))
    return lambda value: None if value is None else model.from_wire(value)
