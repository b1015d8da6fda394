"""Reports what metadata holds and this engine does not serve, as inconsistent objects; it is kept and exported.

Whatever is not known to be served counts, so that nothing that a metadata document asks for is undone in silence.
Nothing here depends on the database: it is a function of the documents alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import json_path
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import store
from hasura.engine.metadata.keys import OF_KINDS, unknown_keys
from hasura.engine.metadata.reading import DEFAULT_SOURCE, name_to_json
from hasura.engine.metadata.sections import SERVED_LIMITS
from hasura.engine.metadata.store import ObjectKey
from hasura.engine.metadata.types import FunctionMetadata, TableMetadata, UnknownKey, Unreadable
from hasura.engine.schema_cache import InconsistentObject

REASON: Final = "not served by this engine"

# Top-level keys of metadata that are kept as one document each, and served.
_SERVED_SECTIONS = frozenset({"api_limits", "graphql_schema_introspection"})
_SERVED_SOURCE_KEYS = frozenset({"name", "kind", "configuration", "customization"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """Describes a list of named objects: their type when inconsistent, the key of their name, what serves them."""

    type: str
    name: str
    instead: str | None = None


_KINDS: Mapping[str, _Kind] = {
    "actions": _Kind("action", "name", "the actions of an app do this"),
    "cron_triggers": _Kind("cron_trigger", "name", "the schedules of an app's actions do this"),
    "remote_schemas": _Kind("remote_schema", "name", "integrations call other services"),
    "event_triggers": _Kind("event_trigger", "name", "the automations of an app do this"),
    "remote_relationships": _Kind("remote_relationship", "name"),
    "native_queries": _Kind("native_query", "root_field_name", "a view or a tracked function does this"),
    "logical_models": _Kind("logical_model", "name", "a view or a tracked function does this"),
    "stored_procedures": _Kind("stored_procedure", "stored_procedure", "a tracked function does this"),
}
# Single objects that Hasura's list of inconsistent objects calls otherwise than the metadata does.
_TYPES = {"opentelemetry": "open_telemetry", "backend_configs": "data_connector_agent"}


@dataclass(frozen=True, slots=True)
class Unserved:
    """Holds an object that is not served, and where it stands: in which document, and the steps to it there."""

    object: InconsistentObject
    key: ObjectKey
    path: tuple[str | int, ...] = ()


def unserved_of_table(table: TableMetadata) -> tuple[Unserved, ...]:
    """Returns what a table's document holds and is not served: event triggers, remote relationships, …"""
    key = ObjectKey.of(store.TABLE, table.name)
    within = f"table {table.name} in source {DEFAULT_SOURCE}"
    context: JsonObject = {"source": DEFAULT_SOURCE, "table": name_to_json(table.name)}
    unserved = (
        item
        for name, value in _elements(table.unknown)
        for item in _found(name, value, key, (name,), within=within, context=context)
    )
    return (
        *unserved,
        *(_unknown_key(item, key, within) for item in table.unknown_keys),
        *(_unreadable_part(item, key, within, context) for item in table.unreadable if item.path),
    )


def unserved_of_function(function: FunctionMetadata) -> tuple[Unserved, ...]:
    """Returns the keys of a function's document that nothing reads."""
    key, within = ObjectKey.of(store.FUNCTION, function.name), f"function {function.name} in source {DEFAULT_SOURCE}"
    return tuple(_unknown_key(item, key, within) for item in function.unknown_keys)


def _unknown_key(item: UnknownKey, key: ObjectKey, within: str) -> Unserved:
    place = json_path(*item.path)[2:]
    return Unserved(
        InconsistentObject("unknown_key", f"{place} in {within}", item.reason, item.value), key, item.path
    )


def _unreadable_part(item: Unreadable, key: ObjectKey, within: str, context: JsonObject) -> Unserved:
    """Returns an element of one of a table's lists that cannot be read."""
    list_name, index = item.path
    value = item.value if isinstance(item.value, dict) else {}
    type_ = str(list_name).removesuffix("s").replace("relationship", "relation")
    named = next((text for name in ("name", "role") if isinstance(text := value.get(name), str)), index)
    definition = {**context, **value} if value else item.value
    return Unserved(
        InconsistentObject(type_, f"{type_} {named} in {within}", item.reason, definition), key, item.path
    )


def unreadable_of(key: ObjectKey, parts: Iterable[Unreadable]) -> Iterator[Unserved]:
    """Yields what cannot be read of a document that is neither a table's nor a function's."""
    for item in parts:
        if key.kind in (store.SOURCE, store.SECTION):
            type_ = str(item.path[-1]) if item.path else (key.name if key.kind == store.SECTION else key.kind)
            within = f"source {DEFAULT_SOURCE}" if key.kind == store.SOURCE else key.name
            name = type_ if type_ in (key.name, key.kind) else f"{type_} in {within}"
        else:
            type_, name = key.kind, f"{key.kind} {key.name}"
        yield Unserved(InconsistentObject(type_, name, item.reason, item.value), key, item.path)


