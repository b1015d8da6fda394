"""Queries: rows as JSON; nested objects as joins, nested arrays grouped by key, or as subqueries of the row.

`json_agg` and `row_to_json` of a subselect are the fastest way PostgreSQL makes JSON; the subselect's column names
are the response keys. Only keys longer than an identifier may be need `json_build_object`.
"""

from collections.abc import Callable
from dataclasses import replace

from hasura.engine.catalog.types import PgType, TypeKind
from hasura.engine.ir.nodes import (
    TRUE,
    AggregateItems,
    AggregateOutput,
    AggregateSelection,
    ArrayOutput,
    BoolExp,
    CallOutput,
    ColumnExpression,
    ColumnOutput,
    ConstantOutput,
    CountItem,
    Expression,
    NamedRows,
    NodesItem,
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
from hasura.engine.ir.scalars import encode_array
from hasura.engine.schema.filters import TEXT
from hasura.engine.schema.scalars import is_wide_number
from hasura.engine.schema_cache import SchemaOptions
from hasura.engine.sql import (
    MAX_IDENTIFIER_BYTES,
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
from hasura.engine.translate.boolexp import (
    Scope,
    aggregate_call,
    condition,
    expression,
    join_condition,
    restriction,
    source,
)
from hasura.engine.translate.fragments import Aliases, RowReference, call, operand, table_name, whole_row
from hasura.engine.translate.grouping import are_few, has_groups, is_grouped, is_limited, is_single, shared
from hasura.engine.translate.joins import Found, Joins, has_joins, is_among, is_joined, order_joins_of

# json_build_object takes at most 100 arguments.
_PAIRS_PER_CALL = 50
_ROW_NUMBER = "automio row number"
_GROUPED = "automio rows"
_EMPTY_ARRAY = sql("'[]'::json")
_EMPTY_OBJECT = sql("'{}'::json")


class SelectTranslator:
    """Translates the reading parts of one statement."""

    def __init__(self, options: SchemaOptions, aliases: Aliases | None = None) -> None:
        self._options = options
        self.aliases = aliases or Aliases()

    def statement(self, select: Select) -> Sql:
        """A statement that gives the root field's JSON."""
        if isinstance(select, SelectAggregate):
            return self.aggregate(select.rows, select.aggregate, None)
        if isinstance(select, SelectMany):
            return self.array(select.rows, select.selection, None)
        return concat(sql("select "), self.object(select.rows, select.selection, None))

    def stream(self, stream: Stream) -> Sql:
        """A statement that gives the next rows and the last value of the cursor among them."""
        row = self.aliases.row(stream.rows.table)
        scope = Scope(self.aliases, row)
        base = self.aliases.row(stream.rows.table, is_typed=False)
        column = row.column(stream.column.name)
        after = operand(stream.after)
        beyond = concat(column, sql(" < ") if stream.is_descending else sql(" > "), after)
        where = restriction(scope, stream.rows, None)
        name = self.aliases.name()
        last = base.column(stream.column.name)
        return concat(
            sql("select coalesce(json_agg((select "),
            self._to_json(name, stream.selection),
            sql(" from (select "),
            self.outputs(Scope(self.aliases, base), stream.selection),
            sql(") as "),
            ident(name),
            sql(")), "),
            _EMPTY_ARRAY,
            sql("), (array_agg("),
            last,
            sql("))[count(*)::int]::text from (select "),
            ident(row.alias),
            sql(".* from "),
            source(stream.rows, None, row.alias),
            where + sql(" and ") if where else sql(" where "),
            concat(sql("("), after, sql(" is null or "), beyond, sql(")")),
            concat(sql(" order by "), column, sql(" desc") if stream.is_descending else sql(" asc")),
            self._batch(stream.rows),
            sql(") as "),
            ident(base.alias),
        )

    # --- objects and arrays --------------------------------------------------------------------------------------

    def array(self, rows: Rows, selection: Selection, here: RowReference | None, *, is_once: bool = False) -> Sql:
        """`select` of one JSON array; `is_once`: the row `here` is the only one."""
        name = self.aliases.name()
        return concat(
            sql("select coalesce(json_agg("),
            self._row_value(name, selection),
            sql("), "),
            _EMPTY_ARRAY,
            sql(") from ("),
            self._rows(rows, selection, here, is_once=is_once or here is None),
            sql(") as "),
            ident(name),
        )

    def object(self, rows: Rows, selection: Selection, here: RowReference | None, *, is_once: bool = False) -> Sql:
        """A subquery of one JSON object or NULL; `is_once`: the row `here` is the only one."""
        name = self.aliases.name()
        joins = Joins(is_single=is_once or here is None)
        return concat(
            sql("(select "),
            self._to_json(name, selection),
            sql(" from ("),
            self._joined_rows(rows, selection, here, sql(" limit 1"), joins),
            sql(") as "),
            ident(name),
            sql(")"),
        )

    def _rows(self, rows: Rows, selection: Selection, here: RowReference | None, *, is_once: bool) -> Sql:
        """`select outputs from rows`."""
        is_one, few = is_single(rows), are_few(rows)
        can_group = is_once and not is_one and has_groups(selection, rows.table, are_few=few)
        if can_group or has_joins(selection):
            row = self.aliases.row(rows.table, is_typed=False)
            if not can_group:
                joins = Joins(row=row, is_single=is_once and is_one)
                return self._numbered_rows(rows, selection, here, row, joins, rows.where)
            output, rest = shared(rows, selection) or (None, rows.where)
            joins = Joins(self.aliases.name(), row, are_few=few, shared=output)
            return self._numbered_rows(rows, selection, here, row, joins, rest)
        joins = Joins(is_single=is_once and is_one)
        return self._joined_rows(rows, selection, here, self._limit(rows, rows.permission_limit), joins)

    def _joined_rows(
        self, rows: Rows, selection: Selection, here: RowReference | None, limit: Sql, joins: Joins
    ) -> Sql:
        """`select outputs from rows left join ...`: all in one select."""
        row = self._row(rows)
        scope = Scope(self.aliases, row)
        outputs = self.outputs(scope, selection, joins)
        order = self._order(scope, rows.order_by, joins)
        return concat(
            sql("select "),
            _distinct(row, rows),
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
        """`select outputs from (rows, numbered) left join ... order by number`.

        What is joined is read only for the rows that a limit leaves, and whatever join PostgreSQL chooses, the rows
        keep the order in which they were read. Rows that others are nested in are read once, for both; `rest` is what
        they are asked beside having those that are found first.
        """
        outputs = self.outputs(Scope(self.aliases, row), selection, joins)
        columns = _used_columns(row) if joins.has_groups else None
        found = joins.found
        if found is not None:
            rows = replace(rows, where=rest)
        base = self._base(rows, here, is_numbered=True, limit=rows.permission_limit, columns=columns, found=found)
        order = concat(sql(" order by "), ident(row.alias, _ROW_NUMBER))
        return concat(self._from_numbered(joins, base, outputs, row), order)

    @staticmethod
    def _from_numbered(joins: Joins, base: Sql, outputs: Sql, row: RowReference) -> Sql:
        """`select outputs from (base) left join ...`, the base under a name of its own where groups refer to it."""
        if joins.has_groups:
            assert joins.parents is not None
            named = [_named(joins.found.name, joins.found.query)] if joins.found is not None else []
            named.append(_named(joins.parents, base))
            select = concat(sql("with "), join(", ", named), sql(" select "))
            origin = ident(joins.parents)
        else:
            select = sql("select ")
            origin = parenthesized(base)
        return concat(select, outputs, sql(" from "), origin, sql(" as "), ident(row.alias), joins.text())

    # --- arrays of many rows -------------------------------------------------------------------------------------

    def _group(self, output: ArrayOutput, parents: Joins) -> Sql:
        """`select key, json_agg(...) as rows ... group by key`: rows nested in those of `parents`."""
        rows, selection = output.rows, output.selection
        assert parents.parents is not None
        name = self.aliases.name()
        if output is not parents.shared and not is_limited(rows) and not has_groups(selection, rows.table):
            row = self._row(rows)
            joins = Joins()
            scope = Scope(self.aliases, row)
            joins.add_object(self.outputs(scope, selection, joins), name)
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
        row = self.aliases.row(rows.table, is_typed=False)
        joins = Joins(self.aliases.name(), row)
        joins.add_object(self.outputs(Scope(self.aliases, row), selection, joins), name)
        grouped = self._grouped(rows, selection, row, name, ident(row.alias, _ROW_NUMBER))
        if output is parents.shared:
            parents.found = self._found(rows, _used_columns(row))
            base = self._limited_group(rows, ident(parents.found.name), parents.parents)
        else:
            base = self._numbered_group(rows, _used_columns(row), parents.parents)
            if is_limited(rows):
                base = self._limited_group(rows, parenthesized(base), None)
        return concat(self._from_numbered(joins, base, grouped, row), _by_key(rows, row))

    def _grouped(self, rows: Rows, selection: Selection, row: RowReference, name: str, order: Sql) -> Sql:
        keys = [
            concat(row.column(there), sql(" as "), ident(_key(number))) for number, (_, there) in enumerate(rows.join)
        ]
        array = concat(sql("json_agg("), self._row_value(name, selection), sql(" order by "), order, sql(")"))
        return join(", ", [*keys, concat(array, sql(" as "), ident(_GROUPED))])

    def _found(self, rows: Rows, columns: list[str]) -> Found:
        """Rows found before those that they are nested in."""
        local, remote = zip(*rows.join, strict=True)
        return Found(self.aliases.name(), self._numbered_group(rows, columns, None), local, remote)

    def _numbered_group(self, rows: Rows, columns: list[str], parents: str | None) -> Sql:
        """The rows, numbered within each key, that belong to those of `parents` or to any."""
        row = self._row(rows)
        scope = Scope(self.aliases, row)
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
            ident(_ROW_NUMBER),
            sql(" from "),
            source(rows, None, row.alias),
            joins.text(),
            sql(" where "),
            where,
        )

    def _limited_group(self, rows: Rows, numbered: Sql, parents: str | None) -> Sql:
        """Of numbered rows those that the limits leave, and that belong to `parents` where they may belong to any."""
        row = self.aliases.row(rows.table, is_typed=False)
        number, size = ident(row.alias, _ROW_NUMBER), self._size(rows, rows.permission_limit)
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

    def _row(self, rows: Rows) -> RowReference:
        return self.aliases.row(rows.table, is_typed=not isinstance(rows.source, NamedRows))

    def _order(self, scope: Scope, items: tuple[OrderItem, ...], joins: Joins) -> Sql:
        keys = self._order_keys(scope, items, joins)
        return sql(" order by ") + join(", ", keys) if keys else sql("")

    def _order_keys(self, scope: Scope, items: tuple[OrderItem, ...], joins: Joins) -> list[Sql]:
        return [concat(self._order_value(scope, item.expression, joins), _direction(item)) for item in items]

    def _complete_order(self, scope: Scope, rows: Rows, joins: Joins) -> list[Sql]:
        """What rows of one key are ordered by, last their place where nothing else tells them apart."""
        keys = self._order_keys(scope, rows.order_by, joins)
        known = {there for _, there in rows.join}
        for item in rows.order_by:
            if isinstance(item.expression, ColumnExpression) and not item.expression.column.column.is_nullable:
                known.add(item.expression.column.name)
        return keys if rows.table.table.has_at_most_one(known) else [*keys, ident(scope.row.alias, "ctid")]

    @staticmethod
    def _order_value(scope: Scope, exp: Expression, joins: Joins) -> Sql:
        """What an ordering goes by: a column that joins lead to, or an expression of the row."""
        needed = order_joins_of(exp)
        if not needed or not joins.reserve(needed):
            return expression(scope, exp)
        while isinstance(exp, OrderThrough):
            scope, exp = SelectTranslator._joined_row(scope, exp.rows, joins), exp.inner
        return expression(scope, exp)

    @staticmethod
    def _joined_row(scope: Scope, rows: Rows, joins: Joins) -> Scope:
        """The scope of the row that a join added here leads to."""
        there = Scope(scope.aliases, scope.aliases.row(rows.table))
        on = join_condition(scope.row, there.row, rows.join)
        if rows.where != TRUE:
            on = concat(on, sql(" and "), condition(there, rows.where))
        joins.add_table(table_name(rows.table.name), there.row.alias, on)
        return there

    @staticmethod
    def _batch(rows: Rows) -> Sql:
        """A batch's size; rows that share the last cursor value come along, or the next batch would miss them."""
        size = small_int(rows.limit) if isinstance(rows.limit, int) else None
        if rows.limit is not None and not isinstance(rows.limit, int):
            size = concat(sql("("), operand(rows.limit), sql(")"))
        if size is None:
            return sql("")
        if rows.permission_limit is not None:
            size = concat(sql("(least("), size, sql(", "), small_int(rows.permission_limit), sql("))"))
        return concat(sql(" fetch first "), size, sql(" rows with ties"))

    @classmethod
    def _limit(cls, rows: Rows, permission_limit: int | None) -> Sql:
        size = cls._size(rows, permission_limit)
        text = concat(sql(" limit "), size) if size is not None else sql("")
        return text if rows.offset is None else concat(text, sql(" offset "), operand(rows.offset))

    @staticmethod
    def _size(rows: Rows, permission_limit: int | None) -> Sql | None:
        """How many rows there are at most."""
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
        """The select list, each output under its response key; to-one relationships may add to `joins`."""
        if not selection.outputs:
            # Everything was skipped; `distinct on` needs something to select.
            return sql("null as nothing")
        return join(
            ", ",
            [
                concat(self._output(scope, output, joins), sql(" as "), ident(_column_alias(index, output.alias)))
                for index, output in enumerate(selection.outputs)
            ],
        )

    def _row_value(self, name: str, selection: Selection) -> Sql:
        """What `json_agg` takes: the row itself, or an object built key by key when a key is too long."""
        if not selection.outputs:
            return _EMPTY_OBJECT
        return whole_row(name) if not _has_long_key(selection) else self._built_object(name, selection)

    def _to_json(self, name: str, selection: Selection) -> Sql:
        if not selection.outputs:
            return _EMPTY_OBJECT
        if _has_long_key(selection):
            return self._built_object(name, selection)
        return concat(sql("row_to_json("), whole_row(name), sql(")"))

    @staticmethod
    def _built_object(name: str, selection: Selection) -> Sql:
        outputs = list(enumerate(selection.outputs))
        chunks = [outputs[start : start + _PAIRS_PER_CALL] for start in range(0, len(outputs), _PAIRS_PER_CALL)]
        objects = [
            concat(
                sql("jsonb_build_object(" if len(chunks) > 1 else "json_build_object("),
                join(
                    ", ",
                    [
                        concat(
                            string_constant(output.alias),
                            sql("::text, "),
                            ident(name, _column_alias(index, output.alias)),
                        )
                        for index, output in chunk
                    ],
                ),
                sql(")"),
            )
            for chunk in chunks
        ]
        return concat(sql("("), join(" || ", objects), sql(")::json"))

    def _output(self, scope: Scope, output: Output, joins: Joins | None) -> Sql:
        row = scope.row
        if isinstance(output, ColumnOutput):
            value = _with_path(row.column(output.column.name), output.path)
            shown = value if output.path is not None else self.json_value(value, output.column.type)
            return _shown_if(scope, output, shown)
        if isinstance(output, ConstantOutput):
            return concat(string_constant(output.text), sql("::text"))
        if isinstance(output, CallOutput):
            value = _with_path(call(output.call, row), output.path)
            shown = value if output.path is not None else self.json_value(value, output.call.function.return_type)
            return _shown_if(scope, output, shown)
        is_once = joins is not None and joins.is_single
        if isinstance(output, ObjectOutput):
            if joins is None or not is_joined(output) or not joins.reserve(1):
                return self.object(output.rows, output.selection, row, is_once=is_once)
            return self._joined_object(scope, output, joins)
        if isinstance(output, ArrayOutput):
            if joins is None or not _can_group(output, row, joins) or not joins.reserve(1):
                array = self.array(output.rows, output.selection, row, is_once=is_once)
                return concat(sql("("), array, sql(")"))
            name = self.aliases.name()
            on = [concat(ident(name, _key(n)), sql(" = "), row.column(local)) for n, local in _locals(output.rows)]
            joins.add_group(self._group(output, joins), name, join(" and ", on))
            return concat(sql("coalesce("), ident(name, _GROUPED), sql(", "), _EMPTY_ARRAY, sql(")"))
        assert isinstance(output, AggregateOutput)
        return concat(sql("("), self.aggregate(output.rows, output.aggregate, row), sql(")"))

    def _joined_object(self, scope: Scope, output: ObjectOutput, joins: Joins) -> Sql:
        """An object of the row that a join leads to, NULL when there is none: then it has no key."""
        there = self._joined_row(scope, output.rows, joins)
        outputs = self.outputs(there, output.selection, joins)
        name = self.aliases.name()
        joins.add_object(outputs, name)
        return concat(
            sql("case when "),
            there.row.column(output.rows.join[0][1]),
            sql(" is not null then row_to_json("),
            whole_row(name),
            sql(") end"),
        )

    def json_value(self, value: Sql, pg_type: PgType) -> Sql:
        """The value as JSON shows it: wide numbers as text where the server is set so."""
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

    # --- aggregates ----------------------------------------------------------------------------------------------

    def aggregate(self, rows: Rows, aggregate: AggregateSelection, here: RowReference | None) -> Sql:
        """`select` of one JSON object: aggregates in a flat inner select, put in shape around it."""
        base = self.aliases.row(rows.table, is_typed=False)
        scope = Scope(self.aliases, base)
        flat = self.aliases.name()
        # PostgreSQL sorts the input of all aggregates when one wants distinct values.
        is_numbered = rows.permission_limit is not None or (bool(rows.order_by) and aggregate.has_distinct())
        inner: list[Sql] = []
        outer: list[Sql] = []

        def computed(value: Sql) -> Sql:
            name = f"c{len(inner)}"
            inner.append(concat(value, sql(" as "), ident(name)))
            return ident(flat, name)

        for item in aggregate.items:
            if isinstance(item, ConstantOutput):
                value = concat(string_constant(item.text), sql("::text"))
            elif isinstance(item, NodesItem):
                value = computed(self._nodes(scope, item, rows.permission_limit, is_numbered=is_numbered))
            else:
                value = self._aggregate_items(scope, item, computed)
            outer.append(concat(value, sql(" as "), ident(item.alias)))
        if not inner:
            # Without any aggregate there would be a row for each of the rows.
            computed(sql("count(*)"))
        name = self.aliases.name()
        return concat(
            sql("select row_to_json("),
            whole_row(name),
            sql(") from (select "),
            join(", ", outer),
            sql(" from (select "),
            join(", ", inner),
            sql(" from ("),
            self._base(rows, here, is_numbered=is_numbered),
            sql(") as "),
            ident(base.alias),
            sql(") as "),
            ident(flat),
            sql(") as "),
            ident(name),
        )

    def _base(
        self,
        rows: Rows,
        here: RowReference | None,
        *,
        is_numbered: bool,
        limit: int | None = None,
        columns: list[str] | None = None,
        found: Found | None = None,
    ) -> Sql:
        """The rows, all their columns or some, and their number where that is asked for.

        `limit` is the role's, `found` are rows that must be nested in them.
        """
        row = self._row(rows)
        scope = Scope(self.aliases, row)
        joins = Joins()
        order = self._order(scope, rows.order_by, joins)
        where = restriction(scope, rows, here)
        if found is not None:
            where = concat(
                where, sql(" and ") if where else sql(" where "), is_among(row, found.local, found.name, found.remote)
            )
            order = order or concat(sql(" order by "), ident(row.alias, "ctid"))
        base = concat(
            sql("select "),
            _distinct(row, rows),
            ident(row.alias),
            sql(".* from "),
            source(rows, here, row.alias),
            joins.text(),
            where,
            order,
            self._limit(rows, limit),
        )
        if not is_numbered:
            return base
        name = self.aliases.name()
        shown = [whole_row(name)] if columns is None else [ident(name, column) for column in columns]
        return concat(
            sql("select "),
            join("", [value + sql(", ") for value in shown]),
            sql("row_number() over () as "),
            ident(_ROW_NUMBER),
            sql(" from ("),
            base,
            sql(") as "),
            ident(name),
        )

    def _nodes(self, scope: Scope, item: NodesItem, permission_limit: int | None, *, is_numbered: bool) -> Sql:
        name = self.aliases.name()
        order = concat(sql(" order by "), scope.row.column(_ROW_NUMBER)) if is_numbered else sql("")
        limited = sql("")
        if permission_limit is not None:
            number = scope.row.column(_ROW_NUMBER)
            limited = concat(sql(" filter (where "), number, sql(" <= "), small_int(permission_limit), sql(")"))
        return concat(
            sql("coalesce(json_agg((select "),
            self._to_json(name, item.selection),
            sql(" from (select "),
            self.outputs(scope, item.selection),
            sql(") as "),
            ident(name),
            sql(")"),
            order,
            sql(")"),
            limited,
            sql(", "),
            _EMPTY_ARRAY,
            sql(")"),
        )

    def _aggregate_items(self, scope: Scope, aggregate: AggregateItems, computed: Callable[[Sql], Sql]) -> Sql:
        values: list[Sql] = []
        for item in aggregate.items:
            if isinstance(item, ConstantOutput):
                value = concat(string_constant(item.text), sql("::text"))
            elif isinstance(item, CountItem):
                is_distinct = item.is_distinct and bool(item.columns)
                value = computed(aggregate_call(scope.row, "count", item.columns, is_distinct=is_distinct))
            else:
                columns: list[Sql] = []
                for entry in item.operands:
                    if isinstance(entry, ConstantOutput):
                        result = concat(string_constant(entry.text), sql("::text"))
                    else:
                        result = computed(self._aggregated(scope, item.function, entry))
                    columns.append(concat(result, sql(" as "), ident(entry.alias)))
                value = self._object_of(columns)
            values.append(concat(value, sql(" as "), ident(item.alias)))
        return self._object_of(values)

    def _aggregated(self, scope: Scope, function: str, operand: ColumnOutput | CallOutput) -> Sql:
        """One function over a column or computed field, in rows where the role may see it."""
        if isinstance(operand, ColumnOutput):
            value, pg_type = scope.row.column(operand.column.name), operand.column.type
        else:
            value, pg_type = call(operand.call, scope.row), operand.call.function.return_type
        return self.json_value(concat(ident(function), sql("("), _shown_if(scope, operand, value), sql(")")), pg_type)

    def _object_of(self, columns: list[Sql]) -> Sql:
        """A JSON object of named values."""
        name = self.aliases.name()
        return concat(
            sql("(select row_to_json("),
            whole_row(name),
            sql(") from (select "),
            join(", ", columns),
            sql(") as "),
            ident(name),
            sql(")"),
        )


def _used_columns(row: RowReference) -> list[str]:
    """The columns that are read of a row, in the table's order."""
    return [column.name for column in row.table.table.columns if column.name in row.used]


def _key(number: int) -> str:
    return f"automio key {number}"


def _locals(rows: Rows) -> list[tuple[int, str]]:
    """The columns, numbered, of the row that the rows are nested in."""
    return [(number, local) for number, (local, _) in enumerate(rows.join)]


def _can_group(output: ArrayOutput, row: RowReference, joins: Joins) -> bool:
    is_of_parents = joins.parents is not None and row is joins.row
    return is_of_parents and is_grouped(output, row.table, are_few=joins.are_few)


def _named(name: str, query: Sql) -> Sql:
    return concat(ident(name), sql(" as materialized ("), query, sql(")"))


def _is_nested(row: RowReference, rows: Rows, parents: str) -> Sql:
    local, remote = zip(*rows.join, strict=True)
    return is_among(row, remote, parents, local)


def _by_key(rows: Rows, row: RowReference) -> Sql:
    return concat(sql(" group by "), join(", ", [row.column(there) for _, there in rows.join]))


def _distinct(row: RowReference, rows: Rows) -> Sql:
    if not rows.distinct_on:
        return sql("")
    columns = [row.column(column.name) for column in rows.distinct_on]
    return concat(sql("distinct on ("), join(", ", columns), sql(") "))


def _direction(item: OrderItem) -> Sql:
    words = sql(" desc") if item.direction.is_descending else sql(" asc")
    return words + (sql(" nulls first") if item.direction.nulls_first else sql(" nulls last"))


def _has_long_key(selection: Selection) -> bool:
    return any(len(output.alias.encode()) > MAX_IDENTIFIER_BYTES for output in selection.outputs)


def _column_alias(index: int, alias: str) -> str:
    """The response key as an identifier; a number when it is too long for one."""
    return alias if len(alias.encode()) <= MAX_IDENTIFIER_BYTES else f"#{index}"


def _with_path(value: Sql, path: tuple[str, ...] | None) -> Sql:
    if not path:
        return value
    steps = param(Constant(encode_array(list(path), TEXT, ())))
    return concat(sql("("), value, sql(" #> ("), steps, sql("::text)::text[])"))


def _shown_if(scope: Scope, output: ColumnOutput | CallOutput, value: Sql) -> Sql:
    if output.condition is None:
        return value
    return concat(sql("case when "), condition(scope, output.condition), sql(" then "), value, sql(" end"))
