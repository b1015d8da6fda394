"""Tells what a role may do with a table, inherited roles included.

For an ordinary role these are its permissions as metadata has them. An inherited role without a permission of its own
on a table may read a row that any of its parents may read, and a column of it when one of the parents who may read
that row may read the column; it may write when all parents that may write agree on how.

A permission that is there and cannot be applied (`TableInfo.refused_permissions`) grants nothing, and what would be
inherited without it does not take its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hasura.engine.exact_json import Json
from hasura.engine.schema_cache import (
    DeletePermissionInfo,
    InsertPermissionInfo,
    SchemaCache,
    SelectPermissionInfo,
    TableInfo,
    UpdatePermissionInfo,
)
from hasura.engine.session import ADMIN_ROLE

Filter = Mapping[str, Json]
NO_FILTER: Filter = {}


@dataclass(frozen=True, slots=True)
class SelectAccess:
    """Holds what a role may read of a table."""

    # Column or computed field -> filters any of which must hold for it to be shown; empty: always.
    columns: Mapping[str, tuple[Filter, ...]]
    computed_fields: Mapping[str, tuple[Filter, ...]]
    # Rows that fit any of these; one empty filter: all rows.
    filters: tuple[Filter, ...] = (NO_FILTER,)
    limit: int | None = None
    # Rows that aggregates cover fit any of these; none: there are no aggregates.
    aggregated_filters: tuple[Filter, ...] = (NO_FILTER,)
    query_root_fields: frozenset[str] | None = None
    subscription_root_fields: frozenset[str] | None = None

    @property
    def allow_aggregations(self) -> bool:
        """Returns whether there are aggregates of some of the rows."""
        return bool(self.aggregated_filters)


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """Holds what a role may insert or update; for deletes only `filter` counts."""

    columns: frozenset[str] = frozenset()
    filter: Filter = field(default_factory=dict)
    check: Filter | None = None
    presets: Mapping[str, Json] = field(default_factory=dict)
    backend_only: bool = False


@dataclass(frozen=True, slots=True)
class TableAccess:
    """Holds all a role may do with one table; None: nothing of that kind."""

    select: SelectAccess | None
    insert: WriteAccess | None
    update: WriteAccess | None
    delete: WriteAccess | None


NO_ACCESS = TableAccess(None, None, None, None)


def table_access(cache: SchemaCache, role: str, table: TableInfo) -> TableAccess:
    """Returns a role's rights on a table, remembered for the snapshot."""
    key = ("access", role, table.name)
    access = cache.memo.get(key)
    if not isinstance(access, TableAccess):
        access = _admin_access(table) if role == ADMIN_ROLE else _role_access(cache, role, table)
        cache.memo[key] = access
    return access


def _admin_access(table: TableInfo) -> TableAccess:
    names = {column.name: () for column in table.columns}
    columns = frozenset(names)
    catalog = table.table
    return TableAccess(
        select=SelectAccess(names, dict.fromkeys(table.computed_fields, ())),
        # Even of a view that takes no rows: as in Hasura its relationships have their types for nested inserts. There
        # is no root field for it, and the database reports the error.
        insert=WriteAccess(columns),
        update=WriteAccess(columns) if catalog.is_updatable else None,
        delete=WriteAccess() if catalog.is_deletable else None,
    )


def _role_access(cache: SchemaCache, role: str, table: TableInfo) -> TableAccess:
    inherited = cache.inherited_roles.get(role)
    parents = (
        [table_access(cache, parent, table) for parent in sorted(inherited.role_set)] if inherited is not None else []
    )
    select = table.select_permissions.get(role)
    insert = table.insert_permissions.get(role)
    update = table.update_permissions.get(role)
    delete = table.delete_permissions.get(role)
    catalog = table.table
    return TableAccess(
        select=_own_select(select) if select else _inherited_select(table, role, parents),
        insert=(_own_insert(insert) if insert else _agreed([access.insert for access in parents]))
        if catalog.is_insertable and not _is_disputed(cache, table, "insert", role)
        else None,
        update=(_own_update(update) if update else _agreed([access.update for access in parents]))
        if catalog.is_updatable and not _is_disputed(cache, table, "update", role)
        else None,
        delete=(_own_delete(delete) if delete else _agreed([access.delete for access in parents]))
        if catalog.is_deletable and not _is_disputed(cache, table, "delete", role)
        else None,
    )


