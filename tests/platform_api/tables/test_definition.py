"""Definitions: every contradiction is named in words before anything is built."""

from typing import Any

import pytest

from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import (
    Column,
    Index,
    InvalidDefinition,
    OnDelete,
    Reference,
    TableDefinition,
    UniqueKey,
)
from platform_api.tables.names import InvalidName
from platform_api.tables.relationships import check_field_names, choose_relationship_names


def table(*columns: Column, name: str = "orders", **parts: Any) -> TableDefinition:
    return TableDefinition(app_id=1, name=name, columns=columns, **parts)


def column(type: ColumnType, **parts: Any) -> Column:
    return Column(name=parts.pop("name", "value"), type=type, **parts)


@pytest.mark.parametrize(
    ("type", "good", "bad"),
    [
        (ColumnType.TEXT, ["", "it's; --", "ż"], [1, True, ["a"], "a\x00b", "\ud800"]),
        (ColumnType.INTEGER, [0, -(2**31), 2**31 - 1], [2**31, 1.5, "1", True]),
        (ColumnType.BIGINT, [2**63 - 1], [2**63, "x"]),
        (ColumnType.NUMERIC, [1, 1.25, "12345678901234567890.5"], ["NaN", "Infinity", "x", True, "1e99999"]),
        (ColumnType.FLOAT, [1, 2.5], ["1", True, 10**400, float("inf")]),
        (ColumnType.BOOLEAN, [True, False], [0, "true"]),
        (ColumnType.DATE, ["2026-01-31", "now()"], ["today", "now", "31.01.2026", 5]),
        (ColumnType.TIMESTAMPTZ, ["2026-01-31T12:00:00Z", "now()"], ["now", "2026-01-31T12:00:00", "yesterday", 5]),
        (ColumnType.UUID, ["11111111-1111-1111-1111-111111111111", "gen_random_uuid()"], ["x", "pg_sleep(1)", 4]),
        (ColumnType.JSON, [{"a": [1]}, [], "text", 1], [{"a": "\x00"}]),
    ],
)
def test_defaults_must_fit_their_type(type: ColumnType, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        table(column(type, default=value)).check()
    for value in bad:
        with pytest.raises(InvalidDefinition, match="the default of"):
            table(column(type, default=value)).check()


def test_a_choice_needs_choices_and_its_default_must_be_one_of_them() -> None:
    table(column(ColumnType.CHOICE, choices=("new", "paid"), default="new")).check()
    for broken in (
        column(ColumnType.CHOICE),
        column(ColumnType.CHOICE, choices=("a", "a")),
        column(ColumnType.CHOICE, choices=("",)),
        column(ColumnType.CHOICE, choices=("x" * 201,)),
        column(ColumnType.CHOICE, choices=tuple(str(n) for n in range(201))),
        column(ColumnType.CHOICE, choices=("new",), default="old"),
        column(ColumnType.TEXT, choices=("a",)),
    ):
        with pytest.raises(InvalidDefinition, match="choice"):
            table(broken).check()


def test_a_column_given_twice_is_refused() -> None:
    with pytest.raises(InvalidDefinition, match="column 'value' is given 2 times"):
        table(column(ColumnType.TEXT), column(ColumnType.INTEGER)).check()


def test_keys_must_name_existing_columns_without_the_organization() -> None:
    text = column(ColumnType.TEXT)
    table(text, unique=(UniqueKey(columns=("value", "connection_id")),)).check()
    for unique, message in (
        (UniqueKey(columns=()), "at least one column"),
        (UniqueKey(columns=("missing",)), "has no column 'missing'; its columns are: value"),
        (UniqueKey(columns=("organization_id", "value")), "leave organization_id out"),
        (UniqueKey(columns=("value", "value")), "2 times"),
    ):
        with pytest.raises(InvalidDefinition, match=message):
            table(text, unique=(unique,)).check()
    with pytest.raises(InvalidName):
        table(text, unique=(UniqueKey(columns=("value",), name='x"; drop'),)).check()
    with pytest.raises(InvalidDefinition, match="json"):
        table(column(ColumnType.JSON), indexes=(Index(columns=("value",)),)).check()


def test_a_reference_needs_both_its_column_and_its_foreign_key() -> None:
    pointer = Column(name="order_id", type=ColumnType.REFERENCE)
    link = Reference(
        column="order_id",
        table_id=1,
        on_delete=OnDelete.SET_NULL,
        object_relationship="order",
        array_relationship="lines",
    )
    table(pointer, references=(link,)).check()
    with pytest.raises(InvalidDefinition, match="no foreign key says to which table"):
        table(pointer).check()
    with pytest.raises(InvalidDefinition, match="must be of type 'reference', not 'text'"):
        table(Column(name="order_id", type=ColumnType.TEXT), references=(link,)).check()
    with pytest.raises(InvalidDefinition, match="use on_delete 'restrict'"):
        table(pointer.model_copy(update={"required": True}), references=(link,)).check()


def test_a_definition_survives_its_way_through_json() -> None:
    definition = table(
        column(ColumnType.CHOICE, choices=("a", "b"), default="a"), unique=(UniqueKey(columns=("value",)),)
    )
    assert TableDefinition.model_validate(definition.to_json()) == definition


@pytest.mark.parametrize(
    ("column_name", "object_name"),
    [("order_id", "order"), ("orderId", "order"), ("parent", "parent_ref"), ("_id", "_id_ref")],
)
def test_an_object_relationship_is_named_after_its_column(column_name: str, object_name: str) -> None:
    names = choose_relationship_names("lines", column_name, own_fields={"id", column_name}, target_fields={"id"})
    assert (names.object_relationship, names.array_relationship) == (object_name, "lines")


def test_relationship_names_avoid_columns_and_each_other() -> None:
    second = choose_relationship_names(
        "lines", "second_order_id", own_fields={"second_order_id"}, target_fields={"id", "lines", "lines_aggregate"}
    )
    assert second.array_relationship == "lines_by_second_order_id"
    taken = choose_relationship_names("lines", "order_id", own_fields={"order", "order_id"}, target_fields=set())
    assert taken.object_relationship == "order_id_ref"
    with pytest.raises(InvalidDefinition, match="rename the column"):
        choose_relationship_names(
            "lines", "order_id", own_fields=set(), target_fields={"lines", "lines_by_order_id", "order_id"}
        )


def test_a_column_named_like_a_relationship_or_its_aggregate_is_refused() -> None:
    link = Reference(
        column="order_id",
        table_id=1,
        on_delete=OnDelete.SET_NULL,
        object_relationship="order",
        array_relationship="lines",
    )
    lines = table(Column(name="order_id", type=ColumnType.REFERENCE), name="lines", references=(link,))
    for name in ("lines", "lines_aggregate"):
        orders = table(Column(name=name, type=ColumnType.TEXT))
        with pytest.raises(InvalidDefinition, match=f"'{name}' is already the name of a relationship"):
            check_field_names(1, {1: orders, 2: lines})
