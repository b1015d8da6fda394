"""Exports, replaces, clears and reloads the whole metadata, and lists what is inconsistent."""

from collections.abc import Callable, Iterator, Mapping

from hasura.engine.api.commands.relationships import normal_using
from hasura.engine.api.completeness import (
    refuse_duplicates,
    refuse_duplicates_of_table,
    refuse_endless_expressions,
    refuse_incomplete,
)
from hasura.engine.api.editing import drop
from hasura.engine.api.endpoint_checks import unfit_endpoints
from hasura.engine.api.registry import SUCCESS, command
from hasura.engine.api.workspace import Workspace, rendered_inconsistent
from hasura.engine.errors import EngineError
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import keys, parsing, store
from hasura.engine.metadata.keys import OF_KINDS, Keys, refuse_mistyped, refuse_mistyped_keys
from hasura.engine.metadata.parsing import PERMISSION_LISTS, RELATIONSHIP_LISTS
from hasura.engine.metadata.reading import DEFAULT_SOURCE, Reader, name_to_json
from hasura.engine.metadata.sections import parse_api_limits, parse_customization, parse_introspection
from hasura.engine.metadata.store import ObjectKey
from hasura.engine.metadata.types import InheritedRole, RelationshipKind
from hasura.engine.resolve.loading import refuse_unreadable
from hasura.engine.resolve.roles import CONFLICT_TYPE, refuse_cycles
from hasura.engine.resolve.unserved import Unserved
from hasura.engine.schema_cache import InconsistentObject

# Kinds of sources that speak PostgreSQL's protocol and SQL.
_POSTGRES_KINDS = ("postgres", "pg", "citus", "cockroach", "alloy")
_DEFAULT_CONFIGURATION: JsonObject = {
    "connection_info": {
        "database_url": {"from_env": "HASURA_GRAPHQL_DATABASE_URL"},
        "isolation_level": "read-committed",
        "use_prepared_statements": True,
    }
}
# Top-level lists whose elements are objects of their own: key -> (kind, the element's key).
_LISTS = {
    "inherited_roles": (store.INHERITED_ROLE, "role_name"),
    "query_collections": (store.QUERY_COLLECTION, "name"),
    "allowlist": (store.ALLOWLIST, "collection"),
    "rest_endpoints": (store.REST_ENDPOINT, "name"),
}
# Sections that are served, each with what reads it.
_SECTIONS: Mapping[str, Callable[[Reader], object]] = {
    "api_limits": parse_api_limits,
    "graphql_schema_introspection": parse_introspection,
}
_REPLACED = Keys("metadata", "allow_inconsistent_metadata", "allow_warnings", "source")
_PLURALS = {
    store.INHERITED_ROLE: "inherited roles",
    store.QUERY_COLLECTION: "query collections",
    store.ALLOWLIST: "allowlist entries",
    store.REST_ENDPOINT: "endpoints",
}


@command("export_metadata", writes=False)
async def export_metadata(workspace: Workspace, args: Reader) -> Json:
    return await exported(workspace)


async def exported(workspace: Workspace) -> JsonObject:
    """Returns the metadata document, version 3."""
    documents = await store.read_kinds(workspace.connection)
    own = ObjectKey.of(store.SOURCE, DEFAULT_SOURCE)
    served = _served_source(documents, documents.get(own))
    sources: list[Json] = [
        served if key == own else document
        for key, document in documents.items()
        if key.kind in (store.SOURCE, store.OTHER_SOURCE)
    ]
    # A source without a document of its own is shown when anything is in it, or as the only one.
    if own not in documents and (served["tables"] or "functions" in served or not sources):
        sources = [served, *sources]
    metadata: JsonObject = {"version": 3, "sources": sources}
    for name, (kind, _) in _LISTS.items():
        listed: list[Json] = [document for key, document in documents.items() if key.kind == kind]
        if listed:
            metadata[name] = listed
    metadata.update({key.name: document for key, document in documents.items() if key.kind == store.SECTION})
    return metadata


