"""The file of rejected lines: nothing of a line is lost, and it can be corrected and sent again."""

import io
import uuid

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from platform_api.csv.columns import find_layout
from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.records.records import Record
from platform_api.csv.records.text import TextRecords
from platform_api.csv.rejected import rejected_lines
from platform_api.csv.schemas import ImportOptions
from platform_api.tables.definition import Column, ColumnType, TableDefinition
from tests.platform_api.conftest import Platform
from tests.platform_api.csv.workbooks import spreadsheet
from tests.platform_api.csv.working import Shop, open_shop

TABLE = TableDefinition(
    app_id=1,
    name="things",
    columns=(Column(name="sku", type=ColumnType.TEXT, required=True), Column(name="n", type=ColumnType.INTEGER)),
)
HEADER = "sku,n\n"

lines = st.one_of(
    # Alone in a line, \x1a ends a file of DOS and is no text.
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1a"), max_size=12),
    st.text('",;ab1\r\n\t \x00\x0b\u2028=', max_size=12),
    st.from_regex(r'\A(a|"b"|"c\nd"|""),(1|x|"2"|)(,|,y)?\Z'),
)


def read(content: bytes, **options: object) -> tuple[TextRecords, list[Record]]:
    records = TextRecords(
        io.BytesIO(content), len(content), ImportOptions.model_validate(options), known={"sku", "n"}
    )
    return records, records.take(1_000_000)


def rejected_file(content: bytes, **options: object) -> tuple[bytes, list[Record]]:
    """The file of the lines that the table does not take, and these lines."""
    records, found = read(content, delimiter=",", **options)
    layout = find_layout(records.header, TABLE, ImportOptions.model_validate(options), is_ragged=False)
    refused = []
    for record in found:
        try:
            layout.row(record, namespace=uuid.UUID(int=0))
        except LineRejected as error:
            refused.append((record, error))
    writer = rejected_lines(records, layout)
    return writer.begin() + writer.lines(refused), [record for record, _ in refused]


def without_blank(text: str) -> str:
    """The characters that no blank line has."""
    return "".join(character for character in text if not character.isspace() and character not in ',"')


@given(st.lists(st.tuples(lines, st.sampled_from(["\n", "\r\n", "\r"])), max_size=8), st.booleans())
def test_the_records_of_a_file_hold_all_its_text(content: list[tuple[str, str]], has_end: bool) -> None:
    text = "".join(line + end for line, end in content)
    text = text if has_end else text.rstrip("\r\n")
    try:
        records, found = read((HEADER + text).encode(), delimiter=",")
    except JobFailed as error:
        assert 'a quote (") is opened here' in str(error) or "\x00" in text
        return
    assert records.total == len(found)
    kept = "".join(record.raw for record in found)
    if not records.blank:
        assert kept == text
    assert without_blank(kept) == without_blank(text)


@given(
    st.lists(st.tuples(lines, st.sampled_from(["\n", "\r\n"])), min_size=1, max_size=8),
    st.sampled_from([HEADER, "sku\n", "sku,\n"]),
)
@example([("A,", "\n"), ("B,C", "\n")], "sku\n")
def test_a_rejected_file_that_is_sent_again_is_rejected_the_same(content: list[tuple[str, str]], header: str) -> None:
    check_sent_again(header + "".join(line + end for line, end in content))


@given(st.lists(lines | st.text('\\N",ab1\r\n', max_size=8), min_size=1, max_size=8))
def test_so_is_one_with_backslashes(content: list[str]) -> None:
    check_sent_again(HEADER + "".join(line + "\n" for line in content), escape="\\")


def check_sent_again(text: str, **options: object) -> None:
    try:
        first, refused = rejected_file(text.encode(), **options)
    except JobFailed:
        return
    # By itself, such a line may be a good one.
    assume(not any("is inside the quote" in str(record.problem) for record in refused))
    second, again = rejected_file(first, **options)
    assert len(again) == len(refused)
    third, _ = rejected_file(second, **options)
    assert third == second, "the reasons are replaced, not added"
    for record, repeated in zip(refused, again, strict=True):
        # What stood in the line, without its end and the reason behind it.
        stood = record.raw.rstrip("\r\n") if record.raw.endswith(("\r", "\n")) else record.raw
        assert repeated.raw.startswith(stood)
        assert "line " in repeated.raw[len(stood) :]


def test_delimiter_encoding_line_ends_and_what_stands_before_are_those_of_the_file() -> None:
    text = 'sep=;\r\nsome title\r\nsku;"n"\r\n"A";1\r\nŁ; x \r\n'
    options = {"header_line": 3}
    for encoding, bom in (("utf-16-le", b"\xff\xfe"), ("windows-1250", b""), ("utf-8", b"\xef\xbb\xbf")):
        content = bom + text.encode(encoding)
        given_options = options | ({"encoding": encoding} if encoding == "windows-1250" else {})
        records, found = read(content, **given_options)
        layout = find_layout(records.header, TABLE, ImportOptions(header_line=3), is_ragged=False)
        writer = rejected_lines(records, layout)
        written = writer.begin() + writer.lines([(found[1], LineRejected("no", "n"))])
        expected = 'sep=;\r\nsome title\r\nsku;"n";automio_reason\r\nŁ; x ;"line 5, n: no"\r\n'
        assert written == bom + expected.encode(encoding)


