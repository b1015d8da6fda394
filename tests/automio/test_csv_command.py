"""`automio csv` against a loopback platform."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from automio.cli import main
from tests.automio.loopback import Answer, Loopback, Seen

RESULT = {
    "total": 3, "inserted": 2, "updated": 0, "skipped": 0, "rejected": 1, "blank": 4, "total_rows": 3,
    "dry_run": False,
    "errors": [{"line": 3, "column": "amount", "reason": "'x' is not a whole number"}], "format": {},
}  # fmt: skip
JOB = {
    "id": 7, "collection_name": "products", "application": 3, "organization": 1, "task_id": "t",
    "status": "completed", "progress": 100, "import_result": RESULT, "rows": 2,
}  # fmt: skip
PREVIEW = {
    "error": None,
    "format": {"kind": "csv", "encoding": "utf-8", "delimiter": ";"},
    "options": {"delimiter": ";", "decimal": ","},
    "questions": ["line 2 has '1.234', …: say decimal"],
    "columns": [
        {
            "position": 1, "header": "day", "column": "day", "type": "text", "filled": 2,
            "objections": [
                {"against": "date with date_order=dmy", "line": 17, "value": "05/13/2024", "reason": "no"}
            ],
        }
    ],
    "rows": [{"line": 2, "values": ["05/01/2024", "x" * 50]}],
    "problems": [{"line": 3, "reason": "too few fields: 1 where the header has 2"}],
    "rows_looked_at": 20,
    "total_rows": 20,
}  # fmt: skip


@pytest.fixture
def platform(server: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Loopback:
    monkeypatch.chdir(tmp_path)
    for name, value in {"API_BASE_URL": server.url, "APP_TOKEN": "amt_x", "APP_ID": "3"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "stock.csv").write_text("sku;amount\nA;1\n")
    return server


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["csv", *arguments])


def form(request: Seen) -> str:
    return request.body.decode()


def test_a_file_is_imported_and_what_was_rejected_is_kept(platform: Loopback, tmp_path: Path) -> None:
    platform.on("POST /api/apps/csv-imports/", {**JOB, "status": "pending"})
    platform.on("GET /api/apps/csv-imports/7/", JOB)
    platform.on("GET /api/apps/csv-imports/7/rejected/", Answer(body=b"sku;amount;automio_reason\r\n"))
    done = run(
        "import", "products", "stock.csv", "--key", "sku", "--map", "Article no.=sku", "--map", "Remark=",
        "--decimal", ",", "--unit", "zł",
        "--unit", "%", "--null-word", "-", "--header-line", "0", "--not-guarded", "--rejected", "rejected.csv",
    )  # fmt: skip
    assert done.exit_code == 1, "a line was rejected"
    assert done.stdout.splitlines() == [
        "3 lines: 2 inserted, 0 updated, 0 skipped, 1 rejected, 4 blank",
        "line 3, amount: 'x' is not a whole number",
        "rejected lines: rejected.csv",
    ]
    assert (tmp_path / "rejected.csv").read_bytes() == b"sku;amount;automio_reason\r\n"
    sent = form(platform.requests[0])
    for part in (
        '{"columns":["sku"],"action":"update"}', '{"Article no.":"sku","Remark":null}', '["-"]',
        '["zł","%"]',
        'name="header_line"\r\n\r\n0', 'name="guard_formulas"\r\n\r\nfalse', 'filename="stock.csv"',
    ):  # fmt: skip
        assert part in sent
    for name in ("dry_run", "true_words", "sheet", "encoding"):
        assert f'name="{name}"' not in sent


def test_a_preview_says_what_is_open_and_what_speaks_against(platform: Loopback) -> None:
    platform.on("POST /api/apps/csv-imports/preview/", PREVIEW)
    done = run("preview", "stock.csv", "products")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "kind: csv",
        "encoding: utf-8",
        "delimiter: ;",
        "decimal: ,",
        "rows: 20",
        "column 1, day -> day: text",
        "  against date with date_order=dmy: line 17 has '05/13/2024': no",
        f"2: 05/01/2024 | {'x' * 29}…",
        "problem: line 3: too few fields: 1 where the header has 2",
        "question: line 2 has '1.234', …: say decimal",
    ]
    platform.on("POST /api/apps/csv-imports/preview/", {**PREVIEW, "error": "the file is not UTF-8"})
    failed = run("preview", "stock.csv")
    assert failed.exit_code == 1
    assert "the file is not UTF-8" in failed.output
    assert 'name="table"' not in form(platform.requests[-1])


def test_rows_are_exported_into_a_file(platform: Loopback, tmp_path: Path) -> None:
    platform.on("POST /api/apps/csv-exports/", JOB)
    platform.on("GET /api/apps/csv-exports/7/", JOB)
    platform.on("GET /api/apps/csv-exports/7/file/", Answer(body=b"PK"))
    done = run("export", "products", "out.xlsx", "--column", "sku", "--where", '{"amount": {"_gt": 5}}', "--no-guard")
    assert done.exit_code == 0, done.output
    assert done.stdout == "out.xlsx: 2 rows\n"
    assert (tmp_path / "out.xlsx").read_bytes() == b"PK"
    sent: dict[str, Any] = platform.requests[0].json
    assert (sent["columns"], sent["format"], sent["guard_formulas"]) == (["sku"], "xlsx", False)
    assert sent["where"] == {"amount": {"_gt": 5}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", "products", "absent.csv"), "there is no file absent.csv"),
        (("import", "products", "stock.csv", "--map", "sku"), "--map must have the form HEADER=COLUMN, not sku"),
        (("export", "products", "out.csv", "--where", "[1]"), "--where must be a JSON object"),
        (("export", "products", "out.csv", "--where", "{"), "--where must be JSON"),
    ],
)
def test_what_cannot_be_meant_is_told(platform: Loopback, arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert message in done.output
    assert platform.requests == []
