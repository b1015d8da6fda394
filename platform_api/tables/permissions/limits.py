"""Says what a caller may do with the rows of a table."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from platform_api.core.errors import Forbidden
from platform_api.tables.definition import TableDefinition
from platform_api.tables.names import SYSTEM_COLUMNS
from platform_api.tables.permissions.definition import Permission
from platform_api.tables.permissions.rights import own_columns


class NotPermitted(Forbidden):
    """Reports that the table's permissions do not let the caller's role do this."""

    code = "not_permitted"


@dataclass(frozen=True, slots=True)
class OwnRight:
    """Holds what the caller may do in one way; `columns` are the builder's."""

    allowed: bool
    columns: Sequence[str] = ()
    presets: Sequence[str] = ()
    is_by_row: bool = False


@dataclass(frozen=True, slots=True)
class Own:
    """Holds what the caller may do with the rows of a table."""

    is_limited: bool
    read: OwnRight
    add: OwnRight
    change: OwnRight
    delete: OwnRight

    @classmethod
    def of(cls, permission: Permission | None, definition: TableDefinition) -> "Own":
        given = permission or Permission()
        read, add, change, delete = given.read, given.add, given.change, given.delete
        return cls(
            permission is not None,
            OwnRight(read.allowed, own_columns(read.columns, definition), (), bool(read.rule)),
            OwnRight(add.allowed, _writable(add.columns, add.presets, definition), [*add.presets], bool(add.rule)),
            OwnRight(
                change.allowed,
                _writable(change.columns, change.presets, definition),
                [*change.presets],
                bool(change.rule or change.after),
            ),
            OwnRight(delete.allowed, (), (), bool(delete.rule)),
        )

    def readable(self) -> list[str]:
        """Returns all columns that the caller reads. Raises `NotPermitted` when there is none."""
        if not self.read.allowed:
            raise NotPermitted("your role may not read the rows of this table; a builder can allow it")
        return [*SYSTEM_COLUMNS, *self.read.columns]

    def require_readable(self, columns: Collection[str]) -> None:
        """Raises `NotPermitted` unless the caller may read the columns."""
        readable = self.readable()
        for column in columns:
            if column not in readable:
                raise NotPermitted(f"columns: {column!r} is hidden from your role; leave it out", field="columns")

    def require_import(self, added: Collection[str], changed: Collection[str]) -> None:
        """Raises `NotPermitted` unless the caller may add rows with the columns, and change those in `changed`."""
        self.readable()
        _require(self.add, "add", added)
        if changed:
            _require(self.change, "change", changed)


def _require(right: OwnRight, verb: str, columns: Collection[str]) -> None:
    if not right.allowed:
        raise NotPermitted(f"your role may not {verb} rows of this table; a builder can allow it")
    for column in columns:
        if column not in SYSTEM_COLUMNS and column not in right.columns:
            raise NotPermitted(f"your role may not {verb} values of {column!r}; leave the column out")


def _writable(columns: Sequence[str] | None, presets: Collection[str], definition: TableDefinition) -> list[str]:
    return [column for column in own_columns(columns, definition) if column not in presets]
