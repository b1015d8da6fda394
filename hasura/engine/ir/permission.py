"""Resolves boolean expressions of metadata (permission filters and checks) against the tables.

Accepts Hasura's notation: `{"author_id": {"_eq": "X-Hasura-User-Id"}}`, `$`-prefixed operators, `_and`/`_or`/`_not`,
`_exists`, relationships, columns compared with columns (`_ceq`, `["$", "column"]`), computed fields. Text that names
a session variable becomes a parameter filled from the session.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hasura.engine.catalog.types import PgType, QualifiedName, TypeKind
from hasura.engine.errors import EngineError, NotExists, ParseFailed
from hasura.engine.exact_json import Json
from hasura.engine.ir.documents.scalars import encode, encode_array
from hasura.engine.ir.nodes import (
    And,
    BoolExp,
    CallExists,
    CallExpression,
    CastExpression,
    ColumnExpression,
    Comparison,
    Expression,
    FunctionCall,
    Not,
    Operand,
    Or,
    RelatedColumnExpression,
    RelatedExists,
    Rooted,
    TableExists,
)
from hasura.engine.ir.parameters import (
    Computed,
    Constant,
    SessionDocument,
    SessionValue,
)
from hasura.engine.plan import SessionVariables, Variables
from hasura.engine.schema.inputs.filters import INT4, JSONB, TEXT
from hasura.engine.schema_cache import ColumnInfo, ComputedFieldInfo, RelationshipInfo, TableInfo
from hasura.engine.sql.operators import OPERATORS, OperandKind

SESSION_PREFIX = "x-hasura-"

_COLUMN_OPERATORS = {
    "_ceq": "_eq",
    "_cne": "_neq_nullable",
    "_cneq": "_neq_nullable",
    "_cgt": "_gt",
    "_clt": "_lt",
    "_cgte": "_gte",
    "_clte": "_lte",
}
_VALUE_OPERATORS = {
    **{name: name for name in OPERATORS if name != "_neq_nullable"},
    # In metadata, unlike in queries, a NULL is not equal to anything, so it is different.
    "_ne": "_neq_nullable",
    "_neq": "_neq_nullable",
}


@dataclass(frozen=True, slots=True)
class _Scope:
    """Holds the table an expression is about, and the one the whole permission is about."""

    tables: Mapping[QualifiedName, TableInfo]
    table: TableInfo
    root: TableInfo

    def within(self, name: QualifiedName) -> "_Scope":
        table = self.tables.get(name)
        if table is None:
            raise NotExists(f'table "{name}" does not exist')
        return _Scope(self.tables, table, self.root)


def resolve_boolean_expression(
    tables: Mapping[QualifiedName, TableInfo], table: TableInfo, expression: Mapping[str, Json]
) -> BoolExp:
    """Returns a permission's expression on `table`; raises EngineError for what is missing or does not fit."""
    resolved = _object(_Scope(tables, table, table), dict(expression))
    return Rooted(resolved) if _mentions_root(dict(expression)) else resolved


def _mentions_root(value: Json) -> bool:
    if isinstance(value, dict):
        return any(_mentions_root(item) for item in value.values())
    if isinstance(value, list):
        return value[:1] == ["$"] or any(_mentions_root(item) for item in value)
    return False


def is_session_variable(value: Json) -> bool:
    """Returns whether a text stands for a session variable."""
    return isinstance(value, str) and value.lower().startswith(SESSION_PREFIX)


def preset_operand(value: Json, pg_type: PgType) -> Operand:
    """Returns the value a preset gives to a column of this type; raises when it cannot be one."""
    if isinstance(value, str) and is_session_variable(value):
        return Operand(SessionValue(value.lower(), pg_type), pg_type)
    if value is None:
        return Operand(Constant(None), pg_type)
    return Operand(Constant(encode(value, pg_type, ())), pg_type)


def _object(scope: _Scope, expression: Json) -> BoolExp:
    if not isinstance(expression, dict):
        raise ParseFailed("expecting a JSON object for a boolean expression")
    return _joined([_entry(scope, _operator_name(key), value) for key, value in expression.items()])


def _joined(items: list[BoolExp]) -> BoolExp:
    return items[0] if len(items) == 1 else And(tuple(items))


def _operator_name(key: str) -> str:
    return f"_{key[1:]}" if key.startswith("$") else key


