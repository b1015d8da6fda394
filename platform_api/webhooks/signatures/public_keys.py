"""Reads public keys of senders who sign with a private one, and checks whether a signature is theirs.

A webhook's keys are read with each of its deliveries, so the key of a text is cached. The text itself is the key
of the cache: a webhook whose keys change is never verified with the old ones.
"""

from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from platform_api.webhooks.signatures.encodings import decode_text

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
_ED25519_BYTES = 32
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192
# Of 3,000 characters at most: some megabytes for the webhooks of all organizations.
MAX_REMEMBERED = 1024


@lru_cache(maxsize=MAX_REMEMBERED)
def read_ed25519(text: str) -> Ed25519PublicKey:
    """Returns the key of 32 bytes that `text` encodes. Raises ValueError."""
    for encoding in ("hex", "base64"):
        try:
            key = decode_text(text, encoding)
        except ValueError:
            continue
        if len(key) == _ED25519_BYTES:
            return Ed25519PublicKey.from_public_bytes(key)
    raise ValueError("an Ed25519 public key must be 32 bytes, in hexadecimal (64 digits) or base64")


@lru_cache(maxsize=MAX_REMEMBERED)
def read_x509(text: str, kind: Literal["ecdsa", "rsa"]) -> PublicKey:
    """Returns the key of a PEM text (BEGIN PUBLIC KEY), or of its base64 alone. Raises ValueError."""
    expected = EllipticCurvePublicKey if kind == "ecdsa" else RSAPublicKey
    try:
        if text.lstrip().startswith("-----"):
            key = load_pem_public_key(text.strip().encode())
        else:
            key = load_der_public_key(decode_text("".join(text.split()), "base64"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(
            "a public key must be PEM (-----BEGIN PUBLIC KEY-----), or the base64 between its lines"
        ) from error
    if not isinstance(key, expected):
        raise ValueError(f"this is not a public key of {kind.upper()}")
    if isinstance(key, RSAPublicKey) and not _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS:
        raise ValueError(f"an RSA key must have {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits; this has {key.key_size}")
    return key


def is_signed_by(key: PublicKey, signature: bytes, signed: bytes) -> bool:
    """Returns true if the owner of the key signed this; with ECDSA and RSA, its SHA-256."""
    try:
        match key:
            case Ed25519PublicKey():
                key.verify(signature, signed)
            case EllipticCurvePublicKey():
                key.verify(signature, signed, ECDSA(SHA256()))
            case RSAPublicKey():
                key.verify(signature, signed, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
