"""Builds the rows of each level from insert fields, with presets, checks and conflict handling.

The rows themselves stay JSON: one parameter per level, checked row by row for each request, so that a plan does not
depend on how many there are.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from hasura.engine import exact_json
from hasura.engine.errors import EngineError, ValidationFailed, json_path
from hasura.engine.exact_json import Json, whole
from hasura.engine.ir.arguments.filters import build_filter
from hasura.engine.ir.arguments.row_places import Locate, locate_nested, locate_top, place_of_refusal
from hasura.engine.ir.context import BuildContext, without_nulls
from hasura.engine.ir.documents.scalars import INTEGERS, certain_types, encode
from hasura.engine.ir.documents.values import EnumLiteral, InputValue, Path
from hasura.engine.ir.nodes import (
    TRUE,
    BoolExp,
    Insert,
    InsertRows,
    NestedInsert,
    OnConflict,
    Operand,
    Response,
    conjunction,
)
from hasura.engine.ir.parameters import Computed, refreshed
from hasura.engine.ir.permission import preset_operand
from hasura.engine.metadata.types import InsertionOrder, RelationshipKind
from hasura.engine.plan import SessionVariables, Variables
from hasura.engine.schema.columns import enum_table_type
from hasura.engine.schema.meanings import ColumnInput, RelationshipInput
from hasura.engine.schema.mutations import PLACEHOLDER, insert_input
from hasura.engine.schema.permissions import Filter, WriteAccess
from hasura.engine.schema_cache import ColumnInfo, RelationshipInfo, TableInfo

Row = dict[str, Json]
# (number of the parent among its siblings, the row), for all parents of a level in order.
Level = list[tuple[int, Row]]
ReadLevel = Callable[[Variables], Level]


def build_insert(
    context: BuildContext,
    table: TableInfo,
    arguments: Mapping[str, InputValue],
    response: Response,
) -> Insert:
    """Returns what `insert_x(objects:)` or `insert_x_one(object:)` inserts."""
    value = arguments["objects"] if "objects" in arguments else arguments["object"]

    def read(variables: Variables) -> Level:
        rows = refreshed(value, variables)
        return [(index, _row(row)) for index, row in enumerate(rows if isinstance(rows, list) else [rows], start=1)]

    is_many = "objects" in arguments
    members = value.items(insert_input(context.schema, table).name) if is_many else (value,)
    places = _numbered(value.path, members)
    level = _InsertLevel(context, table, members, places, read, locate_top(value), is_top=True)
    return Insert(level.build(arguments.get("on_conflict")), response)


def _numbered(path: Path, members: tuple[InputValue, ...]) -> list[Path]:
    """Returns the places of rows. As in Hasura a single one is the first of a list, however it was given."""
    return [(*path, index) for index in range(len(members))]


def _row(value: Json) -> Row:
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class _ColumnCheck:
    """Refuses what a column cannot take, before the database sees it."""

    column: ColumnInfo
    enum_values: frozenset[str] | None
    enum_name: str

    def __call__(self, value: Json, path: Path) -> Json:
        """Returns the value as it is put into the document of rows."""
        if value is None:
            return None
        if self.enum_values is None:
            encode(value, self.column.type, path)
            # PostgreSQL reads `5.0` and `1e3` as numbers with a fraction only.
            return whole(value) if isinstance(value, float) and self.is_whole else value
        if value not in self.enum_values:
            listed = ", ".join(f"'{item}'" for item in sorted(self.enum_values))
            raise ValidationFailed(
                f"expected one of the values [{listed}] for type '{self.enum_name}', but found '{value}'",
                path=json_path(*path),
            )
        return value

    @property
    def is_whole(self) -> bool:
        """Returns whether the column holds integers."""
        return self.column.type.underlying.name in ("int2", "int4", "int8")


class _InsertLevel:
    """Builds one table's rows at one relationship path of an insert."""

    def __init__(
        self,
        context: BuildContext,
        table: TableInfo,
        members: tuple[InputValue, ...],
        places: list[Path],
        read: ReadLevel,
        locate: Locate,
        *,
        is_top: bool,
        linked: frozenset[str] = frozenset(),
    ) -> None:
        self._context = context
        self._table = table
        self._members = members
        # Places of the rows that the plan is built from, for their errors; `locate` finds those of a request.
        self._places = places
        self._read = read
        self._locate = locate
        self._is_top = is_top
        # Columns whose values come through the relationship from the parent.
        self._linked = linked
        self._kind = insert_input(context.schema, table)
        access = context.schema.access(table).insert
        assert access is not None
        self._access: WriteAccess = access

    def build(self, on_conflict: InputValue | None) -> InsertRows:
        """Returns the level with all below it."""
        given = self._given()
        columns = [name for name in self._kind.fields if name in given and self._is_column(name)]
        infos = [self._column(name) for name in columns]
        presets = self._presets()
        self._refuse_determined_by_parent()
        before, after = self._nested(given)
        return InsertRows(
            self._table,
            tuple(infos),
            frozenset(name for name in columns if all(name in row for row in self._rows())),
            presets,
            self._check(self._access.check),
            self._on_conflict(on_conflict),
            Computed(self._document(columns)),
            not self._is_top,
            before,
            after,
            self._place_of_refusal(),
        )

    def _place_of_refusal(self) -> Callable[[Variables], str]:
        locate = self._locate
        meanings = {name: field.meaning for name, field in self._kind.fields.items()}
        relationships = frozenset(name for name, item in meanings.items() if isinstance(item, RelationshipInput))
        return lambda variables: place_of_refusal(locate(variables), relationships)

    def _rows(self) -> Iterator[Mapping[str, InputValue]]:
        for member in self._members:
            yield member.members(self._kind.name)

    def _given(self) -> dict[str, list[InputValue]]:
        """Returns what the rows give, by name."""
        given: dict[str, list[InputValue]] = {}
        for row in self._rows():
            for name, value in row.items():
                given.setdefault(name, []).append(value)
        return given

    def _is_column(self, name: str) -> bool:
        return isinstance(self._kind.fields[name].meaning, ColumnInput)

    def _column(self, name: str) -> ColumnInfo:
        meaning = self._kind.fields[name].meaning
        assert isinstance(meaning, ColumnInput)
        return meaning.column

    def _presets(self) -> dict[str, Operand]:
        by_name = self._table.columns_by_name
        return {
            name: preset_operand(value, by_name[name].type)
            for name, value in self._access.presets.items()
            if name in by_name
        }

    def _refuse_determined_by_parent(self) -> None:
        for place, row in zip(self._places, self._rows(), strict=True):
            columns = self._given_columns(row) & self._linked
            if columns:
                reason = "columns as their values are already being determined by parent insert"
                raise ValidationFailed(f"cannot insert {_quoted(columns)} {reason}", path=json_path(*place))

    def _given_columns(self, row: Mapping[str, InputValue]) -> set[str]:
        return {self._column(name).name for name in row if self._is_column(name)}

    def _check(self, check: Filter | None) -> BoolExp:
        return self._context.resolved(self._table, (check,)) if check else TRUE

    def _document(self, columns: list[str]) -> Callable[[Variables, SessionVariables], str | None]:
        """Returns the level's rows as a JSON array of `[parent, row]`, or of rows at the top, checked."""
        checks = {name: self._column_check(self._column(name)) for name in columns}
        certain = {name: certain_types(check.column.type) for name, check in checks.items() if not check.enum_values}
        integers = {name: INTEGERS.get(check.column.type.name, range(0)) for name, check in checks.items()}
        nothing: tuple[type, ...] = ()
        read, locate, is_top = self._read, self._locate, self._is_top

        def compute(variables: Variables, session: SessionVariables) -> str | None:
            level = read(variables)
            rows = [row for _, row in level]
            for number, row in enumerate(rows):
                for name, value in row.items():
                    # Exactly these types need no further check (True is an int, but not exactly).
                    kind = type(value)
                    if kind in certain.get(name, nothing) or (
                        kind is int and name in integers and value in integers[name]
                    ):
                        continue
                    if name in checks:
                        try:
                            checked = checks[name](value, (name,))
                        except EngineError as exc:
                            raise exc.under(*locate(variables)[number].row.path) from None
                        if checked is not value:
                            rows[number] = {**rows[number], name: checked}
            # Nested data is inserted by its own level; leaving it out keeps the parameter small.
            kept = [
                row if row.keys() <= checks.keys() else {name: row[name] for name in row.keys() & checks.keys()}
                for row in rows
            ]
            if is_top:
                return exact_json.dumps(kept).decode()
            numbered = [[parent, row] for (parent, _), row in zip(level, kept, strict=True)]
            return exact_json.dumps(numbered).decode()

        return compute

    def _column_check(self, column: ColumnInfo) -> _ColumnCheck:
        enum = enum_table_type(self._context.schema, column.enum_table) if column.enum_table is not None else None
        return _ColumnCheck(column, frozenset(enum.values) if enum is not None else None, enum.name if enum else "")

    # --- nested inserts ------------------------------------------------------------------------------------------

    def _nested(
        self, given: Mapping[str, list[InputValue]]
    ) -> tuple[tuple[NestedInsert, ...], tuple[NestedInsert, ...]]:
        before: list[NestedInsert] = []
        after: list[NestedInsert] = []
        for name, values in given.items():
            meaning = self._kind.fields[name].meaning
            if not isinstance(meaning, RelationshipInput):
                continue
            if all(value.is_null for value in values):
                continue
            relationship = meaning.relationship
            is_before = (
                relationship.kind is RelationshipKind.OBJECT
                and relationship.insertion_order is InsertionOrder.BEFORE_PARENT
            )
            nested = self._nested_insert(name, relationship, is_before=is_before)
            (before if is_before else after).append(nested)
        return tuple(before), tuple(after)

    def _nested_insert(self, name: str, relationship: RelationshipInfo, *, is_before: bool) -> NestedInsert:
        table = self._context.schema.table(relationship.remote_table)
        self._context.targets.add(table.name)
        kind = insert_input(self._context.schema, table)
        members: list[InputValue] = []
        places: list[Path] = []
        conflicts: list[InputValue | None] = []
        values: list[InputValue] = []
        for place, row in zip(self._places, self._rows(), strict=True):
            if name not in row or row[name].is_null:
                continue
            if is_before:
                self._refuse_determined(relationship, row, (*place, name))
            values.append(row[name])
            fields = without_nulls(row[name].members(name))
            data = fields["data"].items(kind.name)
            members.extend(data)
            below: Path = (*place, name, "data")
            places.extend(_numbered(below, data) if relationship.kind is RelationshipKind.ARRAY else [below])
            conflicts.append(fields.get("on_conflict"))
        if any(_plain(conflict) != _plain(conflicts[0]) for conflict in conflicts):
            raise EngineError(
                f'on_conflict of "{name}" must be the same in all rows of one insert',
                code="not-supported",
                path=values[0].location,
            )
        level = _InsertLevel(
            self._context,
            table,
            tuple(members),
            places,
            _nested_reader(self._read, name),
            locate_nested(self._locate, name, is_list=relationship.kind is RelationshipKind.ARRAY),
            is_top=False,
            linked=frozenset() if is_before else frozenset(there for _, there in relationship.column_mapping),
        )
        return NestedInsert(relationship, level.build(conflicts[0]))

    def _refuse_determined(self, relationship: RelationshipInfo, row: Mapping[str, InputValue], place: Path) -> None:
        """Refuses a column that is given both by itself and through the object inserted before the row."""
        local = {here for here, _ in relationship.column_mapping}
        columns = local & (self._given_columns(row) | self._linked)
        if columns:
            reason = f"as {_quoted(columns)} column values are already determined"
            raise ValidationFailed(
                f'cannot insert object relationship "{relationship.name}" {reason}', path=json_path(*place)
            )

    # --- conflicts -----------------------------------------------------------------------------------------------

    def _on_conflict(self, value: InputValue | None) -> OnConflict | None:
        if value is None:
            return None
        naming = self._context.schema.naming
        members = without_nulls(value.members(naming.type(self._table.graphql_name, "on_conflict")))
        constraint = members["constraint"].content
        assert isinstance(constraint, EnumLiteral)
        given = members.get(naming.field("update_columns"))
        columns = [
            self._table.columns_by_graphql_name[item.content.name]
            for item in (given.items("update_columns") if given is not None else ())
            if isinstance(item.content, EnumLiteral) and item.content.name != PLACEHOLDER
        ]
        update = self._context.schema.access(self._table).update
        condition: BoolExp = TRUE
        where = members.get("where")
        if where is not None:
            condition = build_filter(self._context, self._table, where)
        presets: list[tuple[ColumnInfo, Operand]] = []
        check: BoolExp = TRUE
        if update is not None and columns:
            by_name = self._table.columns_by_name
            presets = [
                (by_name[name], preset_operand(preset, by_name[name].type))
                for name, preset in update.presets.items()
                if name in by_name
            ]
            check = self._check(update.check)
            condition = conjunction(self._context.resolved(self._table, (update.filter,)), condition)
        target = next(item for item in self._table.table.all_unique_constraints if item.name == constraint.name)
        return OnConflict(target, tuple(dict.fromkeys(columns)), tuple(presets), condition, check)


def _quoted(columns: set[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(columns))


def _plain(value: InputValue | None) -> Json:
    return value.to_json() if value is not None else None


def _nested_reader(read: ReadLevel, name: str) -> ReadLevel:
    """Returns what reads the rows below each row of a level; rows without this relationship have none."""

    def read_nested(variables: Variables) -> Level:
        rows: Level = []
        for number, (_, row) in enumerate(read(variables), start=1):
            nested = row.get(name)
            if not isinstance(nested, dict):
                continue
            data = nested.get("data")
            rows.extend((number, _row(item)) for item in (data if isinstance(data, list) else [data]))
        return rows

    return read_nested
