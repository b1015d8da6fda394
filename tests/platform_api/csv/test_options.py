"""How a file is to be read: said by options, refused where it is not said."""

from typing import Any

import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.csv.workbooks import spreadsheet
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def read(shop: Shop, column: str, *cells: str, **form: Any) -> list[Any]:
    """What a column of text cells becomes, in their order; of a rejected one its reason."""
    content = f"sku|{column}\n" + "".join(f"{number:03}|{cell}\n" for number, cell in enumerate(cells))
    job = await shop.import_(content, delimiter="|", **form)
    assert job["status"] == "completed", job
    found: dict[int, Any] = {int(row["sku"]): row[column] for row in await shop.rows()}
    found |= {error["line"] - 2: error["reason"] for error in job["import_result"]["errors"]}
    return [found[number] for number in range(len(cells))]


async def test_dates_are_read_in_the_order_that_was_said(shop: Shop) -> None:
    cells = (
        "31.01.2026",
        "1/2/2026",
        "01 02 2026",
        "2026-02-01",
        "05/13/2024",
        "31.01.26",
        "31.01-2026",
        "31.02.2026",
    )
    found = await read(shop, "day", *cells, date_order="dmy")
    assert found[:4] == ["2026-01-31", "2026-02-01", "2026-02-01", "2026-02-01"]
    assert found[4:] == [f"{cell!r} is not a date such as 31.01.2026" for cell in cells[4:]]
    american = await read(await open_shop(shop.platform), "day", "05/13/2024", "1/2/2026", date_order="mdy")
    assert american == ["2024-05-13", "2026-01-02"]
    other = await read(
        await open_shop(shop.platform), "day", "2024/05/13", "2024.5.3", "31.01.2026", date_order="ymd"
    )
    assert other == ["2024-05-13", "2024-05-03", "'31.01.2026' is not a date such as 2026-01-31"]


async def test_dates_and_times_are_read_by_their_format(shop: Shop) -> None:
    found = await read(shop, "day", "31 Jan 26", "2026-01-31", date_format="%d %b %y")
    assert found == ["2026-01-31", "'2026-01-31' is not a date such as 31 Jan 26"]
    times = await read(
        await open_shop(shop.platform), "at", "31.01.2026 02:05 PM", "31.01.2026",
        time_format="%d.%m.%Y %I:%M %p", timezone="+02:00",
    )  # fmt: skip
    assert times[0].startswith("2026-01-31T12:05:00")
    assert times[1] == "'31.01.2026' is not a time such as 31.01.2026 12:00 PM"


async def test_times_without_a_zone_have_the_one_that_was_said(shop: Shop) -> None:
    cells = (
        "2026-01-31T12:00:00", "2026-07-31 12:00", "31.01.2026 12:00:00.5", "31.01.2026", "2026-01-31T12:00:00Z",
        "2026-03-29 02:30", "2026-10-25 02:30", "2026-10-25T02:30+01:00", "1/2/2026 1:05 pm", "31.01.2026 25:00",
    )  # fmt: skip
    found = await read(shop, "at", *cells, timezone="Europe/Warsaw", date_order="dmy")
    starts = (
        "2026-01-31T11:00:00+", "2026-07-31T10:00:00+", "2026-01-31T11:00:00.5", "2026-01-30T23:00:00+",
        "2026-01-31T12:00:00+", "2026-03-29 02:30:00 does not exist in Europe/Warsaw",
        "2026-10-25 02:30:00 occurs twice in Europe/Warsaw", "2026-10-25T01:30:00+", "2026-02-01T12:05:00+",
        "'31.01.2026 25:00' is not a time",
    )  # fmt: skip
    for value, start in zip(found, starts, strict=True):
        assert value.replace("2026-01-31T11:00:00.500000", "2026-01-31T11:00:00.5").startswith(start), (value, start)
    refused = await read(await open_shop(shop.platform), "at", "2026-01-31T12:00:00", "2026-01-31T12:00:00.1234567Z")
    assert "has no time zone" in refused[0]
    assert "is not a time" in refused[1], "PostgreSQL has no more than microseconds"


