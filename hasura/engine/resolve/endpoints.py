"""Resolves REST endpoints: their addresses, and the queries they stand for."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

from hasura.engine.exact_json import JsonObject
from hasura.engine.metadata.types import QueryCollection, RestEndpoint
from hasura.engine.schema_cache import InconsistentObject

_OBJECT_TYPE = "rest_endpoint"
_MAX_KNOWN_QUERIES = 20_000


def resolve_endpoints(
    endpoints: Mapping[str, RestEndpoint], collections: Mapping[str, QueryCollection]
) -> tuple[dict[str, RestEndpoint], dict[str, InconsistentObject]]:
    """Returns the endpoints that can be served, and what is wrong with the others."""
    served: dict[str, RestEndpoint] = {}
    problems: dict[str, InconsistentObject] = {}
    taken: dict[tuple[str, str], str] = {}
    for name, endpoint in endpoints.items():
        reason = _problem(endpoint, collections) or _clash(endpoint, taken)
        if reason is None:
            served[name] = endpoint
            taken.update({(method, _shape(endpoint.url)): name for method in endpoint.methods})
        else:
            problems[name] = InconsistentObject(_OBJECT_TYPE, f"{_OBJECT_TYPE} {name}", reason, _definition(endpoint))
    return served, problems


def _problem(endpoint: RestEndpoint, collections: Mapping[str, QueryCollection]) -> str | None:
    if any(segment in ("", ":") for segment in endpoint.url.split("/")):
        return f"Empty segments or unnamed variables are not allowed: {endpoint.url}"
    parameters = [segment for segment in endpoint.url.split("/") if segment.startswith(":")]
    if len(parameters) != len(set(parameters)):
        return f"Duplicate variables are not allowed: {endpoint.url}"
    problem = next(_query_problems(endpoint, collections), None)
    return _within(endpoint, problem) if problem is not None else None


def _within(endpoint: RestEndpoint, problem: str) -> str:
    return f"Inconsistent object: in endpoint {endpoint.name}: {problem}"


def unserved_endpoint(endpoint: RestEndpoint, problem: str) -> InconsistentObject:
    """Returns an endpoint whose query has this problem, as `get_inconsistent_metadata` shows it."""
    return InconsistentObject(
        _OBJECT_TYPE, f"{_OBJECT_TYPE} {endpoint.name}", _within(endpoint, problem), _definition(endpoint)
    )


def _query_problems(endpoint: RestEndpoint, collections: Mapping[str, QueryCollection]) -> Iterator[str]:
    collection = collections.get(endpoint.collection)
    if collection is None:
        yield f"collection with name {endpoint.collection} does not exist"
        return
    text = collection.queries.get(endpoint.query)
    if text is None:
        yield f"query with name {endpoint.query} does not exist in collection {endpoint.collection}"
        return
    problem = _document_problem(text)
    if problem is not None:
        yield f"query with name {endpoint.query} {problem}"


@lru_cache(maxsize=_MAX_KNOWN_QUERIES)
def _document_problem(text: str) -> str | None:
    """Returns why a saved query cannot be an endpoint's; kept for when other endpoints or queries change."""
    try:
        document = parse(text, no_location=True)
    except GraphQLError as exc:
        return f"cannot be parsed: {exc.message}"
    operations = [item for item in document.definitions if isinstance(item, OperationDefinitionNode)]
    if len(operations) != 1:
        return "must have exactly one operation"
    return "is a subscription" if operations[0].operation is OperationType.SUBSCRIPTION else None


def _shape(url: str) -> str:
    """Returns an address without the names of its variables: two that differ only in these are the same."""
    return "/".join(":" if segment.startswith(":") else segment for segment in url.split("/"))


def _clash(endpoint: RestEndpoint, taken: Mapping[tuple[str, str], str]) -> str | None:
    for method in endpoint.methods:
        other = taken.get((method, _shape(endpoint.url)))
        if other is not None:
            return f"Ambiguous URL paths: {endpoint.url} ({endpoint.name}) and the one of {other}"
    return None


def _definition(endpoint: RestEndpoint) -> JsonObject:
    query: JsonObject = {"collection_name": endpoint.collection, "query_name": endpoint.query}
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "methods": list(endpoint.methods),
        "definition": {"query": query},
        "comment": endpoint.comment,
    }
