"""Encodes JSON values as text that PostgreSQL parses, checked as Hasura checks them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hasura.engine import exact_json
from hasura.engine.catalog.types import PgType
from hasura.engine.errors import ParseFailed, ValidationFailed, json_path
from hasura.engine.exact_json import Json, is_written_whole, whole
from hasura.engine.ir.documents.values import Path, out_of_bounds
from hasura.engine.schema.scalars import is_array, scalar_for

INTEGERS = {"int2": range(-(2**15), 2**15), "int4": range(-(2**31), 2**31), "int8": range(-(2**63), 2**63)}
"""What PostgreSQL's integers hold, by the type's name."""
# Hasura takes strings for numbers and booleans of columns; what PostgreSQL would not read is refused here already.
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|nan|[+-]?inf(inity)?", re.IGNORECASE)
_BOOLEANS = frozenset({"true", "t", "yes", "y", "on", "1", "false", "f", "no", "n", "off", "0"})


# Not frozen: there is one for each value, and creating a frozen one takes three times as long.
@dataclass(slots=True)
class Context:
    """Holds what an encoder needs for its error message."""

    path: Path
    type_name: str

    def mismatch(self, expected: str, value: Json) -> ValidationFailed:
        """Returns the error of a value of the wrong kind."""
        return ValidationFailed(
            f"expected {expected} for type '{self.type_name}', but found {_describe(value)}",
            path=json_path(*self.path),
        )

    def unparsable(self, message: str) -> ParseFailed:
        """Returns the error of a value the type cannot hold."""
        return ParseFailed(message, path=json_path(*self.path))


def _describe(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "an integer" if is_written_whole(value) else "a float"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def _int32(value: Json, context: Context) -> str:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or is_written_whole(value):
        raise context.mismatch("a 32-bit integer", value)
    return _in_bounds(value, "int4", context)


def _whole(type_name: str) -> Callable[[Json, Context], str]:
    def encode_whole(value: Json, context: Context) -> str:
        if isinstance(value, str):
            return _text(value, context)
        if isinstance(value, bool) or not isinstance(value, int | float):
            kind = _haskell_kind(value)
            raise context.unparsable(f"parsing Integer failed, expected Number, but encountered {kind}")
        return _in_bounds(value, type_name, context)

    return encode_whole


def _in_bounds(value: int | float, type_name: str, context: Context) -> str:
    integer = whole(value)
    if integer is None or integer not in INTEGERS[type_name]:
        raise context.unparsable(out_of_bounds(value))
    return str(integer)


def _number(value: Json, context: Context) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if isinstance(value, str) and (context.type_name != "Float" or _FLOAT.fullmatch(value)):
        return _text(value, context)
    raise context.mismatch("a float", value)


def _boolean(value: Json, context: Context) -> str:
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return value.lower()
    if not isinstance(value, bool):
        raise context.mismatch("a boolean", value)
    return "true" if value else "false"


def _text(value: Json, context: Context) -> str:
    if not isinstance(value, str):
        raise context.mismatch("a string", value)
    if "\x00" in value:
        raise context.unparsable("PostgreSQL text cannot hold the character \\u0000")
    return value


def _loose(value: Json, context: Context) -> str:
    """Returns the text of a type GraphQL knows nothing of, which PostgreSQL judges."""
    if isinstance(value, str):
        return _text(value, context)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return exact_json.dumps(value).decode()


def _json(value: Json, context: Context) -> str:
    return exact_json.dumps(value).decode()


def _haskell_kind(value: Json) -> str:
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int | float):
        return "Number"
    if isinstance(value, str):
        return "String"
    if value is None:
        return "Null"
    return "Array" if isinstance(value, list) else "Object"


_ENCODERS: dict[str, Callable[[Json, Context], str]] = {
    "int4": _int32,
    "int8": _whole("int8"),
    "int2": _whole("int2"),
    "float4": _number,
    "float8": _number,
    "numeric": _number,
    "bool": _boolean,
    "text": _text,
    "varchar": _text,
    "bpchar": _text,
    "citext": _text,
    "uuid": _text,
    "json": _json,
    "jsonb": _json,
}


Encoder = Callable[[Json, Path], str]


def encoder(pg_type: PgType) -> Encoder:
    """Returns what gives the text of a non-null value for a parameter cast to `pg_type`, or raises."""
    base = pg_type.underlying
    element = base.element
    if is_array(base) and element is not None:
        return lambda value, path: value if isinstance(value, str) else encode_array(value, element, path)
    name = scalar_for(base).name
    encode_scalar = _ENCODERS.get(base.name, _loose)
    return lambda value, path: encode_scalar(value, Context(path, name))


def encode(value: Json, pg_type: PgType, path: Path) -> str:
    """Returns the text of a non-null value for a parameter cast to `pg_type`; raises when it cannot be one."""
    return encoder(pg_type)(value, path)


_EXPECTATIONS = {"Int": "a 32-bit integer", "Float": "a float", "Boolean": "a boolean", "String": "a string"}


def expectation(scalar: str) -> str:
    """Returns what a scalar's values are called in errors."""
    return _EXPECTATIONS.get(scalar, "a value")


