"""Computes a new definition from a builder's request: pure, so everything is checked before anything is built."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from platform_api.tables.ddl.column_formats import is_format_of
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import (
    Column,
    Index,
    InvalidDefinition,
    OnDelete,
    Reference,
    TableDefinition,
    UniqueKey,
)
from platform_api.tables.names import PhysicalNames, TableFault, bare_table_name
from platform_api.tables.relationships import check_field_names, choose_relationship_names, field_names
from platform_api.tables.schemas import ColumnWrite, ForeignKeyWrite, IndexWrite, TableCreate, TableEdit, UniqueWrite

Definitions = Mapping[int, TableDefinition]
"""Maps table id to definition, for the tables of one app."""


@dataclass(frozen=True, slots=True)
class Change:
    """Describes a checked change of one table. `renamed_columns` maps current to new names."""

    before: TableDefinition
    after: TableDefinition
    renamed_columns: Mapping[str, str]


def define_table(table_id: int, app_id: int, data: TableCreate, *, others: Definitions) -> TableDefinition:
    """Returns the definition of a new table. Raises `InvalidDefinition` or `InvalidName`."""
    with _located(data.columns, name_field="name"):
        return _define(table_id, app_id, data, others=others)


def change_table(table_id: int, data: TableEdit, *, definitions: Definitions) -> Change:
    """Returns the change of an existing table. Raises `InvalidDefinition` or `InvalidName`."""
    with _located(data.columns, name_field=data.NAME_FIELD):
        return _change(table_id, data, definitions=definitions)


@contextmanager
def _located(columns: Sequence[ColumnWrite], *, name_field: str) -> Iterator[None]:
    """Gives faults within their path in the body."""
    try:
        yield
    except TableFault as fault:
        fault.locate([column.name for column in columns], name_field=name_field)
        raise


def _define(table_id: int, app_id: int, data: TableCreate, *, others: Definitions) -> TableDefinition:
    for column in data.columns:
        if column.renamed_from is not None:
            raise InvalidDefinition(
                f"column {column.name!r}: a new table has no column to rename; leave out renamed_from",
                field="renamed_from",
                column=column.name,
            )
    definition = TableDefinition(
        app_id=app_id,
        name=data.name,
        columns=_placed([_column(column) for column in data.columns], data.columns),
        unique=_unique(data.unique, PhysicalNames(app_id, data.name)),
        indexes=_indexes(data.indexes),
    )
    # Check names before relationships are named after them.
    definition.check_columns()
    definition = _with_references(table_id, definition, data.foreign_keys, others=others)
    _check(table_id, definition, others=others)
    return definition


def _change(table_id: int, data: TableEdit, *, definitions: Definitions) -> Change:
    before = definitions[table_id]
    renamed = _renamed_columns(before, data.columns)
    dropped = _dropped_columns(before, data)
    columns = _merged_columns(before, data.columns, renamed=renamed, dropped=dropped)
    after = TableDefinition(
        app_id=before.app_id,
        name=before.name if data.new_name is None else data.new_name,
        columns=columns,
        references=_kept_references(before, columns, renamed=renamed, dropped=dropped),
        unique=_kept_unique(before, renamed, dropped)
        if data.unique is None
        else _unique(data.unique, before.physical),
        indexes=_kept_indexes(before, renamed, dropped) if data.indexes is None else _indexes(data.indexes),
    )
    after.check_columns()
    others = {other_id: other for other_id, other in definitions.items() if other_id != table_id}
    after = _with_references(table_id, after, data.foreign_keys, others=others)
    _check(table_id, after, others=others)
    return Change(before, after, renamed)


def _check(table_id: int, definition: TableDefinition, *, others: Definitions) -> None:
    definition.check()
    for other in others.values():
        if other.name == definition.name:
            raise InvalidDefinition(
                f"the app already has a table {definition.name!r}; choose another name", field="name"
            )
    together = {**others, table_id: definition}
    for affected in {table_id, *(reference.table_id for reference in definition.references)}:
        check_field_names(affected, together)


def _column(column: ColumnWrite, present: Column | None = None) -> Column:
    """Returns the column as it shall be; clients that know no description or format leave those of `present`."""
    description, shown = column.description, column.format
    if present is not None and description is None:
        description = present.description
    if present is not None and "format" not in column.model_fields_set:
        is_kept = present.format is not None and is_format_of(column.type, present.format)
        shown = present.format if is_kept else None
    return Column(
        name=column.name,
        type=column.type,
        required=column.required,
        default=column.default,
        choices=tuple(column.choices),
        description=description or "",
        format=shown or None,
    )


def _placed(columns: Sequence[Column], requested: Sequence[ColumnWrite]) -> tuple[Column, ...]:
    """Returns the columns with those that ask for a position there; the others keep their order around them."""
    places = {column.name: column.position for column in requested if column.position is not None}
    ordered = [column for column in columns if column.name not in places]
    moved = [column for column in columns if column.name in places]
    for column in sorted(moved, key=lambda column: places[column.name]):
        ordered.insert(places[column.name], column)
    return tuple(ordered)


def _unique(keys: Sequence[UniqueWrite], names: PhysicalNames) -> tuple[UniqueKey, ...]:
    return tuple(UniqueKey(columns=tuple(key.columns), name=_own_part(key, names)) for key in keys)


def _own_part(key: UniqueWrite, names: PhysicalNames) -> str | None:
    """Returns a key's name without the prefix and suffix that are always added; None when only its columns remain."""
    if key.name is None:
        return None
    own = key.name.removeprefix(f"uq_{names.table}_").removesuffix("_org")
    return None if own == "_".join(key.columns) else own


def _indexes(indexes: Sequence[IndexWrite]) -> tuple[Index, ...]:
    return tuple(Index(columns=tuple(index.columns)) for index in indexes)


