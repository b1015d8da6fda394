"""Cells of an Excel file become values by their own type, whatever the options for text say."""

import io
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.csv.test_preview import preview, types
from tests.platform_api.csv.workbooks import spreadsheet, workbook
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


def texts(*values: str) -> str:
    return "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in values)


async def import_cells(shop: Shop, column: str, *cells: str, **form: Any) -> tuple[list[Any], dict[int, str]]:
    """The values of `column` of the rows that these cells of an Excel file became, and the reasons of the others."""
    styles = ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm", "[h]:mm", "0.00%")
    rows = "".join(f"<row>{texts(f'{number:03}')}{cell}</row>" for number, cell in enumerate(cells))
    job = await shop.import_(
        workbook(f"<row>{texts('sku', column)}</row>{rows}", styles=styles), name="x.xlsx", **form
    )
    assert job["status"] == "completed", job
    reasons = {error["line"] - 2: error["reason"] for error in job["import_result"]["errors"]}
    return [row[column] for row in await shop.rows()], reasons


async def test_a_number_is_not_read_by_the_decimal_of_texts(shop: Shop) -> None:
    cells = (
        "<c><v>1.234</v></c>",
        texts("1.234,5"),
        "<c><v>12345678901234567.89</v></c>",
        '<c s="5"><v>0.125</v></c>',
    )
    values, reasons = await import_cells(shop, "price", *cells, decimal=",")
    assert not reasons
    assert [str(value) for value in values[:2]] == ["1.234", "1234.5"]
    assert str(values[3]) == "0.125"
    job = await shop.export(columns=["price"])
    assert b"12345678901234567.89" in await shop.download(job["file"])


async def test_a_number_in_a_text_column_is_its_shortest_text(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    stored = ["5.0", "1.1000000000000001", "12345678901234567890", "9007199254740993"]
    rows = "".join(f"<row><c><v>{number}</v></c></row>" for number in stored)
    await shop.import_(workbook(f"<row>{texts('sku')}</row>{rows}"))
    skus = {row["sku"] for row in await shop.rows()}
    assert skus == {"5", "1.1", "12345678901234567890", "9007199254740993"}


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("00000", "00950"), ("000000", "000950"), ("00\\-000", "00-950"), ("00000;@", "00950"),
        ("[$-415]000\\-000\\-000", "000-000-950"), ("000&quot;-&quot;00&quot;-&quot;0000", "000-00-0950"),
        ("0", "950"), ("#,##0", "950"), ("000", "950"), ("0%", "950"),
    ],
)  # fmt: skip
async def test_zeros_that_a_format_shows_in_front_of_a_number_are_part_of_its_text(
    shared_platform: Platform, code: str, seen: str
) -> None:
    shop = await open_shop(shared_platform)
    masked = '<c s="1"><v>950</v></c>'
    rows = f"<row>{texts('sku', 'amount', 'extra')}</row><row>{masked * 3}</row><row>{masked}{texts('x')}</row>"
    file = workbook(rows, styles=(code,))
    job = await shop.import_(file)
    [row] = await shop.rows()
    assert (row["sku"], row["amount"], row["extra"]) == (seen, 950, 950)
    book = openpyxl.load_workbook(io.BytesIO(await shop.download(job["rejected_file"])))
    rejected = book.worksheets[0]["A2"]
    assert rejected.value == 950, "it keeps its type"
    found = await preview(shop, file, table=None)
    assert types(found)["sku"] == ("text" if seen != "950" else "integer")
    again = await shop.import_(await shop.download(job["rejected_file"]), mapping={"amount": None})
    assert again["import_result"]["errors"][0]["reason"] == "a row with this sku already exists"


async def test_a_whole_number_column_takes_whole_numbers_only(shop: Shop) -> None:
    values, reasons = await import_cells(
        shop, "amount", "<c><v>5.0</v></c>", "<c><v>5.5</v></c>", "<c t='b'><v>1</v></c>", "<c s='1'><v>46053</v></c>"
    )
    assert values == [5]
    assert reasons == {
        1: "'5.5' is not a whole number",
        2: "'true' (true or false) is not a whole number",
        3: "'2026-01-31' (a date) is not a whole number",
    }


async def test_dates_and_times_are_those_that_excel_shows(shop: Shop) -> None:
    values, reasons = await import_cells(
        shop, "day", "<c s='1'><v>46053</v></c>", "<c s='2'><v>46053</v></c>", "<c s='2'><v>46053.5</v></c>",
        "<c s='3'><v>0.5</v></c>", "<c><v>46053</v></c>", texts("2026-02-01"), date_order="dmy",
    )  # fmt: skip
    assert values == ["2026-01-31", "2026-01-31", "2026-02-01"]
    assert reasons[2] == "'2026-01-31T12:00:00' (a time) is not a date: it has a time of day"
    assert reasons[3] == "'12:00:00' (a time of day) is not a date such as 31.01.2026"
    assert reasons[4] == "'46053' is not a date such as 31.01.2026", "a number that is shown as one is no date"


async def test_times_have_the_zone_that_was_said_or_utc(shop: Shop) -> None:
    cells = ("<c s='2'><v>46053.5</v></c>", "<c s='1'><v>46053</v></c>", "<c s='2'><v>46053.500000005787</v></c>")
    values, reasons = await import_cells(shop, "at", *cells)
    assert not reasons
    assert [datetime.fromisoformat(value).isoformat() for value in values] == [
        "2026-01-31T12:00:00+00:00", "2026-01-31T00:00:00+00:00", "2026-01-31T12:00:00.000500+00:00"
    ]  # fmt: skip
    other = await open_shop(shop.platform)
    values, _ = await import_cells(other, "at", cells[0], timezone="Europe/Warsaw")
    assert values[0].startswith("2026-01-31T11:00:00")


async def test_times_and_durations_in_a_text_column_are_written_out(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    row = [True, date(2026, 1, 31), datetime(2026, 1, 31, 12), time(1, 2, 3), timedelta(hours=26, minutes=30)]
    await shop.import_(spreadsheet(["sku"], *([value] for value in row)))
    assert {item["sku"] for item in await shop.rows()} == {
        "true", "2026-01-31", "2026-01-31T12:00:00", "01:02:03", "26:30:00"
    }  # fmt: skip


async def test_errors_and_formulas_without_a_value_are_rejected_and_not_empty(shop: Shop) -> None:
    cells = ("<c t='e'><v>#N/A</v></c>", "<c><f>A1*2</f></c>", "<c><f>A1*2</f><v>4</v></c>", texts("#N/A"))
    values, reasons = await import_cells(shop, "amount", *cells)
    assert values == [4]
    assert reasons[0] == "the cell contains the error #N/A"
    assert reasons[1].startswith("the formula '=A1*2' has no calculated value")
    assert reasons[3] == "'#N/A' is not a whole number"


async def test_true_is_no_number_and_a_typed_one_is_true(shop: Shop) -> None:
    cells = ("<c t='b'><v>0</v></c>", "<c><v>1</v></c>", "<c><v>2</v></c>", texts("ja"))
    values, reasons = await import_cells(shop, "active", *cells, true_words='["ja"]', false_words='["nein"]')
    assert values == [False, True, True]
    assert reasons == {2: "'2' is neither true nor false (ja or nein)"}
