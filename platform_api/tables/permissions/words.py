"""Says rules in words."""

from collections.abc import Mapping

from platform_api.tables.permissions.rules import (
    ORGANIZATION,
    USER,
    All,
    AnyOf,
    Comparison,
    Node,
    Not,
    Related,
    variable_of,
)

_OPERATORS = {
    "_eq": "is",
    "_neq": "is not",
    "_in": "is one of",
    "_nin": "is none of",
    "_gt": "is greater than",
    "_gte": "is at least",
    "_lt": "is less than",
    "_lte": "is at most",
    "_like": "is like",
    "_nlike": "is not like",
    "_ilike": "is like, in any case,",
    "_nilike": "is not like, in any case,",
}
_VARIABLES: Mapping[str | None, str] = {USER: "the member's id", ORGANIZATION: "the organization's id"}


def in_words(node: Node) -> str:
    """Returns a rule as a person reads it."""
    match node:
        case Comparison():
            return _compared(node)
        case Related(relationship, is_many, item):
            return f"{'one of its' if is_many else 'its'} {relationship}: {_nested(item)}"
        case Not(item):
            return f"not ({in_words(item)})"
        case All(items):
            return " and ".join(_nested(item) for item in items) or "every row"
        case AnyOf(items):
            return " or ".join(_nested(item) for item in items) or "no row"


def _nested(node: Node) -> str:
    words = in_words(node)
    return f"({words})" if isinstance(node, All | AnyOf) and len(node.items) > 1 else words


def _compared(node: Comparison) -> str:
    if node.operator == "_is_null":
        return f"{node.column} is {'' if node.value else 'not '}empty"
    value = node.value
    shown = ", ".join(map(_value, value)) or "nothing" if isinstance(value, list) else _value(value)
    return f"{node.column} {_OPERATORS[node.operator]} {shown}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _VARIABLES.get(variable_of(value), f"“{value}”" if isinstance(value, str) else str(value))
