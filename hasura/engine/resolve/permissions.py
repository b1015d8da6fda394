"""Resolves a table's permissions against its columns and the tables their filters lead to."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import EngineError
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.ir.permission import expression_dependencies, preset_operand
from hasura.engine.metadata.parsing import PERMISSION_LISTS
from hasura.engine.metadata.reading import name_to_json
from hasura.engine.metadata.types import (
    ColumnList,
    DeletePermission,
    InsertPermission,
    SelectPermission,
    TableMetadata,
    UpdatePermission,
)
from hasura.engine.resolve.columns import Inconsistent
from hasura.engine.resolve.unserved import REASON
from hasura.engine.resolve.world import Fact, inconsistency
from hasura.engine.schema_cache import (
    DeletePermissionInfo,
    InconsistentObject,
    InsertPermissionInfo,
    SelectPermissionInfo,
    TableInfo,
    UpdatePermissionInfo,
)
from hasura.engine.session import ADMIN_ROLE

Tables = Mapping[QualifiedName, TableInfo]
SourceT = TypeVar("SourceT", SelectPermission, InsertPermission, UpdatePermission, DeletePermission)
InfoT = TypeVar("InfoT")

# Equal results are one object; the key holds the source's id, which stays as long as the result refers to it.
_shared: WeakValueDictionary[tuple[int, frozenset[str]], Any] = WeakValueDictionary()


class PermissionResolver:
    """Resolves the permissions of one table. `consulted` collects what they depend on elsewhere."""

    def __init__(self, metadata: TableMetadata, table: TableInfo, tables: Tables, consulted: set[Fact]) -> None:
        self._metadata = metadata
        self._table = table
        self._tables = tables
        self._consulted = consulted
        self._all_columns = frozenset(table.columns_by_name)
        # Filters that many roles share are checked once.
        self._checked: set[int] = set()
        self.problems: list[InconsistentObject] = []
        self.refused: dict[str, frozenset[str | None]] = {}
        for operation, roles in _unreadable_roles(metadata):
            self._refuse(operation, roles)

    def select(self) -> dict[str, SelectPermissionInfo]:
        return self._each("select", self._metadata.select_permissions, self._select)

    def insert(self) -> dict[str, InsertPermissionInfo]:
        return self._each("insert", self._metadata.insert_permissions, self._insert)

    def update(self) -> dict[str, UpdatePermissionInfo]:
        return self._each("update", self._metadata.update_permissions, self._update)

    def delete(self) -> dict[str, DeletePermissionInfo]:
        return self._each("delete", self._metadata.delete_permissions, self._delete)

    def _each(
        self, operation: str, permissions: Mapping[str, SourceT], resolve: Callable[[SourceT], InfoT]
    ) -> dict[str, InfoT]:
        resolved: dict[str, InfoT] = {}
        for role, permission in permissions.items():
            try:
                if role == ADMIN_ROLE:
                    raise Inconsistent("cannot define permission for admin role")
                _refuse_validation(permission)
                resolved[role] = resolve(permission)
            except (Inconsistent, EngineError) as exc:
                self._refuse(operation, role)
                table = self._metadata.name
                self.problems.append(
                    inconsistency(
                        f"{operation}_permission",
                        f"{operation}_permission {role} in table {table} in source default",
                        f'in table "{table}": in permission for role "{role}": {exc}',
                        permission_definition(operation, table, permission),
                    )
                )
        return resolved

    def _refuse(self, operation: str, role: str | None) -> None:
        self.refused[operation] = self.refused.get(operation, frozenset()) | {role}

    def _select(self, permission: SelectPermission) -> SelectPermissionInfo:
        columns = self._columns(permission.columns)
        for name in permission.computed_fields:
            self._check_computed_field(name)
        self._check(permission.filter)
        if permission.limit is not None and permission.limit < 0:
            raise Inconsistent("unexpected negative value for limit")
        return _share(
            permission,
            columns,
            lambda: SelectPermissionInfo(columns, frozenset(permission.computed_fields), permission),
        )

    def _insert(self, permission: InsertPermission) -> InsertPermissionInfo:
        columns = self._columns(permission.columns) - self._presets(permission.set)
        self._check(permission.check)
        return _share(permission, columns, lambda: InsertPermissionInfo(columns, permission))

    def _update(self, permission: UpdatePermission) -> UpdatePermissionInfo:
        columns = self._columns(permission.columns) - self._presets(permission.set)
        self._check(permission.filter)
        if permission.check is not None:
            self._check(permission.check)
        return _share(permission, columns, lambda: UpdatePermissionInfo(columns, permission))

    def _delete(self, permission: DeletePermission) -> DeletePermissionInfo:
        self._check(permission.filter)
        return _share(permission, frozenset(), lambda: DeletePermissionInfo(permission))

    def _columns(self, columns: ColumnList) -> frozenset[str]:
        if isinstance(columns, str):
            return self._all_columns
        for column in columns:
            self._check_column(column)
        return frozenset(columns)

    def _check_column(self, column: str) -> None:
        if column not in self._all_columns:
            raise Inconsistent(f'column "{column}" does not exist')

    def _check_computed_field(self, name: str) -> None:
        computed = self._table.computed_fields.get(name)
        if computed is None:
            raise Inconsistent(f'computed field "{name}" does not exist')
        if computed.returned_table is not None:
            which = f'select permissions on computed field "{name}"'
            reason = f'auto-derived from the permissions on its returning table "{computed.returned_table}"'
            raise Inconsistent(f"{which} are {reason} and cannot be specified manually")

    def _presets(self, presets: Mapping[str, Json]) -> frozenset[str]:
        for column, value in presets.items():
            self._check_column(column)
            preset_operand(value, self._table.columns_by_name[column].type)
        return frozenset(presets)

    def _check(self, expression: Mapping[str, Json]) -> None:
        if not expression or id(expression) in self._checked:
            return
        dependencies = expression_dependencies(self._tables, self._table, expression)
        self._consulted.update(
            Fact(dependency.kind, dependency.table, dependency.name)
            for dependency in dependencies
            if dependency.table != self._table.name
        )
        self._checked.add(id(expression))


def _refuse_validation(permission: SourceT) -> None:
    """Refuses a permission whose input a webhook is to validate: it would let through what the webhook refuses."""
    rules = permission.verbatim.get("permission")
    if isinstance(rules, dict) and rules.get("validate_input"):
        raise Inconsistent(f"validate_input: {REASON}")


def _unreadable_roles(metadata: TableMetadata) -> Iterator[tuple[str, str | None]]:
    """Yields operation and role of each permission that cannot be read; None where that includes its role."""
    for item in metadata.unreadable:
        if item.path and item.path[0] in PERMISSION_LISTS:
            role = item.value.get("role") if isinstance(item.value, dict) else None
            yield str(item.path[0]).removesuffix("_permissions"), role if isinstance(role, str) and role else None


def _share(source: object, columns: Collection[str], make: Callable[[], InfoT]) -> InfoT:
    shared: InfoT = _shared.setdefault((id(source), frozenset(columns)), make())
    return shared


def permission_definition(
    operation: str,
    table: QualifiedName,
    permission: SelectPermission | InsertPermission | UpdatePermission | DeletePermission,
) -> JsonObject:
    """Returns the permission as an inconsistent object shows it: with the defaults written out."""
    rules = permission.verbatim.get("permission")
    described: dict[str, Json] = dict(rules) if isinstance(rules, dict) else {}
    if operation == "select":
        described = {"allow_aggregations": False, "computed_fields": [], **described}
    else:
        described = {"backend_only": False, **described}
    return {
        "role": permission.role,
        "source": "default",
        "comment": permission.comment,
        "permission": described,
        "table": name_to_json(table),
    }


def resolve_permissions(
    metadata: TableMetadata, table: TableInfo, tables: Tables, consulted: set[Fact]
) -> tuple[dict[str, Any], list[InconsistentObject]]:
    """Returns keyword arguments for `TableInfo`, and what is wrong."""
    resolver = PermissionResolver(metadata, table, tables, consulted)
    permissions = {
        "select_permissions": resolver.select(),
        "insert_permissions": resolver.insert(),
        "update_permissions": resolver.update(),
        "delete_permissions": resolver.delete(),
        "refused_permissions": resolver.refused,
    }
    return permissions, resolver.problems
