"""Defines the comparison operators: the SQL of each, and what later stages must know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import LiteralString


class OperandKind(Enum):
    """Names what an operator compares a value with, where it is written in metadata."""

    VALUE = auto()
    """A value of the column's type."""
    TEXT = auto()
    """A text, whatever the column's type."""
    LIST = auto()
    """A list of values or texts."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Describes a comparison operator."""

    symbol: LiteralString | None = None
    """PostgreSQL's operator."""
    keyword: LiteralString = ""
    """What stands between the operands, where PostgreSQL has no operator for it."""
    operand: OperandKind = OperandKind.VALUE
    may_fail: bool = False
    """The right side is a pattern or a path, which may be malformed where a column gives it."""


OPERATORS: Mapping[str, Operator] = {
    "_eq": Operator("="),
    "_neq": Operator("<>"),
    "_neq_nullable": Operator(keyword=" is distinct from "),
    "_gt": Operator(">"),
    "_lt": Operator("<"),
    "_gte": Operator(">="),
    "_lte": Operator("<="),
    "_in": Operator("=", operand=OperandKind.LIST),
    "_nin": Operator("<>", operand=OperandKind.LIST),
    "_like": Operator("~~", operand=OperandKind.TEXT),
    "_nlike": Operator("!~~", operand=OperandKind.TEXT),
    "_ilike": Operator("~~*", operand=OperandKind.TEXT),
    "_nilike": Operator("!~~*", operand=OperandKind.TEXT),
    "_similar": Operator(keyword=" similar to ", operand=OperandKind.TEXT, may_fail=True),
    "_nsimilar": Operator(keyword=" not similar to ", operand=OperandKind.TEXT, may_fail=True),
    "_regex": Operator("~", operand=OperandKind.TEXT, may_fail=True),
    "_nregex": Operator("!~", operand=OperandKind.TEXT, may_fail=True),
    "_iregex": Operator("~*", operand=OperandKind.TEXT, may_fail=True),
    "_niregex": Operator("!~*", operand=OperandKind.TEXT, may_fail=True),
    "_contains": Operator("@>"),
    "_contained_in": Operator("<@"),
    "_has_key": Operator("?", operand=OperandKind.TEXT),
    "_has_keys_any": Operator("?|", operand=OperandKind.LIST),
    "_has_keys_all": Operator("?&", operand=OperandKind.LIST),
    "_ancestor": Operator("@>"),
    "_ancestor_any": Operator("@>", operand=OperandKind.LIST),
    "_descendant": Operator("<@"),
    "_descendant_any": Operator("<@", operand=OperandKind.LIST),
    "_matches": Operator("~", may_fail=True),
    "_matches_any": Operator("?", operand=OperandKind.LIST, may_fail=True),
    "_matches_fulltext": Operator("@", may_fail=True),
}
"""By their names in GraphQL; `_neq_nullable` is what permissions mean by `_ne` and `_neq`."""


def may_fail(name: str) -> bool:
    """Returns whether comparing by this operator may fail for a value of a column, such as a malformed pattern."""
    operator = OPERATORS.get(name)
    return operator is not None and operator.may_fail
