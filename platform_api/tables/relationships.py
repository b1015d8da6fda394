"""Names the GraphQL relationships that a reference creates, in both directions."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from platform_api.tables.definition import InvalidDefinition, Reference, TableDefinition

_AGGREGATE = "_aggregate"  # an array relationship `lines` also makes the field `lines_aggregate`


@dataclass(frozen=True, slots=True)
class RelationshipNames:
    """Holds the names of a reference in its own table (object) and in the table it points at (array)."""

    object_relationship: str
    array_relationship: str


def _fields_of_array(name: str) -> tuple[str, str]:
    return name, name + _AGGREGATE


def _without_id(column: str) -> str:
    """Returns `order` for `order_id` and `orderId`, and `<column>_ref` for any other column."""
    for ending in ("_id", "Id"):
        if column.endswith(ending) and len(column) > len(ending):
            return column.removesuffix(ending)
    return f"{column}_ref"


def choose_relationship_names(
    table_name: str, column: str, *, own_fields: Collection[str], target_fields: Collection[str]
) -> RelationshipNames:
    """Chooses the names of a new reference, given the existing fields of its two tables (equal for a self-reference).

    The object relationship is named after the column without `_id`, the array relationship after the referring table;
    if taken, `<column>_ref` and `<table>_by_<column>`. Raises `InvalidDefinition` when these are taken as well.
    """
    object_name = _without_id(column)
    if object_name in own_fields:
        object_name = f"{column}_ref"
    taken_in_target = {*target_fields, object_name}
    array_name = table_name
    if not taken_in_target.isdisjoint(_fields_of_array(array_name)):
        array_name = f"{table_name}_by_{column}"
    if object_name in own_fields or not taken_in_target.isdisjoint(_fields_of_array(array_name)):
        raise InvalidDefinition(
            f"the relationships of reference {column!r} cannot be named: {object_name!r} or {array_name!r} is "
            "already a column or a relationship; rename the column",
            field="name",
            column=column,
        )
    return RelationshipNames(object_name, array_name)


def incoming_references(
    table_id: int, definitions: Mapping[int, TableDefinition]
) -> Iterable[tuple[TableDefinition, Reference]]:
    """Yields the references of the app's tables that point at this table."""
    for definition in definitions.values():
        for reference in definition.references:
            if reference.table_id == table_id:
                yield definition, reference


def related_table_ids(table_id: int, definitions: Mapping[int, TableDefinition]) -> set[int]:
    """Returns the tables that a table refers to and that refer to it: changing it changes their relationships."""
    if table_id not in definitions:
        return set()
    related = {reference.table_id for reference in definitions[table_id].references}
    for other_id, definition in definitions.items():
        if any(reference.table_id == table_id for reference in definition.references):
            related.add(other_id)
    return related


def field_names(table_id: int, definitions: Mapping[int, TableDefinition]) -> list[str]:
    """Returns the GraphQL fields of a table, columns and relationships of both directions; a duplicate is a clash."""
    definition = definitions[table_id]
    names = list(definition.column_names)
    names.extend(reference.object_relationship for reference in definition.references)
    for _, reference in incoming_references(table_id, definitions):
        names.extend(_fields_of_array(reference.array_relationship))
    return names


def check_field_names(table_id: int, definitions: Mapping[int, TableDefinition]) -> None:
    """Raises `InvalidDefinition` when a column has the name of a relationship or of its aggregate."""
    seen: set[str] = set()
    for name in field_names(table_id, definitions):
        if name in seen:
            table = definitions[table_id].name
            raise InvalidDefinition(
                f"{name!r} is already the name of a relationship of table {table!r}; choose another column name",
                field="name",
                column=name,
            )
        seen.add(name)
