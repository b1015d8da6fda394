"""Sheets as typed cells, however the file was made."""

import io
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from platform_api.csv.errors import JobFailed
from platform_api.csv.records.sheet import SheetRecords
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import Cell, Fault, FaultKind, Number
from tests.platform_api.csv.workbooks import archive, rows_of, spreadsheet, workbook


def one(cell: str, **options: Any) -> Cell:
    [fields] = rows_of(workbook(f"<row><c><v>1</v></c>{cell}</row>", **options))
    return fields[1] if len(fields) > 1 else ""


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("5", "5"),
        ("5.0", "5"),
        ("1.234", "1.234"),
        ("1.1000000000000001", "1.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("12345678901234567890", "12345678901234567890"),
        ("12345678901234567.89", "12345678901234567.89"),
        ("-9007199254740993", "-9007199254740993"),
        ("1E3", "1000"),
        ("1.5E-7", "0.00000015"),
        ("1E+30", "1E+30"),
        ("0.125", "0.125"),
        (" 7 ", "7"),
        ("1e400", "1E+400"),
        ("-0", "0"),
    ],
)
def test_a_number_is_the_shortest_text_that_is_exactly_it(stored: str, text: str) -> None:
    assert one(f"<c><v>{stored}</v></c>") == Number(text)


@pytest.mark.parametrize(
    ("code", "stored", "value"),
    [
        ("yyyy-mm-dd", "46053", date(2026, 1, 31)),
        ("dd/mm/yyyy hh:mm", "46053.5", datetime(2026, 1, 31, 12)),
        ("yyyy-mm-dd hh:mm:ss.000", "46053.5000014352", datetime(2026, 1, 31, 12, 0, 0, 124001)),
        ("mmm yy", "46053", date(2026, 1, 31)),
        ("[$-415]d\\ mmmm\\ yyyy", "46053", date(2026, 1, 31)),
        ("yyyy-mm-dd", "46053.25", datetime(2026, 1, 31, 6)),
        ("h:mm AM/PM", "0.75", time(18)),
        ("mm:ss.0", "0.00070601851851851847", time(0, 1, 1)),
        ("[h]:mm:ss", "1.1041666666666667", timedelta(days=1, hours=2, minutes=30)),
        ("[mm]:ss", "0.5", timedelta(hours=12)),
        ("0.00%", "0.125", Number("0.125")),
        ("0&quot; days&quot;", "5", Number("5")),
        ("#,##0.00\\ [$zł-415];[Red]\\-#,##0.00", "7", Number("7")),
        ("_-* #,##0.00_-;_-* d", "7", Number("7")),
        ("0.00E+00", "7", Number("7")),
        ("GENERAL", "7", Number("7")),
        ("@", "7", Number("7")),
        ("[Red]General", "7", Number("7")),
        ("0 szt", "7", Number("7")),
        ("0.0 hrs", "7.5", Number("7.5")),
        ("#,##0 yd", "7", Number("7")),
        ("hh:mm:ss.00", "0.5", time(12)),
        ("yyyy-mm-dd", "1", date(1900, 1, 1)),
        ("yyyy-mm-dd", "59", date(1900, 2, 28)),
        ("yyyy-mm-dd", "61", date(1900, 3, 1)),
        ("yyyy-mm-dd", "2958465", date(9999, 12, 31)),
    ],
)
def test_the_number_format_says_what_a_number_is(code: str, stored: str, value: Cell) -> None:
    assert one(f'<c s="1"><v>{stored}</v></c>', styles=(code,)) == value


@pytest.mark.parametrize("stored", ["60", "-1", "0", "2958466", "1e300"])
def test_a_number_that_is_no_date_is_told(stored: str) -> None:
    found = one(f'<c s="1"><v>{stored}</v></c>', styles=("yyyy-mm-dd",))
    assert isinstance(found, Fault) and found.kind is FaultKind.DATE


