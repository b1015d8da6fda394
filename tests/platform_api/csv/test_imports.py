"""Files into tables: what goes in, what is rejected and why, and as whom."""

import asyncio
import csv
import io
import uuid
import zipfile
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select, update

from platform_api.accounts.models import Membership, Role, Scope
from platform_api.apps.models import InstallStatus
from platform_api.csv import importing, service
from platform_api.csv.models import CsvImport
from platform_api.csv.worker import CsvWorker
from platform_api.work.worker import Worker
from tests.platform_api.conftest import Platform, make_settings, running_platform
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


def counts(job: dict[str, Any]) -> tuple[int, int, int, int, int]:
    result = job["import_result"]
    return tuple(result[name] for name in ("total", "inserted", "updated", "skipped", "rejected"))  # type: ignore[return-value]


async def test_a_file_becomes_rows_of_the_callers_organization(shop: Shop) -> None:
    job = await shop.import_(
        "sku,amount,price,weight,active,day,at,colour,extra\r\n"
        'A-1,5,12.50,0.5,no,2026-01-31,2026-01-31T12:00:00+02:00,red,"{""a"": [1]}"\r\n'
        "A-2,,,,,,,,\r\n"
    )
    assert job["status"] == "completed", job
    assert counts(job) == (2, 2, 0, 0, 0)
    assert job["progress"] == 100
    first, second = await shop.rows()
    assert first["organization_id"] == shop.caller.organization_id
    assert (first["amount"], float(first["price"]), first["weight"], first["active"]) == (5, 12.5, 0.5, False)
    assert (first["day"], first["colour"], first["extra"]) == ("2026-01-31", "red", {"a": [1]})
    assert first["at"].startswith("2026-01-31T10:00:00")
    assert second["amount"] is None
    assert second["active"] is True, "an empty cell leaves the default"


async def test_an_import_has_the_shape_of_the_contract(shop: Shop) -> None:
    job = await shop.import_("sku\nA\n")
    assert isinstance(job["collection_name"], str) and job["collection_name"] == "products"
    assert isinstance(job["file"], str)
    assert (job["application"], job["organization"]) == (shop.app.id, shop.caller.organization_id)
    assert isinstance(job["id"], int)
    assert job["status"] in ("pending", "in_progress", "completed", "failed")
    assert len(job["task_id"]) <= 150
    assert datetime.fromisoformat(job["created_at"]) <= datetime.fromisoformat(job["finished_at"])
    assert await shop.download(job["file"]) == b"sku\nA\n"
    async with shop.client() as client:
        for prefix in ("/api", ""):
            query = {"app": str(shop.app.id), "table": "products"}
            listed = await client.get(f"{prefix}/apps/csv-imports/", params=query)
            assert [item["id"] for item in listed.json()] == [job["id"]]
        assert (await client.get("/api/apps/csv-imports/")).json()[0]["id"] == job["id"]