def encode_list(value: Json, element: PgType, path: Path) -> str:
    """Returns a list without nulls as PostgreSQL's array literal; raises when a member is null."""
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if item is None:
            # In the same words as `BuildContext.typed`, which has looked at the list that the plan was made with.
            name = scalar_for(element).name
            raise Context((*path, index), name).mismatch(expectation(name), None)
    return encode_array(value, element, path)


# Python types that are certainly right for a column, so that most values of bulk inserts need no further check.
_CERTAIN: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "varchar": (str,),
    "bpchar": (str,),
    "citext": (str,),
    "uuid": (str,),
    "bool": (bool,),
    "float4": (int, float),
    "float8": (int, float, str),
    "numeric": (int, float, str),
    "int8": (str,),
    "int2": (str,),
    "date": (str,),
    "timestamp": (str,),
    "timestamptz": (str,),
    "time": (str,),
    "timetz": (str,),
    "json": (dict, list, str, int, float, bool),
    "jsonb": (dict, list, str, int, float, bool),
}


def certain_types(pg_type: PgType) -> tuple[type, ...]:
    """Returns exact Python types of JSON values that `encode` surely takes; others may be taken too."""
    return _CERTAIN.get(pg_type.underlying.name, ())


def encode_array(value: Json, element: PgType, path: Path) -> str:
    """Returns a list as PostgreSQL's array literal; a single value is a list of one."""
    items = value if isinstance(value, list) else [value]
    return "{" + ",".join(_array_item(item, element, (*path, index)) for index, item in enumerate(items)) + "}"


# A member as `_array_item` writes it: in quotes, or a bare number or NULL.
_MEMBER = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}]+)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def array_members(literal: str) -> list[str | None]:
    """Returns the texts of the members that `encode_array` wrote, none of which is a list."""
    members = (match.group(1, 2) for match in _MEMBER.finditer(literal))
    return [
        _ESCAPED.sub(r"\1", quoted) if bare is None else (None if bare == "NULL" else bare)
        for quoted, bare in members
    ]


def _array_item(value: Json, element: PgType, path: Path) -> str:
    if value is None:
        return "NULL"
    if type(value) is int and (element.name == "numeric" or value in INTEGERS.get(element.name, ())):
        return str(value)
    base = element.underlying
    if is_array(base) or (isinstance(value, list) and base.name not in ("json", "jsonb")):
        return encode(value, element, path) if is_array(base) else encode_array(value, element, path)
    return _quoted(encode(value, element, path))


def array_literal(texts: Sequence[str]) -> str:
    """Returns the array literal of texts."""
    return "{" + ",".join(map(_quoted, texts)) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