def _entry(scope: _Scope, key: str, value: Json) -> BoolExp:
    if key in ("_and", "_or"):
        if not isinstance(value, list):
            raise ParseFailed(f"expecting an array of boolean expressions for {key}")
        items = tuple(_object(scope, item) for item in value)
        return And(items) if key == "_and" else Or(items)
    if key == "_not":
        return Not(_object(scope, value))
    if key == "_exists":
        return _exists(scope, value)
    column = scope.table.columns_by_name.get(key)
    if column is not None:
        return _comparisons(scope, ColumnExpression(column), column.type, value)
    relationship = scope.table.relationships.get(key)
    if relationship is not None:
        inner = scope.within(relationship.remote_table)
        return RelatedExists(relationship, inner.table, _object(inner, value))
    computed = scope.table.computed_fields.get(key)
    if computed is not None:
        return _computed(scope, computed, value)
    raise NotExists(f'"{key}" does not exist')


def _exists(scope: _Scope, value: Json) -> BoolExp:
    if not isinstance(value, dict):
        raise ParseFailed("expecting an object with _table and _where for _exists")
    name = _table_name(value.get("_table"))
    inner = scope.within(name)
    # `$` means the table of the permission even in there.
    return TableExists(inner.table, _object(inner, value.get("_where", {})))


def _table_name(value: Json) -> QualifiedName:
    if isinstance(value, str):
        return QualifiedName("public", value)
    if isinstance(value, dict):
        schema, name = value.get("schema", "public"), value.get("name")
        if isinstance(schema, str) and isinstance(name, str):
            return QualifiedName(schema, name)
    raise ParseFailed("expecting a table name or an object with schema and name for _table")


def _computed(scope: _Scope, computed: ComputedFieldInfo, value: Json) -> BoolExp:
    call = computed_field_call(computed)
    if computed.returned_table is not None:
        inner = scope.within(computed.returned_table)
        return CallExists(call, inner.table, _object(inner, value))
    return _comparisons(scope, CallExpression(call), computed.function.return_type, value)


def computed_field_call(computed: ComputedFieldInfo, named: tuple[tuple[str, Operand], ...] = ()) -> FunctionCall:
    """Returns a call of a computed field's function for the row at hand, further arguments by name.

    The row and the session stand at their positions; PostgreSQL takes positional arguments before named ones, so
    from the first gap on everything is passed by name.
    """
    positional: list[Operand | None] = []
    by_name: list[tuple[str, Operand]] = []
    row_position = None
    given = dict(named)
    for index, argument in enumerate(computed.function.arguments):
        if index == computed.table_argument:
            row_position = index
            positional.append(None)
        elif index == computed.session_argument:
            positional.append(Operand(SessionDocument(), argument.type))
        elif argument.name is not None and argument.name in given:
            positional.append(given.pop(argument.name))
        else:
            break
    for index, argument in enumerate(computed.function.arguments):
        if index < len(positional) or argument.name is None:
            continue
        if index == computed.session_argument:
            by_name.append((argument.name, Operand(SessionDocument(), argument.type)))
        elif argument.name in given:
            by_name.append((argument.name, given.pop(argument.name)))
    return FunctionCall(computed.function, tuple(positional), tuple(by_name), row_position)


def _comparisons(scope: _Scope, left: Expression, pg_type: PgType, value: Json) -> BoolExp:
    if not isinstance(value, dict):
        # `{"id": 1}` is short for `{"id": {"_eq": 1}}`.
        return Comparison(left, "_eq", _operand(value, pg_type))
    return _joined([_comparison(scope, left, pg_type, _operator_name(key), item) for key, item in value.items()])


def _comparison(scope: _Scope, left: Expression, pg_type: PgType, operator: str, value: Json) -> BoolExp:
    if operator in _COLUMN_OPERATORS:
        return Comparison(left, _COLUMN_OPERATORS[operator], _other_column(scope, value))
    if operator == "_is_null":
        if not isinstance(value, bool):
            raise ParseFailed("expecting a boolean for _is_null")
        return Comparison(left, "_is_null", value)
    if operator == "_cast":
        return _cast(scope, left, value)
    if (comparison := _VALUE_OPERATORS.get(operator)) is not None:
        kind = OPERATORS[comparison].operand
        if kind is OperandKind.LIST:
            return Comparison(left, comparison, _list_operand(value, _list_element(operator, pg_type)))
        return Comparison(left, comparison, _operand(value, TEXT if kind is OperandKind.TEXT else pg_type))
    raise EngineError(f'unexpected operator "{operator}"', code="unexpected-payload")


def _list_element(operator: str, pg_type: PgType) -> PgType:
    return TEXT if operator.startswith("_has_keys") else pg_type


def _operand(value: Json, pg_type: PgType) -> Operand:
    if value is None:
        raise ParseFailed(f"unexpected null value for type '{pg_type.name}'")
    if isinstance(value, str) and is_session_variable(value):
        return Operand(SessionValue(value.lower(), pg_type), pg_type)
    return Operand(Constant(encode(value, pg_type, ())), pg_type)


