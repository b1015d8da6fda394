"""The lint rule that holds the grammar of a domain."""

from pathlib import Path

import lint_grammar as lint
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("module", "code", "message"),
    [
        ("runs/endpoints.py", "from sqlalchemy import select", "no SQL"),
        ("runs/runner_endpoints.py", "import sqlalchemy", "no SQL"),
        ("web/pages.py", "from sqlalchemy.dialects.postgresql import insert", "no SQL"),
        ("runs/endpoints.py", "async def f(session):\n    await session.scalar(q)", "`session.scalar`"),
        (
            "runs/endpoints.py",
            "async def f(session):\n    user = await session.get_one(User, 1)",
            "`session.get_one`",
        ),
        ("runs/endpoints.py", "self.session.add(x)", "`session.add`"),
        (
            "runs/endpoints.py",
            "from platform_api.runs.schemas import Run\nRun(id=a, name=b, state=c, error=d, logs=e)",
            "`Run.of(…)`",
        ),
        ("runs/endpoints.py", "from platform_api.apps.endpoints import AppReference", "endpoint module"),
        ("runs/service.py", "from platform_api.apps import endpoints", "endpoint module"),
        ("runs/service.py", "import platform_api.runs.runner_endpoints", "endpoint module"),
        ("runs/service.py", "await session.commit()", "`commit` outside"),
        ("csv/importing.py", "await savepoint.rollback()", "`rollback` outside"),
        ("csv/service.py", "from starlette.datastructures import UploadFile", "knows no HTTP"),
        ("runs/queue.py", "import fastapi", "knows no HTTP"),
        ("runs/access.py", "from fastapi import HTTPException", "knows no HTTP"),
        ("runs/models.py", "from fastapi import Query", "knows no HTTP"),
        (
            "runs/service.py",
            "from platform_api.runs.schemas import RunRead\nasync def f() -> list[RunRead]: ...",
            "`f` returns RunRead",
        ),
        (
            "runs/queue.py",
            "from platform_api.runs.runner_schemas import Claim as C\ndef f() -> C | None: ...",
            "`f` returns C",
        ),
        ("tokens/service.py", "now = datetime.now(UTC)", "clock of this process"),
        ("accounts/sessions/throttle.py", "until = time.time() + 5", "clock of this process"),
        ("runs/signals.py", "signals = request.app.state.signals", "untyped state"),
        ("limits/lifespan.py", "api.state.rates = 1", "untyped state"),
        ("core/middleware.py", "request.state.id = 1", "untyped state"),
        ("core/middleware.py", "x = request.state.id  # grammar: no", "untyped state"),
    ],
)
def test_a_breach_is_found(module: str, code: str, message: str) -> None:
    [violation] = lint.find_in_python(code, f"platform_api/{module}")
    assert message in violation.message


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("runs/endpoints.py", "from sqlalchemy.ext.asyncio import AsyncSession"),
        (
            "runs/endpoints.py",
            "from platform_api.runs.schemas import RunPage\nRunPage(count=a, next=b, previous=c, results=d)",
        ),
        (
            "runs/endpoints.py",
            "from platform_api.runs.schemas import Run\nRun.of(row, name=b, state=c, error=d, logs=e)",
        ),
        ("runs/endpoints.py", "CallFilter(a, b, c, d, e)"),
        ("runs/endpoints.py", "headers.get('accept')"),
        ("runs/service.py", "from sqlalchemy import select\nsession.scalar(select(Run.state))"),
        (
            "runs/service.py",
            "from platform_api.runs.schemas import RunWrite\nasync def f(body: RunWrite) -> Run: ...",
        ),
        ("runs/stream.py", "from fastapi import Request"),
        ("files/links.py", "time.time() >= content['until']"),
        ("work/watch.py", "looked = time.monotonic()"),
        ("core/database.py", "await session.commit()"),
        ("core/services.py", "services = connection.app.state.services"),
        ("app.py", "from platform_api.runs.endpoints import router\napi.state.services = 1"),
        ("runs/service.py", "select(Run).where(Run.state.in_(states), run.state == 1)"),
        ("csv/importing.py", "# grammar: a dry run undoes its savepoint\nawait savepoint.rollback()"),
        ("csv/importing.py", "await savepoint.rollback()  # grammar: a dry run is undone"),
    ],
)
def test_what_follows_the_grammar_is_left_alone(module: str, code: str) -> None:
    assert lint.find_in_python(code, f"platform_api/{module}") == []


def test_a_folder_that_is_too_full_is_found(tmp_path: Path) -> None:
    for number in range(lint.MAX_MODULES):
        (tmp_path / f"module_{number}.py").write_text("")
    (tmp_path / "__init__.py").write_text("")
    assert lint.find_in_directory(tmp_path) == []
    (tmp_path / "one_more.py").write_text("")
    [violation] = lint.find_in_directory(tmp_path)
    assert "holds 16 modules" in violation.message


def test_the_control_plane_follows_the_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint.main([]) == 0


def test_what_is_found_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "service.py").write_text("x = 1\nsession.rollback()\n")
    assert lint.main([str(tmp_path)]) == 1
    assert "service.py:2: `rollback` outside" in capsys.readouterr().out
