"""Every error that the engine can give, as data: `cases/*.yaml`, one a line.

Each case: `query` with `variables`, or a `batch` of such, to `/v1/graphql` (`over: websocket` there), or `type` with
`args` to `/v1/metadata`, or `post` with `json` or `body`, or `get`; the `role` (else the admin) and `session`, or all
`headers`; the `engine` (else the usual one); and the `path`, `code` and `message` of the one error it is answered
with, with `status` where that is not 200 (GraphQL) or 400 (the others). A refusal changes nothing, so no case is in
the way of another.
"""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from hasura.engine.sql import database_errors
from tests.hasura.engine.errors.asking import ask, expected_of
from tests.hasura.engine.errors.conftest import Engines
from tests.hasura.engine.errors.sites import find_sites, recorded, unreached
from tests.yaml_files import load_yaml

_HERE = Path(__file__).parent
_CASES = {path.stem: load_yaml(path) for path in sorted((_HERE / "cases").glob("*.yaml"))}


def _params() -> list[Any]:
    return [
        pytest.param(case, id=f"{name}-{number}-{case['code']}")
        for name, cases in _CASES.items()
        for number, case in enumerate(cases, start=1)
    ]


@pytest.mark.parametrize("case", _params())
def test_error_has_the_place_code_and_message_written_down(case: dict[str, Any], engines: Engines) -> None:
    assert ask(case, engines.named(case.get("engine", "usual"))) == expected_of(case)


def test_every_place_that_makes_an_error_is_reached_by_a_case(engines: Engines) -> None:
    reasons: dict[str, str] = load_yaml(_HERE / "unreached.yaml")
    sites, lines = find_sites(), set[tuple[str, int]]()

    with recorded(lines):
        for cases in _CASES.values():
            for case in cases:
                ask(case, engines.named(case.get("engine", "usual")))

    missing = {site.name for site in unreached(sites, lines)}
    assert sorted(missing - reasons.keys()) == [], "add a case for each, or the reason why a request cannot reach it"
    assert sorted(reasons.keys() - missing) == [], "these are reached: take them from unreached.yaml"


def test_every_state_that_is_told_apart_has_a_case() -> None:
    written = ast.walk(ast.parse(Path(database_errors.__file__).read_text()))
    texts = {node.value for node in written if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    told_apart = {text for text in texts if re.fullmatch(r"[0-9][0-9A-Z]{4}", text)}

    tried = {state for case in _CASES["states"] for state in re.findall(r"[0-9][0-9A-Z]{4}", case["query"])}

    assert told_apart
    assert told_apart <= tried
