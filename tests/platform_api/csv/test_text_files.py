"""CSV files as other programs write them, with faults and without."""

import pytest

from tests.platform_api.conftest import Platform, make_settings, running_platform
from tests.platform_api.csv.workbooks import workbook
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def skus(shop: Shop) -> list[str]:
    return [row["sku"] for row in await shop.rows()]


async def test_a_quote_in_the_middle_of_a_field_is_part_of_it(shop: Shop) -> None:
    job = await shop.import_('sku,amount\nTV 32" wide,1\n"a ""b""",2\n')
    assert job["import_result"]["inserted"] == 2, job
    assert await skus(shop) == ['TV 32" wide', 'a "b"']


@pytest.mark.parametrize("ends", ["\r\n", "\r", "mixed"])
async def test_every_kind_of_line_end_ends_a_line(shop: Shop, ends: str) -> None:
    lines = ["sku,amount", "A,1", "B,x", "C,3"]
    content = "sku,amount\r\nA,1\rB,x\nC,3" if ends == "mixed" else ends.join([*lines, ""])
    job = await shop.import_(content)
    assert [error["line"] for error in job["import_result"]["errors"]] == [3]
    assert await skus(shop) == ["A", "C"]


async def test_an_encoding_that_was_said_is_that_of_the_rejected_lines_too(shop: Shop) -> None:
    content = "sku;price\nCafé € 5;1,5\nÉté;x\n".encode("cp1252")
    job = await shop.import_(content, encoding="cp1252", decimal=",")
    assert job["import_result"]["inserted"] == 1, job
    assert await skus(shop) == ["Café € 5"]
    rejected = (await shop.download(job["rejected_file"])).decode("cp1252")
    assert rejected.startswith("sku;price;automio_reason\nÉté;x;\"line 3, price: 'x' is not a number")
    contrary = await shop.import_("\ufeffsku\nA\n", encoding="cp1252")
    assert "begins with the byte order mark of UTF-8" in contrary["error"]


async def test_utf_16_without_its_mark_is_recognised_and_asked_for(shop: Shop) -> None:
    content = "sku,amount\nA,1\n".encode("utf-16-be")
    assert "send `encoding=utf-16-be`" in (await shop.import_(content))["error"]
    assert (await shop.import_(content, encoding="utf-16-be"))["import_result"]["inserted"] == 1


async def test_a_field_that_is_too_long_is_rejected_whole(shop: Shop) -> None:
    long = "x" * (1024 * 1024 + 1)
    job = await shop.import_(f"sku,amount\n{long},1\nB,2\n")
    assert (job["import_result"]["inserted"], job["import_result"]["rejected"]) == (1, 1)
    assert f"\n{long},1," in (await shop.download(job["rejected_file"])).decode()
    taken = await shop.import_(f'sku,extra\nC,"""{"y" * 1_000_000}"""\n')
    assert taken["import_result"]["inserted"] == 1


async def test_a_line_without_an_end_is_told_and_not_read_whole(shop: Shop) -> None:
    job = await shop.import_("sku,amount\nA,1\n" + "," * (9 * 1024 * 1024))
    assert job["error"].startswith("line 3: a record is longer than 8 MiB")
    unclosed = await shop.import_('sku,amount\nA,1\nB,"' + "2\n" * 600_000 + '",3\n')
    assert unclosed["error"].startswith('line 3: a quote (") is opened here and not closed before 1 MiB further on')


async def test_a_zero_character_in_a_header_or_a_sheet_is_told(shop: Shop) -> None:
    job = await shop.import_(b"s\x00ku,amount\nA,1\n")
    assert "the file's column 's\ufffdku' is not a column" in job["error"]
    sheet = workbook(
        '<row><c t="str"><v>sku</v></c></row><row><c t="str"><v>_x0000_</v></c></row>'
        '<row><c t="str"><v>B</v></c></row>'
    )
    job = await shop.import_(sheet, name="x.xlsx")
    assert (job["import_result"]["inserted"], job["import_result"]["rejected"]) == (1, 1)
    again = await shop.import_(await shop.download(job["rejected_file"]), name="x.xlsx")
    assert again["import_result"]["rejected"] == 1


async def test_a_preview_may_be_as_large_as_an_import(platform_database_url: str) -> None:
    settings = make_settings(platform_database_url, csv_max_bytes=200_000, max_body_bytes=1024)
    async with running_platform(settings) as platform:
        shop = await open_shop(platform)
        async with shop.client() as client:
            for size, status in ((100_000, 200), (300_000, 413)):
                files = {"file": ("a.csv", b"sku\n" + b"x\n" * (size // 2))}
                data = {"app": str(shop.app.id), "table": "products"}
                answer = await client.post("/api/apps/csv-imports/preview/", data=data, files=files)
                assert answer.status_code == status, answer.text


async def test_a_file_of_windows_is_not_read_as_iso_8859(shop: Shop) -> None:
    job = await shop.import_("sku\nx\n5 € – „ok”\n".encode("cp1250"), encoding="iso-8859-2")
    assert job["error"] == (
        "the file is not iso-8859-2: the byte 0x80 in line 3 is not printable there; in windows-1250 it is '€': send"
        " `encoding=windows-1250`"
    )
    done = await shop.import_("sku\nŚwięta\n".encode("iso-8859-2"), encoding="iso-8859-2")
    assert [row["sku"] for row in await shop.rows()] == ["Święta"], done


async def test_encodings_that_read_a_line_alike_are_told_together(shop: Shop) -> None:
    job = await shop.import_("sku\nŻółw\n".encode("cp1250"))
    assert "reads as windows-1250 or iso-8859-2 'Żółw', as windows-1252 '¯ó³w'" in job["error"]
    job = await shop.import_("sku\nŚwit\n".encode("iso-8859-2"))
    assert "as iso-8859-2 'Świt'" in job["error"]
