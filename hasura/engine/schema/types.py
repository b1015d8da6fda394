"""Defines the GraphQL types of one role, built lazily.

An object or input type knows how to build its fields and does so when first asked, so a request pays only for the
types it touches. Each field carries a `meaning`: a small value of `meanings.py` that tells the IR builders what the
field stands for. Introspection and argument checking read only what is here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Union

from hasura.engine.exact_json import Json


@dataclass(frozen=True, slots=True)
class ScalarType:
    """Describes a scalar, a leaf."""

    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class EnumMember:
    """Describes one value of an enum; `meaning` is what the IR gets for it."""

    name: str
    description: str | None = None
    meaning: object = None


@dataclass(frozen=True, slots=True)
class EnumType:
    """Describes a closed set of names."""

    name: str
    values: Mapping[str, EnumMember]
    description: str | None = None


@dataclass(frozen=True, slots=True)
class NonNull:
    """Wraps a type that is never null."""

    of: "TypeRef"


@dataclass(frozen=True, slots=True)
class ListOf:
    """Wraps the type of a list's members."""

    of: "TypeRef"


@dataclass(frozen=True, slots=True)
class InputField:
    """Describes an argument, or a field of an input object."""

    name: str
    type: "TypeRef"
    meaning: object = None
    description: str | None = None
    # As GraphQL text, for introspection; and the value itself.
    default_text: str | None = None
    # The SQL depends on the value itself, not only on whether it is there.
    is_exact: bool = False


@dataclass(eq=False, slots=True)
class InputObjectType:
    """Describes an input object; two are equal only if they are the same object."""

    name: str
    build: Callable[[], Mapping[str, InputField]]
    description: str | None = None
    # What the whole object means to the IR, where its fields alone do not say it.
    meaning: object = None
    # What completes a variable's value of this type; kept here by `ir.variables`.
    completion: Callable[[Json], Json] | None = None
    _fields: Mapping[str, InputField] | None = None

    @property
    def fields(self) -> Mapping[str, InputField]:
        """Returns the fields by name, in the order introspection shows."""
        if self._fields is None:
            self._fields = self.build()
        return self._fields


@dataclass(frozen=True, slots=True)
class Field:
    """Describes a field of an object type."""

    name: str
    type: "TypeRef"
    meaning: object
    arguments: Mapping[str, InputField] = field(default_factory=dict)
    description: str | None = None


@dataclass(eq=False, slots=True)
class ObjectType:
    """Describes an object; `lookup` finds one field without building the others of large types (the roots)."""

    name: str
    build: Callable[[], Mapping[str, Field]]
    description: str | None = None
    lookup: Callable[[str], Field | None] | None = None
    _fields: Mapping[str, Field] | None = None

    @property
    def fields(self) -> Mapping[str, Field]:
        """Returns all fields by name."""
        if self._fields is None:
            self._fields = self.build()
        return self._fields

    def field(self, name: str) -> Field | None:
        """Returns one field, or None."""
        if self.lookup is not None:
            return self.lookup(name)
        return self.fields.get(name)


NamedType = Union[ScalarType, EnumType, InputObjectType, ObjectType]  # noqa: UP007 - used as a type, not a value
TypeRef = Union[NamedType, NonNull, ListOf]  # noqa: UP007


def named_type(reference: TypeRef) -> NamedType:
    """Returns the type without lists and non-nulls around it."""
    while isinstance(reference, NonNull | ListOf):
        reference = reference.of
    return reference


def nullable(reference: TypeRef) -> NamedType | ListOf:
    """Returns the type without an outer non-null."""
    while isinstance(reference, NonNull):
        reference = reference.of
    return reference


def type_text(reference: TypeRef) -> str:
    """Returns the type in GraphQL notation: `[article_bool_exp!]`."""
    if isinstance(reference, NonNull):
        return type_text(reference.of) + "!"
    if isinstance(reference, ListOf):
        return f"[{type_text(reference.of)}]"
    return reference.name


def fields_by_name(fields: Iterator[InputField]) -> dict[str, InputField]:
    """Returns input fields keyed by their names."""
    return {item.name: item for item in fields}


INT = ScalarType("Int")
FLOAT = ScalarType("Float")
STRING = ScalarType("String")
BOOLEAN = ScalarType("Boolean")
ID = ScalarType("ID")
