"""Verifies JWTs (HASURA_GRAPHQL_JWT_SECRET): keys, claims, session variables, as Hasura documents them."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import Key, KeySet, KeySetSerialization, import_key
from joserfc.jwt import JWTClaimsRegistry

from hasura.engine.errors import AccessDenied
from hasura.engine.session import ADMIN_ROLE, ROLE_VARIABLE, Session
from hasura.engine.transport.asgi import Headers

_NAMESPACE = "https://hasura.io/jwt/claims"
_ALGORITHMS = (
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
    "EdDSA", "Ed25519",
)  # fmt: skip
_JWK_REFRESH_SECONDS = 60.0
_ALLOWED_ROLES = "x-hasura-allowed-roles"
_DEFAULT_ROLE = "x-hasura-default-role"


# The names that Hasura's library gives to what ours refuses, by claim.
_REFUSED_CLAIMS = {
    "nbf": "JWTNotYetValid",
    "iat": "JWTIssuedAtFuture",
    "aud": "JWTNotInAudience",
    "iss": "JWTNotInIssuer",
}


def _reason(error: Exception) -> str:
    if isinstance(error, ExpiredTokenError):
        return "JWTExpired"
    if isinstance(error, BadSignatureError):
        return "JWSError JWSInvalidSignature"
    if isinstance(error, ClaimError):
        return _REFUSED_CLAIMS.get(error.claim, f"the claim '{error.claim}' is not valid")
    return str(getattr(error, "error", error))


def _invalid(message: str) -> AccessDenied:
    return AccessDenied(message, code="invalid-jwt", status=401)


def _invalid_claim(message: str) -> AccessDenied:
    return AccessDenied(message, code="jwt-invalid-claims", status=401)


@dataclass
class JwtVerifier:
    """Holds one JWT configuration with its keys."""

    key: Key | None = None
    jwk_url: str | None = None
    algorithms: tuple[str, ...] = _ALGORITHMS
    claims_namespace: str = _NAMESPACE
    claims_namespace_path: str | None = None
    claims_format: str = "json"
    claims_map: dict[str, Any] | None = None
    audience: list[str] | None = None
    issuer: str | None = None
    allowed_skew: int = 0
    header: dict[str, str] = field(default_factory=lambda: {"type": "Authorization"})
    _key_set: KeySet | None = None
    _keys_until: float = 0.0
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def from_json(cls, text: str) -> "JwtVerifier":
        """Reads HASURA_GRAPHQL_JWT_SECRET. Raises ValueError that says what is wrong with it."""
        try:
            value = json.loads(text)
        except json.JSONDecodeError as exc:
            raise ValueError(f"HASURA_GRAPHQL_JWT_SECRET is not JSON: {exc}") from exc
        if not isinstance(value, dict) or not (("type" in value and "key" in value) or "jwk_url" in value):
            raise ValueError('HASURA_GRAPHQL_JWT_SECRET needs "type" and "key", or "jwk_url"')
        audience = value.get("audience")
        verifier = cls(
            jwk_url=value.get("jwk_url"),
            claims_namespace=value.get("claims_namespace", _NAMESPACE),
            claims_namespace_path=value.get("claims_namespace_path"),
            claims_format=value.get("claims_format", "json"),
            claims_map=value.get("claims_map"),
            audience=[audience] if isinstance(audience, str) else audience,
            issuer=value.get("issuer"),
            allowed_skew=int(value.get("allowed_skew", 0)),
            header=value.get("header") or {"type": "Authorization"},
        )
        if "key" in value:
            algorithm = str(value["type"])
            if algorithm not in _ALGORITHMS:
                raise ValueError(f"HASURA_GRAPHQL_JWT_SECRET: type is one of {', '.join(_ALGORITHMS)}")
            verifier.key = _import_key(value["key"], algorithm)
            verifier.algorithms = ("EdDSA", "Ed25519") if algorithm.startswith("Ed") else (algorithm,)
        return verifier

    @property
    def missing_message(self) -> str:
        """Returns the message to a caller without a token."""
        match self.header.get("type"):
            case "Cookie":
                return f"Missing cookie '{self.header.get('name')}' in JWT authentication mode"
            case "CustomHeader":
                return f"Missing '{self.header.get('name')}' header in JWT authentication mode"
            case _:
                return "Missing 'Authorization' or 'Cookie' header in JWT authentication mode"

    def token_in(self, headers: Headers) -> str | None:
        """Returns the token where the configuration says that it is."""
        match self.header.get("type"):
            case "Cookie":
                name = re.escape(self.header["name"])
                cookie = re.search(rf"(?:^|;)\s*{name}=([^;]*)", headers.get("cookie", ""))
                return cookie.group(1) if cookie else None
            case "CustomHeader":
                return headers.get(self.header["name"].lower())
            case _:
                scheme, _, token = headers.get("authorization", "").partition(" ")
                return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    async def session(self, token: str, headers: Headers) -> Session:
        """Returns the session that the token's claims allow; `x-hasura-role` chooses among its roles.

        Raises AccessDenied (invalid-jwt, jwt-invalid-claims, jwt-missing-role-claims, access-denied).
        """
        try:
            decoded = jwt.decode(token, await self._keys(), algorithms=list(self.algorithms))
            self._registry().validate(decoded.claims)
        except (JoseError, ValueError) as exc:
            raise _invalid(f"Could not verify JWT: {_reason(exc)}") from exc
        variables = self._variables(decoded.claims)
        return _choose_role(variables, headers)

    def _registry(self) -> JWTClaimsRegistry:
        options: dict[str, Any] = {}
        if self.audience is not None:
            options["aud"] = {"essential": True, "values": self.audience}
        if self.issuer is not None:
            options["iss"] = {"essential": True, "value": self.issuer}
        return JWTClaimsRegistry(leeway=self.allowed_skew, **options)

    async def _keys(self) -> Key | KeySet:
        if self.key is not None:
            return self.key
        if self._key_set is None or time.monotonic() >= self._keys_until:
            async with self._fetching:
                if self._key_set is None or time.monotonic() >= self._keys_until:
                    await self._fetch_keys()
        assert self._key_set is not None
        return self._key_set

    async def _fetch_keys(self) -> None:
        assert self.jwk_url is not None
        timeout = aiohttp.ClientTimeout(total=10)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as client, client.get(self.jwk_url) as reply:
                reply.raise_for_status()
                keys: KeySetSerialization = await reply.json(content_type=None)
                max_age = re.search(r"(?:s-maxage|max-age)=(\d+)", reply.headers.get("Cache-Control", ""))
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            if self._key_set is not None:
                # The provider cannot be reached: the keys that we have stay valid a little longer.
                self._keys_until = time.monotonic() + 10
                return
            raise _invalid("Could not verify JWT: the signing keys cannot be fetched") from exc
        self._key_set = KeySet.import_key_set(keys)
        lifetime = float(max_age.group(1)) if max_age else _JWK_REFRESH_SECONDS
        self._keys_until = time.monotonic() + max(lifetime, 1.0)

    def _variables(self, claims: dict[str, Any]) -> dict[str, Any]:
        if self.claims_map is not None:
            return {name.lower(): _mapped(claims, rule) for name, rule in self.claims_map.items()}
        variables = (
            _at_path(claims, self.claims_namespace_path)
            if self.claims_namespace_path is not None
            else claims.get(self.claims_namespace)
        )
        where = self.claims_namespace_path or self.claims_namespace
        if variables is None:
            raise _invalid_claim(f"claims key: '{where}' not found")
        if self.claims_format == "stringified_json" and isinstance(variables, str):
            try:
                variables = json.loads(variables)
            except json.JSONDecodeError as exc:
                raise _invalid_claim("claims are not JSON") from exc
        if not isinstance(variables, dict):
            raise _invalid_claim("claims are not an object")
        return {name.lower(): value for name, value in variables.items()}


def _import_key(text: str, algorithm: str) -> Key:
    match algorithm[:2]:
        case "HS":
            return import_key(text, "oct")
        case "ES":
            return import_key(text, "EC")
        case "Ed":
            return import_key(text, "OKP")
        case _:
            return import_key(text, "RSA")


def _at_path(claims: Any, path: str) -> Any:
    """Returns what Hasura's JSON path leads to: `$`, `$.a.b`, `$['odd key'].c[0]`."""
    value = claims
    for plain, quoted, index in re.findall(r"\.?([A-Za-z_][\w-]*)|\['([^']*)'\]|\[(\d+)\]", path.removeprefix("$")):
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif not index and isinstance(value, dict):
            value = value.get(plain or quoted)
        else:
            return None
    return value