def _served_source(documents: dict[ObjectKey, Json], own: Json) -> JsonObject:
    source: JsonObject = {"name": DEFAULT_SOURCE, "kind": "postgres"}
    source["tables"] = [document for key, document in documents.items() if key.kind == store.TABLE]
    functions: list[Json] = [document for key, document in documents.items() if key.kind == store.FUNCTION]
    if functions:
        source["functions"] = functions
    source["configuration"] = _DEFAULT_CONFIGURATION
    source.update(own if isinstance(own, dict) else {})
    return source


@command("replace_metadata")
async def replace_metadata(workspace: Workspace, args: Reader) -> Json:
    allow_inconsistent = args.flag("allow_inconsistent_metadata")
    if "metadata" in args:
        refuse_mistyped_keys(args, _REPLACED)
    metadata = args.get("metadata") or args
    refuse_incomplete(metadata)
    documents = dict(_documents(metadata))
    _refuse_role_cycles(documents)
    # What is stored must be readable at the next start.
    refuse_unreadable(documents)
    await workspace.replace_everything(documents, allow_inconsistent=allow_inconsistent)
    consistency = _consistency(workspace)
    return SUCCESS if consistency["is_consistent"] else {**SUCCESS, **consistency}


@command("clear_metadata")
async def clear_metadata(workspace: Workspace, args: Reader) -> Json:
    source = await workspace.document(store.SOURCE, DEFAULT_SOURCE)
    kept: dict[ObjectKey, Json] = {}
    if source is not None and "configuration" in source:
        own: JsonObject = {key: source[key] for key in ("name", "configuration") if key in source}
        kept[ObjectKey.of(store.SOURCE, DEFAULT_SOURCE)] = own
    await workspace.replace_everything(kept, allow_inconsistent=True)
    return SUCCESS


@command("reload_metadata")
async def reload_metadata(workspace: Workspace, args: Reader) -> Json:
    await workspace.load_everything()
    return {"message": "success", **_consistency(workspace)}


@command("get_inconsistent_metadata", writes=False)
async def get_inconsistent_metadata(workspace: Workspace, args: Reader) -> Json:
    return _consistency(workspace)


def _consistency(workspace: Workspace) -> JsonObject:
    inconsistent = rendered_inconsistent(workspace.world, workspace.inconsistent_objects())
    return {"is_consistent": not inconsistent, "inconsistent_objects": inconsistent}


@command("drop_inconsistent_metadata")
async def drop_inconsistent_metadata(workspace: Workspace, args: Reader) -> Json:
    await _drop_unserved(workspace)
    # What depended on a dropped object is inconsistent next.
    while problems := [item for item in workspace.world.broken_objects() if item.type != CONFLICT_TYPE]:
        for item in problems:
            await _drop(workspace, item)
        await workspace.apply(allow_inconsistent=True)
    for item in unfit_endpoints(workspace.world.snapshot):
        await _drop(workspace, item)
    await workspace.apply(allow_inconsistent=True)
    return SUCCESS


async def _drop_unserved(workspace: Workspace) -> None:
    metadata = workspace.world.metadata
    unserved = [item for items in (metadata.unserved, *metadata.unserved_objects.values()) for item in items]
    # From the end, so that the rest of a list keeps its places.
    for item in sorted(unserved, key=_place, reverse=True):
        key = item.key
        name = key.qualified if key.schema else key.name
        left = _without(await workspace.any_document(key), item.path)
        if left in (None, [], {}):
            workspace.remove(key.kind, name)
        else:
            workspace.put(key.kind, name, left)
    await workspace.apply(allow_inconsistent=True)


def _place(item: Unserved) -> tuple[ObjectKey, list[tuple[int, str]]]:
    """Returns what orders places in documents: list elements by their number."""
    return item.key, [(step, "") if isinstance(step, int) else (-1, step) for step in item.path]


