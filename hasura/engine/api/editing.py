"""Edits lists of objects inside a document by one of their keys."""

from hasura.engine.exact_json import Json, JsonObject


def entry(document: JsonObject, list_name: str, key: str, value: str) -> JsonObject | None:
    """Returns the entry whose `key` is `value`."""
    for item in _entries(document, list_name):
        if isinstance(item, dict) and item.get(key) == value:
            return item
    return None


def append(document: JsonObject, list_name: str, item: JsonObject) -> None:
    """Adds an entry at the end, creating the list when it is missing."""
    document[list_name] = [*_entries(document, list_name), item]


def drop(document: JsonObject, list_name: str, key: str, value: str) -> None:
    """Removes the entry whose `key` is `value`, and the list when it was the last."""
    left = [item for item in _entries(document, list_name) if not (isinstance(item, dict) and item.get(key) == value)]
    if left:
        document[list_name] = left
    else:
        document.pop(list_name, None)


def _entries(document: JsonObject, list_name: str) -> list[Json]:
    entries = document.get(list_name)
    return entries if isinstance(entries, list) else []


def without_nulls(document: JsonObject) -> JsonObject:
    """Returns the document without its null members."""
    return {key: value for key, value in document.items() if value is not None}
