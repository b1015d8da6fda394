"""Rows that are nested in many others, read for all of them at once; `grouping.py` says which."""

from typing import TYPE_CHECKING

from hasura.engine.ir.nodes import TRUE, ArrayOutput, ColumnExpression, Rows, Selection
from hasura.engine.sql import Sql, concat, ident, join, parenthesized, sql
from hasura.engine.translate.boolexp import Scope, condition, source
from hasura.engine.translate.fragments import ROW_NUMBER, RowReference, operand, used_columns, whole_row
from hasura.engine.translate.grouping import has_groups, is_limited
from hasura.engine.translate.joins import Found, Joins, is_among

if TYPE_CHECKING:
    from hasura.engine.translate.selects import SelectTranslator

GROUPED = "automio rows"


class GroupTranslator:
    """Translates the groups of one statement."""

    def __init__(self, selects: "SelectTranslator") -> None:
        self._selects = selects

    def select(self, output: ArrayOutput, parents: Joins) -> Sql:
        """`select key, json_agg(...) as rows ... group by key`: rows nested in those of `parents`."""
        rows, selection = output.rows, output.selection
        assert parents.parents is not None
        name = self._selects.aliases.name()
        if output is not parents.shared and not is_limited(rows) and not has_groups(selection, rows.table):
            row = self._selects.row(rows)
            joins = Joins()
            scope = Scope(self._selects.aliases, row)
            joins.add_object(self._selects.outputs(scope, selection, joins), name)
            order = join(", ", self._complete_order(scope, rows, joins))
            origin = concat(
                sql(" from "),
                source(rows, None, row.alias),
                joins.text(),
                sql(" where "),
                self._belongs(scope, rows, parents.parents),
            )
            return concat(
                sql("select "), self._grouped(rows, selection, row, name, order), origin, _by_key(rows, row)
            )
        row = self._selects.aliases.row(rows.table, is_typed=False)
        joins = Joins(self._selects.aliases.name(), row)
        joins.add_object(self._selects.outputs(Scope(self._selects.aliases, row), selection, joins), name)
        grouped = self._grouped(rows, selection, row, name, ident(row.alias, ROW_NUMBER))
        if output is parents.shared:
            parents.found = self._found(rows, used_columns(row))
            base = self._limited_group(rows, ident(parents.found.name), parents.parents)
        else:
            base = self._numbered_group(rows, used_columns(row), parents.parents)
            if is_limited(rows):
                base = self._limited_group(rows, parenthesized(base), None)
        return concat(self._selects.from_numbered(joins, base, grouped, row), _by_key(rows, row))

    def _grouped(self, rows: Rows, selection: Selection, row: RowReference, name: str, order: Sql) -> Sql:
        keys = [
            concat(row.column(there), sql(" as "), ident(group_key(number)))
            for number, (_, there) in enumerate(rows.join)
        ]
        array = concat(sql("json_agg("), self._selects.row_value(name, selection), sql(" order by "), order, sql(")"))
        return join(", ", [*keys, concat(array, sql(" as "), ident(GROUPED))])

    def _found(self, rows: Rows, columns: list[str]) -> Found:
        """Rows found before those that they are nested in."""
        local, remote = zip(*rows.join, strict=True)
        return Found(self._selects.aliases.name(), self._numbered_group(rows, columns, None), local, remote)

    def _numbered_group(self, rows: Rows, columns: list[str], parents: str | None) -> Sql:
        """The rows, numbered within each key, that belong to those of `parents` or to any."""
        row = self._selects.row(rows)
        scope = Scope(self._selects.aliases, row)
        joins = Joins()
        order = self._complete_order(scope, rows, joins)
        where = self._belongs(scope, rows, parents) if parents is not None else condition(scope, rows.where)
        return concat(
            sql("select "),
            join("", [row.column(column) + sql(", ") for column in columns]),
            sql("row_number() over (partition by "),
            join(", ", [row.column(there) for _, there in rows.join]),
            sql(" order by "),
            join(", ", order),
            sql(") as "),
            ident(ROW_NUMBER),
            sql(" from "),
            source(rows, None, row.alias),
            joins.text(),
            sql(" where "),
            where,
        )

    def _limited_group(self, rows: Rows, numbered: Sql, parents: str | None) -> Sql:
        """Of numbered rows those that the limits leave, and that belong to `parents` where they may belong to any."""
        row = self._selects.aliases.row(rows.table, is_typed=False)
        number, size = ident(row.alias, ROW_NUMBER), self._selects.size(rows, rows.permission_limit)
        conditions: list[Sql] = []
        if rows.offset is not None:
            conditions.append(concat(number, sql(" > "), operand(rows.offset)))
            # Not their sum, which may be too large for a number.
            number = concat(number, sql(" - "), operand(rows.offset))
        if size is not None:
            conditions.append(concat(number, sql(" <= "), size))
        if parents is not None:
            conditions.append(_is_nested(row, rows, parents))
        return concat(
            sql("select "),
            whole_row(row.alias),
            sql(" from "),
            numbered,
            sql(" as "),
            ident(row.alias),
            sql(" where "),
            join(" and ", conditions),
        )

    @staticmethod
    def _belongs(scope: Scope, rows: Rows, parents: str) -> Sql:
        """Whether a row is nested in one of `parents`."""
        keys = _is_nested(scope.row, rows, parents)
        return keys if rows.where == TRUE else concat(keys, sql(" and "), condition(scope, rows.where))

    def _complete_order(self, scope: Scope, rows: Rows, joins: Joins) -> list[Sql]:
        """What rows of one key are ordered by, last their place where nothing else tells them apart."""
        keys = self._selects.order_keys(scope, rows.order_by, joins)
        known = {there for _, there in rows.join}
        for item in rows.order_by:
            if isinstance(item.expression, ColumnExpression) and not item.expression.column.column.is_nullable:
                known.add(item.expression.column.name)
        return keys if rows.table.table.has_at_most_one(known) else [*keys, ident(scope.row.alias, "ctid")]


def group_key(number: int) -> str:
    """The name of a group's key column."""
    return f"automio key {number}"


def local_keys(rows: Rows) -> list[tuple[int, str]]:
    """The columns, numbered, of the row that the rows are nested in."""
    return [(number, local) for number, (local, _) in enumerate(rows.join)]


def _is_nested(row: RowReference, rows: Rows, parents: str) -> Sql:
    local, remote = zip(*rows.join, strict=True)
    return is_among(row, remote, parents, local)


def _by_key(rows: Rows, row: RowReference) -> Sql:
    return concat(sql(" group by "), join(", ", [row.column(there) for _, there in rows.join]))