def _inherited_select(table: TableInfo, role: str, parents: list[TableAccess]) -> SelectAccess | None:
    return None if _is_refused(table, "select", role) else _merged_select([access.select for access in parents])


def _is_refused(table: TableInfo, operation: str, role: str) -> bool:
    """Returns whether the role's own permission is one that cannot be applied, or may be."""
    refused = table.refused_permissions.get(operation, ())
    return role in refused or None in refused


def _is_disputed(cache: SchemaCache, table: TableInfo, operation: str, role: str) -> bool:
    """Returns whether a permission to write that the role has or inherits cannot be applied.

    Parents must agree on how to write, and whether that parent would is not known.
    """
    own: Mapping[str, object] = getattr(table, f"{operation}_permissions")
    if operation not in table.refused_permissions or role in own:
        return False
    inherited = cache.inherited_roles.get(role)
    return _is_refused(table, operation, role) or (
        inherited is not None and any(_is_disputed(cache, table, operation, parent) for parent in inherited.role_set)
    )


def _own_select(info: SelectPermissionInfo) -> SelectAccess:
    source = info.source
    return SelectAccess(
        columns=dict.fromkeys(info.columns, ()),
        computed_fields=dict.fromkeys(info.computed_fields, ()),
        filters=(source.filter,),
        limit=source.limit,
        aggregated_filters=(source.filter,) if source.allow_aggregations else (),
        query_root_fields=source.query_root_fields,
        subscription_root_fields=source.subscription_root_fields,
    )


def _own_insert(info: InsertPermissionInfo) -> WriteAccess:
    source = info.source
    return WriteAccess(info.columns, {}, source.check, source.set, source.backend_only)


def _own_update(info: UpdatePermissionInfo) -> WriteAccess:
    source = info.source
    return WriteAccess(info.columns, source.filter, source.check, source.set, source.backend_only)


def _own_delete(info: DeletePermissionInfo) -> WriteAccess:
    return WriteAccess(filter=info.source.filter, backend_only=info.source.backend_only)


def _merged_select(parents: list[SelectAccess | None]) -> SelectAccess | None:
    """Returns rows of any parent; a column only in rows of parents that have it, and aggregates likewise."""
    granted = [access for access in parents if access is not None]
    if not granted:
        return None
    if len(granted) == 1:
        return granted[0]
    limits = [access.limit for access in granted]
    return SelectAccess(
        columns=_conditions([(access.columns, access.filters) for access in granted]),
        computed_fields=_conditions([(access.computed_fields, access.filters) for access in granted]),
        filters=tuple(row_filter for access in granted for row_filter in access.filters),
        limit=None if None in limits else max(limit for limit in limits if limit is not None),
        aggregated_filters=tuple(row_filter for access in granted for row_filter in access.aggregated_filters),
        query_root_fields=_united([access.query_root_fields for access in granted]),
        subscription_root_fields=_united([access.subscription_root_fields for access in granted]),
    )


def _conditions(
    granted: list[tuple[Mapping[str, tuple[Filter, ...]], tuple[Filter, ...]]],
) -> dict[str, tuple[Filter, ...]]:
    conditions: dict[str, list[Filter]] = {}
    for columns, filters in granted:
        for column, own in columns.items():
            conditions.setdefault(column, []).extend(own or filters)
    everywhere = len(granted)
    return {
        # Shown in every row the role can see at all: no condition needed.
        column: ()
        if sum(column in columns for columns, _ in granted) == everywhere and _is_unconditional(column, granted)
        else tuple(filters)
        for column, filters in conditions.items()
    }


def _is_unconditional(
    column: str, granted: list[tuple[Mapping[str, tuple[Filter, ...]], tuple[Filter, ...]]]
) -> bool:
    return all(not columns[column] for columns, _ in granted)


def _united(sets: list[frozenset[str] | None]) -> frozenset[str] | None:
    names: set[str] = set()
    for item in sets:
        if item is None:
            return None
        names |= item
    return frozenset(names)


def _agreed(parents: list[WriteAccess | None]) -> WriteAccess | None:
    """Returns the parents' common permission; none when they differ."""
    granted = [access for access in parents if access is not None]
    if not granted or any(access != granted[0] for access in granted):
        return None
    return granted[0]
