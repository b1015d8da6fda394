"""Answers `__schema` and `__type` straight from the role's types, as JSON bytes.

A schema of hundreds of tables has a million small values, most of them alike (`limit: Int` of every list): each
selection is compiled once, and the JSON of a type reference or argument is made once per selection.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import orjson

from hasura.engine.errors import ValidationFailed, json_path
from hasura.engine.ir.context import BuildContext, check_scalars
from hasura.engine.ir.documents.document import FlatField
from hasura.engine.ir.documents.values import Path
from hasura.engine.schema.directives import LISTED_DIRECTIVES, Directive
from hasura.engine.schema.meta_types import META_TYPES, SCHEMA, TYPE
from hasura.engine.schema.role import RoleSchema
from hasura.engine.schema.types import (
    BOOLEAN,
    FLOAT,
    ID,
    INT,
    STRING,
    EnumMember,
    EnumType,
    Field,
    InputField,
    InputObjectType,
    ListOf,
    NamedType,
    NonNull,
    ObjectType,
    TypeRef,
    named_type,
    type_text,
)

NamedT = TypeVar("NamedT")

_NULL, _FALSE, _EMPTY = b"null", b"false", b"[]"


@dataclass(frozen=True, slots=True, eq=False)
class _Selected:
    """Holds one field of a compiled selection: the bytes before its value, which value, what of it."""

    prefix: bytes
    attribute: str
    inner: "_Selection | None"


_Selection = tuple[_Selected, ...]


def introspect(context: BuildContext, flat: FlatField, path: Path) -> bytes:
    """Returns the value of a `__schema` or `__type` field; raises ValidationFailed when it is not valid."""
    evaluator = _Evaluator(context)
    if flat.name == "__schema":
        return evaluator.schema(evaluator.compile(flat, SCHEMA, path))
    return evaluator.type_named(_type_name(context, flat, path), evaluator.compile(flat, TYPE, path))


def _type_name(context: BuildContext, flat: FlatField, path: Path) -> str:
    definition = context.schema.query_root.field("__type")
    assert definition is not None
    value = context.arguments(flat, definition, path)["name"]
    if not isinstance(value.content, str):
        raise value.mismatch("a string", "String")
    return value.content


# Each level multiplies an answer by a type's number of fields; what clients really send has one level.
MAX_INTROSPECTION_LEVELS = 3
_GROWING = frozenset({"fields", "inputFields"})


def _refuse_levels(path: Path) -> None:
    """Raises ValidationFailed where fields of types of fields of types ... are asked for without end."""
    if sum(step in _GROWING for step in path) > MAX_INTROSPECTION_LEVELS:
        raise ValidationFailed(
            f"introspection is nested too deeply: at most {MAX_INTROSPECTION_LEVELS} levels of fields are answered",
            path=json_path(*path),
        )


class _Evaluator:
    def __init__(self, context: BuildContext) -> None:
        self._context = context
        self._schema = context.schema
        # JSON that was written already, by selection and what it describes.
        self._known: dict[tuple[object, ...], bytes] = {}

    def compile(self, flat: FlatField, parent: ObjectType, path: Path) -> _Selection:
        """Returns a selection of a meta type, checked."""
        fields = self._context.flattener.fields(flat.selection_sets, parent.name, path)
        if not flat.has_selection:
            raise ValidationFailed(f"missing selection set for '{flat.name}'", path=json_path(*path))
        selected: list[_Selected] = []
        for index, child in enumerate(fields):
            child_path = (*path, "selectionSet", child.name)
            _refuse_levels(child_path)
            prefix = (b"{" if index == 0 else b",") + orjson.dumps(child.response_key) + b":"
            if child.name == "__typename":
                self._context.check_typename(child, child_path)
                selected.append(_Selected(prefix + orjson.dumps(parent.name), "", None))
                continue
            definition = parent.field(child.name)
            if definition is None:
                raise ValidationFailed(
                    f"field '{child.name}' not found in type: '{parent.name}'", path=json_path(*child_path)
                )
            self._context.check_selection(child, definition, child_path)
            for name, value in self._context.arguments(child, definition, child_path).items():
                check_scalars(value, definition.arguments[name].type)
            kind = named_type(definition.type)
            inner = self.compile(child, kind, child_path) if isinstance(kind, ObjectType) else None
            selected.append(_Selected(prefix, child.name, inner))
        return tuple(selected)

    # --- values ----------------------------------------------------------------------------------------------------

    def schema(self, selection: _Selection) -> bytes:
        """Returns `__schema`."""
        schema = self._schema
        roots: dict[str, ObjectType | None] = {
            "queryType": schema.query_root,
            "mutationType": schema.mutation_root if schema.mutation_root.fields else None,
            "subscriptionType": schema.subscription_root,
        }

        def value(item: _Selected) -> bytes:
            assert item.inner is not None or item.attribute == "description"
            inner = item.inner or ()
            if item.attribute == "types":
                return _array(self._type(inner, kind) for kind in all_types(schema))
            if item.attribute == "directives":
                return _array(self._directive(inner, directive) for directive in LISTED_DIRECTIVES)
            root = roots.get(item.attribute)
            return _NULL if root is None else self._type(inner, root)

        return _object(selection, value)

    def type_named(self, name: str, selection: _Selection) -> bytes:
        """Returns `__type(name:)`; null when the role has no such type."""
        named = next((kind for kind in all_types(self._schema) if kind.name == name), None)
        return _NULL if named is None else self._type(selection, named)

    def _type(self, selection: _Selection, kind: TypeRef) -> bytes:
        key = (id(selection), type_text(kind))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _object(selection, lambda item: self._type_attribute(item, kind))
        return known

    def _type_attribute(self, item: _Selected, kind: TypeRef) -> bytes:
        attribute, inner = item.attribute, item.inner or ()
        if attribute == "kind":
            return _KIND_NAMES[type(kind)]
        if attribute == "ofType":
            return self._type(inner, kind.of) if isinstance(kind, NonNull | ListOf) else _NULL
        if isinstance(kind, NonNull | ListOf):
            return _NULL
        if attribute == "name":
            return orjson.dumps(kind.name)
        if attribute == "description":
            return _text(kind.description)
        if attribute == "fields" and isinstance(kind, ObjectType):
            return _array(self._field(inner, field) for field in _sorted(kind.fields))
        if attribute == "inputFields" and isinstance(kind, InputObjectType):
            return _array(self._input(inner, field) for field in _sorted(kind.fields))
        if attribute == "enumValues" and isinstance(kind, EnumType):
            return _array(self._enum_value(inner, member) for member in _sorted(kind.values))
        if attribute == "interfaces" and isinstance(kind, ObjectType):
            return _EMPTY
        return _NULL

    def _field(self, selection: _Selection, field: Field) -> bytes:
        def value(item: _Selected) -> bytes:
            if item.attribute == "args":
                return _array(self._input(item.inner or (), argument) for argument in _sorted(field.arguments))
            return self._common(item, field.name, field.description, field.type)

        return _object(selection, value)

    def _input(self, selection: _Selection, field: InputField) -> bytes:
        key = (id(selection), field.name, type_text(field.type), field.description, field.default_text)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _object(
                selection,
                lambda item: (
                    _text(field.default_text)
                    if item.attribute == "defaultValue"
                    else self._common(item, field.name, field.description, field.type)
                ),
            )
        return known

    def _enum_value(self, selection: _Selection, member: EnumMember) -> bytes:
        return _object(selection, lambda item: self._common(item, member.name, member.description, None))

    def _directive(self, selection: _Selection, directive: Directive) -> bytes:
        def value(item: _Selected) -> bytes:
            if item.attribute == "args":
                return _array(self._input(item.inner or (), argument) for argument in directive.arguments)
            if item.attribute == "locations":
                return orjson.dumps(directive.locations)
            if item.attribute == "isRepeatable":
                return _FALSE
            return self._common(item, directive.name, directive.description, None)

        return _object(selection, value)

    def _common(self, item: _Selected, name: str, description: str | None, kind: TypeRef | None) -> bytes:
        attribute = item.attribute
        if attribute == "name":
            return orjson.dumps(name)
        if attribute == "description":
            return _text(description)
        if attribute == "type" and kind is not None:
            return self._type(item.inner or (), kind)
        return _FALSE if attribute == "isDeprecated" else _NULL


_KIND_NAMES = {
    NonNull: b'"NON_NULL"',
    ListOf: b'"LIST"',
    ObjectType: b'"OBJECT"',
    InputObjectType: b'"INPUT_OBJECT"',
    EnumType: b'"ENUM"',
    type(INT): b'"SCALAR"',
}


def _object(selection: _Selection, value: Callable[[_Selected], bytes]) -> bytes:
    if not selection:
        return b"{}"
    return b"".join([item.prefix + (value(item) if item.attribute else b"") for item in selection]) + b"}"


def _array(items: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _text(value: str | None) -> bytes:
    return _NULL if value is None else orjson.dumps(value)


def _sorted(items: Mapping[str, NamedT]) -> list[NamedT]:
    return [items[name] for name in sorted(items)]


def all_types(schema: RoleSchema) -> list[NamedType]:
    """Returns every type the role can reach, by name, GraphQL's own included; kept for the snapshot."""
    key = ("all types", schema.role, schema.use_backend_only)
    known = schema.cache.memo.get(key)
    if isinstance(known, _AllTypes):
        return known.types
    reachable: dict[str, NamedType] = {kind.name: kind for kind in (INT, FLOAT, STRING, BOOLEAN, ID)}
    roots: list[NamedType] = [schema.query_root, schema.subscription_root]
    if schema.mutation_root.fields:
        roots.append(schema.mutation_root)
    waiting: list[NamedType] = [*META_TYPES, *roots]
    while waiting:
        kind = waiting.pop()
        if kind.name in reachable:
            continue
        reachable[kind.name] = kind
        if isinstance(kind, ObjectType):
            for field in kind.fields.values():
                waiting.append(named_type(field.type))
                waiting.extend(named_type(argument.type) for argument in field.arguments.values())
        elif isinstance(kind, InputObjectType):
            waiting.extend(named_type(field.type) for field in kind.fields.values())
    types = [reachable[name] for name in sorted(reachable)]
    schema.cache.memo[key] = _AllTypes(types)
    return types


@dataclass(frozen=True, slots=True, eq=False)
class _AllTypes:
    types: list[NamedType]
