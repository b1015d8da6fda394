"""Holds what all IR builders share while one operation is compiled: schema, variables, argument resolution."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphql.language import ast

from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import ValidationFailed, json_path
from hasura.engine.exact_json import Json, whole
from hasura.engine.ir.documents.document import FlatField, Flattener, Operation
from hasura.engine.ir.documents.scalars import encode, expectation
from hasura.engine.ir.documents.values import (
    EnumLiteral,
    InputValue,
    Path,
    VariablePlace,
    from_json,
    literal,
    refuse_repeated,
)
from hasura.engine.ir.documents.variables import VariableDefinition, completion, is_array_literal, require_fitting
from hasura.engine.ir.nodes import (
    TRUE,
    And,
    BoolExp,
    CallExists,
    CallExpression,
    Comparison,
    Expression,
    Not,
    Or,
    RelatedColumnExpression,
    RelatedExists,
    Rooted,
    TableExists,
    conjunction,
)
from hasura.engine.ir.permission import resolve_boolean_expression
from hasura.engine.schema.inputs.filters import BOOL, INT4, TEXT
from hasura.engine.schema.meanings import ComputedFieldField, FunctionRoot, Operator
from hasura.engine.schema.permissions import Filter
from hasura.engine.schema.role import RoleSchema
from hasura.engine.schema.types import (
    STRING,
    EnumType,
    Field,
    InputField,
    InputObjectType,
    ListOf,
    NonNull,
    ObjectType,
    ScalarType,
    TypeRef,
    named_type,
    nullable,
    type_text,
)
from hasura.engine.schema_cache import FunctionInfo, SchemaCache, TableInfo

TYPENAME = "__typename"
# A row in PostgreSQL has at most 1664 columns; some are for what stands beside the requested values.
MAX_VALUES_OF_A_ROW = 1600
_TYPENAME_FIELD = Field(TYPENAME, NonNull(STRING), None)
_TYPES_OF_SCALARS = {"Int": INT4, "Boolean": BOOL, "String": TEXT}


@dataclass(frozen=True, slots=True)
class VariableUse:
    """Notes that a variable stood where this was expected."""

    variable: str
    type: TypeRef
    field: InputField | None


@dataclass(frozen=True, slots=True)
class Touched:
    """Holds objects of a snapshot by name."""

    tables: Mapping[QualifiedName, TableInfo]
    functions: Mapping[QualifiedName, FunctionInfo]

    def joined(self, other: "Touched") -> "Touched":
        """Returns both together."""
        return Touched({**self.tables, **other.tables}, {**self.functions, **other.functions})

    def is_unchanged(self, cache: SchemaCache) -> bool:
        """Returns whether all of them are the very same objects in another snapshot."""
        return all(cache.tables.get(name) is table for name, table in self.tables.items()) and all(
            cache.functions.get(name) is function for name, function in self.functions.items()
        )


class BuildContext:
    """Holds one compilation. Collects how variables were used, which gives the shape key."""

    def __init__(
        self,
        schema: RoleSchema,
        operation: Operation,
        definitions: Mapping[str, VariableDefinition],
        variables: Mapping[str, Json],
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.definitions = definitions
        # Each is completed when it is first used, as then its type is known.
        self.variables = dict(variables)
        self.flattener = Flattener(operation, definitions, self.variables)
        # Keyed by variable, type and field identity, so that each way of use counts once.
        self.uses: dict[tuple[str, int, int], VariableUse] = {}
        self._filters: dict[tuple[object, ...], BoolExp] = {}
        # Columns by table and name, kept by `ir.shown`.
        self.shown_columns: dict[tuple[QualifiedName, str], Expression] = {}
        # Schema and name of every table read, for change-driven subscriptions.
        self.tables: set[tuple[str, str]] = set()
        self.calls_functions = False
        # Written to, or called: part of what a plan rests on, though not of what it reads.
        self.targets: set[QualifiedName] = set()
        self.functions: dict[QualifiedName, FunctionInfo] = {}
        self.reads_schema = False

    def touched(self) -> "Touched":
        """Returns the snapshot's objects that what was built rests on."""
        tables = self.schema.cache.tables
        read: dict[QualifiedName, TableInfo] = {}
        for pair in self.tables | self.targets:
            name = QualifiedName(*pair)
            read[name] = tables[name]
            # Values of enum tables are part of what is accepted.
            for column in tables[name].columns:
                if column.enum_table is not None and column.enum_table in tables:
                    read[column.enum_table] = tables[column.enum_table]
        return Touched(read, dict(self.functions))

    # --- fields ------------------------------------------------------------------------------------------------

    def selected(
        self, flat: FlatField, parent: ObjectType, path: Path
    ) -> Iterator[tuple[FlatField, Field | None, Path]]:
        """Yields the sub-fields of a field: (selection, definition, path); None defines `__typename`."""
        children = self.flattener.fields(flat.selection_sets, parent.name, path)
        refuse_too_many(len(children), path)
        for child in children:
            child_path = (*path, "selectionSet", child.name)
            if child.name == TYPENAME:
                self.check_typename(child, child_path)
                yield child, None, child_path
                continue
            definition = parent.field(child.name)
            if definition is None:
                raise ValidationFailed(
                    f"field '{child.name}' not found in type: '{parent.name}'", path=json_path(*child_path)
                )
            self.check_selection(child, definition, child_path)
            self._note_call(definition)
            yield child, definition, child_path

    def _note_call(self, definition: Field) -> None:
        if isinstance(definition.meaning, ComputedFieldField | FunctionRoot):
            self.calls_functions = True

    def check_selection(self, flat: FlatField, definition: Field, path: Path) -> None:
        """Raises ValidationFailed where an object has no sub-fields, or a leaf has some."""
        is_object = isinstance(named_type(definition.type), ObjectType)
        if is_object and not flat.has_selection:
            raise ValidationFailed(f"missing selection set for '{flat.name}'", path=json_path(*path))
        if not is_object and flat.has_selection:
            raise ValidationFailed("unexpected subselection set for non-object field", path=json_path(*path))

    def check_typename(self, flat: FlatField, path: Path) -> None:
        """Raises ValidationFailed where `__typename` has arguments or sub-fields."""
        self.check_selection(flat, _TYPENAME_FIELD, path)
        self.arguments(flat, _TYPENAME_FIELD, path)

    # --- arguments ---------------------------------------------------------------------------------------------

    def arguments(self, flat: FlatField, definition: Field, path: Path) -> dict[str, InputValue]:
        """Returns the given arguments by the `meaning` of their fields if that is text, else by their name.

        None of them is null: where an argument may be, that is the same as to leave it out.
        """
        given: dict[str, InputValue] = {}
        refuse_repeated("argument", [argument.name.value for argument in flat.arguments], json_path(*path))
        for argument in flat.arguments:
            name = argument.name.value
            field_definition = definition.arguments.get(name)
            if field_definition is None:
                raise ValidationFailed(f"'{flat.name}' has no argument named '{name}'", path=json_path(*path))
            value = self.resolve(argument.value, field_definition.type, (*path, "args", name), field_definition)
            if value is not None:
                given[_argument_key(field_definition)] = value
        given = without_nulls(given)
        for name, field_definition in definition.arguments.items():
            if isinstance(field_definition.type, NonNull) and _argument_key(field_definition) not in given:
                raise ValidationFailed(f"missing required field '{name}'", path=json_path(*path, "args", name))
        return given

    def resolve(
        self, node: ast.ValueNode, expected: TypeRef, path: Path, definition: InputField | None
    ) -> InputValue | None:
        """Returns a document value with its variables, checked; None when it is a variable not given."""
        if isinstance(node, ast.VariableNode):
            return self._resolve_variable(node.name.value, expected, path, definition)
        if isinstance(node, ast.NullValueNode):
            return self._checked_null(expected, path, None)
        target = nullable(expected)
        if isinstance(target, ListOf):
            nodes = node.values if isinstance(node, ast.ListValueNode) else None
            if isinstance(node, ast.StringValueNode) and is_array_literal(node.value):
                return from_json(node.value, path, None)
            if nodes is None:
                return InputValue((self.resolve(node, target.of, path, None) or self._absent(target.of, path),), path)
            items = [
                self.resolve(item, target.of, (*path, index), None) or self._absent(target.of, (*path, index))
                for index, item in enumerate(nodes)
            ]
            return InputValue(tuple(items), path)
        if isinstance(target, InputObjectType):
            if not isinstance(node, ast.ObjectValueNode):
                raise _untyped(node, path).mismatch("an object", target.name)
            return InputValue(dict(self._literal_members(node, target, path)), path)
        if isinstance(target, EnumType):
            if not isinstance(node, ast.EnumValueNode):
                raise _untyped(node, path).mismatch("an enum value", target.name)
            return _checked_enum(InputValue(EnumLiteral(node.value), path), node.value, target)
        value = self._literal_scalar(node, path)
        if isinstance(value.content, EnumLiteral):
            if target.name in _BUILT_IN_SCALARS:
                raise value.mismatch(_expectation(target), type_text(target))
            # As in Hasura: scalars of PostgreSQL types take a bare name as its text, such as a native enum's label.
            return InputValue(value.content.name, path)
        # The sizes of an answer (`limit`, `offset`) are checked where they are read, in their own words.
        is_size = definition is not None and isinstance(definition.meaning, str)
        is_fraction = isinstance(node, ast.FloatValueNode) and whole(value.content) is None
        if target.name == "Int" and is_fraction and not is_size:
            raise value.mismatch(_expectation(target), type_text(target))
        return value

    def _literal_members(
        self, node: ast.ObjectValueNode, target: InputObjectType, path: Path
    ) -> Iterator[tuple[str, InputValue]]:
        given: set[str] = set()
        refuse_repeated("input field", [member.name.value for member in node.fields], json_path(*path))
        for member in node.fields:
            name = member.name.value
            definition = _member(target, name, path)
            value = self.resolve(member.value, definition.type, (*path, name), definition)
            if value is None and isinstance(definition.meaning, Operator):
                # As in Hasura this does not leave the condition out: a forgotten variable would select every row.
                value = InputValue(None, (*path, name))
            if value is not None:
                given.add(name)
                yield name, value
        _require_members(target, given, path)

    def _literal_scalar(self, node: ast.ValueNode, path: Path) -> InputValue:
        """Returns a literal for a scalar: for json it may have any structure, with variables in it."""
        if isinstance(node, ast.VariableNode):
            name = node.name.value
            self._definition(name, path)
            self._use(name, ScalarType("json"), None)
            return from_json(self.variables.get(name), path, VariablePlace(name))
        if isinstance(node, ast.ListValueNode):
            return InputValue(
                tuple(self._literal_scalar(item, (*path, index)) for index, item in enumerate(node.values)), path
            )
        if isinstance(node, ast.ObjectValueNode):
            refuse_repeated("input field", [item.name.value for item in node.fields], json_path(*path))
            return InputValue(
                {item.name.value: self._literal_scalar(item.value, (*path, item.name.value)) for item in node.fields},
                path,
            )
        return _untyped(node, path)

    def _resolve_variable(
        self, name: str, expected: TypeRef, path: Path, definition: InputField | None
    ) -> InputValue | None:
        declared = self._definition(name, path)
        require_fitting(declared, expected, json_path(*path))
        self._use(name, expected, definition)
        if declared.default_node is not None:
            self._check_default(declared.default_node, declared, expected, path, definition)
        if name not in self.variables:
            return None
        complete = completion(expected)
        if complete is not None:
            self.variables[name] = complete(self.variables[name])
        return self.typed(self.variables[name], expected, path, VariablePlace(name))

    def _check_default(
        self,
        node: ast.ConstValueNode,
        declared: VariableDefinition,
        expected: TypeRef,
        path: Path,
        definition: InputField | None,
    ) -> None:
        """Checks that a default is a literal of the declared type, also if this request does not need it."""
        if not declared.is_non_null and isinstance(node, ast.NullValueNode):
            return
        value = self.resolve(node, NonNull(expected) if declared.is_non_null else expected, path, definition)
        # An offset may be larger than what GraphQL calls an Int.
        if value is not None and (definition is None or definition.meaning != "offset"):
            check_scalars(value, expected)

    def _absent(self, expected: TypeRef, path: Path) -> InputValue:
        """Returns what a list holds in place of a variable that has no value."""
        return self._checked_null(expected, path, None)

    def _definition(self, name: str, path: Path) -> VariableDefinition:
        declared = self.definitions.get(name)
        if declared is None:
            raise ValidationFailed(f"unbound variable '{name}'", path=json_path(*path))
        return declared

    def _use(self, name: str, expected: TypeRef, definition: InputField | None) -> None:
        self.uses.setdefault((name, id(expected), id(definition)), VariableUse(name, expected, definition))

    def typed(self, value: Json, expected: TypeRef, path: Path, place: VariablePlace | None) -> InputValue:
        """Returns the JSON of a variable checked against a type."""
        if value is None:
            return self._checked_null(expected, path, place)
        target = nullable(expected)
        if isinstance(target, ListOf):
            if not isinstance(value, list):
                return from_json(value, path, place)
            return InputValue(
                tuple(
                    self.typed(item, target.of, (*path, index), place.below(index) if place else None)
                    for index, item in enumerate(value)
                ),
                path,
                place,
            )
        if isinstance(target, InputObjectType):
            if not isinstance(value, dict):
                raise from_json(value, path, place).mismatch("an object", target.name)
            members = {
                name: self.typed(
                    item, _member(target, name, path).type, (*path, name), place.below(name) if place else None
                )
                for name, item in value.items()
            }
            _require_members(target, set(members), path)
            return InputValue(members, path, place)
        if isinstance(target, EnumType):
            if not isinstance(value, str):
                raise from_json(value, path, place).mismatch("an enum value", target.name)
            return _checked_enum(InputValue(EnumLiteral(value), path, place), value, target)
        return from_json(value, path, place)

    @staticmethod
    def _checked_null(expected: TypeRef, path: Path, place: VariablePlace | None) -> InputValue:
        value = InputValue(None, path, place)
        if isinstance(expected, NonNull):
            target = nullable(expected)
            raise value.mismatch(_expectation(target), type_text(target))
        return value

    # --- permissions -------------------------------------------------------------------------------------------

    def select_filter(self, table: TableInfo) -> BoolExp:
        """Returns the condition of the rows of a table that the role may read."""
        self.tables.add(table.name)
        access = self.schema.access(table).select
        return self.resolved(table, access.filters) if access is not None else Or(())

    def aggregated_filter(self, table: TableInfo) -> BoolExp:
        """Returns the condition of the rows of a table that the role's aggregates cover."""
        self.tables.add(table.name)
        access = self.schema.access(table).select
        return self.resolved(table, access.aggregated_filters) if access is not None else Or(())

    def resolved(self, table: TableInfo, filters: tuple[Filter, ...]) -> BoolExp:
        """Returns the condition that any of these filters of metadata holds."""
        key = (table.name, *(id(item) for item in filters))
        condition = self._filters.get(key)
        if condition is None:
            items = [resolve_boolean_expression(self.schema.cache.tables, table, item) for item in filters]
            condition = (
                TRUE
                if any(item == TRUE or not source for item, source in zip(items, filters, strict=True))
                else (items[0] if len(items) == 1 else Or(tuple(items)))
            )
            self._filters[key] = condition
            self._note_tables(condition)
        return condition

    def _note_tables(self, exp: BoolExp) -> None:
        """Notes the tables a permission looks at."""
        if isinstance(exp, And | Or):
            for item in exp.items:
                self._note_tables(item)
        elif isinstance(exp, Not | Rooted):
            self._note_tables(exp.item)
        elif isinstance(exp, RelatedExists | TableExists):
            self.tables.add(exp.table.name)
            self._note_tables(exp.condition)
        elif isinstance(exp, CallExists):
            self.calls_functions = True
        elif isinstance(exp, Comparison):
            for side in (exp.left, exp.right):
                if isinstance(side, CallExpression):
                    self.calls_functions = True
                elif isinstance(side, RelatedColumnExpression):
                    self.tables.update(relationship.remote_table for relationship in side.relationships)

    def readable(self, table: TableInfo, condition: BoolExp) -> BoolExp:
        """Returns `condition` and the role's filter."""
        return conjunction(self.select_filter(table), condition)


