"""Changes query collections, the allow-list, REST endpoints."""

from collections import Counter

from graphql import GraphQLError, parse

from hasura.engine.api.editing import append, drop, entry, without_nulls
from hasura.engine.api.registry import SUCCESS, command
from hasura.engine.api.workspace import Workspace
from hasura.engine.errors import AlreadyExists, EngineError, NotExists, NotSupported
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import keys, store
from hasura.engine.metadata.keys import Keys
from hasura.engine.metadata.parsing import parse_allowlist_scope, parse_query_collection, parse_rest_endpoint
from hasura.engine.metadata.reading import Reader


@command("create_query_collection", takes=keys.QUERY_COLLECTION)
async def create_query_collection(workspace: Workspace, args: Reader) -> Json:
    name = args["name"].name()
    _refuse_invalid_queries(args["definition"])
    parse_query_collection(args)
    _refuse_taken(workspace, args["name"])
    _refuse_duplicates(args["definition"]["queries"])
    described: JsonObject = {
        "name": name,
        "comment": args.optional_text("comment"),
        "definition": args["definition"].value,
    }
    workspace.put(store.QUERY_COLLECTION, name, without_nulls(described))
    await workspace.apply()
    return SUCCESS


def _refuse_invalid_queries(definition: Reader) -> None:
    for item in definition["queries"].items():
        _refuse_invalid_query(item["query"])


def _refuse_duplicates(queries: Reader) -> None:
    counted = Counter(item["name"].name() for item in queries.items())
    duplicates = [f'"{name}"' for name, count in counted.items() if count > 1]
    if duplicates:
        with queries.blamed():
            raise NotSupported(f"found duplicate query names {', '.join(duplicates)}")


def _refuse_invalid_query(query: Reader) -> None:
    try:
        parse(query.text(), no_location=True)
    except GraphQLError as exc:
        raise query.fail(f"not a valid graphql query: {exc.message}") from exc


async def _collection(workspace: Workspace, name: str) -> JsonObject:
    document = await workspace.document(store.QUERY_COLLECTION, name)
    if document is None:
        raise NotExists(f'query collection with name "{name}" does not exist')
    return document


def _refuse_taken(workspace: Workspace, argument: Reader) -> None:
    name = argument.name()
    if name in workspace.world.metadata.query_collections:
        with argument.blamed():
            raise AlreadyExists(f'query collection with name "{name}" already exists')


@command("drop_query_collection", takes=Keys("collection", "cascade"))
async def drop_query_collection(workspace: Workspace, args: Reader) -> Json:
    name = args["collection"].name()
    with args["collection"].blamed():
        await _collection(workspace, name)
        if name in workspace.world.metadata.allowlist and not args.flag("cascade"):
            raise EngineError(
                f'query collection with name "{name}" is present in the allowlist; cannot proceed to drop. '
                "please use cascade to confirm you wish to drop it from the allowlist as well",
                code="dependency-error",
            )
    if name in workspace.world.metadata.allowlist:
        workspace.remove(store.ALLOWLIST, name)
    workspace.remove(store.QUERY_COLLECTION, name)
    await workspace.apply()
    return SUCCESS


@command("rename_query_collection", takes=Keys("name", "new_name"))
async def rename_query_collection(workspace: Workspace, args: Reader) -> Json:
    name, new_name = args["name"].name(), args["new_name"].name()
    document = await _collection(workspace, name)
    _refuse_taken(workspace, args["new_name"])
    workspace.remove(store.QUERY_COLLECTION, name)
    workspace.put(store.QUERY_COLLECTION, new_name, {**document, "name": new_name})
    allowed = await workspace.document(store.ALLOWLIST, name)
    if allowed is not None:
        workspace.remove(store.ALLOWLIST, name)
        workspace.put(store.ALLOWLIST, new_name, {**allowed, "collection": new_name})
    for endpoint in workspace.world.metadata.rest_endpoints.values():
        if endpoint.collection == name:
            described = await workspace.document(store.REST_ENDPOINT, endpoint.name)
            assert described is not None
            query: JsonObject = {"collection_name": new_name, "query_name": endpoint.query}
            workspace.put(store.REST_ENDPOINT, endpoint.name, {**described, "definition": {"query": query}})
    await workspace.apply()
    return SUCCESS


