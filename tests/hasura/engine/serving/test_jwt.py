"""JWT mode: algorithms, claims, where the token is, rotation of keys behind a URL."""

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.hasura.engine.serving.conftest import Served

Serve = Callable[..., Served]
NAMESPACE = "https://hasura.io/jwt/claims"
CLAIMS = {
    NAMESPACE: {
        "x-hasura-allowed-roles": ["user", "anonymous"],
        "x-hasura-default-role": "user",
        "x-hasura-user-id": "2",
    }
}
_HMAC_TEXT = "0123456789abcdef0123456789abcdef"
_HMAC = OctKey.import_key(_HMAC_TEXT)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def sign(claims: dict[str, Any], key: Any = _HMAC, algorithm: str = "HS256", **header: str) -> str:
    return jwt.encode({"alg": algorithm, **header}, claims, key, algorithms=[algorithm])


def hs256(**more: Any) -> str:
    return json.dumps({"type": "HS256", "key": _HMAC_TEXT, **more})


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        ("RS256", lambda: RSAKey.generate_key(2048)),
        ("ES256", lambda: ECKey.generate_key("P-256")),
        ("Ed25519", lambda: OKPKey.generate_key("Ed25519")),
    ],
)
def test_a_token_signed_with_a_private_key_is_accepted(serve: Serve, algorithm: str, make: Callable[[], Any]) -> None:
    key, stranger = make(), make()
    served = serve(jwt_secret=json.dumps({"type": algorithm, "key": key.as_pem(private=False).decode()}))
    assert served.graphql("{ article { id } }", headers=bearer(sign(CLAIMS, key, algorithm)))["data"] == {
        "article": [{"id": 3}]
    }
    refused = served.graphql("{ article { id } }", headers=bearer(sign(CLAIMS, stranger, algorithm)))
    assert refused["errors"][0]["extensions"]["code"] == "invalid-jwt"


def test_claims_decide_role_and_variables_not_headers(serve: Serve) -> None:
    served = serve(jwt_secret=hs256())
    headers = {**bearer(sign(CLAIMS)), "X-Hasura-User-Id": "1"}
    assert served.graphql("{ article { id } }", headers=headers)["data"] == {"article": [{"id": 3}]}
    other = served.graphql("{ article { id } }", headers={**headers, "X-Hasura-Role": "anonymous"})
    assert [row["id"] for row in other["data"]["article"]] == [1, 3]
    admin = served.graphql("{ article { id } }", headers={**headers, "X-Hasura-Role": "admin"})
    assert admin["errors"][0]["message"] == "Your requested role is not in allowed roles"


def test_expired_forged_and_unsigned_tokens_are_refused(serve: Serve) -> None:
    served = serve(jwt_secret=hs256())
    expired = sign({**CLAIMS, "exp": int(time.time()) - 10})
    unsigned = (
        ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({"alg": "none"}, CLAIMS)) + "."
    )
    for token, said in ((expired, "JWTExpired"), (unsigned, "Could not verify"), ("a.b.c", "Could not verify")):
        error = served.graphql("{ article { id } }", headers=bearer(token))["errors"][0]
        assert error["extensions"]["code"] == "invalid-jwt"
        assert said in error["message"]
    missing = served.graphql("{ article { id } }", headers={})["errors"][0]
    assert "Authorization" in missing["message"]


def test_audience_and_issuer_are_checked_when_configured(serve: Serve) -> None:
    served = serve(jwt_secret=hs256(audience=["shop"], issuer="https://id.example"))
    good = {**CLAIMS, "aud": "shop", "iss": "https://id.example"}
    assert served.graphql("{ article { id } }", headers=bearer(sign(good)))["data"]
    for bad in ({**good, "aud": "other"}, {**good, "iss": "https://evil.example"}, CLAIMS):
        assert "errors" in served.graphql("{ article { id } }", headers=bearer(sign(bad)))


def test_a_claims_map_takes_values_from_paths_and_literals(serve: Serve) -> None:
    mapping = {
        "x-hasura-allowed-roles": ["user"],
        "x-hasura-default-role": "user",
        "x-hasura-user-id": {"path": "$.user['the id']", "default": "1"},
    }
    served = serve(jwt_secret=hs256(claims_map=mapping))
    found = served.graphql("{ article { id } }", headers=bearer(sign({"user": {"the id": 2}})))
    assert found["data"] == {"article": [{"id": 3}]}
    default = served.graphql("{ article { id } }", headers=bearer(sign({})))
    assert [row["id"] for row in default["data"]["article"]] == [1, 2]


def test_a_cookie_may_carry_the_token(serve: Serve) -> None:
    served = serve(jwt_secret=hs256(header={"type": "Cookie", "name": "session"}))
    found = served.graphql("{ article { id } }", headers={"Cookie": f"a=b; session={sign(CLAIMS)}"})
    assert found["data"] == {"article": [{"id": 3}]}


@pytest.fixture
def key_server() -> Iterator[tuple[str, list[Any], list[int]]]:
    """Serves the public keys in a list; counts how often it was asked."""
    keys: list[Any] = []
    asked: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked.append(1)
            body = json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Cache-Control", "max-age=1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/jwks", keys, asked
    server.shutdown()
    server.server_close()


def test_keys_behind_a_url_are_cached_and_rotated(serve: Serve, key_server: tuple[str, list[Any], list[int]]) -> None:
    url, keys, asked = key_server
    old, new = (RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256"}) for kid in ("old", "new"))
    keys.append(old)
    served = serve(jwt_secret=json.dumps({"jwk_url": url}))
    token = sign(CLAIMS, old, "RS256", kid="old")
    began = time.monotonic()
    for _ in range(5):
        assert served.graphql("{ article { id } }", headers=bearer(token))["data"]
    # They may be kept for a second.
    assert len(asked) <= 1 + int(time.monotonic() - began)
    keys[:] = [new]
    time.sleep(1.1)
    rotated = sign(CLAIMS, new, "RS256", kid="new")
    assert served.graphql("{ article { id } }", headers=bearer(rotated))["data"]
    assert "errors" in served.graphql("{ article { id } }", headers=bearer(token))


def test_a_websocket_authenticates_by_its_first_message(serve: Serve) -> None:
    from websockets.sync.client import connect

    served = serve(jwt_secret=hs256())
    with connect(served.websocket_url, subprotocols=["graphql-transport-ws"], open_timeout=240) as socket:  # type: ignore[list-item]
        socket.send(json.dumps({"type": "connection_init", "payload": {"headers": bearer(sign(CLAIMS))}}))
        assert json.loads(socket.recv(30)) == {"type": "connection_ack"}
    assert served.client.get("/healthz").status_code == 200
