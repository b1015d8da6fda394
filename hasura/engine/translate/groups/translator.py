"""Translates rows that are nested in many others and read for all of them at once (`grouping` says which)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hasura.engine.ir.nodes import AggregateOutput, ArrayOutput, ColumnExpression, ObjectOutput, Rows, Selection
from hasura.engine.sql.composition import Sql, concat, ident, join, parenthesized, sql
from hasura.engine.translate.boolexp import Scope, source
from hasura.engine.translate.filter_joins import FilterJoin, filter_joins, restrict
from hasura.engine.translate.fragments import ROW_NUMBER, RowReference, operand, used_columns, whole_row
from hasura.engine.translate.groups.grouping import group_search, is_limited
from hasura.engine.translate.groups.joined import has_groups, rows_nested
from hasura.engine.translate.groups.searches import GroupSearchTranslator
from hasura.engine.translate.joins import MAX_JOINS, FoundRows, Joins, Parents, is_among, relations_in, relations_of

if TYPE_CHECKING:
    from hasura.engine.translate.aggregates import AggregateTranslator
    from hasura.engine.translate.selects import SelectTranslator

GROUPED = "automio rows"


class GroupTranslator:
    """Translates the groups of one statement."""

    def __init__(self, selects: "SelectTranslator", aggregates: "AggregateTranslator") -> None:
        self._selects = selects
        self._aggregates = aggregates
        self._searches = GroupSearchTranslator(selects, self)

    def select(self, output: ArrayOutput, around: Joins, parents: Parents) -> Sql:
        """Returns `select key, json_agg(...) as rows ... group by key`: nested rows, joined to `around`."""
        rows, selection = output.rows, output.selection
        name, count = self._selects.aliases.name(), rows_nested(rows, parents)
        has_own = has_groups(selection, rows.table, count)
        is_flat = not is_limited(rows) and not has_own and not _is_crowded(rows, selection)
        if output is not around.shared and is_flat:
            row = self._selects.row(rows)
            joins = Joins()
            scope = Scope(self._selects.aliases, row)
            shared = filter_joins(self._selects.aliases, rows.where, [selection], joins)
            joins.known.update(_shown(shared))
            where = self._conditions(scope, rows, shared, joins, parents.name)
            joins.add_object(self._selects.outputs(scope, selection, joins), name)
            order = join(", ", self._complete_order(scope, rows, joins))
            origin = concat(sql(" from "), source(rows, None, row.alias), joins.text(), where)
            return concat(
                sql("select "), self._grouped(rows, selection, row, name, order), origin, _by_key(rows, row)
            )
        row = self._selects.aliases.row(rows.table, is_typed=False)
        is_shared, below = output is around.shared, Joins(others=_relations_below(rows))
        search = None if is_shared else group_search(rows, parents.table, parents.max_rows)
        shared = filter_joins(self._selects.aliases, rows.where, [selection], below, row) if search is None else ()
        joins = Joins(self._selects.aliases.name(), row, count=count, known=_shown(shared))
        joins.add_object(self._selects.outputs(Scope(self._selects.aliases, row), selection, joins), name)
        grouped = self._grouped(rows, selection, row, name, ident(row.alias, ROW_NUMBER))
        if search is not None:
            base = self._searches.select(rows, row, parents.name, search)
            return concat(self._selects.from_numbered(joins, base, grouped, row), _by_key(rows, row))
        numbered = self._numbered_group(rows, row, shared, below, None if is_shared else parents.name)
        if is_shared:
            base = self._found_group(rows, numbered, around, parents)
        else:
            base = self._limited_group(rows, parenthesized(numbered), None) if is_limited(rows) else numbered
        return concat(self._selects.from_numbered(joins, base, grouped, row), _by_key(rows, row))

    def numbered(self, rows: Rows, above: RowReference, parents: str) -> Sql:
        """Returns what the select `above` reads of the rows nested in `parents`, numbered within each key."""
        return self._numbered_group(rows, above, (), Joins(), parents)

    def limited(self, rows: Rows, numbered: Sql) -> Sql:
        """Returns those of the numbered rows that the limits leave."""
        return self._limited_group(rows, parenthesized(numbered), None)

    def aggregate(self, output: AggregateOutput, parents: Parents, group: str) -> tuple[Sql, Sql]:
        """Returns `select key, count(...) as c0 ... group by key`, and the JSON object of it, joined as `group`."""
        rows, has_nodes = output.rows, output.aggregate.has_nodes()
        row = self._selects.aliases.row(rows.table, is_typed=False) if has_nodes else self._selects.row(rows)
        scope = Scope(self._selects.aliases, row)
        if not has_nodes:
            inner, value = self._aggregates.grouped(scope, output.aggregate, group, Joins())
            where = self._conditions(scope, rows, (), Joins(), parents.name)
            origin = concat(sql(" from "), source(rows, None, row.alias), where)
            query = concat(sql("select "), join(", ", [*self._keys(rows, row), *inner]), origin)
            return concat(query, _by_key(rows, row)), value
        joins = Joins(self._selects.aliases.name(), row, count=rows_nested(rows, parents))
        inner, value = self._aggregates.grouped(scope, output.aggregate, group, joins)
        columns = join(", ", [*self._keys(rows, row), *inner])
        below = Joins(others=_relations_below(rows))
        numbered = self._numbered_group(rows, row, (), below, parents.name)
        return concat(self._selects.from_numbered(joins, numbered, columns, row), _by_key(rows, row)), value

    @staticmethod
    def _keys(rows: Rows, row: RowReference) -> list[Sql]:
        """Returns the columns that tell a group from others, under names of their own."""
        return [
            concat(row.column(there), sql(" as "), ident(group_key(number)))
            for number, (_, there) in enumerate(rows.join)
        ]

    def _grouped(self, rows: Rows, selection: Selection, row: RowReference, name: str, order: Sql) -> Sql:
        array = concat(sql("json_agg("), self._selects.row_value(name, selection), sql(" order by "), order, sql(")"))
        return join(", ", [*self._keys(rows, row), concat(array, sql(" as "), ident(GROUPED))])

    def _found_group(self, rows: Rows, numbered: Sql, around: Joins, parents: Parents) -> Sql:
        """Returns those numbered rows, found before their parents, that belong to the parents."""
        # PostgreSQL stops numbering at the limit. One row of a key shows that there are some: none may be skipped.
        limits = [limit for limit in (rows.limit, rows.permission_limit) if limit is not None]
        is_shown_first = all(isinstance(limit, int) and limit > 0 for limit in limits)
        is_limited_first = bool(limits) and rows.offset is None and is_shown_first
        local, remote = zip(*rows.join, strict=True)
        query = self._limited_group(rows, parenthesized(numbered), None) if is_limited_first else numbered
        around.found_rows = FoundRows(self._selects.aliases.name(), query, local, remote)
        return self._limited_group(
            rows, ident(around.found_rows.name), parents.name, is_limited_already=is_limited_first
        )

    def _numbered_group(
        self, rows: Rows, above: RowReference, shared: Sequence[FilterJoin], joins: Joins, parents: str | None
    ) -> Sql:
        """Returns the rows, numbered within each key, that belong to those of `parents` or to any.

        Of them, and of those that are joined to them, what is read in the select `above`.
        """
        row = self._selects.row(rows)
        scope = Scope(self._selects.aliases, row)
        where = self._conditions(scope, rows, shared, joins, parents)
        order = self._complete_order(scope, rows, joins)
        shown = [row.column(column) for column in used_columns(above)]
        shown += [column for each in shared for column in each.columns()]
        return concat(
            sql("select "),
            join("", [column + sql(", ") for column in shown]),
            sql("row_number() over (partition by "),
            join(", ", [row.column(there) for _, there in rows.join]),
            sql(" order by "),
            join(", ", order),
            sql(") as "),
            ident(ROW_NUMBER),
            sql(" from "),
            source(rows, None, row.alias),
            joins.text(),
            where,
        )

    def _limited_group(
        self, rows: Rows, numbered: Sql, parents: str | None, *, is_limited_already: bool = False
    ) -> Sql:
        """Returns those numbered rows that the limits leave and that belong to `parents`, if given."""
        row = self._selects.aliases.row(rows.table, is_typed=False)
        number, size = ident(row.alias, ROW_NUMBER), self._selects.size(rows, rows.permission_limit)
        conditions: list[Sql] = []
        if rows.offset is not None:
            conditions.append(concat(number, sql(" > "), operand(rows.offset)))
            # Not their sum, which may overflow.
            number = concat(number, sql(" - "), operand(rows.offset))
        if size is not None and not is_limited_already:
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
    def _conditions(scope: Scope, rows: Rows, shared: Sequence[FilterJoin], joins: Joins, parents: str | None) -> Sql:
        """Returns ` where ...` of rows that pass the filter and are nested in one of `parents`, or in any."""
        keys = [_is_nested(scope.row, rows, parents)] if parents is not None else []
        conditions = [*keys, *restrict(scope, rows.where, shared, joins)]
        return sql(" where ") + join(" and ", conditions) if conditions else sql("")

    def _complete_order(self, scope: Scope, rows: Rows, joins: Joins) -> list[Sql]:
        """Returns what rows of one key are ordered by, last their place where nothing else differs."""
        keys = self._selects.order_keys(scope, rows.order_by, joins)
        known = {there for _, there in rows.join}
        for item in rows.order_by:
            if isinstance(item.expression, ColumnExpression) and not item.expression.column.column.is_nullable:
                known.add(item.expression.column.name)
        return keys if rows.table.table.has_at_most_one(known) else [*keys, ident(scope.row.alias, "ctid")]


def group_key(number: int) -> str:
    """Returns the name of a group's key column."""
    return f"automio key {number}"


def local_keys(rows: Rows) -> list[tuple[int, str]]:
    """Returns the columns, numbered, of the row that the rows are nested in."""
    return [(number, local) for number, (local, _) in enumerate(rows.join)]


def _relations_below(rows: Rows) -> int:
    """Returns how many relations the rows' filter and the rows that they belong to add."""
    return 1 + relations_in(rows.where)


def _is_crowded(rows: Rows, selection: Selection) -> bool:
    """Returns whether the rows must be found in a select of their own, before others are joined to them."""
    return _relations_below(rows) + relations_of(selection) > MAX_JOINS


def _shown(joins: Sequence[FilterJoin]) -> dict[ObjectOutput, RowReference]:
    return {output: row for each in joins for output, row in each.shown()}


def _is_nested(row: RowReference, rows: Rows, parents: str) -> Sql:
    local, remote = zip(*rows.join, strict=True)
    return is_among(row, remote, parents, local)


def _by_key(rows: Rows, row: RowReference) -> Sql:
    return concat(sql(" group by "), join(", ", [row.column(there) for _, there in rows.join]))
