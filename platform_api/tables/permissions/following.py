"""Follows a change of tables with their permissions: columns that are renamed, and those that go."""

from collections.abc import Sequence
from dataclasses import dataclass

from platform_api.core.errors import Conflict
from platform_api.tables.definition import TableDefinition
from platform_api.tables.permissions.checking import check_enforceable
from platform_api.tables.permissions.definition import Permission
from platform_api.tables.permissions.models import TablePermission
from platform_api.tables.permissions.rules import Definitions, InvalidRule, Renames, renamed_rule


class UsedByPermission(Conflict):
    """Reports that a permission depends on what a change of tables would take away."""

    code = "used_by_permission"


@dataclass(frozen=True, slots=True)
class PermissionUse:
    """Names a place in a permission that uses what goes. Without `message` it is only left out of a list."""

    column: str | None
    name: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Following:
    """Holds what permissions become with a change, and where they use what goes."""

    contents: Sequence[tuple[TablePermission, Permission]] = ()
    uses: Sequence[PermissionUse] = ()

    def apply(self) -> None:
        """Stores what the permissions become. Raises `UsedByPermission` when one of them could not be enforced."""
        for use in self.uses:
            if use.message is not None:
                raise UsedByPermission(
                    f"the permission {use.name} would no longer hold: {use.message}; change or delete it first"
                )
        for stored, content in self.contents:
            if content != stored.content:
                stored.content = content
                stored.revision += 1


def follow(stored: Sequence[TablePermission], before: Definitions, after: Definitions, renames: Renames) -> Following:
    """Returns what a change of tables from `before` to `after` means for the permissions of the app."""
    contents: list[tuple[TablePermission, Permission]] = []
    uses: list[PermissionUse] = []
    for item in stored:
        if item.table_id not in after:
            continue
        table = after[item.table_id]
        renamed = _renamed(item.content, item.table_id, before, renames)
        kept, left_out = _without_gone(renamed, table)
        uses += [PermissionUse(column, _name(item, table, path)) for path, column in left_out]
        try:
            check_enforceable(kept, item.table_id, after)
        except InvalidRule as error:
            path = error.fields[0].path
            uses.append(PermissionUse(error.column, _name(item, table, path), error.fields[0].message))
        contents.append((item, kept))
    return Following(contents, uses)


def _name(stored: TablePermission, table: TableDefinition, path: str) -> str:
    return f"of {stored.role}s on {table.name}, {path}"


def _renamed(permission: Permission, table_id: int, before: Definitions, renames: Renames) -> Permission:
    names = renames.get(table_id, {})
    content = permission.model_dump()
    for part in content.values():
        for field in ("rule", "after"):
            if field in part:
                part[field] = renamed_rule(part[field], table_id, before, renames)
        if part.get("columns") is not None:
            part["columns"] = [names.get(column, column) for column in part["columns"]]
        if "presets" in part:
            part["presets"] = {names.get(column, column): value for column, value in part["presets"].items()}
    return Permission.model_validate(content)


def _without_gone(permission: Permission, table: TableDefinition) -> tuple[Permission, list[tuple[str, str]]]:
    """Leaves columns that are gone out of lists, which opens nothing; returns also where they stood."""
    known = {column.name for column in table.columns}
    content = permission.model_dump()
    left_out = []
    for name, part in content.items():
        listed: Sequence[str] = part.get("columns") or ()
        left_out += [(f"{name}.columns", column) for column in listed if column not in known]
        if part.get("columns") is not None:
            part["columns"] = [column for column in listed if column in known]
    return Permission.model_validate(content), left_out