def refuse_too_many(values: int, path: Path) -> None:
    """Raises ValidationFailed when one row cannot hold so many values."""
    if values > MAX_VALUES_OF_A_ROW:
        raise ValidationFailed(
            f"{values} values of one object are asked for, at most {MAX_VALUES_OF_A_ROW} are possible; "
            "ask for them in several fields or operations",
            path=json_path(*path, "selectionSet"),
        )


def without_nulls(arguments: Mapping[str, InputValue]) -> dict[str, InputValue]:
    """Returns the arguments that have a value. What may not be null was refused before."""
    return {name: value for name, value in arguments.items() if not value.is_null}


def check_scalars(value: InputValue, expected: TypeRef) -> None:
    """Refuses values that GraphQL's own scalars in a type cannot have."""
    target = nullable(expected)
    if value.is_null:
        return
    if isinstance(target, ListOf) and isinstance(value.content, tuple):
        for item in value.content:
            check_scalars(item, target.of)
    elif isinstance(target, InputObjectType) and isinstance(value.content, Mapping):
        for name, member in value.content.items():
            check_scalars(member, target.fields[name].type)
    elif isinstance(target, ScalarType) and target.name in _TYPES_OF_SCALARS:
        encode(value.to_json(), _TYPES_OF_SCALARS[target.name], value.path)


