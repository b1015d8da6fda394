"""Finds what depends on an object that is about to go: named in a refusal, or removed with it."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from hasura.engine.api.editing import drop
from hasura.engine.api.workspace import Workspace
from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import EngineError
from hasura.engine.exact_json import Json
from hasura.engine.ir.permission import expression_dependencies
from hasura.engine.metadata import store
from hasura.engine.metadata.reading import Reader
from hasura.engine.metadata.types import (
    ForeignKeyColumns,
    InsertPermission,
    ManualMapping,
    Relationship,
    RemoteForeignKey,
    SelectPermission,
    TableMetadata,
    UpdatePermission,
)
from hasura.engine.resolve.world import Fact, World
from hasura.engine.schema_cache import InconsistentObject


@dataclass(frozen=True, slots=True)
class Dependent:
    """Identifies a relationship, permission or computed field in a list of `table` (`list_name`), or a function."""

    kind: str
    table: QualifiedName
    name: str = ""
    list_name: str = ""
    operation: str = ""

    def __str__(self) -> str:
        if self.kind == "function":
            described = f"function {self.table}"
        elif self.kind == "permission":
            described = f"permission {self.table}.{self.name}.{self.operation}"
        else:
            described = f"{self.kind} {self.table}.{self.name}"
        return f'{described} in source "default"'


def dependent_of(item: InconsistentObject) -> Dependent | str:
    """Returns what an inconsistent object is; one that is none of these by its name."""
    definition = Reader(item.definition)
    kind, _, what = item.type.rpartition("_")
    if item.type == "function":
        return Dependent("function", definition.qualified_name())
    if what == "permission":
        return Dependent("permission", definition["table"].qualified_name(), definition["role"].text(), "", kind)
    if what == "relation" or item.type == "computed_field":
        shown = "relationship" if what == "relation" else "computed field"
        return Dependent(shown, definition["table"].qualified_name(), definition["name"].text())
    return item.name


def reported(objects: Iterable[Dependent | str]) -> str:
    """Returns the objects as messages list them."""
    return ", ".join(str(item) for item in objects)


def refusal(objects: Iterable[Dependent]) -> EngineError:
    """Returns the error that names them."""
    return EngineError(
        f"cannot drop due to the following dependent objects: {reported(objects)}", code="dependency-error"
    )


async def refuse_or_remove(workspace: Workspace, dependents: Collection[Dependent], *, cascade: bool) -> None:
    """Raises when there are any, unless they are to go, too."""
    if not dependents:
        return
    if not cascade:
        raise refusal(dependents)
    # What depends on a removed relationship or computed field goes with it.
    queue = list(dependents)
    seen: set[Dependent] = set()
    while queue:
        item = queue.pop(0)
        if item in seen:
            continue
        seen.add(item)
        queue.extend(dependents_of_facts(workspace.world, _facts_of(item)))
    for item in seen:
        await _remove(workspace, item)


def _facts_of(item: Dependent) -> set[Fact]:
    if item.kind == "relationship":
        return {Fact("relationship", item.table, item.name)}
    if item.kind == "computed field":
        return {Fact("computed_field", item.table, item.name)}
    return set()


async def _remove(workspace: Workspace, item: Dependent) -> None:
    if item.kind == "function":
        workspace.remove(store.FUNCTION, item.table)
        return
    document = await workspace.document(store.TABLE, item.table)
    if document is not None:
        drop(document, item.list_name, "role" if item.kind == "permission" else "name", item.name)
        workspace.put(store.TABLE, item.table, document)


def dependents_of_table(world: World, name: QualifiedName) -> list[Dependent]:
    """Returns what other tables and functions have that leads to this one."""
    facts = {Fact("table", name), Fact("foreign_keys", name)}
    info = world.snapshot.tables.get(name)
    if info is not None:
        facts |= {Fact("column", name, column) for column in info.columns_by_name}
        facts |= {Fact("relationship", name, relationship) for relationship in info.relationships}
        facts |= {Fact("computed_field", name, computed) for computed in info.computed_fields}
    return [item for item in dependents_of_facts(world, facts) if item.table != name or item.kind == "function"]


def dependents_of_facts(world: World, facts: set[Fact]) -> list[Dependent]:
    """Returns every object that was resolved with any of these facts."""
    if not facts:
        return []
    owners = {owner for fact in facts for owner in world.dependents.get(fact, ())}
    tables = {owner.name for owner in owners if owner.kind == "table"} | {fact.table for fact in facts}
    dependents = [
        item
        for name in sorted(tables)
        if name in world.metadata.tables
        for item, needed in table_objects(world, world.metadata.tables[name])
        if needed & facts
    ]
    functions = sorted(owner.name for owner in owners if owner.kind == "function")
    return dependents + [Dependent("function", name) for name in functions if name in world.metadata.functions]


def table_objects(world: World, metadata: TableMetadata) -> Iterator[tuple[Dependent, set[Fact]]]:
    """Yields a table's relationships, computed fields and permissions, each with the facts it needs."""
    name = metadata.name
    for relationship in metadata.relationships.values():
        list_name = f"{relationship.kind}_relationships"
        yield (
            Dependent("relationship", name, relationship.name, list_name),
            relationship_facts(world, name, relationship),
        )
    info = world.snapshot.tables.get(name)
    for computed in metadata.computed_fields.values():
        resolved = info.computed_fields.get(computed.name) if info is not None else None
        returned = resolved.returned_table if resolved is not None else None
        facts = {Fact("table", returned)} if returned is not None else set()
        yield Dependent("computed field", name, computed.name, "computed_fields"), facts
    permissions: tuple[tuple[str, Callable[[], Iterable[tuple[str, set[Fact]]]]], ...] = (
        ("select", lambda: ((p.role, _select_facts(world, name, p)) for p in metadata.select_permissions.values())),
        ("insert", lambda: ((p.role, _insert_facts(world, name, p)) for p in metadata.insert_permissions.values())),
        ("update", lambda: ((p.role, _update_facts(world, name, p)) for p in metadata.update_permissions.values())),
        (
            "delete",
            lambda: ((p.role, expression_facts(world, name, p.filter)) for p in metadata.delete_permissions.values()),
        ),
    )
    for operation, each in permissions:
        for role, needed in each():
            yield Dependent("permission", name, role, f"{operation}_permissions", operation), needed


