"""Finds REST endpoints whose query asks for what the schema does not have.

Checked when consistency is requested, not at each change of a table: the answer depends on the whole schema of the
administrator. Values are not looked at; they are known only when the endpoint is called.
"""

from collections.abc import Iterator

from graphql.language import ast

from hasura.engine.errors import EngineError
from hasura.engine.ir.documents.document import Operation, parse_operation
from hasura.engine.metadata.types import RestEndpoint
from hasura.engine.resolve.endpoints import unserved_endpoint
from hasura.engine.schema.role import RoleSchema, role_schema
from hasura.engine.schema.types import ObjectType, named_type
from hasura.engine.schema_cache import InconsistentObject, SchemaCache
from hasura.engine.session import ADMIN_ROLE


def unfit_endpoints(cache: SchemaCache) -> list[InconsistentObject]:
    """Returns the endpoints whose query names fields or arguments that the administrator does not have."""
    schema = role_schema(cache, ADMIN_ROLE)
    return [
        unserved_endpoint(endpoint, problem)
        for endpoint in cache.rest_endpoints.values()
        if (problem := _problem(cache, schema, endpoint)) is not None
    ]


def _problem(cache: SchemaCache, schema: RoleSchema, endpoint: RestEndpoint) -> str | None:
    text = cache.query_collections[endpoint.collection].queries[endpoint.query]
    try:
        operation = parse_operation(text, None)
    except EngineError as exc:
        return exc.message
    root = schema.mutation_root if operation.kind == "mutation" else schema.query_root
    return next(_problems(operation, root), None)


def _problems(operation: Operation, root: ObjectType) -> Iterator[str]:
    waiting = [(operation.definition.selection_set, root)]
    spread: set[tuple[str, str]] = set()
    while waiting:
        selections, parent = waiting.pop()
        for node in selections.selections:
            if isinstance(node, ast.FieldNode):
                if node.name.value == "__typename":
                    continue
                field = parent.field(node.name.value)
                if field is None:
                    yield f"field '{node.name.value}' not found in type: '{parent.name}'"
                    continue
                for argument in node.arguments or ():
                    if argument.name.value not in field.arguments:
                        yield f"'{field.name}' has no argument named '{argument.name.value}'"
                target = named_type(field.type)
                if node.selection_set is not None and isinstance(target, ObjectType):
                    waiting.append((node.selection_set, target))
            elif isinstance(node, ast.InlineFragmentNode):
                condition = node.type_condition
                if condition is None or condition.name.value == parent.name:
                    waiting.append((node.selection_set, parent))
            elif isinstance(node, ast.FragmentSpreadNode):
                name = node.name.value
                fragment = operation.fragments.get(name)
                if fragment is None:
                    yield f'reference to undefined fragment "{name}"'
                elif fragment.type_condition.name.value == parent.name and (name, parent.name) not in spread:
                    spread.add((name, parent.name))
                    waiting.append((fragment.selection_set, parent))
