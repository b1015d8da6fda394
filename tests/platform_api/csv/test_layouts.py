"""Excel files of every layout are imported over HTTP, and their numbers are not read as text."""

from typing import Any

import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.csv.workbooks import spreadsheet, workbook
from tests.platform_api.csv.working import open_shop

pytestmark = pytest.mark.anyio

_ROWS = '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row><c t="s"><v>2</v></c><c><v>1.234</v></c></row>'
_TEXTS = "<si><t>sku</t></si><si><t>price</t></si><si><t>a_x000D_b</t></si>"


@pytest.mark.parametrize(
    "layout",
    [{}, {"is_strict": True}, {"folder": ""}, {"folder": "other/place"}, {"separator": "\\"}],
    ids=["elsewhere", "strict", "root", "folder", "backslashes"],
)
async def test_a_file_is_imported_whatever_its_layout(shared_platform: Platform, layout: dict[str, Any]) -> None:
    shop = await open_shop(shared_platform)

    job = await shop.import_(workbook(_ROWS, texts=_TEXTS, **layout), name="x.xlsx", decimal=",")

    assert job["status"] == "completed", job
    assert [(row["sku"], str(row["price"])) for row in await shop.rows()] == [("a\rb", "1.234")]


async def test_a_number_keeps_its_value_whatever_the_decimal_of_texts(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)

    await shop.import_(spreadsheet(["sku", "price"], ["a", 1.234]), name="x.xlsx", decimal=",")

    assert [str(row["price"]) for row in await shop.rows()] == ["1.234"]
