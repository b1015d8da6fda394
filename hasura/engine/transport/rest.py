"""Serves REST endpoints (`/api/rest/...`): a saved query, its variables from path, query string and body."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

from graphql import GraphQLError, OperationDefinitionNode, parse
from graphql.language.ast import ListTypeNode, NonNullTypeNode, TypeNode

from hasura.engine import exact_json
from hasura.engine.errors import EngineError, ParseFailed, refuse_endless_nesting
from hasura.engine.metadata.types import RestEndpoint
from hasura.engine.schema_cache import SchemaCache

PREFIX = "/api/rest/"
_MAX_KNOWN_QUERIES = 1000
# Types whose text is their value: anything else in a path or query string is read as JSON where it is JSON.
_TEXT_TYPES = frozenset({"String", "ID", "text", "varchar"})
# Types with numbers and booleans as values. For any other (citext, uuid, date ...) `123` and `true` are texts.
_PLAIN_TYPES = frozenset(
    {"Int", "Float", "Boolean", "smallint", "bigint", "numeric", "float8", "money", "oid", "json", "jsonb"}
)


def find_query(cache: SchemaCache, method: str, path: str) -> tuple[str, dict[str, str]]:
    """Returns the saved query of an endpoint and the parameters of its path.

    Raises EngineError: not-found, or method-not-allowed with the methods that are.
    """
    steps = path.removeprefix(PREFIX).strip("/").split("/")
    allowed: set[str] = set()
    for endpoint in cache.rest_endpoints.values():
        parameters = _match(endpoint.url.strip("/").split("/"), steps)
        if parameters is None:
            continue
        if method in endpoint.methods:
            return _saved_query(cache, endpoint), parameters
        allowed.update(endpoint.methods)
    if allowed:
        message = f"Endpoint requires a different method; use {', '.join(sorted(allowed))}"
        raise EngineError(message, code="method-not-allowed", status=405)
    raise EngineError("Endpoint not found", code="not-found", status=404)


def _match(template: list[str], steps: list[str]) -> dict[str, str] | None:
    if len(template) != len(steps):
        return None
    parameters = {}
    for part, value in zip(template, steps, strict=True):
        if part.startswith(":"):
            parameters[part[1:]] = unquote(value)
        elif part not in (value, unquote(value)):
            return None
    return parameters


def _saved_query(cache: SchemaCache, endpoint: RestEndpoint) -> str:
    collection = cache.query_collections.get(endpoint.collection)
    query = collection.queries.get(endpoint.query) if collection is not None else None
    if query is None:
        raise EngineError("the endpoint's query does not exist", code="not-exists", status=500)
    return query


@refuse_endless_nesting
def read_variables(
    query: str,
    path: Mapping[str, str],
    query_string: Mapping[str, list[str]],
    body: bytes,
    *,
    content_type: str,
) -> dict[str, Any]:
    """Returns the query's variables; the path wins over the query string, which wins over the body (JSON or form).

    Raises EngineError.
    """
    types = _variable_types(query)
    given: dict[str, Any] = {}
    texts_given = dict(query_string)
    if content_type.lower().startswith("application/x-www-form-urlencoded"):
        texts_given = {**parse_qs(body.decode(errors="replace"), keep_blank_values=True), **texts_given}
    else:
        given = _body_object(body)
    for name, texts in texts_given.items():
        if name in types:
            given[name] = _value(texts, types[name])
    for name, text in path.items():
        if name in types:
            given[name] = _value([text], types[name])
    return {name: value for name, value in given.items() if name in types}


def _body_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    value = exact_json.loads(body)
    if not isinstance(value, dict):
        raise ParseFailed("the body is an object of variables")
    return value


@lru_cache(maxsize=_MAX_KNOWN_QUERIES)
def _variable_types(query: str) -> Mapping[str, TypeNode]:
    try:
        document = parse(query, no_location=True)
    except GraphQLError as exc:
        raise ParseFailed(str(exc)) from exc
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return {item.variable.name.value: item.type for node in operations for item in node.variable_definitions or ()}


def _value(texts: list[str], type_node: TypeNode) -> Any:
    bare = type_node.type if isinstance(type_node, NonNullTypeNode) else type_node
    if isinstance(bare, ListTypeNode):
        return [_value([text], bare.type) for text in texts]
    name = bare.name.value if hasattr(bare, "name") else "String"
    if name.startswith("_") and len(texts) > 1:
        # The name of an array type: several values are its members.
        return [_text_value(text, name[1:]) for text in texts]
    return _text_value(texts[-1], name)


def _text_value(text: str, name: str) -> Any:
    if name in _TEXT_TYPES:
        return text
    try:
        parsed = exact_json.loads(text)
    except EngineError:
        return text
    return text if isinstance(parsed, int | float) and name not in _PLAIN_TYPES else parsed