def _argument_key(definition: InputField) -> str:
    return definition.meaning if isinstance(definition.meaning, str) else definition.name


def _member(target: InputObjectType, name: str, path: Path) -> InputField:
    definition = target.fields.get(name)
    if definition is None:
        raise ValidationFailed(f"field '{name}' not found in type: '{target.name}'", path=json_path(*path, name))
    return definition


def _require_members(target: InputObjectType, given: set[str], path: Path) -> None:
    for name, definition in target.fields.items():
        if isinstance(definition.type, NonNull) and definition.default_text is None and name not in given:
            raise ValidationFailed(f"missing required field '{name}'", path=json_path(*path, name))


def _checked_enum(value: InputValue, name: str, target: EnumType) -> InputValue:
    if name not in target.values:
        listed = ", ".join(f"'{item}'" for item in sorted(target.values))
        raise ValidationFailed(
            f"expected one of the values [{listed}] for type '{target.name}', but found '{name}'",
            path=json_path(*value.path),
        )
    return value


def _untyped(node: ast.ValueNode, path: Path) -> InputValue:
    if isinstance(node, ast.EnumValueNode):
        return InputValue(EnumLiteral(node.value), path)
    return from_json(literal(node), path, None)


_BUILT_IN_SCALARS = frozenset({"Int", "Float", "String", "Boolean", "ID"})


def _expectation(target: TypeRef) -> str:
    if isinstance(target, ListOf):
        return "a list"
    if isinstance(target, InputObjectType):
        return "an object"
    if isinstance(target, EnumType):
        return "an enum value"
    return expectation(target.name) if isinstance(target, ScalarType) else "a value"