def relationship_facts(world: World, table: QualifiedName, relationship: Relationship) -> set[Fact]:
    """Returns the tables and columns that a relationship joins."""
    using = relationship.using
    facts: set[Fact] = set()
    info = world.snapshot.tables.get(table)
    resolved = info.relationships.get(relationship.name) if info is not None else None
    if resolved is not None:
        facts.add(Fact("table", resolved.remote_table))
        for own, other in resolved.column_mapping:
            facts |= {Fact("column", table, own), Fact("column", resolved.remote_table, other)}
    match using:
        case ForeignKeyColumns(columns):
            facts |= {Fact("column", table, column) for column in columns}
        case RemoteForeignKey(remote, columns):
            facts |= {Fact("table", remote), *(Fact("column", remote, column) for column in columns)}
        case ManualMapping(remote, _):
            facts.add(Fact("table", remote))
    return facts


def _columns(table: QualifiedName, columns: Iterable[str] | str) -> set[Fact]:
    # "*" means the columns there are, so it needs none in particular.
    return set() if isinstance(columns, str) else {Fact("column", table, column) for column in columns}


def _select_facts(world: World, table: QualifiedName, permission: SelectPermission) -> set[Fact]:
    computed = {Fact("computed_field", table, name) for name in permission.computed_fields}
    return _columns(table, permission.columns) | computed | expression_facts(world, table, permission.filter)


def _insert_facts(world: World, table: QualifiedName, permission: InsertPermission) -> set[Fact]:
    columns = _columns(table, permission.columns) | _columns(table, tuple(permission.set))
    return columns | expression_facts(world, table, permission.check)


def _update_facts(world: World, table: QualifiedName, permission: UpdatePermission) -> set[Fact]:
    columns = _columns(table, permission.columns) | _columns(table, tuple(permission.set))
    facts = columns | expression_facts(world, table, permission.filter)
    return facts | expression_facts(world, table, permission.check or {})


def expression_facts(world: World, table: QualifiedName, expression: "dict[str, Json] | object") -> set[Fact]:
    """Returns what a boolean expression of the table was resolved with; nothing if it is inconsistent already."""
    info = world.snapshot.tables.get(table)
    if info is None or not isinstance(expression, dict) or not expression:
        return set()
    try:
        dependencies = expression_dependencies(world.snapshot.tables, info, expression)
    except EngineError:
        # It is inconsistent already, so nothing more can break it.
        return set()
    return {Fact(item.kind, item.table, item.name) for item in dependencies}
