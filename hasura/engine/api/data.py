"""Serves the old data API of `/v1/query` and `/v2/query`: `select`, `insert`, `update`, `delete`, `count`.

Arguments become the same intermediate representation that GraphQL becomes, so translation and permissions are the
same; only names are database names here. Runs in the workspace's transaction and sees what a bulk did before.
"""

from collections.abc import Iterator
from dataclasses import replace

import asyncpg

from hasura.engine import exact_json
from hasura.engine.api.data_access import DataAccess
from hasura.engine.api.workspace import Workspace
from hasura.engine.catalog.types import QualifiedName, UniqueConstraint
from hasura.engine.errors import EngineError, NotExists, NotSupported, PermissionDenied
from hasura.engine.exact_json import Json
from hasura.engine.ir.nodes import (
    AffectedRowsOutput,
    AggregateItems,
    AggregateSelection,
    ArrayOutput,
    Assignment,
    CallOutput,
    ColumnOutput,
    CountItem,
    Delete,
    Insert,
    InsertRows,
    MutationResponse,
    ObjectOutput,
    OnConflict,
    Operand,
    OrderItem,
    Output,
    ReturningOutput,
    Rows,
    SelectAggregate,
    Selection,
    SelectMany,
    Update,
    conjunction,
)
from hasura.engine.ir.parameters import Computed, Constant
from hasura.engine.ir.permission import computed_field_call, preset_operand
from hasura.engine.metadata.reading import Reader
from hasura.engine.metadata.types import RelationshipKind
from hasura.engine.plan import NO_VARIABLES, Statement, bind
from hasura.engine.schema.inputs.filters import INT8
from hasura.engine.schema.meanings import OrderDirection
from hasura.engine.schema_cache import ColumnInfo, TableInfo
from hasura.engine.session import Session
from hasura.engine.sql.database_errors import translate
from hasura.engine.translate.mutations.inserts import InsertTranslator
from hasura.engine.translate.mutations.translator import MutationTranslator
from hasura.engine.translate.selects import SelectTranslator
from hasura.engine.translate.statements import StatementList

_UPDATE_OPERATORS = ("set", "inc", "mul", "default")


async def run_data(workspace: Workspace, kind: str, args: Reader, session: Session) -> Json:
    """Runs one call with the session's permissions. Raises EngineError."""
    call = _Call(workspace, args, session)
    match kind:
        case "select":
            return await call.select()
        case "count":
            return await call.count()
        case "insert":
            return await call.insert()
        case "update":
            return await call.update()
        case _:
            return await call.delete()


