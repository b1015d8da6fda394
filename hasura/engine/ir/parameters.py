"""Tells where the values of statement parameters come from.

All are hashable and equal when they mean the same, so that one value used twice is one `$n`; all are callables
of the kind `plan.ParameterSource`.
"""

import math
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from hasura.engine import exact_json
from hasura.engine.catalog.types import PgType
from hasura.engine.errors import EngineError, ValidationFailed, json_path
from hasura.engine.exact_json import Json
from hasura.engine.ir.documents.scalars import INTEGERS, Encoder, array_members, encode_list, encoder
from hasura.engine.ir.documents.values import InputValue, Path, VariablePlace
from hasura.engine.plan import SessionVariables, Variables
from hasura.engine.schema.scalars import is_array


@dataclass(frozen=True, slots=True)
class Constant:
    """Holds a value known when the plan was made."""

    text: str | None

    def __call__(self, variables: Variables, session: SessionVariables) -> str | None:
        return self.text


@dataclass(frozen=True, slots=True)
class VariableValue:
    """Takes a scalar, or with `is_list` a list of scalars, from a place in a variable."""

    place: VariablePlace
    type: PgType
    # For the error message; what stands at several places of a request is one value.
    path: Path = field(compare=False)
    # Returns the text; built from the type once.
    encode: Encoder = field(compare=False, repr=False)
    is_list: bool = False

    def plain(self, variables: Variables) -> Json:
        """Returns the value as it was sent."""
        place = self.place
        return value_at(variables, place) if place.path else variables.get(place.name)

    def __call__(self, variables: Variables, session: SessionVariables) -> str | None:
        value = self.plain(variables)
        return None if value is None else self.encode(value, self.path)


@dataclass(frozen=True, slots=True)
class SessionValue:
    """Takes a session variable; a request without it is refused."""

    name: str
    type: PgType
    is_list: bool = False

    def __call__(self, variables: Variables, session: SessionVariables) -> str | None:
        try:
            return session[self.name]
        except KeyError:
            raise EngineError(f'missing session variable: "{self.name}"', code="not-found") from None


@dataclass(frozen=True, slots=True)
class SessionDocument:
    """Takes all session variables as one JSON object."""

    def __call__(self, variables: Variables, session: SessionVariables) -> str | None:
        return exact_json.dumps(dict(session)).decode()


@dataclass(frozen=True, slots=True)
class CursorValue:
    """Takes where a stream is: its start at first; the runner puts the last value seen in place of this."""

    initial: "Constant | VariableValue | Computed"

    def __call__(self, variables: Variables, session: SessionVariables) -> str | None:
        return self.initial(variables, session)


@dataclass(frozen=True, eq=False, slots=True)
class Computed:
    """Computes anything else from the request (nested rows gathered, a literal with variables inside)."""

    compute: Callable[[Variables, SessionVariables], str | None]

    def __call__(self, variables: Variables, session: SessionVariables) -> str | None:
        return self.compute(variables, session)


@dataclass(frozen=True, slots=True)
class Native:
    """Gives a source's text to the driver as a number, boolean or UUID.

    A cast of text inside the statement would be evaluated for every row a generic plan scans; a parameter of
    the type itself is read once.
    """

    source: "Source"
    convert: Callable[[str], object]
    type_name: str
    # The integers that the driver takes as they are sent; others go through their text.
    integers: Container[int] = ()

    def __call__(self, variables: Variables, session: SessionVariables) -> object:
        if self.integers and isinstance(self.source, VariableValue):
            value = self.source.plain(variables)
            if type(value) is int and value in self.integers:
                return value
        text = self.source(variables, session)
        return None if text is None else _converted(text, self.convert, self.type_name)


@dataclass(frozen=True, slots=True)
class NativeList:
    """Gives the members of a list of the request to the driver as what they are.

    A cast of text to an array is evaluated for every row that is compared with its members, and even a plan for the
    very values does not know them: with an array of the type itself it hashes them.
    """

    source: "Constant | VariableValue"
    convert: Callable[[str], object]
    type_name: str
    # Whether the driver takes a list as it was sent; others go through their text.
    is_plain: Callable[[list[Json]], bool]

    def __call__(self, variables: Variables, session: SessionVariables) -> object:
        if isinstance(self.source, VariableValue):
            value = self.source.plain(variables)
            if isinstance(value, list) and self.is_plain(value):
                return tuple(value)
        text = self.source(variables, session)
        if text is None:
            return None
        return tuple(
            None if member is None else _converted(member, self.convert, self.type_name)
            for member in array_members(text)
        )


