"""A hostile document costs little, and whoever waits for others' documents outlasts them."""

import time
from typing import Any

import pytest

from automio import _integration_import
from platform_api.integrations.openapi import process
from platform_api.integrations.openapi.description.yaml_data import YamlReader
from tests.platform_api.integrations.openapi.describing import described


def read(text: str) -> tuple[Any, list[str]]:
    remarks: list[str] = []
    value = YamlReader(text, remark=lambda _, remark: remarks.append(remark), tell=lambda *_: None).read()
    return value, remarks


def test_aliases_of_aliases_as_a_key_cost_nothing() -> None:
    levels = "".join(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, 22))
    began = time.process_time()
    value, remarks = read(f"a0: &a0 [x, x]\n{levels}? *a21\n: 1\n")
    assert time.process_time() - began < 0.3
    assert value["(list)"] == 1
    assert remarks == ["a list stands there as a key, which JSON does not have"]


@pytest.mark.parametrize(
    ("text", "key"), [("? [1, 2]\n: x", "(list)"), ("? {a: 1}\n: x", "(mapping)"), ("? &n 7\n: x", "7")]
)
def test_a_key_is_a_text(text: str, key: str) -> None:
    assert read(text)[0] == {key: "x"}


def test_an_alias_of_a_number_as_a_key_is_its_text() -> None:
    assert read("a: &n 7\n*n : x")[0] == {"a": 7, "7": "x"}


@pytest.mark.parametrize(
    "use",
    [
        "paths: {/a: {get: {parameters: [{name: q, in: *a21}]}}}",
        "components: {securitySchemes: {o: {type: oauth2, flows: {password: {tokenUrl: 'https://a.example', "
        "scopes: [*a21]}}}}}"
        "\npaths: {/a: {get: {security: [{o: []}]}}}",
    ],
)
def test_aliases_of_aliases_in_the_place_of_a_word_cost_nothing(use: str) -> None:
    levels = "".join(f"  a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, 22))
    began = time.process_time()
    described(
        "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\nservers: [{url: 'https://shop.example'}]\n"
        f"x-bomb:\n  a0: &a0 [x, x]\n{levels}{use}\n"
    )
    assert time.process_time() - began < 0.5


def test_the_wait_outlasts_what_is_under_way_and_the_client_outlasts_both() -> None:
    assert process._WAIT_SECONDS >= process._DEADLINE_SECONDS + 10
    assert _integration_import._TIMEOUT_SECONDS > process._WAIT_SECONDS + process._DEADLINE_SECONDS
