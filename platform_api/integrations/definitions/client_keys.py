"""OAuth clients that prove themselves by a signature instead of a secret (`private_key_jwt`, RFC 7523).

The private key is kept where the secret would be, and never leaves the platform.
"""

from base64 import urlsafe_b64decode
from binascii import Error as BinasciiError
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
# Providers refuse assertions that live longer (SMART on FHIR: five minutes); clocks differ by less.
_LIFETIME_SECONDS = 300
_MIN_RSA_BITS = 2048
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_Key = RSAKey | ECKey


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A client's private key."""

    key: _Key
    algorithms: tuple[str, ...]
    """What it can sign with, the usual one first."""
    key_id: str | None
    """Names it to the provider, where it was given as a JWK with `kid`."""


def read_client_key(text: str) -> ClientKey:
    """Returns the key of a PEM text or a JWK. Raises ValueError, saying what would be right."""
    if text.lstrip().startswith("{"):
        key, key_id = _read_jwk(text)
    else:
        key, key_id = _read_pem(text), None
    if not key.is_private:
        raise ValueError("this is a public key; the client signs with its private one")
    return ClientKey(key, _algorithms(key), key_id)


def sign_assertion(key_text: str, *, client_id: str, audience: str, algorithm: str | None = None) -> str:
    """Returns a JWT by which a client proves itself once. Raises ValueError for a key that cannot sign so."""
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
        raise ValueError("a JWK is a JSON object") from error
    kinds: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
    if (kind := kinds.get(str(data.get("kty")))) is None:
        raise ValueError("a JWK has a `kty` of RSA or EC")
    try:
        bits = len(urlsafe_b64decode(str(data["n"]) + "==")) * 8 if kind is RSAKey else _MIN_RSA_BITS
        _require_bits(bits)
        return kind.import_key(data), str(data["kid"]) if data.get("kid") else None
    except (JoseError, KeyError, TypeError, BinasciiError, UnsupportedAlgorithm) as error:
        raise ValueError("the JWK is not complete") from error


def _read_pem(text: str) -> _Key:
    try:
        found = load_pem_private_key(text.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("a private key is PEM (-----BEGIN PRIVATE KEY-----) without a password, or a JWK") from error
    match found:
        case RSAPrivateKey():
            _require_bits(found.key_size)
            return RSAKey.import_key(text.strip())
        case EllipticCurvePrivateKey():
            return ECKey.import_key(text.strip())
        case _:
            raise ValueError("a client signs with a key of RSA or EC (P-256, P-384, P-521)")


def _require_bits(bits: int) -> None:
    if bits < _MIN_RSA_BITS:
        raise ValueError(f"an RSA key has at least {_MIN_RSA_BITS} bits; this has {bits}")


def _algorithms(key: _Key) -> tuple[str, ...]:
    match key:
        case RSAKey():
            return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
        case ECKey() if key.curve_name in _CURVES:
            return (_CURVES[key.curve_name],)
        case _:
            raise ValueError("a client signs with a key of RSA or EC (P-256, P-384, P-521)")
