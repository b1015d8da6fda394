"""Stored metadata to worlds: all of it, or what has changed since a known version."""

from collections.abc import Mapping

from hasura.engine.catalog.connection import Connection
from hasura.engine.metadata import parsing, store
from hasura.engine.metadata.reading import DEFAULT_SOURCE, Reader
from hasura.engine.metadata.store import ObjectKey
from hasura.engine.metadata.types import FunctionMetadata, Json, TableMetadata
from hasura.engine.resolve.builder import Change, advance
from hasura.engine.resolve.unserved import unserved_of_documents
from hasura.engine.resolve.world import Metadata, World, empty_world
from hasura.engine.schema_cache import SchemaOptions

OWN_KINDS = (store.TABLE, store.FUNCTION)


async def load_world(connection: Connection, options: SchemaOptions) -> World:
    """Everything, from nothing."""
    version = await store.current_version(connection)
    change = Change()
    async for batch in store.read_in_batches(connection, store.TABLE):
        change.tables.update((key.qualified, parsed_table(document)) for key, document in batch)
    async for batch in store.read_in_batches(connection, store.FUNCTION):
        change.functions.update((key.qualified, parsed_function(document)) for key, document in batch)
    world = empty_world(options)
    change.metadata = parsed_rest(world.metadata, await store.read_kinds(connection, but=OWN_KINDS))
    return await advance(connection, world, change, resource_version=version)


async def catch_up(
    connection: Connection, world: World, options: SchemaOptions, *, version: int | None = None
) -> World:
    """The world as this connection's transaction sees it now; reads only what changed since `world`.

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
    """The present state of what `keys` name, as a change of the world; `known` documents are not read again."""
    change = Change()
    own = [key for key in keys if key.kind in OWN_KINDS]
    given = known if known is not None else {}
    documents: dict[ObjectKey, Json] = {key: given[key] for key in own if key in given}
    documents.update(await store.read_objects(connection, [key for key in own if key not in given]))
    for key in keys:
        match key.kind:
            case store.TABLE:
                change.tables[key.qualified] = parsed_table(documents.get(key))
            case store.FUNCTION:
                change.functions[key.qualified] = parsed_function(documents.get(key))
            case store.CATALOG:
                change.catalog_tables.add(key.qualified)
            case store.CATALOG_FUNCTION:
                change.catalog_functions.add(key.qualified)
    if any(key.kind not in (*OWN_KINDS, store.CATALOG, store.CATALOG_FUNCTION) for key in keys):
        change.metadata = parsed_rest(world.metadata, await store.read_kinds(connection, but=OWN_KINDS))
    return change


def parsed_table(document: Json) -> TableMetadata | None:
    return parsing.parse_table(Reader(document)) if document is not None else None


def parsed_function(document: Json) -> FunctionMetadata | None:
    return parsing.parse_function(Reader(document)) if document is not None else None


def parsed_rest(metadata: Metadata, documents: Mapping[ObjectKey, Json]) -> Metadata:
    """Metadata with the tables and functions of `metadata` and all else from the documents."""

    def of_kind(kind: str) -> list[Reader]:
        return [Reader(document) for key, document in documents.items() if key.kind == kind]

    def section(name: str) -> Reader | None:
        document = documents.get(ObjectKey.of(store.SECTION, name))
        return Reader(document) if document is not None else None

    source = documents.get(ObjectKey.of(store.SOURCE, DEFAULT_SOURCE))
    limits, introspection = section("api_limits"), section("graphql_schema_introspection")
    disabled = introspection.get("disabled_for_roles") if introspection is not None else None
    return Metadata(
        tables=metadata.tables,
        functions=metadata.functions,
        inherited_roles={
            item.name: item for item in map(parsing.parse_inherited_role, of_kind(store.INHERITED_ROLE))
        },
        query_collections={
            item.name: item for item in map(parsing.parse_query_collection, of_kind(store.QUERY_COLLECTION))
        },
        allowlist={item.collection: item for item in map(parsing.parse_allowlist_entry, of_kind(store.ALLOWLIST))},
        rest_endpoints={item.name: item for item in map(parsing.parse_rest_endpoint, of_kind(store.REST_ENDPOINT))},
        customization=parsing.parse_customization(
            Reader(source).get("customization") if source is not None else None
        ),
        api_limits=limits.object() if limits is not None else {},
        introspection_disabled_for=frozenset(disabled.names()) if disabled is not None else frozenset(),
        source_name=(Reader(source).optional_text("name") if source is not None else None) or DEFAULT_SOURCE,
        unserved=unserved_of_documents(documents),
    )
