"""Random worlds: tables that refer to each other, rows, permissions of a role, and queries about them."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hasura.engine.catalog.types import Column, PgType, QualifiedName, Table, TableKind, UniqueConstraint
from hasura.engine.metadata.types import DeletePermission, RelationshipKind, SelectPermission, UpdatePermission
from hasura.engine.names import NamingConvention, default_root_field_names
from hasura.engine.schema_cache import (
    ColumnInfo,
    DeletePermissionInfo,
    RelationshipInfo,
    RootField,
    SchemaCache,
    SelectPermissionInfo,
    TableInfo,
    UpdatePermissionInfo,
)

INT = PgType(23, "pg_catalog", "int4")
TEXT = PgType(25, "pg_catalog", "text")
BOOL = PgType(16, "pg_catalog", "bool")
_TYPES = {"int4": INT, "text": TEXT, "bool": BOOL}
_WORDS = ["", "a", "A", "b'", '"', "%", "ä", "x-hasuraish"]
_DIRECTIONS = ["asc", "desc", "asc_nulls_first", "asc_nulls_last", "desc_nulls_first", "desc_nulls_last"]


class World:
    """One generated world. `references[table]` maps its reference columns to the tables they refer to.

    `is_large`: its tables are taken for large ones of many rows per key, and lists are mostly limited.
    """

    def __init__(self, seed: int, *, is_large: bool = False) -> None:
        self.random = random.Random(seed)
        self._is_large = is_large
        # Of lists at the root, and of those below them.
        self._limits = (
            {True: [1, 3, 150, 200, 250], False: [1, 2, 3]}
            if is_large
            else {True: [0, 1, 2, 3, 4], False: [0, 1, 2, 3, 4]}
        )
        # Mostly those that an index gives.
        self._directions = [*_DIRECTIONS, *(["asc", "desc"] * 4 if is_large else [])]
        names = [f"t{number}" for number in range(self.random.randint(2, 4))]
        self.columns: dict[str, dict[str, str]] = {}
        self.references: dict[str, dict[str, str]] = {}
        for name in names:
            plain = {f"c{n}": self.random.choice(list(_TYPES)) for n in range(self.random.randint(1, 3))}
            refers = {f"r{n}": self.random.choice(names) for n in range(self.random.randint(0, 2))}
            self.columns[name] = {"id": "int4", **plain, **dict.fromkeys(refers, "int4")}
            self.references[name] = refers
        self.rows = {name: self._rows(name) for name in names}
        self.session = {
            "x-hasura-number": str(self.random.randint(0, 4)),
            "x-hasura-word": self.random.choice(_WORDS),
        }
        self.cache = self._cache()

    # --- tables and rows -------------------------------------------------------------------------------------------

    def _value(self, type_name: str) -> Any:
        if type_name == "int4":
            return self.random.randint(0, 4)
        return self.random.choice([True, False]) if type_name == "bool" else self.random.choice(_WORDS)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return [
            {
                column: number
                if column == "id"
                else (None if self.random.random() < 0.25 else self._value(type_name))
                for column, type_name in self.columns[table].items()
            }
            for number in range(self.random.randint(0, 60 if self._is_large else 7))
        ]

    def ddl(self) -> str:
        """Statements that make the tables, in the schema the snapshot names."""
        made = []
        for table, columns in self.columns.items():
            listed = ", ".join(
                f'"{column}" {kind}' + (" primary key" if column == "id" else "") for column, kind in columns.items()
            )
            made.append(f'create table "{table}" ({listed});')
        return "\n".join(made)

    def _statistics(self, table: str) -> dict[str, Any]:
        """Sizes, frequencies and indexes by which each decision is taken now this way, now that way."""
        columns = list(self.columns[table])
        indexes: set[tuple[str, ...]]
        if self._is_large:
            # The rows of each key are tried by fours, or a few more.
            size, counts = 100_000, [5_000, 2_500]
            indexes = {(key, other) for key in self.references[table] for other in columns if other != key}
        else:
            size = self.random.choice([0, 0, 300, 10_000, 1_000_000])
            counts = [1, size // 300, size]
            indexes = {tuple(self.random.sample(columns, 2)) for _ in range(self.random.randint(1, 6))}
        counted = {name: max(1, self.random.choice(counts)) for name in columns if self.random.random() < 0.8}
        return {
            "estimated_rows": size,
            "distinct_values": counted,
            "indexes": frozenset(indexes | {("id",)}),
            "found_by": frozenset(columns if self._is_large or self.random.random() < 0.8 else ["id"]),
        }

    def _relationships(self, table: str) -> dict[str, RelationshipInfo]:
        found: dict[str, RelationshipInfo] = {}
        for column, remote in self.references[table].items():
            name = f"of_{column}"
            found[name] = RelationshipInfo(
                name, RelationshipKind.OBJECT, QualifiedName("public", remote), ((column, "id"),)
            )
        for column, remote in self.references[table].items():
            # Rows that refer to the same row: several rows here have the same key, and some have none.
            others = [(other, key) for other, keys in self.references.items() for key in keys if keys[key] == remote]
            other, key = others[len(table + column) % len(others)]
            name = f"beside_{column}"
            found[name] = RelationshipInfo(
                name, RelationshipKind.ARRAY, QualifiedName("public", other), ((column, key),)
            )
        for other, references in self.references.items():
            for column, remote in references.items():
                if remote == table:
                    name = f"{other}_{column}s"
                    found[name] = RelationshipInfo(
                        name, RelationshipKind.ARRAY, QualifiedName("public", other), (("id", column),)
                    )
        return found

    def _cache(self) -> SchemaCache:
        tables: dict[QualifiedName, TableInfo] = {}
        fields: dict[str, RootField] = {}
        mutations: dict[str, RootField] = {}
        relationships = {table: self._relationships(table) for table in self.columns}
        for title, columns in self.columns.items():
            name = QualifiedName("public", title)
            catalog = Table(
                1,
                name,
                TableKind.TABLE,
                tuple(
                    Column(column, position, _TYPES[kind], column != "id")
                    for position, (column, kind) in enumerate(columns.items(), start=1)
                ),
                UniqueConstraint(f"{title}_pkey", 1, ("id",), is_primary=True),
                # What the engine takes it for decides how it is read, not what is answered.
                **self._statistics(title),
            )
            root_fields = default_root_field_names(title, NamingConvention.HASURA_DEFAULT)
            permission = SelectPermission(
                "user",
                tuple(columns),
                self.condition(title, relationships, depth=2, is_permission=True),
                limit=self.random.choice([None, None, 1, 3]),
                allow_aggregations=True,
            )
            tables[name] = TableInfo(
                catalog,
                title,
                root_fields,
                tuple(ColumnInfo(column, column.name) for column in catalog.columns),
                relationships[title],
                select_permissions={"user": SelectPermissionInfo(frozenset(columns), frozenset(), permission)},
                update_permissions={"user": self._update_permission(title, relationships)},
                delete_permissions={"user": self._delete_permission(title, relationships)},
            )
            fields.update({field: RootField(kind, name) for kind, field in root_fields.query_fields()})
            mutations.update({field: RootField(kind, name) for kind, field in root_fields.mutation_fields()})
        return SchemaCache(1, 1, tables, query_fields=fields, mutation_fields=mutations)

    def _update_permission(
        self, table: str, relationships: Mapping[str, Mapping[str, RelationshipInfo]]
    ) -> UpdatePermissionInfo:
        columns = tuple(column for column in self.columns[table] if column.startswith("c"))
        row_filter = self.condition(table, relationships, depth=2, is_permission=True)
        check = self.condition(table, relationships, depth=1, is_permission=True)
        source = UpdatePermission("user", columns, row_filter, self.random.choice([None, check]))
        return UpdatePermissionInfo(frozenset(columns), source)

    def _delete_permission(
        self, table: str, relationships: Mapping[str, Mapping[str, RelationshipInfo]]
    ) -> DeletePermissionInfo:
        row_filter = self.condition(table, relationships, depth=2, is_permission=True)
        return DeletePermissionInfo(DeletePermission("user", row_filter))

    def mutation(self, table: str) -> "Mutation":
        """A random update or delete of some rows of a table."""
        relationships = {name.name: item.relationships for name, item in self.cache.tables.items()}
        where = self.condition(table, relationships, depth=2, is_permission=False)
        columns = [column for column in self.columns[table] if column.startswith("c")]
        if self.random.random() < 0.3:
            return Mutation(table, where, tuple(self.columns[table]))
        column = self.random.choice(columns)
        value = self.random.choice([None, self._value(self.columns[table][column])])
        return Mutation(table, where, tuple(self.columns[table]), column, value)

    # --- conditions ------------------------------------------------------------------------------------------------

    def condition(
        self,
        table: str,
        relationships: Mapping[str, Mapping[str, RelationshipInfo]],
        *,
        depth: int,
        is_permission: bool,
    ) -> dict[str, Any]:
        """A random boolean expression about rows of a table."""
        made: dict[str, Any] = {}
        for _ in range(self.random.choice([0, 1, 1, 2])):
            kind = self.random.random()
            if depth > 0 and kind < 0.2:
                key = self.random.choice(["_and", "_or"])
                made[key] = [
                    self.condition(table, relationships, depth=depth - 1, is_permission=is_permission)
                    for _ in range(self.random.randint(0, 3))
                ]
            elif depth > 0 and kind < 0.3:
                made["_not"] = self.condition(table, relationships, depth=depth - 1, is_permission=is_permission)
            elif depth > 0 and kind < 0.55 and relationships[table]:
                name, info = self.random.choice(list(relationships[table].items()))
                if not is_permission and info.kind is RelationshipKind.ARRAY and kind < 0.35:
                    made[f"{name}_aggregate"] = self._predicates(info.remote_table.name, relationships)
                    continue
                made[name] = self.condition(
                    info.remote_table.name, relationships, depth=depth - 1, is_permission=is_permission
                )
            else:
                column, type_name = self.random.choice(list(self.columns[table].items()))
                made[column] = self._comparison(type_name, is_permission)
        return made

    def _where(self, table: str, relationships: Mapping[str, Mapping[str, RelationshipInfo]]) -> dict[str, Any]:
        """A random filter of a list; some compare nothing but aggregates, so all rows of tables are looked at."""
        if self.random.random() < 0.3:
            return self._aggregates(table, relationships, depth=2)
        return self.condition(table, relationships, depth=2, is_permission=False)

    def _aggregates(
        self, table: str, relationships: Mapping[str, Mapping[str, RelationshipInfo]], *, depth: int
    ) -> dict[str, Any]:
        """A random condition of aggregates of what is nested in a row, or in rows related to it."""
        made: dict[str, Any] = {}
        for _ in range(self.random.choice([1, 1, 2])):
            kind = self.random.random()
            if depth > 0 and kind < 0.15:
                made["_or"] = [self._aggregates(table, relationships, depth=depth - 1) for _ in range(2)]
            elif depth > 0 and kind < 0.25:
                made["_not"] = self._aggregates(table, relationships, depth=depth - 1)
            elif relationships[table]:
                name, info = self.random.choice(list(relationships[table].items()))
                if depth > 0 and (kind < 0.6 or info.kind is RelationshipKind.OBJECT):
                    made[name] = self._aggregates(info.remote_table.name, relationships, depth=depth - 1)
                elif info.kind is RelationshipKind.ARRAY:
                    made[f"{name}_aggregate"] = self._predicates(info.remote_table.name, relationships)
        return made

    def _predicates(self, table: str, relationships: Mapping[str, Mapping[str, RelationshipInfo]]) -> dict[str, Any]:
        """What is asked of the number of rows of a table, or of all their values that are true or false."""
        flags = [column for column, type_name in self.columns[table].items() if type_name == "bool"]
        asked: dict[str, Any] = {"predicate": self._comparison("int4", is_permission=False)}
        if self.random.random() < 0.3:
            asked["filter"] = self.condition(table, relationships, depth=1, is_permission=False)
        if flags and self.random.random() < 0.3:
            asked.update(arguments=self.random.choice(flags), predicate=self._comparison("bool", is_permission=False))
            return {self.random.choice(["bool_and", "bool_or"]): asked}
        if self.random.random() < 0.4:
            asked.update(arguments=[self.random.choice(list(self.columns[table]))], distinct=True)
        return {"count": asked}

    def _comparison(self, type_name: str, is_permission: bool) -> dict[str, Any]:
        operator = self.random.choice(["_eq", "_neq", "_gt", "_lt", "_gte", "_lte", "_in", "_nin", "_is_null"])
        if type_name == "text" and operator in ("_gt", "_lt", "_gte", "_lte"):
            # Ordering of text is the database's collation, which Python does not know.
            operator = "_eq"
        if operator == "_is_null":
            return {operator: self.random.choice([True, False])}
        if operator in ("_in", "_nin"):
            return {operator: [self._value(type_name) for _ in range(self.random.randint(0, 3))]}
        if is_permission and type_name != "bool" and self.random.random() < 0.5:
            return {operator: "X-Hasura-Number" if type_name == "int4" else "X-Hasura-Word"}
        return {operator: self._value(type_name)}

    # --- queries ---------------------------------------------------------------------------------------------------

    def field(self, table: str, depth: int) -> dict[str, Any]:
        """A random field: `{kind, table, arguments, columns, nested}`; `nested` by response key."""
        info = self.cache.table(QualifiedName("public", table))
        kind = self.random.choice(["array", "array", "aggregate"])
        relationships = {name.name: item.relationships for name, item in self.cache.tables.items()}
        arguments: dict[str, Any] = {
            "where": self._where(table, relationships),
            "order_by": self._order(table),
        }
        if self.random.random() < (0.9 if self._is_large else 0.5):
            arguments["limit"] = self.random.choice(self._limits[depth > 1])
        if self.random.random() < 0.3:
            arguments["offset"] = self.random.randint(0, 3)
        if kind == "aggregate":
            numbers = [column for column, type_name in self.columns[table].items() if type_name == "int4"]
            nodes = self._nodes(table, depth) if self.random.random() < 0.5 else None
            return {
                "kind": kind,
                "table": table,
                "arguments": arguments,
                "columns": numbers,
                "nested": {},
                "nodes": nodes,
            }
        nested: dict[str, Any] = {}
        shares: str | None = None
        for name, relationship in info.relationships.items():
            if depth > 0 and self.random.random() < 0.5:
                remote = relationship.remote_table.name
                inner = self.field(remote, depth - 1)
                if shares is None and relationship.kind is RelationshipKind.ARRAY and self.random.random() < 0.4:
                    # The filter asks for the very rows that are nested in those it chooses.
                    shares = name
                    arguments["where"] = {"_and": [arguments["where"], {name: inner["arguments"]["where"]}]}
                if relationship.kind is RelationshipKind.OBJECT:
                    if shares is None and self.random.random() < 0.4:
                        # The filter asks for the very row that is shown.
                        asked = self.condition(remote, relationships, depth=1, is_permission=False)
                        arguments["where"] = {"_and": [arguments["where"], {name: asked}]}
                    inner = {**inner, "kind": "object", "arguments": {}, "columns": list(self.columns[remote])}
                nested[name] = {**inner, "relationship": name}
        columns = self.random.sample(list(self.columns[table]), self.random.randint(1, len(self.columns[table])))
        return {
            "kind": kind,
            "table": table,
            "arguments": arguments,
            "columns": columns,
            "nested": nested,
            "shares": shares,
        }

    def _nodes(self, table: str, depth: int) -> dict[str, Any]:
        """What is read of the rows that are aggregated: their number, and rows nested in them."""
        nested: dict[str, Any] = {}
        for name, relationship in self.cache.table(QualifiedName("public", table)).relationships.items():
            if depth > 0 and self.random.random() < 0.5:
                inner = self.field(relationship.remote_table.name, depth - 1)
                if relationship.kind is RelationshipKind.OBJECT:
                    columns = list(self.columns[relationship.remote_table.name])
                    inner = {**inner, "kind": "object", "arguments": {}, "columns": columns}
                nested[name] = {**inner, "relationship": name}
        return {"kind": "object", "table": table, "arguments": {}, "columns": ["id"], "nested": nested}

    def _order(self, table: str) -> list[dict[str, Any]]:
        if self.random.random() < 0.3:
            return [{"id": self.random.choice(["asc", "desc"])}]
        chosen = self._sortable(table)
        through = [
            {f"of_{column}": item}
            for column, remote in self.references[table].items()
            for item in self._order_keys(remote, depth=1)
            if self.random.random() < 0.3
        ]
        own: list[dict[str, Any]] = [{column: self.random.choice(self._directions)} for column in chosen]
        keys = [*own, *through]
        self.random.shuffle(keys)
        # The key last makes the order complete, so that there is one right answer.
        return [*keys, {"id": "asc"}]

    def _sortable(self, table: str) -> list[str]:
        sortable = [column for column, kind in self.columns[table].items() if kind != "text" and column != "id"]
        return self.random.sample(sortable, self.random.randint(0, len(sortable)))

    def _order_keys(self, table: str, depth: int) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = [
            {column: self.random.choice(self._directions)} for column in self._sortable(table)
        ]
        if depth > 0:
            for column, remote in self.references[table].items():
                keys.extend({f"of_{column}": item} for item in self._order_keys(remote, depth - 1))
        return keys


@dataclass(frozen=True, slots=True)
class Mutation:
    """`column` set to `value` in the rows `where` picks; without a column those rows are deleted."""

    table: str
    where: Mapping[str, Any]
    returned: tuple[str, ...]
    column: str | None = None
    value: Any = None

    @property
    def text(self) -> str:
        """As a GraphQL document; `where` is a variable."""
        selection = f"{{ affected_rows returning {{ {' '.join(self.returned)} }} }}"
        if self.column is None:
            field = f"delete_{self.table}(where: $where)"
        else:
            field = f"update_{self.table}(where: $where, _set: {{{self.column}: {json.dumps(self.value)}}})"
        return f"mutation ($where: {self.table}_bool_exp!) {{ root: {field} {selection} }}"


class Document:
    """A field as GraphQL text; argument values become variables."""

    def __init__(self, field: Mapping[str, Any]) -> None:
        self.variables: dict[str, Any] = {}
        self._types: dict[str, str] = {}
        root = field["table"] if field["kind"] == "array" else f"{field['table']}_aggregate"
        selection = self._field(root, field, "root")
        declared = ", ".join(f"${name}: {kind}" for name, kind in self._types.items())
        self.text = f"query ({declared}) {{ {selection} }}" if declared else f"{{ {selection} }}"

    def _field(self, name: str, field: Mapping[str, Any], alias: str) -> str:
        return f"{alias}: {name}{self._arguments(field)} {{ {self._selection(field)} }}"

    def _arguments(self, field: Mapping[str, Any]) -> str:
        kinds = {"where": "{}_bool_exp!", "order_by": "[{}_order_by!]", "limit": "Int", "offset": "Int"}
        listed = []
        for key, value in field["arguments"].items():
            kind = kinds[key].format(field["table"])
            if key == "where" and field.get("shares") is not None:
                own, shared = value["_and"]
                relationship = field["shares"]
                inner = field["nested"][relationship]
                of_nested = self._variable(shared[relationship], kinds[key].format(inner["table"]))
                listed.append(f"where: {{_and: [{self._variable(own, kind)}, {{{relationship}: {of_nested}}}]}}")
            else:
                listed.append(f"{key}: {self._variable(value, kind)}")
        return f"({', '.join(listed)})" if listed else ""

    def _variable(self, value: Any, kind: str) -> str:
        """A variable of its own, or the one that has this very value already."""
        for name, known in self.variables.items():
            if known is value and self._types[name] == kind:
                return f"${name}"
        name = f"v{len(self.variables)}"
        self.variables[name] = value
        self._types[name] = kind
        return f"${name}"

    def _selection(self, field: Mapping[str, Any]) -> str:
        if field["kind"] == "aggregate":
            parts = [
                f"sum_{column}: sum {{ {column} }} max_{column}: max {{ {column} }} "
                f"distinct_{column}: count(columns: {column}, distinct: true)"
                for column in field["columns"]
            ]
            nodes = f"nodes {{ {self._selection(field['nodes'])} }}" if field["nodes"] else ""
            return f"aggregate {{ count {' '.join(parts)} }} {nodes}"
        nested = []
        for alias, inner in field["nested"].items():
            name = inner["relationship"] + ("_aggregate" if inner["kind"] == "aggregate" else "")
            nested.append(self._field(name, inner, alias))
        return " ".join([*field["columns"], *nested])
