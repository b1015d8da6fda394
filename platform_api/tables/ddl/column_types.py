"""Defines the column types a builder can choose, their PostgreSQL types and their possible defaults."""

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import BigInteger, Boolean, Date, Double, Integer, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeEngine


class ColumnType(StrEnum):
    """Names the type of a builder's column, as in requests and replies."""

    TEXT = "text"
    INTEGER = "integer"
    BIGINT = "bigint"
    NUMERIC = "numeric"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMPTZ = "timestamptz"
    UUID = "uuid"
    JSON = "json"
    REFERENCE = "reference"
    CHOICE = "choice"


POSTGRES_TYPES: dict[ColumnType, TypeEngine[Any]] = {
    ColumnType.TEXT: Text(),
    ColumnType.INTEGER: Integer(),
    ColumnType.BIGINT: BigInteger(),
    ColumnType.NUMERIC: Numeric(),
    ColumnType.FLOAT: Double(),
    ColumnType.BOOLEAN: Boolean(),
    ColumnType.DATE: Date(),
    ColumnType.TIMESTAMPTZ: TIMESTAMP(timezone=True),
    ColumnType.UUID: Uuid(),
    ColumnType.JSON: JSONB(),
    ColumnType.REFERENCE: Uuid(),
    ColumnType.CHOICE: Text(),
}


SYSTEM_COLUMN_TYPES = {
    "id": ColumnType.UUID,
    "organization_id": ColumnType.INTEGER,
    "connection_id": ColumnType.BIGINT,
    "created_at": ColumnType.TIMESTAMPTZ,
    "updated_at": ColumnType.TIMESTAMPTZ,
}


class InvalidDefault(ValueError):
    """Reports that a default does not fit its column's type."""


@dataclass(frozen=True, slots=True)
class LiteralDefault:
    """Holds a constant default, as the text that PostgreSQL reads for the column's type."""

    text: str


class FunctionDefault(StrEnum):
    """Names a default that PostgreSQL computes for each row; requests write it as the same text."""

    NOW = "now()"
    RANDOM_UUID = "gen_random_uuid()"


Default = LiteralDefault | FunctionDefault


def is_storable(text: str) -> bool:
    """Returns whether PostgreSQL can store this text: it has no NUL character and no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _text(value: object) -> Default:
    if not isinstance(value, str):
        raise InvalidDefault("must be text")
    if not is_storable(value):
        raise InvalidDefault("must not contain a NUL character or half a surrogate pair")
    return LiteralDefault(value)


def _whole_number(bits: int) -> Callable[[object], Default]:
    limit = 2 ** (bits - 1)

    def parse(value: object) -> Default:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidDefault("must be a whole number")
        if not -limit <= value < limit:
            raise InvalidDefault(f"must be between {-limit} and {limit - 1}")
        return LiteralDefault(str(value))

    return parse


def _decimal(value: object) -> Default:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidDefault("must be a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise InvalidDefault("must be a number") from error
    if not number.is_finite() or abs(number.adjusted()) > 1000:
        raise InvalidDefault("must be a finite number of at most 1000 digits")
    return LiteralDefault(str(number))


def _float(value: object) -> Default:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidDefault("must be a number")
    try:
        number = float(value)
    except OverflowError as error:
        raise InvalidDefault("must be a finite number") from error
    if not math.isfinite(number):
        raise InvalidDefault("must be a finite number")
    return LiteralDefault(repr(number))


def _boolean(value: object) -> Default:
    if not isinstance(value, bool):
        raise InvalidDefault("must be true or false")
    return LiteralDefault("true" if value else "false")


# Dates are parsed here, not by PostgreSQL: it would accept 'now' and 'today' and freeze the moment of the change.
def _date(value: object) -> Default:
    if value == FunctionDefault.NOW:
        return FunctionDefault.NOW
    try:
        return LiteralDefault(date.fromisoformat(str(value)).isoformat())
    except ValueError as error:
        raise InvalidDefault("must be an ISO 8601 date such as 2026-01-31, or now()") from error


def _timestamp(value: object) -> Default:
    if value == FunctionDefault.NOW:
        return FunctionDefault.NOW
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise InvalidDefault("must be an ISO 8601 time such as 2026-01-31T12:00:00Z, or now()") from error
    if moment.tzinfo is None:
        raise InvalidDefault("must include its time zone, for example 2026-01-31T12:00:00Z")
    return LiteralDefault(moment.isoformat())


def _uuid(value: object) -> Default:
    if value == FunctionDefault.RANDOM_UUID:
        return FunctionDefault.RANDOM_UUID
    try:
        return LiteralDefault(str(uuid.UUID(str(value))))
    except ValueError as error:
        raise InvalidDefault("must be a UUID, or gen_random_uuid()") from error


def _json(value: object) -> Default:
    try:
        text = orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, UnicodeDecodeError) as error:
        raise InvalidDefault("must be a JSON value") from error
    if "\\u0000" in text:
        raise InvalidDefault("must not contain a NUL character")
    return LiteralDefault(text)


def _no_default(value: object) -> Default:
    raise InvalidDefault("is not possible: a reference cannot have a default")


_PARSERS: dict[ColumnType, Callable[[object], Default]] = {
    ColumnType.TEXT: _text,
    ColumnType.INTEGER: _whole_number(32),
    ColumnType.BIGINT: _whole_number(64),
    ColumnType.NUMERIC: _decimal,
    ColumnType.FLOAT: _float,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMPTZ: _timestamp,
    ColumnType.UUID: _uuid,
    ColumnType.JSON: _json,
    ColumnType.REFERENCE: _no_default,
    ColumnType.CHOICE: _text,
}


def parse_default(column_type: ColumnType, value: object) -> Default:
    """Returns the default of a column of this type, from a JSON value that is not null.

    Raises `InvalidDefault`, whose message continues "the default of column … ".
    """
    return _PARSERS[column_type](value)