async def test_bad_lines_are_rejected_each_with_its_reason(shop: Shop) -> None:
    reference = uuid.uuid4()
    job = await shop.import_(
        "sku,amount,price,day,at,colour,active,parent\n"
        "ok,1,1,,,,,\n"
        "word,many,,,,,,\n"
        "big,3000000000,,,,,,\n"
        ",1,,,,,,\n"
        "few,1\n"
        "many,1,1,,,,,,,\n"
        "choice,,,,,green,,\n"
        f"lost,,,,,,,{reference}\n"
        'comma,,"1,5",,,,,\n'
        "date,,,31.01.2026,,,,\n"
        "zone,,,,2026-01-31T12:00:00,,,\n"
        "bool,,,,,,maybe,\n"
        'quote,"a"b,,,,,,\n'
        "also ok,2,,,,,,\n"
    )
    assert job["status"] == "completed", job
    assert counts(job) == (14, 2, 0, 0, 12)
    reasons = {error["line"]: (error["column"], error["reason"]) for error in job["import_result"]["errors"]}
    assert reasons[3] == ("amount", "'many' is not a whole number")
    assert reasons[4][0] == "amount" and "is not between" in reasons[4][1]
    assert reasons[5] == ("sku", "a value is required")
    assert reasons[6] == (None, "too few fields: 2 where the header has 8")
    assert reasons[7] == (None, "too many fields: 10 where the header has 8")
    assert reasons[8] == ("colour", "'green' is not one of the choices: red, blue")
    assert reasons[9] == ("parent", "reference not found: no row has this id")
    assert reasons[10][0] == "price" and "decimal=," in reasons[10][1]
    assert reasons[11] == ("day", "'31.01.2026' is not a date such as 2026-01-31")
    assert reasons[12][0] == "at" and "time zone" in reasons[12][1]
    assert reasons[13][0] == "active"
    assert "malformed CSV" in reasons[14][1]
    assert [row["sku"] for row in await shop.rows()] == ["also ok", "ok"]

    rejected = list(csv.reader(io.StringIO((await shop.download(job["rejected_file"])).decode("utf-8-sig"))))
    assert rejected[0] == ["sku", "amount", "price", "day", "at", "colour", "active", "parent", "automio_reason"]
    assert rejected[1] == [
        "word",
        "many",
        *[""] * 6,
        f"line 3, amount: 'many' is not a whole number [import {job['id']}, line 3]",
    ]
    assert len(rejected) == 13


async def test_rejected_lines_can_be_corrected_and_sent_again(shop: Shop) -> None:
    job = await shop.import_("sku,amount\nA,x\nB,2\n")
    corrected = (await shop.download(job["rejected_file"])).replace(b"A,x", b"A,1")
    again = await shop.import_(corrected)
    assert counts(again) == (1, 1, 0, 0, 0)
    assert [(row["sku"], row["amount"]) for row in await shop.rows()] == [("A", 1), ("B", 2)]


async def test_a_long_value_is_shown_shortened(shop: Shop) -> None:
    job = await shop.import_(f"sku,amount\nA,{'9x' * 5000}\n")
    [error] = job["import_result"]["errors"]
    assert len(error["reason"]) < 120


async def test_a_line_whose_row_exists_is_rejected_updated_or_skipped_as_asked(shop: Shop) -> None:
    await shop.import_("sku,amount,price\nA,1,10\nB,1,10\n")
    content = "sku,amount\nA,2\nC,2\n"
    plain = await shop.import_(content)
    assert counts(plain) == (2, 1, 0, 0, 1)
    assert plain["import_result"]["errors"][0]["reason"] == "a row with this sku already exists"
    skipped = await shop.import_(content, on_conflict={"columns": ["sku"], "action": "skip"})
    assert counts(skipped) == (2, 0, 0, 2, 0)
    key = f"uq_{shop.table}_sku_org"
    updated = await shop.import_(content + "D,2\n", on_conflict={"constraint": key, "action": "update"})
    assert counts(updated) == (3, 1, 2, 0, 0)
    rows = [(row["sku"], row["amount"], row["price"] is None) for row in await shop.rows()]
    assert rows == [("A", 2, False), ("B", 1, False), ("C", 2, True), ("D", 2, True)]


async def test_the_last_of_two_lines_for_one_row_wins(shop: Shop) -> None:
    job = await shop.import_("sku,amount\nA,1\nA,2\n", on_conflict={"columns": ["sku"]})
    assert counts(job) == (2, 1, 1, 0, 0)
    assert [row["amount"] for row in await shop.rows()] == [2]


async def test_a_line_without_a_value_for_the_key_is_rejected_and_not_another_row(shop: Shop) -> None:
    async with shop.client() as client:
        columns = [{"name": "code", "type": "text"}, {"name": "amount", "type": "integer"}]
        made = await client.post(
            f"/api/apps/{shop.app.id}/new_table/",
            json={"name": "keyed", "columns": columns, "unique": [{"columns": ["code"]}]},
        )
    assert made.status_code == 200, made.text
    for action in ("update", "skip"):
        upsert = {"columns": ["code"], "action": action}
        job = await shop.import_("code,amount\nA,1\n,2\n\\N,3\n", table="keyed", on_conflict=upsert)
        reason = "must have a value, because on_conflict matches rows by it"
        assert [(e["line"], e["column"], e["reason"]) for e in job["import_result"]["errors"]] == [
            (3, "code", reason),
            (4, "code", reason),
        ]
    assert job["import_result"]["skipped"] == 1


