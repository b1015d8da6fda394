"""Tells of each statement of a change what it locks, and what it does with the rows."""

from typing import Any

from alembic.ddl.base import (
    AddColumn,
    ColumnComment,
    ColumnName,
    ColumnNullable,
    RenameTable,
)
from alembic.ddl.base import (
    ColumnDefault as ColumnDefaultChange,
)
from alembic.ddl.base import (
    DropColumn as DropColumnOf,
)
from alembic.ddl.postgresql import PostgresqlColumnType
from sqlalchemy import TextClause
from sqlalchemy.schema import (
    AddConstraint,
    Column,
    CreateIndex,
    CreateTable,
    DropColumnComment,
    DropConstraint,
    DropIndex,
    DropTable,
    ExecutableDDLElement,
    ForeignKeyConstraint,
    SetColumnComment,
)

from platform_api.tables.ddl.column_types import FunctionDefault
from platform_api.tables.ddl.statements import CreateTouchTrigger, Rename
from platform_api.tables.plans.locks import Effect, Lock, Work

_EXCLUSIVE = Effect(Lock.ACCESS_EXCLUSIVE)
_BRIEF = (RenameTable, ColumnName, ColumnDefaultChange, DropColumnOf, DropConstraint, DropIndex, DropTable)
_COMMENTS = (SetColumnComment, DropColumnComment, ColumnComment)


def effect_of(element: ExecutableDDLElement, *, is_new_table: bool) -> Effect:
    """Returns the effect of a statement that `ddl.statements` makes. Locks last until the whole change is made."""
    constraint = element.element if isinstance(element, AddConstraint) else None
    if isinstance(constraint, ForeignKeyConstraint):
        return Effect(Lock.SHARE_ROW_EXCLUSIVE, Work.BRIEF if is_new_table else Work.SCAN)
    if is_new_table or isinstance(element, CreateTable):
        return Effect(Lock.NONE)
    if isinstance(element, CreateIndex):
        return Effect(Lock.SHARE, Work.SCAN)
    if isinstance(element, AddConstraint):
        return Effect(Lock.ACCESS_EXCLUSIVE, Work.SCAN)
    if isinstance(element, AddColumn):
        return Effect(Lock.ACCESS_EXCLUSIVE, _work_of_new_column(element.column))
    if isinstance(element, PostgresqlColumnType):
        return Effect(Lock.ACCESS_EXCLUSIVE, Work.REWRITE)
    if isinstance(element, ColumnNullable):
        return _EXCLUSIVE if element.nullable else Effect(Lock.ACCESS_EXCLUSIVE, Work.SCAN)
    if isinstance(element, CreateTouchTrigger):
        return Effect(Lock.SHARE_ROW_EXCLUSIVE)
    if isinstance(element, _COMMENTS):
        return Effect(Lock.SHARE_UPDATE_EXCLUSIVE)
    if isinstance(element, Rename) and element.kind == "index":
        return Effect(Lock.SHARE_UPDATE_EXCLUSIVE)
    assert isinstance(element, (Rename, *_BRIEF)), f"say what {type(element).__name__} locks"
    return _EXCLUSIVE


def _work_of_new_column(column: "Column[Any]") -> Work:
    if column.server_default is None:
        return Work.BRIEF if column.nullable else Work.SCAN
    # A default that differs from row to row has to be written into each; any other is kept once, for all of them.
    computed = getattr(column.server_default, "arg", None)
    is_volatile = isinstance(computed, TextClause) and computed.text == FunctionDefault.RANDOM_UUID
    return Work.REWRITE if is_volatile else Work.BRIEF
