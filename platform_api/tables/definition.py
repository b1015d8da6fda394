"""Defines an app table: the desired state from which the PostgreSQL table and its Hasura metadata are made.

It is stored as JSON in `platform.app_tables.definition`. It refers to other tables by id, so renaming a table changes
no other definition. It contains the names of relationships: they are chosen when the reference is created and never
change, because queries use them.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from platform_api.tables.ddl.column_formats import InvalidFormat, check_format
from platform_api.tables.ddl.column_types import ColumnType, InvalidDefault, is_storable, parse_default
from platform_api.tables.names import (
    SYSTEM_COLUMNS,
    InvalidName,
    PhysicalNames,
    TableFault,
    check_column_name,
    check_key_name,
    check_table_name,
)

MAX_COLUMNS = 500
MAX_CHOICES = 200
MAX_CHOICE_LENGTH = 200
MAX_KEY_COLUMNS = 16

# System columns that a builder may use in a unique key or an index beside their own.
_KEY_SYSTEM_COLUMNS = frozenset({"connection_id", "created_at", "updated_at"})


class InvalidDefinition(TableFault):
    """Reports that a table's definition contradicts itself or cannot be built."""

    code = "invalid_definition"


class OnDelete(StrEnum):
    """Decides what deleting a referenced row does to the rows that refer to it."""

    SET_NULL = "set_null"
    RESTRICT = "restrict"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Frozen):
    """Defines a builder's column. `default` is a JSON value, `now()`, `gen_random_uuid()`, or None for no default."""

    name: str
    type: ColumnType
    required: bool = False
    default: JsonValue = None
    choices: tuple[str, ...] = ()
    description: str = ""
    format: dict[str, JsonValue] | None = None


class Reference(_Frozen):
    """Makes a column hold the id of a row of the same organization in a table of the app."""

    column: str
    table_id: int
    on_delete: OnDelete
    object_relationship: str
    array_relationship: str


class UniqueKey(_Frozen):
    """Requires the values of the columns together to be unique within each organization."""

    columns: tuple[str, ...]
    name: str | None = None


class Index(_Frozen):
    """Indexes columns that queries search or sort by; `organization_id` always precedes them."""

    columns: tuple[str, ...]