def _without(document: Json, path: tuple[str | int, ...]) -> Json:
    """Returns the document without what stands there; a list or object that becomes empty goes, too."""
    if not path:
        return None
    step, *rest = path
    if isinstance(document, dict) and isinstance(step, str):
        left = _without(document.get(step), tuple(rest))
        others = {key: value for key, value in document.items() if key != step}
        return others if left in (None, [], {}) else {**document, step: left}
    assert isinstance(document, list) and isinstance(step, int)
    left = _without(document[step], tuple(rest)) if rest else None
    return [*document[:step], *([] if left is None else [left]), *document[step + 1 :]]


async def _drop(workspace: Workspace, item: InconsistentObject) -> None:
    definition = Reader(item.definition)
    if item.type == store.REST_ENDPOINT:
        workspace.remove(item.type, definition["name"].text())
        return
    if item.type in (store.TABLE, store.FUNCTION):
        workspace.remove(item.type, definition.qualified_name())
        return
    table = definition["table"].qualified_name()
    document = await workspace.document(store.TABLE, table)
    if document is None:
        return
    if item.type.endswith("_permission"):
        drop(document, f"{item.type}s", "role", definition["role"].text())
    elif item.type == "computed_field":
        drop(document, "computed_fields", "name", definition["name"].text())
    else:
        kind = item.type.removesuffix("_relation")
        drop(document, f"{kind}_relationships", "name", definition["name"].text())
    workspace.put(store.TABLE, table, document)


@command("dump_internal_state", writes=False)
async def dump_internal_state(workspace: Workspace, args: Reader) -> Json:
    snapshot = workspace.world.snapshot
    return {
        "resource_version": workspace.world.resource_version,
        "tables": [str(name) for name in sorted(snapshot.tables)],
        "functions": [str(name) for name in sorted(snapshot.functions)],
        "inconsistent_objects": rendered_inconsistent(workspace.world, snapshot.inconsistent_objects),
    }


# --- from a document to objects -----------------------------------------------------------------------------------


def _documents(metadata: Reader) -> Iterator[tuple[ObjectKey, Json]]:
    """Yields the objects of a metadata document of version 3, or of the older ones without sources."""
    members = metadata.object()
    taken = {"version", "resource_version", "sources", "tables", "functions", "allow_inconsistent_metadata", *_LISTS}
    if "sources" in members:
        yield from _documents_of_sources(list(metadata["sources"].items()))
    else:
        yield from _source_documents(metadata, is_older=True)
    for name, (kind, key) in _LISTS.items():
        if name in metadata:
            yield from _list_documents(metadata[name], kind, key)
    for name, value in members.items():
        if name not in taken and value not in (None, [], {}):
            if (parse := _SECTIONS.get(name)) is not None:
                parse(metadata[name])
                refuse_mistyped_keys(metadata[name], OF_KINDS[name])
            yield ObjectKey.of(store.SECTION, name), value


def _documents_of_sources(sources: list[Reader]) -> Iterator[tuple[ObjectKey, Json]]:
    """Yields the objects of the source that is served; the others as they are."""
    names = [source["name"].name() for source in sources]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise sources[index]["name"].fail(f'multiple sources with the name "{name}"')
    served = _served(sources)
    for source, name in zip(sources, names, strict=True):
        if source is served:
            yield from _source_documents(source)
        else:
            yield ObjectKey.of(store.OTHER_SOURCE, name), source.object()


def _served(sources: list[Reader]) -> Reader | None:
    """Returns the PostgreSQL source called `default`, or else the first one."""
    possible = [source for source in sources if (source.optional_text("kind") or "postgres") in _POSTGRES_KINDS]
    named = [source for source in possible if source["name"].name() == DEFAULT_SOURCE]
    return next(iter([*named, *possible]), None)