@command("add_query_to_collection", takes=Keys("collection_name", "query_name", "query"))
async def add_query_to_collection(workspace: Workspace, args: Reader) -> Json:
    collection, name = args["collection_name"].name(), args["query_name"].name()
    document = await _collection(workspace, collection)
    definition = document["definition"]
    assert isinstance(definition, dict)
    if entry(definition, "queries", "name", name) is not None:
        raise AlreadyExists(f'query with name "{name}" already exists in collection "{collection}"')
    _refuse_invalid_query(args["query"])
    append(definition, "queries", {"name": name, "query": args["query"].text()})
    workspace.put(store.QUERY_COLLECTION, collection, document)
    await workspace.apply()
    return SUCCESS


@command("drop_query_from_collection", takes=Keys("collection_name", "query_name"))
async def drop_query_from_collection(workspace: Workspace, args: Reader) -> Json:
    collection, name = args["collection_name"].name(), args["query_name"].name()
    document = await _collection(workspace, collection)
    definition = document["definition"]
    assert isinstance(definition, dict)
    if entry(definition, "queries", "name", name) is None:
        raise EngineError(f'query with name "{name}" not found in collection "{collection}"', code="not-found")
    drop(definition, "queries", "name", name)
    definition.setdefault("queries", [])
    workspace.put(store.QUERY_COLLECTION, collection, document)
    await workspace.apply()
    return SUCCESS


# --- allow-list ---------------------------------------------------------------------------------------------------


@command("add_collection_to_allowlist", takes=keys.ALLOWLIST)
async def add_collection_to_allowlist(workspace: Workspace, args: Reader) -> Json:
    collection = args["collection"].name()
    scope = args.get("scope")
    if scope is not None:
        parse_allowlist_scope(scope)
    with args["collection"].blamed():
        await _collection(workspace, collection)
    if collection in workspace.world.metadata.allowlist:
        return {
            "message": f'collection "{collection}" already exists in the allowlist, scope ignored; '
            "to change scope, use update_scope_of_collection_in_allowlist"
        }
    described: JsonObject = {"collection": collection, "scope": scope.value if scope else {"global": True}}
    workspace.put(store.ALLOWLIST, collection, described)
    await workspace.apply()
    return SUCCESS


async def _refuse_missing_in_allowlist(workspace: Workspace, argument: Reader) -> None:
    collection = argument.name()
    with argument.blamed():
        await _collection(workspace, collection)
    if collection not in workspace.world.metadata.allowlist:
        raise EngineError(f'collection "{collection}" doesn\'t exist in the allowlist', code="not-found")


@command("update_scope_of_collection_in_allowlist", takes=keys.ALLOWLIST)
async def update_scope_of_collection_in_allowlist(workspace: Workspace, args: Reader) -> Json:
    collection, scope = args["collection"].name(), args["scope"]
    parse_allowlist_scope(scope)
    await _refuse_missing_in_allowlist(workspace, args["collection"])
    workspace.put(store.ALLOWLIST, collection, {"collection": collection, "scope": scope.value})
    await workspace.apply()
    return SUCCESS


@command("drop_collection_from_allowlist", takes=Keys("collection"))
async def drop_collection_from_allowlist(workspace: Workspace, args: Reader) -> Json:
    collection = args["collection"].name()
    await _refuse_missing_in_allowlist(workspace, args["collection"])
    workspace.remove(store.ALLOWLIST, collection)
    await workspace.apply()
    return SUCCESS


# --- REST endpoints -----------------------------------------------------------------------------------------------


@command("create_rest_endpoint", takes=keys.REST_ENDPOINT)
async def create_rest_endpoint(workspace: Workspace, args: Reader) -> Json:
    endpoint = parse_rest_endpoint(args)
    if endpoint.name in workspace.world.metadata.rest_endpoints:
        raise AlreadyExists(f'Endpoint with name: "{endpoint.name}" already exists')
    described: JsonObject = {
        "name": endpoint.name,
        "url": endpoint.url,
        "methods": list(endpoint.methods),
        "definition": args["definition"].value,
        "comment": endpoint.comment,
    }
    workspace.put(store.REST_ENDPOINT, endpoint.name, without_nulls(described))
    await workspace.apply((store.REST_ENDPOINT, f"rest_endpoint {endpoint.name}"))
    return SUCCESS


@command("drop_rest_endpoint", takes=Keys("name"))
async def drop_rest_endpoint(workspace: Workspace, args: Reader) -> Json:
    name = args["name"].name()
    if name not in workspace.world.metadata.rest_endpoints:
        raise NotExists(f"Endpoint with name: {name} does not exist")
    workspace.remove(store.REST_ENDPOINT, name)
    await workspace.apply()
    return SUCCESS
