"""Translates queries: rows as JSON; nested objects as joins, nested arrays grouped by key, or as subqueries.

`json_agg` and `row_to_json` of a subselect are the fastest way PostgreSQL makes JSON; the subselect's column names
are the response keys. Objects with keys longer than an identifier may be are put together in `objects`.
"""

from dataclasses import replace

from hasura.engine.catalog.types import PgType, TypeKind
from hasura.engine.ir.documents.scalars import encode_array
from hasura.engine.ir.nodes import (
    TRUE,
    AggregateExpression,
    AggregateOutput,
    ArrayOutput,
    BoolExp,
    CallOutput,
    ColumnExpression,
    ColumnOutput,
    ConstantOutput,
    Expression,
    NamedRows,
    ObjectOutput,
    OrderItem,
    OrderThrough,
    Output,
    Rows,
    Select,
    SelectAggregate,
    Selection,
    SelectMany,
    Stream,
)
from hasura.engine.ir.parameters import Constant
from hasura.engine.schema.inputs.filters import TEXT
from hasura.engine.schema.scalars import is_wide_number
from hasura.engine.schema_cache import SchemaOptions
from hasura.engine.sql.composition import (
    Sql,
    concat,
    ident,
    join,
    param,
    parenthesized,
    small_int,
    sql,
    string_constant,
)
from hasura.engine.translate.aggregates import AggregateTranslator
from hasura.engine.translate.alternatives import Alternatives, AlternativesTranslator, alternatives
from hasura.engine.translate.boolexp import (
    Scope,
    aggregates_in,
    condition,
    expression,
    join_condition,
    restriction,
    shown_if,
    source,
)
from hasura.engine.translate.fragments import (
    EMPTY_ARRAY,
    ROW_NUMBER,
    Aliases,
    RowReference,
    call,
    materialized,
    operand,
    table_name,
    used_columns,
    whole_row,
)
from hasura.engine.translate.groups.grouping import is_grouped, is_single, max_rows_of, shared
from hasura.engine.translate.groups.joined import (
    has_groups,
    is_grouped_below,
    keys_of,
    parents_of,
    rows_read,
)
from hasura.engine.translate.groups.translator import GROUPED, GroupTranslator, group_key, local_keys
from hasura.engine.translate.groups.whole_tables import (
    FilterGroups,
    group_joins_of,
    grouped,
    grouped_value,
    is_whole_table,
    on_keys,
)
from hasura.engine.translate.joins import (
    FoundRows,
    Joins,
    Parents,
    has_joins,
    is_among,
    is_joined,
    order_joins_of,
    relations_in,
)
from hasura.engine.translate.objects import built_object, has_long_key, object_of_row, select_list
from hasura.engine.translate.searches import SearchTranslator, rows_to_try

_EMPTY_OBJECT = sql("'{}'::json")


