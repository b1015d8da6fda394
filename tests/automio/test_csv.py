"""`api.csv` against replies as the platform gives them."""

from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from automio import AsyncAPI, CsvImport, CsvJobFailed, RequestTimeout
from automio.wrapper import API

SETTINGS: dict[str, Any] = {"base_url": "http://platform.test", "token": "t", "app_id": 3}
RESULT = {"total": 2, "inserted": 1, "updated": 0, "skipped": 0, "rejected": 1, "dry_run": False, "format": {}}


def job(**changes: Any) -> dict[str, Any]:
    shown = {"id": 7, "collection_name": "products", "application": 3, "organization": 1, "task_id": "t"}
    return {**shown, "status": "in_progress", "progress": 0, "import_result": RESULT, **changes}


class Platform:
    """Answers the requests it gets in turn, and remembers them."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def api(self) -> API:
        return API(**SETTINGS, transport=httpx.MockTransport(self))


def test_a_file_is_sent_with_its_options(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("sku\nA\n")
    platform = Platform(job(status="pending"))
    with platform.api() as api:
        started = api.csv.import_file(
            "products", path, mapping={"x": None}, on_conflict={"columns": ["sku"]}, dry_run=True
        )
    assert started == CsvImport.from_wire(job(status="pending"))
    [request] = platform.requests
    assert (request.method, request.url.path) == ("POST", "/api/apps/csv-imports/")
    body = request.content.decode()
    for part in ('filename="stock.csv"', "sku\nA\n", '{"columns":["sku"]}', '{"x":null}', 'name="dry_run"'):
        assert part in body


PREVIEW: dict[str, Any] = {
    "error": None,
    "format": {"kind": "csv"},
    "options": {"decimal": ",", "mapping": {"SKU": "sku"}},
    "questions": ["say date_order"],
    "columns": [
        {
            "position": 1,
            "header": "SKU",
            "column": "sku",
            "type": "text",
            "filled": 2,
            "objections": [{"against": "integer", "line": 3, "value": "x", "reason": "no"}],
        }
    ],
    "rows": [{"line": 2, "values": ["A", ""]}],
    "problems": [{"line": 4, "reason": "too few fields"}],
    "rows_looked_at": 2,
    "total_rows": 2,
}


def test_a_preview_tells_what_to_import_a_file_with() -> None:
    platform = Platform(PREVIEW, job(status="pending"))
    with platform.api() as api:
        seen = api.csv.preview(
            b"SKU\nA\n", "products", units=["€"], null_words=["-"], header_line=1, guard_formulas=False
        )
        api.csv.import_file("products", b"SKU\nA\n", **seen.options)
    assert (seen.error, seen.questions, seen.total_rows) == (None, ("say date_order",), 2)
    assert (seen.columns[0].column, seen.columns[0].objections[0].line) == ("sku", 3)
    assert (seen.rows[0].values, seen.problems[0].line) == (("A", ""), 4)
    asked, imported = (request.content.decode() for request in platform.requests)
    assert platform.requests[0].url.path == "/api/apps/csv-imports/preview/"
    for part in (
        'name="units"\r\n\r\n["€"]',
        'name="null_words"\r\n\r\n["-"]',
        'name="header_line"\r\n\r\n1',
        'guard_formulas"\r\n\r\nfalse',
    ):
        assert part in asked
    assert 'name="decimal"' not in asked, "what nobody said is found out"
    assert 'name="decimal"\r\n\r\n,' in imported and '{"SKU":"sku"}' in imported


def test_an_option_that_does_not_exist_is_told() -> None:
    options: Any = {"decimals": ","}
    with Platform().api() as api, pytest.raises(TypeError, match="Unknown option 'decimals'"):
        api.csv.import_file("products", b"sku\n", **options)


def test_waiting_tells_of_progress_and_gives_the_end() -> None:
    answers = [job(progress=10), job(progress=10), job(progress=50), job(status="completed", progress=100)]
    platform, seen = Platform(*answers), list[int]()
    with platform.api() as api:
        done = api.csv.wait(CsvImport.from_wire(job()), on_progress=lambda found: seen.append(found.progress))
    assert done.status == "completed"
    assert done.import_result is not None and done.import_result.rejected == 1
    assert seen == [10, 50, 100]


def test_a_job_that_failed_or_takes_too_long_raises() -> None:
    with Platform(job(status="failed", error="no such column")).api() as api, pytest.raises(CsvJobFailed) as failed:
        api.csv.wait(CsvImport.from_wire(job()))
    assert "no such column" in str(failed.value)
    assert failed.value.job.id == 7
    with Platform(job()).api() as api, pytest.raises(RequestTimeout):
        api.csv.wait(CsvImport.from_wire(job()), timeout=0)


def test_the_awaiting_client_does_the_same() -> None:
    export = {**job(status="completed", progress=100), "rows": 2}
    platform = Platform(export, export, httpx.Response(200, content=b"sku\r\nA\r\n"))

    async def work() -> bytes:
        async with AsyncAPI(**SETTINGS, transport=httpx.MockTransport(platform)) as api:
            made = await api.csv.export("products", columns=["sku"], where={"amount": {"_gt": 1}})
            return await api.csv.download(await api.csv.wait(made))

    assert anyio.run(work) == b"sku\r\nA\r\n"
    assert [request.url.path for request in platform.requests] == [
        "/api/apps/csv-exports/",
        "/api/apps/csv-exports/7/",
        "/api/apps/csv-exports/7/file/",
    ]
