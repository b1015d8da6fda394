"""Tells of a value whether PostgreSQL can convert it to another type, as `ALTER COLUMN … TYPE` would."""

from typing import Any

import sqlalchemy as sa

from platform_api.tables.ddl.column_types import POSTGRES_TYPES, ColumnType

_BITS = {ColumnType.INTEGER: 31, ColumnType.BIGINT: 63}
_FRACTIONAL = (ColumnType.NUMERIC, ColumnType.FLOAT)
_NUMBERS = (ColumnType.INTEGER, ColumnType.BIGINT, *_FRACTIONAL)
_TEXTS = (ColumnType.TEXT, ColumnType.CHOICE)


def converts(old: ColumnType, new: ColumnType, value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Returns the condition that `value`, of type `old` and not NULL, can be converted to `new`.

    That there is a conversion between the types is another question, which PostgreSQL answers.
    """
    if old in _TEXTS and new not in _TEXTS:
        return _reads_as(value, new)
    if old is ColumnType.JSON and new in (*_NUMBERS, ColumnType.BOOLEAN):
        return _from_json(new, value)
    if old in _NUMBERS and new in _BITS:
        return _fits(value if old not in _FRACTIONAL else sa.func.round(value), new)
    if old is ColumnType.NUMERIC and new is ColumnType.FLOAT:
        return _reads_as(sa.cast(value, sa.Text()), new)
    if old is ColumnType.DATE and new is ColumnType.TIMESTAMPTZ:
        return _reads_as(sa.cast(value, sa.Text()), new)
    return sa.true()


def _reads_as(text: sa.ColumnElement[Any], kind: ColumnType) -> sa.ColumnElement[bool]:
    name = str(POSTGRES_TYPES[kind].compile(dialect=sa.dialects.postgresql.dialect()))  # type: ignore[no-untyped-call]
    return sa.func.pg_input_is_valid(text, name, type_=sa.Boolean())


def _fits(number: sa.ColumnElement[Any], kind: ColumnType) -> sa.ColumnElement[bool]:
    limit = sa.cast(sa.literal(str(2 ** _BITS[kind]), sa.Text()), sa.Numeric())
    return sa.and_(number >= -limit, number < limit)


def _from_json(kind: ColumnType, value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    expected = "boolean" if kind is ColumnType.BOOLEAN else "number"
    is_right: sa.ColumnElement[bool] = sa.func.jsonb_typeof(value) == expected
    number = sa.cast(value, sa.Numeric())
    fits: sa.ColumnElement[bool] = sa.true()
    if kind in _BITS:
        fits = _fits(sa.func.round(number), kind)
    elif kind is ColumnType.FLOAT:
        fits = _reads_as(sa.cast(number, sa.Text()), kind)
    # From PostgreSQL 18 on, JSON's null becomes NULL.
    is_null = (sa.func.jsonb_typeof(value) == "null") & (_server_version() >= 180000)
    # Only a number is read as one, whatever order PostgreSQL would choose for an `and`.
    return sa.case((is_right, fits), else_=is_null)


def _server_version() -> sa.ColumnElement[int]:
    return sa.cast(sa.func.current_setting("server_version_num"), sa.Integer())
