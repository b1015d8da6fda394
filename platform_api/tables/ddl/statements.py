"""Creates, alters and drops the PostgreSQL tables of definitions.

The functions take alembic's `Operations` (`rendering.render` gives one that records): its constructs quote every
identifier and render every literal, so that no text from a builder is ever pasted into SQL.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.sql.ddl import ExecutableDDLElement

from platform_api.tables.ddl.column_types import POSTGRES_TYPES, FunctionDefault, parse_default
from platform_api.tables.definition import Column, OnDelete, TableDefinition
from platform_api.tables.names import PhysicalNames

if TYPE_CHECKING:
    from alembic.operations import Operations

SCHEMA = "public"
TOUCH_FUNCTION = "automio_touch_updated_at"  # made by a migration
SYSTEM_INDEXES = (("updated_at", "id"), ("created_at", "id"))
"""Index columns of every table, after `organization_id`: lists are read by time, and follow what has changed."""

_dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

# The session of a mutation is `hasura.user`, which Hasura and the embedded engine set in its transaction. An empty
# text is what PostgreSQL leaves behind in a connection where it was once set locally.
_ORGANIZATION_OF_SESSION = sa.text(
    "((nullif(current_setting('hasura.user', true), '')::json ->> 'x-hasura-organization-id')::integer)"
)


def quoted(identifier: str) -> str:
    """Returns the identifier as SQL text, always in quotes."""
    return str(_dialect.identifier_preparer.quote_identifier(identifier))


class CreateTouchTrigger(ExecutableDDLElement):
    """Creates the trigger that sets `updated_at` on every update."""

    def __init__(self, names: PhysicalNames) -> None:
        self.names = names


@compiles(CreateTouchTrigger, "postgresql")
def _compile_create_touch_trigger(element: CreateTouchTrigger, compiler: DDLCompiler, **_: Any) -> str:
    names = element.names
    return (
        f"CREATE TRIGGER {quoted(names.touch_trigger)} BEFORE UPDATE ON {quoted(SCHEMA)}.{quoted(names.table)} "
        f"FOR EACH ROW EXECUTE FUNCTION {quoted(SCHEMA)}.{quoted(TOUCH_FUNCTION)}()"
    )


class Rename(ExecutableDDLElement):
    """Gives a constraint, index or trigger of a table another name."""

    def __init__(self, kind: str, table: str, old: str, new: str) -> None:
        self.kind, self.table, self.old, self.new = kind, table, old, new


@compiles(Rename, "postgresql")
def _compile_rename(element: Rename, compiler: DDLCompiler, **_: Any) -> str:
    table = f"{quoted(SCHEMA)}.{quoted(element.table)}"
    old, new = quoted(element.old), quoted(element.new)
    if element.kind == "index":
        # A table of an earlier release may still lack those that every table has.
        return f"ALTER INDEX IF EXISTS {quoted(SCHEMA)}.{old} RENAME TO {new}"
    if element.kind == "trigger":
        return f"ALTER TRIGGER {old} ON {table} RENAME TO {new}"
    return f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}"


@dataclass(frozen=True, slots=True)
class UniqueOn:
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllowedValues:
    column: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForeignKeyTo:
    column: str
    table_id: int
    on_delete: OnDelete


@dataclass(frozen=True, slots=True)
class IndexOn:
    columns: tuple[str, ...]


Constraint = UniqueOn | AllowedValues | ForeignKeyTo | IndexOn


def constraints_of(definition: TableDefinition) -> dict[Constraint, str]:
    """Returns the constraints and indexes with their PostgreSQL names, in an order in which they can be created."""
    names = definition.physical
    constraints: dict[Constraint, str] = {}
    for key in definition.unique:
        constraints[UniqueOn(key.columns)] = names.unique_key(key.columns, name=key.name)
    for column in definition.columns:
        if column.choices:
            constraints[AllowedValues(column.name, column.choices)] = names.choice_check(column.name)
    for reference in definition.references:
        constraints[ForeignKeyTo(reference.column, reference.table_id, reference.on_delete)] = names.foreign_key(
            reference.column
        )
    for columns in _indexed_columns(definition):
        constraints[IndexOn(columns)] = names.index(columns)
    return constraints


def _indexed_columns(definition: TableDefinition) -> list[tuple[str, ...]]:
    """Returns index columns after `organization_id`: those of indexes and of references, searched both ways."""
    columns = [index.columns for index in definition.indexes]
    columns.extend((reference.column,) for reference in definition.references)
    return list(dict.fromkeys(columns))


def renamed(constraint: Constraint, new_names: Mapping[str, str]) -> Constraint:
    match constraint:
        case UniqueOn(columns):
            return UniqueOn(tuple(new_names.get(column, column) for column in columns))
        case AllowedValues(column, choices):
            return AllowedValues(new_names.get(column, column), choices)
        case ForeignKeyTo(column, table_id, on_delete):
            return ForeignKeyTo(new_names.get(column, column), table_id, on_delete)
        case IndexOn(columns):
            return IndexOn(tuple(new_names.get(column, column) for column in columns))


def _server_default(column: Column) -> sa.TextClause | str | None:
    if column.default is None:
        return None
    default = parse_default(column.type, column.default)
    if isinstance(default, FunctionDefault):
        return sa.text(default.value)
    return default.text  # SQLAlchemy renders it as a quoted literal, PostgreSQL reads it as the column's type


def _sql_column(column: Column) -> sa.Column[Any]:
    return sa.Column(
        sa.sql.quoted_name(column.name, True),
        POSTGRES_TYPES[column.type],
        nullable=not column.required,
        server_default=_server_default(column),
        comment=column.description or None,
    )


def _system_columns() -> list[sa.Column[Any]]:
    now = sa.text("clock_timestamp()")
    return [
        sa.Column("id", sa.Uuid(), nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("organization_id", sa.Integer(), nullable=False, server_default=_ORGANIZATION_OF_SESSION),
        sa.Column("connection_id", sa.BigInteger()),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False, server_default=now),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False, server_default=now),
    ]


def create_table(operations: "Operations", definition: TableDefinition, *, table_names: Mapping[int, str]) -> None:
    """Creates the table. `table_names` gives the PostgreSQL name of every referenced table by its id."""
    names = definition.physical
    operations.create_table(
        names.table,
        *_system_columns(),
        *(_sql_column(column) for column in definition.columns),
        sa.PrimaryKeyConstraint("id", name=names.primary_key),
        sa.UniqueConstraint("organization_id", "id", name=names.organization_key),
        schema=SCHEMA,
    )
    for columns in SYSTEM_INDEXES:
        _create(operations, names.table, IndexOn(columns), names.index(columns), table_names)
    for constraint, name in constraints_of(definition).items():
        _create(operations, names.table, constraint, name, table_names)
    operations.execute(CreateTouchTrigger(names))


def drop_table(operations: "Operations", names: PhysicalNames) -> None:
    """Drops the table with its rows; PostgreSQL refuses while another table refers to it."""
    operations.drop_table(names.table, schema=SCHEMA)


def drop_tables(operations: "Operations", definitions: Collection[TableDefinition]) -> None:
    """Drops tables with their rows; they may refer to each other, in circles too, but no other table to them."""
    for definition in definitions:
        for reference in definition.references:
            name = definition.physical.foreign_key(reference.column)
            operations.drop_constraint(name, definition.physical.table, schema=SCHEMA)
    for definition in definitions:
        drop_table(operations, definition.physical)


def alter_table(
    operations: "Operations",
    old: TableDefinition,
    new: TableDefinition,
    *,
    renamed_columns: Mapping[str, str],
    table_names: Mapping[int, str],
) -> None:
    """Changes the table of definition `old` to that of `new` and keeps its rows.

    `renamed_columns` maps old to new names; a column of `old` that is neither renamed nor in `new` is dropped,
    with its values.
    """
    table = new.physical.table
    new_names = new_column_names(old, new, renamed_columns)
    before = {renamed(constraint, new_names): name for constraint, name in constraints_of(old).items()}
    after = constraints_of(new)
    for constraint, name in before.items():
        if constraint not in after:
            _drop(operations, old.physical.table, constraint, name)
    if old.physical.table != table:
        operations.rename_table(old.physical.table, table, schema=SCHEMA)
        _rename_system_parts(operations, old.physical, new.physical)
    _alter_columns(operations, old, new, new_names)
    _rename_constraints(operations, table, before, after)
    for constraint, name in after.items():
        if constraint not in before:
            _create(operations, table, constraint, name, table_names)


def _rename_system_parts(operations: "Operations", old: PhysicalNames, new: PhysicalNames) -> None:
    for kind, old_name, new_name in (
        ("constraint", old.primary_key, new.primary_key),
        ("constraint", old.organization_key, new.organization_key),
        ("trigger", old.touch_trigger, new.touch_trigger),
    ):
        operations.execute(Rename(kind, new.table, old_name, new_name))
    for columns in SYSTEM_INDEXES:
        operations.execute(Rename("index", new.table, old.index(columns), new.index(columns)))


def _rename_constraints(
    operations: "Operations", table: str, before: Mapping[Constraint, str], after: Mapping[Constraint, str]
) -> None:
    moved = [
        ("index" if isinstance(constraint, IndexOn) else "constraint", name, after[constraint])
        for constraint, name in before.items()
        if constraint in after and after[constraint] != name
    ]
    # In two steps: when two columns swap their names, so do their constraints.
    for number, (kind, name, _) in enumerate(moved):
        operations.execute(Rename(kind, table, name, f"automio_rename_{number}_of_{table}"[:63]))
    for number, (kind, _, name) in enumerate(moved):
        operations.execute(Rename(kind, table, f"automio_rename_{number}_of_{table}"[:63], name))


def new_column_names(
    old: TableDefinition, new: TableDefinition, renamed_columns: Mapping[str, str]
) -> dict[str, str]:
    """Maps each column of `old` to its name in `new`; a dropped column to a name that no column can have."""
    remaining = {column.name for column in new.columns}
    taken = set(renamed_columns.values())
    names: dict[str, str] = {}
    for column in old.columns:
        kept = column.name in renamed_columns or (column.name in remaining and column.name not in taken)
        names[column.name] = renamed_columns.get(column.name, column.name) if kept else f"{column.name} (dropped)"
    return names


def _alter_columns(
    operations: "Operations", old: TableDefinition, new: TableDefinition, new_names: Mapping[str, str]
) -> None:
    table = new.physical.table
    remaining = {column.name for column in new.columns}
    for old_name, new_name in new_names.items():
        if new_name not in remaining:
            operations.drop_column(table, sa.sql.quoted_name(old_name, True), schema=SCHEMA)
    moved = [(old_name, name) for old_name, name in new_names.items() if name in remaining and old_name != name]
    # In two steps: two columns may swap their names.
    for number, (old_name, _) in enumerate(moved):
        operations.alter_column(table, old_name, new_column_name=f"automio_rename_{number}", schema=SCHEMA)
    for number, (_, new_name) in enumerate(moved):
        operations.alter_column(table, f"automio_rename_{number}", new_column_name=new_name, schema=SCHEMA)
    existing = {new_names[column.name]: column for column in old.columns}
    for column in new.columns:
        if column.name in existing:
            _alter_column(operations, table, existing[column.name], column)
        else:
            operations.add_column(table, _sql_column(column), schema=SCHEMA)


def _alter_column(operations: "Operations", table: str, old: Column, new: Column) -> None:
    changes_type = repr(POSTGRES_TYPES[old.type]) != repr(POSTGRES_TYPES[new.type])
    if changes_type:
        # The old default would have to be converted as well, which PostgreSQL refuses to do implicitly.
        operations.alter_column(table, new.name, server_default=None, schema=SCHEMA)
        converted = sa.cast(sa.column(sa.sql.quoted_name(new.name, True)), POSTGRES_TYPES[new.type])
        operations.alter_column(
            table,
            new.name,
            type_=POSTGRES_TYPES[new.type],
            schema=SCHEMA,
            postgresql_using=str(converted.compile(dialect=_dialect)),
        )
    if changes_type or _server_default_text(old) != _server_default_text(new):
        operations.alter_column(table, new.name, server_default=_server_default(new), schema=SCHEMA)
    if old.required != new.required:
        operations.alter_column(table, new.name, nullable=not new.required, schema=SCHEMA)
    if old.description != new.description:
        operations.alter_column(table, new.name, comment=new.description or None, schema=SCHEMA)


def _server_default_text(column: Column) -> str | None:
    default = _server_default(column)
    return None if default is None else f"{type(default).__name__}:{default}"


def _create(
    operations: "Operations", table: str, constraint: Constraint, name: str, table_names: Mapping[int, str]
) -> None:
    match constraint:
        case UniqueOn(columns):
            # The builder's columns first, so that the key's index also serves searches by them.
            operations.create_unique_constraint(name, table, [*columns, "organization_id"], schema=SCHEMA)
        case AllowedValues(column, choices):
            allowed = sa.column(sa.sql.quoted_name(column, True)).in_([sa.literal(choice) for choice in choices])
            operations.create_check_constraint(name, table, allowed, schema=SCHEMA)
        case ForeignKeyTo(column, table_id, on_delete):
            operations.create_foreign_key(
                name,
                table,
                table_names[table_id],
                ["organization_id", column],
                ["organization_id", "id"],
                ondelete=f"SET NULL ({quoted(column)})" if on_delete is OnDelete.SET_NULL else "RESTRICT",
                source_schema=SCHEMA,
                referent_schema=SCHEMA,
            )
        case IndexOn(columns):
            operations.create_index(name, table, ["organization_id", *columns], schema=SCHEMA)


def _drop(operations: "Operations", table: str, constraint: Constraint, name: str) -> None:
    if isinstance(constraint, IndexOn):
        operations.drop_index(name, table, schema=SCHEMA)
        return
    operations.drop_constraint(name, table, schema=SCHEMA)
