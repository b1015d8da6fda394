"""Reads stored documents as far as possible: what cannot be read is reported and kept, and spoils nothing else.

A document may be of an older or newer version, or may have been damaged by hand. What comes in by a call is read
strictly instead (`parsing`): there the caller gets the error.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count, islice
from typing import TypeVar

from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import EngineError
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import parsing
from hasura.engine.metadata.reading import Reader
from hasura.engine.metadata.types import FunctionMetadata, TableMetadata, UnknownKey, Unreadable

T = TypeVar("T")

# Lists of a table whose elements are objects of their own, each with what reads one.
_LISTS: Mapping[str, Callable[[Reader], object]] = {
    "object_relationships": parsing.parse_object_relationship,
    "array_relationships": parsing.parse_array_relationship,
    "computed_fields": parsing.parse_computed_field,
    **parsing.PERMISSION_PARSERS,
}


def readable_table(name: QualifiedName, document: Json) -> TableMetadata:
    """Returns the table without the relationships, computed fields and permissions that cannot be read."""
    unreadable: list[Unreadable] = []
    try:
        try:
            table = parsing.parse_table(Reader(document))
        except EngineError:
            table = parsing.parse_table(Reader(_without_unreadable(document, unreadable)))
        _refuse_other_name(table.name, name)
    except EngineError as exc:
        return TableMetadata(name, unreadable=(Unreadable((), document, _reason(exc)),))
    if not unreadable:
        return table
    return replace(table, unreadable=tuple(unreadable), unknown_keys=_moved(table, unreadable))


def _moved(table: TableMetadata, left_out: list[Unreadable]) -> tuple[UnknownKey, ...]:
    """Returns the unknown keys with their places in the whole document, whose lists hold the elements left out."""
    gaps = {item.path for item in left_out}

    def place(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        if len(path) < 2 or not isinstance(path[1], int):
            return path
        list_name, index, *rest = path
        present = (number for number in count() if (list_name, number) not in gaps)
        return (list_name, next(islice(present, int(index), None)), *rest)

    return tuple(replace(item, path=place(item.path)) for item in table.unknown_keys)


def readable_function(name: QualifiedName, document: Json) -> FunctionMetadata:
    """Returns the function, which is `unreadable` when its document cannot be read."""
    try:
        function = parsing.parse_function(Reader(document))
        _refuse_other_name(function.name, name)
    except EngineError as exc:
        return FunctionMetadata(name, unreadable=(Unreadable((), document, _reason(exc)),))
    return function


def readable(document: Reader, parse: Callable[[Reader], T], unreadable: list[Unreadable]) -> T | None:
    """Returns what `parse` makes of a document or a part of it; None where it cannot be read, which is noted."""
    try:
        return parse(document)
    except EngineError as exc:
        unreadable.append(Unreadable(document.path, document.value, _reason(exc)))
        return None


def _without_unreadable(document: Json, unreadable: list[Unreadable]) -> JsonObject:
    kept = dict(Reader(document).object())
    for key, parse in _LISTS.items():
        if isinstance(elements := kept.get(key), list):
            left = list(_readable_elements(Reader(elements, key), parse, unreadable))
            kept[key] = [item.value for item in left if not _is_ambiguous(item, left, key, unreadable)]
    return kept


def _is_ambiguous(item: Reader, all_: list[Reader], list_name: str, unreadable: list[Unreadable]) -> bool:
    """Returns whether the permission's role has another one, which is reported."""
    if list_name not in parsing.PERMISSION_LISTS:
        return False
    role = item["role"].text()
    if sum(other["role"].text() == role for other in all_) == 1:
        return False
    unreadable.append(Unreadable(item.path, item.value, f"cannot be read: {parsing.SEVERAL_OF_A_ROLE}"))
    return True


def _readable_elements(
    elements: Reader, parse: Callable[[Reader], object], unreadable: list[Unreadable]
) -> Iterator[Reader]:
    for element in elements.items():
        if readable(element, parse, unreadable) is not None:
            yield element


def _refuse_other_name(written: QualifiedName, name: QualifiedName) -> None:
    if written != name:
        raise EngineError(f'the document is that of "{written}"')


def _reason(error: EngineError) -> str:
    place = "" if error.path == "$" else f" at {error.path}"
    return f"cannot be read: {error.message}{place}"