class SelectTranslator:
    """Translates the reading parts of one statement."""

    def __init__(self, options: SchemaOptions, aliases: Aliases | None = None) -> None:
        self._options = options
        self.aliases = aliases or Aliases()
        self._aggregates = AggregateTranslator(self)
        self._groups = GroupTranslator(self, self._aggregates)
        self._searches = SearchTranslator(self)
        self._alternatives = AlternativesTranslator(self)

    def statement(self, select: Select) -> Sql:
        """Returns a statement that gives the root field's JSON."""
        if isinstance(select, SelectAggregate):
            return self._aggregates.select(select.rows, select.aggregate, None)
        if isinstance(select, SelectMany):
            return self.array(select.rows, select.selection, None)
        return concat(sql("select "), self.object(select.rows, select.selection, None))

    def stream(self, stream: Stream) -> Sql:
        """Returns a statement that gives the next rows and the last value of the cursor among them."""
        row = self.aliases.row(stream.rows.table)
        scope = Scope(self.aliases, row)
        base = self.aliases.row(stream.rows.table, is_typed=False)
        column = expression(scope, stream.column)
        after = operand(stream.after)
        beyond = concat(column, sql(" < ") if stream.is_descending else sql(" > "), after)
        # Nothing comes after a row without a value: it would hold up the stream. For a composite value `is not null`
        # would check all parts.
        present = concat(column, sql(" is distinct from null and ")) if _may_be_null(stream.column) else sql("")
        where = restriction(scope, stream.rows, None)
        name = self.aliases.name()
        last = expression(Scope(self.aliases, base), stream.column)
        return concat(
            sql("select coalesce(json_agg((select "),
            self.to_json(name, stream.selection),
            sql(" from (select "),
            self.outputs(Scope(self.aliases, base), stream.selection),
            sql(") as "),
            ident(name),
            sql(")), "),
            EMPTY_ARRAY,
            # As text, for an array of arrays has more than one dimension.
            sql("), (array_agg(("),
            last,
            sql(")::text))[count(*)::int] from (select "),
            ident(row.alias),
            sql(".* from "),
            source(stream.rows, None, row.alias),
            where + sql(" and ") if where else sql(" where "),
            concat(present, sql("("), after, sql(" is null or "), beyond, sql(")")),
            concat(sql(" order by "), column, sql(" desc") if stream.is_descending else sql(" asc")),
            self._batch(stream.rows),
            sql(") as "),
            ident(base.alias),
        )

    # --- objects and arrays --------------------------------------------------------------------------------------

    def array(self, rows: Rows, selection: Selection, here: RowReference | None, *, is_once: bool = False) -> Sql:
        """Returns `select` of one JSON array; `is_once`: the row `here` is the only one."""
        name = self.aliases.name()
        return concat(
            sql("select coalesce(json_agg("),
            self.row_value(name, selection),
            sql("), "),
            EMPTY_ARRAY,
            sql(") from ("),
            self._rows(rows, selection, here, is_once=is_once or here is None),
            sql(") as "),
            ident(name),
        )

    def object(self, rows: Rows, selection: Selection, here: RowReference | None, *, is_once: bool = False) -> Sql:
        """Returns a subquery of one JSON object or NULL; `is_once`: the row `here` is the only one."""
        name = self.aliases.name()
        joins = Joins(is_single=is_once or here is None)
        return concat(
            sql("(select "),
            self.to_json(name, selection),
            sql(" from ("),
            self._joined_rows(rows, selection, here, sql(" limit 1"), joins),
            sql(") as "),
            ident(name),
            sql(")"),
        )

    def _rows(self, rows: Rows, selection: Selection, here: RowReference | None, *, is_once: bool) -> Sql:
        """Returns `select outputs from rows`."""
        is_one, max_rows, count = is_single(rows), max_rows_of(rows), rows_read(rows)
        can_group = is_once and not is_one and has_groups(selection, rows.table, count, max_rows)
        if can_group or has_joins(selection) or _is_searched(rows, here):
            row = self.aliases.row(rows.table, is_typed=False)
            if not can_group:
                joins = Joins(row=row, is_single=is_once and is_one)
                if not has_joins(selection) and here is None and (keys := alternatives(rows, rows.permission_limit)):
                    return self._alternative_rows(rows, selection, row, joins, keys)
                return self._numbered_rows(rows, selection, here, row, joins, rows.where)
            output, rest = shared(rows, selection) or (None, rows.where)
            joins = Joins(self.aliases.name(), row, max_rows=max_rows, count=count, shared=output)
            return self._numbered_rows(rows, selection, here, row, joins, rest)
        joins = Joins(is_single=is_once and is_one)
        return self._joined_rows(rows, selection, here, self.limit(rows, rows.permission_limit), joins)

    def _joined_rows(
        self, rows: Rows, selection: Selection, here: RowReference | None, limit: Sql, joins: Joins
    ) -> Sql:
        """Returns `select outputs from rows left join ...`: all in one select."""
        row = self.row(rows)
        scope = Scope(self.aliases, row)
        joins.is_whole = here is None and is_whole_table(rows)
        self._group_filter(scope, rows, joins)
        outputs = self.outputs(scope, selection, joins)
        order = self.order(scope, rows.order_by, joins)
        return concat(
            sql("select "),
            _distinct(scope, rows),
            outputs,
            sql(" from "),
            source(rows, here, row.alias),
            joins.text(),
            restriction(scope, rows, here),
            order,
            limit,
        )

    def _numbered_rows(
        self,
        rows: Rows,
        selection: Selection,
        here: RowReference | None,
        row: RowReference,
        joins: Joins,
        rest: BoolExp,
    ) -> Sql:
        """Returns `select outputs from (rows, numbered) left join ... order by number`.

        What is joined is read only for the rows that a limit leaves, and whatever join PostgreSQL chooses, the rows
        keep the order in which they were read. Rows that others are nested in are read once, for both; `rest` is what
        their filter still has to check beyond that.
        """
        outputs = self.outputs(Scope(self.aliases, row), selection, joins)
        columns = used_columns(row) if joins.has_groups else None
        found_rows = joins.found_rows
        if found_rows is not None:
            rows = replace(rows, where=rest)
        read, limit = used_columns(row), rows.permission_limit
        base = self.base(rows, here, read, is_numbered=True, limit=limit, columns=columns, found_rows=found_rows)
        order = concat(sql(" order by "), ident(row.alias, ROW_NUMBER))
        return concat(self.from_numbered(joins, base, outputs, row), order)

    def _alternative_rows(
        self, rows: Rows, selection: Selection, row: RowReference, joins: Joins, keys: Alternatives
    ) -> Sql:
        """Returns `select outputs from (rows)`: with nothing joined they keep their order without numbers."""
        outputs = self.outputs(Scope(self.aliases, row), selection, joins)
        base = self._alternatives.select(rows, rows.permission_limit, used_columns(row), keys)
        return concat(sql("select "), outputs, sql(" from "), parenthesized(base), sql(" as "), ident(row.alias))

    def from_numbered(self, joins: Joins, base: Sql, outputs: Sql, row: RowReference) -> Sql:
        """Returns `select outputs from (base) left join ...`; the base is named where groups refer to it."""
        if joins.has_groups:
            assert joins.parents is not None
            named = (
                [materialized(joins.found_rows.name, joins.found_rows.query)] if joins.found_rows is not None else []
            )
            named.append(materialized(joins.parents, base))
            named += [
                materialized(each.keys, keys_of(joins, each, self.aliases))
                for each in joins.joined
                if each.keys is not None
            ]
            select = concat(sql("with "), join(", ", named), sql(" select "))
            origin = ident(joins.parents)
        else:
            select = sql("select ")
            origin = parenthesized(base)
        return concat(select, outputs, sql(" from "), origin, sql(" as "), ident(row.alias), joins.text())

    def row(self, rows: Rows) -> RowReference:
        return self.aliases.row(rows.table, is_typed=not isinstance(rows.source, NamedRows))

    def order(self, scope: Scope, items: tuple[OrderItem, ...], joins: Joins) -> Sql:
        keys = self.order_keys(scope, items, joins)
        return sql(" order by ") + join(", ", keys) if keys else sql("")

    def order_keys(self, scope: Scope, items: tuple[OrderItem, ...], joins: Joins) -> list[Sql]:
        return [concat(self._order_value(scope, item.expression, joins), _direction(item)) for item in items]

    @staticmethod
    def _order_value(scope: Scope, exp: Expression, joins: Joins) -> Sql:
        """Returns what an ordering goes by: what joins lead to, or an expression of the row."""
        groups = group_joins_of(exp, scope.row.table) if joins.is_whole else 0
        if groups and joins.reserve(groups):
            return SelectTranslator._grouped_value(scope, exp, joins)
        needed = order_joins_of(exp)
        if not needed or not joins.reserve(needed):
            return expression(scope, exp)
        while isinstance(exp, OrderThrough):
            scope, exp = SelectTranslator._joined_row(scope, exp.rows, joins), exp.inner
        return expression(scope, exp)

    @staticmethod
    def _grouped_value(scope: Scope, exp: Expression, joins: Joins) -> Sql:
        """Returns an aggregate of what is nested in the row, or in a joined one, computed once for all rows."""
        through: Sql | None = None
        while isinstance(exp, OrderThrough):
            scope = SelectTranslator._joined_row(scope, exp.rows, joins)
            through, exp = scope.row.column(exp.rows.join[0][1]), exp.inner
        assert isinstance(exp, AggregateExpression)
        name = scope.aliases.name()
        joins.add_table(parenthesized(grouped(scope, exp)), name, on_keys(scope.row, exp, name))
        return grouped_value(exp, name, through)

    @staticmethod
    def _group_filter(scope: Scope, rows: Rows, joins: Joins) -> None:
        """Computes the aggregates that a whole table is filtered by for all rows at once."""
        groups = FilterGroups(rows) if joins.is_whole and rows.where != TRUE else None
        if not groups:
            return
        scope.group_join = groups.join
        for exp in aggregates_in(rows.where):
            if exp in groups and joins.reserve(1):
                scope.grouped[exp] = SelectTranslator._grouped_value(scope, exp, joins)

    @staticmethod
    def _joined_row(scope: Scope, rows: Rows, joins: Joins) -> Scope:
        """Returns the scope of the row that a join added here leads to."""
        there = Scope(scope.aliases, scope.aliases.row(rows.table))
        on = join_condition(scope.row, there.row, rows.join)
        if rows.where != TRUE:
            on = concat(on, sql(" and "), condition(there, rows.where))
        joins.add_table(table_name(rows.table.name), there.row.alias, on)
        return there

    @staticmethod
    def _batch(rows: Rows) -> Sql:
        """Returns a batch's size.

        Rows that share the last cursor value come along, or the next batch would miss them.
        """
        size = small_int(rows.limit) if isinstance(rows.limit, int) else None
        if rows.limit is not None and not isinstance(rows.limit, int):
            size = concat(sql("("), operand(rows.limit), sql(")"))
        if size is None:
            return sql("")
        if rows.permission_limit is not None:
            size = concat(sql("(least("), size, sql(", "), small_int(rows.permission_limit), sql("))"))
        return concat(sql(" fetch first "), size, sql(" rows with ties"))

    @classmethod
    def limit(cls, rows: Rows, permission_limit: int | None) -> Sql:
        size = cls.size(rows, permission_limit)
        text = concat(sql(" limit "), size) if size is not None else sql("")
        return text if rows.offset is None else concat(text, sql(" offset "), operand(rows.offset))

    @staticmethod
    def size(rows: Rows, permission_limit: int | None) -> Sql | None:
        """Returns how many rows there are at most."""
        limit = rows.limit
        if limit is None:
            return small_int(permission_limit) if permission_limit is not None else None
        if isinstance(limit, int):
            return small_int(limit if permission_limit is None else min(limit, permission_limit))
        if permission_limit is None:
            return operand(limit)
        return concat(sql("least("), operand(limit), sql(", "), small_int(permission_limit), sql(")"))

    # --- what is read of a row -----------------------------------------------------------------------------------

    def outputs(self, scope: Scope, selection: Selection, joins: Joins | None = None) -> Sql:
        """Returns the select list, each output under its response key; may add to-one relationships to `joins`."""
        if not selection.outputs:
            # Everything was skipped; `distinct on` needs something to select.
            return sql("null as nothing")
        return select_list([(output.alias, self._output(scope, output, joins)) for output in selection.outputs])

    def row_value(self, name: str, selection: Selection) -> Sql:
        """Returns what `json_agg` takes: the row itself, or an object built by key when a key is too long."""
        if not selection.outputs:
            return _EMPTY_OBJECT
        keys = [output.alias for output in selection.outputs]
        return built_object(name, keys) if has_long_key(keys) else whole_row(name)

    def to_json(self, name: str, selection: Selection) -> Sql:
        if not selection.outputs:
            return _EMPTY_OBJECT
        return object_of_row(name, [output.alias for output in selection.outputs])

    def _output(self, scope: Scope, output: Output, joins: Joins | None) -> Sql:
        row = scope.row
        if isinstance(output, ColumnOutput):
            value = _with_path(row.column(output.column.name), output.path)
            shown = value if output.path is not None else self.json_value(value, output.column.type)
            return shown_if(scope, output, shown)
        if isinstance(output, ConstantOutput):
            return concat(string_constant(output.text), sql("::text"))
        if isinstance(output, CallOutput):
            value = _with_path(call(output.call, row), output.path)
            shown = value if output.path is not None else self.json_value(value, output.call.function.return_type)
            return shown_if(scope, output, shown)
        is_once = joins is not None and joins.is_single
        if isinstance(output, ObjectOutput):
            if joins is not None and (known := joins.known.get(output)) is not None:
                joins.add_row(known, row, output.rows)
                return self._known_object(Scope(self.aliases, known), output, joins)
            if joins is None or not is_joined(output) or not joins.reserve(1):
                return self.object(output.rows, output.selection, row, is_once=is_once)
            return self._joined_object(scope, output, joins)
        if isinstance(output, ArrayOutput):
            if joins is None or not _can_group(output, row, joins) or not joins.reserve(1):
                array = self.array(output.rows, output.selection, row, is_once=is_once)
                return concat(sql("("), array, sql(")"))
            name = self.aliases.name()
            parents = self._parents(output, row, joins)
            joins.add_group(self._groups.select(output, joins, parents), name, _on_keys(row, output.rows, name))
            return concat(sql("coalesce("), ident(name, GROUPED), sql(", "), EMPTY_ARRAY, sql(")"))
        assert isinstance(output, AggregateOutput)
        if joins is not None and _can_group(output, row, joins) and joins.reserve(1):
            name = self.aliases.name()
            query, value = self._groups.aggregate(output, self._parents(output, row, joins), name)
            joins.add_group(query, name, _on_keys(row, output.rows, name))
            return value
        return concat(sql("("), self._aggregates.select(output.rows, output.aggregate, row), sql(")"))

    def _parents(self, output: ArrayOutput | AggregateOutput, row: RowReference, joins: Joins) -> Parents:
        """Returns the rows that the output is nested in, of which the row is one."""
        joined = joins.joined_row(row)
        if joined is not None:
            return parents_of(joins, joined, [local for local, _ in output.rows.join], self.aliases)
        assert joins.parents is not None
        return Parents(joins.parents, row.table, joins.count, joins.max_rows)

    def _joined_object(self, scope: Scope, output: ObjectOutput, joins: Joins) -> Sql:
        """Returns an object of the row that a join leads to, NULL when there is none: then it has no key."""
        there = self._joined_row(scope, output.rows, joins)
        joins.add_row(there.row, scope.row, output.rows)
        known = self._known_object(there, output, joins)
        key = there.row.column(output.rows.join[0][1])
        return concat(sql("case when "), key, sql(" is not null then "), known, sql(" end"))

    def _known_object(self, there: Scope, output: ObjectOutput, joins: Joins) -> Sql:
        """Returns an object of a row that is joined already."""
        outputs = self.outputs(there, output.selection, joins)
        name = self.aliases.name()
        joins.add_object(outputs, name)
        return concat(sql("row_to_json("), whole_row(name), sql(")"))

    def json_value(self, value: Sql, pg_type: PgType) -> Sql:
        """Returns the value as JSON shows it: wide numbers as text where the server is set so."""
        base = pg_type.underlying
        if base.name in ("geometry", "geography"):
            return concat(sql("ST_AsGeoJSON("), value, sql(", 15, 4)::json"))
        if not self._options.stringify_numeric_types:
            return value
        if is_wide_number(base):
            return concat(sql("("), value, sql(")::text"))
        if base.kind is TypeKind.ARRAY and base.element is not None and is_wide_number(base.element):
            return concat(sql("("), value, sql(")::text[]"))
        return value

    def base(
        self,
        rows: Rows,
        here: RowReference | None,
        read: list[str],
        *,
        is_numbered: bool,
        limit: int | None = None,
        columns: list[str] | None = None,
        found_rows: FoundRows | None = None,
    ) -> Sql:
        """Returns the rows, all their columns or some, and their number where that is asked for.

        At least those that are `read`. `limit` is the role's, `found_rows` are rows that must be nested in them.
        """
        query = self._plain_base(rows, here, read, limit, found_rows)
        if not is_numbered:
            return query
        name = self.aliases.name()
        shown = [whole_row(name)] if columns is None else [ident(name, column) for column in columns]
        return concat(
            sql("select "),
            join("", [value + sql(", ") for value in shown]),
            sql("row_number() over () as "),
            ident(ROW_NUMBER),
            sql(" from ("),
            query,
            sql(") as "),
            ident(name),
        )

    def _plain_base(
        self, rows: Rows, here: RowReference | None, read: list[str], limit: int | None, found_rows: FoundRows | None
    ) -> Sql:
        """Returns the rows with all their columns, or those that are read."""
        keys = alternatives(rows, limit) if here is None and found_rows is None else None
        if keys is not None:
            return self._alternatives.select(rows, limit, read, keys)
        tries = rows_to_try(rows, limit) if here is None and found_rows is None else None
        if tries is not None:
            return self._searches.select(rows, limit, tries)
        row = self.row(rows)
        scope = Scope(self.aliases, row)
        joins = Joins(others=relations_in(rows.where))
        joins.is_whole = here is None and found_rows is None and is_whole_table(rows)
        self._group_filter(scope, rows, joins)
        order = self.order(scope, rows.order_by, joins)
        where = restriction(scope, rows, here)
        if found_rows is not None:
            where = concat(
                where,
                sql(" and ") if where else sql(" where "),
                is_among(row, found_rows.local, found_rows.name, found_rows.remote),
            )
            order = order or concat(sql(" order by "), ident(row.alias, "ctid"))
        return concat(
            sql("select "),
            _distinct(scope, rows),
            ident(row.alias),
            sql(".* from "),
            source(rows, here, row.alias),
            joins.text(),
            where,
            order,
            self.limit(rows, limit),
        )


