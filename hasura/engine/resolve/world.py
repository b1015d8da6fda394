"""Holds one version of everything the engine knows, in persistent maps.

`consulted` and `dependents` are two views of the same relation: which facts about other objects (`Fact`) an owner (a
table or function) was resolved with. A change of a fact resolves its dependents again, and no other table.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from immutables import Map

from hasura.engine.catalog.types import Function, QualifiedName, Table
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import store
from hasura.engine.metadata.reading import DEFAULT_SOURCE
from hasura.engine.metadata.store import ObjectKey
from hasura.engine.metadata.types import (
    AllowlistEntry,
    FunctionMetadata,
    InheritedRole,
    QueryCollection,
    RestEndpoint,
    SourceCustomization,
    TableMetadata,
    Unreadable,
)
from hasura.engine.resolve.type_names import TypeNameState
from hasura.engine.resolve.unserved import Unserved
from hasura.engine.schema_cache import EnumValue, InconsistentObject, SchemaCache, SchemaOptions

_versions = itertools.count(1)


class Fact(NamedTuple):
    """Identifies what something rests on: `kind` is table, column, relationship, computed_field or foreign_keys."""

    kind: str
    table: QualifiedName
    name: str | None = None


class Owner(NamedTuple):
    """Identifies a tracked object: `kind` is table, function or rest_endpoint (whose schema is empty)."""

    kind: str
    name: QualifiedName


NO_FACTS: Final[frozenset[Fact]] = frozenset()


@dataclass(frozen=True)
class Metadata:
    """Holds the whole metadata, typed."""

    tables: "Map[QualifiedName, TableMetadata]" = field(default_factory=Map)
    functions: "Map[QualifiedName, FunctionMetadata]" = field(default_factory=Map)
    inherited_roles: dict[str, InheritedRole] = field(default_factory=dict)
    query_collections: dict[str, QueryCollection] = field(default_factory=dict)
    allowlist: dict[str, AllowlistEntry] = field(default_factory=dict)
    rest_endpoints: dict[str, RestEndpoint] = field(default_factory=dict)
    customization: SourceCustomization = field(default_factory=SourceCustomization)
    api_limits: JsonObject = field(default_factory=dict)
    # As in `SchemaCache`.
    unreadable_limits: frozenset[str] = frozenset()
    introspection_disabled_for: frozenset[str] | None = frozenset()
    # What the engine calls `default`.
    source_name: str = DEFAULT_SOURCE
    # What is not served: of tables and functions, then of everything else.
    unserved_objects: "Map[ObjectKey, tuple[Unserved, ...]]" = field(default_factory=Map)
    unserved: tuple[Unserved, ...] = ()
    # What cannot be read, except for tables and functions, which keep it themselves.
    unreadable: Mapping[ObjectKey, tuple[Unreadable, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class CatalogPart:
    """Holds what was read of the catalogue: the tracked tables and the functions that are tracked or used."""

    tables: "Map[QualifiedName, Table]" = field(default_factory=Map)
    functions: "Map[QualifiedName, tuple[Function, ...]]" = field(default_factory=Map)
    # For tables tracked as enum: the values, or why the table cannot be one.
    enums: "Map[QualifiedName, tuple[EnumValue, ...] | str]" = field(default_factory=Map)
    # Names of `tables` by oid; and by the oid of a table the names of those with a foreign key to it.
    names: "Map[int, QualifiedName]" = field(default_factory=Map)
    referring: "Map[int, frozenset[QualifiedName]]" = field(default_factory=Map)


@dataclass(frozen=True)
class World:
    """Holds one version. `snapshot` is what the rest of the engine sees of it."""

    resource_version: int
    metadata: Metadata
    catalog: CatalogPart
    snapshot: SchemaCache
    problems: "Map[Owner, tuple[InconsistentObject, ...]]" = field(default_factory=Map)
    consulted: "Map[Owner, frozenset[Fact]]" = field(default_factory=Map)
    dependents: "Map[Fact, frozenset[Owner]]" = field(default_factory=Map)
    type_names: TypeNameState = field(default_factory=TypeNameState)

    def unreadable(self, key: ObjectKey) -> tuple[Unreadable, ...]:
        """Returns what of an object's document cannot be read."""
        if key.kind == store.TABLE:
            table = self.metadata.tables.get(key.qualified)
            return table.unreadable if table is not None else ()
        if key.kind == store.FUNCTION:
            function = self.metadata.functions.get(key.qualified)
            return function.unreadable if function is not None else ()
        return self.metadata.unreadable.get(key, ())

    def broken_objects(self) -> list[InconsistentObject]:
        """Returns all that does not fit the database or other objects."""
        return [item for items in self.problems.values() for item in items]


def empty_world(options: SchemaOptions) -> World:
    """Returns a world in which nothing is tracked."""
    snapshot = SchemaCache(
        version=next_version(),
        resource_version=0,
        tables=Map(),
        functions=Map(),
        query_fields=Map(),
        mutation_fields=Map(),
        stream_fields=Map(),
        options=options,
    )
    return World(0, Metadata(), CatalogPart(), snapshot)


def next_version() -> int:
    """Returns a number for a new snapshot, greater than all before."""
    return next(_versions)


def inconsistency(kind: str, name: str, reason: str, definition: Json) -> InconsistentObject:
    """Returns an inconsistent object with its reason as Hasura words it."""
    return InconsistentObject(kind, name, f"Inconsistent object: {reason}", definition)
