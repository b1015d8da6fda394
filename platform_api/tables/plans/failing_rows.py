"""Finds the rows that would prevent a change: a query per rule that the change adds, of the table as it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import sqlalchemy as sa

from platform_api.tables.ddl.changes import Change
from platform_api.tables.ddl.column_types import POSTGRES_TYPES, ColumnType, FunctionDefault, parse_default
from platform_api.tables.ddl.statements import (
    SCHEMA,
    AllowedValues,
    Constraint,
    ForeignKeyTo,
    IndexOn,
    UniqueOn,
    constraints_of,
    new_column_names,
    renamed,
)
from platform_api.tables.definition import Column
from platform_api.tables.names import SYSTEM_COLUMNS
from platform_api.tables.plans.conversions import converts

_Value: TypeAlias = sa.ColumnElement[Any]


class RuleKind(StrEnum):
    """Names what a change would demand of every row."""

    REQUIRED = "required"
    TYPE = "type"
    UNIQUE = "unique"
    CHOICE = "choice"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Rule:
    """Describes a demand of a change on the rows. `columns` are named as after the change.

    `failing` selects `id`, `organization_id` and `value` of the rows that do not meet it, from the table as it is.
    `conversion` is a query of no row that PostgreSQL refuses when it cannot convert between the types at all.
    `filter_column` is the present name of the only column, if it exists.
    """

    kind: RuleKind
    columns: tuple[str, ...]
    failing: sa.Select[Any]
    conversion: sa.Select[Any] | None = None
    filter_column: str | None = None


def rules_of(change: Change, *, tables_before: Mapping[int, str]) -> Iterator[Rule]:
    """Yields what the change demands of the rows that are there, in the order in which PostgreSQL would see it."""
    yield from _Rules(change, tables_before).all()


class _Rules:
    def __init__(self, change: Change, tables_before: Mapping[int, str]) -> None:
        before, after = change.before, change.after
        self._after = {column.name: column for column in after.columns}
        self._tables_before = tables_before
        names = new_column_names(before, after, change.renamed_columns)
        self._old = {names[column.name]: column for column in before.columns if names[column.name] in self._after}
        present = {renamed(constraint, names) for constraint in constraints_of(before)}
        self._constraints = constraints_of(after)
        self._new = {constraint for constraint in self._constraints if constraint not in present}
        self._rows = _table(before.physical.table, [*SYSTEM_COLUMNS, *(column.name for column in before.columns)])

    def all(self) -> Iterator[Rule]:
        for column in self._after.values():
            old = self._old.get(column.name)
            if old is not None and self._is_retyped(column):
                yield self._conversion(old, column)
            if column.required and (column.default is None if old is None else not old.required):
                yield self._required(old, column)
        for constraint in self._constraints:
            if isinstance(constraint, IndexOn):
                continue
            if constraint in self._new or (isinstance(constraint, UniqueOn) and self._has_retyped(constraint)):
                yield self._of(constraint)

    def _of(self, constraint: Constraint) -> Rule:
        match constraint:
            case UniqueOn(columns):
                return self._unique(columns)
            case AllowedValues(column, choices):
                value = self._value(column)
                wrong = value.is_not(None) & value.not_in(choices)
                return self._rule(RuleKind.CHOICE, column, wrong)
            case ForeignKeyTo(column, table_id, _):
                return self._reference(column, table_id)
            case _:
                raise AssertionError(constraint)

    def _conversion(self, old: Column, new: Column) -> Rule:
        column = self._rows.c[old.name]
        wrong = column.is_not(None) & sa.not_(sa.func.coalesce(converts(old.type, new.type, column), False))
        possible = sa.select(sa.cast(column, POSTGRES_TYPES[new.type])).select_from(self._rows).limit(0)
        return self._rule(RuleKind.TYPE, new.name, wrong, conversion=possible)

    def _required(self, old: Column | None, new: Column) -> Rule:
        is_empty = sa.true() if old is None else self._rows.c[old.name].is_(None)
        return self._rule(RuleKind.REQUIRED, new.name, is_empty)

    def _reference(self, column: str, table_id: int) -> Rule:
        target = _table(self._tables_before[table_id], ["id", "organization_id"]).alias("referenced")
        value = self._value(column)
        is_there = sa.exists().where(target.c.id == value, target.c.organization_id == self._rows.c.organization_id)
        return self._rule(RuleKind.REFERENCE, column, value.is_not(None) & sa.not_(is_there))

    def _unique(self, columns: Sequence[str]) -> Rule:
        values = [self._value(column) for column in columns]
        shown = values[0] if len(values) == 1 else sa.func.concat_ws(", ", *(sa.cast(v, sa.Text()) for v in values))
        times = sa.func.count().over(partition_by=[self._rows.c.organization_id, *values])
        counted = (
            sa.select(self._rows.c.id, self._rows.c.organization_id, _shown(shown).label("value"), times.label("n"))
            .where(*(value.is_not(None) for value in values))
            .subquery("counted")
        )
        failing = sa.select(counted.c.id, counted.c.organization_id, counted.c.value).where(counted.c.n > 1)
        return Rule(RuleKind.UNIQUE, tuple(columns), failing, filter_column=self._present_name(columns))

    def _rule(self, kind: RuleKind, column: str, wrong: _Value, *, conversion: sa.Select[Any] | None = None) -> Rule:
        old = self._old.get(column)
        shown = sa.null() if old is None else self._rows.c[old.name]
        failing = sa.select(self._rows.c.id, self._rows.c.organization_id, _shown(shown).label("value")).where(wrong)
        return Rule(kind, (column,), failing, conversion, self._present_name([column]))

    def _present_name(self, columns: Sequence[str]) -> str | None:
        old = self._old.get(columns[0])
        return None if old is None or len(columns) > 1 else old.name

    def _is_retyped(self, column: Column) -> bool:
        old = self._old.get(column.name)
        return old is not None and repr(POSTGRES_TYPES[old.type]) != repr(POSTGRES_TYPES[column.type])

    def _has_retyped(self, constraint: UniqueOn) -> bool:
        return any(name in self._after and self._is_retyped(self._after[name]) for name in constraint.columns)

    def _value(self, name: str) -> _Value:
        """Returns what a row's column would hold after the change; NULL where it cannot be converted."""
        if name in SYSTEM_COLUMNS:
            return self._rows.c[name]
        column, old = self._after[name], self._old.get(name)
        kind = POSTGRES_TYPES[column.type]
        if old is not None:
            present = self._rows.c[old.name]
            if not self._is_retyped(column):
                return sa.type_coerce(present, kind)
            return sa.case((converts(old.type, column.type, present), sa.cast(present, kind)), else_=sa.null())
        if column.default is None:
            return sa.cast(sa.null(), kind)
        default = parse_default(column.type, column.default)
        if default is FunctionDefault.RANDOM_UUID:
            return sa.func.gen_random_uuid()
        text = "now" if isinstance(default, FunctionDefault) else default.text
        return sa.cast(sa.cast(text, sa.Text()), kind)


def _shown(value: _Value | sa.Null) -> _Value:
    return sa.func.left(sa.cast(value, sa.Text()), 200)


def _table(name: str, columns: Sequence[str]) -> sa.TableClause:
    quoted: Iterator[sa.ColumnClause[Any]] = (sa.column(sa.sql.quoted_name(column, True)) for column in columns)
    return sa.table(sa.sql.quoted_name(name, True), *quoted, schema=SCHEMA)


__all__ = ["ColumnType", "Rule", "RuleKind", "rules_of"]
