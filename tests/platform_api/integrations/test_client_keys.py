"""OAuth clients that sign instead of telling a secret, with a provider on loopback that verifies what they sign."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from pydantic import ValidationError

from platform_api.integrations.definitions.definition import OAuth2Auth
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

RSA = rsa.generate_private_key(65537, 2048)
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return str(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode())


@dataclass
class Verifier:
    """A token endpoint that gives a token to whoever signs with the registered key, and takes no assertion twice."""

    key: Any
    url: str = ""
    audience: str = ""
    seen: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, Any]] = field(default_factory=list)

    async def token(self, request: web.Request) -> web.Response:
        text = await request.text()
        is_json = request.content_type == "application/json"
        fields = json.loads(text) if is_json else {name: value for name, [value] in parse_qs(text).items()}
        self.asked.append(fields)
        assert request.headers.get("Authorization") is None
        try:
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            assert fields["client_assertion_type"] == kind
            token = jwt.decode(fields["client_assertion"], self.key, algorithms=ALGORITHMS)
            claims = token.claims
            assert claims["iss"] == claims["sub"] == fields["client_id"] == "the-client"
            assert claims["aud"] == (self.audience or f"{self.url}/token")
            assert time.time() - 120 <= claims["iat"] <= time.time() + 5 and claims["exp"] - claims["iat"] <= 300
            assert claims["jti"] not in self.seen
            self.seen.add(claims["jti"])
            self.headers.append(token.header)
        except (JoseError, AssertionError, KeyError):
            return web.json_response({"error": "invalid_client"}, status=401)
        return web.json_response({"access_token": f"access-{len(self.seen)}", "expires_in": 60})

    async def call(self, request: web.Request) -> web.Response:
        is_good = request.headers.get("Authorization") == f"Bearer access-{len(self.seen)}"
        return web.json_response({}, status=200 if is_good else 401)


@asynccontextmanager
async def verifier(key: Any) -> AsyncIterator[Verifier]:
    running = Verifier(key)
    app = web.Application()
    app.router.add_post("/token", running.token)
    app.router.add_get("/api", running.call)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    running.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield running
    finally:
        await runner.cleanup()


async def _define(platform: Platform, caller: Caller, url: str, **auth: Any) -> None:
    declared = {
        "id": "signed",
        "name": "Signed",
        "base_url": url,
        "auth": {
            "type": "oauth2",
            "grant": "client_credentials",
            "token_url": f"{url}/token",
            "client_authentication": "private_key_jwt",
            **auth,
        },
    }
    async with platform.client(caller) as client:
        made = await client.post("/api/integrations/", json=declared)
        assert made.status_code == 201, made.text


async def _client(platform: Platform, caller: Caller, secret: str) -> tuple[int, str]:
    async with platform.client(caller) as client:
        body = {"client_id": "the-client", "client_secret": secret}
        answer = await client.put("/api/integrations/signed/oauth/client/", json=body)
        return answer.status_code, answer.text


async def _connect_and_call(platform: Platform, caller: Caller) -> None:
    async with platform.client(caller) as client:
        made = await client.post("/api/integrations/signed/connections/", json={"name": "us"})
        assert made.status_code == 201, made.text
        for _ in range(2):
            called = await client.post("/api/integrations/signed/call/", json={"endpoint": "/api"})
            assert called.json()["api_response"]["ok"], called.text


@pytest.mark.parametrize(
    ("key", "written", "auth", "algorithm"),
    [
        (RSA, pem(RSA), {}, "RS256"),
        (RSA, "\n" + pem(RSA, PrivateFormat.TraditionalOpenSSL) + "\n", {"token_body": "json"}, "RS256"),
        (RSA, pem(RSA), {"assertion_algorithm": "PS384"}, "PS384"),
        (P256, pem(P256), {"token_params": {"audience": "x"}}, "ES256"),
        (P384, pem(P384), {"assertion_algorithm": "ES384"}, "ES384"),
        (RSA, json.dumps({**RSAKey.import_key(RSA).as_dict(private=True), "kid": "key-1"}), {}, "RS256"),
        (P256, json.dumps({**ECKey.import_key(P256).as_dict(private=True), "kid": "key-1"}), {}, "ES256"),
    ],
    ids=["rsa", "rsa as json", "ps384", "p-256", "p-384", "rsa jwk", "p-256 jwk"],
)
async def test_a_client_proves_itself_by_its_signature(
    shared_platform: Platform, key: Any, written: str, auth: dict[str, Any], algorithm: str
) -> None:
    public = (RSAKey if key is RSA else ECKey).import_key(key.public_key())
    async with verifier(public) as provider:
        caller = await shared_platform.create_caller()
        await _define(shared_platform, caller, provider.url, **auth)
        status, said = await _client(shared_platform, caller, written)
        assert status == 200 and "PRIVATE" not in said
        await _connect_and_call(shared_platform, caller)
    [header] = provider.headers
    assert header["alg"] == algorithm and header.get("kid") == ("key-1" if written.startswith("{") else None)
    sent = json.dumps(provider.asked)
    assert "client_secret" not in sent and "PRIVATE KEY" not in sent


async def test_the_audience_may_be_the_providers_name(shared_platform: Platform) -> None:
    async with verifier(RSAKey.import_key(RSA.public_key())) as provider:
        provider.audience = "https://issuer.example"
        caller = await shared_platform.create_caller()
        await _define(shared_platform, caller, provider.url, assertion_audience="https://issuer.example")
        await _client(shared_platform, caller, pem(RSA))
        await _connect_and_call(shared_platform, caller)


async def test_a_key_that_is_not_registered_gives_no_connection(shared_platform: Platform) -> None:
    async with verifier(RSAKey.import_key(RSA.public_key())) as provider:
        caller = await shared_platform.create_caller()
        await _define(shared_platform, caller, provider.url)
        await _client(shared_platform, caller, pem(rsa.generate_private_key(65537, 2048)))
        async with shared_platform.client(caller) as client:
            made = await client.post("/api/integrations/signed/connections/", json={"name": "us"})
    assert (made.status_code, "invalid_client" in made.text) == (422, True), made.text


@pytest.mark.parametrize(
    ("written", "auth", "said"),
    [
        ("a plain secret", {}, "a private key must be PEM"),
        (RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), {}, "must be PEM"),
        (pem(ed25519.Ed25519PrivateKey.generate()), {}, "RSA or EC"),
        (pem(ec.generate_private_key(ec.SECP256K1())), {}, "RSA or EC"),
        (pem(rsa.generate_private_key(65537, 1024)), {}, "at least 2048 bits"),
        (
            RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")).decode(),
            {},
            "without a password",
        ),
        (json.dumps(RSAKey.import_key(RSA).as_dict(private=False)), {}, "a public key"),
        (json.dumps({"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB"}), {}, "at least 2048 bits"),
        (json.dumps({"kty": "RSA", "n": 7, "e": []}), {}, "incomplete"),
        (json.dumps({"kty": "oct", "k": "AAAA"}), {}, "RSA or EC"),
        (json.dumps({"kty": "EC", "crv": "P-256"}), {}, "incomplete"),
        ("{", {}, "JSON object"),
        (pem(RSA), {"assertion_algorithm": "ES256"}, "not with ES256"),
        (pem(P256), {"assertion_algorithm": "ES384"}, "not with ES384"),
    ],
    ids=lambda value: "",  # keys are new each time, and names must not be
)
async def test_what_is_no_key_is_refused_when_it_is_stored(
    shared_platform: Platform, written: str, auth: dict[str, Any], said: str
) -> None:
    caller = await shared_platform.create_caller()
    await _define(shared_platform, caller, "http://127.0.0.1:9", **auth)
    status, told = await _client(shared_platform, caller, written)
    assert (status, said in told) == (422, True), told
    assert written.strip()[30:80] not in told or len(written) < 80
    async with shared_platform.client(caller) as client:
        assert (await client.get("/api/integrations/signed/oauth/client/")).json()["client_id"] is None


async def test_another_organization_sets_a_client_of_its_own_only(shared_platform: Platform) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    await _define(shared_platform, owner, "http://127.0.0.1:9")
    assert (await _client(shared_platform, owner, pem(RSA)))[0] == 200
    assert (await _client(shared_platform, stranger, pem(P256)))[0] == 404
    await _define(shared_platform, stranger, "http://127.0.0.1:9")
    async with shared_platform.client(stranger) as client:
        assert (await client.get("/api/integrations/signed/oauth/client/")).json()["client_id"] is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_authentication": "basic", "assertion_algorithm": "RS256"}, "need `private_key_jwt`"),
        ({"client_authentication": "post", "assertion_audience": "x"}, "need `private_key_jwt`"),
        ({"assertion_algorithm": "none"}, "assertion_algorithm"),
        ({"assertion_algorithm": "HS256"}, "assertion_algorithm"),
        ({"token_params": {"client_assertion": "x"}}, "sent by the platform"),
        (
            {
                "grant": "authorization_code",
                "authorize_url": "https://x.example/a",
                "exchange": {
                    "url": "https://x.example/e",
                    "params": {"t": "{access_token}", "s": "{client_secret}"},
                },
            },
            "must not send",
        ),
    ],
)
def test_a_proof_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    good = {
        "type": "oauth2",
        "grant": "client_credentials",
        "token_url": "https://x.example/t",
        "client_authentication": "private_key_jwt",
    }
    OAuth2Auth.model_validate(good)
    with pytest.raises(ValidationError, match=said):
        OAuth2Auth.model_validate(good | changes)
