"""Translates inserts: one JSON parameter per level, however many rows.

A plain insert is one statement. With nested inserts each level is a statement of its own, run in order, so that later
ones (and checks that look at them) see earlier ones: objects the row refers to first, then the rows, then rows that
refer to them. Levels are tied together by the order of rows: `returning` keeps the order of the rows selected.
"""

from hasura.engine.catalog.types import Identity, TableKind, UniqueConstraint
from hasura.engine.ir.nodes import (
    BoolExp,
    DocumentRows,
    Insert,
    InsertRows,
    NestedInsert,
    OnConflict,
    conjunction,
)
from hasura.engine.plan import PreviousResult
from hasura.engine.schema_cache import ColumnInfo, RelationshipInfo
from hasura.engine.sql.composition import Sql, catalog_expression, concat, ident, join, param, sql, string_constant
from hasura.engine.sql.violations import Blamed, guard
from hasura.engine.translate.boolexp import Scope, condition
from hasura.engine.translate.fragments import Aliases, RowReference, cast, operand, table_name, type_name
from hasura.engine.translate.mutations.translator import (
    MutationTranslator,
    all_rows,
    check_guard,
    check_guards,
    is_true,
    needed_columns,
    returning,
    with_rows,
)
from hasura.engine.translate.statements import OK, ROWS, SESSION, UPDATED, previous_document

_INPUT = "i"
_RECORD = "v"