def _mapped(claims: dict[str, Any], rule: Any) -> Any:
    if isinstance(rule, dict) and "path" in rule:
        value = _at_path(claims, rule["path"])
        return rule.get("default") if value is None else value
    return rule


def _choose_role(claims: dict[str, Any], headers: Headers) -> Session:
    allowed, default = claims.get(_ALLOWED_ROLES), claims.get(_DEFAULT_ROLE)
    for name in (_ALLOWED_ROLES, _DEFAULT_ROLE):
        if claims.get(name) is None:
            raise AccessDenied(f"JWT claim does not contain {name}", code="jwt-missing-role-claims", status=401)
    if not isinstance(allowed, list) or not all(isinstance(role, str) for role in allowed):
        raise _invalid_claim(f"invalid {_ALLOWED_ROLES}; should be a list of roles")
    if not isinstance(default, str):
        raise _invalid_claim(f"invalid {_DEFAULT_ROLE}; should be a role")
    role = headers.get(ROLE_VARIABLE, default)
    if role not in allowed:
        raise AccessDenied("Your requested role is not in allowed roles", status=401)
    variables = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in claims.items()
        if name.startswith("x-hasura-") and name not in (_ALLOWED_ROLES, _DEFAULT_ROLE)
    }
    variables[ROLE_VARIABLE] = role
    for name, value in variables.items():
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            raise _invalid_claim(f"invalid {name}; it has half of a surrogate pair") from exc
    return Session(role=role, variables=variables, is_admin=role == ADMIN_ROLE)
