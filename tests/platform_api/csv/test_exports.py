"""Tables into files."""

import csv
import io
import json
from typing import Any

import openpyxl
import pytest

from platform_api.csv.exports import exporting
from platform_api.csv.values.cells import guard_formula
from tests.platform_api.conftest import Platform
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


def lines(content: bytes, *, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter))


async def test_every_column_and_row_is_exported(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    await shop.import_(
        'sku,amount,price,active,extra\nA,1,12.3456789012345678,true,"{""a"": 1}"\nB,2,,,\nC,,,,\nD,,,,\n'
    )
    job = await shop.export()
    assert (job["status"], job["rows"], job["progress"]) == ("completed", 4, 100)
    content = await shop.download(job["file"])
    assert content.startswith(b"\xef\xbb\xbf")
    header, *rows = lines(content)
    assert header[:2] == ["id", "organization_id"]
    by_sku = {row[header.index("sku")]: dict(zip(header, row, strict=True)) for row in rows}
    assert sorted(by_sku) == ["A", "B", "C", "D"]
    assert by_sku["A"]["price"] == "12.3456789012345678", "no digit is lost"
    assert by_sku["A"]["active"] == "true"
    assert json.loads(by_sku["A"]["extra"]) == {"a": 1}
    assert by_sku["B"]["price"] == ""


async def test_an_export_has_the_shape_of_the_contract(shop: Shop) -> None:
    job = await shop.export()
    assert job["collection_name"] == "products"
    assert (job["application"], job["organization"]) == (shop.app.id, shop.caller.organization_id)
    assert isinstance(job["id"], int) and isinstance(job["file"], str)
    assert len(job["task_id"]) <= 150
    assert job["created_at"] <= job["file_upload_at"]
    async with shop.client() as client:
        for prefix in ("/api", ""):
            listed = await client.get(
                f"{prefix}/apps/csv-exports/", params={"app": shop.app.slug, "table": "products"}
            )
            assert [item["id"] for item in listed.json()] == [job["id"]]


async def test_columns_condition_and_delimiter_are_chosen(shop: Shop) -> None:
    await shop.import_("sku,amount\nA,1\nB,2\nC,3\n")
    where = {"amount": {"_gte": 2}}
    job = await shop.export(columns=["amount", "sku"], where=where, delimiter=";")
    header, *rows = lines(await shop.download(job["file"]), delimiter=";")
    assert header == ["amount", "sku"]
    assert sorted(rows) == [["2", "B"], ["3", "C"]]


async def test_rows_are_exported_in_a_chosen_order_across_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    await shop.import_("sku,price\ne,1\nd,2.00000000000000001\nc,2.00000000000000001\nb,\na,\nf,1.5\n")
    for direction, skus in (("asc", "efcdab"), ("desc", "abcdfe")):
        job = await shop.export(columns=["sku"], order_by=[{"price": direction}, {"sku": "asc"}])
        assert "".join(row for (row,) in lines(await shop.download(job["file"]))[1:]) == skus
    async with shop.client() as client:
        for order in ([{"nothing": "asc"}], [{"sku": "asc", "price": "asc"}], [{"sku": "asc"}, {"sku": "desc"}]):
            request = {"app": shop.app.id, "table": "products", "order_by": order}
            answer = await client.post("/api/apps/csv-exports/", json=request)
            assert (answer.status_code, answer.json()["fields"][0]["path"]) == (422, "order_by")


async def test_formulas_are_guarded_unless_asked_otherwise(shop: Shop) -> None:
    await shop.import_('sku,amount\n"=HYPERLINK(""x"")",-5\n@SUM,1\n+1-2,1\n')
    guarded = await shop.export(columns=["sku", "amount"])
    found = {row[0] for row in lines(await shop.download(guarded["file"]))[1:]}
    assert found == {'\'=HYPERLINK("x")', "'@SUM", "'+1-2"}
    assert "-5" in {row[1] for row in lines(await shop.download(guarded["file"]))}
    plain = await shop.export(columns=["sku"], guard_formulas=False)
    assert ['=HYPERLINK("x")'] in lines(await shop.download(plain["file"]))
    sheet = await shop.export(columns=["sku"], format="xlsx")
    book = openpyxl.load_workbook(io.BytesIO(await shop.download(sheet["file"])))
    assert all(cell.data_type != "f" for row in book["rows"].iter_rows() for cell in row)


@pytest.mark.parametrize(
    ("value", "guarded"),
    [("=1", "'=1"), ("-5", "-5"), ("+4.5", "+4.5"), ("-1+cmd", "'-1+cmd"), ("\tx", "'\tx"), ("a=1", "a=1"), ("", "")],
)
def test_only_what_a_spreadsheet_would_calculate_is_guarded(value: str, guarded: str) -> None:
    assert guard_formula(value) == guarded


async def test_an_excel_export_holds_typed_cells(shop: Shop) -> None:
    await shop.import_("sku,amount,weight\nA,5,0.5\n")
    job = await shop.export(format="xlsx", columns=["sku", "amount", "weight"])
    book = openpyxl.load_workbook(io.BytesIO(await shop.download(job["file"])))
    assert list(book["rows"].values) == [("sku", "amount", "weight"), ("A", 5, 0.5)]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"columns": ["colours"]}, 422, "the table has no column 'colours'"),
        ({"columns": ["sku", "sku"]}, 422, "named more than once"),
        ({"columns": []}, 422, "columns"),
        ({"format": "pdf"}, 422, "format"),
        ({"delimiter": "x"}, 422, "delimiter"),
        ({"wher": {}}, 422, "wher"),
    ],
)
async def test_an_export_without_a_meaning_is_refused_at_once(
    shop: Shop, body: dict[str, Any], status: int, message: str
) -> None:
    async with shop.client() as client:
        answer = await client.post("/api/apps/csv-exports/", json={"app": shop.app.id, "table": "products", **body})
    assert answer.status_code == status
    assert message in answer.json()["detail"]