def _converted(text: str, convert: Callable[[str], object], type_name: str) -> object:
    try:
        return convert(text)
    except (ValueError, OverflowError) as exc:
        value = exact_json.shown(text)
        message = f'invalid input syntax for type {type_name}: "{value}"'
        if isinstance(exc, OverflowError):
            message = f'value "{value}" is out of range for type {type_name}'
        raise EngineError(message, code="data-exception") from None


def native(source: "Source", pg_type: PgType) -> "Native | None":
    """Returns the source as a native parameter, for the types that have one; a cursor moves on as text."""
    if isinstance(source, CursorValue):
        return None
    known = _NATIVE.get(pg_type.name) if pg_type.schema == "pg_catalog" else None
    return Native(source, *known, INTEGERS.get(pg_type.name, ())) if known is not None else None


def native_list(source: "Source", element: PgType) -> NativeList | None:
    """Returns the source of a list as a native parameter, for the types of members that have one.

    What a session or a metadata document gives is an array as PostgreSQL reads it, whose text only PostgreSQL knows.
    """
    if not isinstance(source, Constant | VariableValue) or element.schema != "pg_catalog":
        return None
    if element.name in ("text", "varchar"):
        return NativeList(source, str, element.name, _are_texts)
    known = _NATIVE.get(element.name)
    return NativeList(source, *known, _ARE_PLAIN.get(element.name, _never)) if known is not None else None


def _are_texts(values: list[Json]) -> bool:
    return all(type(value) is str and "\x00" not in value for value in values)


def _are_integers(bounds: range) -> Callable[[list[Json]], bool]:
    def are_integers(values: list[Json]) -> bool:
        return all(type(value) is int and value in bounds for value in values)

    return are_integers


def _never(_: list[Json]) -> bool:
    return False


_ARE_PLAIN = {name: _are_integers(bounds) for name, bounds in INTEGERS.items()}


def _integer(bits: int) -> Callable[[str], object]:
    limit = 1 << (bits - 1)

    def convert(text: str) -> object:
        value = int(text)
        if not -limit <= value < limit:
            raise OverflowError
        return value

    return convert


def _double(text: str) -> object:
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise OverflowError
    return value


def _boolean(text: str) -> object:
    word = text.strip().lower()
    if word in ("true", "t", "yes", "y", "on", "1"):
        return True
    if word in ("false", "f", "no", "n", "off", "0"):
        return False
    raise ValueError


_NATIVE: dict[str, tuple[Callable[[str], object], str]] = {
    "int2": (_integer(16), "smallint"),
    "int4": (_integer(32), "integer"),
    "int8": (_integer(64), "bigint"),
    "float8": (_double, "double precision"),
    "bool": (_boolean, "boolean"),
    "uuid": (UUID, "uuid"),
}

Source = Constant | VariableValue | SessionValue | SessionDocument | CursorValue | Computed


def value_at(variables: Variables, place: VariablePlace) -> Json:
    """Returns the JSON at a place in a variable; None where the way ends early (never in plans of one shape)."""
    value: Json = variables.get(place.name)
    for step in place.path:
        try:
            value = value[step]  # type: ignore[index]  # checked by the except
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _list_encoder(element: PgType) -> Encoder:
    if is_array(element):
        # A list of arrays of different lengths is no array of PostgreSQL's; it goes as JSON records.
        return lambda value, path: exact_json.dumps(
            [{"value": item} for item in encode_members(value, path)]
        ).decode()
    return lambda value, path: encode_list(value, element, path)


def encode_members(value: Json, path: Path) -> list[Json]:
    """Returns the members of a list, none of them null."""
    items: list[Json] = value if isinstance(value, list) else [value]
    for index, item in enumerate(items):
        if item is None:
            raise ValidationFailed("unexpected null value in a list", path=json_path(*path, index))
    return items


def source_of(value: InputValue, pg_type: PgType, *, is_list: bool = False) -> Constant | VariableValue | Computed:
    """Returns the parameter for a leaf (or a list of leaves) of a request; its value is checked now too."""
    encode = _list_encoder(pg_type) if is_list else encoder(pg_type)

    def encoded(plain: Json) -> str | None:
        return None if plain is None else encode(plain, value.path)

    text = encoded(value.to_json())
    if value.place is not None:
        return VariableValue(value.place, pg_type, value.path, encode, is_list)
    if next(value.places(), None) is None:
        return Constant(text)
    return Computed(lambda variables, session: encoded(refreshed(value, variables)))


def refreshed(value: InputValue, variables: Variables) -> Json:
    """Returns the JSON of a literal with variables inside, for another request's variables."""
    if value.place is not None:
        return value_at(variables, value.place)
    content = value.content
    if isinstance(content, tuple):
        return [refreshed(item, variables) for item in content]
    if isinstance(content, Mapping):
        return {name: refreshed(item, variables) for name, item in content.items()}
    return value.to_json()
