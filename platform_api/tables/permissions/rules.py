"""Reads the rules of permissions: Hasura's boolean expressions, checked against the tables that they are about.

A rule reaches rows through relationships only, which stay within the organization. `_exists` is refused, because it
looks at the rows of any table of any organization; so are comparisons with other columns, which no query can express.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from platform_api.core.errors import Unprocessable
from platform_api.tables.ddl.column_types import (
    SYSTEM_COLUMN_TYPES,
    ColumnType,
    InvalidDefault,
    LiteralDefault,
    is_storable,
    parse_default,
)
from platform_api.tables.definition import TableDefinition
from platform_api.tables.relationships import incoming_references

Definitions = Mapping[int, TableDefinition]

MAX_DEPTH = 8
MAX_PARTS = 100
SESSION_PREFIX = "x-hasura-"
USER, ORGANIZATION = "x-hasura-user-id", "x-hasura-organization-id"
_VARIABLES = {USER: "X-Hasura-User-Id", ORGANIZATION: "X-Hasura-Organization-Id"}

_EQUALITY = ("_eq", "_neq", "_in", "_nin", "_is_null")
_ORDER = ("_gt", "_gte", "_lt", "_lte")
_PATTERNS = ("_like", "_nlike", "_ilike", "_nilike")
_LISTS = ("_in", "_nin")
_TEXTS = (ColumnType.TEXT, ColumnType.CHOICE)
_UNORDERED = (ColumnType.BOOLEAN, ColumnType.UUID, ColumnType.REFERENCE)
_HOLDS_IDS = (*_TEXTS, ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.NUMERIC, ColumnType.FLOAT)


class InvalidRule(Unprocessable):
    """Reports a permission that cannot be enforced: it names what is not there, or compares what does not fit."""

    code = "invalid_rule"

    def __init__(self, message: str, *, field: str, column: str | None = None) -> None:
        super().__init__(f"{field}: {message}", field=field)
        self.column = column


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares a column with a value; `condition` is the part of the rule."""

    column: str
    kind: ColumnType
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Related:
    """Requires something of the row that a relationship leads to, or with `is_many` of one of the rows."""

    relationship: str
    is_many: bool
    item: "Node"


@dataclass(frozen=True, slots=True)
class All:
    """Requires all items."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Requires one of the items."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Requires that the item does not hold."""

    item: "Node"


Node: TypeAlias = Comparison | Related | All | AnyOf | Not


def read_rule(rule: Mapping[str, Any], table_id: int, definitions: Definitions, *, path: str) -> Node:
    """Returns the rule of a table, read. Raises `InvalidRule`, with the path of what is wrong."""
    return _Reader(definitions).read(rule, table_id, path, depth=0)


def relationship_of(table_id: int, name: str, definitions: Definitions) -> tuple[int, bool] | None:
    """Returns the table that a relationship leads to, and whether to many rows; None when there is none."""
    for reference in definitions[table_id].references:
        if reference.object_relationship == name:
            return reference.table_id, False
    tables = {definition.name: other_id for other_id, definition in definitions.items()}
    for definition, reference in incoming_references(table_id, definitions):
        if reference.array_relationship == name:
            return tables[definition.name], True
    return None


def column_type(definition: TableDefinition, name: str) -> ColumnType | None:
    """Returns the type of a column, of the system's too; None when there is none of this name."""
    own = next((column.type for column in definition.columns if column.name == name), None)
    return own or SYSTEM_COLUMN_TYPES.get(name)


def operators_of(kind: ColumnType) -> tuple[str, ...]:
    """Returns the operators that a column of this type can be compared by."""
    if kind is ColumnType.JSON:
        return ("_is_null",)
    ordered = () if kind in _UNORDERED else _ORDER
    return (*_EQUALITY, *ordered, *(_PATTERNS if kind in _TEXTS else ()))


def variable_of(value: object) -> str | None:
    """Returns the session variable that a value stands for, in lower case; None for a constant."""
    return value.lower() if isinstance(value, str) and value.lower().startswith(SESSION_PREFIX) else None


def check_value(kind: ColumnType, value: object, *, path: str, column: str | None = None) -> None:
    """Raises `InvalidRule` unless a column of this type can have the value, a constant or a session variable."""
    variable = variable_of(value)
    if variable is not None:
        _check_variable(kind, variable, path, column)
        return
    try:
        parsed = parse_default(ColumnType.UUID if kind is ColumnType.REFERENCE else kind, value)
    except InvalidDefault as error:
        raise InvalidRule(f"{value!r:.80} does not fit the column: it {error}", field=path, column=column) from error
    if not isinstance(parsed, LiteralDefault):
        raise InvalidRule(f"must be a value, not {value!r}", field=path, column=column)


