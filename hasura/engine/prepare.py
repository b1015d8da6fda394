"""Prepares operations: a document becomes an operation that can be compiled for any variables."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from graphql.language import ast

from hasura.engine import exact_json
from hasura.engine.errors import ValidationFailed, json_path, nested_too_deeply, refuse_endless_nesting
from hasura.engine.exact_json import Json
from hasura.engine.ir.context import TYPENAME, BuildContext, Touched
from hasura.engine.ir.directives import check_operation_directives
from hasura.engine.ir.documents.document import FlatField, Operation, parse_operation
from hasura.engine.ir.documents.values import Path
from hasura.engine.ir.documents.variables import Complete, completion, given_or_default, variable_definitions
from hasura.engine.ir.introspection import introspect
from hasura.engine.ir.nodes import CallMutation, Delete, Insert, Mutation, Update, UpdateMany
from hasura.engine.ir.roots import build_mutation, build_query
from hasura.engine.ir.shapes import is_plain, shape
from hasura.engine.ir.streams import build_stream
from hasura.engine.plan import (
    NO_VARIABLES,
    ConstantStep,
    OperationKind,
    Plan,
    SqlStep,
    Statement,
    Step,
    Variables,
)
from hasura.engine.schema.directives import MULTIPLE_FIELDS
from hasura.engine.schema.meanings import NamespaceRoot, NoQueriesRoot, SchemaRoot, TableRoot, TypeRoot
from hasura.engine.schema.role import RoleSchema, role_schema
from hasura.engine.schema.types import Field, InputField, ObjectType, TypeRef
from hasura.engine.schema_cache import SchemaCache, SchemaOptions
from hasura.engine.translate.mutations.alike import KnownChanges
from hasura.engine.translate.mutations.inserts import InsertTranslator
from hasura.engine.translate.mutations.translator import MutationTranslator
from hasura.engine.translate.selects import SelectTranslator
from hasura.engine.translate.statements import MAX_PARAMETERS, StatementList, together

_ABSENT = "absent"
# More root fields in one statement would be too much for the planner.
_MAX_TOGETHER = 50


@refuse_endless_nesting
def prepare_operation(
    cache: SchemaCache,
    *,
    role: str,
    document: str,
    operation_name: str | None = None,
    use_backend_only: bool = False,
    root_prefix: str = "",
    stringify_numeric_types: bool = False,
) -> "CompiledOperation":
    """Returns the operation of a document for a role; raises EngineError when it cannot be chosen or parsed.

    Whether its fields exist is found out with the first variables (`complete`), because `@include` and `@skip` decide
    which fields count.
    """
    operation = parse_operation(document, operation_name)
    return CompiledOperation(
        role_schema(cache, role, use_backend_only=use_backend_only, root_prefix=root_prefix),
        operation,
        stringify_numeric_types=stringify_numeric_types,
    )


@dataclass(frozen=True, slots=True)
class _Use:
    """Describes one way in which a variable is used."""

    variable: str
    type: TypeRef
    field: InputField | None
    # Only whether it is null changes SQL.
    is_plain: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Holds a root field of the operation, its type's field, and the response key of its namespace if it has one."""

    parent: ObjectType
    flat: FlatField
    path: Path
    namespace: str | None = None
    # A namespace of which `@include` and `@skip` leave no field.
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class _Learned:
    """Holds how the variables are used, and what completes those that need it."""

    uses: tuple[_Use, ...]
    completions: tuple[tuple[str, Complete], ...]