@pytest.mark.parametrize("where", [{"colour": {"_like": 5}}, {"nothing": {"_eq": 1}}, {"sku": {"_eq": None}}])
async def test_a_condition_that_graphql_refuses_fails_the_export(shop: Shop, where: dict[str, Any]) -> None:
    job = await shop.export(where=where)
    assert job["status"] == "failed"
    assert "the rows cannot be read" in job["error"]
    assert job["file"] is None


async def test_only_the_callers_rows_are_exported_whatever_the_condition(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform, is_public=True)
    installer = await shared_platform.create_caller()
    await shared_platform.install(shop.app, installer)
    await shop.import_("sku\nowner\n")
    await shop.import_("sku\ninstaller\n", caller=installer)
    where = {"_or": [{"organization_id": {"_eq": shop.caller.organization_id}}, {}]}
    job = await shop.export(caller=installer, columns=["sku"], where=where)
    assert lines(await shop.download(job["file"], caller=installer))[1:] == [["installer"]]
    async with shop.client() as client:
        assert (await client.get(job["file"])).status_code == 404
        assert (await client.get(f"/api/apps/csv-exports/{job['id']}/")).status_code == 404


async def test_a_cancelled_export_has_no_file(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancelled_meanwhile(self: Any, *arguments: Any, **options: Any) -> Any:
        async with shop.client() as client:
            assert (await client.post(f"/api/apps/csv-exports/{self._job.id}/cancel/")).status_code == 200
        return await page(self, *arguments, **options)

    await shop.import_("sku\nA\n")
    page = exporting.Export._page
    monkeypatch.setattr(exporting.Export, "_page", cancelled_meanwhile)
    job = await shop.export()
    assert (job["status"], job["error"], job["file"]) == ("failed", "cancelled", None)