def test_formats_without_a_definition_are_known() -> None:
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 22, 21, 46, 9, 57))
    parts = zipfile.ZipFile(io.BytesIO(workbook("".join(f'<row><c s="{n}"><v>1.5</v></c></row>' for n in range(7)))))
    content = {name: parts.read(name) for name in parts.namelist()}
    looks = content["xl/looks.xml"].partition(b"<cellXfs>")[0] + f"<cellXfs>{styles}</cellXfs></styleSheet>".encode()
    cells = [row[0] for row in rows_of(archive({**content, "xl/looks.xml": looks}))]
    noon = datetime(1900, 1, 1, 12)
    assert cells == [Number("1.5"), noon, noon, noon, timedelta(days=1.5), Number("1.5"), noon]


def test_the_1904_system_is_understood() -> None:
    properties = '<workbookPr date1904="1"/>'
    assert one('<c s="1"><v>0</v></c>', styles=("yyyy-mm-dd",), properties=properties) == date(1904, 1, 1)
    content = spreadsheet([date(2026, 1, 31), datetime(2026, 1, 31, 12, 30)], epoch=CALENDAR_MAC_1904)
    [(day, moment)] = rows_of(content)
    # openpyxl writes a date with a format of date and a datetime with one of both.
    assert (day, moment) == (date(2026, 1, 31), datetime(2026, 1, 31, 12, 30))


def test_what_openpyxl_writes_is_read_back() -> None:
    row = [
        "text",
        5,
        1.5,
        True,
        date(2026, 1, 31),
        datetime(2026, 1, 31, 1, 2, 3),
        time(4, 5, 6),
        timedelta(hours=26),
    ]
    [found] = rows_of(spreadsheet(row))
    assert found == ("text", Number("5"), Number("1.5"), *row[3:])


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!"])
def test_errors_are_no_empty_cells(error: str) -> None:
    found = one(f'<c t="e"><f>1/0</f><v>{error}</v></c>')
    assert found == Fault(error, f"the cell contains the error {error}", FaultKind.ERROR)


@pytest.mark.parametrize("cell", ["<c><f>A1*2</f></c>", "<c><f>A1*2</f><v></v></c>", '<c t="str"><f>A1*2</f></c>'])
def test_a_formula_that_nobody_has_calculated_is_told(cell: str) -> None:
    found = one(cell)
    assert isinstance(found, Fault) and found.kind is FaultKind.FORMULA
    assert found.reason == "the formula '=A1*2' has no calculated value; open the file in Excel and save it"


def test_the_0_of_a_formula_that_is_still_to_be_calculated_is_no_value() -> None:
    cells = "<row><c><f>A1</f><v>0</v></c><c><f>A1</f><v>7</v></c><c><v>0</v></c></row>"
    [calculated] = rows_of(workbook(cells, properties='<calcPr calcId="191029"/>'))
    assert calculated == (Number("0"), Number("7"), Number("0"))
    [(first, second, third)] = rows_of(workbook(cells, properties='<calcPr calcId="124519" fullCalcOnLoad="1"/>'))
    assert isinstance(first, Fault)
    assert "the formula '=A1' has no calculated value" in first.reason
    assert (second, third) == (Number("7"), Number("0"))


def test_a_calculated_formula_is_its_value() -> None:
    assert one("<c><f>A1*2</f><v>2</v></c>") == Number("2")
    assert one('<c t="str"><f>""</f><v></v></c>') == ""
    assert one('<c t="b"><f>TRUE()</f><v>1</v></c>') is True
    [(found,)] = rows_of(spreadsheet(["=1+1"]))
    assert isinstance(found, Fault) and found.text == "1+1"


def test_texts_are_put_together_and_unescaped() -> None:
    texts = (
        "<si><t>plain</t></si>"
        "<si><r><t>two </t></r><r><rPr><b/></rPr><t xml:space='preserve'>parts</t></r><rPh><t>no</t></rPh></si>"
        "<si><t>a_x000D_b_x005F_x000D_c_xD83D__xDE00_</t></si><si/>"
    )
    cells = "".join(f'<c t="s"><v>{n}</v></c>' for n in range(4)) + '<c t="s"><v>9</v></c>'
    assert one('<c t="str"><v>_xD83D_ _x0041_</v></c>') == "_xD83D_ A", "half a character stays as it stands"
    inline = '<c t="inlineStr"><is><r><t>in</t></r><r><t>line_x000A_</t></r></is></c>'
    [found] = rows_of(workbook(f"<row>{cells}{inline}</row>", texts=texts))
    assert found[:3] == ("plain", "two parts", "a\rb_x000D_c😀")
    assert found[3] == "" and isinstance(found[4], Fault)
    assert found[5] == "inline\n"