def _source_documents(source: Reader, *, is_older: bool = False) -> Iterator[tuple[ObjectKey, Json]]:
    tables = list(source["tables"].items()) if "tables" in source else []
    functions = list(source["functions"].items()) if "functions" in source else []
    refuse_duplicates("tables", tables, lambda item: item["table"].qualified_name())
    refuse_duplicates("functions", functions, lambda item: parsing.function_name(_normal_function(item)))
    for item in tables:
        refuse_duplicates_of_table(item)
        document = normal_table(item)
        yield ObjectKey.of(store.TABLE, parsing.table_name(document)), document
    for item in functions:
        refuse_mistyped_keys(item, keys.FUNCTION if "function" in item else keys.NAME)
        document = _normal_function(item)
        parsing.parse_function(Reader(document, *item.path))
        yield ObjectKey.of(store.FUNCTION, parsing.function_name(document)), document
    if not is_older:
        parse_customization(source.get("customization"))
        refuse_mistyped_keys(source, OF_KINDS[store.SOURCE])
        kept = {key: value for key, value in source.object().items() if key not in ("tables", "functions")}
        yield ObjectKey.of(store.SOURCE, DEFAULT_SOURCE), kept


def _normal_function(item: Reader) -> JsonObject:
    if isinstance(item.value, dict) and "function" in item.value:
        return {**item.value, "function": name_to_json(item["function"].qualified_name())}
    return {"function": name_to_json(item.qualified_name())}


def normal_table(item: Reader) -> JsonObject:
    """Returns a table's document with its name written out and without empty lists; raises ParseFailed."""
    refuse_mistyped(item, parsing.parse_table(item).unknown_keys)
    document = item.object()
    normal: JsonObject = {"table": name_to_json(item["table"].qualified_name())}
    for key, value in document.items():
        if key == "table" or value in (None, [], {}, False):
            continue
        normal[key] = value
    for kind, list_name in zip(RelationshipKind, RELATIONSHIP_LISTS, strict=True):
        if list_name in normal:
            normal[list_name] = [_normal_relationship(entry, kind) for entry in item[list_name].items()]
    for list_name in PERMISSION_LISTS:
        if list_name in normal:
            for entry in item[list_name].items():
                refuse_endless_expressions(entry)
            normal[list_name] = [_without_null_comment(entry.object()) for entry in item[list_name].items()]
    return normal


def _normal_relationship(item: Reader, kind: RelationshipKind) -> JsonObject:
    using = normal_using(parsing.parse_using(item["using"], kind), item["using"].value)
    return _without_null_comment({**item.object(), "using": using})


def _without_null_comment(entry: JsonObject) -> JsonObject:
    return {key: value for key, value in entry.items() if key != "comment" or value is not None}


def _list_documents(items: Reader, kind: str, key: str) -> Iterator[tuple[ObjectKey, Json]]:
    parse = {
        store.INHERITED_ROLE: parsing.parse_inherited_role,
        store.QUERY_COLLECTION: parsing.parse_query_collection,
        store.ALLOWLIST: parsing.parse_allowlist_entry,
        store.REST_ENDPOINT: parsing.parse_rest_endpoint,
    }[kind]
    refuse_duplicates(_PLURALS[kind], items.items(), lambda item: item[key].name())
    for item in items.items():
        document = item.object()
        if kind == store.ALLOWLIST and "scope" not in item:
            document = {**document, "scope": {"global": True}}
        with item.blamed():
            parse(Reader(document, *item.path))
        refuse_mistyped_keys(item, OF_KINDS[kind])
        yield ObjectKey.of(kind, item[key].name()), document


def _refuse_role_cycles(documents: dict[ObjectKey, Json]) -> None:
    roles: dict[str, InheritedRole] = {
        key.name: parsing.parse_inherited_role(Reader(document))
        for key, document in documents.items()
        if key.kind == store.INHERITED_ROLE
    }
    refuse_cycles(roles)


def refuse_version(workspace: Workspace, referenced: int) -> None:
    """Raises the conflict that somebody else changed metadata meanwhile."""
    current = workspace.resource_version
    if referenced != current:
        raise EngineError(
            f"metadata resource version referenced ({referenced}) did not match current version ({current})",
            code="conflict",
            status=409,
        )
