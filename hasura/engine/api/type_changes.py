"""Finds columns whose type changes though a permission compares them with a value written for the old type.

As in Hasura, a comparison with a session variable does not count: its text is cast to whatever type the column has.
"""

from collections.abc import Iterator, Mapping

from hasura.engine.api.dependents import Dependent, expression_facts, reported
from hasura.engine.catalog.types import QualifiedName, Table
from hasura.engine.errors import EngineError
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.ir.permission import SESSION_PREFIX
from hasura.engine.metadata.types import TableMetadata
from hasura.engine.resolve.world import Fact, World

_LOGICAL = ("_and", "_or", "_not", "_exists")
_COLUMN_OPERATORS = ("_ceq", "_cne", "_cneq", "_cgt", "_clt", "_cgte", "_clte")


def refuse_type_changes(world: World, altered: Mapping[QualifiedName, tuple[Table, Table]]) -> None:
    """Raises a `dependency-error` that names the permissions. `altered` holds tables before and after."""
    for name, (old, new) in altered.items():
        now = {column.position: column for column in new.columns} if old.oid == new.oid else {}
        for column in old.columns:
            after = now.get(column.position)
            # By its oid: a type that was renamed is the same.
            if after is None or after.type.oid == column.type.oid:
                continue
            fact = Fact("column", name, column.name)
            if dependents := list(_permissions_comparing(world, fact)):
                raise EngineError(
                    f'cannot change type of column "{column.name}" in table "{name}" '
                    f"because of the following dependencies: {reported(dependents)}",
                    code="dependency-error",
                )


def _permissions_comparing(world: World, fact: Fact) -> Iterator[Dependent]:
    owners = {owner.name for owner in world.dependents.get(fact, ()) if owner.kind == "table"} | {fact.table}
    for table in sorted(owners):
        metadata = world.metadata.tables.get(table)
        for item, expressions in _permissions(metadata) if metadata is not None else ():
            if any(fact in expression_facts(world, table, static_part(dict(each))) for each in expressions):
                yield item


def _permissions(metadata: TableMetadata) -> Iterator[tuple[Dependent, list[Mapping[str, Json]]]]:
    def item(role: str, operation: str) -> Dependent:
        return Dependent("permission", metadata.name, role, f"{operation}_permissions", operation)

    for select in metadata.select_permissions.values():
        yield item(select.role, "select"), [select.filter]
    for insert in metadata.insert_permissions.values():
        yield item(insert.role, "insert"), [insert.check]
    for update in metadata.update_permissions.values():
        yield item(update.role, "update"), [update.filter, update.check or {}]
    for delete in metadata.delete_permissions.values():
        yield item(delete.role, "delete"), [delete.filter]


def static_part(expression: JsonObject) -> JsonObject:
    """Returns the expression without comparisons with session variables and with other columns."""
    kept: JsonObject = {}
    for key, value in expression.items():
        operator = _operator(key)
        if operator in ("_and", "_or") and isinstance(value, list):
            kept[key] = [static_part(item) for item in value if isinstance(item, dict)]
        elif operator == "_not" and isinstance(value, dict):
            kept[key] = static_part(value)
        elif operator == "_exists" and isinstance(value, dict):
            where = value.get("_where")
            kept[key] = {**value, "_where": static_part(where) if isinstance(where, dict) else {}}
        elif not isinstance(value, dict):
            if _is_static(value):
                kept[key] = value
        elif any(_operator(member).startswith("_") and _operator(member) not in _LOGICAL for member in value):
            if comparisons := {name: item for name, item in value.items() if _compares_statically(name, item)}:
                kept[key] = comparisons
        else:
            kept[key] = static_part(value)
    return kept


def _operator(key: str) -> str:
    return f"_{key[1:]}" if key.startswith("$") else key


def _compares_statically(operator: str, operand: Json) -> bool:
    return _operator(operator) not in (*_COLUMN_OPERATORS, "_is_null") and _is_static(operand)


def _is_static(operand: Json) -> bool:
    if isinstance(operand, list):
        return any(_is_static(item) for item in operand)
    return not (isinstance(operand, str) and operand.lower().startswith(SESSION_PREFIX))
