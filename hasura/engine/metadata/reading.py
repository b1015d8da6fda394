"""Reads JSON arguments the way Hasura's parsers do: errors name what is missing or malformed with its path."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import EngineError, ParseFailed, json_path
from hasura.engine.exact_json import ExactNumber, Json, JsonObject

DEFAULT_SOURCE: Final = "default"

_KIND_NAMES: dict[type, str] = {
    str: "String",
    bool: "Boolean",
    int: "Number",
    float: "Number",
    ExactNumber: "Number",
    list: "Array",
    dict: "Object",
}


class Reader:
    """Holds a JSON value and where it stands."""

    __slots__ = ("path", "value")

    def __init__(self, value: Json, *path: str | int) -> None:
        self.value = value
        self.path = path

    def fail(self, message: str) -> ParseFailed:
        """Returns the error that this value is not right."""
        return ParseFailed(message, path=json_path(*self.path))

    def mismatch(self, kind: str, expected: str) -> ParseFailed:
        """Returns the error that this value is of another kind."""
        actual = "Null" if self.value is None else _KIND_NAMES.get(type(self.value), "unreadable JSON")
        return self.fail(f"parsing {kind} failed, expected {expected}, but encountered {actual}")

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Gives refusals without a place of their own the place of this value, which they are about."""
        try:
            yield
        except EngineError as exc:
            if exc.path == "$":
                exc.path = json_path(*self.path)
            raise

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def __getitem__(self, key: str) -> "Reader":
        """Returns a member that must be there."""
        members = self.object()
        if key not in members:
            raise self.fail(f'key "{key}" not found')
        return Reader(members[key], *self.path, key)

    def get(self, key: str) -> "Reader | None":
        """Returns a reader of a member; None where it is absent or null."""
        members = self.object()
        if members.get(key) is None:
            return None
        return Reader(members[key], *self.path, key)

    def items(self) -> Iterator["Reader"]:
        """Yields the elements of an array."""
        for index, item in enumerate(self.array()):
            yield Reader(item, *self.path, index)

    def object(self, kind: str = "Object") -> JsonObject:
        if not isinstance(self.value, dict):
            raise self.mismatch(kind, "Object")
        return self.value

    def array(self) -> list[Json]:
        if not isinstance(self.value, list):
            raise self.mismatch("[]", "Array")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.mismatch("Text", "String")
        return self.value

    def name(self) -> str:
        """Returns a text that is not empty."""
        text = self.text()
        if not text:
            raise self.fail("empty string not allowed")
        return text

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.mismatch("Bool", "Boolean")
        return self.value

    def integer(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.mismatch("Integer", "Number")
        return self.value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Returns a boolean member, or the default."""
        member = self.get(key)
        return default if member is None else member.boolean()

    def optional_text(self, key: str) -> str | None:
        """Returns a text member, or None."""
        member = self.get(key)
        return None if member is None else member.text()

    def description(self, key: str) -> str | None:
        """Returns a text that replaces a generated one, which null and "" hide; None where the member is missing."""
        if isinstance(self.value, dict) and key in self.value and self.value[key] is None:
            return ""
        return self.optional_text(key)

    def names(self) -> tuple[str, ...]:
        """Returns an array of texts."""
        return tuple(item.text() for item in self.items())

    def qualified_name(self) -> QualifiedName:
        """Returns a table's or function's name: text, or an object with `schema` and `name`."""
        if isinstance(self.value, str):
            return QualifiedName("public", self.name())
        if not isinstance(self.value, dict):
            raise self.fail("expecting a string/object for QualifiedObject")
        return QualifiedName(self.optional_text("schema") or "public", self["name"].name())


def name_to_json(name: QualifiedName) -> JsonObject:
    """Returns a name as metadata documents hold it."""
    return {"name": name.name, "schema": name.schema}
