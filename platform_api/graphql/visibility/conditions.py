"""Turns a rule of a permission into the `where` of a query, with the values of one person in place of variables."""

from collections.abc import Mapping

from pydantic import JsonValue

from platform_api.graphql.rows.selection import Where
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.permissions.rules import All, AnyOf, Comparison, Node, Not, Related, variable_of


def where_of(node: Node, variables: Mapping[str, str]) -> Where:
    """Returns the condition that rows meet exactly when they meet the rule; `variables` are by lower-case name."""
    match node:
        case Comparison():
            return _compared(node, variables)
        case Related(relationship, _, item):
            return {relationship: where_of(item, variables)}
        case Not(item):
            return {"_not": where_of(item, variables)}
        case All(items):
            return {"_and": [where_of(item, variables) for item in items]}
        case AnyOf(items):
            return {"_or": [where_of(item, variables) for item in items]}


def _compared(node: Comparison, variables: Mapping[str, str]) -> Where:
    condition: Where = {node.column: {node.operator: _value(node, variables)}}
    if node.operator != "_neq":
        return condition
    # In a permission, unlike in a query, an empty column differs from every value.
    return {"_or": [condition, {node.column: {"_is_null": True}}]}


def _value(node: Comparison, variables: Mapping[str, str]) -> JsonValue:
    variable = variable_of(node.value)
    if variable is None:
        value: JsonValue = node.value
        return value
    text = variables[variable]
    return text if node.kind in (ColumnType.TEXT, ColumnType.CHOICE) else int(text)
