"""Translates updates, deletes and the answers of mutations.

One statement does the work, checks permissions and answers, unless the answer reads other tables: those must be read
after the change is visible, so a second statement of the same transaction answers from the rows the first returned.
"""

from hasura.engine.ir.nodes import (
    AffectedRowsOutput,
    And,
    Assignment,
    BoolExp,
    CallMutation,
    ConstantOutput,
    Delete,
    DocumentRows,
    MutationResponse,
    NamedRows,
    Response,
    ReturningOutput,
    Rows,
    Update,
    UpdateMany,
)
from hasura.engine.plan import PreviousResult
from hasura.engine.schema_cache import SchemaOptions, TableInfo
from hasura.engine.sql.composition import Sql, concat, ident, join, param, sql, string_constant
from hasura.engine.sql.violations import CHECK_FAILED, Blamed, guard
from hasura.engine.translate.boolexp import Scope, condition
from hasura.engine.translate.fragments import Aliases, RowReference, cast, operand, table_name
from hasura.engine.translate.mutations.alike import KnownChanges
from hasura.engine.translate.objects import object_of_row, select_list
from hasura.engine.translate.selects import SelectTranslator
from hasura.engine.translate.statements import OK, ROWS, SESSION, StatementList, set_session


class MutationTranslator:
    """Appends the statements of one mutation field to a list. `known`: what other fields have."""

    def __init__(self, options: SchemaOptions, statements: StatementList, known: KnownChanges | None = None) -> None:
        self.options = options
        self.statements = statements
        self._known = known

    def update(self, update: Update) -> PreviousResult:
        """Appends `update ... from session where ... returning`."""
        if self._known is None:
            return self._update(update)
        return self._known.add(update, self.statements, lambda: self._update(update))

    def _update(self, update: Update) -> PreviousResult:
        aliases = Aliases()
        row = aliases.row(update.table)
        scope = Scope(aliases, row)
        if not update.assignments:
            return self.answered(update.table, _no_rows(update.table), [], update.response, aliases)
        work = concat(
            sql("update "),
            table_name(update.table.name),
            sql(" as "),
            ident(row.alias),
            sql(" set "),
            join(", ", [_assignment(row, item) for item in update.assignments]),
            sql(" from "),
            ident(SESSION),
            sql(" where "),
            condition(scope, update.where),
            returning(scope, update.check, needed_columns(update.table, update.response)),
        )
        return self.answered(update.table, work, check_guards(update.check), update.response, aliases)

    def update_many(self, many: UpdateMany) -> None:
        """Appends one update after the other, each seeing those before; the answers are members of a list."""
        if self._known is None and len(many.updates) > 1:
            self._known = KnownChanges()
        self.statements.members = tuple([self.update(update) for update in many.updates])

    def delete(self, delete: Delete) -> PreviousResult:
        """Appends `delete ... using session where ... returning`."""
        if self._known is None:
            return self._delete(delete)
        return self._known.add(delete, self.statements, lambda: self._delete(delete))

    def _delete(self, delete: Delete) -> PreviousResult:
        aliases = Aliases()
        row = aliases.row(delete.table)
        scope = Scope(aliases, row)
        work = concat(
            sql("delete from "),
            table_name(delete.table.name),
            sql(" as "),
            ident(row.alias),
            sql(" using "),
            ident(SESSION),
            sql(" where "),
            condition(scope, delete.where),
            returning(scope, And(), needed_columns(delete.table, delete.response)),
        )
        return self.answered(delete.table, work, [], delete.response, aliases)

    def call(self, mutation: CallMutation) -> PreviousResult:
        """Appends a function that is called once, after the session is set."""
        self.statements.add(sql("select ") + set_session())
        return self.statements.add(SelectTranslator(self.options).statement(mutation.select))

    def answered(
        self, table: TableInfo, work: Sql, guards: list[Sql], response: Response, aliases: Aliases
    ) -> PreviousResult:
        """Appends the work with its answer, in one statement or two."""
        if response.has_nested():
            result = self.statements.add(with_rows(work, _all_rows(table), guards))
            return self.statements.add(self.response(table, response, DocumentRows(result), None))
        translator = SelectTranslator(self.options, aliases)
        return self.statements.add(
            with_rows(work, self._answer(translator, table, response, NamedRows(ROWS), None), guards)
        )

    def response(self, table: TableInfo, response: Response, rows: DocumentRows, affected_rows: Sql | None) -> Sql:
        """Returns a statement that answers from rows returned earlier."""
        return self._answer(SelectTranslator(self.options), table, response, rows, affected_rows)

    def _answer(
        self,
        translator: SelectTranslator,
        table: TableInfo,
        response: Response,
        source: NamedRows | DocumentRows,
        affected_rows: Sql | None,
    ) -> Sql:
        rows = Rows(table, source)
        if not isinstance(response, MutationResponse):
            return concat(sql("select "), translator.object(rows, response.selection, None))
        columns: list[tuple[str, Sql]] = []
        for output in response.outputs:
            if isinstance(output, AffectedRowsOutput):
                value = affected_rows if affected_rows is not None else _count(source)
            elif isinstance(output, ConstantOutput):
                value = concat(string_constant(output.text), sql("::text"))
            else:
                assert isinstance(output, ReturningOutput)
                value = concat(sql("("), translator.array(rows, output.selection, None), sql(")"))
            columns.append((output.alias, value))
        name = translator.aliases.name()
        return concat(
            sql("select "),
            object_of_row(name, [key for key, _ in columns]),
            sql(" from (select "),
            select_list(columns),
            sql(") as "),
            ident(name),
        )


