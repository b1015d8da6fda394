"""Completes the variables of a request, once, before anything reads them.

What a variable's value is completed to follows from the type where it is used, which is the declared one: a single
value where a list is expected becomes a list, fields of input objects that are not given take their defaults. What
does not fit the type stays as it is, to be refused with its place where it is used.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from graphql import parse_const_value
from graphql.language import ast

from hasura.engine.errors import ValidationFailed
from hasura.engine.exact_json import Json
from hasura.engine.ir.documents.values import literal
from hasura.engine.schema.types import InputField, InputObjectType, ListOf, NonNull, ScalarType, TypeRef, type_text

Complete = Callable[[Json], Json]


@dataclass(frozen=True, slots=True)
class VariableDefinition:
    """Describes a variable as the operation declares it."""

    name: str
    type_text: str
    # None: it has none, which is not the same as `null`.
    default_node: ast.ConstValueNode | None
    default: Json
    is_non_null: bool

    @property
    def fills_gaps(self) -> bool:
        """Returns whether it still has a value when it is left out."""
        return self.default is not None


def variable_definitions(operation: ast.OperationDefinitionNode) -> dict[str, VariableDefinition]:
    """Returns the declared variables by name. Raises ValidationFailed when one is declared twice."""
    definitions: dict[str, VariableDefinition] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in definitions:
            raise ValidationFailed(f"multiple definitions for variable '{name}'")
        node = definition.default_value
        default = None if node is None else literal(node)
        is_non_null = isinstance(definition.type, ast.NonNullTypeNode)
        definitions[name] = VariableDefinition(name, _type_text(definition.type), node, default, is_non_null)
    return definitions


def _type_text(node: ast.TypeNode) -> str:
    if isinstance(node, ast.NonNullTypeNode):
        return _type_text(node.type) + "!"
    if isinstance(node, ast.ListTypeNode):
        return f"[{_type_text(node.type)}]"
    assert isinstance(node, ast.NamedTypeNode)
    return node.name.value


def given_or_default(definitions: Mapping[str, VariableDefinition], sent: Mapping[str, Json]) -> dict[str, Json]:
    """Returns what was sent, and the defaults of what was not.

    A variable without either is absent, which is not null. Raises ValidationFailed for variables that are not
    declared, and for missing or null ones that may not be.
    """
    if not definitions.keys() >= sent.keys():
        unexpected = [name for name in sent if name not in definitions]
        raise ValidationFailed(
            f"unexpected variables in variableValues: {', '.join(unexpected)}", path="$.variableValues"
        )
    values: dict[str, Json] = {}
    for name, definition in definitions.items():
        value = sent.get(name)
        if value is not None:
            values[name] = value
        elif name in sent:
            if definition.is_non_null:
                raise ValidationFailed(
                    f'null value found for non-nullable type: "{definition.type_text}"', path="$.variableValues"
                )
            values[name] = None
        elif definition.default_node is not None:
            values[name] = definition.default
        elif definition.is_non_null:
            raise ValidationFailed(f'expecting a value for non-nullable variable: "{name}"', path="$.variableValues")
    return values


def completion(reference: TypeRef) -> Complete | None:
    """Returns what completes values of a type; None when nothing is ever to be done."""
    while isinstance(reference, NonNull):
        reference = reference.of
    if isinstance(reference, ListOf):
        return _list_completion(reference)
    if not isinstance(reference, InputObjectType):
        return None
    if reference.completion is None:
        reference.completion = _ObjectCompletion(reference)
    return reference.completion


def is_array_literal(text: str) -> bool:
    """Returns whether it is PostgreSQL's notation of arrays, `{a,b}`, which older clients write for lists."""
    return text.startswith("{") and text.endswith("}")


def _list_completion(reference: ListOf) -> Complete:
    member = completion(reference.of)
    inner = reference.of
    while isinstance(inner, NonNull):
        inner = inner.of
    takes_text = isinstance(inner, ScalarType | ListOf)

    def complete(value: Json) -> Json:
        if value is None or (takes_text and isinstance(value, str) and is_array_literal(value)):
            return value
        items: list[Json] = value if isinstance(value, list) else [value]
        if member is None or (isinstance(member, _ObjectCompletion) and member.is_idle()):
            return items
        return [member(item) for item in items]

    return complete


class _ObjectCompletion:
    """Completes the fields of input objects of one type; returns the same object where nothing changes."""

    __slots__ = ("_defaults", "_kind", "_members")

    def __init__(self, kind: InputObjectType) -> None:
        self._kind = kind
        # Built with the first value: types refer to each other in circles.
        self._members: dict[str, Complete] | None = None
        self._defaults: dict[str, Json] = {}

    def __call__(self, value: Json) -> Json:
        if not isinstance(value, dict):
            return value
        members = self._members if self._members is not None else self._prepare()
        completed = value
        if not members.keys().isdisjoint(value):
            for name, item in value.items():
                complete = members.get(name)
                if complete is not None and (complete_item := complete(item)) is not item:
                    if completed is value:
                        completed = dict(value)
                    completed[name] = complete_item
        for name, default in self._defaults.items():
            if name not in completed:
                completed = {**completed, name: default}
        return completed

    def is_idle(self) -> bool:
        """Returns whether nothing is ever to be done: rows of plain columns may be many."""
        members = self._members if self._members is not None else self._prepare()
        return not members and not self._defaults

    def _prepare(self) -> dict[str, Complete]:
        fields = self._kind.fields
        self._defaults = dict(_defaults(fields))
        self._members = {
            name: complete for name, field in fields.items() if (complete := completion(field.type)) is not None
        }
        return self._members


def _defaults(fields: Mapping[str, InputField]) -> Iterator[tuple[str, Json]]:
    for name, field in fields.items():
        if field.default_text is not None:
            yield name, literal(parse_const_value(field.default_text, no_location=True))


def require_fitting(declared: VariableDefinition, expected: TypeRef, path: str) -> None:
    """Raises ValidationFailed when a variable of the declared type may not stand where `expected` is."""
    if not _fits(declared, type_text(expected)):
        raise ValidationFailed(
            f"variable '{declared.name}' is declared as '{declared.type_text}', "
            f"but used where '{type_text(expected)}' is expected",
            path=path,
        )


def _fits(declared: VariableDefinition, expected: str) -> bool:
    """Returns whether a variable of the declared type may stand where `expected` is.

    Nullable where non-null is expected passes when a default fills the gap; a single value may stand for a list, and
    scalars of PostgreSQL types take any scalar name Hasura takes (`String` for `uuid` is refused there too).
    """
    given = declared.type_text
    if declared.fills_gaps and not declared.is_non_null:
        given += "!"
    return _is_subtype(given, expected)


def _is_subtype(given: str, expected: str) -> bool:
    if expected.endswith("!"):
        return given.endswith("!") and _is_subtype(given[:-1], expected[:-1])
    if given.endswith("!"):
        given = given[:-1]
    if {given[:1], expected[:1]} == {"_", "["}:
        # Array columns and arguments go by lists, and by the name of the array type, such as `_text`.
        return True
    if given.startswith("[") and expected.startswith("["):
        return _is_subtype(given[1:-1], expected[1:-1])
    return given == expected
