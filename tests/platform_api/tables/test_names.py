"""Names of tables and columns: what is refused and with which message, and the PostgreSQL names made from them."""

import pytest

from platform_api.tables.names import (
    MAX_TABLE_NAME_LENGTH,
    InvalidName,
    PhysicalNames,
    bare_table_name,
    check_column_name,
    check_table_name,
)

METACHARACTERS = [
    'orders"; drop table users; --',
    "orders'",
    "orders;",
    "or ders",
    "orders\n",
    "orders\x00",
    "orders{id}",
    "orders(where:{})",
    "orders$1",
    "orders%s",
    "..",
    "public.orders",
    "zamówienia",
    "１orders",
    "orders\\",
    "a-b",
    "#orders",
    "@include",
]


@pytest.mark.parametrize("name", METACHARACTERS)
def test_metacharacters_are_refused_in_table_and_column_names(name: str) -> None:
    for check in (check_table_name, check_column_name):
        with pytest.raises(InvalidName, match="must start with a letter"):
            check(name)


@pytest.mark.parametrize("name", ["", None, 7, True, ["orders"], {"a": 1}])
def test_names_that_are_no_text_are_refused(name: object) -> None:
    with pytest.raises(InvalidName):
        check_table_name(name)
    with pytest.raises(InvalidName):
        check_column_name(name)


def test_over_long_names_are_refused_not_truncated() -> None:
    assert check_table_name("t" * MAX_TABLE_NAME_LENGTH)
    with pytest.raises(InvalidName, match="too long"):
        check_table_name("t" * (MAX_TABLE_NAME_LENGTH + 1))
    assert check_column_name("c" * 63)
    with pytest.raises(InvalidName, match="too long for a column name: 64 characters, at most 63"):
        check_column_name("c" * 64)
    with pytest.raises(InvalidName) as refused:
        check_column_name("c" * 100_000)
    assert len(str(refused.value)) < 300


def test_the_longest_table_name_fits_with_the_greatest_app_id() -> None:
    assert len(PhysicalNames(2_147_483_647, "t" * MAX_TABLE_NAME_LENGTH).table) == 63


@pytest.mark.parametrize("name", ["orders_aggregate", "orders_by_pk", "orders_one", "orders_insert_input", "a_pkey"])
def test_table_names_that_collide_with_generated_ones_are_refused(name: str) -> None:
    with pytest.raises(InvalidName, match="reserved"):
        check_table_name(name)


@pytest.mark.parametrize("name", ["id", "organization_id", "connection_id", "created_at", "updated_at"])
def test_system_columns_cannot_be_defined_again(name: str) -> None:
    with pytest.raises(InvalidName, match="every table has"):
        check_column_name(name)


@pytest.mark.parametrize("name", ["xmin", "CTID", "true", "null", "automio_rename_0"])
def test_reserved_column_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidName, match="reserved"):
        check_column_name(name)


@pytest.mark.parametrize("name", ["allegroId", "orderId", "Order", "select", "user", "a1_b2", "type"])
def test_case_and_sql_keywords_are_allowed_in_column_names(name: str) -> None:
    assert check_column_name(name) == name


def test_the_physical_prefix_is_refused_in_a_new_name_and_understood_in_a_given_one() -> None:
    with pytest.raises(InvalidName, match="bare name"):
        check_table_name("app_123_products")
    assert bare_table_name("app_123_products", app_id=123) == "products"
    assert bare_table_name("products", app_id=123) == "products"
    assert bare_table_name("app_124_products", app_id=123) == "app_124_products"


def test_names_are_those_of_the_published_clients_documentation() -> None:
    names = PhysicalNames(130, "billing_entries")
    assert names.table == "app_130_billing_entries"
    assert names.unique_key(["allegroId"]) == "uq_app_130_billing_entries_allegroId_org"
    assert names.unique_key(["a", "b"], name="pair") == "uq_app_130_billing_entries_pair_org"


def test_generated_names_over_63_bytes_are_shortened_with_a_hash_and_stay_distinct() -> None:
    names = PhysicalNames(130, "t" * 40)
    first = names.unique_key(["c" * 40, "d" * 40])
    second = names.unique_key(["c" * 40, "e" * 40])
    assert len(first) == len(second) == 63
    assert first != second
    assert first == names.unique_key(["c" * 40, "d" * 40])


def test_index_names_of_different_tables_never_meet() -> None:
    assert PhysicalNames(1, "orders").index(["lines_x"]) != PhysicalNames(1, "orders_lines").index(["x"])
    assert PhysicalNames(1, "orders").unique_key(["x_id"]) != PhysicalNames(1, "orders_x").organization_key
