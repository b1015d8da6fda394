"""Out of a table and into another: every value is the same, as CSV and as Excel."""

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hasura.engine import exact_json
from platform_api.csv.records.text import TextRecords
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.converting import Reading, converter
from platform_api.csv.values.export_cells import csv_cell, excel_cell, json_text
from platform_api.csv.xlsx.writing import row_xml
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import Column
from tests.platform_api.conftest import Platform
from tests.platform_api.csv.workbooks import rows_of, workbook
from tests.platform_api.csv.working import COLUMNS, Shop, open_shop

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    st.text("'=+-@1,;\"\t\r\n _x0D\u200b\u2028", max_size=8),
)
exact_numbers = st.decimals(allow_nan=False, allow_infinity=False) | st.integers()
not_finite = st.sampled_from(["NaN", "Infinity", "-Infinity"])
json_values = st.recursive(
    st.booleans() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")) | exact_numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab="), inner, max_size=2),
    max_leaves=6,
)
values = st.one_of(
    texts.map(lambda text: (ColumnType.TEXT, text)),
    json_values.map(lambda value: (ColumnType.JSON, value)),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: (ColumnType.BIGINT, number)),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: (ColumnType.NUMERIC, number)),
    not_finite.map(lambda text: (ColumnType.NUMERIC, text)),
    not_finite.map(lambda text: (ColumnType.FLOAT, text)),
    st.sampled_from(["infinity", "-infinity", "0044-03-15 BC", "10000-02-29"]).map(
        lambda day: (ColumnType.DATE, day)
    ),
    st.sampled_from(["infinity", "-infinity", "0044-03-15T12:00:00.5+00:00 BC", "10000-01-01T00:00:00+00:00"]).map(
        lambda moment: (ColumnType.TIMESTAMPTZ, moment)
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: (ColumnType.FLOAT, Decimal(repr(number)))),
    st.booleans().map(lambda value: (ColumnType.BOOLEAN, value)),
    st.dates().map(lambda day: (ColumnType.DATE, day.isoformat())),
    st.datetimes().map(lambda moment: (ColumnType.TIMESTAMPTZ, moment.isoformat() + "+00:00")),
)


def same(kind: ColumnType, found: Any, value: Any) -> bool:
    if kind is ColumnType.JSON:
        return exact_json.dumps(found).decode() == json_text(value).replace(", ", ",").replace(": ", ":")
    if kind in (ColumnType.NUMERIC, ColumnType.FLOAT):
        return found == value if isinstance(value, str) else Decimal(str(found)) == value
    if kind is ColumnType.TIMESTAMPTZ and found != value:
        return datetime.fromisoformat(found) == datetime.fromisoformat(value)
    return bool(found == value)


@given(values)
def test_what_an_export_writes_as_csv_an_import_reads(value: tuple[ColumnType, Any]) -> None:
    kind, content = value
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerows([["mark", "value"], ["x", csv_cell(content, kind, guards=True)]])
    raw = written.getvalue().encode()
    [record] = TextRecords(io.BytesIO(raw), len(raw), ImportOptions(delimiter=","), known=set()).take(10)
    assert same(kind, converter(Column(name="c", type=kind), Reading())(record.fields[1]), content)


@given(values)
def test_what_an_export_writes_as_a_sheet_an_import_reads(value: tuple[ColumnType, Any]) -> None:
    kind, content = value
    cells = ["mark", excel_cell(content, kind, guards=True)]
    [(_, cell)] = rows_of(workbook(row_xml(cells), styles=("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")))
    assert same(kind, converter(Column(name="c", type=kind), Reading())(cell), content)


pytest_anyio = pytest.mark.anyio
SKUS = [
    "plain", "", " ", "'", "''", "=1+1", "'=1+1", "+48 600 100 200", "-5", "@x", " =1", "\n=1", "\u200b=1", "007",
    "1.50", "true", "2026-01-31", "a,b;c\td|e", 'quote " in it', '"quoted"', "two\nlines", "old\rlines",
    "both\r\nlines", "_x000D_", "bell \x07", "NULL", "#N/A", "łódź 😀", "trailing ", "{\"a\": 1}",
]  # fmt: skip
ROWS: list[dict[str, Any]] = [
    *({"sku": sku} for sku in SKUS),
    {"sku": "numbers", "amount": -2147483648, "price": "12345678901234567.89", "weight": 0.30000000000000004},
    {"sku": "more", "price": "-0.000000000000000000001", "weight": 1e300, "active": False, "colour": "red"},
    {"sku": "days", "day": "0001-01-01", "at": "2026-01-31T12:00:00.123456+00:00"},
    {"sku": "later", "day": "2026-12-31", "at": "1899-12-31T23:59:59+00:00", "extra": {"a": [1, "=x", None, 1.5]}},
    {"sku": "texts in json", "extra": "=1+1"},
    {"sku": "number in json", "extra": 12},
    {"sku": "no digit lost in json", "extra": {"a": 12345678901234567890123, "b": "x", "c": [10**300]}},
    {"sku": "\\N", "active": None},
    {"sku": "'\\N", "active": None, "amount": 0, "colour": "blue"},
    {"sku": "not finite", "price": "NaN", "weight": "-Infinity", "day": "-infinity", "at": "infinity"},
    {"sku": "not finite either", "price": "-Infinity", "weight": "NaN"},
    {"sku": "far", "price": "1e4100", "day": "0044-03-15 BC", "at": "10000-01-01T00:00:00+00:00"},
    {"sku": "farther", "price": "1e-4100", "day": "10000-01-01", "at": "0044-03-15T12:00:00+00:00 BC"},
]


