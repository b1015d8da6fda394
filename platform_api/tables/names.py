"""Checks the names of tables and columns, and derives PostgreSQL names from them.

A name becomes part of PostgreSQL identifiers (at most 63 bytes) and of GraphQL names (`[_A-Za-z][_0-9A-Za-z]*`), so
only what is valid in both is allowed. Upper and lower case are kept: columns such as `allegroId` are ordinary.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from platform_api.core.errors import FieldError, Unprocessable

MAX_IDENTIFIER_BYTES = 63
MAX_TABLE_NAME_LENGTH = 48  # leaves room for `app_` and a ten-digit app id

SYSTEM_COLUMNS = ("id", "organization_id", "connection_id", "created_at", "updated_at")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_PHYSICAL_TABLE = re.compile(r"app_(?P<app_id>[1-9][0-9]{0,9})_(?P<table_name>[A-Za-z][A-Za-z0-9_]*)\Z")

# Hasura appends these endings to a table's name for further root fields and types, PostgreSQL `_pkey` for the
# primary key's index; a table with such a name would collide with those of another table of the app.
_RESERVED_TABLE_ENDINGS = (
    "_aggregate",
    "_aggregate_fields",
    "_aggregate_bool_exp",
    "_aggregate_order_by",
    "_append_input",
    "_arr_rel_insert_input",
    "_bool_exp",
    "_by_pk",
    "_constraint",
    "_delete_at_path_input",
    "_delete_elem_input",
    "_delete_key_input",
    "_fields",
    "_inc_input",
    "_insert_input",
    "_many",
    "_mutation_response",
    "_obj_rel_insert_input",
    "_on_conflict",
    "_one",
    "_order_by",
    "_pk_columns_input",
    "_pkey",
    "_prepend_input",
    "_select_column",
    "_set_input",
    "_stream",
    "_stream_cursor_input",
    "_stream_cursor_value_input",
    "_update_column",
    "_updates",
)

# The first six are columns PostgreSQL keeps in every table; the others cannot be values of a GraphQL enum, and every
# column is one (`<table>_select_column`).
_RESERVED_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "true", "false", "null"})


class TableFault(Unprocessable):
    """Reports a value of a table's definition that is not acceptable.

    `field` is its path in the body. That of a column's value is relative to the column, which `column` names, until
    `locate` knows at which place of the body the column is.
    """

    def __init__(self, message: str, *, field: str | None = None, column: str | None = None) -> None:
        super().__init__(message, field=field if column is None else "columns")
        self._column = column
        self._part = field

    def locate(self, columns: Sequence[str], *, name_field: str) -> None:
        """Completes the path, given the names of the body's columns, and what the body calls the table's name."""
        if self._column in columns and self._part is not None:
            self.fields = [FieldError(f"columns.{columns.index(self._column)}.{self._part}", self.message)]
        elif self._column is None and self._part == "name":
            self.fields = [FieldError(name_field, self.message)]


class InvalidName(TableFault):
    """Reports that a name of a table, column or key cannot be used."""

    code = "invalid_name"


def _invalid(kind: str, name: object, message: str) -> InvalidName:
    if kind == "column":
        return InvalidName(message, field="name", column=str(name))
    return InvalidName(message, field="name" if kind == "table" else "unique")


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:77] + "...")


def _check_shape(kind: str, name: object, *, max_length: int) -> str:
    if not isinstance(name, str):
        raise _invalid(kind, name, f"a {kind} name must be text, not {type(name).__name__}")
    if not name:
        raise _invalid(kind, name, f"a {kind} name must not be empty")
    if not _NAME.match(name):
        raise _invalid(
            kind,
            name,
            f"{_quoted(name)} is not a valid {kind} name: it must start with a letter (A-Z, a-z) and contain only "
            "letters, digits and underscores",
        )
    if len(name) > max_length:
        raise _invalid(
            kind,
            name,
            f"{_quoted(name)} is too long for a {kind} name: {len(name)} characters, at most {max_length} are"
            " allowed",
        )
    return name


def check_table_name(name: object) -> str:
    """Returns the name unchanged. Raises `InvalidName` when a table cannot have it."""
    checked = _check_shape("table", name, max_length=MAX_TABLE_NAME_LENGTH)
    for ending in _RESERVED_TABLE_ENDINGS:
        if checked.endswith(ending):
            raise _invalid(
                "table",
                name,
                f"{_quoted(checked)} is not a valid table name: names ending in {ending!r} are reserved for "
                "GraphQL names made from other tables",
            )
    if _PHYSICAL_TABLE.match(checked):
        raise _invalid(
            "table",
            name,
            f"{_quoted(checked)} is not a valid table name: give the bare name; the prefix `app_<id>_` is"
            " added to it",
        )
    return checked


def check_column_name(name: object) -> str:
    """Returns the name unchanged. Raises `InvalidName` when a builder's column cannot have it."""
    checked = _check_shape("column", name, max_length=MAX_IDENTIFIER_BYTES)
    if checked in SYSTEM_COLUMNS:
        raise _invalid(
            "column",
            name,
            f"{_quoted(checked)} is a column that every table has; leave it out or choose another name",
        )
    if checked.lower() in _RESERVED_COLUMNS or checked.startswith("automio_"):
        raise _invalid("column", name, f"{_quoted(checked)} is reserved; choose another column name")
    return checked