@pytest.mark.parametrize(
    ("form", "cells", "values"),
    [
        ({}, ("5", "5.0", "1e3", "-7", "+7", "5.5", "1,000"), [5, 5, 1000, -7, 7, None, None]),
        ({}, ("1.000", "10.000", "1.00", "0.000", "1000.000"), [None, None, 1, 0, 1000]),
        ({"decimal": "."}, ("1.000", "10.000"), [1, 10]),
        ({"thousands": ","}, ("1,000", "1,234,567.0", "1000", "1,00", "1,000.5"), [1000, 1234567, 1000, None, None]),
        ({"thousands": "space"}, ("1 000", "1\u00a0000", "1\u202f000\u202f000", "1 00"), [1000, 1000, 1000000, None]),
        ({"thousands": "'"}, ("1'000", "1’000"), [1000, 1000]),
        ({"decimal": ","}, ("1.000", "5,0", "1.00", "5,5"), [1000, 5, None, None]),
        ({"decimal": ",", "thousands": "none"}, ("1.000", "1000"), [None, 1000]),
        ({"decimal": ",", "thousands": "space"}, ("1.000", "1 000,0"), [None, 1000]),
    ],
)
async def test_numbers_are_read_with_the_separators_that_were_said(
    shop: Shop, form: dict[str, str], cells: tuple[str, ...], values: list[int | None]
) -> None:
    found = await read(shop, "amount", *cells, **form)
    assert [value if isinstance(value, int) else None for value in found] == values


async def test_words_stand_for_no_value_true_and_false(shop: Shop) -> None:
    found = await read(shop, "amount", "NULL", "-", "null", "1", null_words='["NULL", "-"]')
    assert found == [None, None, "'null' is not a whole number", 1]
    words = {"true_words": '["tak", "on"]', "false_words": '["nie"]'}
    found = await read(await open_shop(shop.platform), "active", "TAK", "nie", "yes", "", **words)
    assert found == [True, False, "'yes' is neither true nor false (on/tak or nie)", True]


async def test_a_separator_line_and_the_mark_of_utf8_are_understood(shop: Shop) -> None:
    job = await shop.import_("\ufeffsep=|\r\nsku|amount\r\nA;1,2|1\r\n")
    assert job["import_result"]["inserted"] == 1, job
    assert job["import_result"]["format"]["delimiter"] == "|"
    refused = await shop.import_("sep=^\nsku^amount\n")
    assert "the first line says sep=^" in refused["error"]


async def test_a_trailing_empty_column_is_ignored_while_it_is_empty(shop: Shop) -> None:
    job = await shop.import_("sku,amount,\nA,1,\nB,2\nC,3,lost\n")
    assert (job["import_result"]["inserted"], job["import_result"]["rejected"]) == (2, 1)
    assert job["import_result"]["errors"][0]["reason"] == "column 3 has no header, but the value 'lost' here"
    without = await shop.import_("sku,amount\nD,1,\nE,2,,\n")
    assert (without["import_result"]["inserted"], without["import_result"]["rejected"]) == (1, 1)


async def test_lines_without_any_value_are_passed_over_and_counted(shop: Shop) -> None:
    job = await shop.import_("sku,amount\nA,1\n,\n\n , \nB,2\n,,,,\n")
    result = job["import_result"]
    assert (result["total"], result["inserted"], result["blank"], result["total_rows"]) == (2, 2, 4, 2)
    sheet = spreadsheet(["sku", "amount"], ["C", 1], [], [None, " "], ["D", 2])
    result = (await shop.import_(sheet, name="a.xlsx"))["import_result"]
    assert (result["total"], result["inserted"], result["blank"], result["total_rows"]) == (2, 2, 2, 2)