@pytest_anyio
@pytest.mark.parametrize(
    "form",
    [{"format": "xlsx"}, *({"format": "csv", "delimiter": delimiter} for delimiter in ",;\t|")],
)
async def test_every_row_of_a_table_comes_back(shared_platform: Platform, form: dict[str, Any]) -> None:
    shop, other = await open_shop(shared_platform), await open_shop(shared_platform)
    await insert(shop, ROWS)
    job = await shop.export(**form)
    content = await shop.download(job["file"])
    back = await other.import_(content, name=f"x.{form['format']}", mapping={"id": None})
    assert (back["import_result"]["inserted"], back["import_result"]["rejected"]) == (len(ROWS), 0), back
    ours, theirs = await shop.rows(), await other.rows()
    for row in (*ours, *theirs):
        del row["id"], row["organization_id"]
    assert theirs == ours


@pytest_anyio
@pytest.mark.parametrize(
    "form",
    [{"format": "xlsx"}, *({"format": "csv", "delimiter": delimiter} for delimiter in ",;\t|")],
)
@pytest.mark.parametrize("column", ["sku", "price", "active", "extra"])
async def test_every_value_of_a_single_column_comes_back(
    shared_platform: Platform, form: dict[str, Any], column: str
) -> None:
    shop = await open_shop(shared_platform)
    rows = [{"sku": sku, "price": None, "active": None} for sku in [*SKUS, "a,", "a;", ",", ";", "|", "\t", "\\N"]]
    rows += [{"sku": "number", "price": 5}, {"sku": "1.000", "active": False}, {"sku": "5", "extra": {"a": 1}}]
    await insert(shop, rows)
    job = await shop.export(columns=[column], **form)
    content = await shop.download(job["file"])
    other = await open_shop(shared_platform)
    async with other.client() as client:
        column_types = {item["name"]: item["type"] for item in COLUMNS}
        made = await client.post(
            f"/api/apps/{other.app.id}/new_table/",
            json={"name": "single", "columns": [{"name": column, "type": column_types[column], "default": None}]},
        )
    assert made.status_code == 200, made.text
    back = await other.import_(content, name=f"x.{form['format']}", table="single")
    assert (back["import_result"]["inserted"], back["import_result"]["rejected"]) == (len(rows), 0), back
    found = await values_of(other, "single", column)
    assert found == await values_of(shop, "products", column)


async def values_of(shop: Shop, table: str, column: str) -> list[str]:
    """The values of a column, in an order of their own."""
    async with shop.client() as client:
        name = f"app_{shop.app.id}_{table}"
        answer = await client.post(
            f"/api/apps/{shop.app.id}/v1/graphql", json={"query": f"{{ {name} {{ {column} }} }}"}
        )
    return sorted(repr(row[column]) for row in answer.json()["data"][name])


@pytest_anyio
async def test_an_excel_export_shows_dates_times_and_booleans_as_such(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    await insert(
        shop,
        [
            {"sku": "A", "day": "2026-01-31", "at": "2026-01-31T12:00:00+02:00", "active": True, "amount": 5},
            {"sku": "B", "day": "1850-01-31", "price": "12345678901234567.89", "weight": 0.1},
            {"sku": "C", "day": "1900-03-01", "price": "12.50", "at": "2150-01-31T12:00:00.000001+00:00"},
        ],
    )
    job = await shop.export(format="xlsx", columns=["sku", "day", "at", "active", "amount", "price", "weight"])
    book = openpyxl.load_workbook(io.BytesIO(await shop.download(job["file"])))
    rows = {row[0]: row[1:] for row in list(book["rows"].values)[1:]}
    assert rows["A"] == (datetime(2026, 1, 31), datetime(2026, 1, 31, 10), True, 5, None, None)
    assert rows["B"] == ("1850-01-31", None, True, None, "12345678901234567.89", 0.1)
    assert rows["C"][0] == datetime(1900, 3, 1)
    assert rows["C"][1] == "2150-01-31T12:00:00.000001+00:00", "Excel would round it"
    assert rows["C"][4] == 12.5
    formats = {row[0].value: [cell.number_format for cell in row[1:3]] for row in book["rows"].iter_rows()}
    assert formats["A"] == ["yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"]


@pytest_anyio
async def test_an_export_without_the_guard_is_imported_without_it(shared_platform: Platform) -> None:
    shop, other = await open_shop(shared_platform), await open_shop(shared_platform)
    skus = ["'=1", "=1", "'"]
    await insert(shop, [{"sku": sku} for sku in skus])
    job = await shop.export(columns=["sku"], guard_formulas=False)
    content = await shop.download(job["file"])
    assert sorted(content.decode("utf-8-sig").splitlines()[1:]) == sorted(skus)
    await other.import_(content, guard_formulas="false")
    assert sorted(row["sku"] for row in await other.rows()) == sorted(skus)


async def insert(shop: Shop, rows: list[dict[str, Any]]) -> None:
    field = f"insert_{shop.table}"
    document = f"mutation ($rows: [{shop.table}_insert_input!]!) {{ {field}(objects: $rows) {{ affected_rows }} }}"
    async with shop.client() as client:
        answer = await client.post(
            f"/api/apps/{shop.app.id}/v1/graphql",
            content=json.dumps({"query": document, "variables": {"rows": rows}}),
            headers={"content-type": "application/json"},
        )
    assert answer.json()["data"][field]["affected_rows"] == len(rows), answer.text
