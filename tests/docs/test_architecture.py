"""The floors on the architecture page are those that import-linter holds."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"^`(?P<containers>[\w., ]+)`: (?P<name>[^\n]+)\n\n```text\n(?P<layers>.+?)\n```$", re.MULTILINE | re.DOTALL
)


def _contracts() -> dict[str, dict[str, list[str]]]:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {
        contract["name"]: {
            "containers": contract.get("containers", []),
            "layers": [_canonical(layer) for layer in contract["layers"]],
        }
        for contract in linter["contracts"]
        if contract["type"] == "layers"
    }


def _lists_of_the_page() -> dict[str, dict[str, list[str]]]:
    page = (ROOT / "docs" / "architecture.md").read_text()
    return {
        match["name"].strip(): {
            "containers": match["containers"].split(", "),
            "layers": [_canonical(line) for line in match["layers"].splitlines()],
        }
        for match in _BLOCK.finditer(page)
    }


def _canonical(layer: str) -> str:
    """Returns a layer with its members in alphabetical order, as their order on a line means nothing."""
    return " | ".join(sorted(member.strip() for member in re.split(r"[|:]", layer)))


def test_the_page_lists_every_layers_contract() -> None:
    assert _contracts(), "pyproject.toml has no layers contract"
    assert _lists_of_the_page().keys() == _contracts().keys()


@pytest.mark.parametrize("name", _contracts())
def test_a_list_of_the_page_is_the_contract(name: str) -> None:
    assert _lists_of_the_page()[name] == _contracts()[name]
