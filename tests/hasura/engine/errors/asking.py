"""Asks engines for a refusal, in each of the ways in which a client can ask."""

import json
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import import_key
from websockets.sync.client import connect

from tests.hasura.engine.serving.conftest import Served

JWT_KEY = "a key of thirty-two bytes, or more"
# What the answer is expected to hold.
_EXPECTED = ("path", "code", "message")


def expected_of(case: dict[str, Any]) -> dict[str, Any]:
    """The refusal that a case writes down."""
    usual = 200 if "query" in case or "batch" in case else 400
    return {name: case[name] for name in _EXPECTED} | {"status": case.get("status", usual)}


def ask(case: dict[str, Any], served: Served) -> dict[str, Any]:
    """The refusal that a case meets."""
    if case.get("over") == "websocket":
        return _ask_websocket(case, served)
    if "planned_with" in case:
        # The plan is made with other variables, which the database refuses.
        _answer({**case, "variables": case["planned_with"]}, served)
    answer = _answer(case, served)
    return {**_refusal(answer.json()), "status": answer.status_code}


def _headers(case: dict[str, Any], served: Served) -> dict[str, str]:
    if "claims" in case:
        token = jwt.encode({"alg": "HS256"}, case["claims"], import_key(JWT_KEY, "oct"))
        return {"Authorization": f"Bearer {token}", **case.get("headers", {})}
    if "headers" in case:
        return {name: str(value) for name, value in case["headers"].items()}
    return served.admin_headers(X_Hasura_Role=case.get("role", "admin"), **case.get("session", {}))


def _answer(case: dict[str, Any], served: Served) -> httpx.Response:
    headers = _headers(case, served)
    if "get" in case:
        return served.client.get(case["get"], headers=headers)
    if "body" in case:
        return served.client.post(case["post"], content=_body(case["body"]), headers=headers)
    if "post" in case:
        return served.client.post(case["post"], json=case["json"], headers=headers)
    if "type" in case:
        payload = {"type": case["type"], "args": case["args"]}
        return served.client.post("/v1/metadata", json=payload, headers=headers)
    return served.client.post("/v1/graphql", json=_payload(case), headers=headers)


def _body(written: Any) -> bytes:
    if not isinstance(written, dict):
        return str(written).encode()
    if "hex" in written:
        return bytes.fromhex(written["hex"])
    middle = "".join(written["part"].replace("#", str(number)) for number in range(written["times"]))
    return (written.get("before", "") + middle + written.get("after", "")).encode()


def _payload(case: dict[str, Any]) -> Any:
    names = ("query", "variables", "operationName")
    return case["batch"] if "batch" in case else {name: case[name] for name in names if name in case}


def _refusal(body: Any) -> dict[str, Any]:
    if isinstance(body, list):
        (body,) = (item for item in body if "errors" in item or "error" in item)
    if "errors" in body:
        (error,) = body["errors"]
        return _plain({"message": error["message"], **error["extensions"]})
    return _plain({"message": body["error"], **body})


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in _EXPECTED}


def _ask_websocket(case: dict[str, Any], served: Served) -> dict[str, Any]:
    url = served.websocket_url
    with connect(url, subprotocols=["graphql-transport-ws"], additional_headers=_headers(case, served)) as socket:  # type: ignore[list-item]  # a plain text is a subprotocol
        socket.send(json.dumps({"type": "connection_init"}))
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": _payload(case)}))
        while True:
            message = json.loads(socket.recv(timeout=240))
            if message["type"] == "error":
                return {**_refusal({"errors": message["payload"]}), "status": 200}
            if message["type"] == "next":
                return {**_refusal(message["payload"]), "status": 200}
