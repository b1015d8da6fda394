"""Takes single values out of a document, whose authors do not always write the type that OpenAPI asks for."""

from typing import Any

from platform_api.integrations.openapi.description.documents import Spot
from platform_api.integrations.openapi.description.notes import Notes
from platform_api.integrations.openapi.description.numbers import WrittenFraction

_TRUE = frozenset({"true", "yes", "on", "1"})
_NAMES = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "nothing"}


def text_of(parent: Spot, key: str, max_length: int, notes: Notes) -> str:
    """Returns the text of a key, also of a number; empty, with a note, for an object or a list."""
    value = parent.get(key)
    if isinstance(value, dict | list):
        notes.add(parent.at(key).place, f"this must be text, not {name_of(value)}; it is left out")
        return ""
    return plain_text(value)[:max_length]


def plain_text(value: Any) -> str:
    """Returns a word, a number or a boolean as it is written; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float | WrittenFraction) else ""


def url_of(parent: Spot, key: str) -> str | None:
    """Returns an http(s) URL; None for anything else."""
    value = parent.get(key)
    return value.strip() if isinstance(value, str) and value.startswith(("http://", "https://")) else None


def is_true(value: Any) -> bool:
    """Returns whether a boolean, or a text that stands for one, is true."""
    return value is True or (isinstance(value, str) and value.strip().lower() in _TRUE)


def name_of(value: Any) -> str:
    """Returns what kind of value it is, for a message."""
    return _NAMES.get(type(value), "a number")


def texts_in(value: Any) -> list[str]:
    """Returns the texts of a list, or a single text as a list of one."""
    if isinstance(value, str):
        return [value]
    return [element for element in value if isinstance(element, str)] if isinstance(value, list) else []


def cleaned(value: Any) -> Any:
    """Returns a value whose texts can be sent and stored: without NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {cleaned(key): cleaned(child) for key, child in value.items()}
    return [cleaned(child) for child in value] if isinstance(value, list) else value
