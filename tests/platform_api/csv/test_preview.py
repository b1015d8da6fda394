"""A look at a file before it is imported: what is found, what is open, what speaks against it."""

import io
import json
import threading
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from platform_api.accounts.models import Role, Scope
from platform_api.csv import service
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.csv.workbooks import spreadsheet
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def preview(
    shop: Shop, content: str | bytes, *, caller: Caller | None = None, table: str | None = "products", **form: Any
) -> dict[str, Any]:
    data = {"app": str(shop.app.id)} | ({"table": table} if table else {})
    data |= {key: json.dumps(value) if isinstance(value, dict) else str(value) for key, value in form.items()}
    raw = content.encode() if isinstance(content, str) else content
    async with shop.client(caller) as client:
        answer = await client.post("/api/apps/csv-imports/preview/", data=data, files={"file": ("a.csv", raw)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def types(found: dict[str, Any]) -> dict[str, str | None]:
    return {column["header"]: column["type"] for column in found["columns"]}


def objections(found: dict[str, Any], header: str) -> dict[str, tuple[int, str]]:
    [column] = [column for column in found["columns"] if column["header"] == header]
    # The first of each.
    return {item["against"]: (item["line"], item["value"]) for item in reversed(column["objections"])}


async def test_the_first_lines_and_the_types_of_the_columns_are_shown(shop: Shop) -> None:
    header = "text,whole,long,number,yes,day,at,id,list,zero,none"
    moments, identity = "2026-01-31,2026-01-31T12:00:00Z", "6f1c5d3e-58a5-4f7b-9d0c-0d7c3b1f2a11"
    line = f'a,5.0,9007199254740993,1.5,yes,{moments},{identity},"[1]",007,'
    found = await preview(shop, f"{header}\n" + f"{line}\n" * 60, table=None)
    assert found["error"] is None
    assert types(found) == {
        "text": "text", "whole": "integer", "long": "bigint", "number": "numeric", "yes": "boolean", "day": "date",
        "at": "timestamptz", "id": "uuid", "list": "json", "zero": "text", "none": None,
    }  # fmt: skip
    assert (len(found["rows"]), found["rows_looked_at"], found["total_rows"]) == (50, 60, 60)
    assert found["rows"][0]["line"] == 2
    assert found["rows"][0]["values"][:3] == ["a", "5.0", "9007199254740993"]
    assert found["questions"] == []
    assert found["options"] == {"delimiter": ",", "encoding": "utf-8", "decimal": "."}


async def test_the_order_of_dates_is_found_by_what_speaks_against_the_others(shop: Shop) -> None:
    lines = [f"0{month}/0{day}/2024" for month in range(1, 6) for day in range(1, 4)]
    found = await preview(shop, "sku,day\n" + "".join(f"{n},{day}\n" for n, day in enumerate([*lines, "05/13/2024"])))
    assert types(found)["day"] == "date"
    assert found["options"]["date_order"] == "mdy"
    assert objections(found, "day")["date with date_order=dmy"] == (17, "05/13/2024")
    done = await shop.import_("sku,day\nA,05/13/2024\n", **found["options"])
    assert done["import_result"]["inserted"] == 1


async def test_dates_that_two_orders_read_are_asked_for(shop: Shop) -> None:
    found = await preview(shop, "sku,day\nA,03/03/2024\nB,01/02/2024\n")
    assert "date_order" not in found["options"]
    assert types(found)["day"] == "date"
    [question] = found["questions"]
    assert question == (
        "line 3 has '01/02/2024', which is 2024-02-01 with date_order=dmy and 2024-01-02 with date_order=mdy:"
        " send date_order"
    )
    assert objections(found, "day")["the table's column day (date)"] == (2, "03/03/2024")
    answered = await preview(shop, "sku,day\nA,03/03/2024\nB,01/02/2024\n", date_order="mdy")
    assert answered["questions"] == []
    assert answered["options"]["date_order"] == "mdy"


async def test_the_decimal_sign_is_found_or_asked_for(shop: Shop) -> None:
    found = await preview(shop, "sku;price;weight\nA;1.234,56;0,5\nB;7;1\n")
    assert (found["options"]["decimal"], found["options"]["delimiter"]) == (",", ";")
    assert types(found) == {"sku": "text", "price": "numeric", "weight": "numeric"}
    assert objections(found, "weight")["numeric with decimal=."] == (2, "0,5")
    open_ = await preview(shop, "sku;price\nA;1.234\nB;7\n")
    assert open_["questions"] == [
        "line 2 has '1.234', which is 1.234 with decimal=. and 1234 with decimal=,: send decimal"
    ]
    assert (await preview(shop, "sku;price\nA;1.234\n", decimal="."))["questions"] == []
    said = await preview(shop, "sku;amount\nA;1,000\n", thousands=",")
    assert (said["options"]["thousands"], types(said)["amount"]) == (",", "integer")
    shown = await preview(shop, "sku;amount;price\nA;1.000;2.5\n")
    assert (shown["options"]["decimal"], shown["questions"], objections(shown, "amount")) == (".", [], {})
    done = await shop.import_("sku;amount;price\nA;1.000;2.5\n", **shown["options"])
    assert done["import_result"]["inserted"] == 1
    grouped = await preview(shop, "sku;price\nA;1,234.5\nB;12 ,\n")
    assert types(grouped)["price"] == "text"


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("sku;active\nA;tak\nB;Nie\nC;1\n", {"true_words": "tak", "false_words": "nie"}),
        ("sku;active\nA;off\nB;on\n", {}),
        ("sku;active\nA;oui\n", {"true_words": "oui", "false_words": "non"}),
        ("sku;price\nA;12,50 zł\nB;1\u00a0234,00 zł\n", {"units": "zł", "decimal": ",", "thousands": "space"}),
        ("sku;price\nA;($1,234.50)\nB;$3\n", {"units": "$", "thousands": ","}),
        ("sku;price\nA;12.5%\nB;\n", {"units": "%"}),
        ("sku;amount\nA;1\nB;n/a\nC;-\n", {"null_words": ["-", "n/a"]}),
        ("sku;amount;colour\nA;1;NULL\nB;NULL;red\n", {"null_words": ["NULL"]}),
        ("sku;day\nA;2026-01-31\nB;brak\n", {"null_words": ["brak"]}),
    ],
)
async def test_the_options_that_are_found_import_every_line(
    shop: Shop, content: str, options: dict[str, Any]
) -> None:
    found = await preview(shop, content)
    assert found["questions"] == []
    for name, words in options.items():
        assert found["options"][name] == words or words in found["options"][name], (name, found["options"])
    assert not {"true_words", "null_words", "units"} & (found["options"].keys() - options.keys())
    assert not [item for column in found["columns"] for item in column["objections"] if "table" in item["against"]]
    form = {name: json.dumps(value) if isinstance(value, list) else value for name, value in found["options"].items()}
    job = await shop.import_(content, **form)
    assert job["import_result"]["inserted"] == content.count("\n") - 1, job


