"""Finds where the rows of an insert stand in the request, once something is wrong with one of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from hasura.engine.errors import json_path
from hasura.engine.ir.documents.values import InputValue, Path, from_json
from hasura.engine.ir.parameters import value_at
from hasura.engine.plan import Variables


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Holds a row and its places. An error of one of its values names the place where that was written."""

    row: InputValue
    # Errors of the row as a whole name its number: a single row is the first of a list.
    numbered: Path
    # The list that the row is of, or the row itself where there is only one.
    together: Path


# Takes the rows of a level out of a request, in the order in which they are inserted.
Locate = Callable[[Variables], list[RowPlace]]


def locate_top(value: InputValue) -> Locate:
    """Returns what finds the rows of `objects` or `object`."""
    return lambda variables: _listed(value, value.path, variables)


def locate_nested(parents: Locate, name: str, *, is_list: bool) -> Locate:
    """Returns what finds the rows below each row of a level; rows without this relationship have none."""

    def locate(variables: Variables) -> list[RowPlace]:
        places: list[RowPlace] = []
        for parent in parents(variables):
            nested = _members(parent.row).get(name)
            data = _members(_present(nested, variables)).get("data") if nested is not None else None
            if data is None:
                continue
            numbered: Path = (*parent.numbered, name, "data")
            if is_list:
                places.extend(_listed(data, numbered, variables))
            else:
                places.append(RowPlace(_present(data, variables), numbered, numbered))
        return places

    return locate


def _listed(value: InputValue, numbered: Path, variables: Variables) -> list[RowPlace]:
    rows = _present(value, variables)
    return [
        RowPlace(_present(row, variables), (*numbered, index), numbered)
        for index, row in enumerate(rows.content if isinstance(rows.content, tuple) else (rows,))
    ]


def _present(value: InputValue, variables: Variables) -> InputValue:
    """Returns the value of this request, where it came from a variable."""
    return value if value.place is None else from_json(value_at(variables, value.place), value.path, value.place)


def _members(value: InputValue) -> Mapping[str, InputValue]:
    return value.content if isinstance(value.content, Mapping) else {}


def place_of_refusal(rows: Sequence[RowPlace], relationships: frozenset[str]) -> str:
    """Returns the place that an error of PostgreSQL or of a permission about these rows names.

    Hasura inserts rows with rows below them one by one, each at its number, and others together, at their list. As
    one statement inserts all rows of a level here, it is not known which of several was refused: then the place is
    the innermost that holds all of them.
    """
    places: list[Path] = []
    for together, group in groupby(rows, key=lambda row: row.together):
        members = list(group)
        is_nested = any(
            name in relationships and not value.is_null
            for row in members
            for name, value in _members(row.row).items()
        )
        places.extend(row.numbered for row in members) if is_nested else places.append(together)
    return json_path(*_common_beginning(places))


def _common_beginning(places: Sequence[Path]) -> Path:
    steps = takewhile(lambda step: len(set(step)) == 1, zip(*places, strict=False))
    return tuple(step[0] for step in steps)
