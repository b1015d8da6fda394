"""Builds the GraphQL schema of one role on one snapshot, type by type as requests touch it."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from hasura.engine.catalog.types import QualifiedName
from hasura.engine.schema import functions, mutations, selects
from hasura.engine.schema.meanings import (
    FunctionRoot,
    NamespaceRoot,
    NoQueriesRoot,
    SchemaRoot,
    TableRoot,
    TypeRoot,
)
from hasura.engine.schema.meta_types import SCHEMA, TYPE
from hasura.engine.schema.naming import Naming
from hasura.engine.schema.permissions import NO_ACCESS, NO_FILTER, TableAccess, table_access
from hasura.engine.schema.types import STRING, Field, InputField, NamedType, NonNull, ObjectType, ScalarType
from hasura.engine.schema_cache import RootField, SchemaCache, TableInfo
from hasura.engine.session import ADMIN_ROLE

TypeT = TypeVar("TypeT", bound=NamedType)

# Where Hasura leaves a root type without fields it puts this one.
NO_QUERIES_FIELD = "no_queries_available"


class RoleSchema:
    """Holds the types of one role. Get it with `role_schema`, which keeps it for the snapshot's life."""

    def __init__(self, cache: SchemaCache, role: str, *, use_backend_only: bool, root_prefix: str) -> None:
        self.cache = cache
        self.role = role
        self.use_backend_only = use_backend_only
        self.root_prefix = root_prefix
        self.naming = Naming(cache.options.convention, cache.options.customization)
        self._types: dict[str, NamedType] = {}
        mutations_of = "_mutation_backend" if use_backend_only else "_mutation_frontend"
        # What a root type holds directly, or below the field of the source's namespace.
        self._queries = self._source_root("_query", self._source_queries, self._source_query)
        self._mutations = self._source_root(mutations_of, self._source_mutations, self._source_mutation)
        self._subscriptions = self._source_root(
            "_subscription", self._source_subscriptions, self._source_subscription
        )
        self.query_root = ObjectType("query_root", self._query_fields, lookup=self._query_field)
        self.mutation_root = ObjectType(
            "mutation_root",
            lambda: self._root_fields(self._mutations),
            "mutation root",
            lookup=lambda name: self._outer(self._mutations, name),
        )
        self.subscription_root = ObjectType(
            "subscription_root",
            lambda: self._root_fields(self._subscriptions) or {NO_QUERIES_FIELD: _no_queries_field()},
            lookup=lambda name: self._outer(self._subscriptions, name),
        )

    @property
    def is_admin(self) -> bool:
        """Returns whether no permission applies."""
        return self.role == ADMIN_ROLE

    def type(self, name: str, build: Callable[[], TypeT]) -> TypeT:
        """Returns the type of this name, built the first time."""
        known = self._types.get(name)
        if known is None:
            known = build()
            self._types[name] = known
        return known  # type: ignore[return-value]  # one name always has one builder

    def table(self, name: QualifiedName) -> TableInfo:
        """Returns a tracked table."""
        return self.cache.tables[name]

    def access(self, table: TableInfo) -> TableAccess:
        """Returns what the role may do with it; backend-only permissions only where the request asks for them."""
        return table_access(self.cache, self.role, table) if table.is_exposed else NO_ACCESS

    def can_select(self, name: QualifiedName) -> bool:
        """Returns whether the role may read some of the table."""
        table = self.cache.tables.get(name)
        return table is not None and self.access(table).select is not None

    def can_aggregate(self, name: QualifiedName) -> bool:
        """Returns whether the role may read aggregates of the table."""
        table = self.cache.tables.get(name)
        select = self.access(table).select if table is not None else None
        return select is not None and select.allow_aggregations

    def sees_all_rows(self, name: QualifiedName) -> bool:
        """Returns whether no filter stands between the role and the table's rows."""
        select = self.access(self.cache.tables[name]).select
        return select is not None and NO_FILTER in select.filters

    def has_mutations(self) -> bool:
        """Returns whether some mutation is there for the role."""
        return any(self._source_mutation(name) is not None for name in self.cache.mutation_fields)

    def has_queries(self) -> bool:
        """Returns whether some query field of a table or function is there for the role."""
        return any(self._root_field(self.cache.query_fields, name, "query") for name in self.cache.query_fields)

    def _root_field(self, index: Mapping[str, RootField], name: str, operation: str) -> Field | None:
        field = index.get(name)
        if field is None and self.root_prefix:
            field = index.get(full_name(name, self.root_prefix, is_mutation=operation == "mutation"))
        if field is None:
            return None
        if field.table is not None:
            table = self.cache.tables.get(field.table)
            if table is None:
                return None
            if operation == "mutation":
                return mutations.root_field(self, TableRoot(field.kind, table), name)
            return selects.root_field(self, TableRoot(field.kind, table), name, operation)
        function = self.cache.functions.get(field.function) if field.function is not None else None
        if function is None:
            return None
        root = FunctionRoot(function, field.kind == "function_aggregate")
        return functions.root_field(self, root, name, is_mutation=operation == "mutation")

    # --- root types and the namespace ----------------------------------------------------------------------------

    def _source_root(
        self, suffix: str, build: Callable[[], dict[str, Field]], lookup: Callable[[str], Field | None]
    ) -> ObjectType:
        """Returns the source's root fields as a type: that of the namespace's field, where there is one."""
        namespace = self.naming.customization.root_fields_namespace or ""
        return ObjectType(self.naming.customized_type(f"{namespace}{suffix}"), build, lookup=lookup)

    def _outer(self, source: ObjectType, name: str) -> Field | None:
        """Returns a field of a root type: one of the source's own, or the namespace when anything is in it."""
        namespace = self.naming.customization.root_fields_namespace
        if namespace is None:
            return source.field(name)
        return Field(name, source, NamespaceRoot()) if name == namespace and source.fields else None

    def _root_fields(self, source: ObjectType) -> dict[str, Field]:
        namespace = self.naming.customization.root_fields_namespace
        if namespace is None:
            return dict(source.fields)
        field = self._outer(source, namespace)
        return {namespace: field} if field is not None else {}

    def _query_field(self, name: str) -> Field | None:
        if name.startswith("__"):
            return _introspection_field(name)
        field = self._outer(self._queries, name)
        if field is None and name == NO_QUERIES_FIELD and not self.has_queries():
            return _no_queries_field()
        return field

    def _query_fields(self) -> dict[str, Field]:
        return self._root_fields(self._queries) or {NO_QUERIES_FIELD: _no_queries_field()}

    def _source_query(self, name: str) -> Field | None:
        return self._root_field(self.cache.query_fields, name, "query")

    def _source_queries(self) -> dict[str, Field]:
        return dict(self._present(self._names(self.cache.query_fields, is_mutation=False), self._source_query))

    def _source_mutation(self, name: str) -> Field | None:
        return self._root_field(self.cache.mutation_fields, name, "mutation")

    def _source_mutations(self) -> dict[str, Field]:
        return dict(self._present(self._names(self.cache.mutation_fields, is_mutation=True), self._source_mutation))

    def _source_subscription(self, name: str) -> Field | None:
        return self._root_field(self.cache.query_fields, name, "subscription") or self._root_field(
            self.cache.stream_fields, name, "subscription"
        )

    def _source_subscriptions(self) -> dict[str, Field]:
        indexes = (self.cache.query_fields, self.cache.stream_fields)
        names = [name for index in indexes for name in self._names(index, is_mutation=False)]
        return dict(self._present(names, self._source_subscription))

    def _names(self, index: Mapping[str, RootField], *, is_mutation: bool) -> list[str]:
        """Returns the names of an index, and the short ones beside them."""
        names = list(index)
        if self.root_prefix:
            names += [
                short for name in names if (short := short_name(name, self.root_prefix, is_mutation=is_mutation))
            ]
        return list(dict.fromkeys(names))

    @staticmethod
    def _present(names: list[str], find: Callable[[str], Field | None]) -> Iterator[tuple[str, Field]]:
        for name in sorted(names):
            field = find(name)
            if field is not None:
                yield name, field


