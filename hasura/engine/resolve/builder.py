"""Leads from one world to the next: what a change touches is read and resolved again, and nothing else.

Tables are resolved in waves. A wave gives its tables their columns, then their relationships and computed fields;
facts that turned out different put the tables that had consulted them into the next wave. Permissions come last,
for every table of any wave, because they look along relationships. Tables with something inconsistent are part of
every change: what they were missing may be there now.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from immutables import Map

from hasura.engine.catalog.connection import Connection
from hasura.engine.catalog.loader import load_functions, load_tables
from hasura.engine.catalog.types import QualifiedName, Table
from hasura.engine.exact_json import JsonObject
from hasura.engine.metadata import store
from hasura.engine.metadata.reading import name_to_json
from hasura.engine.metadata.store import ObjectKey
from hasura.engine.metadata.types import (
    FunctionMetadata,
    RelationshipKind,
    RestEndpoint,
    TableMetadata,
)
from hasura.engine.resolve import roles
from hasura.engine.resolve.columns import Inconsistent, load_enum, resolve_columns
from hasura.engine.resolve.endpoints import resolve_endpoints
from hasura.engine.resolve.functions import resolve_function
from hasura.engine.resolve.permissions import resolve_permissions
from hasura.engine.resolve.relationships import resolve_computed_fields, resolve_relationships
from hasura.engine.resolve.root_fields import RootFieldIndexes
from hasura.engine.resolve.sets import SetChanges
from hasura.engine.resolve.type_names import TypeNames, TypeNameState
from hasura.engine.resolve.unserved import unserved_of_function, unserved_of_table
from hasura.engine.resolve.world import (
    NO_FACTS,
    CatalogPart,
    Fact,
    Metadata,
    Owner,
    World,
    inconsistency,
    next_version,
)
from hasura.engine.schema_cache import FunctionInfo, InconsistentObject, SchemaCache, TableInfo

_MAX_WAVES = 20


@dataclass
class Change:
    """Holds what is different in the next world. None: no longer tracked."""

    tables: dict[QualifiedName, TableMetadata | None] = field(default_factory=dict)
    functions: dict[QualifiedName, FunctionMetadata | None] = field(default_factory=dict)
    # The rest of the metadata, when any of it changed.
    metadata: Metadata | None = None
    # Names to be read again though their metadata is the same.
    catalog_tables: set[QualifiedName] = field(default_factory=set)
    catalog_functions: set[QualifiedName] = field(default_factory=set)


async def advance(connection: Connection, world: World, change: Change, *, resource_version: int) -> World:
    """Returns the next world. Reads the catalogue on `connection`, with its uncommitted changes."""
    metadata = _changed_metadata(world.metadata, change)
    catalog = await _changed_catalog(connection, world, metadata, change)
    return _Resolution(world, metadata, catalog, change).finish(resource_version)


def _changed_metadata(metadata: Metadata, change: Change) -> Metadata:
    tables, functions = metadata.tables.mutate(), metadata.functions.mutate()
    _apply(tables, change.tables)
    _apply(functions, change.functions)
    unserved = metadata.unserved_objects.mutate()
    for name, table in change.tables.items():
        _put(unserved, ObjectKey.of(store.TABLE, name), (unserved_of_table(table) or None) if table else None)
    for name, function in change.functions.items():
        items = unserved_of_function(function) if function is not None else ()
        _put(unserved, ObjectKey.of(store.FUNCTION, name), items or None)
    return replace(
        change.metadata or metadata,
        tables=tables.finish(),
        functions=functions.finish(),
        unserved_objects=unserved.finish(),
    )


def _apply(target: Any, changes: Mapping[QualifiedName, object | None]) -> None:
    for name, value in changes.items():
        _put(target, name, value)


def _put(target: Any, key: object, value: object | None) -> None:
    if value is not None:
        target[key] = value
    elif key in target:
        del target[key]


async def _changed_catalog(connection: Connection, world: World, metadata: Metadata, change: Change) -> CatalogPart:
    old = world.catalog
    names = set(change.tables) | change.catalog_tables
    tracked = [name for name in names if name in metadata.tables]
    read = await load_tables(connection, tracked)
    tables, enums = old.tables.mutate(), old.enums.mutate()
    _apply(tables, {name: read.get(name) for name in names})
    enum_values = {
        name: await load_enum(connection, read[name]) if metadata.tables[name].is_enum else None
        for name in tracked
        if name in read
    }
    _apply(enums, {name: enum_values.get(name) for name in names})
    function_names = _functions_to_read(metadata, change)
    loaded = await load_functions(connection, function_names)
    functions = old.functions.mutate()
    _apply(functions, {name: loaded.get(name) for name in function_names})
    present = tables.finish()
    oids, referring = _oid_indexes(old, present, names)
    return CatalogPart(present, functions.finish(), enums.finish(), oids, referring)


def _oid_indexes(
    old: CatalogPart, tables: "Map[QualifiedName, Table]", changed: Iterable[QualifiedName]
) -> "tuple[Map[int, QualifiedName], Map[int, frozenset[QualifiedName]]]":
    names = old.names.mutate()
    links = SetChanges[int, QualifiedName]()
    # Removals first, so that a name which passed from one table to another is not lost.
    for name in changed:
        before = old.tables.get(name)
        if before is not None:
            names.pop(before.oid, None)
            for key in before.foreign_keys:
                links.remove(key.referenced_oid, name)
    for name in changed:
        after = tables.get(name)
        if after is not None:
            names[after.oid] = name
            for key in after.foreign_keys:
                links.add(key.referenced_oid, name)
    return names.finish(), links.applied(old.referring)


def _functions_to_read(metadata: Metadata, change: Change) -> set[QualifiedName]:
    names = {name for name, function in change.functions.items() if function is not None} | change.catalog_functions
    for name in set(change.tables) | change.catalog_tables:
        table = metadata.tables.get(name)
        if table is not None:
            names.update(computed.function for computed in table.computed_fields.values())
    return names


class _Resolution:
    """Holds the working state of one `advance`."""

    def __init__(self, world: World, metadata: Metadata, catalog: CatalogPart, change: Change) -> None:
        self._world = world
        self._metadata = metadata
        self._catalog = catalog
        self._change = change
        self._options = replace(world.snapshot.options, customization=metadata.customization)
        self._convention = self._options.convention
        self._tables: dict[QualifiedName, TableInfo | None] = {}
        self._lookup: Mapping[QualifiedName, TableInfo] = _Overlay(world.snapshot.tables, self._tables)
        self._consulted: dict[Owner, set[Fact]] = {}
        self._problems: dict[Owner, list[InconsistentObject]] = {}
        self._changed_facts: set[Fact] = set()
        # Why tables are left out of GraphQL.
        self._hidden: dict[QualifiedName, list[str]] = {}
        # Tables that a changed one has an array relationship to.
        self._related: set[QualifiedName] = set()

    def finish(self, resource_version: int) -> World:
        """Returns everything resolved, put together."""
        wave = self._first_wave()
        for _ in range(_MAX_WAVES):
            if not wave:
                break
            facts = self._resolve_wave(wave)
            self._changed_facts |= facts
            wave = self._dependents(facts, "table")
        for name, table in self._tables.items():
            if table is not None:
                self._resolve_permissions(name, table)
        functions = self._resolve_functions()
        return self._assemble(functions, resource_version)

    def _first_wave(self) -> set[QualifiedName]:
        if self._metadata is not self._world.metadata and self._needs_everything():
            return set(self._metadata.tables) | set(self._world.metadata.tables)
        wave = set(self._change.tables)
        wave |= {name for name in self._change.catalog_tables if self._table_changed(name)}
        wave |= {owner.name for owner in self._world.problems if owner.kind == "table"}
        wave |= self._using_changed_functions()
        changed_enums = {
            name
            for name in set(self._change.tables) | self._change.catalog_tables
            if self._catalog.enums.get(name) != self._world.catalog.enums.get(name)
        }
        if changed_enums:
            wave |= {
                name
                for name, table in self._catalog.tables.items()
                if any(key.referenced_table in changed_enums for key in table.foreign_keys)
            }
        return {name for name in wave if name in self._metadata.tables or name in self._world.metadata.tables}

    def _needs_everything(self) -> bool:
        old, new = self._world.metadata, self._metadata
        return old.customization != new.customization or old.inherited_roles != new.inherited_roles

    def _table_changed(self, name: QualifiedName) -> bool:
        return (
            self._catalog.tables.get(name) != self._world.catalog.tables.get(name)
            or self._catalog.enums.get(name) != self._world.catalog.enums.get(name)
            or name not in self._world.snapshot.tables
        )

    def _using_changed_functions(self) -> set[QualifiedName]:
        changed = {
            name
            for name in self._change.catalog_functions
            if self._catalog.functions.get(name) != self._world.catalog.functions.get(name)
        }
        if not changed:
            return set()
        return {
            name
            for name, table in self._metadata.tables.items()
            if any(computed.function in changed for computed in table.computed_fields.values())
        }

    def _dependents(self, facts: Iterable[Fact], kind: str) -> set[QualifiedName]:
        tables: set[QualifiedName] = set()
        for fact in facts:
            tables.update(owner.name for owner in self._world.dependents.get(fact, ()) if owner.kind == kind)
        return tables

    # --- tables ------------------------------------------------------------------------------------------------

    def _resolve_wave(self, wave: Collection[QualifiedName]) -> set[Fact]:
        before = {name: self._lookup.get(name) for name in wave}
        for name in wave:
            self._tables[name] = self._resolve_columns(name)
        for name in wave:
            table = self._tables[name]
            if table is not None:
                self._tables[name] = self._resolve_fields(name, table)
        facts: set[Fact] = set()
        for name in wave:
            facts |= _differences(name, before[name], self._tables[name])
        return facts

    def _resolve_columns(self, name: QualifiedName) -> TableInfo | None:
        owner = Owner("table", name)
        self._problems[owner], self._consulted[owner] = [], set()
        metadata = self._metadata.tables.get(name)
        if metadata is None:
            return None
        try:
            _refuse_unreadable(metadata)
            return resolve_columns(metadata, self._catalog, self._metadata.tables, self._convention)
        except Inconsistent as exc:
            definition: JsonObject = {"name": name.name, "schema": name.schema}
            self._problems[owner].append(
                inconsistency("table", f"table {name} in source default", str(exc), definition)
            )
            return None

    def _resolve_fields(self, name: QualifiedName, table: TableInfo) -> TableInfo:
        owner, metadata = Owner("table", name), self._metadata.tables[name]
        consulted = self._consulted[owner]
        relationships, problems = resolve_relationships(metadata, table, self._lookup, consulted)
        computed_fields, more = resolve_computed_fields(metadata, table, self._lookup, self._catalog, consulted)
        self._problems[owner] += problems + more
        return replace(table, relationships=relationships, computed_fields=computed_fields)

    def _resolve_permissions(self, name: QualifiedName, table: TableInfo) -> None:
        owner, metadata = Owner("table", name), self._metadata.tables[name]
        permissions, problems = resolve_permissions(metadata, table, self._lookup, self._consulted[owner])
        self._problems[owner] += problems
        self._tables[name] = replace(table, **permissions)

    # --- functions ---------------------------------------------------------------------------------------------

    def _resolve_functions(self) -> dict[QualifiedName, FunctionInfo | None]:
        names = set(self._change.functions) | (self._change.catalog_functions & set(self._metadata.functions))
        names |= {owner.name for owner in self._world.problems if owner.kind == "function"}
        names |= self._dependents(self._changed_facts, "function")
        if self._metadata.customization != self._world.metadata.customization:
            names |= set(self._metadata.functions)
        return {name: self._resolve_function(name) for name in names}

    def _resolve_function(self, name: QualifiedName) -> FunctionInfo | None:
        owner = Owner("function", name)
        self._problems[owner], self._consulted[owner] = [], set()
        metadata = self._metadata.functions.get(name)
        if metadata is None:
            return None
        overloads = self._catalog.functions.get(name, ())
        try:
            _refuse_unreadable(metadata)
            return resolve_function(metadata, overloads, self._lookup, self._consulted[owner], self._convention)
        except Inconsistent as exc:
            self._problems[owner].append(
                inconsistency("function", f"function {name} in source default", str(exc), name_to_json(name))
            )
            return None

    def _resolve_endpoints(self) -> Mapping[str, RestEndpoint]:
        old, new = self._world.metadata, self._metadata
        if old.rest_endpoints == new.rest_endpoints and old.query_collections == new.query_collections:
            return self._world.snapshot.rest_endpoints
        served, problems = resolve_endpoints(new.rest_endpoints, new.query_collections)
        for name in {*old.rest_endpoints, *new.rest_endpoints}:
            owner = Owner("rest_endpoint", QualifiedName("", name))
            self._problems[owner] = [problems[name]] if name in problems else []
        return served

    # --- together ----------------------------------------------------------------------------------------------

    def _assemble(self, functions: dict[QualifiedName, FunctionInfo | None], resource_version: int) -> World:
        old = self._world.snapshot
        type_names = self._name_types(functions)
        self._keep_equal_tables()
        indexes = self._root_fields(functions)
        tables, function_map = _as_map(old.tables).mutate(), _as_map(old.functions).mutate()
        _apply(tables, self._tables)
        _apply(function_map, functions)
        metadata = self._metadata
        endpoints = self._resolve_endpoints()
        snapshot = SchemaCache(
            version=next_version(),
            resource_version=resource_version,
            tables=tables.finish(),
            functions=function_map.finish(),
            query_fields=indexes[0],
            mutation_fields=indexes[1],
            stream_fields=indexes[2],
            inherited_roles=metadata.inherited_roles,
            query_collections=metadata.query_collections,
            allowlist=metadata.allowlist,
            rest_endpoints=endpoints,
            introspection_disabled_for=metadata.introspection_disabled_for,
            api_limits=metadata.api_limits,
            unreadable_limits=metadata.unreadable_limits,
            options=self._options,
        )
        for name, table in self._tables.items():
            if table is not None:
                self._problems[Owner("table", name)] += roles.conflicts(snapshot, table)
        problems = self._world.problems.mutate()
        for owner, items in self._problems.items():
            if items:
                problems[owner] = tuple(items)
            elif owner in problems:
                del problems[owner]
        all_problems = problems.finish()
        consulted, dependents = self._index()
        return World(
            resource_version=resource_version,
            metadata=metadata,
            catalog=self._catalog,
            snapshot=replace(snapshot, inconsistent_objects=_listed(all_problems, metadata)),
            problems=all_problems,
            consulted=consulted,
            dependents=dependents,
            type_names=type_names,
        )

    def _name_types(self, functions: dict[QualifiedName, FunctionInfo | None]) -> TypeNameState:
        """Hides the tables, and leaves out the functions, that bring a type of the name of another's."""
        old = self._world.snapshot
        self._related = self._related_tables()
        for name in self._related - self._tables.keys():
            self._tables[name] = old.tables[name]
            self._problems.setdefault(Owner("table", name), [])
        names = TypeNames(self._world.type_names, old.options, self._is_related)
        self._take_out_changed(names, functions)
        names = TypeNames(names.finish(), self._options, self._is_related)
        for name, table in self._oldest_first(self._tables):
            if table is not None and (taken := names.add_table(table, self._lookup.__getitem__)):
                self._tables[name] = replace(table, is_hidden=True)
                self._hidden[name] = taken
        for name, function in functions.items():
            if function is not None and (taken := names.add_function(function, self._lookup.__getitem__)):
                functions[name] = None
                self._report_taken(Owner("function", name), taken)
        return names.finish()

    def _take_out_changed(self, names: TypeNames | RootFieldIndexes, functions: Iterable[QualifiedName]) -> None:
        """Takes out the names that changed tables and functions had before."""
        old = self._world.snapshot
        for name in self._tables:
            if name in old.tables:
                names.remove_table(old.tables[name])
        for name in functions:
            if name in old.functions:
                names.remove_function(old.functions[name])

    def _related_tables(self) -> set[QualifiedName]:
        """Returns the tables that changed ones have array relationships to: their aggregates have types by these."""
        return {
            relationship.remote_table
            for table in self._tables.values()
            for relationship in (table.relationships.values() if table is not None else ())
            if relationship.kind is RelationshipKind.ARRAY and relationship.remote_table in self._lookup
        }

    def _is_related(self, table: TableInfo) -> bool:
        owners = {owner.name for owner in self._world.dependents.get(Fact("table", table.name), ())}
        return table.name in self._related or any(
            relationship.remote_table == table.name and relationship.kind is RelationshipKind.ARRAY
            for name in owners
            if name not in self._tables and name in self._lookup
            for relationship in self._lookup[name].relationships.values()
        )

    def _oldest_first(
        self, tables: Mapping[QualifiedName, TableInfo | None]
    ) -> list[tuple[QualifiedName, TableInfo | None]]:
        """Sorts tables so that old ones keep their names against new ones and those that had to be hidden."""
        old = self._world.snapshot.tables

        def is_new(name: QualifiedName) -> bool:
            return name not in old or old[name].is_hidden

        return sorted(tables.items(), key=lambda item: (is_new(item[0]), item[0]))

    def _keep_equal_tables(self) -> None:
        """Keeps the same object for a table that did not change: plans know by that that they still fit."""
        for name, table in self._tables.items():
            before = self._world.snapshot.tables.get(name)
            if table is not None and table == before:
                self._tables[name] = before

    def _root_fields(self, functions: Mapping[QualifiedName, FunctionInfo | None]) -> tuple[Any, Any, Any]:
        old = self._world.snapshot
        before = RootFieldIndexes(
            _as_map(old.query_fields),
            _as_map(old.mutation_fields),
            _as_map(old.stream_fields),
            old.options,
        )
        self._take_out_changed(before, functions)
        indexes = RootFieldIndexes(*before.finish(), self._options)
        for name, table in self._oldest_first(self._tables):
            if table is not None and name in self._hidden:
                # A root field that two tables would have is what Hasura reports first.
                taken = indexes.taken_from(replace(table, is_hidden=False)) or self._hidden[name]
                self._report_taken(Owner("table", name), taken)
            elif table is not None:
                self._report_taken(Owner("table", name), indexes.add_table(table))
        for name, function in functions.items():
            if function is not None:
                self._report_taken(Owner("function", name), indexes.add_function(function))
        return indexes.finish()

    def _report_taken(self, owner: Owner, taken: Iterable[str]) -> None:
        for reason in taken:
            name = f"{owner.kind} {owner.name} in source default"
            problem = inconsistency(owner.kind, name, reason, name_to_json(owner.name))
            self._problems[owner].append(replace(problem, conflict=reason))

    def _index(self) -> "tuple[Map[Owner, frozenset[Fact]], Map[Fact, frozenset[Owner]]]":
        consulted = self._world.consulted.mutate()
        links = SetChanges[Fact, Owner]()
        for owner, facts in self._consulted.items():
            before = consulted.get(owner, NO_FACTS)
            for fact in before - facts:
                links.remove(fact, owner)
            for fact in facts - before:
                links.add(fact, owner)
            if facts:
                consulted[owner] = frozenset(facts)
            elif owner in consulted:
                del consulted[owner]
        return consulted.finish(), links.applied(self._world.dependents)