def test_a_file_without_a_header_is_rejected_and_read_again_without_one() -> None:
    options = {"header_line": 0, "mapping": {"#1": "sku", "#2": "n"}}
    written, refused = rejected_file(b"A,x\nB,2\nshort\n", **options)
    assert written.decode("utf-8-sig").splitlines() == [
        "A,x,\"automio_reason: line 1, #2: 'x' is not a whole number\"",
        'short,"automio_reason: line 3: too few fields: 1 where the header has 2"',
    ]
    assert len(refused) == 2
    corrected = written.replace(b"A,x", b"A,1").replace(b"short", b"short,5")
    assert rejected_file(corrected, **options)[1] == []


def test_a_rejected_file_that_a_spreadsheet_has_filled_up_is_understood() -> None:
    """Programs write every line with as many fields as the longest: a short line's reason is in a column then."""
    columns = (Column(name="sku", type=ColumnType.TEXT, required=True), Column(name="n", type=ColumnType.TEXT))
    table = TABLE.model_copy(update={"columns": columns})
    reason = '"line 2: too few fields: 1 where the header has 2"'
    content = f"sku,n,automio_reason,\nA,{reason},,\nB,1,,\nC,2,my own remark,\nD,3,{reason},\nE,4,5,{reason}\n"
    records, found = read(content.encode())
    layout = find_layout(records.header, table, ImportOptions(), is_ragged=False)
    values = []
    for record in found:
        try:
            values.append(layout.fit(record))
        except LineRejected as error:
            values.append((error.reason,))
    assert values == [
        ("too few fields: 1 where the header has 2",), ("B", "1"), ("C", "2"), ("D", "3"),
        ("too many fields: 3 where the header has 2",),
    ]  # fmt: skip
    written = rejected_lines(records, layout).lines([(found[0], LineRejected("no")), (found[4], LineRejected("no"))])
    assert written == b'A,"line 2: no"\nE,4,5,"line 6: no"\n'


pytest_anyio = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


@pytest_anyio
async def test_rejected_rows_of_an_excel_file_keep_their_types(shop: Shop) -> None:
    header = ["sku", "amount", "price", "weight", "day"]
    first = ["A", "x", 1.234, "1,5", "=1+1"]
    content = spreadsheet(header, first, ["B", 1, 2, "2,5", None], ["C", 2, 3, "3,5", None, "beyond"])
    job = await shop.import_(content, decimal=",", name="a.xlsx")
    assert (job["import_result"]["inserted"], job["import_result"]["rejected"]) == (1, 2)
    rejected = await shop.download(job["rejected_file"])
    import openpyxl

    sheet = openpyxl.load_workbook(io.BytesIO(rejected)).worksheets[0]
    assert sheet.title == "Sheet"
    rows = [list(row) for row in sheet.values]
    assert rows[0][:6] == [*header, "automio_reason"]
    assert rows[1][:6] == [*first, f"line 2, amount: 'x' is not a whole number [import {job['id']}, line 2]"]
    assert rows[2][5:] == [
        "beyond",
        f"line 4: too many fields: 6 where the header has 5 [import {job['id']}, line 4]",
    ]
    # Sent again as it is, it is rejected the same; corrected, it goes in.
    again = await shop.import_(rejected, decimal=",", name="b.xlsx")
    assert again["import_result"]["rejected"] == 2
    book = openpyxl.load_workbook(io.BytesIO(await shop.download(again["rejected_file"])))
    book.worksheets[0]["B2"] = 7
    book.worksheets[0]["E2"] = "2026-01-31"
    book.worksheets[0]["F3"] = None
    corrected = io.BytesIO()
    book.save(corrected)
    done = await shop.import_(corrected.getvalue(), decimal=",", name="c.xlsx")
    assert done["import_result"]["inserted"] == 2, done
    assert {(row["sku"], str(row["price"]), row["weight"]) for row in await shop.rows()} == {
        ("A", "1.234", 1.5),
        ("B", "2", 2.5),
        ("C", "3", 3.5),
    }


@pytest_anyio
async def test_a_line_with_a_zero_character_is_rejected_as_it_stands(shop: Shop) -> None:
    job = await shop.import_(b"sku,amount\nA\x00B,1\nC,2\n")
    assert (job["import_result"]["inserted"], job["import_result"]["rejected"]) == (1, 1)
    assert b'A\x00B,1,"line 2, sku: ' in await shop.download(job["rejected_file"])