class TableDefinition(_Frozen):
    """Defines a table of an app. `check()` raises unless it can be built."""

    app_id: int
    name: str
    columns: tuple[Column, ...] = ()
    references: tuple[Reference, ...] = ()
    unique: tuple[UniqueKey, ...] = ()
    indexes: tuple[Index, ...] = ()

    @property
    def physical(self) -> PhysicalNames:
        return PhysicalNames(self.app_id, self.name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Returns all columns: the system's, then the builder's."""
        return (*SYSTEM_COLUMNS, *(column.name for column in self.columns))

    def column(self, name: str, *, field: str | None = None, of: str | None = None) -> Column:
        """Returns the builder's column of that name. Raises `InvalidDefinition` when there is none.

        `field` is where the name comes from, of the column `of` if that is in one.
        """
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(column.name for column in self.columns) or "none"
        raise InvalidDefinition(
            f"table {self.name!r} has no column {name!r}; its columns are: {known}", field=field, column=of
        )

    def reference(self, column: str) -> Reference | None:
        """Returns the reference in `column`; None when it is not a reference."""
        return next((reference for reference in self.references if reference.column == column), None)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """Returns a digest of the whole definition: equal definitions have equal digests."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    def check(self) -> None:
        """Raises `InvalidDefinition` or `InvalidName` for the first error in the definition."""
        self.check_columns()
        for reference in self.references:
            self._check_reference(reference)
        _refuse_repeated(
            "foreign key of column", (reference.column for reference in self.references), field="foreign_keys"
        )
        for column in self.columns:
            if column.type is ColumnType.REFERENCE and self.reference(column.name) is None:
                raise InvalidDefinition(
                    f"column {column.name!r} is a reference, but no foreign key says to which table; add "
                    f'{{"column": "{column.name}", "table": "..."}} to foreign_keys',
                    field="type",
                    column=column.name,
                )
        for key in self.unique:
            if key.name is not None:
                check_key_name(key.name)
            self._check_key_columns("unique key", key.columns, field="unique")
        for index in self.indexes:
            self._check_key_columns("index", index.columns, field="indexes")
        _refuse_repeated("index on", (", ".join(index.columns) for index in self.indexes), field="indexes")
        _refuse_repeated(
            "unique key",
            (self.physical.unique_key(key.columns, name=key.name) for key in self.unique),
            field="unique",
        )

    def check_columns(self) -> None:
        """Raises as `check` does, for everything but references and keys."""
        check_table_name(self.name)
        if len(self.columns) > MAX_COLUMNS:
            raise InvalidDefinition(
                f"{len(self.columns)} columns are too many; at most {MAX_COLUMNS} are allowed", field="columns"
            )
        for column in self.columns:
            _check_column(column)
        _refuse_repeated("column", (column.name for column in self.columns), field="columns")

    def _check_reference(self, reference: Reference) -> None:
        column = self.column(reference.column)
        if column.type is not ColumnType.REFERENCE:
            raise InvalidDefinition(
                f"column {column.name!r} has a foreign key and must be of type 'reference', not"
                f" {column.type.value!r}",
                field="type",
                column=column.name,
            )
        if column.required and reference.on_delete is OnDelete.SET_NULL:
            raise InvalidDefinition(
                f"column {column.name!r} is required, so deleting the row it refers to cannot empty it; "
                "use on_delete 'restrict'",
                field="foreign_keys",
            )

    def _check_key_columns(self, kind: str, columns: tuple[str, ...], *, field: str) -> None:
        if not columns:
            raise InvalidDefinition(f"a {kind} needs at least one column", field=field)
        if len(columns) > MAX_KEY_COLUMNS:
            raise InvalidDefinition(
                f"a {kind} has {len(columns)} columns; at most {MAX_KEY_COLUMNS} are allowed", field=field
            )
        _refuse_repeated(f"column of a {kind}", columns, field=field)
        for name in columns:
            if name == "organization_id":
                raise InvalidDefinition(f"leave organization_id out of a {kind}: it is part of each", field=field)
            if name not in _KEY_SYSTEM_COLUMNS and self.column(name, field=field).type is ColumnType.JSON:
                raise InvalidDefinition(
                    f"column {name!r} is of type json and cannot be part of a {kind}", field=field
                )


def _refuse_repeated(kind: str, names: Iterable[str], *, field: str, column: str | None = None) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise InvalidDefinition(
                f"{kind} {name!r} is given {times} times; give it once", field=field, column=column
            )


def _check_column(column: Column) -> None:
    check_column_name(column.name)
    if column.type is ColumnType.CHOICE:
        _check_choices(column)
    elif column.choices:
        raise InvalidDefinition(
            f"column {column.name!r} has choices, so its type must be 'choice', not {column.type.value!r}",
            field="type",
            column=column.name,
        )
    if not is_storable(column.description):
        raise InvalidDefinition(
            f"the description of column {column.name!r} must not contain a NUL character",
            field="description",
            column=column.name,
        )
    if column.format is not None:
        _check_format(column, column.format)
    if column.default is None:
        return
    try:
        parse_default(column.type, column.default)
    except InvalidDefault as error:
        raise InvalidDefinition(
            f"the default of {column.type.value} column {column.name!r} {error}", field="default", column=column.name
        ) from error


def _check_format(column: Column, value: dict[str, JsonValue]) -> None:
    try:
        check_format(column.type, value)
    except InvalidFormat as error:
        raise InvalidDefinition(
            f"the format of {column.type.value} column {column.name!r} {error}", field="format", column=column.name
        ) from error


def _check_choices(column: Column) -> None:
    if not column.choices:
        raise InvalidDefinition(
            f"column {column.name!r} is of type 'choice' and needs at least one value in choices",
            field="choices",
            column=column.name,
        )
    if len(column.choices) > MAX_CHOICES:
        raise InvalidDefinition(
            f"column {column.name!r} has {len(column.choices)} choices; at most {MAX_CHOICES} are allowed",
            field="choices",
            column=column.name,
        )
    for choice in column.choices:
        if not choice or len(choice) > MAX_CHOICE_LENGTH or not is_storable(choice):
            raise InvalidDefinition(
                f"a choice of column {column.name!r} must have 1 to {MAX_CHOICE_LENGTH} characters, none of them NUL",
                field="choices",
                column=column.name,
            )
    _refuse_repeated(f"choice of column {column.name!r}:", column.choices, field="choices", column=column.name)
    if column.default is not None and column.default not in column.choices:
        raise InvalidDefinition(
            f"the default of column {column.name!r} must be one of its choices", field="default", column=column.name
        )


__all__ = [
    "Column",
    "Index",
    "InvalidDefinition",
    "InvalidName",
    "OnDelete",
    "Reference",
    "TableDefinition",
    "UniqueKey",
]
