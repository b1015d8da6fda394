"""Knows which root field a name leads to: kept as three persistent indexes beside the tables."""

from collections.abc import Iterator

from immutables import Map, MapMutation

from hasura.engine.metadata.types import FunctionExposure
from hasura.engine.names import NamingConvention, capitalized
from hasura.engine.schema_cache import FunctionInfo, RootField, SchemaOptions, TableInfo

Index = Map[str, RootField]
Entry = tuple[MapMutation[str, RootField], str, RootField]


class RootFieldIndexes:
    """Holds the three indexes while a change is worked in."""

    def __init__(self, query: Index, mutation: Index, stream: Index, options: SchemaOptions) -> None:
        self._query = query.mutate()
        self._mutation = mutation.mutate()
        self._stream = stream.mutate()
        self._options = options
        self._roots = {
            id(self._query): "query_root",
            id(self._mutation): "mutation_root",
            id(self._stream): "subscription_root",
        }

    def finish(self) -> tuple[Index, Index, Index]:
        return self._query.finish(), self._mutation.finish(), self._stream.finish()

    def remove_table(self, table: TableInfo) -> None:
        for index, name, field in self._table_fields(table):
            if index.get(name) == field:
                del index[name]

    def add_table(self, table: TableInfo) -> list[str]:
        """Adds the table's fields; returns why, in Hasura's words, for each whose name another object has already."""
        return self._add(self._table_fields(table))

    def taken_from(self, table: TableInfo) -> list[str]:
        """Returns what `add_table` would, and adds nothing."""
        return list(self._conflicts(self._table_fields(table)))

    def remove_function(self, function: FunctionInfo) -> None:
        for index, name, field in self._function_fields(function):
            if index.get(name) == field:
                del index[name]

    def add_function(self, function: FunctionInfo) -> list[str]:
        """Adds the function's fields; returns the same as `add_table`."""
        return self._add(self._function_fields(function))

    def _add(self, fields: list[Entry]) -> list[str]:
        taken = list(self._conflicts(fields))
        for index, name, field in fields:
            if name not in index:
                index[name] = field
        return taken

    def _conflicts(self, fields: list[Entry]) -> Iterator[str]:
        own: dict[tuple[int, str], RootField] = {}
        for index, name, field in fields:
            other = index.get(name, own.setdefault((id(index), name), field))
            if other != field:
                root = self._roots[id(index)]
                yield (
                    f"Encountered conflicting definitions in the selection set for '{root}' for field '{name}' "
                    f"defined in [{_owner(other)}, {_owner(field)}]. "
                    "Fields must not be defined more than once across all sources."
                )

    def _named(self, name: str) -> str:
        custom = self._options.customization
        prefix, suffix = custom.root_fields_prefix, custom.root_fields_suffix
        if self._options.convention is NamingConvention.GRAPHQL_DEFAULT:
            return f"{prefix}{capitalized(name) if prefix else name}{capitalized(suffix)}"
        return f"{prefix}{name}{suffix}"

    def _table_fields(self, table: TableInfo) -> list[Entry]:
        if not table.is_exposed:
            return []
        names, catalog = table.root_fields, table.table
        has_key = catalog.primary_key is not None
        entries: list[Entry] = []
        for kind, name in names.query_fields():
            if kind != "select_by_pk" or has_key:
                entries.append((self._query, self._named(name), RootField(kind, table.name)))
        for kind, name in names.mutation_fields():
            allowed = getattr(catalog, _ALLOWED[kind.split("_")[0]])
            if allowed and (has_key or not kind.endswith("_by_pk")):
                entries.append((self._mutation, self._named(name), RootField(kind, table.name)))
        entries.append((self._stream, self._named(names.select_stream), RootField("select_stream", table.name)))
        return entries

    def _function_fields(self, function: FunctionInfo) -> list[Entry]:
        is_query = function.exposed_as is FunctionExposure.QUERY
        index = self._query if is_query else self._mutation
        entries: list[Entry] = [
            (index, self._named(function.root_field), RootField("function", function=function.name))
        ]
        if is_query and function.returns_set:
            name = self._named(function.aggregate_root_field)
            entries.append((index, name, RootField("function_aggregate", function=function.name)))
        return entries


def _owner(field: RootField) -> str:
    kind, name = ("table", field.table) if field.table is not None else ("function", field.function)
    return f"{kind} {name} in source default"


_ALLOWED = {"insert": "is_insertable", "update": "is_updatable", "delete": "is_deletable"}
