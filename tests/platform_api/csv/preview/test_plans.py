"""What table a file would become: names, types and how sure they are, and how many rows would not go in."""

import json
import time
from typing import Any

import httpx
import pytest

from platform_api.csv.preview.naming import column_names, table_name
from tests.platform_api.conftest import Platform
from tests.platform_api.csv.working import Shop, open_shop

anyio = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def ask(shop: Shop, content: str | bytes, *, name: str = "a.csv", **form: Any) -> httpx.Response:
    data = {key: value if isinstance(value, str) else json.dumps(value) for key, value in form.items()}
    raw = content.encode() if isinstance(content, str) else content
    async with shop.client() as client:
        return await client.post("/api/apps/csv-imports/preview/", data=data, files={"file": (name, raw)})


async def preview(shop: Shop, content: str | bytes, **form: Any) -> dict[str, Any]:
    answer = await ask(shop, content, **form)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_names_are_valid_and_different() -> None:
    assert column_names(
        [
            "Order ID",
            "Größe (cm)",
            "Order-ID",
            "",
            "🛒",
            "السعر",
            "id",
            "created_at",
            "1st",
            "null",
            "x" * 80,
            "x" * 80,
        ]
    ) == [
        *("order_id", "grosse_cm", "order_id_2", "column_4", "column_5", "column_6", "original_id"),
        *("original_created_at", "st", "original_null", "x" * 63, "x" * 61 + "_2"),
    ]
    assert table_name("C:\\files\\Zażółć 2026.csv") == "zazolc_2026"
    assert table_name("../../طلبات.xlsx") == "rows"
    assert table_name("sales_aggregate.csv") == "sales_aggregate_table"
    assert column_names(["automio_x", "true"]) == ["original_automio_x", "original_true"]


@anyio
async def test_a_few_bad_values_leave_a_column_its_type(shop: Shop) -> None:
    lines = [f"A{n:05},{n},{n}.50,2026-01-{n % 28 + 1:02}\n" for n in range(10_000)]
    for n, bad in ((10, "x,1,1,2026-01-01\n"), (500, "A,many,1,2026-01-01\n"), (9_000, "B,1,dear,never\n")):
        lines[n] = bad
    begun = time.monotonic()
    found = await preview(shop, "Code,Count,Price,Day\n" + "".join(lines), name="Big orders.csv")
    took = time.monotonic() - begun
    assert found["plan"]["table"] == "big_orders"
    assert [(column["name"], column["type"]) for column in found["plan"]["columns"]] == [
        ("code", "text"),
        ("count", "integer"),
        ("price", "numeric"),
        ("day", "date"),
    ]
    assert [column["confidence"] for column in found["columns"]] == ["certain", "likely", "likely", "likely"]
    assert found["rows_to_repair"] == 2
    count, price = found["columns"][1:3]
    assert count["against"] == [{"line": 502, "value": "many", "reason": "'many' is not a whole number"}]
    assert (price["against_count"], price["against"][0]["line"]) == (1, 9_002)
    assert took < 20, took


@anyio
async def test_the_number_follows_the_types_that_are_chosen(shop: Shop) -> None:
    content = "code,n,note\n007,1,a\n008,x,b\n008,2,c\n009,,d\n"
    found = await preview(shop, content)
    assert [column["type"] for column in found["plan"]["columns"]] == ["text", "text", "text"]
    plan = found["plan"]
    plan["columns"][1]["type"] = "integer"
    chosen = await preview(shop, content, plan=plan)
    assert (chosen["rows_to_repair"], chosen["plan"]) == (1, plan)
    plan["key"] = ["code"]
    keyed = await preview(shop, content, plan=plan)
    # Line 3 is rejected for its number, so that line 4 is the first with its code.
    assert keyed["rows_to_repair"] == 1
    plan["columns"][1]["type"] = "text"
    keyed = await preview(shop, content, plan=plan)
    assert keyed["rows_to_repair"] == 1 and keyed["columns"][0]["against"][0]["line"] == 4
    plan["columns"][0]["name"], plan["key"] = None, []
    left_out = await preview(shop, content, plan=plan)
    assert (left_out["rows_to_repair"], left_out["error"]) == (0, None)


@anyio
async def test_an_existing_table_is_counted_with_too(shop: Shop) -> None:
    found = await preview(shop, "sku,amount\nA,1\nB,x\n,2\nC\n", table="products", app=str(shop.app.id))
    assert (found["rows_to_repair"], found["plan"]) == (3, None)
    assert found["columns"][1]["against"][0]["value"] == "x"


@anyio
@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"table": "1"}, "must start with a letter"),
        ({"columns": [{"position": 1, "name": "id"}]}, "is a column that every table has"),
        ({"columns": [{"position": 1, "name": "a"}, {"position": 2, "name": "a"}]}, "a"),
        ({"columns": [{"position": 1, "name": "a", "type": "reference"}]}, "reference"),
        ({"key": ["b"]}, "b"),
    ],
)
async def test_a_plan_that_cannot_be_is_refused(shop: Shop, change: dict[str, Any], part: str) -> None:
    plan = {"table": "t", "columns": [{"position": 1, "name": "a"}], **change}
    answer = await ask(shop, "a,b\n1,2\n", plan=plan)
    assert answer.status_code == 422 and part in answer.text
    assert answer.json()["fields"][0]["path"].startswith("plan")


@anyio
async def test_a_fault_of_the_file_has_its_place(shop: Shop) -> None:
    broken = await preview(shop, 'a,b\n1,2\n3,"4\n5,6\n')
    assert (broken["error_line"], broken["error_column"]) == (3, 3)
    latin = await preview(shop, "a\n1\nm\xfcller\n".encode("latin-1"))
    assert (latin["error_line"], latin["error_column"]) == (3, 2)


@anyio
async def test_the_decimal_sign_of_a_column_with_a_bad_value_is_kept(shop: Shop) -> None:
    lines = "".join(f"A{n};{n};{n},50;{n % 28 + 1:02}.01.2026\n" for n in range(40))
    found = await preview(shop, f"code;n;price;day\n{lines}B;1;dear;never\n")
    assert [column["type"] for column in found["plan"]["columns"]] == ["text", "integer", "numeric", "date"]
    assert (found["options"]["decimal"], found["options"]["date_order"], found["rows_to_repair"]) == (",", "dmy", 1)
    # Either sign would do: nothing is decided.
    open_ = await preview(shop, "price\n" + "1,250\n" * 3 + "1,251\n" * 3 + "2,252\n3,253\n4,254\n5,255\ndear\n")
    assert open_["plan"]["columns"][0]["type"] == "text"