def check_key_name(name: object) -> str:
    """Returns the name unchanged. Raises `InvalidName` when a unique key cannot have it."""
    return _check_shape("unique key", name, max_length=MAX_IDENTIFIER_BYTES)


def shorten(identifier: str) -> str:
    """Returns the identifier; when it is too long for PostgreSQL, its beginning followed by a hash of the whole."""
    if len(identifier.encode()) <= MAX_IDENTIFIER_BYTES:
        return identifier
    digest = hashlib.sha256(identifier.encode()).hexdigest()[:10]
    return f"{identifier[: MAX_IDENTIFIER_BYTES - 11]}_{digest}"


@dataclass(frozen=True, slots=True)
class PhysicalNames:
    """Derives the unquoted PostgreSQL names of an app table and of its constraints, indexes and trigger."""

    app_id: int
    table_name: str

    @property
    def table(self) -> str:
        return f"app_{self.app_id}_{self.table_name}"

    @property
    def primary_key(self) -> str:
        return shorten(f"{self.table}_pkey")

    @property
    def organization_key(self) -> str:
        """Names the unique key `(organization_id, id)` that references point at."""
        # Not `uq_…`: with `x_id` as a unique column of `orders`, that would be the name for table `orders_x`.
        return shorten(f"org_{self.table}_id")

    @property
    def touch_trigger(self) -> str:
        return shorten(f"tr_{self.table}_updated_at")

    def unique_key(self, columns: Sequence[str], *, name: str | None = None) -> str:
        """Names a unique key, as `on_conflict` uses it: `uq_app_{app_id}_{table}_{columns or name}_org`."""
        return shorten(f"uq_{self.table}_{name or '_'.join(columns)}_org")

    def foreign_key(self, column: str) -> str:
        return shorten(f"fk_{self.table}_{column}")

    def choice_check(self, column: str) -> str:
        return shorten(f"ck_{self.table}_{column}")

    def index(self, columns: Sequence[str]) -> str:
        # Index names are unique in the schema: the hash separates `orders` + `lines_x` from `orders_lines` + `x`.
        digest = hashlib.sha256("\n".join((self.table, *columns)).encode()).hexdigest()[:8]
        return shorten(f"ix_{self.table}_{'_'.join(columns)}_{digest}")


def bare_table_name(name: str, *, app_id: int) -> str:
    """Returns the builder's name of a table that a client calls `products` or `app_123_products`."""
    match = _PHYSICAL_TABLE.match(name)
    if match is not None and int(match["app_id"]) == app_id:
        return match["table_name"]
    return name