def _book(*sheets: tuple[str, str]) -> bytes:
    """An Excel file of sheets with one line that fits and one that does not; of each its name and state."""
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for number, (name, state) in enumerate(sheets, 1):
        sheet = book.create_sheet(name)
        sheet.sheet_state = state
        for row in (["sku", "amount"], [f"good {number}", number], [f"wrong {number}", "x"]):
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest_anyio
@pytest.mark.parametrize(
    ("sheets", "options"),
    [
        ([("One", "visible"), ("Two", "visible")], {"sheet": "2"}),
        ([("One", "visible"), ("Two", "visible")], {"sheet": "Two"}),
        ([("One", "hidden"), ("Two", "visible")], {}),
        ([("One", "visible"), ("Two", "visible")], {"sheet": " two"}),
        ([("2", "visible"), ("Two", "visible")], {"sheet": "2"}),
        ([("One", "visible"), ("Two", "veryHidden"), ("left out 1", "visible")], {"sheet": "3"}),
    ],
)
async def test_rejected_rows_of_any_sheet_are_corrected_and_sent_with_the_same_options(
    shop: Shop, sheets: list[tuple[str, str]], options: dict[str, str]
) -> None:
    import openpyxl

    job = await shop.import_(_book(*sheets), name="a.xlsx", **options)
    assert (job["import_result"]["inserted"], job["import_result"]["rejected"]) == (1, 1), job
    taken = job["import_result"]["format"]["sheet"]
    book = openpyxl.load_workbook(io.BytesIO(await shop.download(job["rejected_file"])))
    assert book.active is not None
    assert (book.active.title, book.active.sheet_state) == (taken, "visible"), "what Excel shows first"
    book[taken]["B2"] = 7
    corrected = io.BytesIO()
    book.save(corrected)
    done = await shop.import_(corrected.getvalue(), name="b.xlsx", **options)
    assert done["import_result"]["inserted"] == 1, done
    assert done["import_result"]["format"]["sheet"] == taken


@pytest_anyio
@pytest.mark.parametrize("header_line", [1, 0])
async def test_lines_that_were_taken_are_skipped_when_their_file_comes_again(shop: Shop, header_line: int) -> None:
    """Also in a table without a key, and whether the file or the repair list brought them."""
    made = {"name": "notes", "columns": [{"name": "word", "type": "text"}, {"name": "n", "type": "integer"}]}
    async with shop.client() as client:
        assert (await client.post(f"/api/apps/{shop.app.id}/new_table/", json=made)).status_code == 200
    header = "word,n\n" if header_line else ""
    options = {"table": "notes"} | ({} if header_line else {"header_line": 0, "mapping": {"#1": "word", "#2": "n"}})
    first = await shop.import_(f"{header}a,1\nb,x\nc,y\nd,z\n", **options)
    file = await shop.download(first["rejected_file"])
    # Two lines are corrected in the file; the third is rejected again and keeps where it came from.
    half = file.replace(b"b,x", b"b,2").replace(b"c,y", b"c,3")
    second = await shop.import_(half, **options)
    assert (second["import_result"]["inserted"], second["import_result"]["rejected"]) == (2, 1)
    # The third is repaired in the list of the second import; then every file comes once more, all of it corrected.
    async with shop.client() as client:
        listed = (await client.get(f"/api/apps/csv-imports/{first['id']}/repairs/")).json()["results"]
        [third] = [row for row in listed if "z" in str(row["values"])]
        repair = {"rows": [{"line": third["line"], "revision": third["revision"], "values": {"n": "4"}}]}
        answer = await client.post(f"/api/apps/csv-imports/{first['id']}/repairs/", json=repair)
        assert [item["outcome"] for item in answer.json()["results"]] == ["imported"], answer.text
    for content in (
        half.replace(b"d,z", b"d,4"),
        (await shop.download(second["rejected_file"])).replace(b"d,z", b"d,4"),
    ):
        again = await shop.import_(content, **options)
        result = again["import_result"]
        assert (result["inserted"], result["rejected"], result["skipped"]) == (0, 0, result["total"])
    async with shop.client() as client:
        table = f"app_{shop.app.id}_notes"
        query = f"{{ {table}(order_by: {{word: asc}}) {{ word n }} }}"
        rows = (await client.post(f"/api/apps/{shop.app.id}/v1/graphql", json={"query": query})).json()
    assert [(row["word"], row["n"]) for row in rows["data"][table]] == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]


@pytest_anyio
async def test_the_number_of_somebody_elses_import_means_nothing(shop: Shop, shared_platform: Platform) -> None:
    other = await open_shop(shared_platform)
    theirs = await other.import_("sku,amount\nA,1\nB,x\n")
    file = (await other.download(theirs["rejected_file"])).replace(b"B,x", b"B,2")
    for _ in range(2):
        mine = await shop.import_(file)
    assert mine["import_result"]["rejected"] == 1, "a second row, which the key of the table refuses"
    assert [row["sku"] for row in await shop.rows()] == ["B"]