class CompiledOperation:
    """Implements `plan.PreparedOperation`. Compiling teaches it how variables shape the plan."""

    def __init__(self, schema: RoleSchema, operation: Operation, *, stringify_numeric_types: bool) -> None:
        self._schema = schema
        self._operation = operation
        self._stringify_numeric_types = stringify_numeric_types
        self._definitions = variable_definitions(operation.definition)
        self._directive_variables = tuple(sorted(_directive_variables(operation)))
        self._learned: dict[Hashable, _Learned] = {}
        # The plan that was compiled to learn, for the call of `compile` that usually follows.
        self._fresh: tuple[Hashable, Plan] | None = None
        # What the plans compiled so far rest on; None when that is the whole schema (introspection).
        self._touched: Touched | None = Touched({}, {})
        self.kind = OperationKind(operation.kind)
        self._has_no_variables = not self._definitions

    def complete(self, sent: Mapping[str, Json]) -> Variables:
        """Returns the variables of a request with their defaults; raises EngineError when they do not fit."""
        if self._has_no_variables and not sent:
            return NO_VARIABLES
        variables = given_or_default(self._definitions, sent)
        try:
            for name, complete in self._knowledge(self._choice(variables), variables).completions:
                if name in variables:
                    variables[name] = complete(variables[name])
        except RecursionError:
            raise nested_too_deeply() from None
        return Variables(variables)

    def shape_key(self, variables: Variables) -> Hashable:
        """Returns what of the variables changes SQL; raises EngineError when they do not fit."""
        if self._has_no_variables:
            return ()
        try:
            choice = self._choice(variables)
            return _key(choice, self._knowledge(choice, variables).uses, variables)
        except RecursionError:
            raise nested_too_deeply() from None

    def move_to(self, cache: SchemaCache) -> bool:
        """Moves on to another snapshot; False when something this operation rests on is different there.

        Tables are compared by identity: a snapshot shares every table a change did not touch, and permissions,
        relationships and computed fields are part of their table.
        """
        before = self._schema.cache
        if self._touched is None or not self._touched.is_unchanged(cache):
            return False
        if cache.options != before.options or cache.inherited_roles != before.inherited_roles:
            return False
        self._schema = role_schema(
            cache,
            self._schema.role,
            use_backend_only=self._schema.use_backend_only,
            root_prefix=self._schema.root_prefix,
        )
        # Uses know types of the old snapshot's schema, which would keep all of it in memory.
        self._learned.clear()
        self._fresh = None
        return True

    def _choice(self, variables: Mapping[str, Json]) -> Hashable:
        names = self._directive_variables
        return tuple(_exact(variables, name) for name in names) if names else ()

    def _knowledge(self, choice: Hashable, variables: Mapping[str, Json]) -> _Learned:
        learned = self._learned.get(choice)
        if learned is None:
            context = self._context(variables)
            plan = self._build(context)
            uses = tuple(
                _Use(use.variable, use.type, use.field, is_plain(use.type, use.field))
                for use in context.uses.values()
            )
            completions = {
                (use.variable, complete): complete for use in uses if (complete := completion(use.type)) is not None
            }
            learned = _Learned(uses, tuple((name, complete) for (name, _), complete in completions.items()))
            self._learned[choice] = learned
            self._fresh = (_key(choice, uses, context.variables), plan)
        return learned

    def _context(self, variables: Mapping[str, Json]) -> BuildContext:
        return BuildContext(self._schema, self._operation, self._definitions, variables)

    @refuse_endless_nesting
    def compile(self, variables: Variables) -> Plan:
        """Returns the plan for variables of this shape."""
        key = self.shape_key(variables)
        fresh, self._fresh = self._fresh, None
        if fresh is not None and fresh[0] == key:
            return fresh[1]
        return self._build(self._context(variables))

    def _options(self) -> SchemaOptions:
        options = self._schema.cache.options
        return replace(options, stringify_numeric_types=True) if self._stringify_numeric_types else options

    # --- building --------------------------------------------------------------------------------------------------

    def _build(self, context: BuildContext) -> Plan:
        root = self._root()
        check_operation_directives(context)
        places = list(self._places(context, root))
        if self.kind is OperationKind.SUBSCRIPTION:
            self._check_subscription(places)
        known = KnownChanges() if self.kind is OperationKind.MUTATION and len(places) > 1 else None
        steps = tuple(self._step(context, place, known) for place in places)
        if self._touched is not None:
            self._touched = None if context.reads_schema else self._touched.joined(context.touched())
        return Plan(
            self.kind,
            steps,
            frozenset(context.tables),
            calls_functions=context.calls_functions,
            is_stream=self.kind is OperationKind.SUBSCRIPTION and any(_is_stream(place) for place in places),
            together=_together(steps) if self.kind is OperationKind.QUERY else None,
        )

    def _places(self, context: BuildContext, root: ObjectType) -> Iterator[_Place]:
        """Yields the fields of the root type; in place of the source's namespace, those below it."""
        for flat in context.flattener.fields([self._operation.definition.selection_set], root.name, ()):
            path: Path = ("selectionSet", flat.name)
            definition = root.field(flat.name)
            if definition is None or not isinstance(definition.meaning, NamespaceRoot):
                yield _Place(root, flat, path)
                continue
            context.check_selection(flat, definition, path)
            context.arguments(flat, definition, path)
            inner = definition.type
            assert isinstance(inner, ObjectType)
            children = context.flattener.fields(flat.selection_sets, inner.name, path)
            for child in children:
                yield _Place(inner, child, (*path, "selectionSet", child.name), flat.response_key)
            if not children:
                yield _Place(root, flat, path, is_empty=True)

    def _root(self) -> ObjectType:
        if self.kind is OperationKind.QUERY:
            return self._schema.query_root
        if self.kind is OperationKind.SUBSCRIPTION:
            return self._schema.subscription_root
        return self._schema.mutation_root

    def _check_subscription(self, places: list[_Place]) -> None:
        names = [directive.name.value for directive in self._operation.definition.directives or ()]
        if len(places) != 1 and MULTIPLE_FIELDS.name not in names:
            raise ValidationFailed("subscriptions must select one top level field")

    def _step(self, context: BuildContext, place: _Place, known: KnownChanges | None) -> Step:
        root, flat, path = place.parent, place.flat, place.path

        def constant(value: bytes) -> ConstantStep:
            return ConstantStep(flat.response_key, value, place.namespace)

        if place.is_empty:
            return constant(b"{}")
        if flat.name == TYPENAME:
            context.check_typename(flat, path)
            return constant(orjson.dumps(root.name))
        definition = self._definition(root, flat, path)
        meaning = definition.meaning
        if isinstance(meaning, SchemaRoot | TypeRoot):
            context.reads_schema = True
            return constant(introspect(context, flat, path))
        context.check_selection(flat, definition, path)
        if isinstance(meaning, NoQueriesRoot):
            context.reads_schema = True
            return constant(b'""')
        if isinstance(meaning, TableRoot) and meaning.kind == "select_stream":
            stream = build_stream(context, flat, definition, path)
            fragment = SelectTranslator(self._options()).stream(stream)
            statement = StatementList().statement_of(fragment)
            return SqlStep(flat.response_key, (statement,), _error_path(definition, path), place.namespace)
        statements = StatementList()
        if self.kind is OperationKind.MUTATION:
            mutation = build_mutation(context, flat, definition, path)
            self._translate(mutation, MutationTranslator(self._options(), statements, known))
        else:
            select = build_query(context, flat, definition, path)
            statements.add(SelectTranslator(self._options()).statement(select))
        error_path = _error_path(definition, path)
        return SqlStep(
            flat.response_key, tuple(statements.statements), error_path, place.namespace, statements.members
        )

    def _definition(self, root: ObjectType, flat: FlatField, path: Path) -> Field:
        definition = root.field(flat.name)
        is_hidden = definition is not None and isinstance(definition.meaning, SchemaRoot | TypeRoot)
        if definition is None and self.kind is OperationKind.MUTATION and not self._schema.has_mutations():
            raise ValidationFailed("no mutations exist")
        if definition is None or (is_hidden and not self._schema.cache.may_introspect(self._schema.role)):
            raise ValidationFailed(f"field '{flat.name}' not found in type: '{root.name}'", path=json_path(*path))
        return definition

    @staticmethod
    def _translate(mutation: Mutation, translator: MutationTranslator) -> None:
        if isinstance(mutation, Insert):
            InsertTranslator(translator).insert(mutation)
        elif isinstance(mutation, Update):
            translator.update(mutation)
        elif isinstance(mutation, UpdateMany):
            translator.update_many(mutation)
        elif isinstance(mutation, Delete):
            translator.delete(mutation)
        else:
            assert isinstance(mutation, CallMutation)
            translator.call(mutation)