class _Overlay(Mapping[QualifiedName, TableInfo]):
    """Lays the new tables over the old ones; None hides an old one."""

    def __init__(
        self, below: Mapping[QualifiedName, TableInfo], above: Mapping[QualifiedName, TableInfo | None]
    ) -> None:
        self._below = below
        self._above = above

    def __getitem__(self, name: QualifiedName) -> TableInfo:
        table = self._above[name] if name in self._above else self._below[name]
        if table is None:
            raise KeyError(name)
        return table

    def __iter__(self) -> Any:
        return iter({**self._below, **self._above})

    def __len__(self) -> int:
        return len({**self._below, **self._above})


def _as_map(mapping: Mapping[Any, Any]) -> "Map[Any, Any]":
    return mapping if isinstance(mapping, Map) else Map(mapping)


def _differences(name: QualifiedName, old: TableInfo | None, new: TableInfo | None) -> set[Fact]:
    """Returns the facts about a table that others may have consulted and that are different now."""
    if old is None and new is None:
        return set()
    facts: set[Fact] = set()
    if old is None or new is None:
        facts.add(Fact("table", name))
    pairs: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
        ("column", old.columns_by_name if old else {}, new.columns_by_name if new else {}),
        ("relationship", old.relationships if old else {}, new.relationships if new else {}),
        ("computed_field", old.computed_fields if old else {}, new.computed_fields if new else {}),
    )
    for kind, before, after in pairs:
        if before != after:
            facts |= {Fact(kind, name, key) for key in {*before, *after} if before.get(key) != after.get(key)}
    if old is None or new is None or old.table.foreign_keys != new.table.foreign_keys:
        facts.add(Fact("foreign_keys", name))
    return facts


def _refuse_unreadable(metadata: TableMetadata | FunctionMetadata) -> None:
    """Raises `Inconsistent` for an object of which nothing can be read."""
    for item in metadata.unreadable:
        if not item.path:
            raise Inconsistent(item.reason)


_TYPE_ORDER = {"table": 0, "function": 1}


def _listed(
    problems: "Map[Owner, tuple[InconsistentObject, ...]]", metadata: Metadata
) -> tuple[InconsistentObject, ...]:
    listed = [item for items in problems.values() for item in items]
    listed += [item.object for items in (metadata.unserved, *metadata.unserved_objects.values()) for item in items]
    return tuple(sorted(listed, key=lambda item: (_TYPE_ORDER.get(item.type, 2), item.name)))
