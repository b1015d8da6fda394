"""Files as people have them: each becomes an app with all its rows, or is refused with what would be right."""

import io
import json
import zipfile
from datetime import date
from typing import Any

import httpx
import openpyxl
import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.csv.working import Shop

pytestmark = pytest.mark.anyio


def _book(*sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.worksheets[0] if number == 0 else book.create_sheet(f"Second {number}")
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("orders.csv", "a,b\n1,2\n")
    return file.getvalue()


IMPORTED: dict[str, tuple[bytes, list[list[Any]]]] = {
    "a header only": (b"code,qty", []),
    "one column, with a mark": (b"\xef\xbb\xbfcode\nA\n", [["A"]]),
    "UTF-16 and semicolons": ("name;price\r\nŻ;1,50\r\n".encode("utf-16"), [["Ż", 1.5]]),
    "old ends and quotes": (
        b'code,note\rA,"two\nlines, ""quoted"""\rB,\r',
        [["A", 'two\nlines, "quoted"'], ["B", None]],
    ),
    "headers twice": (b"code,code,Code\nA,B,C\n", [["A", "B", "C"]]),
    "headers that are empty": (b"code,,\nA,B,C\n", [["A", "B", "C"]]),
    "names in any script": ("السعر,🛒,<b>x</b>,id,order by\n1,2,3,4,5\n".encode(), [[1, 2, 3, 4, 5]]),
    "numbers that are too big": (b"code,qty\nA,99999999999999999999999999\nB,1\n", [["A", 10**26 - 1], ["B", 1]]),
    "300 columns": (b",".join(b"c%d" % n for n in range(300)) + b"\n" + b"1," * 299 + b"1\n", [[1] * 300]),
    "two sheets": (_book([["code", "day"], ["A", date(2026, 1, 31)]], [["other"], ["x"]]), [["A", "2026-01-31"]]),
}
"""Files that become a table, with its rows."""
TO_REPAIR = {
    "a zero byte": (b"code,qty\nA\x00B,1\nC,2\n", "contains a NUL character"),
    "lines of other widths": (b"code,qty\nA\nC,4\n", "too few fields: 1 where the header has 2"),
    "a formula without its value": (_book([["code", "sum"], ["A", "=1+1"]]), "open the file in Excel and save it"),
}
"""Files of which a line is to be repaired, with the reason."""
REFUSED = {
    "blank lines": (b"  \n\n", "its first line must name the columns"),
    "a mark only": (b"\xef\xbb\xbf", "its first line must name the columns"),
    "UTF-16 without its mark": ("code,qty\nZ,1\n".encode("utf-16-le"), "send `encoding=utf-16-le`"),
    "Latin-1": (
        "code,name\nA,Müller\n".encode("latin-1"),
        "as windows-1250 or iso-8859-2 or windows-1252 'A,Müller'",
    ),
    "a quote that is never closed": (b'code\n"A\n', "close it, or double it"),
    "an empty sheet before another": (_book([], [["code"], ["A"]]), "the file also has 'Second 1': send `sheet`"),
    "an archive": (_zip(), "an archive but not an Excel file; send CSV or .xlsx"),
    "an old Excel file": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "save it as .xlsx or CSV"),
    "a PDF": (b"%PDF-1.7\n", "a PDF file; send CSV or .xlsx"),
    "a web page": (b"<html><table></table></html>", "open it in Excel and save it"),
    "JSON": (b'[{"a": 1},\n{"a": 2}]\n', "the file is JSON; send CSV or .xlsx"),
}
"""Files that cannot be read, with what is said."""


async def _preview(client: httpx.AsyncClient, content: bytes) -> dict[str, Any]:
    answer = await client.post("/api/apps/csv-imports/preview/", files={"file": ("Odd file.csv", content)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_odd_files_are_taken_whole_or_refused_with_what_would_be_right(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    shop = Shop(shared_platform, caller, app=None)  # type: ignore[arg-type]
    async with shared_platform.client(caller, timeout=120) as client:
        nothing = await client.post("/api/apps/csv-imports/preview/", files={"file": ("empty.csv", b"")})
        assert (nothing.status_code, "send a file with at least a header" in nothing.text) == (400, True)
        for what, (content, said) in REFUSED.items():
            found = await _preview(client, content)
            assert said in (found["error"] or ""), (what, found["error"])
        # The sheets are named, so that another can be chosen.
        found = await _preview(client, REFUSED["an empty sheet before another"][0])
        assert found["format"]["other_sheets"] == ["Second 1"]
        for what, (content, said) in TO_REPAIR.items():
            found = await _preview(client, content)
            reasons = [problem["reason"] for problem in found["problems"]]
            reasons += [value["reason"] for column in found["columns"] for value in column["against"]]
            assert (found["error"], found["rows_to_repair"]) == (None, 1), what
            assert any(said in reason for reason in reasons), (what, reasons)
        for what, (content, rows) in IMPORTED.items():
            found = await _preview(client, content)
            assert found["error"] is None, (what, found["error"])
            options = {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in found["options"].items()
                if name not in ("plan", "mapping")
            }
            data = {"name": what, "plan": json.dumps(found["plan"]), **options}
            made = await client.post("/api/apps/from-file/", data=data, files={"file": ("odd.csv", content)})
            assert made.status_code == 201, (what, made.text)
            job = await shop.ended("csv-imports", made.json()["csv_import"]["id"])
            columns = [column["name"] for column in found["plan"]["columns"]]
            app = made.json()["app"]["id"]
            table = f"app_{app}_{made.json()['table']}"
            query = {"query": f"{{ {table}(order_by: {{{columns[0]}: asc}}) {{ {' '.join(columns)} }} }}"}
            read = (await client.post(f"/api/apps/{app}/v1/graphql", json=query)).json()["data"][table]
            assert [[row[name] for name in columns] for row in read] == rows, (what, job)
            assert (job["import_result"]["rejected"], found["rows_to_repair"]) == (job["to_repair"],) * 2, what


async def test_columns_beyond_those_of_a_table_are_told(shared_platform: Platform) -> None:
    async with shared_platform.client(await shared_platform.create_caller()) as client:
        found = await _preview(client, b",".join(b"c%d" % n for n in range(600)) + b"\n" + b"1," * 599 + b"1\n")
    assert len(found["plan"]["columns"]) == 500
    assert any("only the first 500 become columns" in question for question in found["questions"])
