"""Checks inherited roles: cycles, and parents whose permissions to write differ."""

from collections.abc import Iterator, Mapping

from hasura.engine.errors import EngineError
from hasura.engine.metadata.types import InheritedRole
from hasura.engine.schema.permissions import WriteAccess, table_access
from hasura.engine.schema_cache import InconsistentObject, SchemaCache, TableInfo

CONFLICT_TYPE = "inherited role permission inconsistency"


def refuse_cycles(roles: Mapping[str, InheritedRole]) -> None:
    """Raises when a role would inherit from itself."""
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            cycle = [*trail[trail.index(name) :], name]
            raise EngineError(f"found cycle(s) in roles: {_rotated(cycle)}", code="cyclic-dependency", path="$.args")
        if name in done or name not in roles:
            return
        for parent in sorted(roles[name].role_set):
            visit(parent, (*trail, name))
        done.add(name)

    for name in sorted(roles):
        visit(name, ())


def cyclic_roles(roles: Mapping[str, InheritedRole]) -> set[str]:
    """Returns the roles of cycles, and those that are both above one cycle and below another."""
    left = {name: role.role_set & roles.keys() for name, role in roles.items()}
    while ends := {name for name, parents in left.items() if not parents & left.keys()}:
        left = {name: parents for name, parents in left.items() if name not in ends}
    while left:
        used = frozenset[str]().union(*left.values())
        if left.keys() <= used:
            break
        left = {name: parents for name, parents in left.items() if name in used}
    return set(left)


def _rotated(cycle: list[str]) -> str:
    return "[" + ",".join(f'"{name}"' for name in cycle) + "]"


def conflicts(cache: SchemaCache, table: TableInfo) -> Iterator[InconsistentObject]:
    """Yields, for each inherited role, permissions of the table that its parents have in different forms."""
    for role in cache.inherited_roles.values():
        parents = [table_access(cache, parent, table) for parent in sorted(role.role_set)]
        for operation, own in (
            ("insert", table.insert_permissions),
            ("update", table.update_permissions),
            ("delete", table.delete_permissions),
        ):
            if role.name in own:
                continue
            granted: list[WriteAccess] = [
                access for parent in parents if (access := getattr(parent, operation)) is not None
            ]
            if any(access != granted[0] for access in granted):
                yield _conflict(role.name, operation, table)


def _conflict(role: str, operation: str, table: TableInfo) -> InconsistentObject:
    return InconsistentObject(
        CONFLICT_TYPE,
        role,
        f"Could not inherit permission for the role '{role}' for the entity: "
        f"'{operation} permission, table: {table.name}, source: 'default''",
        {"permission_type": operation, "source": "default", "table": str(table.name)},
    )