def unserved_of_documents(documents: Mapping[ObjectKey, Json]) -> tuple[Unserved, ...]:
    """Returns what all other documents hold and is not served: other sources, actions, native queries, …"""
    unserved: list[Unserved] = []
    for key, document in documents.items():
        if key.kind == store.SECTION and key.name not in _SERVED_SECTIONS:
            unserved += _of_section(key, document)
        elif key == ObjectKey.of(store.SECTION, "api_limits") and isinstance(document, dict):
            unserved += _of_api_limits(key, document)
        elif key.kind == store.SOURCE and isinstance(document, dict):
            unserved += _of_own_source(key, document)
        elif key.kind == store.OTHER_SOURCE and isinstance(document, dict):
            unserved.append(_other_source(key, document))
        shape = OF_KINDS.get(key.name if key.kind == store.SECTION else key.kind)
        if shape is not None:
            within = key.name if key.kind == store.SECTION else f"{key.kind} {key.name}"
            unserved += (_unknown_key(item, key, within) for item in unknown_keys(document, shape))
    return tuple(unserved)


def has_content(value: Json, *, depth: int = 3) -> bool:
    """Returns whether a value asks for anything: not an empty list, a flag that is off, or an object of such."""
    if depth and isinstance(value, dict):
        members = value.values()
        return value.get("status") != "disabled" and any(has_content(item, depth=depth - 1) for item in members)
    if depth and isinstance(value, list):
        return any(has_content(item, depth=depth - 1) for item in value)
    return value is not None and value is not False and value not in ("", [], {})


def _elements(members: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    return ((name, value) for name, value in members.items() if has_content(value))


def _of_section(key: ObjectKey, document: Json) -> Iterator[Unserved]:
    if has_content(document):
        yield from _found(key.name, document, key, (), within=None, context={})


def _of_api_limits(key: ObjectKey, document: JsonObject) -> Iterator[Unserved]:
    for name, value in _elements(document):
        if name not in SERVED_LIMITS:
            yield _single(name, value, key, (name,), key.name, {})
    rate = document.get("rate_limit")
    roles = rate.get("per_role") if isinstance(rate, dict) else None
    limits = (
        [rate.get("global"), *(roles.values() if isinstance(roles, dict) else ())] if isinstance(rate, dict) else []
    )
    if any(isinstance(limit, dict) and limit.get("unique_params") == "IP" for limit in limits):
        message = "requests are counted by role and session variables, those of all addresses together"
        reported = InconsistentObject(
            "rate_limit", f"unique_params IP of rate_limit in {key.name}", REASON, rate, message
        )
        yield Unserved(reported, key, ("rate_limit",))


def _of_own_source(key: ObjectKey, document: JsonObject) -> Iterator[Unserved]:
    within = f"source {DEFAULT_SOURCE}"
    context: JsonObject = {"source": DEFAULT_SOURCE}
    for name, value in _elements(document):
        if name not in _SERVED_SOURCE_KEYS:
            yield from _found(name, value, key, (name,), within=within, context=context)
    configuration = document.get("configuration")
    if isinstance(configuration, dict) and has_content(template := configuration.get("connection_template")):
        yield _single("connection_template", template, key, ("configuration", "connection_template"), within, context)


def _other_source(key: ObjectKey, document: JsonObject) -> Unserved:
    shown = {name: value for name, value in document.items() if name in _SERVED_SOURCE_KEYS}
    message = "this engine serves one PostgreSQL database: the source named default, or else the first"
    return Unserved(InconsistentObject("source", f"source {key.name}", REASON, shown, message), key)


def _found(
    name: str, value: Json, key: ObjectKey, path: tuple[str | int, ...], *, within: str | None, context: JsonObject
) -> Iterator[Unserved]:
    """Yields each element of a list of a known kind; else the value as one object."""
    kind = _KINDS.get(name)
    if kind is None or not isinstance(value, list):
        yield _single(_TYPES.get(name, name), value, key, path, within, context)
        return
    for index, element in enumerate(value):
        named = element.get(kind.name, index) if isinstance(element, dict) else element
        described = f"{kind.type} {_text(named)}" + (f" in {within}" if within is not None else "")
        definition = {**context, **element} if isinstance(element, dict) else element
        item = InconsistentObject(kind.type, described, REASON, definition, kind.instead)
        yield Unserved(item, key, (*path, index))


def _single(
    type_: str, value: Json, key: ObjectKey, path: tuple[str | int, ...], within: str | None, context: JsonObject
) -> Unserved:
    described = f"{type_} in {within}" if within is not None else type_
    definition = {**context, **value} if isinstance(value, dict) else value
    return Unserved(InconsistentObject(type_, described, REASON, definition), key, path)


def _text(name: Json) -> str:
    """Returns a name, which may have a schema, as text."""
    if isinstance(name, dict):
        return str(QualifiedName(str(name.get("schema", "public")), str(name.get("name"))))
    return str(name)
