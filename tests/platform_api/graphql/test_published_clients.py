"""What the published clients can read of a GraphQL answer (contract §7)."""

import orjson
import pytest

from platform_api.core.errors import Unavailable
from platform_api.graphql.published_clients import adapt_answer


def test_an_answer_without_errors_keeps_its_bytes() -> None:
    body = b'{"data" : {"a": 1.10}}'
    assert adapt_answer(200, body) is body


def test_code_and_path_of_an_error_go_into_its_message() -> None:
    error = {
        "message": "field 'x' not found in type: 'query_root'",
        "extensions": {"path": "$.selectionSet.x", "code": "validation-failed"},
    }
    adapted = orjson.loads(adapt_answer(200, orjson.dumps({"errors": [error]})))
    assert adapted["data"] is None
    [shown] = adapted["errors"]
    assert shown["message"] == f"{error['message']} (validation-failed at $.selectionSet.x)"
    assert shown["extensions"] == error["extensions"]


def test_every_item_of_an_errors_path_becomes_text() -> None:
    error = {"message": "m", "path": ["orders", 0, "id"], "locations": [{"line": 1, "column": 2}]}
    [shown] = orjson.loads(adapt_answer(200, orjson.dumps({"errors": [error], "data": {"a": None}})))["errors"]
    assert shown == {"message": "m", "path": ["orders", "0", "id"], "locations": [{"line": 1, "column": 2}]}


@pytest.mark.parametrize(("status", "body"), [(502, b"<html>"), (500, b'{"error": "x"}'), (200, b"[]"), (200, b"")])
def test_what_is_no_graphql_answer_is_unavailable(status: int, body: bytes) -> None:
    with pytest.raises(Unavailable):
        adapt_answer(status, body)


def test_numbers_beside_errors_keep_their_digits() -> None:
    numbers = b"[12345678901234567.89,123456789012345678901234567890,1e-30,1.10]"
    adapted = adapt_answer(200, b'{"data":{"a":' + numbers + b'},"errors":[{"message":"m"}]}')
    assert numbers in adapted
