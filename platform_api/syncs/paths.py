"""Dotted paths into JSON: keys and list indexes, as `buyer.address.0.city`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

ABSENT = object()
_DEEPEST = 20


def at(data: Any, path: str) -> Any:
    """What stands at `path`; ABSENT when nothing does. The empty path is `data` itself."""
    for name in path.split(".") if path else ():
        if isinstance(data, Mapping) and name in data:
            data = data[name]
        elif isinstance(data, list) and name.isascii() and name.isdecimal() and int(name) < len(data):
            data = data[int(name)]
        else:
            return ABSENT
    return data


def _check(path: str) -> str:
    parts = path.split(".")
    if path and (len(parts) > _DEEPEST or not all(parts) or any(part != part.strip() for part in parts)):
        raise ValueError(f"{path!r} is not a path; write keys and list indexes joined by dots, as buyer.login")
    return path


Path = Annotated[str, Field(max_length=300), AfterValidator(_check)]
