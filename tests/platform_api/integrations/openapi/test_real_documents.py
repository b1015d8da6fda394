"""Descriptions of APIs as their services publish them, imported from beginning to end."""

import resource
from pathlib import Path

import pytest

from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

_MAX_CPU_SECONDS = 5.0
_REPOSITORY = Path(__file__).resolve().parents[4]
_FOLDERS = [parent / "shared" / "openapi" for parent in _REPOSITORY.parents]
_FOLDER = next(filter(Path.is_dir, _FOLDERS), None)


@pytest.mark.slow
@pytest.mark.skipif(_FOLDER is None, reason="there is no folder ../shared/openapi with published documents")
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("xero-accounting.yaml", 235),
        ("pagerduty.json", 465),
        ("slack.json", 174),
        ("zoom.json", 155),
        ("discord31.json", 242),
        ("square.json", 316),
        ("spotify.yml", 96),
        ("plaid.yml", 329),
    ],
)
async def test_a_published_document_is_imported(shared_platform: Platform, name: str, count: int) -> None:
    assert _FOLDER is not None
    text = (_FOLDER / name).read_text()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    async with shared_platform.client(await shared_platform.create_caller(), timeout=60) as client:
        answer = await client.post("/api/integrations/import/", json={"document": text})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer.status_code == 200, answer.text[:1_000]
    imported = answer.json()
    assert (imported["operation_count"], imported["is_new"]) == (count, True)
    assert imported["definition"]["base_url"].startswith("https://")
    assert imported["definition"]["auth"]["type"] != "none"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < _MAX_CPU_SECONDS
    if name == "plaid.yml":
        assert [key["name"] for key in imported["definition"]["auth"]["keys"]] == [
            "PLAID-CLIENT-ID",
            "PLAID-SECRET",
            "Plaid-Version",
        ]