@pytest.mark.parametrize(
    ("content", "question"),
    [
        (
            "sku;weight\n5.90123E+12;1\n",
            "line 2 of the column 'sku' has '5.90123E+12': if this is the number of an",
        ),
        ("sku\nmüller\nm\ufffdller\n", "line 3 of the column 'sku' has 'm\ufffdller', in which letters were lost"),
        ("sku\nÅ\x81Ã³dÅº\n", "line 2 of the column 'sku' has 'Å\\x81Ã³dÅº', which was 'Łódź' before"),
        ("Imię,sku\nx,y\n".encode().decode("cp1250"), "a header is 'ImiÄ™', which was 'Imię' before"),
        ('sku,extra\nx, "a"\n', "line 2 of the column 'extra' has ' \"a\"': after a space, quotes are part"),
        ('sku,extra\n"a \\"b\\"",x\n', "line 2 has a backslash before a quote: send escape"),
        ("sku\textra\na\\\nb\tx\n", "line 2 has a backslash before the end of a line: send escape"),
        ("sku;price;weight\nA;1,5;1.500\nB;2;2.250\n", "has '1.500', which is 1500 with decimal=,: send decimal if"),
        ("sku;extra\nA;600 100 200\n", "which is 600100200 with thousands=space: send thousands=none if"),
        (
            "sku;day\nA;31-Jan-2026\n",
            "has '31-Jan-2026', which looks like a date: send date_format, for example %d-%b-%Y",
        ),
        (
            "sku;at\nA;Jan 31, 2026 1:05:00 PM\n",
            "looks like a time: send time_format, for example %b %d, %Y %I:%M:%S %p",
        ),
        ("Sales of 2026\n\nsku;price\nA;1\nB;2\n", "send header_line, perhaps 3, and delimiter, perhaps ';'"),
        ("# made, today\n# x\nsku,price\nA,1\nB,2\n", "send header_line, perhaps 3"),
    ],
)
async def test_what_shows_that_a_file_was_spoilt_or_is_written_otherwise_is_asked(
    shop: Shop, content: str, question: str
) -> None:
    found = await preview(shop, content, table=None)
    assert any(question in asked for asked in found["questions"]), found["questions"]


