"""Files that are no CSV and no Excel file are told what they are, under whatever name they come."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.csv.errors import JobFailed
from platform_api.csv.records.opening import open_records
from platform_api.csv.records.text import TextRecords
from platform_api.csv.schemas import ImportOptions

PAGE = "<html><body><table><tr><td>sku</td></tr></table></body></html>"
SPREADSHEET = (
    '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
    '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">'
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "an old Excel file (.xls) or an encrypted one"),
        (b"PK\x05\x06" + bytes(18), "an empty archive"),
        (b"\x1f\x8b\x08\x00", "compressed (gzip); unpack it first"),
        (b"7z\xbc\xaf\x27\x1c", "compressed (7z)"),
        (b"%PDF-1.7\n", "a PDF file"),
        (PAGE.encode(), "an HTML or XML page"),
        (b"\xef\xbb\xbf \r\n<!DOCTYPE HTML>" + PAGE.encode(), "an HTML or XML page"),
        (PAGE.encode("utf-16"), "an HTML or XML page"),
        (SPREADSHEET.encode(), "an Excel 2003 XML file"),
        (b"PK\x03\x04 and no archive", "begins like an Excel file but is damaged"),
    ],
)
def test_another_kind_of_file_is_told_as_what_it_is(content: bytes, message: str) -> None:
    with pytest.raises(JobFailed, match=message.replace("(", r"\(").replace(")", r"\)")):
        open_records(io.BytesIO(content), len(content), ImportOptions(), columns=["sku"])


@pytest.mark.parametrize("text", ["<sku>;n\nA;1\n", "PK;n\nA;1\n", "BZ;n\nA;1\n", "<;n\n<html>;1\n"])
def test_a_csv_file_may_begin_alike(text: str) -> None:
    raw = text.encode()
    records = open_records(io.BytesIO(raw), len(raw), ImportOptions(), columns=[])
    assert isinstance(records, TextRecords)
    assert (list(records.header)[1:], len(records.take(10))) == (["n"], 1)


def read(raw: bytes, **options: str) -> TextRecords:
    records = open_records(io.BytesIO(raw), len(raw), ImportOptions.model_validate(options), columns=["sku", "n"])
    assert isinstance(records, TextRecords)
    return records


@given(
    st.lists(st.text("abzżółćпривет漢字éß 1", max_size=12), max_size=8), st.sampled_from(["utf-16-le", "utf-16-be"])
)
def test_utf_16_without_its_mark_is_known_whatever_letters_it_holds(names: list[str], codec: str) -> None:
    raw = ("sku;n\r\n" + "".join(f"{name};1\r\n" for name in names)).encode(codec)
    with pytest.raises(JobFailed, match=f"looks like UTF-16 without a byte order mark; send `encoding={codec}`"):
        read(raw)
    assert list(read(raw, encoding=codec).header) == ["sku", "n"]


def test_a_few_zero_bytes_make_no_utf_16() -> None:
    assert read(b"sku,n\n" + b"A,1\n" * 40 + b"\x00B,2\x00\n").total == 41


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("line", [2, 3, 500])
def test_the_line_that_another_encoding_has_is_named(end: str, line: int) -> None:
    lines = ["sku,n", *["A,1"] * 600]
    lines[line - 1] = "\x81,1"
    with pytest.raises(JobFailed, match=rf"the byte 0x81 in line {line} is not valid"):
        read(end.join(lines).encode("latin-1"), encoding="windows-1252")


def test_the_mark_with_which_programs_of_dos_end_a_file_is_no_line() -> None:
    records = read(b"sku,n\r\nA,1\r\n\x1a")
    assert (records.total, [record.fields for record in records.take(5)]) == (1, [("A", "1")])
