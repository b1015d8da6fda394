"""Holds input values of a request: literals with variables resolved, each knowing where it came from.

An `InputValue` is a tree over one argument. Leaves that came from a variable keep its name and the path inside it,
so that they become parameters which a later request fills with its own values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from graphql.language import ast

from hasura.engine.errors import ParseFailed, ValidationFailed, json_path
from hasura.engine.exact_json import Json, is_written_whole, number, scientific, whole

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class VariablePlace:
    """Identifies a place inside a variable's JSON."""

    name: str
    path: Path = ()

    def below(self, step: str | int) -> "VariablePlace":
        """Returns the place one step deeper."""
        return VariablePlace(self.name, (*self.path, step))


@dataclass(frozen=True, slots=True)
class EnumLiteral:
    """Holds a bare name in the document."""

    name: str


def refuse_repeated(what: str, names: Sequence[str], path: str = "$") -> None:
    """Raises ValidationFailed when a name stands twice where GraphQL allows it once: one of the two would be lost."""
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValidationFailed(f"there can be only one {what} named '{name}'", path=path)
        seen.add(name)


def out_of_bounds(value: int | float) -> str:
    """Returns the message that a number is none of the integers that are expected."""
    return (
        f"The value {scientific(value)} lies outside the bounds or is not an integer. "
        "Maybe it is a float, or is there integer overflow?"
    )


# What a value is; lists and objects hold further InputValues.
Content = Union[None, bool, int, float, str, EnumLiteral, "tuple[InputValue, ...]", "Mapping[str, InputValue]"]


@dataclass(frozen=True, slots=True)
class InputValue:
    """Holds one value; `place` is set when it is (part of) a variable."""

    content: Content
    # Steps below `$` for error messages.
    path: Path
    place: VariablePlace | None = None

    @property
    def is_null(self) -> bool:
        """Returns whether it is `null`, or nothing at all."""
        return self.content is None

    @property
    def location(self) -> str:
        """Returns the path as errors show it."""
        return json_path(*self.path)

    def describe(self) -> str:
        """Returns what it is, in Hasura's words."""
        content = self.content
        if content is None:
            return "null"
        if isinstance(content, bool):
            return "a boolean"
        if isinstance(content, int | float) and self.place is not None:
            return "a number"
        if isinstance(content, int) or (isinstance(content, float) and is_written_whole(content)):
            return "an integer"
        if isinstance(content, float):
            return "a float"
        if isinstance(content, str):
            return "a string"
        if isinstance(content, EnumLiteral):
            return "an enum value"
        return "a list" if isinstance(content, tuple) else "an object"

    def mismatch(self, expected: str, type_name: str) -> ValidationFailed:
        """Returns the error `expected an object for type 'author_bool_exp', but found null`."""
        return ValidationFailed(
            f"expected {expected} for type '{type_name}', but found {self.describe()}", path=self.location
        )

    def non_negative(self, bits: int) -> int:
        """Returns the content as a non-negative integer of fewer than `bits` bits; raises when it is none."""
        content = self.content
        size = whole(content)
        if size is not None and 0 <= size < 1 << (bits - 1):
            return size
        if isinstance(content, int | float) and not isinstance(content, bool) and content >= 0:
            # A literal with a fraction is no integer to begin with; JSON knows only numbers.
            is_fraction = isinstance(content, float) and self.place is None
            if not is_fraction and not is_written_whole(content):
                raise ParseFailed(out_of_bounds(content), path=self.location)
        raise self.mismatch(f"a non-negative {bits}-bit integer", "Int")

    def items(self, type_name: str) -> tuple["InputValue", ...]:
        """Returns the members of a list; anything but a list is a list of one, as GraphQL has it."""
        if isinstance(self.content, tuple):
            return self.content
        if self.content is None:
            raise self.mismatch("a list", type_name)
        return (InputValue(self.content, self.path, self.place),)

    def members(self, type_name: str) -> Mapping[str, "InputValue"]:
        """Returns the fields of an object."""
        if isinstance(self.content, Mapping):
            return self.content
        raise self.mismatch("an object", type_name)

    def to_json(self) -> Json:
        """Returns the plain value; enum literals become their names."""
        content = self.content
        if isinstance(content, EnumLiteral):
            return content.name
        if isinstance(content, tuple):
            return [item.to_json() for item in content]
        if isinstance(content, Mapping):
            return {name: item.to_json() for name, item in content.items()}
        return content

    def places(self) -> Iterator[VariablePlace]:
        """Yields the place of every variable in it."""
        if self.place is not None:
            yield self.place
        elif isinstance(self.content, tuple):
            for item in self.content:
                yield from item.places()
        elif isinstance(self.content, Mapping):
            for item in self.content.values():
                yield from item.places()


def from_json(value: Json, path: Path, place: VariablePlace | None) -> InputValue:
    """Returns a variable's JSON as an input value."""
    if isinstance(value, list):
        return InputValue(
            tuple(
                from_json(item, (*path, index), place.below(index) if place else None)
                for index, item in enumerate(value)
            ),
            path,
            place,
        )
    if isinstance(value, dict):
        return InputValue(
            {
                name: from_json(item, (*path, name), place.below(name) if place else None)
                for name, item in value.items()
            },
            path,
            place,
        )
    return InputValue(value, path, place)


def literal(node: ast.ValueNode) -> Json:
    """Returns a constant literal (a default value) as JSON."""
    if isinstance(node, ast.ListValueNode):
        return [literal(item) for item in node.values]
    if isinstance(node, ast.ObjectValueNode):
        refuse_repeated("input field", [field.name.value for field in node.fields])
        return {field.name.value: literal(field.value) for field in node.fields}
    if isinstance(node, ast.IntValueNode | ast.FloatValueNode):
        return number(node.value)
    if isinstance(node, ast.BooleanValueNode | ast.StringValueNode | ast.EnumValueNode):
        return node.value
    return None