@pytest.mark.parametrize(
    "content",
    [
        "sku;price\nSTÓŁ;1.500\nKÓŁKO, ŁÓDŹ;2.25\n",
        'sku,extra\nC:\\dir\\x,"{""a"": ""b\\""c""}"\n',
        "sku;price\nA;1.234,50\nB;1.500\n",
        "sku;price\nA;1 234,50\nB;1 500 000\n",
        "sku;price\n Anna ;6.02E+2\n",
    ],
)
async def test_nothing_is_asked_about_what_is_in_order(shop: Shop, content: str) -> None:
    assert (await preview(shop, content, table=None))["questions"] == []


async def test_encodings_that_were_said_wrongly_are_told(shop: Shop) -> None:
    found = await preview(shop, "sku\nżółw\n".encode(), table=None, encoding="cp1250")
    assert found["questions"] == [
        "line 2 of the column 'sku' has 'ĹĽĂłĹ‚w', which is 'żółw' in UTF-8: leave out encoding"
    ]


async def test_merged_cells_hidden_rows_and_long_numbers_of_a_sheet_are_told(shop: Shop) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [["sku", "title", None], ["A", "x", 123456789012345678], [None, "y", 1], ["B", "z", 2]]:
        sheet.append(row)
    sheet["C1"] = "account"
    sheet.merge_cells("A2:A3")
    sheet.row_dimensions[4].hidden = True
    content = io.BytesIO()
    book.save(content)
    assert (await preview(shop, content.getvalue(), table=None))["questions"] == [
        # As openpyxl writes it.
        "line 2 of the column 'account' has 123456789012345700, a number of more than the 15 digits that Excel keeps:"
        " if it is the number of an account or an article, its last digits may be lost; export it as text",
        "the cells A2:A3 are merged: only the first of these rows has the value",
        "row 4 is hidden (1 in all); hidden rows are imported as well",
    ]


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("id;name, alias\n1;x\n2;y\n", ";"),
        ("id;price, PLN\n1;2,50\n", ";"),
        ("n\tcity, country\n1\tParis, FR\n", "\t"),
        ("id,name;x\n1,2\n", ","),
        ("id;price\n1;2,50\n", ";"),
        ("name\nA, B\nC, D\n", ","),
        ("a|b,c\n1|2\n3|4\n", "|"),
    ],
)
async def test_the_delimiter_is_the_one_that_all_lines_have(shop: Shop, content: str, delimiter: str) -> None:
    assert (await preview(shop, content, table=None))["options"]["delimiter"] == delimiter