async def test_null_is_said_where_an_empty_cell_is_the_default(shop: Shop) -> None:
    job = await shop.import_("sku,active,colour\nA,\\N,\\N\nB,,\nC,false,red\n\\N,,\n")
    assert [error["reason"] for error in job["import_result"]["errors"]] == ["a value is required"]
    assert [(row["sku"], row["active"], row["colour"]) for row in await shop.rows()] == [
        ("A", None, None), ("B", True, None), ("C", False, "red"),
    ]  # fmt: skip


async def test_a_delimiter_at_the_end_of_a_line_of_one_field_is_not_dropped(shop: Shop) -> None:
    job = await shop.import_('sku\nA,\n"B,"\n')
    assert [error["reason"] for error in job["import_result"]["errors"]] == [
        "too many fields: 2 where the header has 1"
    ]
    assert [row["sku"] for row in await shop.rows()] == ["B,"]


async def test_an_exported_file_can_be_changed_and_imported_by_id(shop: Shop) -> None:
    await shop.import_("sku,amount\nA,1\nB,2\n")
    exported = await shop.export()
    content = (await shop.download(exported["file"])).replace(b",A,1,", b",A2,1,")
    job = await shop.import_(content, on_conflict={"columns": ["id"]})
    assert counts(job) == (2, 0, 2, 0, 0), job
    assert [row["sku"] for row in await shop.rows()] == ["A2", "B"]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffsku;price\nZażółć;1\n".encode(),
        "sku;price\nZażółć;1\n".encode("utf-16"),
        "sku\tprice\nZażółć\t1\n".encode(),
        "sku|price\nZażółć|1\n".encode(),
    ],
    ids=["BOM", "UTF-16", "tab", "pipe"],
)
async def test_encoding_and_delimiter_are_found_out(shop: Shop, content: bytes) -> None:
    job = await shop.import_(content)
    assert counts(job) == (1, 1, 0, 0, 0), job
    assert [row["sku"] for row in await shop.rows()] == ["Zażółć"]


async def test_an_old_encoding_is_not_guessed_but_asked_for(shop: Shop) -> None:
    content = "sku,amount\nplain,1\nŁódź,2\n".encode("windows-1250")
    job = await shop.import_(content)
    assert job["status"] == "failed"
    assert "the file is not UTF-8; send its `encoding`. Line 3 reads as windows-1250 'Łódź,2'" in job["error"]
    assert await shop.rows() == []
    named = await shop.import_(content, encoding="windows-1250")
    assert counts(named) == (2, 2, 0, 0, 0)
    assert "Łódź" in [row["sku"] for row in await shop.rows()]


async def test_a_wrong_encoding_is_told(shop: Shop) -> None:
    job = await shop.import_("sku\nŁódź\n".encode("windows-1250"), encoding="utf-8")
    assert job["status"] == "failed"
    assert "the file is not utf-8; send" in job["error"]


async def test_quoted_newlines_and_delimiters_are_part_of_a_value(shop: Shop) -> None:
    job = await shop.import_('sku,amount\n"two\nlines, one ""value""",1\nnext,x\n')
    assert [row["sku"] for row in await shop.rows()] == ['two\nlines, one "value"']
    assert job["import_result"]["errors"][0]["line"] == 4, "lines are those of the file"


async def test_a_quote_that_is_never_closed_fails_the_import_and_names_its_line(shop: Shop) -> None:
    job = await shop.import_('sku,amount\nA,1\n"B,2\nC,3\n')
    assert job["status"] == "failed"
    assert job["error"].startswith('line 3: a quote (") is opened here and not closed before the end of the file')
    assert counts(job) == (0, 0, 0, 0, 0)
    assert await shop.rows() == [], "nothing before it is imported either"


