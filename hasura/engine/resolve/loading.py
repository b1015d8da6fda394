"""Loads stored metadata into worlds: all of it, or what has changed since a known version."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from hasura.engine.catalog.connection import Connection
from hasura.engine.errors import ParseFailed
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import parsing, store
from hasura.engine.metadata.reading import DEFAULT_SOURCE, Reader
from hasura.engine.metadata.sections import limits_of, parse_customization, parse_introspection, parse_limit
from hasura.engine.metadata.store import ObjectKey
from hasura.engine.metadata.tolerance import readable, readable_function, readable_table
from hasura.engine.metadata.types import (
    API_LIMITS,
    FunctionMetadata,
    InheritedRole,
    SourceCustomization,
    TableMetadata,
    Unreadable,
)
from hasura.engine.resolve.builder import Change, advance
from hasura.engine.resolve.roles import cyclic_roles
from hasura.engine.resolve.unserved import unreadable_of, unserved_of_documents
from hasura.engine.resolve.world import Metadata, World, empty_world
from hasura.engine.schema_cache import SchemaOptions

T = TypeVar("T")
OWN_KINDS = (store.TABLE, store.FUNCTION)


async def load_world(connection: Connection, options: SchemaOptions) -> World:
    """Returns a world of everything, from nothing."""
    version = await store.current_version(connection)
    change = Change()
    async for batch in store.read_in_batches(connection, store.TABLE):
        change.tables.update((key.qualified, parsed_table(key, document)) for key, document in batch)
    async for batch in store.read_in_batches(connection, store.FUNCTION):
        change.functions.update((key.qualified, parsed_function(key, document)) for key, document in batch)
    world = empty_world(options)
    change.metadata = parsed_rest(world.metadata, await store.read_kinds(connection, but=OWN_KINDS))
    return await advance(connection, world, change, resource_version=version)


async def catch_up(
    connection: Connection, world: World, options: SchemaOptions, *, version: int | None = None
) -> World:
    """Returns the world as this connection's transaction sees it now; reads only what changed since `world`.

    `version` is the one to catch up with, when it is known already.
    """
    if version is None:
        version = await store.current_version(connection)
    if version == world.resource_version:
        return world
    changes = await store.changes_since(connection, world.resource_version)
    if changes.everything or version < world.resource_version:
        return await load_world(connection, options)
    change = await read_change(connection, world, changes.objects)
    return await advance(connection, world, change, resource_version=version)


async def read_change(
    connection: Connection,
    world: World,
    keys: frozenset[ObjectKey],
    known: Mapping[ObjectKey, Json] | None = None,
) -> Change:
    """Returns the present state of what `keys` name as a change of the world; `known` is not read again."""
    change = Change()
    own = [key for key in keys if key.kind in OWN_KINDS]
    given = known if known is not None else {}
    documents: dict[ObjectKey, Json] = {key: given[key] for key in own if key in given}
    documents.update(await store.read_objects(connection, [key for key in own if key not in given]))
    for key in keys:
        match key.kind:
            case store.TABLE:
                change.tables[key.qualified] = parsed_table(key, documents.get(key))
            case store.FUNCTION:
                change.functions[key.qualified] = parsed_function(key, documents.get(key))
            case store.CATALOG:
                change.catalog_tables.add(key.qualified)
            case store.CATALOG_FUNCTION:
                change.catalog_functions.add(key.qualified)
    if any(key.kind not in (*OWN_KINDS, store.CATALOG, store.CATALOG_FUNCTION) for key in keys):
        change.metadata = parsed_rest(world.metadata, await store.read_kinds(connection, but=OWN_KINDS))
    return change


def parsed_table(key: ObjectKey, document: Json) -> TableMetadata | None:
    return readable_table(key.qualified, document) if document is not None else None


def parsed_function(key: ObjectKey, document: Json) -> FunctionMetadata | None:
    return readable_function(key.qualified, document) if document is not None else None


def refuse_unreadable(documents: Mapping[ObjectKey, Json]) -> None:
    """Raises ParseFailed for the first of these documents that could not be read again."""
    for parts in parsed_rest(Metadata(), documents).unreadable.values():
        raise ParseFailed(parts[0].reason, path="$.args")


def parsed_rest(metadata: Metadata, documents: Mapping[ObjectKey, Json]) -> Metadata:
    """Returns metadata with the tables and functions of `metadata` and all else from the documents."""
    rest = _Rest(documents)
    limits, unreadable_limits = rest.api_limits()
    source = rest.whole(ObjectKey.of(store.SOURCE, DEFAULT_SOURCE), _source)
    return Metadata(
        tables=metadata.tables,
        functions=metadata.functions,
        inherited_roles=rest.inherited_roles(),
        query_collections=rest.named(store.QUERY_COLLECTION, parsing.parse_query_collection),
        allowlist=rest.named(store.ALLOWLIST, parsing.parse_allowlist_entry),
        rest_endpoints=rest.named(store.REST_ENDPOINT, parsing.parse_rest_endpoint),
        customization=rest.customization(source),
        api_limits=limits,
        unreadable_limits=unreadable_limits,
        introspection_disabled_for=rest.introspection(),
        source_name=(source.optional_text("name") if source is not None else None) or DEFAULT_SOURCE,
        unserved=(
            *unserved_of_documents(documents),
            *(item for key, parts in rest.unreadable.items() for item in unreadable_of(key, parts)),
        ),
        unreadable={key: tuple(parts) for key, parts in rest.unreadable.items()},
    )


class _Rest:
    """Holds the documents that are neither tables nor functions, and what of them cannot be read."""

    def __init__(self, documents: Mapping[ObjectKey, Json]) -> None:
        self._documents = documents
        self.unreadable: dict[ObjectKey, list[Unreadable]] = {}

    def named(self, kind: str, parse: Callable[[Reader], T]) -> dict[str, T]:
        """Returns the readable objects of a kind by their names."""
        keys = [key for key in self._documents if key.kind == kind]
        return {key.name: item for key in keys if (item := self.whole(key, parse)) is not None}

    def whole(self, key: ObjectKey, parse: Callable[[Reader], T]) -> T | None:
        """Returns what the document of this key is; None when it is missing or cannot be read."""
        if key not in self._documents:
            return None
        return self._read(key, Reader(self._documents[key]), parse)

    def section(self, name: str) -> "tuple[ObjectKey, Reader] | None":
        key = ObjectKey.of(store.SECTION, name)
        return (key, Reader(self._documents[key])) if key in self._documents else None

    def inherited_roles(self) -> dict[str, InheritedRole]:
        """Returns the readable ones, without those that inherit from themselves."""
        roles = self.named(store.INHERITED_ROLE, parsing.parse_inherited_role)
        for name in cyclic_roles(roles):
            key = ObjectKey.of(store.INHERITED_ROLE, name)
            reason = "cannot be read: the role inherits from itself"
            self.unreadable.setdefault(key, []).append(Unreadable((), self._documents[key], reason))
            del roles[name]
        return roles

    def introspection(self) -> frozenset[str] | None:
        """Returns the roles that may not introspect; None, which is all but admin, when they cannot be read."""
        section = self.section("graphql_schema_introspection")
        return self._read(*section, parse_introspection) if section is not None else frozenset()

    def customization(self, source: Reader | None) -> SourceCustomization:
        """Returns the source's customization; none when it cannot be read."""
        key, document = ObjectKey.of(store.SOURCE, DEFAULT_SOURCE), source.get("customization") if source else None
        return (self._read(key, document, parse_customization) if document else None) or SourceCustomization()

    def api_limits(self) -> tuple[JsonObject, frozenset[str]]:
        """Returns the limits that can be read, and the names of those that cannot but are in force."""
        section = self.section(API_LIMITS)
        if section is None:
            return {}, frozenset()
        key, document = section
        members = self._read(key, document, lambda document: list(limits_of(document)))
        if members is None:
            return {}, frozenset({API_LIMITS})
        limits: JsonObject = {}
        unreadable: set[str] = set()
        for member in members:
            name = str(member.path[-1])
            if self._read(key, member, parse_limit) is not None:
                limits[name] = member.value
            elif name != "disabled":
                # A switch that cannot be read leaves the limits on, which is all it protects.
                unreadable.add(name)
        return limits, frozenset() if limits.get("disabled") is True else frozenset(unreadable)

    def _read(self, key: ObjectKey, document: Reader, parse: Callable[[Reader], T]) -> T | None:
        unreadable: list[Unreadable] = []
        value = readable(document, parse, unreadable)
        if unreadable:
            self.unreadable.setdefault(key, []).extend(unreadable)
        return value


def _source(document: Reader) -> Reader:
    document.optional_text("name")
    return document
