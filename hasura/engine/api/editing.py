"""Lists of objects inside a document, edited by one of their keys."""

from hasura.engine.exact_json import Json, JsonObject


def entry(document: JsonObject, list_name: str, key: str, value: str) -> JsonObject | None:
    """The entry whose `key` is `value`."""
    for item in _entries(document, list_name):
        if isinstance(item, dict) and item.get(key) == value:
            return item
    return None


def append(document: JsonObject, list_name: str, item: JsonObject) -> None:
    """Adds an entry at the end, making the list when it is missing."""
    document[list_name] = [*_entries(document, list_name), item]


def drop(document: JsonObject, list_name: str, key: str, value: str) -> None:
    """Removes the entry whose `key` is `value`, and the list when it was the last."""
    left = [item for item in _entries(document, list_name) if not (isinstance(item, dict) and item.get(key) == value)]
    if left:
        document[list_name] = left
    else:
        document.pop(list_name, None)


def _entries(document: JsonObject, list_name: str) -> list[Json]:
    found = document.get(list_name)
    return found if isinstance(found, list) else []


def without_nulls(document: JsonObject) -> JsonObject:
    """The document without its null members."""
    return {key: value for key, value in document.items() if value is not None}
