"""Computes what of a variable's value changes SQL: the part of the plan key that comes from variables.

Scalars become parameters, so only their presence counts; objects count by their keys, enums by their value, rows to
insert by the union of their keys, small limits by their value.
"""

import re
from collections.abc import Hashable, Iterable

from hasura.engine import exact_json
from hasura.engine.exact_json import Json, whole
from hasura.engine.schema.meanings import InsertTarget
from hasura.engine.schema.types import EnumType, InputField, InputObjectType, ListOf, NonNull, ScalarType, TypeRef

# Limits up to this size are written into the statement: the planner chooses better knowing them.
MAX_LITERAL_LIMIT = 1000

_PRESENT = True
_DIGITS = re.compile(r"[0-9]{1,19}")


def shape(value: Json, reference: TypeRef, field: InputField | None = None) -> Hashable:
    """Returns the shape of a value that stands where `reference` is expected."""
    if value is None:
        return None
    if field is not None and field.meaning == "limit":
        size = whole(value)
        # An invalid limit is refused; its value keeps it apart from the plans of valid ones.
        is_limit = size is not None and 0 <= size < 2**31
        return min(size, MAX_LITERAL_LIMIT + 1) if size is not None and is_limit else _exact(value)
    if field is not None and field.meaning == "offset":
        return _PRESENT if is_offset(value) else _exact(value)
    if field is not None and field.is_exact:
        return _exact(value)
    reference = _nullable(reference)
    if isinstance(reference, ListOf):
        return _list_shape(value, reference)
    if isinstance(reference, EnumType):
        return _exact(value)
    if isinstance(reference, InputObjectType) and isinstance(value, dict):
        if isinstance(reference.meaning, InsertTarget):
            return _rows_shape([value], reference)
        return _object_shape(value, reference)
    return _PRESENT if isinstance(reference, ScalarType) else _exact(value)


def is_plain(reference: TypeRef, field: InputField | None) -> bool:
    """Returns whether all values but null have one shape where `reference` is expected."""
    if field is not None and (field.is_exact or field.meaning in ("limit", "offset")):
        return False
    return isinstance(_nullable(reference), ScalarType) or _is_scalar_list(reference)


def _is_scalar_list(reference: TypeRef) -> bool:
    """Returns whether it is a list of scalars, or of lists of them: one parameter."""
    outer = _nullable(reference)
    if not isinstance(outer, ListOf):
        return False
    inner = _nullable(outer.of)
    return isinstance(inner, ScalarType) or (isinstance(inner, ListOf) and isinstance(inner.of, ScalarType))


def _nullable(reference: TypeRef) -> TypeRef:
    while isinstance(reference, NonNull):
        reference = reference.of
    return reference


def is_offset(value: object) -> bool:
    """Returns whether it is a non-negative 64-bit integer, as a number or, as Hasura takes it too, as text."""
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else whole(value)
    return number is not None and 0 <= number < 2**63


def _exact(value: Json) -> Hashable:
    if isinstance(value, list | dict):
        return exact_json.dumps(value)
    # True and 1 are equal keys, but not equal values.
    return (type(value).__name__, value)


def _list_shape(value: Json, reference: ListOf) -> Hashable:
    if _is_scalar_list(reference):
        return _PRESENT
    inner = _nullable(reference.of)
    items = value if isinstance(value, list) else [value]
    if isinstance(inner, InputObjectType) and isinstance(inner.meaning, InsertTarget):
        return _rows_shape(items, inner)
    # A single value is a list of one, but errors name them differently.
    return (isinstance(value, list), *(shape(item, inner) for item in items))


def _object_shape(value: dict[str, Json], reference: InputObjectType) -> Hashable:
    fields = reference.fields
    return tuple(
        (name, shape(item, fields[name].type, fields[name]) if name in fields else _exact(item))
        for name, item in value.items()
    )


def _rows_shape(rows: Iterable[Json], reference: InputObjectType) -> Hashable:
    """Returns the keys of all rows; for nested inserts the shape of all their data together."""
    fields = reference.fields
    nested: dict[str, list[Json]] = {}
    seen: dict[frozenset[str], bool] = {}
    odd: list[Hashable] = []
    for row in rows:
        if not isinstance(row, dict):
            odd.append(_exact(row))
            continue
        keys = frozenset(row)
        if keys not in seen:
            seen[keys] = any(isinstance(fields[key].type, InputObjectType) for key in keys if key in fields)
        if seen[keys]:
            for key in keys:
                if key in fields and isinstance(fields[key].type, InputObjectType):
                    nested.setdefault(key, []).append(row[key])
    columns = frozenset().union(*seen)
    common = frozenset.intersection(*seen) if seen else columns
    return (
        columns,
        # Columns that only some rows give: those rows take the default.
        columns - common,
        frozenset((key, _nested_shape(values, fields[key].type)) for key, values in nested.items()),
        tuple(odd),
    )


def _nested_shape(values: list[Json], reference: TypeRef) -> Hashable:
    if not isinstance(reference, InputObjectType):
        return None
    data_field = reference.fields["data"]
    data: list[Json] = []
    others: set[Hashable] = set()
    for value in values:
        if not isinstance(value, dict):
            others.add(_exact(value))
            continue
        inner = value.get("data")
        data.extend(inner if isinstance(inner, list) else [inner])
        others.add(_object_shape({name: item for name, item in value.items() if name != "data"}, reference))
    rows_type = data_field.type
    while isinstance(rows_type, NonNull | ListOf):
        rows_type = rows_type.of
    if not isinstance(rows_type, InputObjectType):
        return None
    return (_rows_shape(data, rows_type), frozenset(others))
