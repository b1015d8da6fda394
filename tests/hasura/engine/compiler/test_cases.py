"""Requests and their answers, as data: `cases/*.yaml`.

Each case: `name`, `query`, and `data` or `errors`; optionally `role`, `session`, `variables` and `sql`, the
statements it must compile to (white space aside).
"""

from pathlib import Path
from typing import Any

import pytest

from tests.hasura.engine.compiler.conftest import Compiler
from tests.yaml_files import load_yaml

_CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def _load() -> list[Any]:
    found = []
    for path in _CASES:
        for case in load_yaml(path):
            found.append(pytest.param(case, id=f"{path.stem}: {case['name']}"))
    return found


@pytest.mark.parametrize("case", _load())
def test_request_is_answered_as_written_down(case: dict[str, Any], compiler: Compiler) -> None:
    outcome = compiler.run(
        case["query"], variables=case.get("variables"), role=case.get("role", "admin"), session=case.get("session")
    )

    if "errors" in case:
        assert outcome.body == {"errors": case["errors"]}
    else:
        assert outcome.body == {"data": case["data"]}
    if "sql" in case:
        expected = case["sql"] if isinstance(case["sql"], list) else [case["sql"]]
        assert [" ".join(text.split()) for text in outcome.statements] == [
            " ".join(text.split()) for text in expected
        ]