def _is_searched(rows: Rows, here: RowReference | None) -> bool:
    limit = rows.permission_limit
    return here is None and (alternatives(rows, limit) is not None or rows_to_try(rows, limit) is not None)


def _on_keys(row: RowReference, rows: Rows, group: str) -> Sql:
    """Returns the condition that a group is that of the rows nested in the row."""
    return join(
        " and ",
        [concat(ident(group, group_key(n)), sql(" = "), row.column(local)) for n, local in local_keys(rows)],
    )


def _can_group(output: ArrayOutput | AggregateOutput, row: RowReference, joins: Joins) -> bool:
    if joins.parents is None:
        return False
    if row is joins.row:
        return is_grouped(output, row.table, joins.max_rows)
    joined = joins.joined_row(row)
    return joined is not None and is_grouped_below(output, joined.rows, joined.here.table, joins.count)


def _distinct(scope: Scope, rows: Rows) -> Sql:
    if not rows.distinct_on:
        return sql("")
    values = [expression(scope, value) for value in rows.distinct_on]
    return concat(sql("distinct on ("), join(", ", values), sql(") "))


def _direction(item: OrderItem) -> Sql:
    words = sql(" desc") if item.direction.is_descending else sql(" asc")
    return words + (sql(" nulls first") if item.direction.nulls_first else sql(" nulls last"))


def _may_be_null(exp: Expression) -> bool:
    return not isinstance(exp, ColumnExpression) or exp.column.column.is_nullable


def _with_path(value: Sql, path: tuple[str, ...] | None) -> Sql:
    if not path:
        return value
    steps = param(Constant(encode_array(list(path), TEXT, ())))
    return concat(sql("("), value, sql(" #> ("), steps, sql("::text)::text[])"))
