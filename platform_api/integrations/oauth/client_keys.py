"""Authenticates OAuth clients by a signature instead of a secret (`private_key_jwt`, RFC 7523).

The private key is stored in place of the secret and never leaves the platform.
"""

from base64 import urlsafe_b64decode
from binascii import Error as BinasciiError
from dataclasses import dataclass
from typing import Any

import orjson
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Providers reject assertions with a longer lifetime (SMART on FHIR: five minutes); clocks differ by less.
_LIFETIME_SECONDS = 300
_MIN_RSA_BITS = 2048
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_Key = RSAKey | ECKey


@dataclass(frozen=True, slots=True)
class ClientKey:
    """Holds a client's private key."""

    key: _Key
    algorithms: tuple[str, ...]
    """Algorithms that it can sign with, the default first."""
    key_id: str | None
    """The `kid` by which the provider knows it, when it was given as a JWK with one."""


def read_client_key(text: str) -> ClientKey:
    """Returns the private key of a PEM text or a JWK. Raises ValueError, saying what would be right."""
    if text.lstrip().startswith("{"):
        key, key_id = _read_jwk(text)
    else:
        key, key_id = _read_pem(text), None
    if not key.is_private:
        raise ValueError("this is a public key; give the private key, which the client signs with")
    return ClientKey(key, _algorithms(key), key_id)


def sign_assertion(key_text: str, *, client_id: str, audience: str, algorithm: str | None = None) -> str:
    """Returns a JWT that authenticates a client once. Raises ValueError for a key that does not fit `algorithm`."""
    client_key = read_client_key(key_text)
    algorithm = algorithm or client_key.algorithms[0]
    if algorithm not in client_key.algorithms:
        raise ValueError(f"this key signs with {' or '.join(client_key.algorithms)}, not with {algorithm}")
    signed: str = private_key_jwt_sign(
        client_key.key,
        client_id=client_id,
        token_endpoint=audience,
        alg=algorithm,
        header={} if client_key.key_id is None else {"kid": client_key.key_id},
        expires_in=_LIFETIME_SECONDS,
    )
    return signed


def _read_jwk(text: str) -> tuple[_Key, str | None]:
    try:
        data: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError("a JWK must be a JSON object") from error
    kinds: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
    if (kind := kinds.get(str(data.get("kty")))) is None:
        raise ValueError("the `kty` of a JWK must be RSA or EC")
    try:
        bits = len(urlsafe_b64decode(str(data["n"]) + "==")) * 8 if kind is RSAKey else _MIN_RSA_BITS
        _require_bits(bits)
        return kind.import_key(data), str(data["kid"]) if data.get("kid") else None
    except (JoseError, KeyError, TypeError, BinasciiError, UnsupportedAlgorithm) as error:
        raise ValueError("the JWK is incomplete or has invalid values") from error


def _read_pem(text: str) -> _Key:
    try:
        private_key = load_pem_private_key(text.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(
            "a private key must be PEM (-----BEGIN PRIVATE KEY-----) without a password, or a JWK"
        ) from error
    match private_key:
        case RSAPrivateKey():
            _require_bits(private_key.key_size)
            return RSAKey.import_key(text.strip())
        case EllipticCurvePrivateKey():
            return ECKey.import_key(text.strip())
        case _:
            raise ValueError("the key must be RSA or EC (P-256, P-384, P-521)")


def _require_bits(bits: int) -> None:
    if bits < _MIN_RSA_BITS:
        raise ValueError(f"an RSA key must have at least {_MIN_RSA_BITS} bits; this one has {bits}")


def _algorithms(key: _Key) -> tuple[str, ...]:
    match key:
        case RSAKey():
            return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
        case ECKey() if key.curve_name in _CURVES:
            return (_CURVES[key.curve_name],)
        case _:
            raise ValueError("the key must be RSA or EC (P-256, P-384, P-521)")