def full_name(name: str, prefix: str, *, is_mutation: bool) -> str:
    """Returns what a short name stands for: `orders` -> `app_3_orders`, `insert_orders` -> `insert_app_3_orders`."""
    if not is_mutation:
        return prefix + name
    verb, underscore, rest = name.partition("_")
    return f"{verb}{underscore}{prefix}{rest}"


def short_name(name: str, prefix: str, *, is_mutation: bool) -> str | None:
    """Returns the inverse of `full_name`; None for a name without the prefix in its place."""
    verb, underscore, rest = name.partition("_") if is_mutation else ("", "", name)
    return verb + underscore + rest.removeprefix(prefix) if rest.startswith(prefix) else None


def role_schema(
    cache: SchemaCache, role: str, *, use_backend_only: bool = False, root_prefix: str = ""
) -> RoleSchema:
    """Returns the role's schema, one per snapshot."""
    key = ("role schema", role, use_backend_only, root_prefix)
    schema = cache.memo.get(key)
    if not isinstance(schema, RoleSchema):
        schema = RoleSchema(cache, role, use_backend_only=use_backend_only, root_prefix=root_prefix)
        cache.memo[key] = schema
    return schema


def _introspection_field(name: str) -> Field | None:
    if name == "__schema":
        return Field(name, NonNull(SCHEMA), SchemaRoot())
    if name == "__type":
        return Field(name, TYPE, TypeRoot(), {"name": InputField("name", NonNull(STRING), is_exact=True)})
    return None


def _no_queries_field() -> Field:
    return Field(
        NO_QUERIES_FIELD,
        ScalarType("String"),
        NoQueriesRoot(),
        description="There are no queries available to the current role. Either there are no sources or remote "
        "schemas configured, or the current role doesn't have the required permissions.",
    )
