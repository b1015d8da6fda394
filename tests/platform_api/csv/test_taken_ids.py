"""Lines of a file whose id another organization has taken: rejected in the words for any id that is taken."""

import uuid
from typing import Any

import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.csv.working import open_shop

pytestmark = pytest.mark.anyio

TAKEN = "this id is taken: leave it out, or give another one"


def _outcome(job: dict[str, Any]) -> tuple[int, int, int, list[str]]:
    result = job["import_result"]
    reasons = [error["reason"] for error in result["errors"]]
    return result["inserted"], result["updated"], result["skipped"], reasons


async def test_a_foreign_id_is_rejected_like_any_that_is_taken(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform, is_public=True)
    other = await shared_platform.create_caller()
    await shared_platform.install(shop.app, other)
    await shop.import_("sku\nforeign\n")
    await shop.import_("sku\nown\n", caller=other)
    [foreign], [own] = await shop.rows(), await shop.rows(caller=other)
    new = uuid.uuid4()
    file = f"id,sku\n{foreign['id']},a\n{own['id']},b\n{new},c\n"

    plain = await shop.import_(file, caller=other)
    assert _outcome(plain) == (1, 0, 0, [TAKEN, TAKEN])
    skipping = await shop.import_(file, caller=other, on_conflict={"columns": ["id"], "action": "skip"})
    assert _outcome(skipping) == (0, 0, 3, [])
    # What was not written is said, not only counted.
    updating = await shop.import_(file, caller=other, on_conflict={"columns": ["id"]})
    assert _outcome(updating) == (0, 2, 0, [TAKEN])
    assert str(foreign["id"]) in (await shop.download(updating["rejected_file"], caller=other)).decode()

    assert [row["sku"] for row in await shop.rows()] == ["foreign"]
    assert sorted(row["sku"] for row in await shop.rows(caller=other)) == ["b", "c"]