@pytest.mark.parametrize(
    ("content", "question"),
    [
        (
            "sku;day\nA;31.01.26\n",
            "line 2 has '31.01.26', whose year has two digits: send date_format, for example %d.%m.%y",
        ),
        ("sku;at\nA;01/31/26 9:00\n", "two digits: send time_format, for example %m/%d/%y %H:%M"),
        ("sku;price\nA;$4\nB;4 %\n", "numbers of the column 'price' have several units ($ and %)"),
        ("sku;price\nA;4\n-;-\n", "'-' of the column 'price' may mean no value, but is also in the text of 'sku'"),
        ("sku;active;price\nA;x;4\nB;-;-\n", "'-' may mean no value or false: send null_words, or true_words"),
        ("sku;price\nA;4\nB;NaN\n", "line 3 has 'NaN', which is imported as it is: send null_words"),
        ("sku;at\nA;01-02-2026\n", "times of the column 'at' have no zone: send timezone"),
    ],
)
async def test_what_words_leave_open_is_asked(shop: Shop, content: str, question: str) -> None:
    options = {"date_order": "dmy"} if "01-02" in content else {}
    found = await preview(shop, content, table=None if options else "products", **options)
    if options:
        content = content.replace("01-02-2026", "01-02-2026 10:00")
        found = await preview(shop, content, **options)
    assert any(question in asked for asked in found["questions"]), found["questions"]


async def test_text_that_only_looks_like_numbers_with_units_stays_text(shop: Shop) -> None:
    found = await preview(shop, "a,b,c,d\n12 a,5A,1e5,007\n13 b,6B,2e6,008\n", table=None)
    assert types(found) == dict.fromkeys("abcd", "text")
    assert "units" not in found["options"]


async def test_what_the_table_would_reject_is_shown_by_line(shop: Shop) -> None:
    found = await preview(shop, 'sku,amount,colour\nA,1,red\nB,x,green\n,3,\nshort\nC,"4"4,\n')
    assert objections(found, "amount")["the table's column amount (integer)"] == (3, "x")
    assert objections(found, "colour")["the table's column colour (choice)"] == (3, "green")
    assert objections(found, "sku")["the table's column sku (text)"] == (4, "")
    assert [(problem["line"], problem["reason"][:14]) for problem in found["problems"]] == [
        (5, "too few fields"), (6, "malformed CSV:")
    ]  # fmt: skip
    assert [column["column"] for column in found["columns"]] == ["sku", "amount", "colour"]


async def test_columns_are_mapped_where_names_differ_in_case_and_separators_only(shop: Shop) -> None:
    found = await preview(shop, "SKU,Connection Id,amount\nA,1,2\n")
    assert found["options"]["mapping"] == {"SKU": "sku", "Connection Id": "connection_id"}
    assert found["error"] is None
    unknown = await preview(shop, "SKU,Remark\nA,1\n")
    assert "the file's column 'Remark' is not a column of the table products" in unknown["error"]
    assert types(unknown) == {"SKU": "text", "Remark": "integer"}


async def test_a_header_that_looks_like_none_is_doubted(shop: Shop) -> None:
    headless = await preview(shop, "A,5\nB,6\n", table=None)
    assert headless["questions"] == [
        "the header contains '5', which looks like a value: send header_line (0: no header)"
    ]
    title = await preview(shop, "Stock of May,\nsku,amount\nA,1\n", table=None)
    assert title["questions"] == [
        "the header names 1 columns, but most lines have 2 values: send header_line, perhaps 2"
    ]
    said = await preview(shop, "Stock of May,\nsku,amount\nA,1\n", header_line=2)
    assert (said["questions"], types(said)) == ([], {"sku": "text", "amount": "integer"})
    numbered = await preview(shop, "A,5\n", header_line=0, mapping={"#1": "sku", "#2": "amount"})
    assert [(column["header"], column["column"]) for column in numbered["columns"]] == [
        ("#1", "sku"),
        ("#2", "amount"),
    ]


async def test_digits_that_are_no_number_are_text(shop: Shop) -> None:
    found = await preview(shop, "phone,zip\n+48600100200,12345\n+48600100201,00123\nshort\n", table=None)
    assert types(found) == {"phone": "text", "zip": "text"}
    assert objections(found, "zip")["numeric with decimal=."] == (3, "00123")
    assert found["problems"] == [{"line": 4, "reason": "too few fields: 1 where the header has 2"}]


