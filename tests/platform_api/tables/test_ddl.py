"""Definitions on a real PostgreSQL: what is created, altered, dropped, and what the tables then enforce."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from platform_api.tables.ddl import statements as ddl
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.ddl.rendering import execute, render
from platform_api.tables.definition import Column, Index, OnDelete, Reference, TableDefinition, UniqueKey

# As the migration makes it.
TOUCH_FUNCTION = """
create or replace function public.automio_touch_updated_at() returns trigger language plpgsql as $$
begin
    new.updated_at = clock_timestamp();
    return new;
end
$$
"""

TABLE_NAMES = {1: "app_130_orders", 2: "app_130_order_lines"}

ALL_TYPES = TableDefinition(
    app_id=130,
    name="orders",
    columns=(
        Column(name="orderId", type=ColumnType.TEXT, required=True),
        Column(name="select", type=ColumnType.TEXT, default="it's; \\ --%s :x %(y)s"),
        Column(name="count", type=ColumnType.INTEGER, default=-7),
        Column(name="big", type=ColumnType.BIGINT, default=2**62),
        Column(name="price", type=ColumnType.NUMERIC, default="12345678901234567890.5"),
        Column(name="ratio", type=ColumnType.FLOAT, default=0.1),
        Column(name="delivered", type=ColumnType.BOOLEAN, default=False),
        Column(name="day", type=ColumnType.DATE, default="now()"),
        Column(name="at", type=ColumnType.TIMESTAMPTZ, default="2026-01-31T12:00:00+02:00"),
        Column(name="token", type=ColumnType.UUID, default="gen_random_uuid()"),
        Column(name="data", type=ColumnType.JSON, default={"a": ["'", 1]}),
        Column(name="status", type=ColumnType.CHOICE, choices=("new", "pa'id", "100%"), default="new"),
    ),
    unique=(UniqueKey(columns=("orderId",)),),
    indexes=(Index(columns=("delivered", "day")),),
)

LINES = TableDefinition(
    app_id=130,
    name="order_lines",
    columns=(Column(name="orderRef_id", type=ColumnType.REFERENCE), Column(name="quantity", type=ColumnType.INTEGER)),
    references=(
        Reference(
            column="orderRef_id",
            table_id=1,
            on_delete=OnDelete.SET_NULL,
            object_relationship="orderRef",
            array_relationship="order_lines",
        ),
    ),
)


def run(url: str, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    async def connected() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def build(url: str, *steps: Callable[[Any], None]) -> None:
    async def connected() -> None:
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
        )
        try:
            async with engine.begin() as connection:
                await _build(connection, steps)
        finally:
            await engine.dispose()

    asyncio.run(connected())


async def _build(connection: AsyncConnection, steps: tuple[Callable[[Any], None], ...]) -> None:
    await connection.exec_driver_sql(TOUCH_FUNCTION)
    for step in steps:
        await execute(connection, render(step))


def create(definition: TableDefinition) -> Callable[[Any], None]:
    return lambda operations: ddl.create_table(operations, definition, table_names=TABLE_NAMES)


def alter(
    old: TableDefinition, new: TableDefinition, renamed: Mapping[str, str] | None = None
) -> Callable[[Any], None]:
    return lambda operations: ddl.alter_table(
        operations, old, new, renamed_columns=renamed or {}, table_names=TABLE_NAMES
    )


async def shape(connection: asyncpg.Connection, table: str) -> dict[str, Any]:
    """Columns, constraints, indexes and triggers of a table as PostgreSQL itself spells them."""
    columns = await connection.fetch(
        """select attname, format_type(atttypid, atttypmod) as type, attnotnull,
                  pg_get_expr(adbin, adrelid) as default
           from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
           where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attname""",
        f'"{table}"',
    )
    constraints = await connection.fetch(
        """select conname, pg_get_constraintdef(oid) as definition from pg_constraint
           where conrelid = $1::regclass and contype <> 'n' order by conname""",
        f'"{table}"',
    )
    indexes = await connection.fetch(
        "select indexname, indexdef from pg_indexes where tablename = $1 order by 1", table
    )
    triggers = await connection.fetch(
        "select tgname from pg_trigger where tgrelid = $1::regclass and not tgisinternal", f'"{table}"'
    )
    return {
        "columns": [tuple(row) for row in columns],
        "constraints": {row["conname"]: row["definition"] for row in constraints},
        "indexes": {row["indexname"]: row["indexdef"] for row in indexes},
        "triggers": [row["tgname"] for row in triggers],
    }


async def as_organization(connection: asyncpg.Connection, organization_id: int) -> None:
    session = json.dumps({"x-hasura-organization-id": str(organization_id)})
    await connection.execute("select set_config('hasura.user', $1, false)", session)


def test_a_table_has_system_columns_typed_columns_and_scoped_names(database_url: str) -> None:
    build(database_url, create(ALL_TYPES))
    found = run(database_url, lambda connection: shape(connection, "app_130_orders"))
    types = {name: (type_, required) for name, type_, required, _ in found["columns"]}
    assert types["id"] == ("uuid", True)
    assert types["organization_id"] == ("integer", True)
    assert types["connection_id"] == ("bigint", False)
    assert types["orderId"] == ("text", True)
    assert types["price"] == ("numeric", False)
    assert types["ratio"] == ("double precision", False)
    assert types["at"] == ("timestamp with time zone", False)
    assert types["data"] == ("jsonb", False)
    assert found["constraints"]["uq_app_130_orders_orderId_org"] == 'UNIQUE ("orderId", organization_id)'
    assert found["constraints"]["org_app_130_orders_id"] == "UNIQUE (organization_id, id)"
    assert found["constraints"]["app_130_orders_pkey"] == "PRIMARY KEY (id)"
    assert any("(organization_id, delivered, day)" in text for text in found["indexes"].values())
    assert found["triggers"] == ["tr_app_130_orders_updated_at"]


def test_defaults_are_the_values_given_and_the_organization_comes_from_the_session(database_url: str) -> None:
    build(database_url, create(ALL_TYPES))

    async def work(connection: asyncpg.Connection) -> Any:
        await as_organization(connection, 7)
        return await connection.fetchrow('insert into app_130_orders ("orderId") values ($1) returning *', "A1")

    row = run(database_url, work)
    assert row["organization_id"] == 7
    assert row["select"] == "it's; \\ --%s :x %(y)s"
    assert (row["count"], row["big"], str(row["price"]), row["ratio"]) == (-7, 2**62, "12345678901234567890.5", 0.1)
    assert (row["delivered"], json.loads(row["data"]), row["status"]) == (False, {"a": ["'", 1]}, "new")
    assert row["at"].isoformat() == "2026-01-31T10:00:00+00:00"
    assert row["token"] is not None and row["day"] is not None


def test_a_row_without_session_and_without_organization_is_refused(database_url: str) -> None:
    build(database_url, create(ALL_TYPES))

    async def work(connection: asyncpg.Connection) -> None:
        for setting in (None, ""):
            if setting is not None:
                await connection.execute("select set_config('hasura.user', $1, false)", setting)
            with pytest.raises(asyncpg.NotNullViolationError):
                await connection.execute("""insert into app_130_orders ("orderId") values ('A1')""")

    run(database_url, work)


def test_updated_at_follows_an_update(database_url: str) -> None:
    build(database_url, create(ALL_TYPES))

    async def work(connection: asyncpg.Connection) -> None:
        await as_organization(connection, 1)
        await connection.execute("""insert into app_130_orders ("orderId") values ('A1')""")
        before = await connection.fetchrow("select created_at, updated_at from app_130_orders")
        after = await connection.fetchrow("update app_130_orders set count = 2 returning created_at, updated_at")
        assert after["updated_at"] > before["updated_at"]
        assert after["created_at"] == before["created_at"]

    run(database_url, work)


def test_choices_and_unique_keys_hold_per_organization(database_url: str) -> None:
    build(database_url, create(ALL_TYPES))

    async def work(connection: asyncpg.Connection) -> None:
        insert = 'insert into app_130_orders (organization_id, "orderId", status) values ($1, $2, $3)'
        await connection.execute(insert, 1, "A1", "pa'id")
        await connection.execute(insert, 2, "A1", "100%")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(insert, 1, "A1", "new")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(insert, 1, "A2", "other")

    run(database_url, work)


def test_a_reference_stays_within_its_organization_and_is_emptied_with_its_row(database_url: str) -> None:
    build(database_url, create(ALL_TYPES), create(LINES))

    async def work(connection: asyncpg.Connection) -> None:
        order = await connection.fetchval(
            """insert into app_130_orders (organization_id, "orderId") values (1, 'A1') returning id"""
        )
        insert = 'insert into app_130_order_lines (organization_id, "orderRef_id") values ($1, $2)'
        await connection.execute(insert, 1, order)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute(insert, 2, order)
        await connection.execute("delete from app_130_orders where id = $1", order)
        line = await connection.fetchrow("select * from app_130_order_lines")
        assert (line["organization_id"], line["orderRef_id"]) == (1, None)

    run(database_url, work)


def test_a_restricting_reference_keeps_the_row_it_points_at(database_url: str) -> None:
    restricting = LINES.model_copy(
        update={"references": (LINES.references[0].model_copy(update={"on_delete": OnDelete.RESTRICT}),)}
    )
    build(database_url, create(ALL_TYPES), create(restricting))

    async def work(connection: asyncpg.Connection) -> None:
        order = await connection.fetchval(
            """insert into app_130_orders (organization_id, "orderId") values (1, 'A1') returning id"""
        )
        await connection.execute(
            'insert into app_130_order_lines (organization_id, "orderRef_id") values (1, $1)', order
        )
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute("delete from app_130_orders")

    run(database_url, work)


def altered(definition: TableDefinition, **changes: Any) -> TableDefinition:
    return definition.model_copy(update=changes)


def replaced(definition: TableDefinition, **by_name: Column | None) -> tuple[Column, ...]:
    """The columns with some replaced by name; None drops one."""
    columns = [by_name.get(column.name, column) for column in definition.columns]
    return tuple(column for column in columns if column is not None)


WIDE = altered(
    LINES,
    columns=(
        *LINES.columns,
        Column(name="a", type=ColumnType.TEXT),
        Column(name="b", type=ColumnType.CHOICE, choices=("x", "y"), default="x"),
    ),
    unique=(UniqueKey(columns=("a",)), UniqueKey(columns=("b", "a"), name="pair")),
    indexes=(Index(columns=("quantity",)),),
)

ALTERATIONS: dict[str, tuple[TableDefinition, dict[str, str]]] = {
    "rename the table": (altered(WIDE, name="items"), {}),
    "rename a column with its keys": (
        altered(
            WIDE,
            columns=replaced(WIDE, a=Column(name="z", type=ColumnType.TEXT)),
            unique=(UniqueKey(columns=("z",)), UniqueKey(columns=("b", "z"), name="pair")),
        ),
        {"a": "z"},
    ),
    "two columns swap their names": (
        altered(
            WIDE,
            columns=replaced(
                WIDE,
                a=Column(name="quantity", type=ColumnType.TEXT),
                quantity=Column(name="a", type=ColumnType.INTEGER),
            ),
            unique=(UniqueKey(columns=("quantity",)), UniqueKey(columns=("b", "quantity"), name="pair")),
            indexes=(Index(columns=("a",)),),
        ),
        {"a": "quantity", "quantity": "a"},
    ),
    "drop a column and give its name to another": (
        altered(
            WIDE,
            columns=replaced(WIDE, a=None, quantity=Column(name="a", type=ColumnType.INTEGER)),
            unique=(UniqueKey(columns=("a",)),),
            indexes=(),
        ),
        {"quantity": "a"},
    ),
    "change types, defaults, choices and requirement": (
        altered(
            WIDE,
            columns=replaced(
                WIDE,
                quantity=Column(name="quantity", type=ColumnType.NUMERIC, default=3),
                b=Column(name="b", type=ColumnType.CHOICE, choices=("x", "y", "z")),
                a=Column(name="a", type=ColumnType.TEXT, required=True),
            ),
        ),
        {},
    ),
    "a choice becomes text, a text a choice": (
        altered(
            WIDE,
            columns=replaced(
                WIDE,
                a=Column(name="a", type=ColumnType.CHOICE, choices=("x",)),
                b=Column(name="b", type=ColumnType.TEXT),
            ),
        ),
        {},
    ),
    "remove the reference": (
        altered(
            WIDE, columns=replaced(WIDE, orderRef_id=Column(name="orderRef_id", type=ColumnType.UUID)), references=()
        ),
        {},
    ),
    "drop a column, add others": (
        altered(
            WIDE,
            columns=(
                *replaced(WIDE, b=None),
                Column(name="extra", type=ColumnType.BOOLEAN, required=True, default=True),
                Column(name="more_id", type=ColumnType.REFERENCE),
            ),
            unique=(),
            references=(
                *WIDE.references,
                Reference(
                    column="more_id",
                    table_id=2,
                    on_delete=OnDelete.RESTRICT,
                    object_relationship="more",
                    array_relationship="order_lines",
                ),
            ),
        ),
        {},
    ),
}


@pytest.mark.parametrize("change", ALTERATIONS)
def test_an_altered_table_is_the_same_as_one_created_so(change: str, create_database: Callable[..., str]) -> None:
    """The alteration and a fresh creation must agree in every column, constraint, index and trigger."""
    new, renamed = ALTERATIONS[change]
    altered_url, fresh_url = create_database(), create_database()
    build(altered_url, create(ALL_TYPES), create(WIDE), alter(WIDE, new, renamed))
    names = {**TABLE_NAMES, 2: new.physical.table}
    build(
        fresh_url,
        create(ALL_TYPES),
        lambda operations: ddl.create_table(operations, new, table_names=names),
    )
    table = new.physical.table
    assert run(altered_url, lambda c: shape(c, table)) == run(fresh_url, lambda c: shape(c, table))


def test_rows_survive_renames_and_type_changes(database_url: str) -> None:
    new = altered(
        WIDE,
        name="items",
        columns=replaced(
            WIDE,
            quantity=Column(name="amount", type=ColumnType.TEXT),
            a=Column(name="a", type=ColumnType.JSON),
        ),
        unique=(),
        indexes=(),
    )
    build(database_url, create(ALL_TYPES), create(WIDE))
    insert = """insert into app_130_order_lines (organization_id, quantity, a) values (1, 5, '{"k": 1}')"""
    run(database_url, lambda connection: connection.execute(insert))
    build(database_url, alter(WIDE, new, {"quantity": "amount"}))
    row = run(database_url, lambda connection: connection.fetchrow("select amount, a from app_130_items"))
    assert (row["amount"], json.loads(row["a"])) == ("5", {"k": 1})


def test_a_conversion_that_rows_forbid_changes_nothing(database_url: str) -> None:
    build(database_url, create(ALL_TYPES), create(WIDE))
    insert = "insert into app_130_order_lines (organization_id, a) values (1, 'no number')"
    run(database_url, lambda connection: connection.execute(insert))
    before = run(database_url, lambda connection: shape(connection, "app_130_order_lines"))
    new = altered(WIDE, columns=replaced(WIDE, a=Column(name="a", type=ColumnType.INTEGER)))
    with pytest.raises(Exception, match="invalid input syntax for type integer"):
        build(database_url, alter(WIDE, new))
    assert run(database_url, lambda connection: shape(connection, "app_130_order_lines")) == before


def test_a_dropped_table_is_gone(database_url: str) -> None:
    build(database_url, create(ALL_TYPES), lambda operations: ddl.drop_table(operations, ALL_TYPES.physical))
    assert run(database_url, lambda c: c.fetchval("select to_regclass('app_130_orders')")) is None