class _Call:
    """Holds one call: its table, its role's access, its arguments."""

    def __init__(self, workspace: Workspace, args: Reader, session: Session) -> None:
        self._connection = workspace.connection
        self._args = args
        self._session = session
        self._cache = workspace.world.snapshot
        self._access = DataAccess(self._cache, session)
        name = args["table"].qualified_name()
        self._table = self._find(name)

    def _find(self, name: QualifiedName) -> TableInfo:
        table = self._cache.tables.get(name)
        if table is None:
            raise NotExists(f'table "{name}" does not exist', path="$.args.table")
        return table

    # --- reading -----------------------------------------------------------------------------------------------

    async def select(self) -> Json:
        columns = self._args["columns"]
        rows = self._rows(self._table, self._args)
        selection = self._selection(self._table, columns)
        statements = StatementList()
        statements.add(SelectTranslator(self._cache.options).statement(SelectMany(rows, selection)))
        return await self._execute(statements)

    async def count(self) -> Json:
        distinct = self._args.get("distinct")
        counted = tuple(
            self._access.shown_column(
                self._table, self._readable_column(self._table, name, f"$.args.distinct[{index}]")
            )
            for index, name in enumerate(distinct.names() if distinct is not None else ())
        )
        rows = self._rows(self._table, self._args)
        item = CountItem("count", counted, is_distinct=bool(counted))
        aggregate = AggregateSelection((AggregateItems("aggregate", (item,)),))
        statements = StatementList()
        statements.add(SelectTranslator(self._cache.options).statement(SelectAggregate(rows, aggregate)))
        answer = await self._execute(statements)
        assert isinstance(answer, dict)
        return answer["aggregate"]

    def _rows(self, table: TableInfo, args: Reader, join: tuple[tuple[str, str], ...] = ()) -> Rows:
        self._access.require_select(table)
        where = args.get("where")
        condition = self._access.condition(table, where.object()) if where is not None else None
        limit, offset = args.get("limit"), args.get("offset")
        return Rows(
            table,
            where=conjunction(self._access.select_filter(table), *([condition] if condition is not None else [])),
            join=join,
            order_by=tuple(self._order(table, args.get("order_by"))),
            limit=_amount(limit) if limit is not None else None,
            offset=Operand(Constant(str(_amount(offset))), INT8) if offset is not None else None,
            permission_limit=self._access.limit(table),
        )

    def _selection(self, table: TableInfo, columns: Reader) -> Selection:
        items = list(columns.items()) if isinstance(columns.value, list) else [columns]
        return Selection(tuple(output for item in items for output in self._outputs(table, item)))

    def _outputs(self, table: TableInfo, item: Reader) -> Iterator[Output]:
        if item.value == "*" or (isinstance(item.value, dict) and item.value.get("name") == "*"):
            for name in self._access.readable_columns(table):
                yield self._column_output(table, name, item)
            return
        if not isinstance(item.value, dict):
            yield self._field_output(table, item.text(), item)
            return
        name = item["name"].name()
        relationship = table.relationships.get(name)
        if relationship is None:
            yield self._field_output(table, name, item)
            return
        remote = self._find(relationship.remote_table)
        alias = item.optional_text("alias") or name
        rows = self._rows(remote, item, relationship.column_mapping)
        selection = self._selection(remote, item["columns"])
        if relationship.kind is RelationshipKind.OBJECT:
            yield ObjectOutput(alias, replace(rows, order_by=(), limit=None, offset=None), selection)
        else:
            yield ArrayOutput(alias, rows, selection)

    def _field_output(self, table: TableInfo, name: str, item: Reader) -> Output:
        computed = table.computed_fields.get(name)
        if computed is not None and computed.returned_table is None and self._access.may_read_computed(table, name):
            return CallOutput(name, computed_field_call(computed))
        return self._column_output(table, name, item)

    def _column_output(self, table: TableInfo, name: str, item: Reader) -> ColumnOutput:
        column = table.columns_by_name.get(name)
        if column is None:
            raise NotExists(f'column "{name}" does not exist')
        if name not in self._access.readable_columns(table):
            raise PermissionDenied(f'role "{self._session.role}" does not have permission to select column "{name}"')
        return ColumnOutput(name, column, condition=self._access.column_condition(table, name))

    def _readable_column(self, table: TableInfo, name: str, path: str) -> ColumnInfo:
        if name not in table.columns_by_name or name not in self._access.readable_columns(table):
            raise PermissionDenied(f'no such column exists: "{name}"', path=path)
        return table.columns_by_name[name]

    def _order(self, table: TableInfo, order: Reader | None) -> Iterator[OrderItem]:
        if order is None:
            return
        for item in list(order.items()) if isinstance(order.value, list) else [order]:
            if isinstance(item.value, str):
                name, is_descending, nulls = item.value.lstrip("+-"), item.value.startswith("-"), None
            else:
                name = item["column"].name()
                is_descending = item.optional_text("type") == "desc"
                nulls = item.optional_text("nulls")
            column = self._readable_column(table, name, "$.args.order_by")
            nulls_first = nulls == "first" if nulls is not None else is_descending
            yield OrderItem(self._access.shown_column(table, column), OrderDirection(is_descending, nulls_first))

    # --- writing -----------------------------------------------------------------------------------------------

    def _response(self) -> MutationResponse:
        returning = self._args.get("returning")
        if returning is None:
            return MutationResponse((AffectedRowsOutput("affected_rows"),))
        self._access.require_select(self._table)
        columns = returning.names() if isinstance(returning.value, list) else ("*",)
        names = self._access.readable_columns(self._table) if columns == ("*",) else columns
        outputs = tuple(
            ColumnOutput(
                name,
                self._readable_column(self._table, name, "$.args.returning"),
                condition=self._access.column_condition(self._table, name),
            )
            for name in names
        )
        return MutationResponse(
            (AffectedRowsOutput("affected_rows"), ReturningOutput("returning", Selection(outputs)))
        )

    async def insert(self) -> Json:
        access = self._access.insert(self._table)
        objects = [item.object() for item in self._args["objects"].items()]
        on_conflict = self._on_conflict()
        given = {name for item in objects for name in item}
        for name in sorted(given):
            if name not in self._table.columns_by_name:
                raise NotExists(f'column "{name}" does not exist', path="$.args.objects")
            if name not in access.columns:
                raise PermissionDenied(
                    f'role "{self._session.role}" does not have permission to insert column "{name}"',
                    path="$.args.objects",
                )
        by_name = self._table.columns_by_name
        columns = tuple(info for info in self._table.columns if info.name in given)
        document = exact_json.dumps(
            [{by_name[name].graphql_name: value for name, value in item.items()} for item in objects]
        ).decode()
        rows = InsertRows(
            table=self._table,
            columns=columns,
            always_given=frozenset(
                info.graphql_name for info in columns if all(info.name in item for item in objects)
            ),
            presets={name: preset_operand(value, by_name[name].type) for name, value in access.presets.items()},
            check=self._access.resolved(self._table, access.check),
            on_conflict=on_conflict,
            document=Computed(lambda variables, session: document),
        )
        statements = StatementList()
        InsertTranslator(MutationTranslator(self._cache.options, statements)).insert(Insert(rows, self._response()))
        return await self._execute(statements)

    def _on_conflict(self) -> OnConflict | None:
        given = self._args.get("on_conflict")
        if given is None:
            return None
        if "action" not in given:
            raise given.fail("the key 'action' was not present")
        action = given["action"].text()
        constraint = self._constraint(given)
        if action == "ignore":
            return OnConflict(constraint, (), (), conjunction(), conjunction())
        if constraint is None:
            # As in Hasura, what is returned is checked first.
            self._response()
            raise EngineError(
                'Expecting either "constraint" or "constraint_on" when the "action" is "update"',
                code="unexpected-payload",
                path="$.args.on_conflict",
            )
        update = self._access.update(self._table)
        names = {name for item in self._args["objects"].items() for name in item.object()}
        by_name = self._table.columns_by_name
        return OnConflict(
            constraint,
            tuple(by_name[name] for name in sorted(names) if name in update.columns),
            tuple(
                (by_name[name], preset_operand(value, by_name[name].type)) for name, value in update.presets.items()
            ),
            self._access.resolved(self._table, update.filter),
            self._access.resolved(self._table, update.check),
        )

    def _constraint(self, given: Reader) -> UniqueConstraint | None:
        name = given.optional_text("constraint")
        constraints = self._table.table.all_unique_constraints
        if name is not None:
            named = next((item for item in constraints if item.name == name), None)
            if named is None:
                raise EngineError(
                    f'"{name}" is not a unique or primary key constraint of "{self._table.name}"',
                    code="unexpected-payload",
                    path="$.args.on_conflict",
                )
            return named
        columns = given.get("constraint_on")
        if columns is None:
            return None
        names = set(columns.names()) if isinstance(columns.value, list) else {columns.text()}
        constraint = next((item for item in constraints if item.covers(names)), None)
        if constraint is None:
            raise EngineError(
                "no unique or primary key constraint over these columns",
                code="unexpected-payload",
                path="$.args.on_conflict.constraint_on",
            )
        return constraint

    async def update(self) -> Json:
        access = self._access.update(self._table)
        assignments = tuple(self._assignments(access.columns))
        by_name = self._table.columns_by_name
        presets = tuple(
            Assignment(by_name[name], "_set", preset_operand(value, by_name[name].type))
            for name, value in access.presets.items()
        )
        if not assignments and not presets:
            raise EngineError("at least one of $set, $inc, $mul, $default is expected", code="unexpected-payload")
        where = self._access.condition(self._table, self._args["where"].object())
        update = Update(
            self._table,
            conjunction(self._access.resolved(self._table, access.filter), where),
            assignments + presets,
            self._access.resolved(self._table, access.check),
            self._response(),
        )
        statements = StatementList()
        MutationTranslator(self._cache.options, statements).update(update)
        return await self._execute(statements)

    def _assignments(self, columns: frozenset[str]) -> Iterator[Assignment]:
        for operator in _UPDATE_OPERATORS:
            key = next((key for key in (f"${operator}", f"_{operator}") if key in self._args), None)
            if key is None:
                continue
            given = self._args[key]
            path = f'$.args["{key}"]'
            members = dict.fromkeys(given.names()) if isinstance(given.value, list) else given.object()
            for name, value in members.items():
                column = self._table.columns_by_name.get(name)
                if column is None:
                    raise NotExists(f'column "{name}" does not exist', path=path)
                if name not in columns:
                    raise PermissionDenied(
                        f'role "{self._session.role}" does not have permission to update column "{name}"', path=path
                    )
                yield Assignment(column, f"_{operator}", preset_operand(value, column.type))

    async def delete(self) -> Json:
        access = self._access.delete(self._table)
        where = self._access.condition(self._table, self._args["where"].object())
        delete = Delete(
            self._table, conjunction(self._access.resolved(self._table, access.filter), where), self._response()
        )
        statements = StatementList()
        MutationTranslator(self._cache.options, statements).delete(delete)
        return await self._execute(statements)

    # --- running -----------------------------------------------------------------------------------------------

    async def _execute(self, statements: StatementList) -> Json:
        results: list[str | bytes] = []
        try:
            for statement in statements.statements:
                results.append(await self._fetch(statement, results))
        except asyncpg.PostgresError as exc:
            raise translate(exc, "$.args") from exc
        answer: Json = exact_json.loads(results[-1])
        return answer

    async def _fetch(self, statement: Statement, results: list[str | bytes]) -> str | bytes:
        arguments = bind(statement, NO_VARIABLES, self._session.variables, results)
        value = await self._connection.fetchval(statement.sql, *arguments)
        return value if isinstance(value, str | bytes) else exact_json.dumps(value)


def _amount(value: Reader) -> int:
    number = value.value
    if isinstance(number, bool) or not isinstance(number, int):
        kind = "Int" if value.path and value.path[-1] in ("limit", "offset") else "Integer"
        raise value.mismatch(kind, "Number")
    if number < 0:
        where = value.path[-1] if value.path else "limit"
        raise NotSupported("unexpected negative value", path=f"$.args.{where}")
    return number