async def test_times_without_a_zone_are_asked_for(shop: Shop) -> None:
    found = await preview(shop, "sku,at\nA,2026-01-31T12:00:00\n")
    assert found["questions"] == ["times of the column 'at' have no zone: send timezone"]
    assert (await preview(shop, "sku,at\nA,2026-01-31T12:00:00\n", timezone="Europe/Warsaw"))["questions"] == []


async def test_an_excel_file_is_shown_with_its_types_and_sheets(shop: Shop) -> None:
    content = spreadsheet(
        ["sku", "price", "day", "at", "active"],
        ["A", 1.234, date(2026, 1, 31), datetime(2026, 1, 31, 12), True],
        ["B", "=1+1", None, None, False],
    )
    found = await preview(shop, content)
    assert types(found) == {
        "sku": "text",
        "price": "numeric",
        "day": "date",
        "at": "timestamptz",
        "active": "boolean",
    }
    assert found["rows"][0]["values"] == ["A", "1.234", "2026-01-31", "2026-01-31T12:00:00", "true"]
    assert objections(found, "price")["any type"] == (3, "1+1")
    assert (found["options"], found["total_rows"]) == ({"sheet": "Sheet"}, 2)
    assert found["questions"] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sku\nŁódź\n".encode("windows-1250"), "the file is not UTF-8; send its `encoding`"),
        (b'sku\n"A\nB\n', "line 2: a quote"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"\n\n", "the file is empty"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(shop: Shop, content: bytes, message: str) -> None:
    found = await preview(shop, content)
    assert message in found["error"]
    assert (found["rows"], found["columns"]) == ([], [])


async def test_nothing_of_a_preview_is_kept(shop: Shop) -> None:
    await preview(shop, "sku\nA\n")
    async with shop.client() as client:
        assert (await client.get("/api/apps/csv-imports/")).json() == []
    assert await shop.rows() == []


async def test_an_organization_has_one_preview_at_a_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, reached = threading.Event(), threading.Event()
    look = service.preview_file

    def held(*arguments: Any, **options: Any) -> Any:
        reached.set()
        go_on.wait(60)
        return look(*arguments, **options)

    monkeypatch.setattr(service, "preview_file", held)
    import anyio

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(preview, shop, "sku\nA\n")
        await anyio.to_thread.run_sync(reached.wait)
        try:
            async with shop.client() as client:
                data = {"app": str(shop.app.id), "table": "products"}
                second = await client.post(
                    "/api/apps/csv-imports/preview/", data=data, files={"file": ("a.csv", b"sku\n")}
                )
            assert second.status_code == 429
            assert second.headers["retry-after"] == "2"
        finally:
            go_on.set()
    monkeypatch.undo()
    assert (await preview(shop, "sku\nA\n"))["error"] is None


async def test_a_table_of_another_organization_is_not_looked_at(shop: Shop) -> None:
    stranger = await shop.platform.create_caller()
    builder = await shop.platform.create_colleague(shop.caller, Role.BUILDER, scopes=[Scope.BUILD])
    data = {"app": str(shop.app.id), "table": "products"}
    for caller, status in ((stranger, 404), (builder, 403)):
        async with shop.client(caller) as client:
            answer = await client.post(
                "/api/apps/csv-imports/preview/", data=data, files={"file": ("a.csv", b"sku\nA\n")}
            )
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"decimal": ";"}, "decimal"),
        ({"mapping": {"a": "nothing"}}, "not a column of the table"),
        ({"timezone": "x"}, "timezone"),
    ],
)
async def test_options_that_cannot_be_meant_are_refused(shop: Shop, form: dict[str, Any], message: str) -> None:
    data = {"app": str(shop.app.id), "table": "products"}
    data |= {key: json.dumps(value) if isinstance(value, dict) else str(value) for key, value in form.items()}
    async with shop.client() as client:
        answer = await client.post(
            "/api/apps/csv-imports/preview/", data=data, files={"file": ("a.csv", b"sku\nA\n")}
        )
        assert answer.status_code == 422
        assert message in answer.json()["detail"]
