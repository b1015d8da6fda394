"""Recognizes changes that differ in nothing but values: the statements of one are those of the other.

To put a statement together takes far longer than to look a change over, and one request may hold thousands that are
alike. Statements know of a value only where it comes from and what type it has: with the other change's values in
their places, the same text is what would have been made of that one.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from types import NoneType
from typing import NamedTuple

from hasura.engine.ir import nodes
from hasura.engine.ir.nodes import CallOutput, ColumnOutput, Delete, Update
from hasura.engine.ir.parameters import (
    Computed,
    Constant,
    CursorValue,
    Native,
    NativeList,
    SessionDocument,
    SessionValue,
    Source,
    VariableValue,
)
from hasura.engine.plan import ParameterSource, PreviousResult, Statement
from hasura.engine.sql.composition import param, substitute
from hasura.engine.translate.statements import StatementList

# Fields of the IR's nodes; all else in an update belongs to the schema.
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind))
    for kind in vars(nodes).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == nodes.__name__
}
_SOURCES = (Constant, VariableValue, SessionValue, SessionDocument, CursorValue, Computed)


Change = Update | Delete


@dataclass(frozen=True, slots=True)
class _Outline:
    """Holds a change without its values, and its values in order. Objects of the schema count by identity."""

    form: tuple[Hashable, ...]
    sources: tuple[Source, ...]


class _Known(NamedTuple):
    # Held, so that the ids in its outline stay those of its objects.
    change: Change
    outline: _Outline
    statements: list[Statement]
    start: int


class KnownChanges:
    """Holds the changes of one operation that were translated, with their statements."""

    def __init__(self) -> None:
        self._known: dict[tuple[Hashable, ...], _Known] = {}

    def add(self, change: Change, target: StatementList, translate: Callable[[], PreviousResult]) -> PreviousResult:
        """Appends a change's statements to a list: those of one that is alike, else what `translate` appends."""
        start = len(target.statements)
        outline = _outline(change)
        known = self._known.get(outline.form) if outline is not None else None
        if outline is not None and known is not None:
            moved_by = start - known.start
            target.statements.extend(_with_values(known.statements, known.outline, outline, moved_by))
            return PreviousResult(len(target.statements) - 1)
        result = translate()
        if outline is not None:
            self._known[outline.form] = _Known(change, outline, target.statements[start:], start)
        return result


def _outline(change: Change) -> _Outline | None:
    """Returns what a change is like; None where its statements hold values that stand nowhere in it."""
    form: list[Hashable] = []
    sources: list[Source] = []
    if not _look_over(change, form, sources):
        return None
    # Equal values are one parameter of a statement: where they are equal is part of the form.
    first: dict[Source, int] = {}
    form.extend(first.setdefault(source, number) for number, source in enumerate(sources))
    return _Outline(tuple(form), tuple(sources))


def _look_over(item: object, form: list[Hashable], sources: list[Source]) -> bool:
    kind = type(item)
    if isinstance(item, _SOURCES):
        form.append(kind.__name__)
        sources.append(item)
        return True
    if isinstance(item, tuple):
        form.append((tuple.__name__, len(item)))
        return all(_look_over(member, form, sources) for member in item)
    if isinstance(item, str | int | NoneType):
        form.append((kind.__name__, item))
        return True
    if isinstance(item, ColumnOutput | CallOutput) and item.path is not None:
        # The path becomes a constant of the statement, which may be equal to a value.
        return False
    names = _FIELDS.get(kind)
    if names is None:
        form.append(id(item))
        return True
    form.append(kind.__name__)
    return all(_look_over(getattr(item, name), form, sources) for name in names)


def _with_values(
    statements: Iterable[Statement], known: _Outline, other: _Outline, moved_by: int
) -> Iterator[Statement]:
    """Yields one change's statements with another's values; results they take are `moved_by` further on."""
    values = dict(zip(known.sources, other.sources, strict=True))
    for statement in statements:
        yield _with_parameters(statement, [_changed(item, values, moved_by) for item in statement.parameters])


def _with_parameters(statement: Statement, parameters: list[ParameterSource | PreviousResult]) -> Statement:
    changed = dict[Hashable, ParameterSource | PreviousResult](zip(statement.parameters, parameters, strict=True))
    fragment = substitute(statement.fragment, lambda item: param(changed[item]))
    return replace(statement, parameters=tuple(parameters), fragment=fragment)


def _changed(
    item: ParameterSource | PreviousResult, values: Mapping[Source, Source], moved_by: int
) -> ParameterSource | PreviousResult:
    if isinstance(item, PreviousResult):
        return PreviousResult(item.statement + moved_by)
    if isinstance(item, Native):
        return replace(item, source=values[item.source])
    if isinstance(item, NativeList):
        source = values[item.source]
        assert isinstance(source, Constant | VariableValue)
        return replace(item, source=source)
    if isinstance(item, SessionDocument):
        return item
    assert isinstance(item, _SOURCES)
    return values[item]