def test_cells_and_rows_that_do_not_say_where_they_are_follow_the_one_before() -> None:
    rows = '<row r="3"><c><v>1</v></c><c r="C3"><v>3</v></c><c><v>4</v></c></row><row><c><v>5</v></c></row>'
    records = SheetRecords(io.BytesIO(workbook(rows)), ImportOptions(header_line=0))
    first, second = records.take(10)
    assert (first.line, first.fields) == (3, (Number("1"), "", Number("3"), Number("4")))
    assert (second.line, second.fields) == (4, (Number("5"),))
    assert records.blank == 2, "the rows that the file leaves out"


def test_dates_in_iso_8601_are_understood() -> None:
    assert one('<c t="d"><v>2026-01-31</v></c>', is_strict=True) == date(2026, 1, 31)
    assert one('<c t="d"><v>2026-01-31T12:00:00.5</v></c>', is_strict=True) == datetime(2026, 1, 31, 12, 0, 0, 500000)
    assert one('<c t="d"><v>12:30:00</v></c>', is_strict=True) == time(12, 30)


@pytest.mark.parametrize(
    "options",
    [{"is_strict": True}, {"folder": ""}, {"folder": "other/place"}, {"separator": "\\"}, {"folder": "XL"}],
    ids=["strict", "root", "elsewhere", "backslashes", "capitals"],
)
def test_parts_are_found_wherever_they_are(options: dict[str, Any]) -> None:
    content = workbook('<row><c t="s"><v>0</v></c></row>', texts="<si><t>found</t></si>", **options)
    assert rows_of(content) == [("found",)]


def test_the_first_sheet_that_is_shown_is_read_unless_another_is_named() -> None:
    sheets = {"Second": "<row><c><v>2</v></c></row>", "3": "<row><c><v>3</v></c></row>"}
    content = workbook("<row><c><v>1</v></c></row>", sheets=sheets, states={"First": "hidden"})
    assert rows_of(content) == [(Number("2"),)]
    for wanted, value in (("First", "1"), ("1", "1"), ("2", "2"), ("3", "3"), ("Second", "2")):
        assert rows_of(content, sheet=wanted) == [(Number(value),)]
    with pytest.raises(JobFailed, match="no sheet 'Fourth'; it has: First, Second, 3"):
        rows_of(content, sheet="Fourth")
    assert SheetRecords(io.BytesIO(content), ImportOptions(header_line=0)).format["other_sheets"] == ["First", "3"]


DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive({"a.txt": "x"}), "an archive but not an Excel file"),
        (archive({"mimetype": "x", "content.xml": "<x/>"}), "OpenDocument"),
        (workbook("<row><c r='XFE1'><v>1</v></c></row>"), "invalid position"),
        (workbook("<row r='5'/><row r='2'><c><v>1</v></c></row>"), "row 2 comes after row 5"),
        (workbook("<row><c><v>1</v></row>"), "cannot be read"),
        (archive({"_rels/.rels": f"{DOCTYPE}<Relationships>&b;</Relationships>"}), "document type"),
        (workbook("<row><c><v>1</v></c></row>")[:-60], "damaged"),
        (workbook(f"<row><c t='str'><v>{'x' * 1_100_000}</v></c></row>"), "longer than 1 MiB"),
        (workbook(f"<row x='{'x' * 20_000_000}'/>"), "too large when unpacked"),
    ],
    ids=["other", "ods", "column", "order", "xml", "doctype", "cut off", "text", "attribute"],
)
@pytest.mark.slow
def test_what_cannot_be_read_says_why(content: bytes, message: str) -> None:
    with pytest.raises(JobFailed, match=message):
        rows_of(content)


@pytest.mark.slow
def test_an_archive_of_very_many_parts_is_not_listed() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for number in range(45_000):
            opened.writestr(f"{number:0>6}", b"")
    with pytest.raises(JobFailed, match="too large when unpacked"):
        rows_of(content.getvalue())