async def test_lines_inside_a_quote_that_is_closed_wrongly_are_rejected_each_by_itself(shop: Shop) -> None:
    job = await shop.import_('sku,amount\nA,1\n"B,2\nC,3\n"D",4\nE,5\n')
    assert counts(job) == (5, 2, 0, 0, 3)
    reasons = {error["line"]: error["reason"] for error in job["import_result"]["errors"]}
    assert "in line 5, where the quote that is opened here is closed" in reasons[3]
    assert reasons[4] == "malformed CSV: this line is inside the quote that line 3 opens"
    rejected = (await shop.download(job["rejected_file"])).decode("utf-8-sig").splitlines()
    assert [line.partition(',"line')[0] for line in rejected] == ["sku,amount,automio_reason", '"B,2', "C,3", '"D",4']
    corrected = "\n".join(rejected).replace('"B,2', "B,2")
    again = await shop.import_(corrected)
    assert counts(again) == (3, 3, 0, 0, 0)
    assert [row["sku"] for row in await shop.rows()] == ["A", "B", "C", "D", "E"]


async def test_json_nested_too_deeply_is_a_bad_line_and_less_is_not(shop: Shop) -> None:
    job = await shop.import_("sku,extra\n" + "".join(f"{n},{'[' * n}{']' * n}\n" for n in (100, *range(240, 260))))
    assert job["status"] == "completed", job
    assert {row["sku"] for row in await shop.rows()} >= {"100", "240"}
    assert job["import_result"]["rejected"] > 0


async def test_decimal_commas_are_taken_where_they_are_announced(shop: Shop) -> None:
    job = await shop.import_("sku;price;weight\nA;1.234,56;0,5\nB;1.5;1\n", decimal=",")
    assert counts(job) == (2, 1, 0, 0, 1)
    [row] = await shop.rows()
    assert (float(row["price"]), row["weight"]) == (1234.56, 0.5)


async def test_a_mapping_renames_and_leaves_out(shop: Shop) -> None:
    content = "Article no.,Stock,Remark\nA,3,x\n"
    refused = await shop.import_(content)
    assert refused["status"] == "failed"
    assert "the file's column 'Article no.' is not a column of the table products" in refused["error"]
    job = await shop.import_(content, mapping={"Article no.": "sku", "Stock": "amount", "Remark": None})
    assert counts(job) == (1, 1, 0, 0, 0)
    assert [(row["sku"], row["amount"]) for row in await shop.rows()] == [("A", 3)]


@pytest.mark.parametrize(
    ("content", "form", "error"),
    [
        ("sku,sku\nA,B\n", {}, "two columns of the file are mapped to sku"),
        ("amount\n1\n", {}, "the table requires sku"),
        ("created_at\n1\n", {}, "none of the file's columns"),
        ("sku\nA\n", {"mapping": {"nothing": "sku"}}, "the file has no column 'nothing'"),
        ("\n\n", {}, "the file is empty"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, {}, "old Excel file"),
        (b"PK\x03\x04 broken", {}, "damaged"),
        (b"\x00\xff\xfe\x01" * 50, {}, "neither text nor"),
        ("sku,amount\nA,1\n", {"on_conflict": {"columns": ["id"]}}, "no column of the file gives id"),
    ],
)
async def test_a_file_that_cannot_be_meant_fails_as_a_whole(
    shop: Shop, content: bytes | str, form: dict[str, Any], error: str
) -> None:
    job = await shop.import_(content, **form)
    assert job["status"] == "failed"
    assert error in job["error"]
    assert await shop.rows() == []


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"mapping": "no json"}, "mapping: must be JSON"),
        ({"mapping": '["sku"]'}, "mapping"),
        ({"mapping": {"a": "colours"}}, "not a column of the table"),
        ({"on_conflict": {"columns": ["amount"]}}, "the table has no unique key 'amount'; it has: id; sku"),
        ({"on_conflict": {"columns": ["sku"], "constraint": "x"}}, "exactly one of"),
        ({"on_conflict": {"columns": ["sku"], "action": "delete"}}, "action"),
        ({"delimiter": "x"}, "delimiter"),
        ({"encoding": "klingon"}, "encoding"),
        ({"encoding": "zip"}, "encoding"),
        ({"decimal": ";"}, "decimal"),
    ],
)
async def test_options_without_a_meaning_are_refused_at_once(shop: Shop, form: dict[str, Any], message: str) -> None:
    answer = await shop.send("sku\nA\n", **form)
    assert answer.status_code in (400, 422), answer.text
    assert message in answer.json()["detail"]