async def test_columns_are_named_by_their_number_too(shop: Shop) -> None:
    twice = "sku,amount,amount,\nA,1,2,\n"
    refused = await shop.import_(twice)
    assert "two columns of the file are mapped to amount; map one to null" in refused["error"]
    await shop.import_(twice, mapping={"#2": None})
    await shop.import_("sku,,amount\nB,blue,3\n", mapping={"#2": "colour"})
    unnamed = await shop.import_("sku,,amount\nC,,4\nD,lost,5\n")
    assert (unnamed["import_result"]["inserted"], unnamed["import_result"]["rejected"]) == (1, 1)
    assert (
        "column 2 has no header, but this line has a value there" in unnamed["import_result"]["errors"][0]["reason"]
    )
    missing = await shop.import_("sku\nE\n", mapping={"#9": "amount"})
    assert "the file has no column '#9'" in missing["error"]
    rows = [(row["sku"], row["amount"], row["colour"]) for row in await shop.rows()]
    assert rows == [("A", 2, None), ("B", 3, "blue"), ("C", 4, None)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_the_header_is_where_it_was_said(shop: Shop, kind: str) -> None:
    rows = [["Stock of May", None], [None, None], ["sku", "amount"], ["A", 1]]

    def content(rows: list[list[Any]]) -> bytes:
        if kind == "xlsx":
            return spreadsheet(*rows)
        return "".join(",".join(str(cell or "") for cell in row) + "\n" for row in rows).encode()

    job = await shop.import_(content(rows), header_line=3)
    assert job["import_result"]["inserted"] == 1, job
    headless = await shop.import_(content([["B", 2], ["C", 3]]), header_line=0, mapping={"#1": "sku", "#2": "amount"})
    assert headless["import_result"]["inserted"] == 2, headless
    unsaid = await shop.import_(content([["B", 2]]), header_line=0)
    assert "the file has no header: name its columns in `mapping`" in unsaid["error"]
    assert [(row["sku"], row["amount"]) for row in await shop.rows()] == [("A", 1), ("B", 2), ("C", 3)]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"thousands": "x"}, "thousands"),
        ({"thousands": ","}, None),
        ({"thousands": ",", "decimal": ","}, "thousands: ',' is the decimal sign"),
        ({"date_order": "ydm"}, "date_order"),
        ({"date_format": "%d.%m"}, "date_format: the format lacks %Y"),
        ({"date_format": "%d.%m.%Q"}, "date_format: %Q is unknown"),
        ({"date_format": "%d.%m.%Y", "date_order": "dmy"}, "date_order: `date_format` already contains the order"),
        ({"time_format": "%d.%m.%Y"}, "time_format: the format lacks %H"),
        ({"timezone": "Europe/Nowhere"}, "timezone: 'Europe/Nowhere' is not a time zone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": "+25:00"}, "timezone"),
        ({"null_words": "NULL"}, "null_words: must be JSON"),
        ({"true_words": '["x"]', "false_words": '["X"]'}, "true_words: 'x' is also in `false_words`"),
        ({"header_line": -1}, "header_line"),
    ],
)
async def test_options_that_cannot_be_meant_are_refused_at_once(
    shop: Shop, form: dict[str, Any], message: str | None
) -> None:
    answer = await shop.send("sku\nA\n", **form)
    if message is None:
        assert answer.status_code == 201
        return
    assert answer.status_code == 422, answer.text
    assert message in answer.json()["detail"]


async def test_a_sheet_is_no_matter_of_csv(shop: Shop) -> None:
    job = await shop.import_("sku\nA\n", sheet="1")
    assert job["error"] == "sheet: the file is CSV, which has no sheets"


async def test_the_form_the_client_and_the_command_line_have_the_same_options(shared_platform: Platform) -> None:
    from automio._csv_options import CsvReading, form_fields
    from automio.cli.csv import import_, preview
    from platform_api.csv.schemas import ImportOptions

    options = set(ImportOptions.model_fields)
    async with shared_platform.client() as client:
        schema = (await client.get("/openapi.json")).json()
    for path in ("/api/apps/csv-imports/", "/api/apps/csv-imports/preview/"):
        form = schema["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
        name = form["$ref"].rpartition("/")[2] if "$ref" in form else form["allOf"][0]["$ref"].rpartition("/")[2]
        fields = set(schema["components"]["schemas"][name]["properties"])
        assert options <= fields, (path, options - fields)
    assert {*CsvReading.__annotations__, "on_conflict", "dry_run"} == options
    assert form_fields(dict.fromkeys(options)) == {}
    for command, others in ((import_, {"on_conflict", "dry_run"}), (preview, set[str]())):
        given = {parameter.name for parameter in command.params}
        assert {*CsvReading.__annotations__, *others} <= given, command.name
