"""Tells what a role may read and write through the old data API, and binds conditions by it."""

from dataclasses import replace

from hasura.engine.errors import NotSupported, PermissionDenied
from hasura.engine.exact_json import JsonObject
from hasura.engine.ir.nodes import (
    TRUE,
    And,
    BoolExp,
    CallExists,
    CallExpression,
    CastExpression,
    ColumnExpression,
    Comparison,
    Expression,
    Not,
    Or,
    RelatedColumnExpression,
    RelatedExists,
    Rooted,
    ShownExpression,
    TableExists,
    conjunction,
)
from hasura.engine.ir.permission import resolve_boolean_expression
from hasura.engine.schema.permissions import Filter, SelectAccess, WriteAccess, table_access
from hasura.engine.schema_cache import ColumnInfo, SchemaCache, TableInfo
from hasura.engine.session import Session


class DataAccess:
    """Holds one role's access on one snapshot."""

    def __init__(self, cache: SchemaCache, session: Session) -> None:
        self._cache = cache
        self._session = session

    def _select(self, table: TableInfo) -> SelectAccess | None:
        return table_access(self._cache, self._session.role, table).select

    def require_select(self, table: TableInfo) -> SelectAccess:
        """Returns the role's access to the table; raises PermissionDenied when it may read nothing there."""
        access = self._select(table)
        if access is None:
            raise self._refusal("select", table)
        return access

    def _refusal(self, operation: str, table: TableInfo) -> PermissionDenied:
        return PermissionDenied(f'{operation} on "{table.name}" for role "{self._session.role}" is not allowed. ')

    def _write(self, operation: str, table: TableInfo) -> WriteAccess:
        access: WriteAccess | None = getattr(table_access(self._cache, self._session.role, table), operation)
        if access is None or (access.backend_only and not self._session.use_backend_only):
            raise self._refusal(operation, table)
        return access

    def insert(self, table: TableInfo) -> WriteAccess:
        if not table.table.is_insertable:
            raise self._refusal("insert", table)
        return self._write("insert", table)

    def update(self, table: TableInfo) -> WriteAccess:
        return self._write("update", table)

    def delete(self, table: TableInfo) -> WriteAccess:
        return self._write("delete", table)

    def readable_columns(self, table: TableInfo) -> tuple[str, ...]:
        """Returns the columns that the role may read, in the table's order."""
        readable = self.require_select(table).columns
        return tuple(column.name for column in table.columns if column.name in readable)

    def may_read_computed(self, table: TableInfo, name: str) -> bool:
        return name in self.require_select(table).computed_fields

    def column_condition(self, table: TableInfo, name: str) -> BoolExp | None:
        """Returns in which rows the column is shown; None: in all."""
        filters = self.require_select(table).columns.get(name, ())
        return self._any(table, filters) if filters else None

    def shown_column(self, table: TableInfo, column: ColumnInfo) -> Expression:
        """Returns the column, NULL in rows in which the role may not see it."""
        condition = self.column_condition(table, column.name)
        expression = ColumnExpression(column)
        return expression if condition is None else ShownExpression(expression, condition)

    def limit(self, table: TableInfo) -> int | None:
        return self.require_select(table).limit

    def select_filter(self, table: TableInfo) -> BoolExp:
        """Returns the condition of the rows that the role may read."""
        return self._any(table, self.require_select(table).filters)

    def _any(self, table: TableInfo, filters: tuple[Filter, ...]) -> BoolExp:
        items = tuple(self.resolved(table, item) for item in filters)
        if any(item == TRUE for item in items) or any(not item for item in filters):
            return TRUE
        return items[0] if len(items) == 1 else Or(items)

    def resolved(self, table: TableInfo, expression: Filter | None) -> BoolExp:
        """Returns a filter or check of a permission, resolved."""
        if not expression:
            return TRUE
        return resolve_boolean_expression(self._cache.tables, table, expression)

    def condition(self, table: TableInfo, where: JsonObject) -> BoolExp:
        """Returns a caller's condition: on readable columns and on readable rows of other tables only."""
        if not where:
            return TRUE
        return self._bound(table, table, resolve_boolean_expression(self._cache.tables, table, where))

    def _bound(self, table: TableInfo, root: TableInfo, exp: BoolExp) -> BoolExp:
        if self._session.has_admin_role():
            return exp
        if isinstance(exp, And | Or):
            return replace(exp, items=tuple(self._bound(table, root, item) for item in exp.items))
        if isinstance(exp, Not | Rooted):
            return replace(exp, item=self._bound(table, root, exp.item))
        if isinstance(exp, RelatedExists | TableExists | CallExists):
            inner = self._bound(exp.table, root, exp.condition)
            return replace(exp, condition=conjunction(self.select_filter(exp.table), inner))
        assert isinstance(exp, Comparison)
        for side in (exp.left, exp.right):
            if isinstance(side, ColumnExpression | RelatedColumnExpression | CallExpression | CastExpression):
                self._require_readable(table, root, side)
        return exp

    def _require_readable(self, table: TableInfo, root: TableInfo, expression: Expression) -> None:
        if isinstance(expression, CastExpression):
            self._require_readable(table, root, expression.inner)
        elif isinstance(expression, ColumnExpression):
            owner = root if expression.is_root else table
            conditions = self.require_select(owner).columns.get(expression.column.name)
            if conditions is None:
                raise PermissionDenied(
                    f'role "{self._session.role}" does not have permission to select column '
                    f'"{expression.column.name}"'
                )
            if conditions:
                raise NotSupported(
                    f'role "{self._session.role}" may read column "{expression.column.name}" in some rows only'
                )
        else:
            raise NotSupported("only columns can be compared in conditions of roles")