def _list_operand(value: Json, element: PgType) -> Operand:
    if isinstance(value, str) and is_session_variable(value):
        return Operand(SessionValue(value.lower(), element, is_list=True), element, is_list=True)
    if not isinstance(value, list):
        raise ParseFailed("expecting an array, or a session variable that holds one")
    if any(is_session_variable(item) for item in value):
        return Operand(Computed(_list_with_session_variables(value, element)), element, is_list=True)
    return Operand(Constant(encode_array(value, element, ())), element, is_list=True)


def _list_with_session_variables(
    items: list[Json], element: PgType
) -> Callable[[Variables, SessionVariables], str | None]:
    def compute(variables: Variables, session: SessionVariables) -> str | None:
        values: list[Json] = [
            SessionValue(item.lower(), element)(variables, session)
            if isinstance(item, str) and is_session_variable(item)
            else encode(item, element, ())
            for item in items
        ]
        return encode_array(values, TEXT, ())

    return compute


def _other_column(scope: _Scope, value: Json) -> Expression:
    """Returns `"column"`, `["column"]`, `["$", "column"]`, `["relationship", "column"]` as an expression."""
    steps = value if isinstance(value, list) else [value]
    names = [step for step in steps if isinstance(step, str)]
    if len(names) != len(steps) or not names:
        raise ParseFailed("expecting a column name, or a path to a column")
    if names[0] == "$":
        if len(names) != 2:
            raise ParseFailed('expecting the name of a column of the permission\'s table after "$"')
        return ColumnExpression(_column(scope.root, names[1]), is_root=True)
    table = scope.table
    path: list[RelationshipInfo] = []
    for name in names[:-1]:
        relationship = table.relationships.get(name)
        if relationship is None:
            raise NotExists(f'relationship "{name}" does not exist in table "{table.name}"')
        path.append(relationship)
        table = scope.within(relationship.remote_table).table
    column = _column(table, names[-1])
    return RelatedColumnExpression(tuple(path), column) if path else ColumnExpression(column)


def _column(table: TableInfo, name: str) -> ColumnInfo:
    column = table.columns_by_name.get(name)
    if column is None:
        raise NotExists(f'column "{name}" does not exist in table "{table.name}"')
    return column


_CAST_TARGETS = {"String": TEXT, "text": TEXT, "jsonb": JSONB, "Int": INT4}


def _cast(scope: _Scope, left: Expression, value: Json) -> BoolExp:
    if not isinstance(value, dict):
        raise ParseFailed("expecting an object of types for _cast")
    items: list[BoolExp] = []
    for name, comparisons in value.items():
        target = _CAST_TARGETS.get(name) or PgType(0, "", name, kind=TypeKind.BASE)
        items.append(_comparisons(scope, CastExpression(left, target), target, comparisons))
    return _joined(items)


# --- what an expression depends on -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dependency:
    """Identifies what is needed: `kind` is table, column, relationship or computed_field; `name` None for a table."""

    kind: str
    table: QualifiedName
    name: str | None = None


def expression_dependencies(
    tables: Mapping[QualifiedName, TableInfo], table: TableInfo, expression: Mapping[str, Json]
) -> frozenset[Dependency]:
    """Returns what must stay for the expression to stay valid."""
    dependencies: set[Dependency] = set()
    _collect(_object(_Scope(tables, table, table), dict(expression)), tables, table, table, dependencies)
    return frozenset(dependencies)


def _collect(
    exp: BoolExp,
    tables: Mapping[QualifiedName, TableInfo],
    table: TableInfo,
    root: TableInfo,
    dependencies: set[Dependency],
) -> None:
    if isinstance(exp, And | Or):
        for item in exp.items:
            _collect(item, tables, table, root, dependencies)
    elif isinstance(exp, Not):
        _collect(exp.item, tables, table, root, dependencies)
    elif isinstance(exp, RelatedExists):
        dependencies.add(Dependency("relationship", table.name, exp.relationship.name))
        _collect(exp.condition, tables, tables[exp.relationship.remote_table], root, dependencies)
    elif isinstance(exp, TableExists):
        dependencies.add(Dependency("table", exp.table.name))
        _collect(exp.condition, tables, exp.table, root, dependencies)
    elif isinstance(exp, Comparison):
        for side in (exp.left, exp.right):
            if isinstance(side, ColumnExpression):
                dependencies.add(Dependency("column", root.name if side.is_root else table.name, side.column.name))
            elif isinstance(side, RelatedColumnExpression):
                here = table
                for relationship in side.relationships:
                    dependencies.add(Dependency("relationship", here.name, relationship.name))
                    here = tables[relationship.remote_table]
                dependencies.add(Dependency("column", here.name, side.column.name))