def _no_rows(table: TableInfo) -> Sql:
    """Returns what touches nothing: an update that sets nothing."""
    return concat(sql("select * from "), table_name(table.name), sql(" where false"))


def _count(source: NamedRows | DocumentRows) -> Sql:
    if isinstance(source, NamedRows):
        return concat(sql("(select count(*) from "), ident(source.name), sql(")"))
    return concat(sql("json_array_length(("), param(source.document), sql("::text)::json)"))


def is_true(exp: BoolExp) -> bool:
    """Returns whether there is nothing to check."""
    return isinstance(exp, And) and not exp.items


def _assignment(row: RowReference, item: Assignment) -> Sql:
    column = row.column(item.column.name)
    target = ident(item.column.name)
    value = operand(item.value)
    if item.operator == "_set":
        value = cast(value, item.column.type)
    elif item.operator == "_inc":
        value = concat(column, sql(" + "), value)
    elif item.operator == "_mul":
        value = concat(column, sql(" * "), value)
    elif item.operator == "_default":
        value = sql("default")
    elif item.operator == "_append":
        value = concat(column, sql(" || "), value)
    elif item.operator == "_prepend":
        value = concat(value, sql(" || "), column)
    elif item.operator in ("_delete_key", "_delete_elem"):
        value = concat(column, sql(" - "), value)
    else:
        assert item.operator == "_delete_at_path"
        value = concat(column, sql(" #- "), value)
    return concat(target, sql(" = "), value)


def needed_columns(table: TableInfo, response: Response | None) -> list[str]:
    """Returns the columns an answer needs of the rows touched; all when other statements follow."""
    names = [column.name for column in table.columns]
    if response is None or response.has_nested():
        return names
    read = response.columns()
    return [name for name in names if name in read]


def returning(scope: Scope, check: BoolExp, names: list[str]) -> Sql:
    """Returns the named columns of the rows touched, and whether each passes the check."""
    columns = [scope.row.column(name) for name in names]
    if not is_true(check):
        columns.append(concat(sql("("), condition(scope, check), sql(") as "), ident(OK)))
    return concat(sql(" returning "), join(", ", columns) if columns else sql("1"))


def check_guards(check: BoolExp) -> list[Sql]:
    """Returns what fails the statement when a row did not pass."""
    return [check_guard(sql(""))] if not is_true(check) else []


def check_guard(which: Sql, *, blamed: Blamed = Blamed.STATEMENT) -> Sql:
    """Returns what fails the statement when a row did not pass; `which` narrows down the rows looked at."""
    violated = concat(
        sql("exists (select 1 from "), ident(ROWS), sql(" where "), ident(OK), sql(" is not true"), which, sql(")")
    )
    return guard(violated, *CHECK_FAILED, blamed=blamed)


def with_rows(work: Sql, answer: Sql, guards: list[Sql]) -> Sql:
    """Returns the work as a common table expression after the session is set, then the answer, guarded."""
    return concat(
        sql("with "),
        ident(SESSION),
        sql(" as materialized (select "),
        set_session(),
        sql("), "),
        ident(ROWS),
        sql(" as ("),
        work,
        sql(") "),
        answer,
        sql(" where ") + join(" and ", guards) if guards else sql(""),
    )


def _all_rows(table: TableInfo) -> Sql:
    return all_rows(table, sql(""))


def all_rows(table: TableInfo, order: Sql) -> Sql:
    """Returns `select` of a JSON array of the rows' columns, keyed by column name."""
    columns = join(", ", [ident(column.name) for column in table.columns])
    return concat(
        sql("select coalesce(json_agg(r.*), '[]'::json) from (select "),
        columns,
        sql(" from "),
        ident(ROWS),
        order,
        sql(") as r"),
    )