def _renamed_columns(before: TableDefinition, columns: Sequence[ColumnWrite]) -> dict[str, str]:
    renamed: dict[str, str] = {}
    for column in columns:
        if column.renamed_from is None or column.renamed_from == column.name:
            continue
        before.column(column.renamed_from, field="renamed_from", of=column.name)
        if column.renamed_from in renamed:
            raise InvalidDefinition(
                f"column {column.renamed_from!r} is renamed twice; rename it once",
                field="renamed_from",
                column=column.name,
            )
        renamed[column.renamed_from] = column.name
    return renamed


def _dropped_columns(before: TableDefinition, data: TableEdit) -> set[str]:
    kept = {column.renamed_from or column.name for column in data.columns}
    for name in data.drop_columns:
        before.column(name, field="drop_columns")
        if name in kept:
            raise InvalidDefinition(
                f"column {name!r} is both changed and dropped; name it in columns or in drop_columns",
                field="drop_columns",
            )
    return set(data.drop_columns)


def _merged_columns(
    before: TableDefinition, columns: Sequence[ColumnWrite], *, renamed: Mapping[str, str], dropped: set[str]
) -> tuple[Column, ...]:
    requested = {column.name: column for column in columns}
    if len(requested) < len(columns):
        raise InvalidDefinition("columns: the same column is given more than once", field="columns")
    kept = [renamed.get(column.name, column.name) for column in before.columns if column.name not in dropped]
    present = {
        renamed.get(column.name, column.name): column for column in before.columns if column.name not in dropped
    }
    if len(present) < len(kept):
        raise InvalidDefinition("a column cannot be renamed to the name of another column", field="columns")
    merged = [_column(requested[name], present[name]) if name in requested else present[name] for name in kept]
    added = [_column(column) for name, column in requested.items() if name not in present]
    return _placed([*merged, *added], columns)


def _kept_references(
    before: TableDefinition, columns: Sequence[Column], *, renamed: Mapping[str, str], dropped: set[str]
) -> tuple[Reference, ...]:
    """Returns the references whose column remains a reference; a renamed column keeps its relationships' names."""
    types = {column.name: column.type for column in columns}
    kept = []
    for reference in before.references:
        name = renamed.get(reference.column, reference.column)
        if reference.column not in dropped and types[name] is ColumnType.REFERENCE:
            kept.append(reference.model_copy(update={"column": name}))
    return tuple(kept)


def _kept_unique(before: TableDefinition, renamed: Mapping[str, str], dropped: set[str]) -> tuple[UniqueKey, ...]:
    return tuple(
        UniqueKey(columns=tuple(renamed.get(column, column) for column in key.columns), name=key.name)
        for key in before.unique
        if dropped.isdisjoint(key.columns)
    )


def _kept_indexes(before: TableDefinition, renamed: Mapping[str, str], dropped: set[str]) -> tuple[Index, ...]:
    return tuple(
        Index(columns=tuple(renamed.get(column, column) for column in index.columns))
        for index in before.indexes
        if dropped.isdisjoint(index.columns)
    )


def _with_references(
    table_id: int, definition: TableDefinition, foreign_keys: Sequence[ForeignKeyWrite], *, others: Definitions
) -> TableDefinition:
    """Returns the definition with the given references added or changed."""
    seen: set[str] = set()
    for position, foreign_key in enumerate(foreign_keys):
        path = f"foreign_keys.{position}"
        if foreign_key.column in seen:
            raise InvalidDefinition(
                f"foreign key of column {foreign_key.column!r} is given more than once; give it once",
                field=f"{path}.column",
            )
        seen.add(foreign_key.column)
        definition = _with_reference(table_id, definition, foreign_key, others=others, path=path)
    return definition


def _with_reference(
    table_id: int, definition: TableDefinition, foreign_key: ForeignKeyWrite, *, others: Definitions, path: str
) -> TableDefinition:
    if foreign_key.references != "id":
        raise InvalidDefinition(
            f"the foreign key of column {foreign_key.column!r} references {foreign_key.references!r}; "
            "a reference is always to 'id'",
            field=f"{path}.references",
        )
    column = definition.column(foreign_key.column, field=f"{path}.column")
    on_delete = foreign_key.on_delete or (OnDelete.RESTRICT if column.required else OnDelete.SET_NULL)
    together = {**others, table_id: definition}
    target_id = _find_table(foreign_key.table, definition.app_id, together, field=f"{path}.table")
    present = definition.reference(foreign_key.column)
    if present is not None and present.table_id == target_id:
        reference = present.model_copy(update={"on_delete": on_delete})
    else:
        rest = tuple(item for item in definition.references if item is not present)
        definition = definition.model_copy(update={"references": rest})
        together[table_id] = definition
        names = choose_relationship_names(
            definition.name,
            foreign_key.column,
            own_fields=field_names(table_id, together),
            target_fields=field_names(target_id, together),
        )
        reference = Reference(
            column=foreign_key.column,
            table_id=target_id,
            on_delete=on_delete,
            object_relationship=names.object_relationship,
            array_relationship=names.array_relationship,
        )
    others_of_table = tuple(item for item in definition.references if item.column != foreign_key.column)
    return definition.model_copy(update={"references": (*others_of_table, reference)})


def _find_table(name: str, app_id: int, definitions: Definitions, *, field: str) -> int:
    bare = bare_table_name(name, app_id=app_id)
    for table_id, definition in definitions.items():
        if definition.name == bare:
            return table_id
    known = ", ".join(sorted(definition.name for definition in definitions.values()))
    raise InvalidDefinition(
        f"a foreign key refers to table {name!r}, which the app does not have; its tables: {known}",
        field=field,
    )
