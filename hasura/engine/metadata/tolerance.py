"""Stored documents as far as they can be read: what cannot be is told, kept, and takes nothing else along.

A document may be of an older or newer version, or may have been damaged by hand. What comes in by a call is read
strictly instead (`parsing`): there is somebody to tell.
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
    """The table without the relationships, computed fields and permissions that cannot be read."""
    found: list[Unreadable] = []
    try:
        try:
            table = parsing.parse_table(Reader(document))
        except EngineError:
            table = parsing.parse_table(Reader(_without_unreadable(document, found)))
        _refuse_other_name(table.name, name)
    except EngineError as exc:
        return TableMetadata(name, unreadable=(Unreadable((), document, _told(exc)),))
    return replace(table, unreadable=tuple(found), unknown_keys=_moved(table, found)) if found else table


def _moved(table: TableMetadata, left_out: list[Unreadable]) -> tuple[UnknownKey, ...]:
    """The unknown keys with the places of the whole document, in whose lists the elements left out stand."""
    gaps = {item.path for item in left_out}

    def place(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        if len(path) < 2 or not isinstance(path[1], int):
            return path
        list_name, index, *rest = path
        present = (number for number in count() if (list_name, number) not in gaps)
        return (list_name, next(islice(present, int(index), None)), *rest)

    return tuple(replace(item, path=place(item.path)) for item in table.unknown_keys)


def readable_function(name: QualifiedName, document: Json) -> FunctionMetadata:
    """The function, which is `unreadable` when its document cannot be read."""
    try:
        function = parsing.parse_function(Reader(document))
        _refuse_other_name(function.name, name)
    except EngineError as exc:
        return FunctionMetadata(name, unreadable=(Unreadable((), document, _told(exc)),))
    return function


def readable(document: Reader, parse: Callable[[Reader], T], found: list[Unreadable]) -> T | None:
    """What `parse` makes of a document or a part of it; None, and one more in `found`, when it cannot be read."""
    try:
        return parse(document)
    except EngineError as exc:
        found.append(Unreadable(document.path, document.value, _told(exc)))
        return None


def _without_unreadable(document: Json, found: list[Unreadable]) -> JsonObject:
    kept = dict(Reader(document).object())
    for key, parse in _LISTS.items():
        if isinstance(elements := kept.get(key), list):
            left = list(_readable_elements(Reader(elements, key), parse, found))
            kept[key] = [item.value for item in left if not _is_ambiguous(item, left, key, found)]
    return kept


def _is_ambiguous(item: Reader, all_: list[Reader], list_name: str, found: list[Unreadable]) -> bool:
    """Tells of a permission whose role has another one."""
    if list_name not in parsing.PERMISSION_LISTS:
        return False
    role = item["role"].text()
    if sum(other["role"].text() == role for other in all_) == 1:
        return False
    found.append(Unreadable(item.path, item.value, f"cannot be read: {parsing.SEVERAL_OF_A_ROLE}"))
    return True


def _readable_elements(
    elements: Reader, parse: Callable[[Reader], object], found: list[Unreadable]
) -> Iterator[Reader]:
    for element in elements.items():
        if readable(element, parse, found) is not None:
            yield element


def _refuse_other_name(written: QualifiedName, name: QualifiedName) -> None:
    if written != name:
        raise EngineError(f'the document is that of "{written}"')


def _told(error: EngineError) -> str:
    place = "" if error.path == "$" else f" at {error.path}"
    return f"cannot be read: {error.message}{place}"
