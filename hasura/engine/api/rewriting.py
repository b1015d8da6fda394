"""Changes names inside metadata documents wherever they occur, after something was renamed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hasura.engine.api.workspace import Workspace
from hasura.engine.catalog.types import QualifiedName
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import store
from hasura.engine.metadata.parsing import PERMISSION_LISTS, RELATIONSHIP_LISTS
from hasura.engine.metadata.reading import Reader, name_to_json
from hasura.engine.metadata.store import ObjectKey
from hasura.engine.resolve.world import Fact, World


@dataclass(frozen=True, slots=True)
class Renaming:
    """Holds what has new names: columns and relationships by (table, old name), tables by old name."""

    fields: dict[tuple[QualifiedName, str], str]
    tables: dict[QualifiedName, QualifiedName]

    def field(self, table: QualifiedName, name: str) -> str:
        return self.fields.get((table, name), name)

    def table(self, name: QualifiedName) -> QualifiedName:
        return self.tables.get(name, name)


async def rename_relationship_everywhere(
    workspace: Workspace, table: QualifiedName, name: str, new_name: str
) -> None:
    """Renames it in the permissions of every table that look along it; not the relationship itself."""
    renaming = Renaming({(table, name): new_name}, {})
    facts = [Fact("relationship", table, name)]
    await rewrite_tables(workspace, {table, *affected_tables(workspace.world, facts)}, renaming)


def affected_tables(world: World, facts: Iterable[Fact]) -> set[QualifiedName]:
    """Returns the tables that were resolved with any of these facts."""
    return {owner.name for fact in facts for owner in world.dependents.get(fact, ()) if owner.kind == "table"}


async def rewrite_tables(workspace: Workspace, tables: Iterable[QualifiedName], renaming: Renaming) -> None:
    """Puts rewritten documents of these tables; the caller applies them."""
    rewritten: dict[QualifiedName, JsonObject] = {}
    for name in tables:
        if workspace.is_unreadable(ObjectKey.of(store.TABLE, name)):
            continue
        document = await workspace.document(store.TABLE, name)
        if document is not None:
            rewritten[name] = _Rewriter(workspace.world, renaming, name).table(document)
    # All old names go before any new one comes: tables may have taken each other's.
    for name in rewritten:
        if renaming.table(name) != name:
            workspace.remove(store.TABLE, name)
    for name, document in rewritten.items():
        workspace.put(store.TABLE, renaming.table(name), document)


class _Rewriter:
    """Rewrites one table's document; expressions are followed along the relationships of the old world."""

    def __init__(self, world: World, renaming: Renaming, name: QualifiedName) -> None:
        self._world = world
        self._renaming = renaming
        self._name = name

    def table(self, document: JsonObject) -> JsonObject:
        rewritten = dict(document)
        if self._renaming.table(self._name) != self._name:
            rewritten["table"] = name_to_json(self._renaming.table(self._name))
        for list_name in RELATIONSHIP_LISTS:
            if list_name in rewritten:
                rewritten[list_name] = self._each(rewritten, list_name, self._relationship)
        for list_name in PERMISSION_LISTS:
            if list_name in rewritten:
                rewritten[list_name] = self._each(rewritten, list_name, self._permission)
        if isinstance(configuration := rewritten.get("configuration"), dict):
            rewritten["configuration"] = self._configuration(configuration)
        return rewritten

    def _each(self, document: JsonObject, list_name: str, rewrite: Callable[[JsonObject], JsonObject]) -> Json:
        """Returns the list with its objects rewritten; one that cannot be read stays as it is."""
        elements = document[list_name]
        if not isinstance(elements, list):
            return elements
        unreadable = {item.path for item in self._world.unreadable(ObjectKey.of(store.TABLE, self._name))}
        return [
            rewrite(item) if isinstance(item, dict) and (list_name, index) not in unreadable else item
            for index, item in enumerate(elements)
        ]

    def _field(self, name: str) -> str:
        return self._renaming.field(self._name, name)

    def _configuration(self, configuration: JsonObject) -> JsonObject:
        rewritten = dict(configuration)
        for key in ("column_config", "custom_column_names"):
            if isinstance(columns := rewritten.get(key), dict):
                rewritten[key] = {self._field(column): value for column, value in columns.items()}
        return rewritten

    def _relationship(self, relationship: JsonObject) -> JsonObject:
        using = relationship.get("using")
        if not isinstance(using, dict):
            return relationship
        key, manual = using.get("foreign_key_constraint_on"), using.get("manual_configuration")
        if isinstance(manual, dict):
            return {**relationship, "using": {"manual_configuration": self._manual(manual)}}
        return {**relationship, "using": {"foreign_key_constraint_on": self._foreign_key(key)}}

    def _manual(self, manual: JsonObject) -> JsonObject:
        remote = Reader(manual)["remote_table"].qualified_name()
        mapping = manual["column_mapping"]
        assert isinstance(mapping, dict)
        return {
            **manual,
            "remote_table": name_to_json(self._renaming.table(remote)),
            "column_mapping": {
                self._field(own): self._renaming.field(remote, other) if isinstance(other, str) else other
                for own, other in mapping.items()
            },
        }

    def _foreign_key(self, key: Json) -> Json:
        if isinstance(key, str):
            return self._field(key)
        if isinstance(key, list):
            return [self._field(item) if isinstance(item, str) else item for item in key]
        if not isinstance(key, dict):
            return key
        remote = Reader(key)["table"].qualified_name()
        rewritten = {**key, "table": name_to_json(self._renaming.table(remote))}
        if isinstance(column := key.get("column"), str):
            rewritten["column"] = self._renaming.field(remote, column)
        if isinstance(columns := key.get("columns"), list):
            rewritten["columns"] = [
                self._renaming.field(remote, item) if isinstance(item, str) else item for item in columns
            ]
        return rewritten

    def _permission(self, entry: JsonObject) -> JsonObject:
        rules = entry.get("permission")
        if not isinstance(rules, dict):
            return entry
        rewritten = dict(rules)
        if isinstance(columns := rules.get("columns"), list):
            rewritten["columns"] = [self._field(item) if isinstance(item, str) else item for item in columns]
        if isinstance(presets := rules.get("set"), dict):
            rewritten["set"] = {self._field(column): value for column, value in presets.items()}
        for key in ("filter", "check"):
            if key in rules:
                rewritten[key] = self._expression(self._name, rules[key])
        return {**entry, "permission": rewritten}

    def _expression(self, table: QualifiedName, expression: Json) -> Json:
        if not isinstance(expression, dict):
            return expression
        return dict(self._member(table, key, value) for key, value in expression.items())

    def _member(self, table: QualifiedName, key: str, value: Json) -> tuple[str, Json]:
        operator = f"_{key[1:]}" if key.startswith("$") else key
        if operator in ("_and", "_or") and isinstance(value, list):
            return key, [self._expression(table, item) for item in value]
        if operator == "_not":
            return key, self._expression(table, value)
        if operator == "_exists" and isinstance(value, dict):
            return key, self._exists(value)
        info = self._world.snapshot.tables.get(table)
        if info is None:
            return key, value
        relationship = info.relationships.get(key)
        if relationship is not None:
            return self._renaming.field(table, key), self._expression(relationship.remote_table, value)
        computed = info.computed_fields.get(key)
        if computed is not None and computed.returned_table is not None:
            return key, self._expression(computed.returned_table, value)
        return self._renaming.field(table, key), self._operand_columns(table, value)

    def _exists(self, value: JsonObject) -> JsonObject:
        other = Reader(value)["_table"].qualified_name()
        return {
            **value,
            "_table": name_to_json(self._renaming.table(other)),
            "_where": self._expression(other, value.get("_where", {})),
        }

    def _operand_columns(self, table: QualifiedName, comparisons: Json) -> Json:
        """Rewrites columns that a column is compared with (`_ceq` and its like)."""
        if not isinstance(comparisons, dict):
            return comparisons
        rewritten = dict(comparisons)
        for operator, operand in comparisons.items():
            if operator[1:] not in ("ceq", "cne", "cneq", "cgt", "clt", "cgte", "clte"):
                continue
            if isinstance(operand, str):
                rewritten[operator] = self._renaming.field(table, operand)
            elif isinstance(operand, list):
                rewritten[operator] = self._path(table, operand)
        return rewritten

    def _path(self, table: QualifiedName, steps: list[Json]) -> list[Json]:
        rewritten: list[Json] = []
        for position, step in enumerate(steps):
            if not isinstance(step, str):
                return steps
            if position == 0 and step == "$":
                rewritten.append(step)
                table = self._name
                continue
            rewritten.append(self._renaming.field(table, step))
            info = self._world.snapshot.tables.get(table)
            relationship = info.relationships.get(step) if info is not None else None
            table = relationship.remote_table if relationship is not None else table
        return rewritten