async def test_an_empty_file_and_an_unknown_table_are_refused_at_once(shop: Shop) -> None:
    assert (await shop.send("")).status_code == 400
    async with shop.client() as client:
        data = {"app": str(shop.app.id), "table": "nothing"}
        answer = await client.post("/api/apps/csv-imports/", data=data, files={"file": ("a.csv", b"sku\n")})
    assert answer.status_code == 404


async def test_a_dry_run_tries_every_line_and_keeps_none(shop: Shop) -> None:
    content = f"sku,amount,parent\nA,1,\nA,2,\nB,x,\nC,1,{uuid.uuid4()}\n"
    tried = await shop.import_(content, dry_run=True)
    assert tried["import_result"]["dry_run"] is True
    assert counts(tried) == (4, 1, 0, 0, 3)
    assert await shop.rows() == []
    done = await shop.import_(content)
    assert counts(done) == (4, 1, 0, 0, 3)
    assert [row["sku"] for row in await shop.rows()] == ["A"]


def _sheet(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


async def test_an_excel_file_is_imported_with_its_own_types(shop: Shop) -> None:
    content = _sheet(
        ["sku", "amount", "price", "day", "at", "active"],
        ["A", 3, 12.5, date(2026, 1, 31), datetime(2026, 1, 31, 12, 0), True],
        [1001, 3.0, 7, datetime(2026, 2, 1), None, False],
        ["bad", "x", None, None, None, None],
        [None, None, None, None, None, None],
        ["short"],
    )
    job = await shop.import_(content, name="products.xlsx")
    assert job["status"] == "completed", job
    assert counts(job) == (4, 3, 0, 0, 1)
    assert job["import_result"]["errors"] == [{"line": 4, "column": "amount", "reason": "'x' is not a whole number"}]
    rows = {row["sku"]: row for row in await shop.rows()}
    assert rows["A"]["day"] == "2026-01-31"
    assert rows["A"]["at"].startswith("2026-01-31T12:00:00")
    assert (rows["1001"]["amount"], rows["1001"]["day"], rows["1001"]["active"]) == (3, "2026-02-01", False)


async def test_an_excel_file_that_unpacks_to_too_much_is_not_unpacked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
        archive.writestr("xl/sharedStrings.xml", b"\0" * (130 * 1024 * 1024))
    job = await shop.import_(content.getvalue(), name="bomb.xlsx")
    assert job["status"] == "failed"
    assert "is too large when unpacked" in job["error"]


async def test_a_file_over_the_limit_is_refused_and_one_below_is_taken(platform_database_url: str) -> None:
    settings = make_settings(platform_database_url, csv_max_bytes=200_000, max_body_bytes=1024)
    async with running_platform(settings) as platform:
        shop = await open_shop(platform)
        assert (await shop.send("sku\n" + "x" * 300_000)).status_code == 413
        assert (await shop.send("sku\n" + "x" * 200_000)).status_code == 413
        # More than an ordinary body may be.
        job = await shop.import_("sku\n" + "x\n" * 5000, on_conflict={"columns": ["sku"], "action": "skip"})
        assert job["status"] == "completed"


async def test_too_many_jobs_at_once_are_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_OPEN_JOBS", 0)
    answer = await shop.send("sku\nA\n")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "10"


async def test_a_cancelled_import_ends_and_keeps_what_is_in(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 1)
    reached, go_on = asyncio.Event(), asyncio.Event()
    write = importing.Import._import_batch

    async def held(self: Any, *arguments: Any) -> None:
        await write(self, *arguments)
        if self._job.app_id == shop.app.id:
            reached.set()
            await go_on.wait()

    monkeypatch.setattr(importing.Import, "_import_batch", held)
    sent = (await shop.send("sku\nA\nB\nC\n")).json()
    await reached.wait()
    async with shop.client() as client:
        cancelled = await client.post(f"/api/apps/csv-imports/{sent['id']}/cancel/")
        assert cancelled.status_code == 200
    go_on.set()
    job = await shop.ended("csv-imports", sent["id"])
    assert (job["status"], job["error"]) == ("failed", "cancelled; rows imported before stay")
    assert [row["sku"] for row in await shop.rows()] == ["A"]
    async with shop.client() as client:
        again = await client.post(f"/api/apps/csv-imports/{sent['id']}/cancel/")
    assert again.json()["error"] == job["error"], "what has ended stays as it is"


async def test_rows_of_a_batch_and_its_place_are_one_transaction(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails after the rows were written, before the place was, takes the rows with it; then both are there."""
    monkeypatch.setattr(importing, "BATCH", 2)
    failures = 0
    count = importing.Import._counts

    def failing(self: Any, lines: int, tally: Any) -> dict[str, Any]:
        nonlocal failures
        if self._job.processed == 2 and failures < 1:
            failures += 1
            raise RuntimeError("the process is in trouble")
        return count(self, lines, tally)

    monkeypatch.setattr(importing.Import, "_counts", failing)
    monkeypatch.setattr(Worker, "_backoff", lambda self, attempts: 0.0)
    job = await shop.import_("sku\nA\nB\nC\nD\nE\n")
    assert failures == 1
    assert job["status"] == "completed", job
    assert counts(job) == (5, 5, 0, 0, 0)
    assert [row["sku"] for row in await shop.rows()] == ["A", "B", "C", "D", "E"]


async def test_a_process_that_lost_its_job_writes_nothing_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Any]] = []

    async def somebody_else_claims(self: Any, *arguments: Any) -> None:
        if seen:
            await import_batch(self, *arguments)
            return

        async def change(**values: Any) -> None:
            async with shop.platform.database.transaction() as session:
                await session.execute(update(CsvImport).where(CsvImport.id == self._job.id).values(**values))

        await change(fence=CsvImport.fence + 1, lease_expires_at=func.now() + timedelta(hours=1))
        try:
            await import_batch(self, *arguments)
        finally:
            seen.append(await shop.rows())
            # Whoever claimed it stops.
            await change(lease_expires_at=None)

    import_batch = importing.Import._import_batch
    monkeypatch.setattr(importing.Import, "_import_batch", somebody_else_claims)
    job = await shop.import_("sku\nA\nB\n")
    assert seen == [[]]
    assert counts(job) == (2, 2, 0, 0, 0)


async def test_a_job_that_never_gets_on_is_given_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: Any, file: Any) -> None:
        raise RuntimeError("the process is in trouble")

    monkeypatch.setattr(importing.Import, "_fetch", fail)
    monkeypatch.setattr(Worker, "_backoff", lambda self, attempts: 0.0)
    job = await shop.import_("sku\nA\n")
    assert (job["status"], job["error"]) == ("failed", "given up after 5 attempts without progress")


async def test_rows_go_to_the_installers_organization_and_stay_there(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform, is_public=True)
    installer = await shared_platform.create_caller()
    await shared_platform.install(shop.app, installer)
    await shop.import_("sku,amount\nA,1\n")
    job = await shop.import_("sku,amount\nA,2\n", caller=installer, on_conflict={"columns": ["sku"]})
    assert counts(job) == (1, 1, 0, 0, 0), "the owner's row is another one"
    assert [row["amount"] for row in await shop.rows()] == [1]
    assert [row["amount"] for row in await shop.rows(caller=installer)] == [2]


async def test_rows_of_another_organization_cannot_be_reached_by_id_or_reference(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform, is_public=True)
    installer = await shared_platform.create_caller()
    await shared_platform.install(shop.app, installer)
    await shop.import_("sku,amount\nA,1\n")
    [row] = await shop.rows()
    attack = f"id,sku,amount,parent\n{row['id']},stolen,2,\n,ref,2,{row['id']}\n"
    job = await shop.import_(attack, caller=installer, on_conflict={"columns": ["id"]})
    assert job["import_result"]["updated"] == 0
    assert await shop.rows() == [row]
    assert [item["sku"] for item in await shop.rows(caller=installer)] == []
    # `organization_id` of a file is not looked at.
    job = await shop.import_(f"sku,organization_id\nB,{shop.caller.organization_id}\n", caller=installer)
    assert counts(job) == (1, 1, 0, 0, 0)
    assert [item["sku"] for item in await shop.rows()] == ["A"]


async def test_another_organization_sees_and_stops_nothing(shop: Shop) -> None:
    job = await shop.import_("sku,amount\nA,x\n")
    stranger = await shop.platform.create_caller()
    async with shop.client(stranger) as client:
        path = f"/api/apps/csv-imports/{job['id']}/"
        for address in (path, path + "file/", path + "rejected/"):
            assert (await client.get(address)).status_code == 404
        assert (await client.post(path + "cancel/")).status_code == 404
        assert (await client.get("/api/apps/csv-imports/")).json() == []
        assert (await client.get("/api/apps/csv-imports/", params={"app": shop.app.id})).status_code == 404
    assert (await shop.send("sku\nA\n", caller=stranger)).status_code == 404


async def test_a_token_without_the_right_to_rows_imports_nothing(shop: Shop) -> None:
    builder = await shop.platform.create_colleague(shop.caller, Role.BUILDER, scopes=[Scope.BUILD])
    assert (await shop.send("sku\nA\n", caller=builder)).status_code == 403
    member = await shop.platform.create_colleague(shop.caller, Role.MEMBER, scopes=[Scope.DATA])
    assert (await shop.send("sku\nA\n", caller=member)).status_code == 201


async def test_who_lost_their_membership_or_install_imports_no_more(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform, is_public=True)
    member = await shared_platform.create_colleague(shop.caller, Role.MEMBER)
    worker = shared_platform.app.services[CsvWorker]
    for kind, caller in (("member", member), ("suspended", await shared_platform.create_caller())):
        if kind == "suspended":
            await shared_platform.install(shop.app, caller)
        async with shared_platform.database.transaction() as session:
            # Until the rights are gone nobody may take the job up.
            await session.execute(select(CsvImport).with_for_update())
            session.add(
                CsvImport(
                    task_id=str(uuid.uuid4()),
                    organization_id=caller.organization_id,
                    app_id=shop.app.id,
                    table_id=(await _table_id(session, shop)),
                    table_name="products",
                    user_id=caller.user_id,
                    options={},
                    file_id=await _stored(session, caller.organization_id, b"sku\nA\n"),
                    file_name="a.csv",
                )
            )
            if kind == "member":
                await session.execute(
                    Membership.__table__.delete().where(Membership.user_id == caller.user_id)  # type: ignore[attr-defined]
                )
            else:
                await _suspend(session, shop, caller.organization_id)
        while await worker.import_next():
            pass
        reader = shop.caller if kind == "member" else caller
        async with shop.client(reader) as client:
            [job, *_] = (await client.get("/api/apps/csv-imports/")).json()
            while job["status"] not in ("completed", "failed"):
                await asyncio.sleep(0.02)
                [job, *_] = (await client.get("/api/apps/csv-imports/")).json()
        assert job["status"] == "failed", job
        assert "no longer a member" in job["error"] or "suspended" in job["error"]
    assert await shop.rows() == []


async def _table_id(session: Any, shop: Shop) -> int:
    from platform_api.tables.repository import get_table

    return (await get_table(session, shop.app.id, "products")).id


async def _stored(session: Any, organization_id: Any, content: bytes) -> uuid.UUID:
    from platform_api.csv.storage import append, create_file

    file = await create_file(session, organization_id, name="a.csv", content_type="text/csv")
    await append(session, file.id, content)
    return file.id


async def _suspend(session: Any, shop: Shop, organization_id: int) -> None:
    from platform_api.apps.models import Install

    await session.execute(
        update(Install)
        .where(Install.app_id == shop.app.id, Install.organization_id == organization_id)
        .values(status=InstallStatus.SUSPENDED)
    )
