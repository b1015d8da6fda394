"""Lenient reading of JSON into frozen dataclasses.

What a platform sends may grow, and other platforms send numbers as text: a field that cannot be read becomes None,
an unknown field is kept in `raw`, nothing raises. The types a dataclass may use are the keys of `_READERS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self


def as_integer(value: Any) -> int | None:
    """5, 5.0 and "5" are 5; everything else, true and false included, is None."""
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
    """Text as it is, numbers as text, None for everything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def as_boolean(value: Any) -> bool | None:
    """true, false, 1 and 0; None for everything else."""
    if isinstance(value, bool):
        return value
    return bool(value) if value in (0, 1) else None


def as_time(value: Any) -> datetime | None:
    """An ISO 8601 time, or None."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def as_object(value: Any) -> dict[str, Any]:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A JSON list, or an empty one."""
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
    """An object as it came from the platform; `raw` is the whole of it."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_wire(cls, payload: Any) -> Self:
        """Reads what it can of `payload`; never raises."""
        source = as_object(payload)
        plan = _plans.get(cls)
        if plan is None:
            plan = _plans[cls] = _plan(cls)
        return cls(raw=source, **{name: read(source.get(key)) for name, key, read in plan})


_plans: dict[type, list[tuple[str, str, Callable[[Any], Any]]]] = {}


def _plan(model: type[WireModel]) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """Name, key on the wire, and reader of each field; annotations are types, so no module here postpones them."""
    return [
        (item.name, item.metadata.get("key", item.name), _reader(item.type))
        for item in fields(model)
        if item.name != "raw"
    ]


def _reader(annotation: Any) -> Callable[[Any], Any]:
    if (known := _READERS.get(annotation)) is not None:
        return known
    arguments = getattr(annotation, "__args__", (annotation,))
    model = next(item for item in arguments if isinstance(item, type) and issubclass(item, WireModel))
    if getattr(annotation, "__origin__", None) is tuple:
        return lambda value: tuple(model.from_wire(item) for item in as_list(value))
    return lambda value: None if value is None else model.from_wire(value)
