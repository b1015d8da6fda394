"""Reduces schemas to outlines: types, properties and which of them are required, to a limited depth."""

from collections.abc import Iterator
from typing import Any

from platform_api.integrations.openapi.description.documents import Documents, Spot
from platform_api.integrations.openapi.description.numbers import sendable_number
from platform_api.integrations.openapi.description.values import name_of, texts_in

_MAX_PROPERTIES = 100
_MAX_ENUM = 50
_MAX_PARTS = 100
_MAX_NAME = 200
_MAX_WORD = 500
# Of all outlines together: their text is kept with the operations.
_MAX_PLACES = 200_000
_STRUCTURE = frozenset({"type", "properties", "required", "items", "enum", "allOf", "oneOf", "anyOf"})


class Outlines:
    """Makes outlines. A schema that many operations share is looked at once for each depth."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._known: dict[tuple[int, int], tuple[dict[str, Any], int]] = {}
        self._places = 0

    def outline(self, schema: Spot, depth: int) -> dict[str, Any]:
        """Returns the outline of a schema, `depth` levels of properties deep."""
        outline, size = self._outline(schema, depth)
        if self._places + size > _MAX_PLACES:
            self._documents.notes.add(
                schema.place,
                f"the outlines of all bodies have more than {_MAX_PLACES} parts; this one is short",
            )
            return {"type": outline["type"]}
        self._places += size
        return outline

    def type_of(self, schema: Spot) -> str:
        """Returns the name of a schema's type; `any` where it has none, or a choice."""
        return _type(list(self._parts(schema)))

    def _outline(self, schema: Spot, depth: int) -> tuple[dict[str, Any], int]:
        if isinstance(schema.get("$ref"), str) and _STRUCTURE.isdisjoint(schema.value):
            # Many references to one schema have one outline.
            schema = self._documents.follow(schema) or Spot(None, schema.document, schema.path)
        known = self._known.get((id(schema.value), depth))
        if known is None:
            known = self._known[id(schema.value), depth] = self._make(schema, depth)
        return known

    def _make(self, schema: Spot, depth: int) -> tuple[dict[str, Any], int]:
        parts = list(self._parts(schema))
        properties = self._properties(parts)
        outline: dict[str, Any] = {"type": "object" if properties else _type(parts)}
        size = 1
        if values := next(filter(None, (_enum(part.get("enum")) for part in parts)), []):
            outline["enum"] = values
            size += len(values)
        if properties and depth > 0:
            outline["properties"] = shown = {}
            for name, value in list(properties.items())[:_MAX_PROPERTIES]:
                shown[name[:_MAX_NAME]], inner = self._outline(value, depth - 1)
                size += inner
            required = [name for part in parts for name in texts_in(part.get("required"))]
            if listed := [name for name in dict.fromkeys(required) if name in shown]:
                outline["required"] = listed
        if depth > 0 and (items := self._items(parts)) is not None:
            outline["items"], inner = self._outline(items, depth - 1)
            size += inner
        return outline, size

    def _properties(self, parts: list[Spot]) -> dict[str, Spot]:
        properties: dict[str, Spot] = {}
        for part in parts:
            declared = part.at("properties")
            if declared.value is not None and not isinstance(declared.value, dict):
                self._documents.notes.add(
                    declared.place, f"properties must be an object, not {name_of(declared.value)}; they are left out"
                )
            properties.update(declared.items())
        return properties

    def _items(self, parts: list[Spot]) -> Spot | None:
        for part in parts:
            items = part.at("items")
            if isinstance(items.value, list):
                # One schema for each element, as JSON Schema once had it.
                items = next(items.elements(), items)
            if isinstance(items.value, dict):
                return items
        return None

    def _parts(self, schema: Spot) -> Iterator[Spot]:
        """Yields the objects that together are a schema: targets of references, and what `allOf` joins."""
        waiting = [schema]
        seen: set[int] = set()
        while waiting and len(seen) < _MAX_PARTS:
            current = waiting.pop(0)
            if not isinstance(current.value, dict) or id(current.value) in seen:
                continue
            seen.add(id(current.value))
            if isinstance(current.value.get("$ref"), str):
                target = self._documents.follow(current)
                if target is not None:
                    waiting.insert(0, target)
                if _STRUCTURE.isdisjoint(current.value):
                    continue
            yield current
            waiting += current.at("allOf").elements()
            waiting += self._only_choice(current)

    def _only_choice(self, schema: Spot) -> list[Spot]:
        """Returns the alternative of a choice between something and null, which many write for what may be null."""
        for name in ("oneOf", "anyOf"):
            choices = [choice for choice in schema.at(name).elements() if choice.get("type") != "null"]
            if len(choices) == 1:
                return choices
        return []


def _type(parts: list[Spot]) -> str:
    for part in parts:
        declared = part.get("type")
        named = [name for name in texts_in(declared) if name != "null"]
        if named:
            return named[0][:_MAX_NAME]
    for part in parts:
        if part.get("properties"):
            return "object"
        if part.get("items"):
            return "array"
    return "object" if any(part.get("allOf") for part in parts) else "any"


def _enum(values: Any) -> list[Any]:
    """Returns the plain ones of the allowed values."""
    shown: list[Any] = []
    for value in values if isinstance(values, list) else ():
        if isinstance(value, str):
            shown.append(value[:_MAX_WORD])
        elif value is None or isinstance(value, bool):
            shown.append(value)
        elif isinstance(value, int | float):
            shown.append(sendable_number(value))
        if len(shown) == _MAX_ENUM:
            break
    return shown