def _check_variable(kind: ColumnType, variable: str, path: str, column: str | None) -> None:
    if variable not in _VARIABLES:
        known = " and ".join(_VARIABLES.values())
        raise InvalidRule(f"there is no session variable {variable!r}; there are {known}", field=path, column=column)
    if kind not in _HOLDS_IDS:
        raise InvalidRule(
            f"{_VARIABLES[variable]} is a number; a column of type {kind} cannot hold it, one of type integer can",
            field=path,
            column=column,
        )


class _Reader:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._parts = 0

    def read(self, rule: object, table_id: int, path: str, *, depth: int) -> Node:
        if not isinstance(rule, Mapping):
            raise InvalidRule('must be an object such as {"owner": {"_eq": "X-Hasura-User-Id"}}', field=path)
        if depth > MAX_DEPTH:
            raise InvalidRule(f"is nested too deeply; at most {MAX_DEPTH} levels are allowed", field=path)
        items = [self._entry(name, value, table_id, f"{path}.{name}", depth) for name, value in rule.items()]
        return items[0] if len(items) == 1 else All(tuple(items))

    def _entry(self, name: str, value: object, table_id: int, path: str, depth: int) -> Node:
        self._count(path)
        if name in ("_and", "_or"):
            return self._joined(name, value, table_id, path, depth)
        if name == "_not":
            return Not(self.read(value, table_id, path, depth=depth + 1))
        kind = column_type(self._definitions[table_id], name)
        if kind is not None:
            return self._comparisons(name, kind, value, path)
        target = relationship_of(table_id, name, self._definitions)
        if target is None:
            raise self._unknown(name, table_id, path)
        return Related(name, target[1], self.read(value, target[0], path, depth=depth + 1))

    def _joined(self, name: str, value: object, table_id: int, path: str, depth: int) -> Node:
        if not isinstance(value, list):
            raise InvalidRule("must be a list of expressions", field=path)
        items = tuple(
            self.read(item, table_id, f"{path}.{position}", depth=depth + 1) for position, item in enumerate(value)
        )
        return All(items) if name == "_and" else AnyOf(items)

    def _comparisons(self, column: str, kind: ColumnType, value: object, path: str) -> Node:
        if not isinstance(value, Mapping) or not value:
            raise InvalidRule('must be an object of operators, such as {"_eq": 1}', field=path, column=column)
        items = [self._comparison(column, kind, name, item, f"{path}.{name}") for name, item in value.items()]
        return items[0] if len(items) == 1 else All(tuple(items))

    def _comparison(self, column: str, kind: ColumnType, operator: str, value: object, path: str) -> Comparison:
        self._count(path)
        known = operators_of(kind)
        if operator not in known:
            raise InvalidRule(
                f"a rule has no operator {operator!r} for type {kind}; it has {', '.join(known)}",
                field=path,
                column=column,
            )
        _check_operand(kind, operator, value, path, column)
        return Comparison(column, kind, operator, value)

    def _count(self, path: str) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRule(f"has more than {MAX_PARTS} parts; make it shorter", field=path)

    def _unknown(self, name: str, table_id: int, path: str) -> InvalidRule:
        definition = self._definitions[table_id]
        if name == "_exists":
            reason = "_exists looks at the rows of other organizations; follow a relationship instead"
            return InvalidRule(reason, field=path)
        known = ", ".join(definition.column_names)
        reason = f"table {definition.name!r} has no column or relationship {name!r}; its columns are: {known}"
        return InvalidRule(reason, field=path, column=name)


def _check_operand(kind: ColumnType, operator: str, value: object, path: str, column: str) -> None:
    if operator == "_is_null":
        _require(isinstance(value, bool), "must be true or false", path, column)
    elif operator in _LISTS:
        _require(isinstance(value, list), "must be a list of values", path, column)
        for position, item in enumerate(value if isinstance(value, list) else ()):
            _require(variable_of(item) is None, "a list cannot hold a session variable", path, column)
            check_value(kind, item, path=f"{path}.{position}", column=column)
    elif operator in _PATTERNS:
        is_pattern = isinstance(value, str) and is_storable(value) and variable_of(value) is None
        _require(is_pattern, "must be a pattern, with % for any text", path, column)
    else:
        check_value(kind, value, path=path, column=column)


def _require(is_right: bool, message: str, path: str, column: str) -> None:
    if not is_right:
        raise InvalidRule(message, field=path, column=column)


Renames = Mapping[int, Mapping[str, str]]


def renamed_rule(
    rule: Mapping[str, Any], table_id: int, definitions: Definitions, renames: Renames
) -> dict[str, Any]:
    """Returns the rule with the new names of columns; `definitions` are those before the change."""
    follow = partial(renamed_rule, definitions=definitions, renames=renames)
    renamed: dict[str, Any] = {}
    for name, value in rule.items():
        if name in ("_and", "_or"):
            renamed[name] = [follow(item, table_id) for item in value]
        elif name == "_not":
            renamed[name] = follow(value, table_id)
        elif (target := relationship_of(table_id, name, definitions)) is not None:
            renamed[name] = follow(value, target[0])
        else:
            renamed[renames.get(table_id, {}).get(name, name)] = value
    return renamed