class InsertTranslator:
    """Appends the statements of one insert field."""

    def __init__(self, mutations: MutationTranslator) -> None:
        self._mutations = mutations
        self._statements = mutations.statements
        # Results of all levels, for affected_rows.
        self._results: list[PreviousResult] = []

    def insert(self, insert: Insert) -> PreviousResult:
        """Appends the statements of the whole field."""
        rows = insert.rows
        if not rows.before and not rows.after:
            aliases = Aliases()
            work = self._work(rows, aliases, None, (), needed_columns(rows.table, insert.response))
            return self._mutations.answered(rows.table, work, _check_guards(rows), insert.response, aliases)
        result = self._level(rows, None)
        lengths = [concat(sql("json_array_length("), previous_document(item), sql(")")) for item in self._results]
        affected = concat(sql("("), join(" + ", lengths), sql(")"))
        return self._statements.add(
            self._mutations.response(rows.table, insert.response, DocumentRows(result), affected)
        )

    def _level(
        self,
        rows: InsertRows,
        parent: tuple[RelationshipInfo, PreviousResult] | None,
        *,
        feeds: str | None = None,
    ) -> PreviousResult:
        """Inserts a level with all around it. `feeds`: the object relationship that needs every row of it."""
        before = tuple((nested, self._nested_before(nested)) for nested in rows.before)
        aliases = Aliases()
        work = self._work(rows, aliases, parent, before, needed_columns(rows.table, None))
        guards = _check_guards(rows)
        if rows.on_conflict is not None and feeds is not None:
            guards.append(_all_inserted(rows, f'object relation "{feeds}"', Blamed.RELATIONSHIP))
        elif rows.on_conflict is not None and rows.after:
            guards.append(_all_inserted(rows, "array relations", Blamed.STATEMENT))
        result = self._statements.add(with_rows(work, all_rows(rows.table, sql("")), guards), rows.place)
        self._results.append(result)
        for nested in rows.after:
            self._level(nested.insert, (nested.relationship, result))
        return result

    def _nested_before(self, nested: NestedInsert) -> PreviousResult:
        return self._level(nested.insert, None, feeds=nested.relationship.name)

    # --- one level -------------------------------------------------------------------------------------------------

    def _work(
        self,
        rows: InsertRows,
        aliases: Aliases,
        parent: tuple[RelationshipInfo, PreviousResult] | None,
        before: tuple[tuple[NestedInsert, PreviousResult], ...],
        returned: list[str],
    ) -> Sql:
        """Returns `insert into ... select ... from the parameter`."""
        target = aliases.row(rows.table)
        values = self._values(rows, parent, before)
        if not values:
            values = [_default_row(rows)]
        sources = self._sources(rows, parent, before)
        return concat(
            sql("insert into "),
            table_name(rows.table.name),
            sql(" as "),
            ident(target.alias),
            sql(" ("),
            join(", ", [ident(column.name) for column, _ in values]),
            sql(") select "),
            join(", ", [value for _, value in values]),
            sql(" from "),
            sources,
            sql("") if self._is_plain(rows) else concat(sql(" order by "), ident(_INPUT, "n")),
            _conflict(rows.on_conflict, aliases, target) if rows.on_conflict is not None else sql(""),
            self._returning(rows, aliases, target, returned),
        )

    @staticmethod
    def _is_plain(rows: InsertRows) -> bool:
        """Returns whether rows give the same columns and stand alone: they are read as a recordset, in order."""
        is_alone = not rows.is_nested and not rows.before and not rows.after
        return is_alone and bool(rows.columns) and len(rows.always_given) == len(rows.columns)

    def _values(
        self,
        rows: InsertRows,
        parent: tuple[RelationshipInfo, PreviousResult] | None,
        before: tuple[tuple[NestedInsert, PreviousResult], ...],
    ) -> list[tuple[ColumnInfo, Sql]]:
        by_name = rows.table.columns_by_name
        values: dict[str, Sql] = {}
        for column in rows.columns:
            given = ident(_RECORD, column.graphql_name)
            values[column.name] = (
                given if column.graphql_name in rows.always_given else _given_or_default(rows, column, given)
            )
        for index, (nested, _) in enumerate(before):
            for here, there in nested.relationship.column_mapping:
                inserted = _field(ident(f"b{index}", "r"), there, by_name[here])
                own = values.get(here)
                values[here] = concat(sql("coalesce("), inserted, sql(", "), own, sql(")")) if own else inserted
        if parent is not None:
            for here, there in parent[0].column_mapping:
                del here
                values[there] = _field(ident("p", "value"), _local(parent[0], there), by_name[there])
        for name, preset in rows.presets.items():
            values[name] = cast(operand(preset), by_name[name].type)
        return [(by_name[name], value) for name, value in values.items()]

    def _sources(
        self,
        rows: InsertRows,
        parent: tuple[RelationshipInfo, PreviousResult] | None,
        before: tuple[tuple[NestedInsert, PreviousResult], ...],
    ) -> Sql:
        document = concat(sql("("), param(rows.document), sql("::text)::json"))
        is_nested = rows.is_nested
        if self._is_plain(rows):
            return concat(
                ident(SESSION),
                sql(" cross join json_to_recordset("),
                document,
                sql(") as "),
                ident(_RECORD),
                sql("("),
                self._definitions(rows),
                sql(")"),
            )
        row = concat(ident(_INPUT, "value"), sql(" -> 1")) if is_nested else ident(_INPUT, "value")
        sources = concat(
            ident(SESSION),
            sql(" cross join json_array_elements("),
            document,
            sql(") with ordinality as "),
            ident(_INPUT),
            sql("(value, n)"),
        )
        if rows.columns:
            sources += concat(
                sql(" cross join lateral json_to_record("),
                row,
                sql(") as "),
                ident(_RECORD),
                sql("("),
                self._definitions(rows),
                sql(")"),
            )
        for index, (nested, result) in enumerate(before):
            sources += _inserted_before(index, nested, result)
        if parent is not None:
            sources += concat(
                sql(" join json_array_elements("),
                previous_document(parent[1]),
                sql(") with ordinality as p(value, n) on p.n = ("),
                ident(_INPUT, "value"),
                sql(" ->> 0)::bigint"),
            )
        return sources

    @staticmethod
    def _definitions(rows: InsertRows) -> Sql:
        """Returns the record's columns under their GraphQL names."""
        return join(
            ", ", [concat(ident(column.graphql_name), sql(" "), type_name(column.type)) for column in rows.columns]
        )

    @staticmethod
    def _returning(rows: InsertRows, aliases: Aliases, target: RowReference, returned: list[str]) -> Sql:
        scope = Scope(aliases, target)
        conflict = rows.on_conflict
        if conflict is None or not _tells_updated_rows(rows):
            return returning(scope, _check_of_all(rows), returned)
        columns = [target.column(name) for name in returned]
        # A row that was there before has been locked by the update: xmax is set.
        was_updated = concat(target.column("xmax"), sql(" <> 0"))
        check = concat(
            sql("(case when "),
            was_updated,
            sql(" then "),
            condition(scope, conflict.check),
            sql(" else "),
            condition(scope, rows.check),
            sql(" end) as "),
            ident(OK),
        )
        return concat(sql(" returning "), join(", ", [*columns, check, was_updated + sql(" as ") + ident(UPDATED)]))


def _tells_updated_rows(rows: InsertRows) -> bool:
    """Returns whether rows that an upsert updated are checked otherwise.

    Partitioned tables return no system columns to recognize them by.
    """
    conflict = rows.on_conflict
    if conflict is None or not conflict.update_columns or rows.table.table.kind is not TableKind.TABLE:
        return False
    return not (is_true(rows.check) and is_true(conflict.check))


def _check_of_all(rows: InsertRows) -> BoolExp:
    """Returns both checks for rows inserted and updated where they cannot be told apart."""
    conflict = rows.on_conflict
    return rows.check if conflict is None else conjunction(rows.check, conflict.check)


