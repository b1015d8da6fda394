"""Every error that the engine can give, as data: `cases/*.yaml`, one a line.

Each case: `query` with `variables`, or `type` with `args` of `/v1/metadata`; the `role` (else the admin); and the
`path`, `code` and `message` of the one error it is answered with, with `status` where that is not 200 (GraphQL) or
400 (metadata).
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.hasura.engine.serving.conftest import Served

_CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def _load() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}-{number}-{case['code']}")
        for path in _CASES
        for number, case in enumerate(yaml.safe_load(path.read_text()), start=1)
    ]


@pytest.mark.parametrize("case", _load())
def test_error_has_the_place_code_and_message_written_down(case: dict[str, Any], refusing: Served) -> None:
    headers = refusing.admin_headers(X_Hasura_Role=case.get("role", "admin"))
    expected = {name: case[name] for name in ("path", "code", "message")}

    if "query" in case:
        payload = {"query": case["query"], "variables": case.get("variables", {})}
        answer = refusing.client.post("/v1/graphql", json=payload, headers=headers)
        (error,) = answer.json()["errors"]
        found = {"message": error["message"], **error["extensions"]}
    else:
        payload = {"type": case["type"], "args": case["args"]}
        answer = refusing.client.post("/v1/metadata", json=payload, headers=headers)
        found = answer.json()
        found["message"] = found.pop("error")

    found.pop("internal", None)
    assert found == expected
    assert answer.status_code == case.get("status", 200 if "query" in case else 400)
