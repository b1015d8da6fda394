"""Ways to store files that tests share."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from platform_api.apps.models import App
from platform_api.files.lifespan import Files
from platform_api.files.models import FileLeftover
from tests.platform_api.conftest import Caller, Platform
from tests.waiting import eventually

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)


async def upload(
    platform: Platform,
    caller: Caller | None,
    app: App,
    content: bytes = b"a,b\n1,2\n",
    name: str = "report.csv",
    content_type: str | None = "text/csv",
    /,
    *,
    headers: dict[str, str] | None = None,
    **fields: str,
) -> httpx.Response:
    part = (name, content) if content_type is None else (name, content, content_type)
    async with platform.client(caller, headers=headers or {}) as client:
        return await client.post(f"/api/apps/{app.id}/files/", files={"file": part}, data=fields)


async def stored(platform: Platform, caller: Caller, app: App, /, *arguments: Any, **options: Any) -> dict[str, Any]:
    answer = await upload(platform, caller, app, *arguments, **options)
    assert answer.status_code == 201, answer.text
    file: dict[str, Any] = answer.json()
    return file


async def make_link(platform: Platform, caller: Caller, app: App, file_id: int, **body: Any) -> str:
    async with platform.client(caller) as client:
        answer = await client.post(f"/api/apps/{app.id}/files/{file_id}/link/", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


async def sweep(platform: Platform) -> None:
    """Removes every object that is due, also what the platform's own loop has at hand."""
    await platform.app.services[Files].sweeper.sweep()

    async def is_done() -> bool:
        async with platform.database.transaction() as session:
            due = select(func.count()).select_from(FileLeftover).where(FileLeftover.remove_after <= func.now())
            return await session.scalar(due) == 0

    await eventually(is_done)


def objects(directory: Path) -> list[Path]:
    """Everything that is stored, staging files too."""
    return sorted(path for path in directory.rglob("*") if path.is_file())


@pytest.fixture
def files_dir(tmp_path: Path) -> Path:
    return tmp_path / "files"