def _is_stream(place: _Place) -> bool:
    definition = place.parent.field(place.flat.name)
    meaning = definition.meaning if definition is not None else None
    return isinstance(meaning, TableRoot) and meaning.kind == "select_stream"


def _together(steps: Sequence[Step]) -> Statement | None:
    statements = [statement for step in steps if isinstance(step, SqlStep) for statement in step.statements]
    values = sum(len(statement.parameters) for statement in statements)
    return together(statements) if 1 < len(statements) <= _MAX_TOGETHER and values <= MAX_PARAMETERS else None


def _key(choice: Hashable, uses: tuple[_Use, ...], completed: Mapping[str, Json]) -> Hashable:
    parts: list[Hashable] = []
    for use in uses:
        if use.variable not in completed:
            parts.append(_ABSENT)
        elif use.is_plain:
            parts.append(completed[use.variable] is not None)
        else:
            parts.append(shape(completed[use.variable], use.type, use.field))
    return choice, tuple(parts)


def _error_path(definition: Field, path: Path) -> str:
    """Returns the place that an error of PostgreSQL or of a permission names while an operation is running.

    Only rows that an insert sends have a place in the document, so its refusals have that of the argument, and those
    of a nested insert that of the rows (`Statement.place`). What an update, delete, query or function is refused is
    no argument's fault but that of rows already stored: `$`. An upsert's check of a row that it updates is an
    update's (`Blamed.STORED_ROWS`). What is wrong with the document itself is found while it is read, and has its
    own place.
    """
    meaning = definition.meaning
    if isinstance(meaning, TableRoot) and meaning.kind in ("insert", "insert_one"):
        return json_path(*path, "args", "objects" if meaning.kind == "insert" else "object")
    return "$"


def _exact(variables: Mapping[str, Json], name: str) -> Hashable:
    value = variables.get(name, _ABSENT)
    return (type(value).__name__, exact_json.dumps(value))


def _directive_variables(operation: Operation) -> Iterator[str]:
    """Yields the variables that `@include` and `@skip` look at, anywhere in the document."""

    def walk(selections: ast.SelectionSetNode) -> Iterator[str]:
        for selection in selections.selections:
            for directive in selection.directives or ():
                for argument in directive.arguments or ():
                    if isinstance(argument.value, ast.VariableNode):
                        yield argument.value.name.value
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                yield from walk(inner)

    names: set[str] = set(walk(operation.definition.selection_set))
    for fragment in operation.fragments.values():
        names.update(walk(fragment.selection_set))
    yield from names