def _check_guards(rows: InsertRows) -> list[Sql]:
    if not _tells_updated_rows(rows):
        return check_guards(_check_of_all(rows))
    return [
        check_guard(concat(sql(" and not "), ident(UPDATED))),
        check_guard(concat(sql(" and "), ident(UPDATED)), blamed=Blamed.STORED_ROWS),
    ]


def _local(relationship: RelationshipInfo, remote: str) -> str:
    return next(here for here, there in relationship.column_mapping if there == remote)


def _field(row: Sql, name: str, column: ColumnInfo) -> Sql:
    """Returns a column of a row returned as JSON."""
    return cast(concat(row, sql(" ->> "), string_constant(name)), column.type)


def _inserted_before(index: int, nested: NestedInsert, result: PreviousResult) -> Sql:
    """Returns the rows inserted for an object relationship, by the number of the row they belong to."""
    alias = f"b{index}"
    document = concat(sql("("), param(nested.insert.document), sql("::text)::json"))
    return concat(
        sql(" left join (select (d.value ->> 0)::bigint as n, r.value as r from json_array_elements("),
        document,
        sql(") with ordinality as d(value, m) join json_array_elements("),
        previous_document(result),
        sql(") with ordinality as r(value, m) on d.m = r.m) as "),
        ident(alias),
        sql(" on "),
        ident(alias, "n"),
        sql(" = "),
        ident(_INPUT, "n"),
    )


def _given_or_default(rows: InsertRows, column: ColumnInfo, given: Sql) -> Sql:
    """Returns the row's value, or the column's default when the row has no such key."""
    default = _default(rows, column)
    if default is None:
        return given
    row = concat(ident(_INPUT, "value"), sql(" -> 1")) if rows.is_nested else ident(_INPUT, "value")
    is_given = concat(sql("("), row, sql(" -> "), string_constant(column.graphql_name), sql(") is not null"))
    return concat(sql("case when "), is_given, sql(" then "), given, sql(" else "), default, sql(" end"))


def _default(rows: InsertRows, column: ColumnInfo) -> Sql | None:
    catalog = column.column
    if catalog.default is not None:
        return catalog_expression(catalog.default)
    if catalog.identity is not Identity.NONE:
        table = '"' + '"."'.join(part.replace('"', '""') for part in rows.table.name) + '"'
        return concat(
            sql("nextval(pg_get_serial_sequence("),
            string_constant(table),
            sql(", "),
            string_constant(column.name),
            sql("))"),
        )
    return None


def _default_row(rows: InsertRows) -> tuple[ColumnInfo, Sql]:
    """Returns a column that takes its default: rows that give nothing still need one to be selected."""
    for column in rows.table.columns:
        if column.column.is_insertable:
            return column, _default(rows, column) or cast(sql("null"), column.type)
    return rows.table.columns[0], sql("null")


def _all_inserted(rows: InsertRows, needed_for: str, blamed: Blamed) -> Sql:
    """Returns a guard that fails when a conflict left rows out that others refer to."""
    message = f'cannot proceed to insert {needed_for} since insert to table "{rows.table.name}" affects zero rows'
    document = concat(sql("json_array_length(("), param(rows.document), sql("::text)::json)"))
    violated = concat(sql("(select count(*) from "), ident(ROWS), sql(") <> "), document)
    return guard(violated, "not-supported", message, blamed=blamed)


def _conflict(conflict: OnConflict, aliases: Aliases, target: RowReference) -> Sql:
    arbiter = _arbiter(conflict.constraint)
    if not conflict.update_columns:
        return arbiter + sql(" do nothing")
    preset_names = {column.name for column, _ in conflict.presets}
    assignments = [
        concat(ident(column.name), sql(" = "), ident("excluded", column.name))
        for column in conflict.update_columns
        if column.name not in preset_names
    ]
    assignments += [
        concat(ident(column.name), sql(" = "), cast(operand(preset), column.type))
        for column, preset in conflict.presets
    ]
    where = sql("")
    if not is_true(conflict.where):
        where = sql(" where ") + condition(Scope(aliases, target), conflict.where)
    return concat(arbiter, sql(" do update set "), join(", ", assignments), where)


def _arbiter(constraint: UniqueConstraint | None) -> Sql:
    """Returns ` on conflict ...` up to the action: a constraint by its name, an index by what it is over."""
    if constraint is None:
        return sql(" on conflict")
    index = constraint.index
    if index is None:
        return concat(sql(" on conflict on constraint "), ident(constraint.name))
    keys = join(", ", [catalog_expression(key) for key in index.keys])
    inferred = concat(sql(" on conflict ("), keys, sql(")"))
    if index.predicate is None:
        return inferred
    return concat(inferred, sql(" where "), catalog_expression(index.predicate))
