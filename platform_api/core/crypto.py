"""Encrypts stored credentials with keys that can be rotated: the first of SECRET_KEYS encrypts, all decrypt."""

import base64
from collections.abc import Iterable
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr
from sqlalchemy import LargeBinary
from sqlalchemy.types import TypeDecorator

from platform_api.core.errors import PlatformError


class UnreadableSecret(PlatformError):
    """Reports a stored credential that was encrypted with a key which SECRET_KEYS no longer holds."""

    code = "unreadable_secret"


class Vault:
    """Encrypts and decrypts JSON objects. What is encrypted for one purpose cannot be decrypted for another."""

    def __init__(self, keys: Iterable[SecretStr], *, purpose: str = "stored credentials") -> None:
        self._keys = [Fernet(_derive(key.get_secret_value(), purpose)) for key in keys]
        self._fernet = MultiFernet(self._keys)

    def encrypt(self, value: dict[str, Any]) -> bytes:
        return self._fernet.encrypt(orjson.dumps(value))

    def decrypt(self, sealed: bytes) -> dict[str, Any]:
        """Returns the decrypted object. Raises UnreadableSecret."""
        try:
            value: dict[str, Any] = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken as exc:
            raise UnreadableSecret(
                "a stored credential cannot be decrypted: put the key it was stored with back into SECRET_KEYS"
            ) from exc
        return value

    def rotate(self, sealed: bytes) -> bytes:
        """Encrypts the same value with the first key. Raises UnreadableSecret."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as exc:
            raise UnreadableSecret("a stored credential cannot be decrypted with any of SECRET_KEYS") from exc

    def key_number(self, sealed: bytes) -> int | None:
        """Returns the number, counted from 1, of the key a value is encrypted with; None when it is none of them."""
        for number, key in enumerate(self._keys, 1):
            try:
                key.decrypt(sealed)
            except InvalidToken:
                continue
            return number
        return None


class Sealed(TypeDecorator[bytes]):
    """Marks a column that a `Vault` encrypted: `automio keys rotate` finds what it re-encrypts by this type."""

    impl = LargeBinary
    cache_ok = True


def _derive(key: str, purpose: str) -> bytes:
    """Derives a Fernet key from a key of any form and length."""
    derived = HKDF(SHA256(), 32, salt=None, info=f"automio {purpose}".encode()).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
