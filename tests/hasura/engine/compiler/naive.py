"""A second implementation of what a query means: plain Python over lists of rows, as slow and obvious as can be.

It shares nothing with the compiler but the snapshot it is asked about, and knows only what the generated worlds of
`test_against_naive` contain.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hasura.engine.catalog.types import QualifiedName
from hasura.engine.metadata.types import RelationshipKind
from hasura.engine.schema_cache import RelationshipInfo, SchemaCache, TableInfo
from tests.hasura.engine.compiler.worlds import Mutation

Row = Mapping[str, Any]
Truth = bool | None


def all_of(items: Iterable[Truth]) -> Truth:
    found = list(items)
    if any(item is False for item in found):
        return False
    return None if any(item is None for item in found) else True


def any_of(items: Iterable[Truth]) -> Truth:
    found = list(items)
    if any(item is True for item in found):
        return True
    return None if any(item is None for item in found) else False


def negation(item: Truth) -> Truth:
    return None if item is None else not item


class NaiveEvaluator:
    """Answers for one role and session over the rows of a world."""

    def __init__(
        self, cache: SchemaCache, rows: Mapping[str, list[Row]], role: str, session: Mapping[str, str]
    ) -> None:
        self._cache = cache
        self._rows = rows
        self._role = role
        self._session = session

    # --- conditions ------------------------------------------------------------------------------------------------

    def holds(self, table: TableInfo, row: Row, condition: Mapping[str, Any], *, is_permission: bool) -> Truth:
        """A boolean expression, in three-valued logic."""
        return all_of(self._entry(table, row, key, value, is_permission) for key, value in condition.items())

    def _entry(self, table: TableInfo, row: Row, key: str, value: Any, is_permission: bool) -> Truth:
        if key == "_and":
            return all_of(self.holds(table, row, item, is_permission=is_permission) for item in value)
        if key == "_or":
            return any_of(self.holds(table, row, item, is_permission=is_permission) for item in value)
        if key == "_not":
            return negation(self.holds(table, row, value, is_permission=is_permission))
        relationship = table.relationships.get(key)
        if relationship is not None:
            remote = self._cache.table(relationship.remote_table)
            related = self._related(row, relationship)
            if not is_permission:
                related = [item for item in related if self._is_visible(remote, item)]
            return any(self.holds(remote, item, value, is_permission=is_permission) is True for item in related)
        if key.endswith("_aggregate"):
            return self._aggregate_holds(row, table.relationships[key.removesuffix("_aggregate")], value)
        return all_of(
            self._compare(row[key], operator, self._operand(table, key, operand), is_permission)
            for operator, operand in value.items()
        )

    def _aggregate_holds(self, row: Row, relationship: RelationshipInfo, predicates: Mapping[str, Any]) -> Truth:
        remote = self._cache.table(relationship.remote_table)
        seen = [item for item in self._related(row, relationship) if self._is_visible(remote, item)]
        found: list[Truth] = []
        for function, asked in predicates.items():
            where = asked.get("filter", {})
            rows = [item for item in seen if self.holds(remote, item, where, is_permission=False) is True]
            value: Any = len(rows)
            if "arguments" in asked:
                (column,) = asked["arguments"] if function == "count" else [asked["arguments"]]
                values = [item[column] for item in rows if item[column] is not None]
                gathered = {"bool_and": all, "bool_or": any}.get(function, len)
                value = gathered(set(values)) if values or function == "count" else None
            found += [
                self._compare(value, operator, operand, False) for operator, operand in asked["predicate"].items()
            ]
        return all_of(found)

    def _operand(self, table: TableInfo, column: str, operand: Any) -> Any:
        if isinstance(operand, str) and operand.lower().startswith("x-hasura-"):
            text = self._session[operand.lower()]
            return int(text) if table.columns_by_name[column].type.name == "int4" else text
        return operand

    @staticmethod
    def _compare(value: Any, operator: str, operand: Any, is_permission: bool) -> Truth:
        if operator == "_is_null":
            return (value is None) is operand
        if operator == "_neq" and is_permission:
            return value != operand
        if operator in ("_in", "_nin") and not operand:
            return operator == "_nin"
        if value is None:
            return None
        if operator == "_in":
            return value in operand
        if operator == "_nin":
            return value not in operand
        comparisons = {
            "_eq": value == operand,
            "_neq": value != operand,
            "_gt": operator == "_gt" and value > operand,
            "_lt": operator == "_lt" and value < operand,
            "_gte": operator == "_gte" and value >= operand,
            "_lte": operator == "_lte" and value <= operand,
        }
        return bool(comparisons[operator])

    # --- rows ------------------------------------------------------------------------------------------------------

    def _related(self, row: Row, relationship: RelationshipInfo) -> list[Row]:
        return [
            item
            for item in self._rows[relationship.remote_table.name]
            if all(row[here] is not None and row[here] == item[there] for here, there in relationship.column_mapping)
        ]

    def _is_visible(self, table: TableInfo, row: Row) -> bool:
        if self._role == "admin":
            return True
        permission = table.select_permissions[self._role].source
        return self.holds(table, row, permission.filter, is_permission=True) is True

    def _chosen(self, table: TableInfo, rows: list[Row], arguments: Mapping[str, Any]) -> list[Row]:
        """Filtered and ordered, before the limits."""
        found = [row for row in rows if self._is_visible(table, row)]
        where = arguments.get("where", {})
        found = [row for row in found if self.holds(table, row, where, is_permission=False) is True]
        for order in reversed(arguments.get("order_by", [])):
            path, direction = _flat_order(order)
            found = _sorted(found, [self._value(table, row, path) for row in found], direction)
        return found

    def _value(self, table: TableInfo, row: Row, path: tuple[str, ...]) -> Any:
        """The column at the end of object relationships; None where a row is missing or may not be seen."""
        if len(path) == 1:
            return row[path[0]]
        relationship = table.relationships[path[0]]
        remote = self._cache.table(relationship.remote_table)
        visible = [item for item in self._related(row, relationship) if self._is_visible(remote, item)]
        return self._value(remote, visible[0], path[1:]) if visible else None

    def _limit(self, table: TableInfo) -> int | None:
        return None if self._role == "admin" else table.select_permissions[self._role].source.limit

    # --- mutations -------------------------------------------------------------------------------------------------

    def changed(self, mutation: Mutation) -> list[Row] | None:
        """The rows an update (as they are afterwards) or a delete touches; None when a check refuses it."""
        table = self._cache.table(QualifiedName("public", mutation.table))
        row_filter, check = self._write_permission(table, mutation)
        touched = [
            row
            for row in self._rows[mutation.table]
            if self.holds(table, row, row_filter, is_permission=True) is True
            and self.holds(table, row, mutation.where, is_permission=False) is True
        ]
        if mutation.column is None:
            return touched
        after = [{**row, mutation.column: mutation.value} for row in touched]
        if any(self.holds(table, row, check, is_permission=True) is not True for row in after):
            return None
        return after

    def _write_permission(self, table: TableInfo, mutation: Mutation) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        if self._role == "admin":
            return {}, {}
        if mutation.column is None:
            return table.delete_permissions[self._role].source.filter, {}
        permission = table.update_permissions[self._role].source
        return permission.filter, permission.check or {}

    # --- selections ------------------------------------------------------------------------------------------------

    def answer(self, field: Mapping[str, Any], rows: list[Row] | None = None) -> Any:
        """The value of a generated field: see `worlds.py` for its form."""
        table = self._cache.table(QualifiedName("public", field["table"]))
        chosen = self._chosen(table, self._rows[field["table"]] if rows is None else rows, field["arguments"])
        if field["kind"] == "aggregate":
            return self._aggregate(table, field, chosen)
        limit = self._limit(table)
        selected = _page(chosen, field["arguments"])
        if limit is not None:
            selected = selected[:limit]
        found = [self._object(table, field, row) for row in selected]
        return found if field["kind"] == "array" else (found[0] if found else None)

    def _object(self, table: TableInfo, field: Mapping[str, Any], row: Row) -> dict[str, Any]:
        made: dict[str, Any] = {column: row[column] for column in field["columns"]}
        for name, nested in field["nested"].items():
            relationship = table.relationships[nested["relationship"]]
            related = self._related(row, relationship)
            if relationship.kind is RelationshipKind.OBJECT:
                visible = [
                    item for item in related if self._is_visible(self._cache.table(relationship.remote_table), item)
                ]
                remote = self._cache.table(relationship.remote_table)
                made[name] = self._object(remote, nested, visible[0]) if visible else None
            else:
                made[name] = self.answer(nested, related)
        return made

    def _aggregate(self, table: TableInfo, field: Mapping[str, Any], chosen: list[Row]) -> dict[str, Any]:
        selected = _page(chosen, field["arguments"])
        nodes = selected[: self._limit(table)]
        aggregate: dict[str, Any] = {"count": len(selected)}
        for column in field["columns"]:
            values = [row[column] for row in selected if row[column] is not None]
            aggregate[f"sum_{column}"] = {column: sum(values) if values else None}
            aggregate[f"max_{column}"] = {column: max(values) if values else None}
            aggregate[f"distinct_{column}"] = len(set(values))
        if not field["nodes"]:
            return {"aggregate": aggregate}
        return {"aggregate": aggregate, "nodes": [self._object(table, field["nodes"], row) for row in nodes]}


def _page(rows: list[Row], arguments: Mapping[str, Any]) -> list[Row]:
    offset = arguments.get("offset", 0)
    limit = arguments.get("limit")
    return rows[offset:] if limit is None else rows[offset : offset + limit]


def _flat_order(order: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    ((name, inner),) = order.items()
    if isinstance(inner, str):
        return (name,), inner
    path, direction = _flat_order(inner)
    return (name, *path), direction


def _sorted(rows: list[Row], values: list[Any], direction: str) -> list[Row]:
    pairs = list(zip(rows, values, strict=True))
    nulls = [row for row, value in pairs if value is None]
    others = sorted(
        ((row, value) for row, value in pairs if value is not None),
        key=lambda pair: pair[1],
        reverse=direction.startswith("desc"),
    )
    ordered = [row for row, _ in others]
    nulls_first = direction.endswith("nulls_first") or direction == "desc"
    return nulls + ordered if nulls_first else ordered + nulls
